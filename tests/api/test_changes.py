# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /changes as docs/formats/changes.md says: nothing is missed, nobody hears of others, and nothing grows without end."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import threading
import time
import urllib.parse

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest

import conftest
from test_player import assert_problem, sign_in


class Follower:
    """A stream of /changes."""

    def __init__(self, server, bearer, since=None, seconds=20):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=seconds)
        path = "/changes" + (f"?since={urllib.parse.quote(since)}" if since else "")
        self.connection.request("GET", path, headers={"Authorization": "Bearer " + bearer})
        self.sock, self.answer = self.connection.sock, self.connection.getresponse()
        self.cursor = since

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def next(self):
        """(event, data) of the next event; None when the stream ended."""
        name = data = None
        while line := self.answer.readline().decode():
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "id":
                self.cursor = value
            elif field == "event":
                name = value
            elif field == "data":
                data = json.loads(value)
            elif line == "\n" and name:
                return name, data
        return None

    def until(self, wanted):
        while True:
            name, data = self.next()
            if wanted(name, data):
                return data


def ask(server, bearer, **given):
    query = urllib.parse.urlencode({"wait": 0} | given)
    return server.get("/changes?" + query, {"Authorization": "Bearer " + bearer, "Accept": "application/json"})


@pytest.fixture
def hers(server):
    return sign_in(server)[0]["accessToken"]


@pytest.fixture
def his(server):
    return sign_in(server, "bert")[0]["accessToken"]


def test_who_begins_is_told_everything_that_is_theirs(server, hers):
    with Follower(server, hers) as follower:
        assert follower.answer.headers["Content-Type"].startswith("text/event-stream")
        assert follower.answer.headers["Cache-Control"] == "no-store"
        name, data = follower.next()
    assert name == "reset" and data["why"] == "start"
    versions = {each["name"]: each["version"] for each in data["objects"]}
    assert re.fullmatch(r"1\.\d+", versions["/catalog/1"])
    assert len(data["states"]) == 1 and re.fullmatch(r"1\.\d+", data["states"][0]["version"])
    assert re.fullmatch(r"1\.\d+\.[0-9a-f]{8}", follower.cursor)


def test_a_change_of_state_is_told_to_its_listener_alone(server, hers, his, anna, bert, library):
    with Follower(server, hers) as her, Follower(server, his) as him:
        me, he = her.next()[1]["states"][0], him.next()[1]["states"][0]
        anna.ask("unstar", id=library.song)
        told = her.until(lambda name, _: name == "state")
        assert told["account"] == me["account"] != he["account"] and told["version"] > me["version"]
        bert.ask("star", id=library.song)
        assert him.until(lambda name, _: name == "state")["account"] == he["account"], "he was told of hers"
    anna.ask("star", id=library.song)
    bert.ask("unstar", id=library.song)


def test_who_comes_back_misses_nothing(server, hers, anna, library):
    with Follower(server, hers) as follower:
        follower.next()
        cursor = follower.cursor
    anna.ask("unstar", id=library.song)
    anna.ask("star", id=library.song)
    with Follower(server, hers, cursor) as follower:
        name, _ = follower.next()
        assert name == "state" and follower.cursor > cursor
        after = follower.cursor
    assert ask(server, hers, since=after).json()["states"] == []
    assert len(ask(server, hers, since=cursor).json()["states"]) == 1


def test_one_answer_waits_for_news(server, hers, anna, library):
    cursor = ask(server, hers).json()["cursor"]
    start = time.monotonic()
    nothing = ask(server, hers, since=cursor, wait=2).json()
    assert nothing == {"cursor": cursor, "reset": False, "objects": [], "states": []}
    assert 1 < time.monotonic() - start < 8
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", f"/changes?since={cursor}",
                       headers={"Authorization": "Bearer " + hers, "Accept": "application/json"})
    time.sleep(0.2)
    anna.ask("star", id=library.song)
    start = time.monotonic()
    news = json.loads(connection.getresponse().read())
    assert time.monotonic() - start < 5 and len(news["states"]) == 1 and news["cursor"] > cursor
    connection.close()


