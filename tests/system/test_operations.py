# SPDX-License-Identifier: GPL-3.0-or-later
"""The process from outside: its life, health, logs, configuration, and the owner's commands."""
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest
from conftest import PASSWORD, add_user, clean_environment, find_binary, launch, run_command


def wait_until(claim, timeout=15):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if claim():
            return True
        time.sleep(0.05)
    return False


# --- health ---


def test_health_answers(server):
    assert server.get("/livez").text == "ok\n"
    ready = server.get("/readyz")
    assert ready.status == 200 and ready.json["ready"] is True


def test_metrics_pass_promtool(server):
    metrics = server.get("/metrics")
    assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    done = subprocess.run(["promtool", "check", "metrics"], input=metrics.body, capture_output=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    values = dict(re.findall(r"^(\w+) ([0-9.e+-]+)$", metrics.text, re.M))
    assert float(values["sostenuto_library_tracks"]) == 6
    assert float(values["sostenuto_ready"]) == 1
    assert float(values["process_resident_memory_bytes"]) > 1e6


def test_the_player_is_served_with_its_security_fields(server):
    page = server.get("/")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert server.get("/album/al-anything").body == page.body
    assert server.get("/nothing.js").status == 404


# --- life and death ---


def test_sigterm_ends_it_with_0_and_releases_the_folder(start_server, music):
    server = start_server(folders=[music])
    assert server.stop() == 0
    assert not (server.data / "control.sock").exists()
    assert start_server(folders=[music]).get("/livez").status == 200


def test_a_running_answer_may_end_before_the_process_does(server, secret):
    song = server.rest("getRandomSongs", secret)["randomSongs"]["song"][0]
    connection = server.connect()
    connection.request("GET", f"/rest/stream?id={song['id']}&apiKey={secret}&c=t&v=1.16.1")
    answer = connection.getresponse()
    first = answer.read(1000)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert len(first + answer.read()) == song["size"]
    connection.close()
    assert server.stop() == 0


def test_while_it_drains_nothing_new_is_taken(server):
    idle = server.connect()
    idle.request("GET", "/livez")
    idle.getresponse().read()
    server.process.send_signal(signal.SIGTERM)
    assert wait_until(lambda: server.process.poll() is not None, 15)
    with pytest.raises(OSError):
        server.get("/livez")


def test_who_waits_for_news_is_answered_when_the_server_ends(server, secret):
    session = server.sign_in()
    bearer = {"Authorization": "Bearer " + session["accessToken"], "Accept": "application/json"}
    cursor = server.get("/changes?wait=0", headers=bearer).json["cursor"]
    connection = server.connect()
    connection.request("GET", f"/changes?wait=60&since={cursor}", headers=bearer)
    assert wait_until(lambda: b"sostenuto_followers 1\n" in server.get("/metrics").body)
    server.process.send_signal(signal.SIGTERM)
    answer = connection.getresponse()
    assert answer.status == 200 and json.loads(answer.read())["cursor"], "an answer, not a line that is cut"
    connection.close()
    assert server.stop() == 0


def test_two_servers_cannot_share_a_state_folder(server, music):
    done = run_command("serve", music, "--data", server.data, "--listen", "127.0.0.1:0", check=False)
    assert done.returncode == 1
    assert f"in use by process {server.pid}" in done.stderr


def test_a_taken_port_is_explained(start_server, music, tmp_path):
    server = start_server(folders=[music])
    done = run_command("serve", music, "--data", tmp_path / "other", "--listen", f"127.0.0.1:{server.port}", check=False)
    assert done.returncode == 1 and "choose another port with --listen" in done.stderr


def test_kill_9_keeps_what_was_acknowledged(start_server, music, tmp_path):
    server = start_server(folders=[music])
    add_user(server.data, "bob", admin=False)
    server.stop(signal.SIGKILL)
    again = start_server(folders=[music])
    assert "bob" in run_command("user", "list", "--data", again.data).stdout


def test_the_service_manager_is_told(start_server, music, tmp_path):
    path = tmp_path / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(20)
        server = start_server(folders=[music], env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"})
        said = [manager.recv(100)]
        while b"READY=1" not in said:
            said.append(manager.recv(100))
        assert any(line.startswith(b"FDSTORE=1\nFDNAME=listen-127.0.0.1_") for line in said)
        while b"WATCHDOG=1" not in said:
            said.append(manager.recv(100))
        server.process.send_signal(signal.SIGTERM)
        rest = [manager.recv(100)]
        while b"STOPPING=1" not in rest:
            rest.append(manager.recv(100))
        assert server.stop() == 0


def test_the_watchdog_stops_when_the_main_loop_does(start_server, music, tmp_path):
    path = tmp_path / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(20)
        server = start_server(folders=[music], env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000"})
        while manager.recv(100) != b"READY=1":
            pass
        server.process.send_signal(signal.SIGSTOP)
        manager.settimeout(0.6)
        with pytest.raises(TimeoutError):
            for _ in range(20):
                manager.recv(100)
        server.process.send_signal(signal.SIGCONT)


def nobody_may_pass(path):
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to stop being root")
@pytest.mark.skipif(not nobody_may_pass(find_binary()), reason="this checkout is under a folder that nobody else may enter")
def test_root_becomes_the_owner_of_the_state_folder(start_server, music, tmp_path):
    for folder in [tmp_path, *tmp_path.parents]:
        if not folder.stat().st_mode & stat.S_IXOTH and folder.owner() == "root":
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    data = tmp_path / "owned"
    data.mkdir(mode=0o700)
    shutil.chown(data, "nobody", "nogroup")
    server = start_server(folders=[music], data=data)
    status = (f"/proc/{server.process.pid}/status")
    with open(status) as lines:
        assert "Uid:\t65534\t65534\t65534\t65534" in lines.read()
    add_user(data)  # as root, by the socket of a server that is nobody
    server.stop()
    run_command("user", "list", "--data", data)  # as root, on the folder itself
    assert {path.owner() for path in data.rglob("*")} == {"nobody"}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to stop being root")
@pytest.mark.skipif(not nobody_may_pass(find_binary()), reason="this checkout is under a folder that nobody else may enter")
def test_a_configuration_that_only_root_can_read_is_refused_at_the_start_and_not_after_a_crash(music, tmp_path):
    for folder in [tmp_path, *tmp_path.parents]:
        if not folder.stat().st_mode & stat.S_IXOTH and folder.owner() == "root":
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    data, path = tmp_path / "owned", tmp_path / "root.conf"
    data.mkdir(mode=0o700)
    shutil.chown(data, "nobody", "nogroup")
    path.write_text("log_level = info\n")
    path.chmod(0o600)
    done = run_command("serve", music, "--data", data, "--config", path, "--listen", "127.0.0.1:0", check=False)
    assert done.returncode != 0 and "let that user read it" in done.stderr


# --- set-up code ---


def test_without_an_account_a_setup_code_is_printed_and_works_once(start_server, music):
    server = start_server(folders=[music])
    assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}", server.setup_code)
    wrong = server.post("/api/v1/setup", {"code": "AAAA-AAAA", "name": "alice", "password": PASSWORD})
    assert wrong.status == 403
    right = server.post("/api/v1/setup", {"code": server.setup_code, "name": "alice", "password": PASSWORD})
    assert right.status == 201 and right.json["user"]["isAdmin"] is True
    again = server.post("/api/v1/setup", {"code": server.setup_code, "name": "mallory", "password": PASSWORD})
    assert again.status == 409


def test_with_an_account_there_is_no_setup_code(server):
    assert server.setup_code is None


# --- logs ---


def test_the_access_log_names_the_listener_and_no_secret(start_server, music, tmp_path):
    data, log = tmp_path / "state", tmp_path / "access.log"
    add_user(data)
    server = start_server("--access-log", log, folders=[music], data=data)
    secret = run_command("app", "add", "alice", "t", "--data", data).stdout.strip()
    server.rest("ping", secret)
    server.get(f"/rest/ping?u=alice&p={PASSWORD.replace(' ', '%20')}&c=t&v=1.16.1")
    assert wait_until(lambda: log.read_text().count("/rest/ping") == 2)  # lines are written together, soon
    lines = log.read_text()
    assert re.search(r'^127\.0\.0\.1 - alice \[.*\] "GET /rest/ping\?apiKey=\[redacted\]', lines, re.M)
    assert secret not in lines and "correct" not in lines


def test_sighup_reopens_the_access_log(start_server, music, tmp_path):
    log = tmp_path / "access.log"
    server = start_server("--access-log", log, folders=[music])
    server.get("/livez")  # its line may still be gathered in a loop
    log.rename(tmp_path / "access.log.1")
    server.process.send_signal(signal.SIGHUP)
    assert wait_until(log.exists)
    server.get("/readyz")
    assert wait_until(lambda: "/readyz" in log.read_text())
    assert "/livez" in (tmp_path / "access.log.1").read_text() and "/livez" not in log.read_text()


def test_json_logs_are_json(start_server, music):
    server = start_server("--log-format", "json", "--allow-root", folders=[music])
    server.stop()
    events = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert any(event["event"].startswith("stopping") for event in events)
    assert all({"time", "level", "event"} <= event.keys() for event in events)


# --- configuration ---


def test_each_origin_of_a_setting_outranks_the_one_before(tmp_path):
    def level(*flags, env=None):
        done = run_command("check-config", "--all", "--data", tmp_path, *flags, env=env)
        return re.search(r"^log_level = (\w+)$", done.stdout, re.M).group(1)

    assert level() == "info"
    (tmp_path / "sostenuto.conf").write_text("log_level = warning\n")
    assert level() == "warning"
    assert level(env={"SOSTENUTO_LOG_LEVEL": "error"}) == "error"
    assert level("--log-level", "debug", env={"SOSTENUTO_LOG_LEVEL": "error"}) == "debug"


@pytest.mark.parametrize("content, said", [
    ("listen = \"x\"\n", ":1: listen: \"x\" is not an address and port; write"),
    ("\n\nlog_levle = info\n", ":3: there is no setting \"log_levle\"; did you mean \"log_level\"?"),
    ("max_transcodes = 0\n", ":1: max_transcodes: \"0\" is not a number from 1 to 1000"),
    ("watch = yes yes\n", ":1: "),
    ("\nlibrary = {\"/a\",\n", ":"),
])
def test_a_bad_configuration_says_where_what_and_how(tmp_path, content, said):
    path = tmp_path / "bad.conf"
    path.write_text(content)
    done = run_command("check-config", path, check=False)
    assert done.returncode == 1 and f"{path}{said}" in done.stderr


def test_a_reload_takes_up_what_is_live_and_names_what_is_not(start_server, music, tmp_path):
    data = tmp_path / "state"
    data.mkdir()
    (data / "sostenuto.conf").write_text("log_level = info\n")
    server = start_server(folders=[music], data=data)
    (data / "sostenuto.conf").write_text("log_level = debug\nmax_transcodes = 3\n")
    server.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: "reloaded" in server.log.read_text())
    assert "needs a restart setting=\"max_transcodes\"" in server.log.read_text()


def test_a_reload_with_an_error_changes_nothing_and_drops_nothing(start_server, music, tmp_path):
    data = tmp_path / "state"
    data.mkdir()
    server = start_server(folders=[music], data=data)
    connection = server.connect()
    connection.request("GET", "/livez")
    connection.getresponse().read()
    (data / "sostenuto.conf").write_text("log_level = shouting\n")
    server.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: "sostenuto.conf:1: log_level" in server.log.read_text())
    connection.request("GET", "/metrics")  # on the same connection
    assert "sostenuto_reloads_refused_total 1" in connection.getresponse().read().decode()
    connection.close()


