# SPDX-License-Identifier: GPL-3.0-or-later
"""
serve: what an answer costs, beside Debian's nginx, H2O and Varnish in the same run.

    script/bench serve [--quick] [--rounds N] [--seconds S] [--only WHAT,...] [--build DIR]

One core serves (0), the other loads (1).  A figure is CPU time of the server's processes, user space and kernel, per
answered request; the median of rounds in which the servers take turns.  Requests a second are printed, and decide
nothing.  Before each round the load average is printed, and what others took of the processors meanwhile is measured: where
that is more than OTHERS_MAX of one, a row that holds is not called PASS but UNSURE.  Ours goes through its usual path: songs that a scan found, asked for with a grant, counted and logged.
`floor` is no server but what the kernel takes (serve_floor.c).  Loopback flatters whoever copies: no network here.

WHAT: h1-4k h1-160k h1-1m h2-1k tls-4k tls-160k memory idle start
"""
import argparse
import os
import re
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scan_files  # noqa: E402
import serve_peers  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOAD_CORE = 1
OTHERS_MAX = 0.15
SIZES = {"tiny": 1 << 10, "small": 4 << 10, "middle": 160 << 10, "big": 30 << 20}


class Shape:
    """One kind of load: what is asked for, by how many connections, and the bar that ours is held to."""

    def __init__(self, name, what, connections, scheme="http", script=None, streams=0, bar=None):
        self.name, self.what, self.connections, self.scheme = name, what, connections, scheme
        self.script, self.streams, self.bar = script, streams, bar

    def url(self, peer):
        port = peer.tls_port if self.scheme == "https" else peer.port
        return f"{self.scheme}://127.0.0.1:{port}{peer.path(self.what)}"

    def peers(self, peers):
        return [peer for peer in peers if peer.speaks_tls or self.scheme == "http"]

    def run(self, peer, seconds):
        """Answered requests."""
        pinned = ["taskset", "-c", str(LOAD_CORE)]
        if self.streams:
            command = [*pinned, "h2load", f"-c{self.connections}", f"-m{self.streams}", f"-D{seconds}",
                       "--warm-up-time=0", self.url(peer)]
            seen = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60).stdout
            return int(re.search(r"(\d+) succeeded, 0 failed", seen).group(1))
        script = ["-s", f"{TOP}/bench/{self.script}"] if self.script else []
        command = [*pinned, "wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", *script, self.url(peer)]
        seen = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60).stdout
        if "Non-2xx" in seen or "Socket errors" in seen:
            raise RuntimeError(f"{peer.name}: {seen}")
        return int(re.search(r"(\d+) requests in", seen).group(1))


def best_peer(figures):
    return min((figures[name], name) for name in ("nginx", "h2o", "varnish") if name in figures)


def within_of_best(percent):
    def bar(figures):
        least, name = best_peer(figures)
        return figures["ours"] <= least * (1 + percent / 100), f"at most {percent} % above the best, {name}"
    return bar


def beside_h2o(figures):
    h2o, nginx = figures["ours"] / figures["h2o"], figures["nginx"] / figures["ours"]
    return h2o <= 1.9 and nginx >= 3, f"at most 1.9 of h2o ({h2o:.2f}), nginx at least 3 times ours ({nginx:.1f})"


SHAPES = [
    Shape("h1-4k", "small", 64, bar=within_of_best(3)),
    Shape("h1-160k", "middle", 16, bar=within_of_best(3)),
    Shape("h1-1m", "big", 8, script="serve_ranges.lua", bar=within_of_best(3)),
    Shape("h2-1k", "tiny", 16, "https", streams=32, bar=beside_h2o),
    Shape("tls-4k", "small", 64, "https", bar=within_of_best(3)),
    Shape("tls-160k", "middle", 16, "https", bar=within_of_best(3)),
]


# --- what is served ---

def song(template, name, size):
    """A small MP3 of exactly `size` bytes, found under its name."""
    text = b"\x03bench " + name.encode()
    frame = b"TIT2" + bytes([0, 0, 0, len(text)]) + b"\0\0" + text
    head = b"ID3\x04\0\0" + bytes([0, 0, 0, len(frame)]) + frame
    audio = template * (size // len(template) + 1)
    return (head + audio)[:size]


def make_files(cache):
    """The same four songs for each server, and a thousand more that ours knows too."""
    files, more = f"{cache}/serve-files", f"{cache}/serve-1000"
    scan_files.make_small(more, 1000)
    if not os.path.exists(f"{files}/big.mp3"):
        os.makedirs(files, exist_ok=True)
        template = scan_files.templates(f"{cache}/serve.templates")["mp3"]
        for name, size in SIZES.items():
            with open(f"{files}/{name}.mp3", "wb") as file:
                file.write(song(template, name, size))
    return files, more


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "2", "-subj", "/CN=localhost", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"],
                   check=True, stderr=subprocess.DEVNULL)
    for name in ("key.pem", "cert.pem"):
        os.chmod(f"{folder}/{name}", 0o644)


