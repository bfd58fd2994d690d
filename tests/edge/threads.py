#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tsan build of an edge with four loops under hits, misses, changes, purges and evictions; prints TAP.

It lasts some seconds, and longer on a machine that is so busy that nothing much happened by then.

    SOSTENUTO=build/tsan/sostenuto tests/edge/threads.py [SECONDS]
"""
import asyncio
import os
import pathlib
import random
import sys
import tempfile
import time

os.environ.setdefault("SOSTENUTO", str(pathlib.Path(__file__).resolve().parents[2] / "build" / "tsan" / "sostenuto"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import campaign  # noqa: E402
from asked import SOSTENUTO, Edge  # noqa: E402

FLAGS = ["--no-supervisor", "--cache-memory-mib", "3", "--cache-disk-mib", "16", "--loops", "4"]
CLIENTS, ENOUGH_ANSWERS, ENOUGH_PURGES, PATIENCE_S = 40, 1500, 5, 90


class Span:
    def __init__(self, seconds, tally):
        self.begun, self.seconds, self.tally = time.monotonic(), seconds, tally

    def goes_on(self):
        passed = time.monotonic() - self.begun
        is_enough = self.tally["answers"] >= ENOUGH_ANSWERS and self.tally["purges"] >= ENOUGH_PURGES
        return passed < (self.seconds if is_enough else PATIENCE_S)


async def client(edge, origin, seed, span, tally):
    drawn = random.Random(seed)
    while span.goes_on():
        path = campaign.PATHS[int(drawn.paretovariate(0.3)) % len(campaign.PATHS)]
        if drawn.random() < 0.02:
            origin.versions[path] += 1
        fields = {"Range": "bytes=100-9000"} if drawn.random() < 0.2 else {}
        answer = await asyncio.wait_for(campaign.ask(edge.port, path, fields), 60)
        tally["answers"] += 1
        tally["hits"] += "; hit" in answer.fields.get("cache-status", "")
        tally["wrong"] += bool(campaign.wrong_bytes(answer, origin.versions))
        tally["failed"] += bool(answer.failure) or answer.status not in (200, 206, 416)


async def purger(data, span, tally):
    while span.goes_on():
        what = ["--url", f"http://{campaign.HOST}{campaign.PATHS[tally['purges'] % 9]}"] if tally["purges"] % 5 else ["--prefix", f"http://{campaign.HOST}/o/"]
        process = await asyncio.create_subprocess_exec(SOSTENUTO, "edge", "purge", *what, "--data", data, stdout=asyncio.subprocess.DEVNULL)
        tally["purges"] += await process.wait() == 0
        await asyncio.sleep(0.2)


async def load(folder, seconds):
    origin, tally = campaign.SeededOrigin(), dict.fromkeys(["answers", "hits", "wrong", "failed", "purges"], 0)
    for path in campaign.PATHS:
        campaign.body_of(path, 0)
    await origin.listen()
    edge = Edge(folder / "edge", f"http://127.0.0.1:{origin.port}", flags=FLAGS,
                environment={"TSAN_OPTIONS": "exitcode=66:second_deadlock_stack=1"})
    try:
        span = Span(seconds, tally)
        await asyncio.gather(purger(folder / "edge", span, tally), *(client(edge, origin, seed, span, tally) for seed in range(CLIENTS)))
        evicted = edge.counter("cache_disk_evicted_total")
        edge.process.terminate()
        code = edge.process.wait(60)
    finally:
        if edge.process.poll() is None:
            edge.kill()
        origin.stop()
    return tally, evicted, code, edge.log.read_text(errors="replace")


def main():
    with tempfile.TemporaryDirectory(prefix="edge-threads.") as folder:
        tally, evicted, code, log = asyncio.run(load(pathlib.Path(folder), float(sys.argv[1]) if len(sys.argv) > 1 else 10))
    claims = [(code == 0 and "ThreadSanitizer" not in log, "the thread sanitizer found nothing in an edge under load"),
              (tally["wrong"] == 0 and tally["failed"] == 0, "every answer was right"),
              (tally["hits"] > 0 and tally["purges"] > 0 and evicted > 0, "hits, purges and evictions were among the load")]
    for i, (holds, claim) in enumerate(claims, 1):
        print(f"{'' if holds else 'not '}ok {i} - {claim}")
    print(f"# {tally}, {evicted} evicted, ended with {code}")
    if not claims[0][0]:
        print("\n".join("# " + line for line in log.splitlines()[:150]))
    print(f"1..{len(claims)}")
    return not all(holds for holds, _ in claims)


if __name__ == "__main__":
    sys.exit(main())
