# SPDX-License-Identifier: GPL-3.0-or-later
"""A shared database that vanishes: its network, its machine, its certificate.  Its standby takes over."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time

import pytest
from conftest import PASSWORD, free_port, run_command
from postgres import Postgres, postgres  # noqa: F401  (a fixture)
from test_record import IS_SANITIZED, Pair, wait_until

QUICK = ("--database-connect-seconds", "1", "--database-answer-seconds", "2")


class Wire:
    """Carries bytes between a port of its own and the database's, or takes them and lets nothing out: no FIN, no RST, no word."""

    def __init__(self, to_port):
        self.to_port, self.is_dead, self.sockets = to_port, threading.Event(), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                self.sockets.append(near)
                if self.is_dead.is_set():
                    continue
                far = socket.create_connection(("127.0.0.1", self.to_port))
                self.sockets.append(far)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    def carry(self, source, sink):
        with contextlib.suppress(OSError):
            while came := source.recv(65536):
                if self.is_dead.is_set():
                    return  # both ends stay open, and hear nothing more
                sink.sendall(came)
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        for one in [self.listener, *self.sockets]:
            one.close()


@pytest.fixture
def far_postgres():
    """On TCP, behind a wire that can be cut: (server, its port, wire)."""
    port = free_port()
    server = Postgres(port=port)
    wire = Wire(port)
    yield server, port, wire
    wire.close()
    server.close()


def slowest_write(pair, seconds, first=0):
    """Scrobbles and reads at the first origin for so long: (the longest that one took, how many)."""
    slowest, count, end = 0.0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        assert pair.rest(0, "scrobble", id=pair.songs[count % 6], time=1795287000000 + first + count)["status"] == "ok"
        assert pair.rest(0, "getStarred2")["status"] == "ok"
        slowest = max(slowest, time.monotonic() - start)
        count += 1
        time.sleep(0.01)
    return slowest, count


@pytest.mark.alone
@pytest.mark.slow
def test_behind_a_dead_wire_reads_go_on_and_writes_arrive_later_once(start_server, music, tmp_path, far_postgres):
    server, _, wire = far_postgres
    pair = Pair(start_server, music, tmp_path, f"postgresql://sostenuto@127.0.0.1:{wire.port}/sostenuto", *QUICK)
    pair.rest(0, "star", id=pair.songs[0])
    assert wait_until(lambda: pair.songs[0] in pair.starred(1))
    wire.is_dead.set()
    slowest, count = slowest_write(pair, 5)
    assert slowest < (1.5 if IS_SANITIZED else 0.3), f"{slowest:.2f} s"
    assert pair.status(0)["record_error"] != 0 and pair.status(0)["unpushed"] >= count
    assert "sostenuto_record_away 1" in pair.servers[0].get("/metrics").body.decode()
    assert "sostenuto_record_slow_total 0" not in pair.servers[0].get("/metrics").body.decode()
    assert pair.servers[0].get("/readyz").status == 200
    refused = pair.add_user("dora", at=0, check=False)
    assert refused.returncode != 0 and "database cannot be asked" in refused.stderr
    wire.is_dead.clear()
    assert wait_until(lambda: pair.status(0)["unpushed"] == 0, 20)
    assert wait_until(lambda: sum(pair.plays(1, song) for song in pair.songs[:6]) == count, 10)
    assert server.ask("SELECT count(*) FROM sostenuto.plays") == str(count)


def is_noticed(start_server, music, folder, url, guards_off=None):
    """Whether an origin says that its database is away, within twice its bounds and a second."""
    data = folder / "state"
    run_command("user", "add", "anna", "--admin", "--password-file", "-", "--data", data, "--database", url.live, input=PASSWORD + "\n")
    server = start_server("--database", url.live, *QUICK, folders=[music], data=data, guards_off=guards_off)
    server.wait_for_scan()
    secret = run_command("app", "add", "anna", "tests", "--data", data).stdout.strip()
    url.kill()
    server.rest("scrobble", secret, id=server.rest("getRandomSongs", secret, size=1)["randomSongs"]["song"][0]["id"], time=1795287000000)
    try:
        return wait_until(lambda: json.loads(run_command("status", "--json", "--data", data).stdout)["record_error"] != 0, 7)
    finally:
        server.process.kill()


class DeadWire:
    def __init__(self, wire):
        self.live, self.kill = f"postgresql://sostenuto@127.0.0.1:{wire.port}/sostenuto", wire.is_dead.set


@pytest.mark.slow
def test_a_database_that_falls_silent_is_noticed(start_server, music, tmp_path, far_postgres):
    assert is_noticed(start_server, music, tmp_path, DeadWire(far_postgres[2]))


@pytest.mark.slow
def test_without_its_guard_it_is_not(start_server, music, tmp_path, far_postgres):
    assert not is_noticed(start_server, music, tmp_path, DeadWire(far_postgres[2]), guards_off="database-answer")


# --- a machine that is gone, and the one behind it ---

@pytest.fixture
def two_postgres():
    """A primary that answers nobody before its standby has it, and that standby."""
    primary = Postgres()
    standby = Postgres(standby_of=primary)
    primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.ask("SELECT pg_reload_conf()")
    assert wait_until(lambda: primary.ask("SELECT sync_state FROM pg_stat_replication") == "sync")
    yield primary, standby
    standby.close()
    primary.close()


def both(primary, standby):
    hosts = ",".join(str(server.folder / "pg") for server in (primary, standby))
    return f"postgresql://sostenuto@/sostenuto?host={hosts}&target_session_attrs=read-write"