# --- the owner's commands ---


def test_users_can_be_managed_while_it_runs_and_while_not(start_server, music, tmp_path):
    data = tmp_path / "state"
    for server in (None, start_server(folders=[music], data=data)):
        name = "running" if server else "offline"
        add_user(data, name, admin=not server)
        listed = run_command("user", "list", "--data", data).stdout
        assert name in listed
        run_command("user", "role", name, "admin", "--data", data)
        assert re.search(rf"^{name}\s+admin", run_command("user", "list", "--data", data).stdout, re.M)
        run_command("user", "password", name, "--password-file", "-", "--data", data, input="another long one\n")
        secret = run_command("app", "add", name, "my phone", "--data", data).stdout.strip()
        assert re.fullmatch(r"([0-9a-z]{4}-){6}[0-9a-z]{4}", secret)
        assert "my phone" in run_command("app", "list", name, "--data", data).stdout
        if server:
            assert server.sign_in(name, "another long one")["user"]["name"] == name
            assert server.rest("ping", secret)["status"] == "ok"
        run_command("app", "remove", name, "my phone", "--data", data)
        assert run_command("app", "list", name, "--data", data).stdout == ""
        if server:
            assert server.rest("ping", secret)["status"] == "failed"
            run_command("user", "remove", name, "--data", data)
            assert name not in run_command("user", "list", "--data", data).stdout


