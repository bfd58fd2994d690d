# SPDX-License-Identifier: GPL-3.0-or-later
"""An origin and its edges as real processes on loopback, ended by their pids; what their sanitizers say fails the test.

`guards_off` runs a node from the drills build without those guards; `clock` ("-25d", "+1h") under Debian's faketime, from the
release build (it and the sanitizers both preload), or the drills build where guards are off.  A `clock` that is a path is a file with such
a word, which may change while nodes run; `board`, a path, has it obey that board of faults (writes_nodes.map_board)."""
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import time
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary_of(kind):
    binary = ROOT / "build" / kind / "sostenuto"
    if not binary.exists():
        pytest.skip(f"needs script/build {kind}")
    return str(binary)


def default_binary():
    return os.environ.get("SOSTENUTO_BINARY") or binary_of("debug")


def environment(guards_off=None, board=None):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SOSTENUTO_", "NOTIFY_", "WATCHDOG_"))}
    kept.update(SOSTENUTO_MDNS="no", SOSTENUTO_ALLOW_ROOT="yes", ASAN_OPTIONS="detect_leaks=1:exitcode=99",
                UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
    return {**kept, **({"SOSTENUTO_GUARDS_OFF": guards_off} if guards_off else {}),
            **({"SOSTENUTO_FAULT_BOARD": str(board)} if board else {})}


def launcher(guards_off=None, clock=None, board=None):
    if clock:
        if not shutil.which("faketime"):
            pytest.skip("needs Debian's faketime")
        binary = binary_of("drills" if guards_off or board else "release")
        if isinstance(clock, pathlib.Path):
            library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
            return ["env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={clock}", "FAKETIME_NO_CACHE=1",
                    "FAKETIME_DONT_FAKE_MONOTONIC=1", binary]
        return ["faketime", "-f", clock, binary]
    return [binary_of("drills") if guards_off or board else default_binary()]


def run(*arguments, check=True, clock=None):
    done = subprocess.run([*launcher(clock=clock), *map(str, arguments)], capture_output=True, text=True, env=environment(), timeout=60)
    assert not check or done.returncode == 0, f"sostenuto {arguments} ended with {done.returncode}:\n{done.stderr}"
    return done


class Node:
    def __init__(self, *arguments, log, guards_off=None, clock=None, board=None):
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as errors:
            self.process = subprocess.Popen([*launcher(guards_off, clock, board), *map(str, arguments)], stdout=subprocess.PIPE,
                                            stderr=errors, stdin=subprocess.DEVNULL, env=environment(guards_off, board), start_new_session=bool(clock))
        self.has_group, self.url = bool(clock), None
        os.set_blocking(self.process.stdout.fileno(), False)

    def wait(self, seconds=60):
        """Until it says that it listens; False when it ended before."""
        end, seen = time.monotonic() + seconds, b""
        while time.monotonic() < end and not self.url:
            select.select([self.process.stdout], [], [], 0.2)
            seen += self.process.stdout.read() or b""
            if match := re.search(rb"^listening on (https?://\S+)$", seen, re.M):
                self.url = match[1].decode()
            elif self.process.poll() is not None:
                return False
        return self.url is not None

    @property
    def words(self):
        return self.log.read_text(errors="replace")

    def kill(self):
        """All at once: the supervisor takes its server along."""
        self.send(signal.SIGKILL)
        self.process.wait()

    def send(self, number):
        os.killpg(self.process.pid, number) if self.has_group else self.process.send_signal(number)

    def stop(self):
        if self.process.poll() is None:
            self.send(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        assert "Sanitizer" not in self.words and "runtime error" not in self.words, self.words[-6000:]
        return self.process.returncode

    def ask(self, path, method="GET", body=None, headers=None):
        parts = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        try:
            # the cache's key holds the host: it must not change with the port
            connection.request(method, path, body=body, headers={"Host": "music.test", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def counter(self, name, path="/metrics"):
        found = re.search(rf"^sostenuto_{name} (\d+)$", self.ask(path)[1].decode(), re.M)
        return int(found[1]) if found else 0


class Fleet:
    """An origin in FOLDER/origin and edges in FOLDER/NAME."""

    def __init__(self, folder):
        self.folder, self.nodes = pathlib.Path(folder), []
        (self.folder / "music").mkdir(exist_ok=True)

    def origin(self, *flags, name="origin", **how):
        node = Node("serve", self.folder / "music", "--data", self.folder / name, "--listen", "127.0.0.1:0", *flags,
                    log=self.folder / f"{name}.log", **how)
        self.nodes.append(node)
        assert node.wait(), node.words[-3000:]
        return node

    def edge(self, name, url, token=None, flags=(), **how):
        """Not waited for."""
        token = [] if token is None else ["--token", token]
        node = Node("edge", *([url] if url else []), *token, "--data", self.folder / name, "--listen", "127.0.0.1:0", *flags,
                    log=self.folder / f"{name}.log", **how)
        self.nodes.append(node)
        return node

    def joined(self, name, url, token=None, **how):
        node = self.edge(name, url, token, **how)
        assert node.wait(), node.words[-3000:]
        return node

    def invite(self, name, *flags, origin="origin", clock=None):
        return run("invite", name, "--data", self.folder / origin, *flags, clock=clock).stdout.strip()

    def edges(self, origin="origin"):
        listed = json.loads(run("edges", "list", "--json", "--data", self.folder / origin).stdout)
        return {edge["name"]: edge for edge in listed["edges"]}

    def revoke(self, name, origin="origin"):
        run("edges", "revoke", name, "--data", self.folder / origin)

    def stop(self):
        for node in reversed(self.nodes):
            node.stop()
