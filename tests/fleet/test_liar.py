# SPDX-License-Identifier: GPL-3.0-or-later
"""Origins that lie, hang and flap, and an edge that is killed: what is held stays good, and follows again."""
import random
import re
import time
import urllib.parse

import pytest

from conftest import QUIET, invite, system
from liar import Liar
from patience import until

PAGE = b"<html><body>Service temporarily unavailable</body></html>"


@pytest.fixture
def liar():
    between = Liar()
    yield between
    between.close()


@pytest.fixture
def server(start_server, music, tmp_path, liar):
    """An origin whose edges know it by the liar's address alone."""
    system.add_user(tmp_path / "state")
    door = f"127.0.0.1:{system.free_port()}"
    running = start_server("--nodes", door, "--node-addresses", liar.address, folders=[music], data=tmp_path / "state")
    running.wait_for_scan()
    running.token = invite(running.data, "edge")
    liar.stand_before(running.data, door, tmp_path / "edge")
    return running


@pytest.fixture
def follower(server, secret, liar, start_edge):
    """An edge that follows by way of the liar, and an app that asks it."""
    edge = start_edge("edge", server.url, server.token, *QUIET)
    until(edge.holds_all, "the edge holds all")
    edge.again = lambda: start_edge("edge", server.url, None, *QUIET)
    return edge


def titles(node, secret):
    found = node.rest("search3", secret, query="", songCount=100)
    return sorted(song["title"] + song["album"] for song in found["searchResult3"]["song"])


def publish_another_version(server, music, secret):
    (music / "Artist 1" / "Album 1" / "01 Tone 1.flac").unlink()
    server.rest("startScan", secret)
    until(lambda: len(titles(server, secret)) == 5, "the origin's catalogue is another")


def is_catalogue(path):
    return re.fullmatch(r"/catalog/\d+", path)


