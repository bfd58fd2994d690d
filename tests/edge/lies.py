# SPDX-License-Identifier: GPL-3.0-or-later
"""The corpus in lies/*.txt: how it is read, the origin that writes down what it is asked, and clients that send any bytes.

    [name] where it comes from
    = refuse [STATUS]   nothing of it reaches an origin; the answer is an error, or the connection ends
    = pass              one whole request reaches the origin, in its plainest form, and is answered
    = first             the same, and what stands behind it is nobody's request
    = 200 body, = cut   of an answer: what the client gets; cut: 502, or a body that visibly broke off; `? not kept`: it is not
                        in the cache either
    ? body BYTES        of what the origin sees; also: method, target, length, field NAME: VALUE, no-field NAME
    > line, >> bytes    the request, with and without CRLF at its end;  < and <<  the answer
    + name=value, ~ bytes, - name=value     of HTTP/2: a field, a DATA frame, a trailer

{p} is this case's own path, {s} one that must never be asked for, {q} that of a second, honest request; {+2} is the length
of the last line with 2 more, {a*9} nine times a, {300} in front of a line the line so often.  Escapes: \\r \\n \\t \\s \\xNN \\\\.
"""
import dataclasses
import pathlib
import re
import socket
import threading

import hpack

FOLDER = pathlib.Path(__file__).resolve().parent / "lies"
ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "s": " ", "\\": "\\"}
TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") (/[\x21-\x7e]*|\*) HTTP/1\.1")
FIELD = re.compile(rb"(" + TOKEN + rb"): ([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
OF_ONE_CONNECTION = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
SAID_ANEW = {(b"te", b"trailers"), (b"connection", b"te")}  # by the edge, of its own connection (RFC 9110 10.1.4)


@dataclasses.dataclass
class Case:
    name: str
    source: str
    want: str = ""
    claims: list = dataclasses.field(default_factory=list)
    wire: bytes = b""
    header: list = dataclasses.field(default_factory=list)
    data: list = dataclasses.field(default_factory=list)
    trailers: list = dataclasses.field(default_factory=list)
    closes: bool = False

    def path(self, kind):
        return f"/{kind}/{self.name}"

    def plain(self, text):
        """Placeholders and escapes become bytes."""
        text = text.replace("{p}", self.path("t")).replace("{s}", self.path("smuggled")).replace("{q}", self.path("second"))
        text = re.sub(r"\{(.)\*(\d+)\}", lambda found: found[1] * int(found[2]), text)
        text = re.sub(r"\\(x[0-9a-f]{2}|.)", lambda found: chr(int(found[1][1:], 16)) if len(found[1]) == 3 else ESCAPES[found[1]], text)
        return text.encode("latin-1")

    def take(self, kind, rest):
        if kind == "=":
            self.want = rest
        elif kind == "?":
            self.claims.append(rest)
        elif kind in (">", ">>", "<", "<<"):
            line = self.plain(rest) + (b"\r\n" if len(kind) == 1 else b"")
            self.wire += line
            grown = re.search(rb"\{\+2\}", self.wire)
            if grown and b"\r\n\r\n" in self.wire and not self.wire.endswith(b"\r\n\r\n"):
                self.wire = self.wire.replace(b"{+2}", b"%d" % len(line))
        elif kind == "~":
            self.data.append(self.plain(rest))
        else:
            name, _, value = self.plain(rest).partition(b"=") if not rest.startswith("=") else (b"", b"", self.plain(rest[1:]))
            (self.header if kind == "+" else self.trailers).append((name, value))


def cases(file):
    found = []
    for number, line in enumerate((FOLDER / file).read_text().splitlines(), 1):
        if head := re.fullmatch(r"\[([a-z0-9.-]+)\] (.+)", line):
            found.append(Case(head[1], head[2]))
        elif line == "close":
            found[-1].closes = True
        elif line and not line.startswith("#"):
            often, kind, rest = re.fullmatch(r"(?:\{(\d+)\})?(=|\?|>>?|<<?|\+|~|-)(?: (.*))?", line).groups()
            for _ in range(int(often or 1)):
                found[-1].take(kind, rest or "")
    assert all(case.want for case in found) and len({case.name for case in found}) == len(found), file
    return found


@dataclasses.dataclass
class Seen:
    method: str
    target: str
    fields: list
    body: bytes

    def says(self, claim, case):
        kind, _, rest = claim.partition(" ")
        name, _, value = rest.partition(": ")
        values = [value.decode("latin-1") for own, value in self.fields if own.lower().decode() == name.lower()]
        return {"body": lambda: self.body == case.plain(rest), "target": lambda: self.target.encode() == case.plain(rest),
                "method": lambda: self.method == rest, "length": lambda: (b"Content-Length", rest.encode()) in self.fields,
                "field": lambda: values == [value], "no-field": lambda: not values}[kind]()


class Recorder:
    """An origin that takes nothing but the plainest HTTP/1.1 and writes down all it sees, faults too.  It answers with what
    was asked, so that an answer in the wrong place shows itself, or with the lie of that path."""

    def __init__(self, lies=()):
        self.lies, self.seen, self.faults, self.open = {case.path("t"): case for case in lies}, [], [], True
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as reader:
            try:
                while self.answer(connection, reader):
                    pass
            except OSError:
                pass

    def fault(self, what):
        self.faults.append(what)
        return False

    def answer(self, connection, reader):
        line = reader.readline()
        if not line:
            return False
        asked = REQUEST_LINE.fullmatch(line[:-2]) if line.endswith(b"\r\n") else None
        if not asked:
            return self.fault(line)
        fields = []
        while (line := reader.readline()) != b"\r\n":
            field = FIELD.fullmatch(line[:-2]) if line.endswith(b"\r\n") else None
            if not field:
                return self.fault((asked[0], line))
            fields.append((field[1], field[2] or b""))
        names = [name.lower() for name, _ in fields]
        lengths = [value for name, value in fields if name.lower() == b"content-length"]
        if names.count(b"host") != 1 or len(lengths) > 1 or OF_ONE_CONNECTION & {
                name.lower() for name, value in fields if (name.lower(), value.lower()) not in SAID_ANEW}:
            return self.fault((asked[0], fields))
        body = reader.read(int(lengths[0])) if lengths else b""
        if lengths and (len(body) != int(lengths[0]) or lengths[0] != b"%d" % len(body)):
            return self.fault((asked[0], lengths, body))
        seen = Seen(asked[1].decode(), asked[2].decode(), fields, body)
        self.seen.append(seen)
        return self.speak(connection, seen)

    def speak(self, connection, seen):
        lie = self.lies.get(seen.target)
        if lie and not any(name.lower() == b"x-honest" for name, _ in seen.fields):
            connection.sendall(lie.wire)
            return not lie.closes
        host = next(value for name, value in seen.fields if name.lower() == b"host").decode()
        body = f"{seen.method} {host} {seen.target}".encode()
        head = f"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        connection.sendall(head + (b"" if seen.method == "HEAD" else body))
        return True


# --- clients: each gives back the status, 0 for a connection that ended, None for one that said nothing ---

def send(connection, wire):
    try:
        connection.sendall(wire)
    except OSError:
        pass  # it has ended; what it said before may still be read


def tell_raw(port, case):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection, connection.makefile("rb") as reader:
        send(connection, case.wire)
        try:
            while True:
                line = reader.readline()
                if not line:
                    return 0
                status = int(line.split()[1])
                while reader.readline() not in (b"\r\n", b""):
                    pass
                if status >= 200:
                    return status
        except ConnectionError:
            return 0
        except TimeoutError:
            return None


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def tell_h2(port, case):
    encoder, decoder = hpack.Encoder(), hpack.Decoder()
    parts = [frame(1, 4, 1, encoder.encode(case.header))] + [frame(0, 0, 1, data) for data in case.data]
    parts += [frame(1, 4, 1, encoder.encode(case.trailers))] if case.trailers else []
    last = bytearray(parts[-1])
    last[4] |= 1  # END_STREAM
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection, connection.makefile("rb") as reader:
        send(connection, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + b"".join(parts[:-1]) + bytes(last))
        try:
            while head := reader.read(9):
                payload = reader.read(int.from_bytes(head[:3], "big"))
                if head[3] == 1:
                    status = int(dict(decoder.decode(payload))[":status"])
                    if status >= 200:
                        return status
                if head[3] in (3, 7):  # RST_STREAM, GOAWAY
                    return 0
        except ConnectionError:
            pass
        except TimeoutError:
            return None
    return 0


def get(port, path, *fields):
    """An honest GET: status, fields in lower case, body, and whether it came whole."""
    lines = "".join(f"{field}\r\n" for field in fields)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, connection.makefile("rb") as reader:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: o.example\r\nConnection: close\r\n{lines}\r\n".encode())
        status, told = 100, {}
        while status < 200:
            status, told = int(reader.readline().split()[1]), {}
            while (line := reader.readline().decode("latin-1").strip()):
                told[line.partition(":")[0].lower()] = line.partition(":")[2].strip()
        try:
            body = reader.read()
        except ConnectionError:
            return status, told, b"", False
    if "chunked" in told.get("transfer-encoding", ""):
        return status, told, b"".join(re.findall(rb"[0-9a-fA-F]+\r\n(.+?)\r\n", body, re.S)), body.endswith(b"0\r\n\r\n")
    return status, told, body, len(body) == int(told.get("content-length", len(body))) or status == 304
