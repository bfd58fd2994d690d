# SPDX-License-Identifier: GPL-3.0-or-later
"""What listeners do at an edge: there at once, at the origin exactly once."""
import json
import re
import time
import urllib.parse

import pytest

from conftest import invite
from patience import until


def rest(server, endpoint, fleet, **parameters):
    query = urllib.parse.urlencode({"f": "json", "v": "1.16.1", "c": "test", **parameters}, doseq=True)
    answer = server.get(f"/rest/{endpoint}?{query}", headers=fleet.bearer)
    assert answer.status == 200, (endpoint, answer.status, answer.body)
    whole = answer.json["subsonic-response"]
    assert whole["status"] == "ok", (endpoint, whole)
    return whole


def songs(server, fleet):
    found = rest(server, "search3", fleet, query="", songCount=100)["searchResult3"]
    return sorted((song for song in found["song"]), key=lambda song: song["id"])


def plays(server, fleet, song):
    return rest(server, "getSong", fleet, id=song["id"])["song"].get("playCount", 0)


def life_of(server, fleet):
    """All that a listener can see of what they did, without the moments."""
    starred = rest(server, "getStarred2", fleet)["starred2"]
    lists = rest(server, "getPlaylists", fleet)["playlists"].get("playlist", [])
    whole = [rest(server, "getPlaylist", fleet, id=one["id"])["playlist"] for one in lists]
    queue = rest(server, "getPlayQueue", fleet).get("playQueue", {})
    marks = rest(server, "getBookmarks", fleet)["bookmarks"].get("bookmark", [])
    every = songs(server, fleet)
    return {"starred": sorted(song["id"] for song in starred.get("song", [])),
            "ratings": {song["id"]: song["userRating"] for song in every if song.get("userRating")},
            "plays": {song["id"]: song["playCount"] for song in every if song.get("playCount")},
            "playlists": sorted((one["id"], one["name"], one.get("comment", ""), [song["id"] for song in one.get("entry", [])])
                                for one in whole),
            "queue": ([song["id"] for song in queue.get("entry", [])], queue.get("position")),
            "bookmarks": sorted((mark["entry"]["id"], mark["position"], mark.get("comment", "")) for mark in marks)}


def live(server, fleet, every, name):
    """One of each kind of write; returns the playlist's id."""
    first, second, third = (song["id"] for song in every[:3])
    rest(server, "star", fleet, id=[first, second])
    rest(server, "unstar", fleet, id=second)
    rest(server, "setRating", fleet, id=third, rating=4)
    rest(server, "scrobble", fleet, id=first, time=1700000000000)
    rest(server, "scrobble", fleet, id=first, time=1700000000000)
    rest(server, "scrobble", fleet, id=second)
    made = rest(server, "createPlaylist", fleet, name=name, songId=[first, second])["playlist"]["id"]
    rest(server, "updatePlaylist", fleet, playlistId=made, comment="by night", songIdToAdd=third, songIndexToRemove=0)
    gone = rest(server, "createPlaylist", fleet, name="gone", songId=first)["playlist"]["id"]
    rest(server, "deletePlaylist", fleet, id=gone)
    rest(server, "savePlayQueue", fleet, id=[second, third], current=third, position=12000)
    rest(server, "createBookmark", fleet, id=first, position=5000, comment="here")
    rest(server, "createBookmark", fleet, id=third, position=7)
    rest(server, "deleteBookmark", fleet, id=third)
    return made


def expected(every, made, name):
    first, second, third = (song["id"] for song in every[:3])
    return {"starred": [first], "ratings": {third: 4}, "plays": {first: 1, second: 1},
            "playlists": [(made, name, "by night", [second, third])], "queue": ([second, third], 12000),
            "bookmarks": [(first, 5000, "here")]}



def revive(fleet, start_server, music):
    """The origin again, where it was."""
    address = urllib.parse.urlsplit(fleet.origin.url).netloc
    return start_server(folders=[music], data=fleet.origin.data, listen=address)


def test_what_is_done_at_an_edge_is_seen_there_at_once_and_at_the_origin_soon(fleet):
    every = songs(fleet.edge, fleet)
    made = live(fleet.edge, fleet, every, "evening")
    assert life_of(fleet.edge, fleet) == expected(every, made, "evening"), "read your writes"
    until(lambda: life_of(fleet.origin, fleet) == expected(every, made, "evening"), "the origin has it")
    assert life_of(fleet.edge, fleet) == expected(every, made, "evening"), "and the echo changed nothing"


