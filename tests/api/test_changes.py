# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /changes as docs/formats/changes.md says: nothing is missed, nobody hears of others, and nothing grows without end."""
import http.client
import json
import os
import re
import shutil
import signal
import time
import urllib.parse

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


@pytest.fixture
def own(tmp_path):
    running = conftest.start_server(tmp_path)
    running.library = tmp_path / "music"
    running.until(lambda: running.anna.ask("getScanStatus")["scanStatus"]["scanning"] is False, "the scan ends")
    yield running
    running.stop()


def test_a_restart_in_order_goes_on_and_a_crash_tells_everything_anew(own):
    bearer = sign_in(own)[0]["accessToken"]
    before = ask(own, bearer).json()
    restart(own, lambda process: process.terminate(), own.library)
    again = ask(own, bearer, since=before["cursor"]).json()
    assert not again["reset"] and not again["objects"] and not again["states"], again
    restart(own, lambda process: process.terminate(), own.library)
    assert not ask(own, bearer, since=before["cursor"]).json()["reset"], "and a second time"
    own.anna.ask("star", id=own.anna.ask("getRandomSongs")["randomSongs"]["song"][0]["id"])
    assert len(ask(own, bearer, since=before["cursor"]).json()["states"]) == 1, "what came after it is told"
    kill_server(own)
    after = ask(own, bearer, since=before["cursor"]).json()
    assert after["reset"] and after["why"] == "restart"
    assert after["states"][0]["version"] > before["states"][0]["version"], "and nothing goes backwards"


def kill_server(server):
    """kill -9 of supervisor and server: neither can leave a mark."""
    child = int((server.state / "lock").read_text().split()[0])
    server.process.kill()
    server.process.wait(30)
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    time.sleep(0.2)
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


@pytest.mark.parametrize("guard, claim", [("followers", listeners_are_bounded),
                                          ("changes-kept", what_is_remembered_is_bounded)])
def test_it_does_not_hold_without_its_guard(tmp_path, guard, claim):
    running = conftest.start_server(tmp_path, BOUNDS, guards_off=guard)
    try:
        with pytest.raises(AssertionError):
            claim(running)
    finally:
        running.stop()
