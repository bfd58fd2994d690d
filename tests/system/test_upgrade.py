# SPDX-License-Identifier: GPL-3.0-or-later
"""Another process takes over from the running server: nobody's request is dropped."""
import hashlib
import http.client
import os
import random
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time

import pytest
from conftest import clean_environment, find_binary, run_command
from test_crash import is_alive, wait_until


def upgrade(server):
    """Returns the pid of the process that follows."""
    before = server.pid
    run_command("upgrade", "--data", server.data, timeout=90)
    after = server.pid
    assert after and after != before
    return after


def download_path(server, secret):
    song = max(server.rest("getRandomSongs", secret, size=50)["randomSongs"]["song"], key=lambda song: song["size"])
    return f"/rest/download?id={song['id']}&apiKey={secret}&c=t&v=1.16.1", song["size"]


class Load:
    """People who ask at a steady pace; every answer that is not right is kept."""

    def __init__(self, server, path, size, pace_s=0.02):
        self.server, self.path, self.size, self.pace_s = server, path, size, pace_s
        self.digest = hashlib.sha256(server.get(path).body).digest()
        self.failures, self.answers, self.downloads, self.is_over = [], 0, 0, threading.Event()
        self.people = [threading.Thread(target=person) for person in
                       [self.keep_alive] * 4 + [self.come_anew] * 2 + [self.download] * 2]

    def __enter__(self):
        for person in self.people:
            person.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for person in self.people:
            person.join(60)

    def check(self, connection, path="/readyz"):
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            self.failures.append((answer.status, body[:200]))
        self.answers += 1

    def guarded(self, act, *arguments):
        try:
            act(*arguments)
        except Exception as error:  # each is a failure that a listener would have seen
            self.failures.append(repr(error))
            return False
        return True

    def keep_alive(self):
        """http.client opens a new connection by itself only after an answer said "close"."""
        connection = self.server.connect(30)
        connection.auto_open = 1
        while not self.is_over.is_set():
            if not self.guarded(self.check, connection):
                connection = self.server.connect(30)
            time.sleep(self.pace_s * random.uniform(0.1, 2))
        connection.close()

    def come_anew(self):
        while not self.is_over.is_set():
            connection = self.server.connect(30)
            self.guarded(self.check, connection, "/livez")
            connection.close()
            time.sleep(self.pace_s * random.uniform(0.1, 2))

    def download_once(self):
        """Slowly, so that it lasts over an upgrade or two."""
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            slow.settimeout(60)
            slow.connect((self.server.host, self.server.port))
            slow.sendall(f"GET {self.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            answer = http.client.HTTPResponse(slow)
            answer.begin()
            digest, got = hashlib.sha256(), 0
            while piece := answer.read(max(1, self.size // 40)):
                digest.update(piece)
                got += len(piece)
                time.sleep(0.05)
            assert answer.status == 200 and got == self.size and digest.digest() == self.digest, f"{got} of {self.size}"
            self.downloads += 1

    def download(self):
        while not self.is_over.is_set():
            self.guarded(self.download_once)


def check_upgrades(server, secret, count, pause_s):
    path, size = download_path(server, secret)
    with Load(server, path, size) as load:
        time.sleep(0.3)
        for _ in range(count):
            upgrade(server)
            time.sleep(pause_s)
    assert not load.failures, (len(load.failures), load.failures[:5])
    assert load.answers > 20 * count and load.downloads > 0
    assert server.get("/readyz").status == 200
    return load


@pytest.fixture
def big_server(start_server, tmp_path):
    """With one album of long files: a download lasts."""
    from conftest import add_user, make_music
    music = make_music(tmp_path / "music", albums=1, tracks=2)
    for path in sorted(music.rglob("*.flac"))[:1]:
        with open(path, "ab") as file:
            file.write(random.Random(7).randbytes(6 << 20))
    data = tmp_path / "state"
    add_user(data)
    server = start_server(folders=[music], data=data)
    server.wait_for_scan()
    return server


@pytest.fixture
def big_secret(big_server):
    return run_command("app", "add", "alice", "tests", "--data", big_server.data).stdout.strip()


@pytest.mark.slow
def test_five_upgrades_under_load_drop_nothing(big_server, big_secret):
    check_upgrades(big_server, big_secret, 5, 0.2)
    assert is_alive(big_server.process.pid), "the supervisor keeps its process"


@pytest.mark.slow
def test_a_hundred_upgrades_under_load_drop_nothing(big_server, big_secret):
    check_upgrades(big_server, big_secret, 100, 0.3)


def test_an_idle_connection_goes_on_in_the_next_process(server):
    connection = server.connect()
    connection.auto_open = 0
    connection.connect()
    for _ in range(3):
        connection.request("GET", "/livez")
        assert connection.getresponse().read() == b"ok\n"
        upgrade(server)
    connection.request("GET", "/livez")
    assert connection.getresponse().read() == b"ok\n"


def test_without_its_guard_an_upgrade_cuts_idle_connections(start_server, music):
    server = start_server(folders=[music], guards_off="handover")
    connection = server.connect()
    connection.auto_open = 0
    connection.connect()
    connection.request("GET", "/livez")
    assert connection.getresponse().read() == b"ok\n"
    upgrade(server)
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.request("GET", "/livez")
        connection.getresponse()


def test_half_a_request_is_finished_in_the_next_process(server):
    with socket.create_connection((server.host, server.port), 20) as client, \
            socket.create_connection((server.host, server.port), 20) as silent:
        client.sendall(b"GET /livez HTTP/1.1\r\nHo")
        time.sleep(0.2)
        upgrade(server)
        client.sendall(b"st: x\r\nConnection: close\r\n\r\n")
        silent.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.makefile("rb").read().endswith(b"ok\n")
        assert silent.makefile("rb").read().endswith(b"ok\n")


def test_the_old_process_lingers_only_as_long_as_its_answers(big_server, big_secret):
    path, size = download_path(big_server, big_secret)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(20)
        slow.connect((big_server.host, big_server.port))
        slow.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        first = slow.recv(1000)
        old = big_server.pid
        upgrade(big_server)
        assert is_alive(old)
        answer = first + slow.makefile("rb").read()
    assert len(answer.split(b"\r\n\r\n", 1)[1]) == size
    assert wait_until(lambda: not is_alive(old))


@pytest.mark.slow
def test_a_transcode_under_way_is_heard_to_its_end(start_server, tmp_path):
    """sostenuto-media of the old process goes on; what it made is whole."""
    from conftest import add_user
    music, data = tmp_path / "music", tmp_path / "state"
    music.mkdir()
    subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "anoisesrc=d=240:r=44100:c=white:seed=1", "-ac", "2",
                    music / "noise.flac"], check=True)
    add_user(data)
    server = start_server(folders=[music], data=data)
    server.wait_for_scan()
    secret = run_command("app", "add", "alice", "tests", "--data", data).stdout.strip()
    song = server.rest("getRandomSongs", secret)["randomSongs"]["song"][0]
    path = f"/rest/stream?id={song['id']}&format=mp3&maxBitRate=320&apiKey={secret}&c=t&v=1.16.1"
    whole = server.get(path, timeout=60).body
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(60)
        slow.connect((server.host, server.port))
        slow.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = http.client.HTTPResponse(slow)
        answer.begin()
        heard = answer.read(1000)
        old = server.pid
        upgrade(server)
        assert is_alive(old)
        heard += answer.read()  # raises when the last chunk is missing
    assert heard == whole
    assert wait_until(lambda: not is_alive(old))


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["--http1.1", "--http2"])
def test_a_download_under_tls_ends_whole_in_the_old_process(start_server, tmp_path, music, protocol):
    from conftest import add_user
    data = tmp_path / "state"
    path = sorted(music.rglob("*.flac"))[0]
    with open(path, "ab") as file:
        file.write(random.Random(7).randbytes(12 << 20))
    add_user(data)
    run_command("tls", "init", "localhost", "--data", data)
    server = start_server(folders=[music], data=data)
    server.wait_for_scan()
    secret = run_command("app", "add", "alice", "tests", "--data", data).stdout.strip()
    target, size = download_path(server, secret)
    got = tmp_path / "got"
    client = subprocess.Popen(["curl", "-sSk", protocol, "--limit-rate", "5M", "-o", got, "-w", "%{http_version} %{size_download}",
                               f"https://{server.host}:{server.port}{target}"], stdout=subprocess.PIPE, text=True)
    assert wait_until(lambda: got.exists() and got.stat().st_size > 100000)
    old = server.pid
    upgrade(server)
    assert is_alive(old)
    assert client.communicate(timeout=60)[0] == f"{'2' if protocol == '--http2' else '1.1'} {size}"
    assert client.returncode == 0 and got.read_bytes() == path.read_bytes()
    assert wait_until(lambda: not is_alive(old))