def test_commands_say_what_is_wrong(tmp_path):
    def said(code, *arguments, input=None):
        done = run_command(*arguments, "--data", tmp_path, check=False, input=input)
        assert done.returncode == code
        return done.stderr

    add_user(tmp_path)
    assert "there is a user \"alice\" already" in said(1, "user", "add", "alice", "--password-file", "-", input="x\n")
    assert "there is no user \"bob\"" in said(1, "app", "add", "bob", "phone")
    assert "has no app \"phone\"" in said(1, "app", "remove", "alice", "phone")
    assert "No such file" in said(1, "user", "add", "bob", "--password-file", tmp_path / "none")
    assert "one line of 1 to" in said(1, "user", "add", "bob", "--password-file", "-", input="")
    assert "usage: sostenuto user add NAME" in said(2, "user", "add")
    assert "did you mean --admin?" in said(2, "user", "add", "bob", "--admn")
    assert "a role is admin or listener" in said(2, "user", "role", "alice", "boss")


def test_the_last_admin_stays(tmp_path):
    add_user(tmp_path)
    add_user(tmp_path, "bob", admin=False)
    for arguments in (["user", "remove", "alice"], ["user", "role", "alice", "listener"]):
        done = run_command(*arguments, "--data", tmp_path, check=False)
        assert done.returncode == 1 and "last admin" in done.stderr


