# SPDX-License-Identifier: GPL-3.0-or-later
"""
One real server with a small library for all API tests: `sostenuto serve` on a free port with a temporary state folder.

The program is $SOSTENUTO, else this checkout's build/debug/sostenuto, else build/release/sostenuto.
"""
import hashlib
import json
import os
import pathlib
import random
import secrets
import socket
import subprocess
import time
import types
import urllib.error
import urllib.parse
import urllib.request

import pytest

import music

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "wistful-cactus-organ-47"


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes some seconds, left out by script/test --quick")


def find_program():
    found = os.environ.get("SOSTENUTO")
    if found:
        return pathlib.Path(found)
    for kind in ("debug", "release"):
        built = ROOT / "build" / kind / "sostenuto"
        if built.exists():
            return built
    pytest.exit("no build/debug/sostenuto: run script/build debug, or set SOSTENUTO", 1)


def find_drills_program():
    program = ROOT / "build/drills/sostenuto"
    if not program.exists():
        pytest.skip("needs script/build drills")
    return program


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


def environment():
    """Ours, without settings of the person who runs the tests; nothing is published in their network."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOSTENUTO")}
    return kept | {"SOSTENUTO_MDNS": "no", "SOSTENUTO_LOOPS": "3", "ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "halt_on_error=1"}


class Answer:
    """Status, headers and bytes of one HTTP answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def subsonic(self):
        return self.json()["subsonic-response"]


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirect)


class Server:
    """A running server, and what a client does with it."""

    def __init__(self, folder, arguments=(), guards_off=None):
        """`guards_off` names protections to go without: in the drills build, or the test is skipped."""
        self.folder = pathlib.Path(folder)
        self.program, self.port = find_drills_program() if guards_off else find_program(), free_port()
        self.environment = environment() | ({"SOSTENUTO_GUARDS_OFF": guards_off} if guards_off else {})
        self.base = f"http://127.0.0.1:{self.port}"
        self.state = self.folder / "state"
        self.state.mkdir(exist_ok=True)
        self.log = open(self.folder / "server.log", "ab")
        self.arguments = list(arguments)
        self.process = None

    def run(self, *arguments):
        return subprocess.run([self.program, *arguments, "--data", self.state], capture_output=True, text=True,
                              timeout=60, check=True, env=environment()).stdout.strip()

    def start(self, *music_folders):
        self.process = subprocess.Popen(
            [self.program, "serve", *music_folders, "--data", self.state, "--listen", f"127.0.0.1:{self.port}",
             *self.arguments], stdout=self.log, stderr=self.log, env=self.environment)
        self.until(lambda: self.get("/livez").status == 200, "it answers")

    def until(self, holds, what, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, f"the server ended: see {self.folder}/server.log"
            try:
                if holds():
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"waited in vain until {what}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            assert self.process.wait(30) == 0, "the server ends with 0 when told to"
        self.log.close()

    def ask(self, method, path, body=None, headers=None):
        request = urllib.request.Request(self.base + path, data=body, method=method, headers=headers or {})
        try:
            with OPENER.open(request, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def get(self, path, headers=None):
        return self.ask("GET", path, headers=headers)

    def add_user(self, name, *options, password=PASSWORD):
        path = self.folder / "password"
        path.write_text(password + "\n")
        self.run("user", "add", name, *options, "--password-file", path)


class Client:
    """An OpenSubsonic app that signs in with a secret of its own."""

    def __init__(self, server, name, secret, client="tests"):
        self.server, self.name, self.secret, self.client = server, name, secret, client

    def credentials(self):
        salt = secrets.token_hex(8)
        return {"u": self.name, "t": hashlib.md5((self.secret + salt).encode()).hexdigest(), "s": salt}

    def parameters(self, given, **more):
        fixed = {"v": "1.16.1", "c": self.client, "f": "json"} | self.credentials() | more
        return urllib.parse.urlencode(fixed | given, doseq=True)

    def raw(self, endpoint, given=None, headers=None, **more):
        return self.server.get(f"/rest/{endpoint}?{self.parameters(given or {}, **more)}", headers)

    def ask(self, endpoint, **given):
        """The payload; an error is an assertion."""
        answer = self.raw(endpoint, given).subsonic()
        assert answer["status"] == "ok", answer
        return answer

    def error(self, endpoint, **given):
        """The code of the error that must come."""
        answer = self.raw(endpoint, given).subsonic()
        assert answer["status"] == "failed", answer
        return answer["error"]["code"]


def start_server(folder, arguments=(), guards_off=None):
    server = Server(folder, arguments, guards_off)
    library = music.make(pathlib.Path(folder) / "music")
    server.add_user("anna", "--admin")
    server.add_user("bert")
    server.start(library)
    server.anna = Client(server, "anna", server.run("app", "add", "anna", "tests").split()[-1])
    server.bert = Client(server, "bert", server.run("app", "add", "bert", "tests").split()[-1])
    count = len(music.SONGS)
    server.until(lambda: len(server.anna.ask("search3", query="", songCount=500)["searchResult3"]["song"]) == count,
                 "the library is scanned")
    return server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    running = start_server(folder)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def anna(server):
    """An admin."""
    return server.anna


@pytest.fixture(scope="session")
def bert(server):
    """Not an admin."""
    return server.bert


@pytest.fixture(scope="session")
def library(anna):
    """Ids of one thing of each kind, with something starred, rated, played, queued and marked by anna."""
    songs = anna.ask("search3", query="Human Behaviour")["searchResult3"]["song"]
    song = songs[0]
    index = anna.ask("getIndexes")["indexes"]["index"]
    folder = next(entry for heading in index for entry in heading["artist"] if entry["name"] == "Björk")
    found = types.SimpleNamespace(song=song["id"], album=song["albumId"], artist=song["artistId"],
                                  folder=folder["id"], art=song["coverArt"], row=song)
    for parameter, value in (("id", found.song), ("albumId", found.album), ("artistId", found.artist)):
        anna.ask("star", **{parameter: value})
    anna.ask("setRating", id=found.album, rating=4)
    anna.ask("scrobble", id=found.song, time=1700000000000)
    anna.ask("scrobble", id=found.song, submission="false")
    found.playlist = anna.ask("createPlaylist", name="Mine", songId=[found.song])["playlist"]["id"]
    anna.ask("savePlayQueue", id=[found.song], current=found.song, position=500)
    anna.ask("createBookmark", id=found.song, position=1200, comment="here")
    return found
