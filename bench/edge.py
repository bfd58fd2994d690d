# SPDX-License-Identifier: GPL-3.0-or-later
"""
edge: what a cached answer costs, beside Debian's nginx (proxy_cache) and Varnish in the same run; what a dead or a slow origin costs.

    script/bench edge [--quick] [--rounds N] [--seconds S] [--only WHAT,...] [--build DIR]

Method, load, figures, floor and UNSURE as in bench/serve.  All caches stand before one nginx that serves files; every object is in the
cache before it is measured.  Ours with one loop, its access log, counters and Cache-Status on.  The rows about time
(stale, followers, hedge) are of ours alone, over an origin in Python.

WHAT: h1-1k h2-1k h1-160k h1-1m stale followers hedge
"""
import argparse
import hashlib
import http.client
import os
import re
import resource
import select
import socket
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import serve  # noqa: E402
import serve_peers  # noqa: E402

sys.path.insert(0, f"{serve.TOP}/tests/edge")
from moods import Origin  # noqa: E402


# --- peers ---

class Files(serve_peers.Nginx):
    """The origin: files that stay fresh for a day."""
    name = "origin"

    def command(self):
        command = super().command()
        with open(command[2], encoding="utf-8") as file:
            text = file.read()
        serve_peers.write(command[2], text.replace("root ", "expires 1d; root "))
        return command


class CachingNginx(serve_peers.Nginx):
    def __init__(self, files, folder, origin):
        super().__init__(files, folder)
        self.origin = origin

    def command(self):
        text = f"""daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/errors crit;
            {"user root;" if os.getuid() == 0 else ""}
            events {{ worker_connections 20000; }}
            http {{ sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_timeout {serve_peers.IDLE_S}s;
              open_file_cache max=1000 inactive=600s; open_file_cache_valid 600s; http2_max_requests 100000000;
              access_log {self.folder}/access.log combined buffer=64k flush=1s;
              proxy_cache_path {self.folder}/cache levels=1:2 keys_zone=all:16m max_size=1g inactive=1d use_temp_path=off;
              server {{ listen 127.0.0.1:{self.port}; listen 127.0.0.1:{self.h2_port} http2;
                location / {{ proxy_pass http://127.0.0.1:{self.origin.port}; proxy_cache all; proxy_cache_lock on;
                  proxy_cache_use_stale updating error timeout http_503; proxy_cache_background_update on; }}
              }} }}"""
        return ["nginx", "-c", serve_peers.write(f"{self.folder}/conf", text)]


class Edge(serve_peers.Peer):
    name, log = "ours", "access_log"

    def __init__(self, files, folder, build, origin_url, **options):
        super().__init__(files, folder)
        self.build, self.origin_url, self.options = build, origin_url, options

    def command(self):
        options = {"plain": self.origin_url, "data": f"{self.folder}/state", "listen": f"127.0.0.1:{self.port}",
                   "access-log": f"{self.folder}/access.log", "idle-timeout-ms": serve_peers.IDLE_S * 1000,
                   "max-requests-per-connection": 100000000, "loops": 1, "cache-memory-mib": 256, **self.options}
        return [f"{self.build}/sostenuto", "edge", *(f"--{key}={value}" for key, value in options.items())]

    def counter(self, name):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        client.request("GET", "/.sostenuto/metrics")
        return int(re.search(rf"^sostenuto_{name} (\d+)", client.getresponse().read().decode(), re.M).group(1))


class Floor(serve_peers.Floor):
    """What this kernel takes for such an answer; no cache, and no server."""

    def path(self, what):
        return "/small" if what == "tiny" else f"/{what}"

    def command(self):
        return [f"{self.build}/bench/serve_floor", str(self.port), *(f"{self.files}/{name}.mp3" for name in ("tiny", "middle", "big"))]


class Shape(serve.Shape):
    """HTTP/2 is spoken in plain with prior knowledge: no TLS between a figure and its cause."""

    def url(self, peer):
        return f"http://127.0.0.1:{peer.ports['h2' if self.streams else 'plain']}{peer.path(self.what)}"

    def peers(self, peers):
        return [peer for peer in peers if not self.streams or peer.name not in ("varnish", "floor")]


def times_better(**factors):
    def bar(figures):
        ratios = {name: figures[name] / figures["ours"] for name in factors}
        words = ", ".join(f"{name} {ratios[name]:.2f} times ours (bar {factors[name]})" for name in factors)
        return all(ratios[name] >= factors[name] for name in factors), words
    return bar


