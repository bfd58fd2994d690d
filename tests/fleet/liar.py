# SPDX-License-Identifier: GPL-3.0-or-later
"""An origin that passes everything on to a real one, and lies when it is told to."""
import http.client
import http.server
import threading
import time

from certificates import edge_context, origin_context


class Liar:
    """`lie(path, status, body)` returns (status, body) to say instead, or None to say nothing at all and close; `seen`
    holds (time, path) of every GET.  No digest, date or length of the true answer survives a lie.  `instead(method, path)`
    returns (status, body) to say without asking, as a proxy does, or None.

    It has the authority's key, so edges take it for their origin, and the edge's own, so the origin takes it for the edge."""

    def __init__(self):
        self.lie, self.instead, self.seen, self.is_hanging = None, None, [], threading.Event()
        liar = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                self.request.settimeout(90)
                self.request = liar.context.wrap_socket(self.request, server_side=True)
                super().setup()

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if not self.is_answered():
                    self.answer(*liar.ask(self, body))

            def is_answered(self):
                invented = liar.instead(self.command, self.path) if liar.instead else None
                if invented:
                    self.answer(invented[0], [("Content-Type", "text/html")], invented[1])
                return invented is not None

            def do_GET(self):
                if self.is_answered():
                    return
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
                else:
                    self.answer(lied[0], fields if lied == (status, body) else [], lied[1])

            def answer(self, status, fields, body):
                self.send_response_only(status)
                for name, value in fields:
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass  # handshakes of edges that are killed

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def stand_before(self, state, door, edge):
        """Of the origin with this state folder, whose address for nodes is `door`, for the edge of that folder."""
        self.context, self.door, self.edge = origin_context(state), door, edge
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def ask(self, handler, body=None):
        host, port = self.door.rsplit(":", 1)
        is_of_edge = body is None or handler.path.startswith(("/nodes/rebuild", "/nodes/operations"))
        context = edge_context(self.edge if is_of_edge else self.edge.parent / "nobody")
        connection = http.client.HTTPSConnection(host, int(port), timeout=40, context=context)
        try:
            connection.request(handler.command, handler.path, body, headers=dict(handler.headers))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        except OSError:
            return 502, [], b""
        finally:
            connection.close()

    def close(self):
        self.is_hanging.clear()
        if hasattr(self, "thread"):
            self.server.shutdown()
        self.server.server_close()