def test_listeners_for_events_are_let_go_and_come_back(server):
    token = server.sign_in()["accessToken"]

    def listen():
        connection = server.connect()
        connection.request("GET", "/api/v1/events", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        assert answer.status == 200 and answer.readline()
        return answer

    answer = listen()
    start = time.monotonic()
    upgrade(server)
    answer.read()  # to a proper end
    assert time.monotonic() - start < 10
    listen()


def test_sigterm_ends_old_and_new(big_server, big_secret):
    path, _ = download_path(big_server, big_secret)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((big_server.host, big_server.port))
        slow.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        slow.recv(1000)
        old, new = big_server.pid, upgrade(big_server)
        big_server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        big_server.process.send_signal(signal.SIGTERM)  # now, without waiting for the answer
        assert big_server.stop() == 0
    assert not is_alive(old) and not is_alive(new)


def test_sigusr2_upgrades_too(server):
    before = server.pid
    server.process.send_signal(signal.SIGUSR2)
    assert wait_until(lambda: server.pid not in (0, before))
    assert wait_until(lambda: not is_alive(before), 3), "nothing keeps the old process"


@pytest.fixture
def installed(tmp_path, music):
    """A copy of the program that a test may replace; sostenuto-media stays where it was built."""
    folder = tmp_path / "installed"
    folder.mkdir()
    program = folder / "sostenuto"
    shutil.copy(find_binary(), program)
    worker = find_binary().parent / "sostenuto-media"
    errors = open(tmp_path / "installed.log", "wb")
    process = subprocess.Popen([program, "serve", music, "--data", tmp_path / "state", "--listen", "127.0.0.1:0"],
                               stdout=subprocess.PIPE, stderr=errors,
                               env=clean_environment({"SOSTENUTO_MEDIA_WORKER": str(worker)}))
    line = process.stdout.readline().decode()
    yield program, process, tmp_path / "state", int(line.rsplit(":", 1)[1]), tmp_path / "installed.log"
    process.terminate()
    assert process.wait(30) == 0


def replace(program, content):
    fresh = program.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.chmod(0o755)
    os.replace(fresh, program)


@pytest.mark.parametrize("content", [b"no program at all", b"#!/bin/sh\nexit 3\n", b"#!/bin/sh\nkill -SEGV $$\n"])
def test_a_program_that_does_not_start_is_refused(installed, content):
    program, process, data, port, log = installed
    replace(program, content)
    done = run_command("upgrade", "--data", data, check=False)
    assert done.returncode == 1 and "not upgraded" in done.stderr
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.makefile("rb").read().endswith(b"ok\n")
    assert b"upgrade refused" in log.read_bytes()


def test_a_program_that_dies_while_it_takes_over_is_rolled_back(installed):
    """It says PREPARED and dies: what ran before is started again."""
    program, process, data, port, log = installed
    before = run_command("status", "--json", "--data", data).stdout
    script = "#!/usr/bin/python3\nimport os, socket\n" \
             "names = os.environ['LISTEN_FDNAMES'].split(':')\n" \
             "channel = socket.socket(fileno=3 + names.index('supervisor'))\n" \
             "channel.send(b'PREPARED=1')\nimport time; time.sleep(0.5)\n"
    replace(program, script.encode())
    run_command("upgrade", "--data", data, check=False, timeout=120)
    assert b"the former version is started again" in log.read_bytes()
    assert wait_until(lambda: run_command("status", "--json", "--data", data).stdout != before)
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.makefile("rb").read().endswith(b"ok\n")


def test_without_supervisor_an_upgrade_is_refused(start_server, music):
    server = start_server("--no-supervisor", folders=[music])
    done = run_command("upgrade", "--data", server.data, check=False)
    assert done.returncode == 1 and "restart it instead" in done.stderr


def test_where_no_server_runs_there_is_nothing_to_upgrade(tmp_path):
    done = run_command("upgrade", "--data", tmp_path / "state", check=False)
    assert done.returncode == 1 and "no server runs" in done.stderr


def test_tls_sessions_resume_after_crash_and_upgrade(start_server, music, tmp_path):
    data = tmp_path / "state"
    run_command("tls", "init", "localhost", "--data", data)
    server = start_server(folders=[music], data=data)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def ask(session=None):
        with context.wrap_socket(socket.create_connection((server.host, server.port), 20), session=session) as client:
            client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while client.recv(4096):
                pass
            return client.session, client.session_reused

    session, _ = ask()
    before = server.pid
    os.kill(before, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(before)) and wait_until(lambda: server.pid)
    session, is_resumed = ask(session)
    assert is_resumed, "after a crash"
    upgrade(server)
    assert ask(session)[1], "after an upgrade"


def test_reload_under_load_drops_nothing_and_a_broken_configuration_changes_nothing(start_server, tmp_path, music):
    from conftest import add_user
    data = tmp_path / "state"
    add_user(data)
    (data / "sostenuto.conf").write_text("log_level = info\n")
    server = start_server(folders=[music], data=data)
    server.wait_for_scan()
    secret = run_command("app", "add", "alice", "tests", "--data", data).stdout.strip()
    path, size = download_path(server, secret)
    pid = server.pid
    with Load(server, path, size) as load:
        for i in range(10):
            (data / "sostenuto.conf").write_text("log_level = nonsense\n" if i % 2 else "log_level = info\n")
            server.process.send_signal(signal.SIGHUP)
            time.sleep(0.1)
    (data / "sostenuto.conf").write_text("")
    assert not load.failures, load.failures[:5]
    assert server.pid == pid
    log = server.log.read_text(errors="replace")
    assert log.count("reload refused") >= 1 and log.count("reloaded") >= 1


def test_an_upgrade_takes_up_changed_addresses(tmp_path, music):
    """The one that stays keeps its socket, the new one is bound, the one that is not named any more is closed."""
    data = tmp_path / "state"
    data.mkdir(mode=0o700)
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second, \
            socket.create_server(("127.0.0.1", 0)) as third:
        kept, dropped, added = (each.getsockname()[1] for each in (first, second, third))

    def configure(*ports):
        listen = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
        (data / "sostenuto.conf").write_text(f"listen = {{ {listen} }}\n")

    def answers(port):
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as client:
                client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return client.makefile("rb").read().endswith(b"ok\n")
        except ConnectionRefusedError:
            return False

    configure(kept, dropped)
    process = subprocess.Popen([find_binary(), "serve", music, "--data", data], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, env=clean_environment())
    try:
        assert process.stdout.readline().startswith(b"listening on ")
        assert answers(kept) and answers(dropped) and not answers(added)
        configure(kept, added)
        run_command("upgrade", "--data", data, timeout=90)
        assert wait_until(lambda: answers(added) and not answers(dropped)) and answers(kept)
    finally:
        process.terminate()
    assert process.wait(30) == 0