@pytest.mark.slow
def test_every_command_helps_itself_and_is_in_the_manual():
    manual = (find_binary().parent.parent.parent / "docs/man/sostenuto.1").read_text()
    listed = run_command("--help").stdout
    names = re.findall(r"^  (\S+(?: \S+)?)  +\S", listed, re.M)
    assert len(names) >= 15
    for name in names:
        shown = run_command(*name.split(), "--help").stdout
        assert shown.startswith(f"usage: sostenuto {name}")
        assert f".It Cm {name}" in manual, name
        assert run_command("help", *name.split()).stdout == shown
    done = run_command("sing", check=False)
    assert done.returncode == 2 and "there is no command \"sing\"" in done.stderr


@pytest.mark.parametrize("typed,said", [
    (["edg"], "did you mean \"edge\"?"), (["kyes", "list"], "did you mean \"keys list\"?"), (["bakup", "x"], "did you mean \"backup\"?"),
    (["user"], "user add"), (["user", "ad"], "there is no command \"user ad\", but there are"), (["edges"], "edges revoke")])
def test_who_mistypes_a_command_is_told_the_near_one_and_not_all(typed, said):
    done = run_command(*typed, check=False)
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""
    assert len(done.stderr.splitlines()) < 8 and "state export" not in done.stderr


