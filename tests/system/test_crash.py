# SPDX-License-Identifier: GPL-3.0-or-later
"""The server crashes, hangs or is killed under load; its supervisor brings it back."""
import os
import signal
import socket
import subprocess
import threading
import time

import pytest
from conftest import add_user, clean_environment, find_binary, run_command

IS_SANITIZED = b"__asan_init" in find_binary().read_bytes()
BACK_WITHIN_S = 3 if IS_SANITIZED else 1  # a sanitizer writes its report first


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until(claim, timeout=15):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if claim():
            return True
        time.sleep(0.02)
    return False


def crash(server, number=signal.SIGSEGV):
    """Kills the server under its supervisor; returns its pid and expects what sanitizers say of it."""
    pid = server.pid
    assert pid and pid != server.process.pid
    server.is_crashed = server.is_crashed or number == signal.SIGSEGV
    os.kill(pid, number)
    return pid


@pytest.mark.alone
def test_a_crashed_server_is_back_at_once_and_keeps_what_it_acknowledged(server, secret):
    song = server.rest("getRandomSongs", secret)["randomSongs"]["song"][0]
    readers = [server.connect() for _ in range(20)]
    for reader in readers:  # streams under way
        reader.request("GET", f"/rest/stream?id={song['id']}&apiKey={secret}&c=t&v=1.16.1")
        reader.getresponse().read(1000)
    assert server.rest("star", secret, id=song["id"])["status"] == "ok"
    start = time.monotonic()
    before = crash(server)
    assert wait_until(lambda: not is_alive(before)), "until then its other threads may still accept"
    answer = server.get("/readyz", timeout=20)  # waits in the kernel's queue meanwhile
    gone_s = time.monotonic() - start
    assert answer.status == 200 and answer.json["ready"] is True
    assert gone_s < BACK_WITHIN_S, f"{gone_s:.2f} s"
    assert server.rest("getSong", secret, id=song["id"])["song"]["starred"]
    assert server.pid != before and not is_alive(before)
    assert "the server is back" in server.log.read_text(errors="replace")


def test_connections_wait_while_it_is_down(server):
    answers = []

    def ask():
        answers.append(server.get("/livez", timeout=20).status)

    before = crash(server, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(before))
    people = [threading.Thread(target=ask) for _ in range(50)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert answers.count(200) == 50


def test_a_server_that_hangs_is_started_again(start_server, music):
    server = start_server("--watchdog-seconds", "1", folders=[music])
    before = crash(server, signal.SIGSTOP)
    assert wait_until(lambda: not is_alive(before))
    assert server.get("/livez").status == 200
    assert "hangs" in server.log.read_text(errors="replace")


def test_a_killed_supervisor_takes_the_server_with_it(start_server, music):
    server = start_server(folders=[music])
    child = server.pid
    server.stop(signal.SIGKILL)
    assert wait_until(lambda: not is_alive(child), 3)
    assert start_server(folders=[music]).get("/livez").status == 200


@pytest.mark.slow
def test_a_crash_loop_backs_off_and_never_gives_up(start_server, music):
    server = start_server(folders=[music])
    for _ in range(6):
        crash(server, signal.SIGKILL)
        assert wait_until(lambda: server.pid, 20)
    waits = [line for line in server.log.read_text(errors="replace").splitlines() if "started again" in line]
    assert sum('wait_ms="0"' in line for line in waits) == 3 and len(waits) == 6
    assert server.get("/livez").status == 200


@pytest.mark.slow
def test_two_crashes_after_a_reload_name_the_reload(start_server, music):
    server = start_server(folders=[music])
    server.process.send_signal(signal.SIGHUP)
    for _ in range(2):
        crash(server, signal.SIGKILL)
        assert wait_until(lambda: server.pid, 20)
    assert "since the configuration was reloaded" in server.log.read_text(errors="replace")


@pytest.mark.slow
def test_sigterm_ends_it_also_while_it_is_down(start_server, music):
    server = start_server(folders=[music])
    for _ in range(5):
        crash(server, signal.SIGKILL)
        assert wait_until(lambda: server.pid, 20)
    os.kill(server.pid, signal.SIGKILL)
    time.sleep(0.2)  # it waits before it starts another one now
    assert server.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.1, 0.2, 0.3, 0.4, 0.5])
def test_sigterm_ends_it_well_also_while_it_starts_again(start_server, music, after_s):
    server = start_server(folders=[music])
    os.kill(server.pid, signal.SIGKILL)
    time.sleep(after_s)
    assert server.stop() == 0


@pytest.mark.slow
def test_a_sigterm_for_the_server_alone_ends_both(server):
    os.kill(server.pid, signal.SIGTERM)
    assert wait_until(lambda: server.process.poll() is not None)
    assert server.process.returncode == 0


