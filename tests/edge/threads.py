#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tsan build of an edge with four loops under hits, misses, changes, purges and evictions for some seconds; prints TAP.

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

FLAGS = ["--no-supervisor", "--cache-memory-mib", "3", "--cache-disk-mib", "18", "--loops", "4"]
CLIENTS = 40


async def client(edge, origin, seed, end, tally):
    drawn = random.Random(seed)
    while time.monotonic() < end:
        path = campaign.PATHS[int(drawn.paretovariate(0.6)) % len(campaign.PATHS)]
        if drawn.random() < 0.02:
            origin.versions[path] += 1
        fields = {"Range": "bytes=100-9000"} if drawn.random() < 0.2 else {}
        answer = await asyncio.wait_for(campaign.ask(edge.port, path, fields), 60)
        tally["answers"] += 1
        tally["hits"] += "; hit" in answer.fields.get("cache-status", "")
        tally["wrong"] += bool(campaign.wrong_bytes(answer, origin.versions))
        tally["failed"] += bool(answer.failure) or answer.status not in (200, 206, 416)


async def purger(data, end, tally):
    while time.monotonic() < end:
        what = ["--url", f"http://{campaign.HOST}{campaign.PATHS[tally['purges'] % 9]}"] if tally["purges"] % 5 else ["--prefix", f"http://{campaign.HOST}/o/"]
        process = await asyncio.create_subprocess_exec(SOSTENUTO, "edge", "purge", *what, "--data", data, stdout=asyncio.subprocess.DEVNULL)
        tally["purges"] += await process.wait() == 0
        await asyncio.sleep(0.2)


async def load(folder, seconds):
    origin, tally = campaign.SeededOrigin(), dict.fromkeys(["answers", "hits", "wrong", "failed", "purges"], 0)
    await origin.listen()
    edge = Edge(folder / "edge", f"http://127.0.0.1:{origin.port}", flags=FLAGS,
                environment={"TSAN_OPTIONS": "exitcode=66:second_deadlock_stack=1"})
    try:
        end = time.monotonic() + seconds
        await asyncio.gather(purger(folder / "edge", end, tally), *(client(edge, origin, seed, end, tally) for seed in range(CLIENTS)))
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