# --- CPU ---

def unverified(protocols):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    return context


def negotiated(peer):
    with socket.create_connection(("127.0.0.1", peer.tls_port)) as plain:
        with unverified(["h2", "http/1.1"]).wrap_socket(plain) as client:
            return client.selected_alpn_protocol(), f"{client.version()} {client.cipher()[0]}"


class Others:
    """Processor time that neither the servers nor their load took, the hypervisor's theft included: processors, on average."""

    def __init__(self, peers):
        self.peers = peers
        self.begun, self.before = time.monotonic(), self.taken_s()

    def taken_s(self):
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, irq, softirq, steal = (int(word) for word in file.readline().split()[1:9])
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return busy - sum(usage.ru_utime + usage.ru_stime for usage in usages) - sum(peer.cpu_s() for peer in self.peers)

    def processors(self):
        return max(0.0, (self.taken_s() - self.before) / (time.monotonic() - self.begun))


def measure(shape, peers, rounds, seconds):
    """{name: (seconds a request, requests a second)} of medians; peers take turns, and turns change."""
    seen = {peer.name: [] for peer in peers}
    for peer in peers:
        shape.run(peer, 1)
    for number in range(rounds):
        print(f"  round {number + 1} of {rounds}: load {os.getloadavg()[0]:.1f}", flush=True)
        turn = number % len(peers)
        for peer in peers[turn:] + peers[:turn]:
            before, begun = peer.cpu_s(), time.monotonic()
            count = shape.run(peer, seconds)
            seen[peer.name].append(((peer.cpu_s() - before) / count, count / (time.monotonic() - begun)))
    return {name: tuple(statistics.median(column) for column in zip(*figures)) for name, figures in seen.items()}


def verdict(holds, others):
    if holds and others > OTHERS_MAX:
        return f"UNSURE, since others took {others:.2f} of the processors, more than {OTHERS_MAX}:"
    return "PASS" if holds else "FAIL"


def judge(shape, figures, others):
    costs = {name: cost for name, (cost, _) in figures.items()}
    least, best = best_peer(costs)
    print(f"{shape.name}: {shape.connections} connections"
          f"{f' x {shape.streams} streams' if shape.streams else ''}, others took {others:.2f} processors")
    for name, (cost, rate) in figures.items():
        print(f"  {name:8} {cost * 1e6:8.2f} us a request  {cost / least:5.2f} x {best:7}  {rate:9.0f} requests/s")
    holds, words = shape.bar(costs)
    print(f"  {verdict(holds, others)} {words}", flush=True)
    return holds and others <= OTHERS_MAX


def bench_shape(shape, peers, rounds, seconds):
    mine = shape.peers(peers)
    if shape.scheme == "https":
        speaks = {peer.name: negotiated(peer) for peer in mine}
        print("  ".join(f"{name}: {protocol} {cipher}" for name, (protocol, cipher) in speaks.items()))
        if shape.streams and speaks["ours"][0] != "h2":
            print(f"{shape.name}: left out, ours does not offer h2 yet")
            return True
    others = Others(peers)
    return judge(shape, measure(shape, mine, rounds, seconds), others.processors())


# --- memory, wake-ups, start ---

