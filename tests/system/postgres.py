# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL of Debian's for a test, by tests/postgres/server; skipped where there is none."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "postgres" / "server"


class Postgres:
    """One server; with `port`, on loopback TCP, too; as `standby_of`, a copy of another that follows it."""

    def __init__(self, port=None, standby_of=None, settings=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="test-postgres-", dir="/tmp"))  # short: a socket's path is
        self.folder.chmod(0o755)
        self.stopped_pids = []
        self.settings = [*settings, *(["listen_addresses=127.0.0.1"] if port else [])]
        self.environment = {**os.environ, **({"PGPORT": str(port)} if port else {})}
        self.url = self.run("standby", standby_of.folder / "pg") if standby_of else self.start()

    def run(self, verb, *arguments):
        done = subprocess.run([SCRIPT, verb, self.folder / "pg", *arguments], stdout=subprocess.PIPE, text=True, timeout=120, check=False,
                              env=self.environment)
        if done.returncode == 77:
            shutil.rmtree(self.folder, ignore_errors=True)
            pytest.skip("this machine has no PostgreSQL")
        assert verb != "start" or done.returncode == 0, "PostgreSQL does not start"
        return done.stdout.strip()

    def start(self):
        return self.run("start", *self.settings)

    def stop(self, how="fast"):
        self.resume()
        self.run("stop", how)

    def hang(self):
        """Connections stay open and new ones are taken by the kernel, but nobody answers."""
        self.stopped_pids = [int(pid) for pid in self.run("pids").split()]
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)
        self.stopped_pids = []

    def signal(self, number):
        for pid in self.stopped_pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:  # a worker of its own that was done
                pass

    def ask(self, sql):
        done = subprocess.run(["psql", self.url, "-qAtc", sql], capture_output=True, text=True, timeout=30, check=True,
                              env=self.environment)
        return done.stdout.strip()

    def close(self):
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def postgres():
    server = Postgres()
    yield server
    server.close()
