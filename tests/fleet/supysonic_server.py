# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's supysonic, the application itself, served by Python's own server in one process that a test can end by its pid.

    supysonic_server.py FOLDER PORT      FOLDER holds supysonic.conf; each request becomes a line of FOLDER/requests
    FOLDER/mute                          while it is there, writes are done and their answers lost
    FOLDER/hang                          while it is there, nothing is answered
"""
import os
import pathlib
import socketserver
import sys
import time
import urllib.parse
import wsgiref.simple_server


class Threading(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_):
        pass


def recorded(application, folder):
    def answer(environ, start_response):
        if environ["REQUEST_METHOD"] == "POST":
            import io
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
        else:
            body = environ["QUERY_STRING"].encode()
        fields = {name: values for name, values in urllib.parse.parse_qs(body.decode()).items() if name not in ("p", "c", "v", "f")}
        with open(folder / "requests", "a", encoding="utf-8") as log:
            log.write(f"{environ['PATH_INFO'].removeprefix('/rest/')} {urllib.parse.urlencode(fields, doseq=True)}\n")
        while (folder / "hang").exists():
            time.sleep(0.05)
        result = list(application(environ, start_response))
        if (folder / "mute").exists() and environ["REQUEST_METHOD"] == "POST":
            os._exit(0)  # done, and nobody heard: as a crash behind the commit
        return result
    return answer


def main():
    folder = pathlib.Path(sys.argv[1])
    os.chdir(folder)
    from supysonic.web import create_application
    application = recorded(create_application(), folder)
    with wsgiref.simple_server.make_server("127.0.0.1", int(sys.argv[2]), application, Threading, Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