SHAPES = [
    Shape("h1-1k", "tiny", 64, bar=times_better(nginx=1.35, varnish=3)),
    Shape("h2-1k", "tiny", 16, streams=32, bar=times_better(nginx=3.5)),
    Shape("h1-160k", "middle", 16, bar=times_better(nginx=3, varnish=1.5)),
    Shape("h1-1m", "big", 8, script="serve_ranges.lua", bar=times_better(nginx=2, varnish=1.5)),
]


def judge(shape, figures, others):
    costs = {name: cost for name, (cost, _) in figures.items()}
    print(f"{shape.name}: {shape.connections} connections{f' x {shape.streams} streams' if shape.streams else ''}, "
          f"others took {others:.2f} processors")
    for name, (cost, rate) in figures.items():
        print(f"  {name:8} {cost * 1e6:8.2f} us a request  {cost / costs['ours']:5.2f} x ours  {rate:9.0f} requests/s")
    holds, words = shape.bar(costs)
    print(f"  {serve.verdict(holds, others)} {words}", flush=True)
    return holds and others <= serve.OTHERS_MAX


def fill(peers):
    """Each object is asked for until it is whole in the cache."""
    for peer in peers:
        for what, size in serve.SIZES.items():
            for _ in range(2):
                client = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=30)
                client.request("GET", peer.path(what))
                assert len(client.getresponse().read()) == size, f"{peer.name} {what}"
                time.sleep(0.1)


def bench_shapes(arguments, temp, wanted, rounds, seconds):
    files, _ = serve.make_files(f"{serve.TOP}/build/bench")
    serve.make_certificate(temp)
    origin, floor = Files(files, f"{temp}/origin"), Floor(files, f"{temp}/floor", arguments.build)
    peers = [CachingNginx(files, f"{temp}/nginx", origin), serve_peers.Varnish(files, f"{temp}/varnish", origin),
             Edge(files, f"{temp}/ours", arguments.build, f"http://127.0.0.1:{origin.port}")]
    good = True
    try:
        for peer in [origin, floor, *peers]:
            peer.start()
            print(f"{peer.name}: logs {peer.log}")
        fill(peers)
        for shape in wanted:
            mine, others = shape.peers([floor, *peers]), serve.Others([origin, floor, *peers])
            good &= judge(shape, serve.measure(shape, mine, rounds, seconds), others.processors())
    finally:
        serve.stop_all([origin, floor, *peers])
    return good


# --- time ---

class Moody(Origin):
    """Of its answers some come a second late, whatever is asked for."""

    def __init__(self, late_percent=0, **how):
        self.late_percent, self.answered = late_percent, 0
        super().__init__(**how)

    def _speak(self, connection, method, path, fields):
        with self._lock:
            self.answered += 1
            drawn = hashlib.sha256(str(self.answered).encode()).digest()
        if int.from_bytes(drawn[:4], "big") % 1000 < self.late_percent * 10:
            time.sleep(1)
        return super()._speak(connection, method, path, fields)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def ask_in_turn(port, paths):
    """Seconds from each request to the last byte of its answer, on one connection; and the statuses."""
    client, times, statuses = http.client.HTTPConnection("127.0.0.1", port, timeout=30), [], set()
    for path in paths:
        begun = time.perf_counter()
        client.request("GET", path)
        answer = client.getresponse()
        answer.read()
        times.append(time.perf_counter() - begun)
        statuses.add(answer.status)
    return times, statuses


def bench_stale(arguments, temp):
    """Fresh ones, then the same when they are stale and the origin is dead."""
    paths, good = [f"/m/song{i}/aac-128/1.m4s" for i in range(300)], True
    for mood in ("503", "hole", "refused"):
        with Origin(cache_control="max-age=2") as origin:
            edge = Edge(None, f"{temp}/stale-{mood}", arguments.build, origin.url)
            edge.path = lambda what: paths[0]
            edge.start()
            try:
                ask_in_turn(edge.port, paths)
                fresh, _ = ask_in_turn(edge.port, paths)
                time.sleep(2.5)
                origin.become(mood)
                first, _ = ask_in_turn(edge.port, paths[:20])  # until the origin is taken for dead
                stale, statuses = ask_in_turn(edge.port, paths)
            finally:
                edge.stop()
        more = [(percentile(stale, share) - percentile(fresh, share)) * 1000 for share in (0.5, 0.99)]
        holds = statuses == {200} and more[0] <= 1 and more[1] <= 5
        good &= holds
        print(f"stale, {mood}: p50 {more[0]:+.2f} ms, p99 {more[1]:+.2f} ms beside fresh ones ({percentile(fresh, 0.5) * 1000:.2f}, "
              f"{percentile(fresh, 0.99) * 1000:.2f}); the slowest of the first {max(first) * 1000:.0f} ms   "
              f"{'PASS' if holds else 'FAIL'} within 1 and 5 ms, all 200", flush=True)
    return good