def take_over(pair, primary, standby):
    """The primary's machine hangs in the middle of everything, its standby is promoted; how many plays were acknowledged."""
    slowest_write(pair, 0.5)
    primary.hang()
    _, _ = slowest_write(pair, 2, first=1000)
    standby.run("promote")
    return slowest_write(pair, 3, first=2000)


@pytest.mark.slow
def test_a_standby_that_takes_over_gets_what_was_written_meanwhile_once(start_server, music, tmp_path, two_postgres):
    primary, standby = two_postgres
    pair = Pair(start_server, music, tmp_path, both(primary, standby), *QUICK)
    pair.rest(1, "star", id=pair.songs[0])
    take_over(pair, primary, standby)
    pair.rest(1, "star", id=pair.songs[1])
    assert wait_until(lambda: all(pair.status(i)["unpushed"] == 0 and pair.status(i)["record_error"] == 0 for i in (0, 1)), 30)
    assert wait_until(lambda: pair.starred(0) == pair.starred(1) == set(pair.songs[:2]), 10)
    assert pair.agree()
    plays = sum(pair.plays(0, song) for song in pair.songs[:6])
    assert standby.ask("SELECT count(*) FROM sostenuto.plays") == str(plays)
    assert pair.add_user("emil", at=1).returncode == 0, "names are given again"


def reaches_standby(start_server, music, folder, servers, guards_off=None):
    primary, standby = servers
    data = folder / "state"
    url = both(primary, standby)
    run_command("user", "add", "anna", "--password-file", "-", "--data", data, "--database", url, input=PASSWORD + "\n")
    server = start_server("--database", url, *QUICK, folders=[music], data=data, guards_off=guards_off)
    server.wait_for_scan()
    primary.hang()
    standby.run("promote")
    reached = wait_until(lambda: standby.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sostenuto'") != "0", 10)
    server.process.kill()
    return reached


@pytest.mark.slow
def test_who_says_nothing_is_not_asked_first_again(start_server, music, tmp_path, two_postgres):
    assert reaches_standby(start_server, music, tmp_path, two_postgres)


@pytest.mark.slow
def test_without_its_guard_the_standby_is_never_asked(start_server, music, tmp_path, two_postgres):
    assert not reaches_standby(start_server, music, tmp_path, two_postgres, guards_off="database-connect")


# --- names that wait ---

def refused_at_once(start_server, music, folder, server, guards_off=None):
    """Of six who want a new account while the database hangs, two may wait: how many others are told so at once."""
    data = folder / "state"
    run_command("user", "add", "anna", "--password-file", "-", "--data", data, "--database", server.url, input=PASSWORD + "\n")
    started = start_server("--database", server.url, "--max-names-waiting", "2", folders=[music], data=data, guards_off=guards_off)
    started.wait_for_scan()
    server.hang()
    quick = []

    def add(i):
        start = time.monotonic()
        done = run_command("user", "add", f"name{i}", "--password-file", "-", "--data", data, input=PASSWORD + "\n", check=False)
        assert done.returncode != 0 and "later" in done.stderr
        quick.append(time.monotonic() - start < 6)
    threads = [threading.Thread(target=add, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.resume()
    started.process.kill()
    return sum(quick)


@pytest.mark.slow
def test_so_many_names_wait_and_others_are_told_at_once(start_server, music, tmp_path, postgres):  # noqa: F811
    assert 3 <= refused_at_once(start_server, music, tmp_path, postgres) <= 5  # the two, and one that was being asked


@pytest.mark.slow
def test_without_its_guard_all_wait(start_server, music, tmp_path, postgres):  # noqa: F811
    assert refused_at_once(start_server, music, tmp_path, postgres, guards_off="names-waiting") == 0


# --- TLS ---

def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def tls_postgres(tmp_path):
    """Behind TLS, with a certificate for the name localhost from an authority of its own: (port, the authority's file)."""
    folder = tmp_path / "tls"
    folder.mkdir()
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", "/CN=Test authority", "-days", "2")
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key", "-out", "server.csr",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy",
            "-days", "2", "-out", "server.pem")
    port = free_port()
    server = Postgres(port=port)
    server.stop()
    for name in ("server.key", "server.pem"):
        shutil.copy(folder / name, server.folder / "pg" / name)
        (server.folder / "pg" / name).chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(server.folder / "pg" / name, "postgres")
    server.settings += ["ssl=on", f"ssl_cert_file={server.folder}/pg/server.pem", f"ssl_key_file={server.folder}/pg/server.key"]
    server.start()
    yield server, port, folder / "ca.pem"
    server.close()


@pytest.mark.slow
def test_the_database_is_reached_through_tls_that_is_verified(start_server, music, tmp_path, tls_postgres):
    server, port, authority = tls_postgres
    verified = f"postgresql://sostenuto@localhost:{port}/sostenuto?sslmode=verify-full&sslrootcert={authority}"
    pair = Pair(start_server, music, tmp_path, verified)
    pair.rest(0, "star", id=pair.songs[0])
    assert wait_until(lambda: pair.songs[0] in pair.starred(1))
    versions = server.ask("SELECT DISTINCT version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'sostenuto'")
    assert versions == "TLSv1.3"

    (tmp_path / "other").mkdir()

    def said(url):
        done = run_command("user", "list", "--data", tmp_path / "other", "--database", url, check=False)
        assert done.returncode != 0
        return done.stderr
    assert "certificate" in said(verified.replace("localhost:", "127.0.0.1:")), "a certificate for another name"
    openssl(authority.parent, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "other.key",
            "-out", "other.pem", "-subj", "/CN=Another", "-days", "2")
    assert "certificate" in said(verified.replace("ca.pem", "other.pem")), "from another authority"
