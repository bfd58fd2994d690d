# SPDX-License-Identifier: GPL-3.0-or-later
"""An origin whose mood a test changes while it runs.

    with Origin() as origin:
        origin.mood = "503"

Moods: good, 503, slow (2 s), hole (takes connections and says nothing), refused (nobody listens), truncated (half of the
body, then the end), corrupt (another byte than the digest says), error-page (200 with a page that is none of ours),
reset-once (each object breaks off once in its middle).  `count(path)` is how often it was asked.
"""
import base64
import collections
import hashlib
import re
import socket
import ssl
import threading
import time

SLOW_S = 2.0


def body_of(path, size=20000):
    """The same bytes for the same path, everywhere."""
    block = hashlib.sha256(path.encode()).digest()
    return (block * (size // len(block) + 1))[:size]


class Origin:
    def __init__(self, cache_control="max-age=1", size=20000, delay=0.0, certificate=None, etag=True, port=0):
        self.mood, self.cache_control, self.size, self.delay = "good", cache_control, size, delay
        self.has_etag, self.certificate = etag, certificate
        self.requests, self.fields = collections.Counter(), collections.defaultdict(list)
        self.times, self.broken = [], set()
        self._lock, self._open, self._listener = threading.Lock(), set(), None
        self.port = port
        self.listen()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.refuse()

    @property
    def url(self):
        return f"{'https' if self.certificate else 'http'}://localhost:{self.port}"

    def count(self, path=None):
        with self._lock:
            return self.requests[path] if path else sum(self.requests.values())

    def listen(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(1024)
        self.port, self._listener = listener.getsockname()[1], listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def refuse(self):
        """Nobody listens, and what stood is cut."""
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.cut()

    def cut(self):
        with self._lock:
            standing = list(self._open)
        for connection in standing:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def become(self, mood):
        self.mood = mood
        if mood == "refused":
            self.refuse()
        else:
            self.cut()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*self.certificate)
                connection = context.wrap_socket(connection, server_side=True)
            with self._lock:
                self._open.add(connection)
            reader = connection.makefile("rb")
            while self._answer(connection, reader):
                pass
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _answer(self, connection, reader):
        line = reader.readline().decode("latin-1").split()
        if len(line) != 3:
            return False
        method, path, _ = line
        fields = {}
        while (field := reader.readline().decode("latin-1").strip()):
            name, _, value = field.partition(":")
            fields[name.lower()] = value.strip()
        if length := int(fields.get("content-length", "0")):
            reader.read(length)
        with self._lock:
            self.requests[path] += 1
            self.fields[path].append(fields)
            self.times.append(time.monotonic())
        time.sleep(self.delay)
        return self._speak(connection, method, path, fields)

    def _speak(self, connection, method, path, fields):
        mood = self.mood
        if mood == "hole":
            while connection.recv(1):
                pass
            return False
        if mood == "slow":
            time.sleep(SLOW_S)
        if mood == "503":
            connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nsorry")
            return True
        body = body_of(path, self.size)
        etag = '"' + hashlib.sha1(body).hexdigest() + '"'
        head = [f"Cache-Control: {self.cache_control}", "Content-Type: audio/mp4"]
        head += [f"ETag: {etag}"] if self.has_etag else []
        head += ["Repr-Digest: sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"]
        if mood == "error-page":
            body, head = b"<html>all is well, says the load balancer</html>", ["Content-Type: text/html", "Cache-Control: max-age=1"]
        elif fields.get("if-none-match") == etag and mood not in ("truncated", "corrupt"):
            connection.sendall(("HTTP/1.1 304 Not Modified\r\n" + "".join(f"{h}\r\n" for h in head) + "\r\n").encode())
            return True
        status, wanted = "200 OK", re.fullmatch(r"bytes=(\d+)-(\d*)", fields.get("range", ""))
        total = len(body)
        if wanted and fields.get("if-range", etag) == etag:
            first, last = int(wanted[1]), min(int(wanted[2] or total - 1), total - 1)
            head.append(f"Content-Range: bytes {first}-{last}/{total}")
            status, body = "206 Partial Content", body[first:last + 1]
        if mood == "corrupt":
            body = body[:100] + bytes([body[100] ^ 1]) + body[101:]
        head.append(f"Content-Length: {len(body)}")
        cut = mood == "truncated" or (mood == "reset-once" and path not in self.broken and not wanted)
        self.broken.add(path)
        whole = (f"HTTP/1.1 {status}\r\n" + "".join(f"{h}\r\n" for h in head) + "\r\n").encode()
        if method != "HEAD":
            whole += body[:len(body) // 2] if cut else body
        connection.sendall(whole)
        return not cut


def make_certificates(folder):
    """A CA, a good certificate for localhost, and one that expired yesterday: {"ca": …, "good": …, "expired": …}."""
    import subprocess

    def run(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=folder)

    folder.mkdir(exist_ok=True)
    (folder / "ca.cnf").write_text("""[ca]
default_ca = own
[own]
dir = .
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
rand_serial = yes
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
""")
    (folder / "index.txt").write_text("")
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
        "-subj", "/CN=test CA", "-days", "2")
    made = {"ca": folder / "ca.pem"}
    for name, start, end in (("good", "20200101000000Z", "20991231000000Z"), ("expired", "20200101000000Z", "20210101000000Z")):
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        run("ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr", "-out", f"{name}.pem",
            "-startdate", start, "-enddate", end)
        made[name] = (folder / f"{name}.pem", folder / f"{name}.key")
    return made


