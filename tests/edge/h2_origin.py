# SPDX-License-Identifier: GPL-3.0-or-later
"""An origin that speaks HTTP/2 over TLS (python3-h2), honestly or not: `behave(connection, stream, fields)` answers each
request with what a Connection can do, or with raw frames behind the library's back."""
import collections
import socket
import ssl
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
REFUSED_STREAM, CANCEL, CALM = 7, 8, 11


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


class Connection:
    def __init__(self, origin, sock, number):
        self.origin, self.sock, self.number, self.asked = origin, sock, number, 0
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8", validate_outbound_headers=False,
                                           normalize_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        self.bodies, self.unsent, self.open = collections.defaultdict(bytes), {}, {}

    def run(self):
        self.h2.initiate_connection()
        self.h2.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.origin.streams,
                                 h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: self.origin.window})
        self.flush()
        while data := self.sock.recv(1 << 16):
            try:
                events = self.h2.receive_data(data)
            except h2.exceptions.ProtocolError as error:
                self.origin.faults.append(repr(error))
                return
            for event in events:
                self.take(event)
            self.pour()
            self.flush()

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.open[event.stream_id] = dict(event.headers)
            if self.origin.at_header and not event.stream_ended:
                self.origin.behave(self, event.stream_id, dict(event.headers))
            self.origin.most_open = max(self.origin.most_open, len(self.open))
        elif isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            fields = self.open.get(event.stream_id)
            if not fields or self.origin.at_header:
                return
            self.asked += 1
            with self.origin.lock:
                self.origin.requests.append((self.number, fields, self.bodies.pop(event.stream_id, b"")))
            self.origin.behave(self, event.stream_id, fields)
        elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
            self.origin.ends.append((event.__class__.__name__, int(event.error_code or 0)))
            self.unsent.pop(getattr(event, "stream_id", None), None)
            self.open.pop(getattr(event, "stream_id", None), None)

    # --- what an answer is made of ---
    def head(self, stream, fields, end=False):
        self.h2.send_headers(stream, fields, end_stream=end)
        if end:
            self.open.pop(stream, None)

    def say(self, stream, body=b"", *fields, status="200"):
        self.head(stream, [(":status", status), ("content-length", str(len(body))), *fields], not body)
        if body:
            self.unsent[stream] = body

    def pour(self):
        """Bodies, as far as the windows let them."""
        for stream, body in list(self.unsent.items()):
            while body and (room := min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)) > 0:
                self.h2.send_data(stream, body[:room], end_stream=room >= len(body))
                body = body[room:]
            self.unsent[stream] = body
            if not body:
                del self.unsent[stream]
                self.open.pop(stream, None)

    def raw(self, *frames):
        self.flush()
        self.sock.sendall(b"".join(frames))

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def encode(self, *fields):
        return self.h2.encoder.encode(fields)

    def close(self):
        self.flush()
        self.sock.shutdown(socket.SHUT_RDWR)


class H2Origin:
    def __init__(self, certificate, behave, streams=100, window=65535, at_header=False):
        self.behave, self.streams, self.window = behave, streams, window
        self.requests, self.faults, self.ends, self.most_open, self.connections = [], [], [], 0, 0
        self.lock, self.at_header = threading.Lock(), at_header
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.context.set_alpn_protocols(["h2"])
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"https://localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def count(self, path):
        with self.lock:
            return sum(fields[":path"] == path for _, fields, _ in self.requests)

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(sock, self.connections), daemon=True).start()

    def serve(self, sock, number):
        try:
            with self.context.wrap_socket(sock, server_side=True) as secure:
                Connection(self, secure, number).run()
        except (OSError, ValueError):
            pass