def test_without_supervisor_it_is_one_process(start_server, music):
    server = start_server("--no-supervisor", folders=[music])
    assert server.pid == server.process.pid


def test_a_server_that_never_starts_ends_its_supervisor(tmp_path, music):
    done = run_command("serve", music, "--data", tmp_path / "state", "--listen", "192.0.2.1:0", check=False)
    assert done.returncode == 1 and "no such address" in done.stderr


def test_sockets_of_a_service_manager_are_taken(tmp_path, music):
    """LISTEN_FDS as systemd gives it: a .socket unit stands for the setting `listen`."""
    with socket.create_server(("127.0.0.1", 0)) as activated:
        port = activated.getsockname()[1]

        script = f"import os; os.dup2({activated.fileno()}, 3); os.environ['LISTEN_PID'] = str(os.getpid()); " \
                 f"os.execv({str(find_binary())!r}, ['sostenuto', 'serve', '--data', {str(tmp_path / 'state')!r}])"
        process = subprocess.Popen(["/usr/bin/python3", "-c", script], pass_fds=[activated.fileno()],
                                   env=clean_environment({"LISTEN_FDS": "1", "LISTEN_FDNAMES": "sostenuto.socket"}),
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout.readline() == b"listening on http://127.0.0.1:%d\n" % port
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        process.terminate()
    assert process.wait(30) == 0


def test_even_a_dead_supervisor_loses_no_socket_under_a_service_manager(tmp_path, music):
    """What it asked the manager to store comes back by LISTEN_FDS; connections wait meanwhile."""
    path, data = tmp_path / "notify.sock", tmp_path / "state"
    stored = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(20)
        process = subprocess.Popen([find_binary(), "serve", music, "--data", data, "--listen", "127.0.0.1:0"],
                                   env=clean_environment({"NOTIFY_SOCKET": str(path)}), stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        while True:
            said, fds, _, _ = socket.recv_fds(manager, 1000, 4)
            if said.startswith(b"FDSTORE=1"):
                stored.append((said.decode().partition("FDNAME=")[2].strip(), fds[0]))
            if said == b"READY=1":
                break
    port = int(process.stdout.readline().rsplit(b":", 1)[1])
    assert sorted(name for name, _ in stored) == [f"listen-127.0.0.1_{port}", "tickets"]
    process.kill()
    process.wait()
    client = socket.create_connection(("127.0.0.1", port), 20)  # nobody is there, and nobody refuses
    client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    moves = "".join(f"os.dup2({fd}, {100 + i}); " for i, (_, fd) in enumerate(stored)) + \
            "".join(f"os.dup2({100 + i}, {3 + i}); " for i in range(len(stored)))
    script = f"import os; {moves}os.environ['LISTEN_PID'] = str(os.getpid()); " \
             f"os.execv({str(find_binary())!r}, ['sostenuto', 'serve', '--data', {str(data)!r}, '--listen', '127.0.0.1:{port}'])"
    process = subprocess.Popen(["/usr/bin/python3", "-c", script], pass_fds=[fd for _, fd in stored],
                               env=clean_environment({"LISTEN_FDS": str(len(stored)),
                                                      "LISTEN_FDNAMES": ":".join(name for name, _ in stored)}),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert client.makefile("rb").read().endswith(b"ok\n")
    finally:
        client.close()
        for _, fd in stored:
            os.close(fd)
        process.terminate()
    assert process.wait(30) == 0


@pytest.mark.slow
def test_status_tells_the_pid_and_the_restarts(server):
    crash(server, signal.SIGKILL)
    assert wait_until(lambda: server.pid)
    assert "restarted 1 time" in run_command("status", "--data", server.data).stdout


@pytest.mark.slow
def test_a_write_that_was_acknowledged_survives_each_crash(server):
    for i in range(3):
        add_user(server.data, f"person{i}", admin=False)
        crash(server, signal.SIGKILL)
        assert wait_until(lambda: server.pid)
    listed = run_command("user", "list", "--data", server.data).stdout
    assert all(f"person{i}" in listed for i in range(3))


# --- without the guards ---


def test_without_its_guard_a_crashed_server_stays_down(start_server, music):
    server = start_server(folders=[music], guards_off="supervisor-restarts")
    crash(server, signal.SIGKILL)
    assert wait_until(lambda: server.process.poll() is not None)
    assert server.process.returncode == 1


@pytest.mark.slow
def test_without_its_guard_a_server_that_hangs_goes_on_hanging(start_server, music):
    server = start_server("--watchdog-seconds", "1", folders=[music], guards_off="server-watchdog")
    hung = crash(server, signal.SIGSTOP)
    time.sleep(3)
    assert is_alive(hung)
    os.kill(hung, signal.SIGCONT)