def test_the_first_word_of_commands_helps_too():
    assert run_command("user", "--help").stdout == run_command("help", "user").stdout
    listed = run_command("user", "--help").stdout.splitlines()
    assert len(listed) == 5 and all(line.startswith("  user ") for line in listed)


def test_help_shows_what_is_often_needed_and_all_of_it_when_asked():
    for name, often, seldom in (("edge", "--token-file PATH", "--breaker-failures"), ("serve", "--public-url URL", "--max-transcodes")):
        short, whole = run_command(name, "--help").stdout, run_command(name, "--help-all").stdout
        assert often in short and seldom not in short and f"sostenuto {name} --help-all" in short
        assert often in whole and seldom in whole
        assert len(short.splitlines()) < 80 and max(map(len, short.splitlines())) <= 120
    assert "--tls auto|off" in whole and "Default: 0.0.0.0:4747." in whole


def test_a_mistyped_state_folder_is_not_made(tmp_path):
    typo = tmp_path / "typo"
    for arguments in (["user", "list"], ["invite", "paris"], ["edges", "list"], ["backup", tmp_path / "file"], ["status"], ["keys", "list"],
                      ["app", "list", "alice"], ["scan"]):
        done = run_command(*arguments, "--data", typo, check=False)
        assert done.returncode == 1 and f"there is no state folder {typo}" in done.stderr, arguments
    assert not typo.exists() and not (tmp_path / "file").exists()


def test_variables_that_are_read_are_not_said_to_be_ignored(tmp_path):
    environment = clean_environment({"SOSTENUTO_SUBSONIC_PASSWORD": "x", "SOSTENUTO_LOG_LEVLE": "info"})
    done = subprocess.run([find_binary(), "check-config", "--data", tmp_path], env=environment, capture_output=True, text=True)
    assert "SUBSONIC_PASSWORD" not in done.stderr and "SOSTENUTO_LOG_LEVLE is no setting" in done.stderr
    environment = clean_environment({"SOSTENUTO_LOG_LEVEL": "loud"})
    done = subprocess.run([find_binary(), "check-config", "--data", tmp_path], env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "(in SOSTENUTO_LOG_LEVEL)" in done.stderr


def test_manuals_are_clean():
    build = find_binary().parent
    root = build.parent.parent
    for page in (root / "docs/man/sostenuto.1", build / "src/programs/sostenuto.conf.5"):
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True)
        assert done.stdout == "", done.stdout
    conf = (build / "src/programs/sostenuto.conf.5").read_text()
    for name in re.findall(r"^(\w+) = ", run_command("check-config", "--all", "--data", "/nonexistent").stdout, re.M):
        assert f".It Cm {name} " in conf


def test_a_scan_is_asked_for_and_reported(server, music):
    (music / "broken.mp3").write_bytes(b"ID3\x04\0\0\0\0\0\0" + bytes(2000))
    said = run_command("scan", "--data", server.data).stdout
    assert "6 tracks, 1 could not be used" in said and "broken.mp3" in said
    status = run_command("status", "--data", server.data).stdout
    assert "serving" in status and "6 tracks" in status


def test_a_scan_without_a_server(tmp_path, music):
    data = tmp_path / "state"
    data.mkdir()
    (data / "sostenuto.conf").write_text(f"library = {{\"Music={music}\"}}\n")
    assert "6 tracks" in run_command("scan", "--data", data).stdout