def first_bytes(port, path, count):
    """When each of `count` that ask at once saw its first byte, in seconds after the first of them."""
    clients, poll, seen = {}, select.epoll(), {}
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port))
        clients[client.fileno()] = client
        poll.register(client.fileno(), select.EPOLLIN | select.EPOLLONESHOT)
    for client in clients.values():
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    while len(seen) < count:
        for fd, _ in poll.poll(20):
            seen[fd] = time.perf_counter()
    for client in clients.values():
        client.close()
    return sorted(when - min(seen.values()) for when in seen.values())


def bench_followers(arguments, temp):
    spreads, asked = [], 0
    with Origin(delay=0.3, cache_control="max-age=600", size=1000) as origin:
        edge = Edge(None, f"{temp}/followers", arguments.build, origin.url, loops=2)
        edge.start()
        try:
            for number in range(5):
                spreads.append(percentile(first_bytes(edge.port, f"/cold{number}", 50), 0.99))
                asked = max(asked, origin.count(f"/cold{number}"))
        finally:
            edge.stop()
    spread = statistics.median(spreads) * 1000
    holds = spread <= 1 and asked == 1
    print(f"followers: of 50 at once the last first byte {spread:.2f} ms after the first, {asked} request upstream   "
          f"{'PASS' if holds else 'FAIL'} within 1 ms, 1 request", flush=True)
    return holds


def bench_hedge(arguments, temp, count):
    times, lock = [], threading.Lock()

    def misses(number, port):
        mine, _ = ask_in_turn(port, [f"/miss{number}-{i}" for i in range(count // 8)])
        with lock:
            times.extend(mine[20:])  # before, too few times are known

    with Moody(late_percent=1, delay=0.05, cache_control="max-age=600", size=2000) as origin:
        edge = Edge(None, f"{temp}/hedge", arguments.build, origin.url)
        edge.start()
        try:
            threads = [threading.Thread(target=misses, args=(number, edge.port)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            hedges, won = edge.counter("origin_hedges_total"), edge.counter("origin_hedges_won_total")
        finally:
            edge.stop()
    p50, p99 = percentile(times, 0.5) * 1000, percentile(times, 0.99) * 1000
    extra = 100 * hedges / count
    holds = p99 <= 2 * p50 and extra <= 2
    print(f"hedge: misses p50 {p50:.1f} ms, p99 {p99:.1f} ms ({p99 / p50:.2f} x), slowest {max(times) * 1000:.0f} ms; {hedges} hedges "
          f"({extra:.2f} % more), {won} won   {'PASS' if holds else 'FAIL'} at most 2 x, at most 2 %", flush=True)
    return holds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="about a minute")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--only", default="")
    parser.add_argument("--build", default=f"{serve.TOP}/build/release")
    arguments = parser.parse_args()
    rounds, seconds = arguments.rounds or (1 if arguments.quick else 5), arguments.seconds or (1 if arguments.quick else 3)
    wanted = [name for name in arguments.only.split(",") if name]
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    shapes, good = [shape for shape in SHAPES if not wanted or shape.name in wanted], True
    with tempfile.TemporaryDirectory(prefix="sostenuto-bench-") as temp:
        os.chmod(temp, 0o755)
        if shapes:
            good &= bench_shapes(arguments, temp, shapes, rounds, seconds)
        if not wanted or "stale" in wanted:
            good &= bench_stale(arguments, temp)
        if not wanted or "followers" in wanted:
            good &= bench_followers(arguments, temp)
        if not wanted or "hedge" in wanted:
            good &= bench_hedge(arguments, temp, 2400 if arguments.quick else 8000)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