def ask_once(client, peer):
    client.sendall(f"GET {peer.path('tiny')} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    seen = b""
    while len(seen) < SIZES["tiny"]:
        seen += client.recv(65536)


def h2_string(text):
    """Written out (RFC 7541 5.2), with its length as an integer of seven bits and more (5.1)."""
    size = len(text)
    if size < 127:
        return bytes([size]) + text
    size, digits = size - 127, b"\x7f"
    while size >= 128:
        digits, size = digits + bytes([size % 128 + 128]), size // 128
    return digits + bytes([size]) + text


def ask_once_h2(client, peer):
    """Prior knowledge: preface, SETTINGS, one request that puts two fields in HPACK's table, as clients do; until the
    stream ends."""
    block = (b"\x82\x86\x04" + h2_string(peer.path("tiny").encode()) + b"\x41" + h2_string(b"localhost")
             + b"\x7a" + h2_string(b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"))
    client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
                   + len(block).to_bytes(3, "big") + bytes([1, 5, 0, 0, 0, 1]) + block)
    stream, ended = client.makefile("rb"), False
    while not ended:
        head = stream.read(9)
        stream.read(int.from_bytes(head[:3], "big"))
        if head[3] == 4 and not head[4]:
            client.sendall(bytes([0, 0, 0, 4, 1, 0, 0, 0, 0]))
        ended = head[3] < 2 and head[4] & 1


def connect(peer, kind, context):
    plain = socket.create_connection(("127.0.0.1", peer.ports[kind]))
    client = context.wrap_socket(plain) if kind == "tls" else plain
    (ask_once_h2 if kind == "h2" else ask_once)(client, peer)
    return client


def idle_bytes(peer, kind, count):
    """Private memory per connection that is open, had one answer, and waits."""
    context = unverified(["http/1.1"])
    for client in [connect(peer, kind, context) for _ in range(64)]:
        client.close()
    time.sleep(0.3)
    before = peer.memory_bytes()
    clients = [connect(peer, kind, context) for _ in range(count)]
    time.sleep(0.3)
    grown = (peer.memory_bytes() - before) / count
    for client in clients:
        client.close()
    time.sleep(0.3)
    return grown


def bench_memory(peers, count):
    good = True
    for kind in ("plain", "tls", "h2"):
        figures = {}
        for peer in peers:
            if peer.name != "floor" and kind in peer.ports:
                peer.stop()
                peer.start()
                figures[peer.name] = idle_bytes(peer, kind, count)
        bar = 256 if kind == "plain" else figures["nginx"]
        holds = figures["ours"] <= bar
        good &= holds
        print(f"memory of an idle {kind} connection, of {count}: "
              + "  ".join(f"{name} {size:.0f}" for name, size in figures.items())
              + f"   {'PASS' if holds else 'FAIL'} at most {bar:.0f} bytes", flush=True)
    return good


def bench_idle(peers, seconds):
    figures = {}
    for peer in peers:
        before = peer.switches()
        time.sleep(seconds)
        figures[peer.name] = sum(count - before.get(thread, 0) for thread, count in peer.switches().items()) / seconds
    holds = figures["ours"] <= 1
    print("wake-ups a second when idle: " + "  ".join(f"{name} {rate:.1f}" for name, rate in figures.items())
          + f"   {'PASS' if holds else 'FAIL'} at most 1", flush=True)
    return holds


def bench_start(peers, rounds):
    figures = {peer.name: [] for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            peer.stop()
            begun = time.monotonic()
            peer.start()
            figures[peer.name].append((time.monotonic() - begun) * 1000)
    medians = {name: statistics.median(times) for name, times in figures.items()}
    holds = medians["ours"] <= 50
    print("exec to first byte: " + "  ".join(f"{name} {time_ms:.0f} ms" for name, time_ms in medians.items())
          + f"   {'PASS' if holds else 'FAIL'} within 50 ms", flush=True)
    return holds


# --- all ---

def start_all(arguments, temp):
    cache = f"{TOP}/build/bench"
    os.makedirs(cache, exist_ok=True)
    files, more = make_files(cache)
    make_certificate(temp)
    nginx = serve_peers.Nginx(files, f"{temp}/nginx")
    ours = serve_peers.Ours(files, f"{temp}/ours", arguments.build, more)
    peers = [serve_peers.Floor(files, f"{temp}/floor", arguments.build), nginx,
             serve_peers.H2O(files, f"{temp}/h2o"), serve_peers.Varnish(files, f"{temp}/varnish", nginx), ours]
    try:
        for peer in peers:
            peer.start()
        ours.learn_paths(SIZES)
        for peer in peers:
            print(f"{peer.name}: logs {peer.log}")
    except BaseException:
        stop_all(peers)
        raise
    return peers


def stop_all(peers):
    for peer in reversed(peers):
        peer.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="about a minute")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--only", default="")
    parser.add_argument("--build", default=f"{TOP}/build/release")
    arguments = parser.parse_args()
    rounds, seconds = arguments.rounds or (1 if arguments.quick else 5), arguments.seconds or (1 if arguments.quick else 3)
    wanted = [name for name in arguments.only.split(",") if name]
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with tempfile.TemporaryDirectory(prefix="sostenuto-bench-") as temp:
        os.chmod(temp, 0o755)
        peers, good = start_all(arguments, temp), True
        try:
            for shape in SHAPES:
                if not wanted or shape.name in wanted:
                    good &= bench_shape(shape, peers, rounds, seconds)
            if not wanted or "idle" in wanted:
                good &= bench_idle(peers, 3 if arguments.quick else 10)
            if not wanted or "start" in wanted:
                good &= bench_start(peers, rounds)
            if not wanted or "memory" in wanted:
                good &= bench_memory(peers, 1000 if arguments.quick else 8000)
        finally:
            stop_all(peers)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