@pytest.mark.slow
def test_backup_and_restore(start_server, music, tmp_path):
    data, file = tmp_path / "state", tmp_path / "a.backup"
    server = start_server(folders=[music], data=data)
    add_user(data, "before")
    run_command("backup", file, "--data", data)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run_command("backup", file, "--data", data, check=False).returncode == 1  # never over another file
    add_user(data, "after")
    done = run_command("restore", file, "--data", data, check=False)
    assert done.returncode == 1 and "stop it first" in done.stderr
    server.stop()
    keys = {path.name: path.read_bytes() for path in (data / "keys").iterdir() if path.is_file()}
    told = run_command("restore", file, "--data", data).stdout
    names = run_command("user", "list", "--data", data).stdout
    assert "before" in names and "after" not in names
    aside = data / "before-restore"
    assert f"{aside}," in told and stat.S_IMODE(aside.stat().st_mode) == 0o700
    assert {path.name: path.read_bytes() for path in (aside / "keys").iterdir()} == {name: keys[name] for name in os.listdir(aside / "keys")}
    assert {"signing.key", "sealing.key", "root.key"} <= set(os.listdir(aside / "keys"))
    assert "after" in run_command("user", "list", "--data", aside).stdout, "what was there is a whole state folder"
    run_command("state", "export", tmp_path / "former", "--data", aside)
    assert b"after" in (tmp_path / "former").read_bytes()
    again = run_command("restore", file, "--data", data).stdout
    assert re.search(r"/before-restore\.\d+,", again) and "after" in run_command("user", "list", "--data", aside).stdout
    fresh = tmp_path / "fresh"
    assert run_command("restore", file, "--data", fresh).stdout == "restored\n"
    assert not list(fresh.glob("before-restore*"))
    assert "before" in run_command("user", "list", "--data", fresh).stdout
    damaged = tmp_path / "damaged"
    damaged.write_bytes(file.read_bytes()[:-100] + bytes(100))
    assert run_command("restore", damaged, "--data", fresh, check=False).returncode == 1
    assert "before" in run_command("user", "list", "--data", fresh).stdout


# --- the control socket ---


def test_the_control_socket_is_the_owners(server):
    assert stat.S_IMODE((server.data / "control.sock").stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")
def test_another_user_is_turned_away(server):
    path = server.data / "control.sock"
    folder = os.open(server.data, os.O_RDONLY)
    script = (f"import socket; s = socket.socket(socket.AF_UNIX); s.connect('/proc/self/fd/{folder}/control.sock');"
              " s.send(b'{}\\n'); print(s.recv(10))")
    path.chmod(0o666)  # the file's mode is not the only guard
    try:
        done = subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True, text=True, user="nobody", pass_fds=[folder])
    finally:
        os.close(folder)
    assert done.stdout.strip() in ("b''", "") and ("reset" in done.stderr or "Permission" in done.stderr or done.stdout)


def talk(server, line):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        folder = os.open(server.data, os.O_RDONLY)
        client.connect(f"/proc/self/fd/{folder}/control.sock")
        os.close(folder)
        client.sendall(line)
        answer = b""
        while not answer.endswith(b"\n"):
            got = client.recv(65536)
            if not got:
                break
            answer += got
        return answer


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"{\"do\": 1}\n", b"{\"do\":\"user.add\",\"name\":[]}\n", b"\xff\xfe\n",
                                  b"{\"do\":\"none\"}\n", b"{" * 1000 + b"\n"])
def test_nonsense_on_the_control_socket_gets_an_error(server, line):
    assert json.loads(talk(server, line))["ok"] is False
    assert json.loads(talk(server, b'{"do":"status"}\n'))["ok"] is True


# --- reaching it ---


def test_a_qr_code_is_drawn_when_asked_for(start_server, music):
    server = start_server("--qr", "--public-url", "https://music.example.org", folders=[music])
    time.sleep(0.2)
    assert any("open https://music.example.org" in line for line in server.lines)
    assert sum("\u2588" in line or "\u2584" in line for line in server.lines) > 10