def flip(body):
    return body[:len(body) // 2] + bytes([body[len(body) // 2] ^ 1]) + body[len(body) // 2 + 1:]


LIES = {
    "a segment with a flipped bit": lambda path, status, body: (status, flip(body) if path.endswith((".core", ".detail")) else body),
    "a segment cut short": lambda path, status, body: (status, body[:-1] if path.endswith((".core", ".detail")) else body),
    "a segment that goes on": lambda path, status, body: (status, body + b"x" if path.endswith((".core", ".detail")) else body),
    "an empty catalogue, unsigned": lambda path, status, body: (
        status, b'{"library": 1, "version": "9.9", "segments": []}' if is_catalogue(path) else body),
    "an empty catalogue under the old signature": lambda path, status, body: (
        status, body.split(b"\n\n")[0] + b'\n\n{"library": 1, "version": "9.9", "segments": []}' if is_catalogue(path) else body),
    "an error page as 200": lambda path, status, body: (200, PAGE),
    "nothing, with 200": lambda path, status, body: (200, b""),
    "502 for all": lambda path, status, body: (502, PAGE),
    "401 for all": lambda path, status, body: (401, PAGE),
    "404 for all": lambda path, status, body: (404, PAGE),
    "closing without a word": lambda path, status, body: None,
}


QUICK = ("a segment with a flipped bit", "an empty catalogue under the old signature", "an error page as 200")


@pytest.mark.parametrize("lie", [pytest.param(lie, id=name, marks=() if name in QUICK else pytest.mark.slow)
                                 for name, lie in LIES.items()])
def test_a_lie_changes_nothing_and_the_truth_is_taken_when_it_comes(server, secret, music, liar, follower, lie):
    before = titles(follower, secret)
    liar.lie = lie
    publish_another_version(server, music, secret)
    until(lambda: follower.status().get("trouble"), "it is noticed")
    assert titles(follower, secret) == before
    liar.lie = None
    until(lambda: titles(follower, secret) == titles(server, secret), "the truth is taken", seconds=60)
    until(lambda: "trouble" not in follower.status(), "and all is well")


@pytest.mark.slow
def test_an_older_list_does_not_come_back(server, secret, music, liar, follower):
    old = {}
    liar.lie = lambda path, status, body: (old.setdefault(path, (status, body)) if is_catalogue(path) else (status, body))
    follower.kill()
    old_edge = follower.again()
    until(lambda: old_edge.status()["link"] == "linked", "it is linked")
    until(lambda: any(is_catalogue(path) for _, path in liar.seen), "the list was asked for")
    bearer = {"Authorization": "Bearer " + server.sign_in()["accessToken"]}
    old.setdefault("/catalog/1", (200, server.get("/catalog/1", headers=bearer).body))
    liar.lie = None
    publish_another_version(server, music, secret)
    until(lambda: titles(old_edge, secret) == titles(server, secret), "the new one is taken")
    liar.lie = lambda path, status, body: old["/catalog/1"] if path == "/catalog/1" else (status, body)
    (music / "Artist 1" / "Album 1" / "02 Tone 2.flac").unlink()
    server.rest("startScan", secret)
    until(lambda: "older" in old_edge.status().get("trouble", ""), "it is refused")
    assert len(titles(old_edge, secret)) == 5
    liar.lie = None
    until(lambda: len(titles(old_edge, secret)) == 4, "until the right one comes", seconds=60)


def test_a_hanging_origin_keeps_nobody_waiting_here(server, secret, music, liar, follower):
    liar.is_hanging.set()
    before = titles(follower, secret)
    begin = time.monotonic()
    for _ in range(20):
        assert titles(follower, secret) == before
    assert time.monotonic() - begin < 5
    publish_another_version(server, music, secret)
    liar.is_hanging.clear()
    until(lambda: len(titles(follower, secret)) == 5, "it follows again", seconds=60)


@pytest.mark.slow
def test_an_origin_that_is_down_is_tried_once_a_second_at_most(liar, follower):
    liar.lie = lambda path, status, body: (503, PAGE)
    until(lambda: follower.status()["link"] == "island", "it is an island", seconds=60)
    del liar.seen[:]
    time.sleep(6)
    times = [at for at, path in liar.seen if path not in ("/launch", "/nodes/rebuild")]  # each is tried for itself
    assert times, "it is tried"
    assert all(b - a >= 0.95 for a, b in zip(times, times[1:])), times


@pytest.mark.slow
def test_without_its_guard_it_is_asked_as_fast_as_it_refuses(server, secret, liar, start_edge):
    liar.lie = lambda path, status, body: (503, PAGE)
    start_edge("edge", server.url, server.token, guards_off="replica-tries")
    until(lambda: len(liar.seen) > 1, "it is tried")
    del liar.seen[:]
    time.sleep(3)
    assert len(liar.seen) > 30


@pytest.mark.slow
def test_killed_at_any_point_it_misses_nothing(server, secret, music, liar, start_edge):
    chance = random.Random(7)
    liar.lie = lambda path, status, body: (time.sleep(0.03), (status, body))[1]  # so that there are points between
    for i in range(8):
        edge = start_edge("edge", server.url, None if i else server.token)
        time.sleep(chance.random() * 0.5)
        edge.kill()
    publish_another_version(server, music, secret)
    edge = start_edge("edge", server.url)
    until(edge.holds_all, "the edge holds all")
    assert titles(edge, secret) == titles(server, secret) and len(titles(edge, secret)) == 5
    for name in ("/revoked", "/nodes", "/keys"):
        assert edge.get(name).body == server.get(name).body, name
    left = [path.name for path in (edge.data / "catalog" / "1").iterdir() if path.name.endswith(".new")]
    assert not left, "leftovers of the kills are swept"


def test_a_listener_hears_through_the_edge_what_changes(server, secret, follower):
    """The edge's own feed: cursors of its own, the origin's versions."""
    bearer = {"Authorization": "Bearer " + server.sign_in()["accessToken"], "Accept": "application/json"}
    first = until(lambda: (answer := follower.get("/changes?wait=0", headers=bearer)).status == 200 and "Via" not in answer.headers and answer.json,
                  "the edge itself answers")
    there = server.get("/changes?wait=0", headers=bearer).json
    assert {o["name"]: o["version"] for o in first["objects"]} == {o["name"]: o["version"] for o in there["objects"]}
    song = server.rest("search3", secret, query="", songCount=1)["searchResult3"]["song"][0]
    server.rest("star", secret, id=song["id"])
    news = follower.get("/changes?" + urllib.parse.urlencode({"since": first["cursor"], "wait": 20}), headers=bearer).json
    assert not news["reset"] and len(news["states"]) == 1, (first["cursor"], news)


@pytest.mark.slow
def test_what_a_proxy_says_of_writes_is_no_receipt(server, secret, liar, follower):
    """Whatever it answers, what was accepted here is kept, and arrives once."""
    words, given = [(404, PAGE), (200, PAGE), (403, PAGE), (413, b""), (204, b"")], []

    def answer(method, path):
        if path != "/nodes/operations" or not words:
            return None
        given.append(words.pop(0))
        return given[-1]

    song = follower.rest("search3", secret, query="", songCount=1)["searchResult3"]["song"][0]["id"]
    liar.instead = answer
    follower.rest("star", secret, id=song)
    follower.rest("scrobble", secret, id=song, submission="true", time=1_700_000_000_000)
    until(lambda: len(given) == 5, "each was said", seconds=120)

    def at_the_origin():
        found = server.rest("search3", secret, query="", songCount=100)["searchResult3"]["song"]
        return [(one["id"], one.get("playCount", 0)) for one in found if one.get("starred") or one.get("playCount")]
    until(lambda: at_the_origin() == [(song, 1)], "it arrived", seconds=60)
