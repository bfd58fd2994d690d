#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounds of random faults on a real edge before a seeded origin: no byte is ever other than what the origin said.

    tests/edge/campaign.py --rounds 1000 --seed 7          (SOSTENUTO=build/release/sostenuto: another binary)
    tests/edge/campaign.py --slices ...                    what is larger than 128 KiB is held in slices of 64 KiB

In each round clients ask for wholes, ranges and validations of objects that change now and then, while the origin fails, the
disk is full, slow, dead, tears writes or flips bits of what it reads (failing_disk.c), files of the cache are damaged where they
lie, somebody purges, and the edge is killed (-9).  Every byte that arrives is compared with the version that its ETag,
or for some objects its Last-Modified, names.  A failure of an answer needs an excuse: an origin that failed, a disk that was being read, the kill, or, in slices, another version by now.  The process never
ends by itself, is ready again within seconds after each kill, and its memory, descriptors, threads and disk stay bounded.
"""
import argparse
import asyncio
import base64
import collections
import ctypes
import email.utils
import errno
import functools
import hashlib
import mmap
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from asked import SOSTENUTO, Edge  # noqa: E402

HERE = pathlib.Path(__file__).parent
HOST = "music.example"
PATHS = [f"/o/{i}" for i in range(240)]
MEMORY_MIB, DISK_MIB = 10, 16  # the objects are about 30 MiB: both tiers evict
FLAGS = ["--no-supervisor", "--cache-memory-mib", MEMORY_MIB, "--cache-disk-mib", DISK_MIB, "--loops", "2", "--edge-patience-ms", "200",
         "--origin-first-byte-ms", "2500", "--origin-idle-ms", "2500", "--origin-connect-ms", "2500", "--origin-deadline-ms", "6000",
         "--breaker-probe-ms", "100"]
SLICES = ["--edge-slice-kib", "64", "--edge-sliced-from-kib", "128"]
EPOCH = int(time.time()) - 30 * 86400  # dates of versions are long ago, so that they are strong (RFC 9110 8.8.2.2)
LAG_S = 0.15  # this process is the origin too: when it did not run for so long, an answer may be late
READY_S, ANSWER_S, MOST_FDS, MOST_THREADS, MOST_RESIDENT = 30, 30, 300, 32, 160 << 20
MOODS = ["503", "slow", "hole", "refused", "truncated", "corrupt", "reset"]
COUNTERS = ["cache_disk_hits_total", "cache_disk_evicted_total", "cache_disk_damaged_total", "cache_disk_reads_failed_total",
            "cache_disk_writes_failed_total", "cache_disk_skipped_total", "edge_sliced_total", "edge_slices_total",
            "edge_slices_changed_total"]


# --- what the origin says of a path in a version ---
def number(path):
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big")


def size_of(path, version):
    kind, rest = number(path) % 20, number(path) >> 8
    least, most = (200, 4000) if kind < 8 else (10000, 80000) if kind < 16 else (200000, 400000) if kind < 19 else (500000, 900000)
    return least + (rest + version * 997) % (most - least)


@functools.lru_cache(maxsize=1500)
def body_of(path, version):
    return random.Random(f"{path} {version}").randbytes(size_of(path, version))


def max_age(path):
    return (1, 5, 600)[number(path) // 20 % 3]


def is_chunked(path):
    return number(path) // 60 % 5 == 0 and number(path) % 20 < 19  # of what fits: else its end is the client's too


def etag_of(version):
    return f'"v{version}"'


def is_dated(path):
    """It has no ETag."""
    return number(path) // 300 % 4 == 0


def name_of(path, version):
    """What a version is known by: field and value."""
    if is_dated(path):
        return "Last-Modified", email.utils.formatdate(EPOCH + 60 * version, usegmt=True)
    return "ETag", etag_of(version)


def version_of(fields):
    """-1: of none."""
    if version := re.fullmatch(r'"v(\d+)"', fields.get("etag", "")):
        return int(version[1])
    date = email.utils.parsedate_to_datetime(fields["last-modified"]) if "last-modified" in fields else None
    return (int(date.timestamp()) - EPOCH) // 60 if date else -1


class SeededOrigin:
    """Says body_of(path, versions[path]), unless its mood is otherwise."""

    def __init__(self):
        self.versions, self.mood, self.port, self.asked = collections.Counter(), "good", 0, 0
        self._server, self._writers = None, set()

    async def listen(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, reuse_address=True, backlog=1000)
        self.port = self._server.sockets[0].getsockname()[1]

    async def become(self, mood):
        if self.mood == "refused" and mood != "refused":
            await self.listen()
        self.mood = mood
        if mood == "refused":
            self.stop()

    def stop(self):
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            while await self._answer(reader, writer):
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        self.asked += 1
        mood = self.mood
        if mood == "hole":
            await asyncio.sleep(5)
            return False
        if mood == "slow":
            await asyncio.sleep(0.4)
        if mood == "503":
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nsorry")
            return True
        if mood == "reset" and number(path) % 2:
            writer.transport.abort()
            return False
        return self._say(writer, method, path, fields, mood)

    def _say(self, writer, method, path, fields, mood):
        version = self.versions[path]
        body, status = body_of(path, version), "200 OK"
        field, name = name_of(path, version)
        head = [f"{field}: {name}", f"Cache-Control: max-age={max_age(path)}", "Content-Type: audio/mp4",
                "Repr-Digest: sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"]
        if name in fields.get("if-none-match", "") or name == fields.get("if-modified-since"):
            writer.write(("HTTP/1.1 304 Not Modified\r\n" + "\r\n".join(head) + "\r\n\r\n").encode())
            return True
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", fields.get("range", ""))
        if wanted and fields.get("if-range", name) == name and int(wanted[1]) < len(body):
            first, last = int(wanted[1]), min(int(wanted[2] or len(body) - 1), len(body) - 1)
            head.append(f"Content-Range: bytes {first}-{last}/{len(body)}")
            status, body = "206 Partial Content", body[first:last + 1]
        if mood == "corrupt" and status.startswith("200"):  # nobody could tell of a part: the digest is the whole's
            at = len(body) // 2
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
        is_cut = mood == "truncated" and len(body) > 1
        said = body[:len(body) // 2] if is_cut else body
        if is_chunked(path) and status.startswith("200"):
            head.append("Transfer-Encoding: chunked")
            said = b"".join(b"%x\r\n%s\r\n" % (len(said[at:at + 30000]), said[at:at + 30000]) for at in range(0, len(said), 30000))
            said += b"" if is_cut else b"0\r\n\r\n"
        else:
            head.append(f"Content-Length: {len(body)}")
        writer.write((f"HTTP/1.1 {status}\r\n" + "\r\n".join(head) + "\r\n\r\n").encode() + (b"" if method == "HEAD" else said))
        return not is_cut


# --- one request of a client ---
class Answer:
    """What came: `failure` says how it ended early, `body` is what arrived until then."""

    def __init__(self, path):
        self.path, self.status, self.fields, self.body, self.failure = path, 0, {}, b"", None


async def read_body(reader, answer):
    if answer.fields.get("transfer-encoding") == "chunked":
        while (size := int(await reader.readuntil(b"\r\n"), 16)) > 0:
            while size > 0:
                part = await reader.read(size)
                if not part:
                    raise asyncio.IncompleteReadError(b"", size)
                answer.body += part
                size -= len(part)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return
    left = int(answer.fields["content-length"])
    parts = []
    try:
        while left > 0:
            part = await reader.read(left)
            if not part:
                raise asyncio.IncompleteReadError(b"", left)
            parts.append(part)
            left -= len(part)
    finally:
        answer.body = b"".join(parts)


async def ask(port, path, fields):
    answer, writer = Answer(path), None
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        told = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{told}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        answer.status = int(head[0].split()[1])
        answer.fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        if answer.status != 304:
            await read_body(reader, answer)
    except (OSError, asyncio.IncompleteReadError) as failure:
        answer.failure = repr(failure)
    finally:
        if writer:
            writer.close()
    return answer


def wrong_bytes(answer, versions):
    """Why what arrived is not what the origin said, or None.  Whatever arrived before an early end counts too."""
    if answer.status not in (200, 206):
        return None
    version = version_of(answer.fields)
    if not 0 <= version <= versions[answer.path]:
        return f"ETag {answer.fields.get('etag')}, Last-Modified {answer.fields.get('last-modified')}: the origin never said it"
    body, first, last = body_of(answer.path, version), 0, None
    if answer.status == 206:
        part = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.fields.get("content-range", ""))
        if not part or int(part[3]) != len(body):
            return f"Content-Range {answer.fields.get('content-range')} of {len(body)} bytes"
        first, last = int(part[1]), int(part[2])
    expected = body[first:len(body) if last is None else last + 1]
    if answer.failure:
        expected = expected[:len(answer.body)]
    if answer.body == expected:
        return None
    at = next((i for i, (a, b) in enumerate(zip(answer.body, expected)) if a != b), min(len(answer.body), len(expected)))
    return f"{answer.status}: byte {first + at} of {len(body)}, {len(answer.body)} came where {len(expected)} belong"


# --- the disk's orders ---
class Orders:
    """The board of failing_disk.c."""
    ORDERS = ["write_errno", "read_errno", "delay_us", "tear_in", "flip_in", "holds_back"]
    NAMES = ORDERS + ["failed_writes", "failed_reads", "delayed", "torn", "flipped"]

    def __init__(self, folder):
        self.library, self.board = folder / "failing_disk.so", folder / "orders"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", self.library, HERE / "failing_disk.c", "-ldl"],
                       check=True)
        self.board.write_bytes(bytes(4096))
        with open(self.board, "r+b") as file:
            self._mapped = mmap.mmap(file.fileno(), 4096)
        self._words = (ctypes.c_uint32 * len(self.NAMES)).from_buffer(self._mapped)
        self.environment = {"LD_PRELOAD": str(self.library), "FAILING_DISK": str(self.board),
                            "ASAN_OPTIONS": "detect_leaks=1:exitcode=99:verify_asan_link_order=0"}

    def give(self, **orders):
        for i, name in enumerate(self.ORDERS):
            self._words[i] = orders.get(name, 0)

    def counts(self):
        return {name: self._words[i] for i, name in enumerate(self.NAMES) if name not in self.ORDERS}


DISKS = {
    "full": {"write_errno": errno.ENOSPC},
    "dead": {"write_errno": errno.EIO, "read_errno": errno.EIO},
    "slow": {"delay_us": 15000},
    "tearing": {"tear_in": 4},
    "flipping": {"flip_in": 8},
}


class Campaign:
    def __init__(self, folder, seed, flags=()):
        self.folder, self.random, self.flags = pathlib.Path(folder), random.Random(seed), [*FLAGS, *flags]
        self.is_slicing = "--edge-slice-kib" in flags
        self.data, self.origin, self.orders = self.folder / "edge", SeededOrigin(), Orders(self.folder)
        self.figures, self.edge = collections.Counter(wrong=0), None
        self.round, self.now, self.probes, self.lagged_at = 0, "", 0, 0.0

    # --- the edge ---
    def start(self):
        begun = time.monotonic()
        self.edge = Edge(self.data, f"http://127.0.0.1:{self.origin.port}", flags=self.flags, environment=self.orders.environment)
        self.figures["longest_start_ms"] = max(self.figures["longest_start_ms"], round((time.monotonic() - begun) * 1000))

    async def _metrics(self):
        answer = await asyncio.wait_for(ask(self.edge.port, "/.sostenuto/metrics", {}), ANSWER_S)
        assert answer.status == 200, answer.failure
        found = dict(re.findall(r"^sostenuto_(\w+) (\d+)$", answer.body.decode(), re.M))
        return {name: int(found[name]) for name in COUNTERS}

    async def count(self):
        self.figures.update(await self._metrics())

    async def recover(self):
        """The origin is well: soon what nobody asked before is answered."""
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            self.probes += 1
            answer = await asyncio.wait_for(ask(self.edge.port, f"/probe/{self.probes}", {}), ANSWER_S)
            if answer.status == 200 and not answer.failure:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"not well again after {READY_S} s: {answer.status} {answer.failure} {answer.fields}")

    def assert_bounded(self):
        assert self.edge.process.poll() is None, f"it ended by itself: {self.edge.log.read_text(errors='replace')[-3000:]}"
        proc = pathlib.Path(f"/proc/{self.edge.process.pid}")
        fds, threads = len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir()))
        resident = int(re.search(r"VmRSS:\s+(\d+)", (proc / "status").read_text())[1]) << 10
        on_disk = 0
        for path in (self.data / "cache").iterdir():
            try:
                on_disk += path.stat().st_size
            except FileNotFoundError:
                pass
        for name, value in (("fds", fds), ("threads", threads), ("resident_bytes", resident), ("disk_bytes", on_disk)):
            self.figures[f"most_{name}"] = max(self.figures[f"most_{name}"], value)
        assert fds <= MOST_FDS and threads <= MOST_THREADS, (fds, threads)
        assert resident <= MOST_RESIDENT or "asan" in (proc / "maps").read_text(), resident
        assert on_disk <= (DISK_MIB << 20) + (1 << 20), f"{on_disk} bytes on the disk"

    # --- faults ---
    def flip_at_rest(self):
        """Bits where they lie; now and then the end of a file."""
        files = [path for path in (self.data / "cache").iterdir() if path.name.endswith(".region") or path.name in ("index", "purges")]
        files += [self.data / "cache" / "keys"] * (self.random.random() < 0.02)
        for path in self.random.sample(files, min(len(files), 1 + self.random.randrange(6))):
            try:
                with open(path, "r+b") as file:
                    size = file.seek(0, 2)
                    if size and self.random.random() < 0.1:
                        file.truncate(self.random.randrange(size))
                        continue
                    for _ in range(1 + self.random.randrange(12) if size else 0):
                        file.seek(at := self.random.randrange(size))
                        byte = file.read(1)
                        file.seek(at)
                        file.write(bytes([byte[0] ^ 1 << self.random.randrange(8)]) if byte else b"")
                        self.figures["bits_flipped_at_rest"] += 1
            except FileNotFoundError:
                pass

    async def purge(self):
        """What is purged is asked for anew, and not given as fresh."""
        path = self.pick()
        self.origin.versions[path] += 1
        process = await asyncio.create_subprocess_exec(SOSTENUTO, "edge", "purge", "--url", f"http://{HOST}{path}", "--data", self.data,
                                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        errors = (await asyncio.wait_for(process.communicate(), ANSWER_S))[1]
        assert process.returncode == 0 or b"it is purged, but the disk does not take that" in errors, errors
        self.figures["purges"] += 1
        end = time.monotonic() + READY_S
        while True:  # it still helps while the origin is taken for slow
            answer = await asyncio.wait_for(ask(self.edge.port, path, {}), ANSWER_S)
            if version_of(answer.fields) == self.origin.versions[path]:
                return
            assert "detail=origin-" in answer.fields.get("cache-status", "") and time.monotonic() < end, \
                f"purged, and yet {answer.status} {answer.fields}"
            await asyncio.sleep(0.1)

    async def watch_lag(self):
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.02)
            if time.monotonic() - begun > LAG_S:
                self.lagged_at = time.monotonic()

    # --- clients ---
    def pick(self):
        return PATHS[min(int(self.random.paretovariate(0.4)) - 1, 10**6) % len(PATHS)]

    def pick_fields(self, path):
        what = self.random.random()
        if what < 0.25:
            first = self.random.randrange(200)
            return {"Range": f"bytes={first * 7}-{first * 7 + self.random.randrange(60000)}"}
        if what < 0.35 and self.is_slicing:
            first = self.random.randrange(size_of(path, self.origin.versions[path]))
            return {"Range": f"bytes={first}-" + (str(first + self.random.randrange(200000)) if what < 0.32 else "")}
        if what < 0.45:
            field, name = name_of(path, self.origin.versions[path])
            return {"If-None-Match" if field == "ETag" else "If-Modified-Since": name}
        return {}

    def judge(self, answer, excuse):
        self.figures["answers"] += 1
        self.figures["bytes"] += len(answer.body)
        self.figures["hits"] += "; hit" in answer.fields.get("cache-status", "")
        why = wrong_bytes(answer, self.origin.versions)
        is_hit = "; hit" in answer.fields.get("cache-status", "")
        is_early = answer.failure or (self.is_slicing and answer.status == 206 and not is_hit)  # or ended before the whole did
        if why and is_early and self.origin.mood == "corrupt":
            why = None  # said by the origin, and cut where the digest was wrong
        if why:
            self.figures["wrong"] += 1
            raise AssertionError(f"WRONG BYTES of {answer.path}: {why}; {answer.fields}")
        if not excuse and answer.status == 504 and time.monotonic() - self.lagged_at < 5:
            excuse = "machine"
        if answer.failure and self.is_slicing and 0 <= version_of(answer.fields) < self.origin.versions[answer.path]:
            excuse = excuse or "changed"  # what began as one version does not go on as another
        if answer.failure or answer.status >= 500:
            self.figures["failed_" + (excuse or "without_excuse")] += 1
            assert excuse, f"{answer.path} without an excuse: {answer.status} {answer.failure} {answer.fields}"
        else:
            assert answer.status in (200, 206, 304, 416), f"{answer.path}: {answer.status}"

    async def ask_all(self, asks, excuse):
        places = asyncio.Semaphore(24)

        async def one(path, fields):
            async with places:
                answer = await asyncio.wait_for(ask(self.edge.port, path, fields), ANSWER_S)
            self.judge(answer, excuse)
        results = await asyncio.gather(*(one(*what) for what in asks), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def ask_many(self, count, excuse):
        paths = [self.pick() for _ in range(count)]
        await self.ask_all([(path, self.pick_fields(path)) for path in paths], excuse)

    async def kill_soon(self):
        await asyncio.sleep(self.random.random() * 0.25)
        self.edge.kill()
        self.figures["kills"] += 1

    async def one_round(self):
        draw = self.random.random
        mood = self.random.choice(MOODS) if draw() < 0.4 else "good"
        disk = self.random.choice(list(DISKS)) if draw() < 0.5 else None
        is_killed, is_flipped = draw() < 0.3, draw() < 0.4
        for path in self.random.sample(PATHS, 6):
            self.origin.versions[path] += 1
        await self.origin.become(mood)
        self.orders.give(**DISKS.get(disk, {}))
        self.now = f"origin {mood}, disk {disk}"
        self.figures[f"origin_{mood}"] += 1
        self.figures[f"disk_{disk or 'well'}"] += 1
        if is_flipped:
            self.flip_at_rest()
        excuse = "killed" if is_killed else "origin" if mood != "good" else "disk" if is_flipped or disk in ("dead", "flipping", "tearing") else None
        if is_killed:
            await self.count()
            await asyncio.gather(self.ask_many(60, excuse), self.kill_soon())
            self.start()
        else:
            await self.ask_many(60, excuse)
        self.assert_bounded()
        await self.origin.become("good")
        await self.recover()
        if disk in (None, "full", "slow") and draw() < 0.15:
            await self.purge()
        self.orders.give()
        await self.ask_many(30, "disk" if is_flipped or disk in ("dead", "flipping", "tearing") else None)

    async def run(self, rounds, say=lambda *_: None):
        for path in PATHS:
            body_of(path, 0)
        await self.origin.listen()
        self.start()
        watch = asyncio.create_task(self.watch_lag())
        try:
            await self.ask_all([(path, {}) for path in PATHS], None)  # more than either tier holds
            for self.round in range(1, rounds + 1):
                await self.one_round()
                say(self)
            await self.count()
            self.edge.stop()
        except BaseException as failure:
            failure.args = (f"round {self.round}, {self.now}: {failure.args[0] if failure.args else failure!r}", *failure.args[1:])
            raise
        finally:
            watch.cancel()
            if self.edge.process.poll() is None:
                self.edge.kill()
            self.origin.stop()
        self.figures.update({f"disk_{name}": count for name, count in self.orders.counts().items()})
        return dict(self.figures, rounds=rounds)


def run(folder, rounds, seed, say=lambda *_: None, flags=()):
    return asyncio.run(Campaign(folder, seed, flags).run(rounds, say))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slices", action="store_true")
    options = parser.parse_args()
    begun = time.monotonic()

    def say(campaign):
        if campaign.round % 50 == 0:
            print(f"{campaign.round} rounds, {time.monotonic() - begun:.0f} s, {campaign.figures['answers']} answers, "
                  f"{campaign.figures['kills']} kills, {campaign.figures['wrong']} wrong", flush=True)
    with tempfile.TemporaryDirectory(prefix="edge-campaign.") as folder:
        figures = run(folder, options.rounds, options.seed, say, SLICES if options.slices else ())
    for name in sorted(figures):
        print(f"{name:32} {figures[name]}")


if __name__ == "__main__":
    main()