def test_tls_init_is_served_and_trusted_by_its_authority(start_server, music, tmp_path):
    data = tmp_path / "state"
    said = run_command("tls", "init", "music.home.arpa", "--data", data).stdout
    assert "music.home.arpa" in said and "iPhone" in said and "Android" in said
    server = start_server(folders=[music], data=data)
    assert server.url.startswith("https://")
    curl = ["curl", "-sS", "--cacert", data / "keys/ca.crt", "--resolve", f"music.home.arpa:{server.port}:127.0.0.1"]
    for address in (f"https://music.home.arpa:{server.port}/livez", f"https://127.0.0.1:{server.port}/livez"):
        done = subprocess.run([*curl, address], capture_output=True, text=True)
        assert done.stdout == "ok\n", done.stderr
    # a device that does not trust it yet can fetch the authority in plain HTTP, from inside
    done = subprocess.run(["curl", "-sS", f"http://127.0.0.1:{server.port}/ca.crt"], capture_output=True)
    assert done.stdout == (data / "keys/ca.crt").read_bytes()
    # a new certificate is taken up by a reload, with connections open
    connection = server.connect()
    connection.request("GET", "/livez")
    connection.getresponse().read()
    run_command("tls", "init", "other.home.arpa", "--data", data)
    server.process.send_signal(signal.SIGHUP)
    assert wait_until(lambda: subprocess.run([*curl, "--resolve", f"other.home.arpa:{server.port}:127.0.0.1",
                                              f"https://other.home.arpa:{server.port}/livez"], capture_output=True).stdout == b"ok\n")
    connection.request("GET", "/livez")
    assert connection.getresponse().read() == b"ok\n"
    connection.close()


# --- under load ---


@pytest.mark.slow
def test_a_client_that_leaves_in_the_middle_of_a_transcode_hurts_nobody(start_server, tmp_path):
    (tmp_path / "long").mkdir()
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=duration=600", str(tmp_path / "long/noise.flac")], check=True)
    data = tmp_path / "state"
    add_user(data)
    server = start_server(folders=[tmp_path / "long"], data=data)
    server.wait_for_scan()
    secret = run_command("app", "add", "alice", "t", "--data", data).stdout.strip()
    song = server.rest("getRandomSongs", secret)["randomSongs"]["song"][0]
    for _ in range(3):
        connection = server.connect()
        connection.request("GET", f"/rest/stream?id={song['id']}&apiKey={secret}&c=t&v=1.16.1&format=mp3")
        connection.getresponse().read(1000)
        connection.close()
    assert wait_until(lambda: server.get("/livez").status == 200)
    assert server.rest("ping", secret)["status"] == "ok"


@pytest.mark.parametrize("hurried", [False, True])
@pytest.mark.slow
def test_sigterm_under_load_ends_cleanly(server, secret, hurried):
    songs = server.rest("getRandomSongs", secret)["randomSongs"]["song"]
    stopped = threading.Event()

    def visit(seed):
        choose = random.Random(seed)
        query = f"apiKey={secret}&c=t&v=1.16.1"
        while not stopped.is_set():
            song = choose.choice(songs)["id"]
            path = choose.choice([f"/rest/star?id={song}&{query}", f"/rest/stream?id={song}&format=mp3&{query}",
                                  f"/rest/getCoverArt?id={song}&size=300&{query}", f"/rest/search3?query=tone&{query}",
                                  f"/rest/createPlaylist?name=x&songId={song}&{query}", "/rest/ping?u=alice&p=wrong&c=t&v=1.16.1",
                                  f"/rest/scrobble?id={song}&time={time.time_ns() // 1000000}&{query}"])
            try:
                server.get(path)
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)

    visitors = [threading.Thread(target=visit, args=(seed,)) for seed in range(6)]
    for visitor in visitors:
        visitor.start()
    time.sleep(1.5)
    server.process.send_signal(signal.SIGTERM)
    if hurried:
        time.sleep(0.05)
        server.process.send_signal(signal.SIGTERM)
    code = server.stop()
    stopped.set()
    for visitor in visitors:
        visitor.join()
    assert code == 0
