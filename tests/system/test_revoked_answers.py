# SPDX-License-Identifier: GPL-3.0-or-later
"""What is being sent when a session, an app or an account ends, ends too, and what others are sent goes on."""
import http.client
import socket
import subprocess
import time

import pytest

from conftest import PASSWORD, add_user, run_command


@pytest.fixture(scope="module")
def long_song(tmp_path_factory):
    """Noise, which no codec makes small: 30 MB."""
    folder = tmp_path_factory.mktemp("long")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=d=180:r=44100:a=0.9", "-ac", "2", "-metadata", "title=Long",
                    "-metadata", "artist=A", "-metadata", "album=B", str(folder / "long.flac")], check=True)
    return folder


@pytest.fixture
def serve(start_server, long_song, tmp_path):
    def start(guards_off=None):
        data = tmp_path / "state"
        add_user(data)
        server = start_server("--loops", "3", folders=[long_song], data=data, guards_off=guards_off)
        server.wait_for_scan()
        return server
    return start


class Stream:
    """An answer that is read as slowly as it is played."""

    def __init__(self, server, path, **headers):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.settimeout(5)
        self.socket.connect((server.host, server.port))
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n{fields}\r\n".encode())
        self.response = http.client.HTTPResponse(self.socket)
        self.response.begin()
        assert self.response.status == 200, self.response.read()
        self.read(50_000)

    def read(self, size):
        return self.response.read(size)

    def ends_within(self, seconds):
        """True when it breaks off; what had arrived before is read."""
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                if len(self.read(20_000)) < 20_000:
                    return True
                time.sleep(0.01)
        except (ConnectionResetError, http.client.IncompleteRead):
            return True
        return False


def bearer(session):
    return {"Authorization": "Bearer " + session["accessToken"]}


def song_of(server, session):
    found = server.get("/rest/search3?query=Long&f=json&v=1.16.1&c=test", headers=bearer(session)).json["subsonic-response"]
    return found["searchResult3"]["song"][0]["id"]


def own_id(server, session):
    rows = server.get("/api/v1/sessions", headers=bearer(session)).json
    return next(row["id"] for row in rows if row["isCurrent"])


@pytest.mark.slow
def test_a_revoked_session_hears_nothing_more_and_others_do(serve):
    server = serve()
    gone, stays = server.sign_in(), server.sign_in()
    song = song_of(server, stays)
    original = f"/m/{song}/original?g="
    ending = [Stream(server, original + gone["grant"]) for _ in range(3)]  # one a loop, more or less
    ending.append(Stream(server, f"/rest/stream?id={song}&v=1.16.1&c=test", **bearer(gone)))
    ending.append(Stream(server, f"/rest/stream?id={song}&v=1.16.1&c=test&format=opus&maxBitRate=320", **bearer(gone)))
    going_on = [Stream(server, original + stays["grant"]) for _ in range(3)]
    assert not any(stream.ends_within(0.1) for stream in ending + going_on)
    answer = server.ask("DELETE", "/api/v1/sessions/" + own_id(server, gone), headers=bearer(stays))
    assert answer.status == 204, answer.body
    time.sleep(0.3)
    assert all(stream.ends_within(1) for stream in ending)
    assert not any(stream.ends_within(0.3) for stream in going_on)
    assert "sostenuto_http_answers_ended_total 5" in server.get("/metrics").text


def test_so_does_an_app_that_was_taken_back_and_an_account_that_is_gone(serve):
    server = serve()
    add_user(server.data, "bert", admin=False)
    secret = run_command("app", "add", "alice", "phone", "--data", server.data).stdout.strip()
    alice, bert = server.sign_in(), server.sign_in("bert")
    song = song_of(server, alice)
    by_app = Stream(server, f"/rest/stream?id={song}&v=1.16.1&c=test&apiKey={secret}")
    by_password = Stream(server, f"/rest/stream?id={song}&v=1.16.1&c=test&u=bert&p={PASSWORD.replace(' ', '%20')}")
    by_grant = Stream(server, f"/m/{song}/original?g={bert['grant']}")
    by_alice = Stream(server, f"/m/{song}/original?g={alice['grant']}")
    run_command("app", "remove", "alice", "phone", "--data", server.data)
    assert by_app.ends_within(1) and not by_password.ends_within(0.1)
    run_command("user", "remove", "bert", "--data", server.data)
    assert by_password.ends_within(1) and by_grant.ends_within(1)
    assert not by_alice.ends_within(0.3)


@pytest.mark.alone
def test_a_stream_of_changes_ends_too(serve):
    server = serve()
    gone, stays = server.sign_in(), server.sign_in()
    connection = server.connect(timeout=3)
    connection.request("GET", "/changes", headers=bearer(gone))
    response = connection.getresponse()
    assert response.status == 200 and b"event: reset" in response.read1(1 << 16)
    begun = time.monotonic()
    server.ask("DELETE", "/api/v1/sessions/" + own_id(server, gone), headers=bearer(stays))
    response.read()
    assert time.monotonic() - begun < 1.5


def test_without_the_guard_it_is_sent_to_its_end(serve):
    server = serve(guards_off="ended-answers")
    gone, stays = server.sign_in(), server.sign_in()
    stream = Stream(server, f"/m/{song_of(server, stays)}/original?g={gone['grant']}")
    server.ask("DELETE", "/api/v1/sessions/" + own_id(server, gone), headers=bearer(stays))
    assert not stream.ends_within(1.5)