def test_an_island_keeps_what_is_done_through_kill_9_and_all_of_it_arrives_once(fleet, kill, start_server, music, system_command, tmp_path):
    every = songs(fleet.edge, fleet)
    kill(fleet.origin)
    made = live(fleet.edge, fleet, every, "island")
    assert life_of(fleet.edge, fleet) == expected(every, made, "island"), "read your writes"
    fleet.edge.kill()
    system_command("state", "export", tmp_path / "looked-at", "--data", fleet.edge.data)  # which takes nothing away
    edge = fleet.again()
    assert life_of(edge, fleet) == expected(every, made, "island"), "a crash loses nothing that was answered"
    origin = revive(fleet, start_server, music)
    until(lambda: life_of(origin, fleet) == expected(every, made, "island"), "everything arrives")
    until(lambda: edge.status()["link"] == "linked", "it is linked again")
    edge.kill()
    edge = fleet.again()
    assert life_of(edge, fleet) == life_of(origin, fleet) == expected(every, made, "island"), "once"


def test_the_same_play_told_to_both_is_one_play_at_both(fleet):
    song = songs(fleet.edge, fleet)[0]
    for node in (fleet.origin, fleet.edge, fleet.origin, fleet.edge):
        rest(node, "scrobble", fleet, id=song["id"], time=1700000000000)
    until(lambda: plays(fleet.edge, fleet, song) == 1, "the edge hears that it was there before")
    assert plays(fleet.origin, fleet, song) == 1
    rest(fleet.edge, "scrobble", fleet, id=song["id"], time=1700000001000)
    rest(fleet.origin, "scrobble", fleet, id=song["id"], time=1700000002000)
    until(lambda: plays(fleet.edge, fleet, song) == plays(fleet.origin, fleet, song) == 3, "both know all three")


def ops(server, fleet, *operations, device="AAAAAAAAAAAAAAAAAAAAAQ"):
    body = {"device": device, "operations": [{"seq": seq, "hlc": str(117656690688000000 + seq), "kind": kind, "payload": payload}
                                             for seq, kind, payload in operations]}
    answer = server.post("/ops", json.dumps(body), {**fleet.bearer, "Content-Type": "application/json"})
    assert answer.status == 200, answer.body
    return [result["outcome"] for result in answer.json["results"]]


def test_a_players_outbox_is_taken_by_an_island_and_a_conflict_at_the_origin_loses_nothing(fleet, kill, start_server, music):
    one, two, three = (song["id"] for song in songs(fleet.edge, fleet)[:3])
    assert ops(fleet.origin, fleet, (1, "star", {"id": one, "on": True})) == ["accepted"]
    kill(fleet.origin)
    assert ops(fleet.edge, fleet, (1, "star", {"id": two, "on": True}), (2, "play", {"track": three})) == ["accepted"] * 2
    assert ops(fleet.edge, fleet, (2, "play", {"track": three})) == ["duplicate"]
    origin = revive(fleet, start_server, music)
    stars = lambda node: sorted(song["id"] for song in rest(node, "getStarred2", fleet)["starred2"].get("song", []))
    until(lambda: stars(origin) == sorted([one, two]), "the id was used for something else there: it comes under another")
    until(lambda: stars(fleet.edge) == sorted([one, two]), "and both are here")
    until(lambda: plays(origin, fleet, {"id": three}) == plays(fleet.edge, fleet, {"id": three}) == 1, "the play is one")


def test_signing_out_a_session_at_an_island_holds_there_at_once_and_everywhere_later(fleet, kill, start_server, music):
    other = fleet.origin.sign_in()
    bearer = {"Authorization": "Bearer " + other["accessToken"]}
    ping = "/rest/ping?f=json&v=1.16.1&c=test"
    until(lambda: fleet.edge.get(ping, headers=bearer).json["subsonic-response"]["status"] == "ok", "it is known")
    mine = next(session["id"] for session in fleet.origin.get("/api/v1/sessions", headers=bearer).json if session["isCurrent"])
    kill(fleet.origin)
    answer = fleet.edge.ask("DELETE", f"/api/v1/sessions/{mine}", headers=fleet.bearer)
    assert answer.status in (200, 204), answer.body
    answer = fleet.edge.get(ping, headers=bearer)
    assert answer.status != 200 or answer.json["subsonic-response"]["status"] == "failed"
    origin = revive(fleet, start_server, music)
    until(lambda: origin.get(ping, headers=bearer).status == 401, "the origin ends it, too")


