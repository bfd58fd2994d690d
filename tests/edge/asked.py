# SPDX-License-Identifier: GPL-3.0-or-later
"""A running `sostenuto edge` that may be killed and started again, and a client that asks it many things at once."""
import asyncio
import contextlib
import os
import pathlib
import re
import select
import signal
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOSTENUTO = pathlib.Path(os.environ.get("SOSTENUTO", ROOT / "build" / "debug" / "sostenuto"))
DRILLS = ROOT / "build" / "drills" / "sostenuto"


def clean_environment():
    """Ours without settings of the person who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SOSTENUTO_", "NOTIFY_", "WATCHDOG_"))}
    return {**kept, "ASAN_OPTIONS": "detect_leaks=1:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}


class Edge:
    """Ended by its pid; one that does not exit 0 on SIGTERM, or whose sanitizer spoke, fails its test."""

    def __init__(self, data, *origins, flags=(), environment=None, guards_off=None):
        """`guards_off` names protections to go without: in the drills build, or the test is skipped."""
        self.data, self.log = pathlib.Path(data), pathlib.Path(data).with_suffix(".log")
        program, environment = SOSTENUTO, {**clean_environment(), **(environment or {})}
        if guards_off:
            program, environment["SOSTENUTO_GUARDS_OFF"] = DRILLS, guards_off
            if not program.exists():
                pytest.skip("needs script/build drills")
        # nothing is fetched ahead: who counts an origin's requests means those that were asked for
        command = [str(program), "edge", "--data", str(data), "--listen", "127.0.0.1:0", "--edge-prefetch-kib-s", "0"]
        command += [part for origin in origins for part in ("--plain", origin)] + [str(flag) for flag in flags]
        with open(self.log, "ab") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL,
                                            env=environment)
        self.url = self._wait_for_address()
        self.port = urllib.parse.urlsplit(self.url).port

    def _wait_for_address(self):
        os.set_blocking(self.process.stdout.fileno(), False)
        end, seen = time.monotonic() + 60, b""
        while time.monotonic() < end and self.process.poll() is None:
            select.select([self.process.stdout], [], [], 0.2)
            seen += self.process.stdout.read() or b""
            if match := re.search(rb"^listening on (https?://\S+)$", seen, re.M):
                return match[1].decode()
        self.kill()
        raise AssertionError(f"the edge did not start: {seen.decode()}\n{self.log.read_text(errors='replace')[-3000:]}")

    def kill(self):
        """All at once: the supervisor takes its server along (PR_SET_PDEATHSIG)."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        assert code == 0, f"it ended with {code}:\n{self.log.read_text(errors='replace')[-3000:]}"

    def counter(self, name):
        with urllib.request.urlopen(f"{self.url}/.sostenuto/metrics", timeout=10) as answer:
            found = re.search(rf"^sostenuto_{name} (\d+)", answer.read().decode(), re.M)
        assert found, f"there is no counter {name}"
        return int(found[1])

    def get(self, path, headers=None):
        return self.get_all([path], headers)[0]

    def get_all(self, paths, headers=None, timeout=20, at_once=200):
        """All at the same time, a connection each: (status, fields, body, seconds), or an exception in its place."""
        return asyncio.run(_ask_all(self.port, paths, headers or {}, timeout, at_once))


@contextlib.contextmanager
def edge_before(data, *origins, **how):
    edge = Edge(data, *origins, **how)
    try:
        yield edge
        if edge.process.poll() is None:
            edge.stop()
    finally:
        if edge.process.poll() is None:
            edge.kill()


async def _ask(port, path, headers):
    start = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"GET {path} HTTP/1.1\r\nHost: music.example\r\nConnection: close\r\n{fields}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        told = dict((line.partition(": ")[0].lower(), line.partition(": ")[2]) for line in head[1:] if line)
        if "content-length" in told:
            body = await reader.readexactly(int(told["content-length"]))
        else:
            body = await reader.read(-1)
        return int(head[0].split()[1]), told, body, time.monotonic() - start
    finally:
        writer.close()


async def _ask_all(port, paths, headers, timeout, at_once):
    places = asyncio.Semaphore(at_once)

    async def one(path):
        async with places:
            return await asyncio.wait_for(_ask(port, path, headers), timeout)

    return await asyncio.gather(*(one(path) for path in paths), return_exceptions=True)