def test_cursors_that_cannot_go_on(server, hers):
    now = ask(server, hers).json()["cursor"]
    epoch, position, run = now.split(".")
    for cursor, why in ((f"{int(epoch) + 1}.{position}.{run}", "epoch"), (f"{epoch}.1.{run}", "old"),
                        (f"{epoch}.{int(position) + 10**6}.{run}", "future"), (f"{epoch}.{position}.00000000", "restart")):
        answer = ask(server, hers, since=cursor).json()
        assert answer["reset"] and answer["why"] == why and answer["objects"] and answer["states"], cursor
    for cursor in ("x", "1.2", now + "0", "-" + now, "1.2.3.4"):
        assert_problem(ask(server, hers, since=cursor), 400)
    assert_problem(server.get("/changes"), 401)
    assert_problem(ask(server, "x" * 40), 401)


def test_a_stream_ends_with_its_session(server):
    session, cookie = sign_in(server, "bert")
    with Follower(server, session["accessToken"]) as follower:
        follower.next()
        ended = server.ask("DELETE", "/api/v1/session", None, {"Cookie": cookie})
        assert ended.status in (200, 204)
        while (event := follower.next()) is not None:
            assert event[0] == "state"


def restart(server, how, *folders):
    """Ends the server in its way and starts it on the same state."""
    how(server.process)
    server.process.wait(30)
    server.start(*folders)


# A reader that stalls would be ended for its slowness before it is cut for what it has not taken: on a busy machine that takes minutes.
PATIENT = ("--send-timeout-ms", "3600000")


@pytest.fixture
def own(tmp_path):
    running = conftest.start_server(tmp_path, PATIENT)
    running.library = tmp_path / "music"
    running.until(lambda: running.anna.ask("getScanStatus")["scanStatus"]["scanning"] is False, "the scan ends")
    yield running
    running.stop()


@pytest.mark.slow
def test_a_cursor_outlives_restarts_and_crashes(own):
    bearer = sign_in(own)[0]["accessToken"]
    before = ask(own, bearer).json()
    restart(own, lambda process: process.terminate(), own.library)
    again = ask(own, bearer, since=before["cursor"]).json()
    assert not again["reset"] and not again["objects"] and not again["states"], again
    restart(own, lambda process: process.terminate(), own.library)
    assert not ask(own, bearer, since=before["cursor"]).json()["reset"], "and a second time"
    own.anna.ask("star", id=own.anna.ask("getRandomSongs")["randomSongs"]["song"][0]["id"])
    assert len(ask(own, bearer, since=before["cursor"]).json()["states"]) == 1, "what came after it is told"
    cursor = ask(own, bearer).json()["cursor"]
    kill_server(own)
    after = ask(own, bearer, since=cursor).json()
    assert not after["reset"] and not after["objects"] and not after["states"], f"a crash is not noticed: {after}"
    for _ in range(3):  # killed while it writes: what it could not tell is told by the next
        songs = own.anna.ask("getRandomSongs", size=5)["randomSongs"]["song"]
        cursor = ask(own, bearer).json()["cursor"]
        for song in songs:
            own.anna.ask("star", id=song["id"])
            own.anna.ask("unstar", id=song["id"])
        kill_server(own)
        after = ask(own, bearer, since=cursor).json()
        assert not after["reset"] and len(after["states"]) == 1, after
    assert after["states"][0]["version"] > before["states"][0]["version"], "and nothing goes backwards"


