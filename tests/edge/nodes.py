# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge under test, and a small origin whose answers are Python functions."""
import contextlib
import http.server
import os
import pathlib
import socket
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOSTENUTO = pathlib.Path(os.environ.get("SOSTENUTO", ROOT / "build" / "debug" / "sostenuto"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Edge:
    """`sostenuto edge` in front of `origin`, until the end of the with statement."""

    def __init__(self, origin, folder, *flags):
        self.command = [SOSTENUTO, "edge", "--no-supervisor", "--plain", origin, "--listen", "127.0.0.1:0",
                        "--data", folder, *flags]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on http://"), line
        self.url = line.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            assert self.process.wait(20) == 0
        finally:
            self.process.kill()
            self.process.stdout.close()


class Origin(http.server.ThreadingHTTPServer):
    """`answer(handler)` makes each answer; `seen` are the requests, as (method, path, headers)."""
    daemon_threads = True

    def __init__(self, answer):
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                origin.seen.append((self.command, self.path, dict(self.headers)))
                origin.answer(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = handle_one

            def log_message(self, *_):
                pass

            def say(self, status=200, body=b"", **fields):
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.seen = answer, []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


@contextlib.contextmanager
def edge_for(answer, folder, *flags):
    with Origin(answer) as origin, Edge(origin.url, folder, *flags) as edge:
        yield edge, origin
