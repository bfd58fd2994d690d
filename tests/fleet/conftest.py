# SPDX-License-Identifier: GPL-3.0-or-later
"""Origins and edges as real processes on loopback.

    def test_it(fleet): fleet.origin, fleet.edge

`fleet` is an origin with two albums of three songs, its admin "alice" signed in, and an edge that joined it and holds
everything.  Processes are ended by their pid; one that does not end with 0 on SIGTERM, or whose sanitizer spoke, fails
its test, unless the test killed it.
"""
import importlib.util
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import time
import types

import pytest

from patience import until


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes some seconds, left out by script/test --quick")


def load_system():
    """tests/system/conftest.py: servers, users, music."""
    path = pathlib.Path(__file__).resolve().parents[1] / "system" / "conftest.py"
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location("system_fixtures", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


system = load_system()


def invite(data, name):
    """A token for an edge of this name."""
    return system.run_command("invite", name, "--data", data).stdout.strip()


class Edge(system.Server):
    def status(self):
        return self.get("/status").json

    def holds_all(self, accounts=1):
        status = self.status()
        return status["link"] == "linked" and status["waiting"] == 0 and "age" in status and status["accounts"] >= accounts

    def kill(self):
        """As a power cut for the process: nothing is written any more."""
        self.is_crashed = True
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def launch_edge(folder, url, token=None, *flags, guards_off=None):
    """`token` the first time; the folder holds what it needs afterwards."""
    log = folder.parent / f"{folder.name}.log"
    binary = system.find_drills_binary() if guards_off else system.find_binary()
    environment = system.clean_environment({"SOSTENUTO_GUARDS_OFF": guards_off} if guards_off else None)
    command = [binary, "edge", "--no-supervisor", url, "--listen", "127.0.0.1:0", "--data", folder,
               *(["--token", token] if token else []), "--loops", "3", *flags]
    with open(log, "ab") as errors:
        process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=errors, env=environment)
    os.set_blocking(process.stdout.fileno(), False)
    seen, end = b"", time.monotonic() + system.START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        select.select([process.stdout], [], [], 0.2)
        seen += process.stdout.read() or b""
        match = re.search(rb"^listening on (http\S+)$", seen, re.M)
        if match:
            return Edge(process, folder, match.group(1).decode(), seen.decode().splitlines(), log)
    process.kill()
    process.wait()
    raise AssertionError(f"the edge did not start:\n{log.read_text(errors='replace')[-4000:]}")


@pytest.fixture
def start_edge(tmp_path):
    """start_edge(name, url, token, *flags) → Edge; all are ended and judged after the test."""
    started = []

    def start(name, url, token=None, *flags, **options):
        edge = launch_edge(tmp_path / name, url, token, *flags, **options)
        started.append(edge)
        return edge

    yield start
    codes = [(edge, edge.process.poll(), edge.stop()) for edge in started]
    for edge, before, code in codes:
        log = edge.log.read_text(errors="replace")
        assert "Sanitizer" not in log and "runtime error" not in log, log[-6000:]
        assert code == 0 or before is not None, f"exit code {code}:\n{log[-4000:]}"


@pytest.fixture(name="invite")
def invite_fixture():
    return invite


@pytest.fixture
def system_command():
    return system.run_command


start_server = system.start_server
music = system.music
server = system.server
secret = system.secret


# Nothing is placed ahead, which has songs encoded and measured meanwhile; test_delivery.py has edges that do.
QUIET = ["--edge-place-kib-s", "0"]


@pytest.fixture
def fleet(server, secret, start_edge):
    session = server.sign_in()
    bearer = {"Authorization": "Bearer " + session["accessToken"]}
    edge = start_edge("edge", server.url, invite(server.data, "edge"), *QUIET)
    until(edge.holds_all, "the edge holds all")
    return types.SimpleNamespace(origin=server, edge=edge, secret=secret, session=session, bearer=bearer,
                                 again=lambda: start_edge("edge", server.url, None, *QUIET))


@pytest.fixture
def kill():
    def kill_origin(origin):
        """The supervisor with its server: both at once, so that nothing comes back."""
        pid = origin.pid
        origin.is_crashed = True
        origin.process.kill()
        if pid and pid != origin.process.pid:
            os.kill(pid, signal.SIGKILL)
        origin.process.wait()
    return kill_origin