@pytest.mark.slow
def test_what_may_be_lost_is_told_anew(own):
    """A power cut: the file is of another boot, and did not end in order; or it is damaged."""
    bearer = sign_in(own)[0]["accessToken"]
    path = own.state / "changes"
    for damage in (lambda text: re.sub("boot: .*", "boot: 00000000-0000-0000-0000-000000000000", text),
                   lambda text: text.replace("sostenuto-changes: 2", "sostenuto-changes: 9"),
                   lambda text: re.sub("\nat .*", "\nat 99999999", text), lambda text: text + "state 1 nobody\n", lambda text: ""):
        cursor = ask(own, bearer).json()["cursor"]
        kill_server(own, lambda: path.write_text(damage(path.read_text())))
        after = ask(own, bearer, since=cursor).json()
        assert after["reset"] and after["why"] == "restart"
    cursor = ask(own, bearer).json()["cursor"]
    kill_server(own, lambda: path.write_text(path.read_text().replace("ended\n", "") + "state 17"))
    after = ask(own, bearer, since=cursor).json()
    assert not after["reset"], f"a torn line was never there: {after}"


def kill_server(server, meanwhile=lambda: None):
    """kill -9 of supervisor and server: neither can leave a last word."""
    child = int((server.state / "lock").read_text().split()[0])
    server.process.kill()
    server.process.wait(30)
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    time.sleep(0.2)
    meanwhile()
    server.start(server.library)


def test_a_new_catalogue_is_told(own):
    bearer = sign_in(own)[0]["accessToken"]
    before = ask(own, bearer).json()
    with Follower(own, bearer, before["cursor"]) as follower:
        shutil.rmtree(next(path for path in sorted(own.library.iterdir()) if path.is_dir()))
        own.ask("POST", "/api/v1/scan", json.dumps({"allowRemoval": True}).encode(),
                {"Authorization": "Bearer " + bearer, "Content-Type": "application/json"})
        told = follower.until(lambda name, _: name == "object")
    was = {each["name"]: each["version"] for each in before["objects"]}
    assert told["name"] == "/catalog/1" and told["version"] > was["/catalog/1"]


def counter(server, name):
    return int(re.search(rf"^sostenuto_{name} (\d+)$", server.get("/metrics").body.decode(), re.M).group(1))


BOUNDS = ("--max-followers", "6", "--max-followers-per-account", "4", "--changes-kept", "1")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    running = conftest.start_server(tmp_path_factory.mktemp("small"), BOUNDS)
    yield running
    running.stop()


def listeners_are_bounded(small):
    bearer, his = sign_in(small)[0]["accessToken"], sign_in(small, "bert")[0]["accessToken"]
    open_now = [Follower(small, bearer) for _ in range(4)]
    assert all(follower.answer.status == 200 for follower in open_now)
    refused = small.get("/changes", {"Authorization": "Bearer " + bearer, "Accept": "application/json"})
    assert_problem(refused, 503)
    assert refused.headers["Retry-After"]
    open_now += [Follower(small, his) for _ in range(2)]
    assert_problem(ask(small, his), 503)
    assert counter(small, "followers_refused_total") == 2 and counter(small, "followers") == 6
    for follower in open_now:
        follower.connection.close()
    small.until(lambda: counter(small, "followers") == 0, "they are noticed to be gone")
    with Follower(small, his) as follower:
        assert follower.answer.status == 200, "there is room again"


def what_is_remembered_is_bounded(small):
    bearer, his = sign_in(small)[0]["accessToken"], sign_in(small, "bert")[0]["accessToken"]
    song = small.anna.ask("getRandomSongs")["randomSongs"]["song"][0]["id"]
    small.anna.ask("star", id=song)
    cursor = ask(small, bearer).json()["cursor"]
    small.anna.ask("unstar", id=song)
    assert not ask(small, bearer, since=cursor).json()["reset"], "one listener's last change is kept"
    small.bert.ask("star", id=song)
    answer = ask(small, bearer, since=cursor).json()
    assert answer["reset"] and answer["why"] == "old", "who is further behind is told everything anew"
    assert answer["states"] and not ask(small, his, since=answer["cursor"]).json()["reset"]