def test_a_full_journal_is_said_and_reads_go_on(fleet, kill, start_edge):
    fleet.edge.kill()
    edge = start_edge("edge", fleet.origin.url, None, "--edge-journal-mib", "1")
    until(edge.holds_all, "the edge holds all")
    kill(fleet.origin)
    song = songs(edge, fleet)[0]
    assert fill(edge, fleet, 12) == 503
    answer = edge.post("/ops", json.dumps({"device": "AAAAAAAAAAAAAAAAAAAAAg", "operations": [
        {"seq": 99, "hlc": "1", "kind": "future.kind", "payload": {"filler": "x" * 250000}}]}),
        {**fleet.bearer, "Content-Type": "application/json"})
    assert int(answer.headers["Retry-After"]) > 0 and answer.json["results"][0]["outcome"] == "full"
    assert rest(edge, "getSong", fleet, id=song["id"])["song"]["id"] == song["id"]


def test_an_edge_that_does_not_reach_the_origin_brings_it_through_another_edge(fleet, start_edge):
    other = start_edge("other", fleet.origin.url, invite(fleet.origin.data, "other"))
    until(other.holds_all, "the other edge holds all")
    until(lambda: b'"other"' in fleet.edge.get("/nodes").body, "they know of each other")
    fleet.edge.kill()
    joined = fleet.edge.data / "keys" / "joined"
    answer = json.loads(joined.read_text())
    answer["addresses"] = "127.0.0.1:1"  # nothing answers there
    joined.write_text(json.dumps(answer))
    edge = fleet.again()
    song = songs(edge, fleet)[0]
    rest(edge, "star", fleet, id=song["id"])
    rest(edge, "scrobble", fleet, id=song["id"])
    until(lambda: plays(fleet.origin, fleet, song) == 1, "it came by way of the other")
    assert [one["id"] for one in rest(fleet.origin, "getStarred2", fleet)["starred2"]["song"]] == [song["id"]]
    until(lambda: "forward_operations_total 2" in edge.get("/.sostenuto/metrics").text, "and the receipt came back that way")
    assert edge.status()["link"] == "island"


def fill(edge, fleet, most):
    """Half a mebibyte at a time; the first answer that is not 200, or the last."""
    for seq in range(1, most + 1):
        body = {"device": "AAAAAAAAAAAAAAAAAAAAAg", "operations": [
            {"seq": seq, "hlc": "1", "kind": "future.kind", "payload": {"filler": "x" * 250000}}]}
        answer = edge.post("/ops", json.dumps(body), {**fleet.bearer, "Content-Type": "application/json"})
        if answer.status != 200:
            break
    return answer.status


def test_without_the_guard_the_journal_grows_past_its_bound(fleet, kill, start_edge):
    fleet.edge.kill()
    edge = start_edge("edge", fleet.origin.url, None, "--edge-journal-mib", "1", guards_off="journal-bytes")
    until(edge.holds_all, "the edge holds all")
    kill(fleet.origin)
    assert fill(edge, fleet, 12) == 200


@pytest.mark.parametrize("guards_off", [None, "forward-tries"])
@pytest.mark.slow
def test_an_origin_that_is_down_is_tried_now_and_then_and_without_the_guard_all_the_time(fleet, kill, start_edge, guards_off):
    fleet.edge.kill()
    edge = start_edge("edge", fleet.origin.url, None, guards_off=guards_off)
    until(edge.holds_all, "the edge holds all")
    kill(fleet.origin)
    rest(edge, "star", fleet, id=songs(edge, fleet)[0]["id"])
    time.sleep(3)
    found = re.search(r"^sostenuto_forward_failures_total (\d+)$", edge.get("/.sostenuto/metrics").text, re.M)
    assert int(found[1]) > 30 if guards_off else 1 <= int(found[1]) <= 4
