# SPDX-License-Identifier: GPL-3.0-or-later
"""An origin that passes everything on to a real one, and lies when it is told to."""
import http.client
import http.server
import threading
import time
import urllib.parse


class Liar:
    """`lie(path, status, body)` returns (status, body) to say instead, or None to say nothing at all and close; `seen`
    holds (time, path) of every request.  No digest, date or length of the true answer survives a lie."""

    def __init__(self, url):
        self.target, self.lie, self.seen, self.is_hanging = urllib.parse.urlsplit(url), None, [], threading.Event()
        liar = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                liar.seen.append((time.monotonic(), self.path))
                if liar.is_hanging.is_set():
                    while liar.is_hanging.is_set():
                        time.sleep(0.05)
                    self.close_connection = True
                    return
                status, fields, body = liar.ask(self)
                lied = liar.lie(self.path, status, body) if liar.lie else (status, body)
                if lied is None:
                    self.close_connection = True
                    return
                self.send_response_only(lied[0])
                if lied == (status, body):
                    for name, value in fields:
                        if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                            self.send_header(name, value)
                self.send_header("Content-Length", str(len(lied[1])))
                self.end_headers()
                self.wfile.write(lied[1])

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def ask(self, handler):
        connection = http.client.HTTPConnection(self.target.hostname, self.target.port, timeout=40)
        try:
            connection.request("GET", handler.path, headers=dict(handler.headers))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        except OSError:
            return 502, [], b""
        finally:
            connection.close()

    def close(self):
        self.is_hanging.clear()
        self.server.shutdown()
        self.server.server_close()
