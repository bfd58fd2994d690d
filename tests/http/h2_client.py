# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP/2 client on python3-h2, which lets a test send what no honest client would: raw frames too."""
import socket
import struct
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
PRIORITY_UPDATE = 16
END_STREAM = ACK = 1
END_HEADERS = 4
PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL, STREAM_CLOSED, REFUSED, CANCEL, CALM = 1, 2, 3, 5, 7, 8, 11
REQUEST = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/hello")]


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def request(path, *fields, method="GET"):
    """A header list; later fields may repeat or break what comes first."""
    start = [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path)]
    return start + list(fields)


class Answer:
    def __init__(self):
        self.status, self.fields, self.body, self.ended, self.reset, self.interim = None, {}, b"", False, None, []
        self.trailers = None

    def __repr__(self):
        return f"<{self.status} {len(self.body)} bytes, ended {self.ended}, reset {self.reset}>"


class Client:
    """One connection.  `windows` gives back what is received; without it the server runs into the window."""

    def __init__(self, site, windows=True, settings=None, sock=None):
        self.socket = sock or site.connect()
        self.socket.settimeout(0.05)
        config = h2.config.H2Configuration(header_encoding="utf-8", validate_outbound_headers=False,
                                           normalize_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        self.windows, self.answers, self.goaway, self.closed, self.pending = windows, {}, None, False, b""
        self.arrivals, self.pongs = [], 0  # (stream, size) of each DATA frame, in order
        self.last_stream = 2**31 - 1  # that the server has promised to look at
        self.resets = {}  # {stream: error}, also of streams that the library does not know
        self.h2.initiate_connection()
        self.flush()
        if settings:  # behind the library's back: it would not let us break what we said
            self.raw(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in settings.items()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        self.send(self.h2.data_to_send())

    def send(self, data):
        try:
            self.socket.settimeout(5)
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.closed = True
        self.socket.settimeout(0.05)

    def raw(self, kind, flags, stream, payload=b""):
        self.send(frame(kind, flags, stream, payload))

    def encode(self, fields):
        return self.h2.encoder.encode(fields)

    def ask(self, path="/hello", *fields, method="GET", body=None, end=True):
        """Opens a stream; its number."""
        stream = self.h2.get_next_available_stream_id()
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, request(path, *fields, method=method), end_stream=end and body is None)
        if body is not None:
            self.h2.send_data(stream, body, end_stream=end)
        self.flush()
        return stream

    def take(self, event):
        answer = self.answers.setdefault(getattr(event, "stream_id", 0), Answer())
        if isinstance(event, h2.events.ResponseReceived):
            answer.status = int(dict(event.headers)[":status"])
            answer.fields = dict(event.headers)
        elif isinstance(event, h2.events.InformationalResponseReceived):
            answer.interim.append(int(dict(event.headers)[":status"]))
        elif isinstance(event, h2.events.DataReceived):
            answer.body += event.data
            self.arrivals.append((event.stream_id, len(event.data)))
            if self.windows and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            answer.trailers = dict(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            answer.ended = True
        elif isinstance(event, h2.events.StreamReset):
            answer.reset = int(event.error_code)
        elif isinstance(event, h2.events.PingAckReceived):
            self.pongs += 1

    def read(self):
        """One read.  False when there was nothing."""
        try:
            data = self.socket.recv(1 << 18)
        except socket.timeout:
            return False
        except ConnectionResetError:
            data = b""
        if not data:
            self.closed = True
            return False
        try:
            for event in self.h2.receive_data(self.without_goaway(data)):
                self.take(event)
            self.flush()
        except h2.exceptions.ProtocolError:
            pass  # an answer to what was sent behind the library's back
        return True

    def without_goaway(self, data):
        """Whole frames; the library would read nothing after a GOAWAY, yet what runs goes on."""
        self.pending += data
        whole = b""
        while len(self.pending) >= 9:
            size = 9 + int.from_bytes(self.pending[:3], "big")
            if len(self.pending) < size:
                break
            one, self.pending = self.pending[:size], self.pending[size:]
            if one[3] == RST_STREAM:
                self.resets[int.from_bytes(one[5:9], "big")] = int.from_bytes(one[9:13], "big")
            if one[3] == GOAWAY:
                self.goaway, self.last_stream = int.from_bytes(one[13:17], "big"), int.from_bytes(one[9:13], "big")
            else:
                whole += one
        return whole

    def until(self, holds, seconds=5):
        """Reads until `holds()`, the connection's end or the time is up; whether it holds."""
        deadline = time.monotonic() + seconds
        while not holds() and not self.closed and time.monotonic() < deadline:
            self.read()
        return holds()

    def get(self, path="/hello", *fields, seconds=5, **options):
        stream = self.ask(path, *fields, **options)
        answer = self.answers[stream]
        self.until(lambda: answer.ended or answer.reset is not None, seconds)
        return answer

    def ends_with(self, error, seconds=5):
        """Whether the server says GOAWAY with that error, or has closed before one could read it."""
        self.until(lambda: self.goaway not in (None, 0) or self.closed, seconds)
        return self.goaway == error
