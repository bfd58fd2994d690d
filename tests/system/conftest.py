# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for whole-system tests: a real `sostenuto serve` on a free port with folders of its own.

    def test_it(server): server.get("/livez").status == 200

`server` is fresh for each test and has an admin "alice" with a password; `music` is its folder.  `start_server` makes
servers to taste.  Servers are ended by their pid; a server that does not exit 0 on SIGTERM, or whose sanitizer spoke,
fails its test.  The binary is $SOSTENUTO_BINARY, else the debug build (asan, ubsan), else the release build.
"""
import http.client
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PASSWORD = "correct horse battery"
START_TIMEOUT_S = 60


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes some seconds, left out by script/test --quick")
    config.addinivalue_line("markers", "alone: measures time, or takes the whole machine: not beside others (-m 'not alone' -n 3, then -m alone)")


def find_binary():
    named = os.environ.get("SOSTENUTO_BINARY")
    candidates = [named] if named else [ROOT / "build" / kind / "sostenuto" for kind in ("debug", "release")]
    for candidate in candidates:
        if pathlib.Path(candidate).exists():
            return pathlib.Path(candidate)
    pytest.exit("no sostenuto found: run script/build debug", returncode=2)


def clean_environment(extra=None):
    """Ours without settings of the person who runs the tests; nothing is published in their network."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SOSTENUTO_", "NOTIFY_", "WATCHDOG_"))}
    kept.update(SOSTENUTO_MDNS="no", ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:handle_abort=1:exitcode=99",
                UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
    kept.update(extra or {})
    return kept


def free_port():
    """Below those that the kernel gives to clients (ip_local_port_range): nobody else's by chance, also while a server restarts."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """A running server.  `data` is its state folder, `url` what it said it listens on."""

    def __init__(self, process, data, url, lines, log):
        self.process, self.data, self.url, self.lines, self.log = process, data, url, lines, log
        self.is_crashed = False  # by a test, with a signal that sanitizers report
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.is_secure = parts.hostname, parts.port, parts.scheme == "https"

    @property
    def setup_code(self):
        for line in self.lines:
            match = re.match(r"set-up code (\S+)", line)
            if match:
                return match.group(1)
        return None

    @property
    def pid(self):
        """Of the server itself: `process` is its supervisor.  0 while it is down."""
        done = run_command("status", "--json", "--data", self.data, check=False)
        return json.loads(done.stdout)["pid"] if done.returncode == 0 else 0

    def connect(self, timeout=20):
        if self.is_secure:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=context)
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, timeout=20):
        connection = self.connect(timeout)
        try:
            if isinstance(body, (dict, list)):
                body, headers = json.dumps(body), {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def get(self, path, headers=None, timeout=20):
        return self.ask("GET", path, headers=headers, timeout=timeout)

    def post(self, path, body=None, headers=None):
        return self.ask("POST", path, body, headers)

    def rest(self, endpoint, secret, /, **parameters):
        """An OpenSubsonic call as an app does it; returns the subsonic-response object."""
        query = urllib.parse.urlencode({"apiKey": secret, "f": "json", "v": "1.16.1", "c": "test", **parameters}, doseq=True)
        return self.get(f"/rest/{endpoint}?{query}").json["subsonic-response"]

    def sign_in(self, name="alice", password=PASSWORD):
        answer = self.post("/api/v1/session", {"name": name, "password": password})
        assert answer.status == 200, answer.body
        return answer.json

    def wait_for_scan(self, timeout=60):
        """Until the library is idle after a finished scan; returns the scan's status."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            done = run_command("status", "--json", "--data", self.data)
            scan = json.loads(done.stdout)["scan"]
            if scan["idle"] and scan["finished_ms"]:
                return scan
            time.sleep(0.1)
        raise AssertionError("the scan did not end")

    def stop(self, signal_number=signal.SIGTERM, timeout=40):
        """Ends it by its pid; returns the exit code.  A second call only returns the code."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


def run_command(*arguments, input=None, check=True, env=None, timeout=60):
    """Runs `sostenuto ARGUMENTS`; a failure shows what it said."""
    done = subprocess.run([find_binary(), *map(str, arguments)], input=input, capture_output=True, text=True,
                          env=clean_environment(env), timeout=timeout)
    if check and done.returncode != 0:
        raise AssertionError(f"sostenuto {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stderr}")
    return done


def find_drills_binary():
    """Of the build whose guards can be switched off; without it the test is skipped."""
    binary = ROOT / "build" / "drills" / "sostenuto"
    if not binary.exists():
        pytest.skip("needs script/build drills")
    return binary


def launch(data, folders, *flags, env=None, log=None, listen="127.0.0.1:0", binary=None):
    """Starts a server and waits until it says that it listens.  Raises with its log when it does not."""
    log = pathlib.Path(log or pathlib.Path(data).parent / f"{pathlib.Path(data).name}.log")
    command = [binary or find_binary(), "serve", *map(str, folders), "--data", str(data), "--listen", listen, *map(str, flags)]
    with open(log, "ab") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL,
                                   env=clean_environment(env))
    os.set_blocking(process.stdout.fileno(), False)
    end, seen, url = time.monotonic() + START_TIMEOUT_S, b"", None
    while time.monotonic() < end and not url:
        select.select([process.stdout], [], [], 0.2)
        seen += process.stdout.read() or b""
        match = re.search(rb"^listening on (https?://\S+)$", seen, re.M)
        url = match.group(1).decode() if match else None
        if process.poll() is not None:
            break
    if not url:
        process.kill()
        process.wait()
        raise AssertionError(f"the server did not start:\n{seen.decode()}\n{log.read_text(errors='replace')[-4000:]}")
    time.sleep(0.05)  # the lines after the address are written at once
    seen += process.stdout.read() or b""
    return Server(process, pathlib.Path(data), url, seen.decode().splitlines(), log)


def make_music(folder, albums=2, tracks=3):
    """A few seconds of tones as tagged FLAC files, made once per machine and copied."""
    cache = ROOT / "build" / "test-music" / f"{albums}x{tracks}"
    if not cache.exists():
        fresh = cache.with_name(cache.name + f".{os.getpid()}")
        for album in range(1, albums + 1):
            for track in range(1, tracks + 1):
                path = fresh / f"Artist {album}" / f"Album {album}" / f"{track:02} Tone {track}.flac"
                path.parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"sine=frequency={200 + 50 * album + 20 * track}:duration=3",
                                "-metadata", f"artist=Artist {album}", "-metadata", f"album=Album {album}",
                                "-metadata", f"title=Tone {track}", "-metadata", f"track={track}", "-metadata", "genre=Test",
                                "-metadata", "date=2020", str(path)], check=True)
        try:
            fresh.rename(cache)
        except OSError:  # another run was faster
            shutil.rmtree(fresh)
    shutil.copytree(cache, folder)
    return folder


@pytest.fixture
def music(tmp_path):
    """A folder with two albums of three tracks."""
    return make_music(tmp_path / "music")


@pytest.fixture
def start_server(tmp_path):
    """start_server(*flags, folders=[...], data=..., env={...}) → Server; all are ended and judged after the test."""
    started = []

    def start(*flags, folders=(), data=None, env=None, listen="127.0.0.1:0", guards_off=None):
        data = data or tmp_path / "state"
        binary = find_drills_binary() if guards_off else None
        if guards_off:
            env = {**(env or {}), "SOSTENUTO_GUARDS_OFF": guards_off}
        server = launch(data, folders, *flags, env=env, listen=listen, log=tmp_path / f"server-{len(started)}.log",
                        binary=binary)
        started.append(server)
        return server

    yield start
    codes = [(server, server.process.poll(), server.stop()) for server in started]
    for server, code_before, code in codes:
        log = server.log.read_text(errors="replace")
        assert server.is_crashed or "Sanitizer" not in log and "runtime error" not in log, log[-6000:]
        assert code == 0 or code_before is not None, f"exit code {code}:\n{log[-4000:]}"


def add_user(data, name="alice", admin=True, password=PASSWORD):
    run_command("user", "add", name, *(["--admin"] if admin else []), "--password-file", "-", "--data", data, input=password + "\n")


@pytest.fixture
def server(start_server, music, tmp_path):
    """A server with two albums scanned and an admin "alice"."""
    data = tmp_path / "state"
    add_user(data)
    running = start_server(folders=[music], data=data)
    running.wait_for_scan()
    return running


@pytest.fixture
def secret(server):
    """A per-app secret of alice."""
    return run_command("app", "add", "alice", "tests", "--data", server.data).stdout.strip()