def test_listeners_for_changes_are_bounded(small):
    listeners_are_bounded(small)


def test_what_is_remembered_is_bounded(small):
    what_is_remembered_is_bounded(small)


# --- readers that stall ---

class Stalled:
    """A reader of /changes over HTTP/2 that gives no window, so that the kernel holds nothing for it either."""

    def __init__(self, server, bearer):
        self.sock = socket.create_connection(("127.0.0.1", server.port), 10)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2000})
        while self.h2.local_settings.initial_window_size != 2000:  # until it is acknowledged
            self.sock.sendall(self.h2.data_to_send())
            self.h2.receive_data(self.sock.recv(65536))
        self.h2.send_headers(1, [(":method", "GET"), (":scheme", "http"), (":path", "/changes"), (":authority", "127.0.0.1"),
                                 ("authorization", "Bearer " + bearer)], end_stream=True)
        self.sock.sendall(self.h2.data_to_send())

    def rest(self):
        """All that comes once there is a window."""
        self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1 << 24})
        self.h2.increment_flow_control_window(1 << 24)
        self.sock.settimeout(2)
        got, is_over = b"", False
        try:
            while not is_over:
                self.sock.sendall(self.h2.data_to_send())
                more = self.sock.recv(65536)
                events = self.h2.receive_data(more) if more else []
                got += b"".join(event.data for event in events if isinstance(event, h2.events.DataReceived))
                is_over = not more or any(isinstance(event, h2.events.StreamEnded) for event in events)
        except TimeoutError:
            pass
        self.sock.close()
        return got.decode()


def stall(server, is_over):
    """A reader that takes nothing, beside one that does, while much happens; what the first has got in the end."""
    bearer = sign_in(server)[0]["accessToken"]
    song = server.anna.ask("getRandomSongs")["randomSongs"]["song"][0]["id"]
    slow = Stalled(server, bearer)
    heard = []
    with Follower(server, bearer, seconds=60) as quick:
        def listen():
            try:
                while event := quick.next():
                    heard.append(quick.cursor)
            except OSError:
                pass
        listener = threading.Thread(target=listen)
        listener.start()
        for i in range(1500):  # each question tells of what changed before it
            server.anna.ask("star" if i % 2 else "unstar", id=song)
            last = ask(server, bearer).json()["cursor"]
            if i % 50 == 0 and is_over(i):
                break
        server.until(lambda: heard and heard[-1] >= last, "who reads hears everything")
        quick.sock.shutdown(socket.SHUT_RDWR)
        listener.join(10)
    ids = re.findall(r"^id: (\S+)$", slow.rest(), re.M)
    return {"first": ids[0], "last": ids[-1], "now": last, "bearer": bearer}


def test_a_reader_that_stalls_is_cut_and_others_are_not(own):
    got = stall(own, lambda _: counter(own, "followers_cut_total") > 0)
    assert counter(own, "followers_cut_total") == 1
    assert got["last"] < got["now"], "it did not hear everything"
    resumed = ask(own, got["bearer"], since=got["last"]).json()
    assert not resumed["reset"] and resumed["states"], "and goes on from what it took"


@pytest.mark.slow
def test_without_its_guard_a_stalled_reader_misses_some(tmp_path):
    running = conftest.start_server(tmp_path, PATIENT, guards_off="slow-followers")
    try:
        got = stall(running, lambda i: i >= 900)
        assert counter(running, "followers_cut_total") == 0 and got["last"] < got["now"]
    finally:
        running.stop()


@pytest.mark.parametrize("guard, claim", [("followers", listeners_are_bounded),
                                          ("changes-kept", what_is_remembered_is_bounded)])
def test_it_does_not_hold_without_its_guard(tmp_path, guard, claim):
    running = conftest.start_server(tmp_path, BOUNDS, guards_off=guard)
    try:
        with pytest.raises(AssertionError):
            claim(running)
    finally:
        running.stop()
