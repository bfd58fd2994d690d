# SPDX-License-Identifier: GPL-3.0-or-later
"""The origin is gone for good: an edge's folder becomes the origin (docs/edge.md)."""
import json
import re
import shutil
import sqlite3
import types
import urllib.parse

import pytest

from conftest import invite, system
from fleet_nodes import Node
from patience import until

run_command = system.run_command


def ids(server, secret):
    found = server.rest("search3", secret, query="", songCount=100, albumCount=100, artistCount=100)["searchResult3"]
    return {kind: sorted((entry["id"], entry.get("name") or entry["title"]) for entry in found[kind])
            for kind in ("song", "album", "artist")}


def make_state(server, secret):
    """What a listener leaves behind, and what must be there afterwards."""
    songs = sorted(song for song, _ in ids(server, secret)["song"])
    server.rest("star", secret, id=songs[0])
    server.rest("setRating", secret, id=songs[1], rating=4)
    server.rest("createPlaylist", secret, name="kept", songId=songs[:3])
    server.rest("scrobble", secret, id=songs[2], submission="true", time=1_700_000_000_000)
    return songs


def heard(server, secret):
    lists = server.rest("getPlaylists", secret)["playlists"].get("playlist", [])
    entries = {one["name"]: [song["id"] for song in server.rest("getPlaylist", secret, id=one["id"])["playlist"]["entry"]]
               for one in lists}
    songs = server.rest("search3", secret, query="", songCount=100)["searchResult3"]["song"]
    return {"starred": [song["id"] for song in server.rest("getStarred2", secret)["starred2"].get("song", [])],
            "rated": sorted((song["id"], song["userRating"]) for song in songs if song.get("userRating")),
            "played": sorted((song["id"], song["playCount"]) for song in songs if song.get("playCount")),
            "lists": sorted((one["id"], one["name"]) for one in lists), "entries": entries}


@pytest.fixture
def lost(fleet, kill, tmp_path):
    """An edge that held everything, stopped; the origin's folder is gone but for its root key, which was away."""
    make_state(fleet.origin, fleet.secret)
    fleet.whole = ids(fleet.origin, fleet.secret), heard(fleet.origin, fleet.secret)
    for edge in (fleet.edge, *getattr(fleet, "others", ())):
        until(lambda: heard(edge, fleet.secret) == fleet.whole[1], "each edge holds what was done last")
    fleet.root_key = tmp_path / "stick" / "root.key"
    fleet.root_key.parent.mkdir()
    shutil.copy(fleet.origin.data / "keys" / "root.key", fleet.root_key)
    fleet.fingerprint = re.search(r"(?<!\S)[A-Za-z0-9_-]{43}(?!\S)", run_command("keys", "list", "--data", fleet.origin.data).stdout)[0]
    fleet.door = json.loads(run_command("edges", "list", "--json", "--data", fleet.origin.data).stdout)["door"]
    kill(fleet.origin)
    shutil.rmtree(fleet.origin.data)
    fleet.edge.stop()
    return fleet


def epoch_of(server, name):
    return int(server.get(name).headers["Sostenuto-Version"].split(".")[0])


def promote(fleet, *arguments, check=True):
    return run_command("promote", "--data", fleet.edge.data, "--root-key", fleet.root_key, "--listen", "127.0.0.1:0", *arguments, check=check)


def files_of(folder):
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_promoted_edge_is_the_origin_with_every_id_and_everything_that_listeners_did(lost, music, start_server):
    told = promote(lost, music).stdout
    assert re.search(r"^epoch \d+\. Start it: sostenuto serve", told, re.M), told
    server = start_server(folders=[music], data=lost.edge.data)
    assert (ids(server, lost.secret), heard(server, lost.secret)) == lost.whole, "before any scan"
    server.wait_for_scan()
    assert (ids(server, lost.secret), heard(server, lost.secret)) == lost.whole, "and after it"
    song = lost.whole[0]["song"][0][0]
    assert server.get(f"/rest/download?id={song}&apiKey={lost.secret}&v=1.16.1&c=test").status == 200
    assert server.get("/rest/ping?f=json", headers=lost.bearer).status == 200, "who was signed in still is"
    assert server.rest("createPlaylist", lost.secret, name="new")["status"] == "ok"
    library = sqlite3.connect(server.data / "library.db")
    assert library.execute("SELECT count(*) FROM files WHERE info IS NULL").fetchone() == (0,), "every file was met"


@pytest.fixture
def other(fleet, start_edge):
    """Another edge of the origin that will be lost."""
    edge = start_edge("other", fleet.origin.url, invite(fleet.origin.data, "other"))
    until(edge.holds_all, "the other edge holds all")
    return edge


@pytest.mark.slow
def test_its_objects_are_newer_than_the_lost_origins_and_of_the_same_root(other, lost, music, start_server):
    promote(lost, music)
    server = start_server("--nodes", lost.door, folders=[music], data=lost.edge.data)
    for name in "/keys", "/nodes", "/revoked":
        assert epoch_of(server, name) > 1_700_000_000_000, name
    listed = run_command("keys", "list", "--data", lost.edge.data).stdout
    assert lost.fingerprint in listed and "(its key is away)" in listed
    assert not (lost.edge.data / "keys" / "root.key").exists(), "the root key was not kept"
    server.wait_for_scan()
    server.rest("createPlaylist", lost.secret, name="new")
    until(lambda: heard(other, lost.secret) == heard(server, lost.secret) != lost.whole[1], "another edge of the lost origin follows the new one")


@pytest.mark.slow
def test_without_music_it_is_browsed_and_nothing_is_forgotten(lost, music, start_server):
    assert "1 libraries have no folder yet" in promote(lost).stdout
    server = start_server(data=lost.edge.data)
    server.wait_for_scan()
    assert (ids(server, lost.secret), heard(server, lost.secret)) == lost.whole
    server.stop()
    server = start_server(folders=[f"Music={music}"] if (name := library_name(lost)) == "Music" else [f"{name}={music}"], data=lost.edge.data)
    server.wait_for_scan()
    assert (ids(server, lost.secret), heard(server, lost.secret)) == lost.whole
    song = lost.whole[0]["song"][0][0]
    assert server.get(f"/rest/download?id={song}&apiKey={lost.secret}&v=1.16.1&c=test").status == 200


def library_name(fleet):
    return json.loads((fleet.edge.data / "libraries.json").read_text())[0]["name"]


def test_check_says_what_is_whole_and_what_is_lost_and_changes_nothing(lost):
    run_command("promote", "--check", "--data", lost.edge.data, "--root-key", lost.root_key)  # what was in the journal only
    before = files_of(lost.edge.data / "keys"), (lost.edge.data / "library.db").exists()
    told = promote(lost, "--check").stdout
    assert "6 tracks, 2 albums" in told and "lost         what the origin accepted" in told
    assert (files_of(lost.edge.data / "keys"), (lost.edge.data / "library.db").exists()) == before == (before[0], False)


def test_another_root_key_makes_nothing_of_it(lost, tmp_path):
    wrong = tmp_path / "wrong.key"
    wrong.write_bytes(bytes(32))
    wrong.chmod(0o600)
    lost.root_key = wrong
    done = promote(lost, check=False)
    assert done.returncode == 1 and "not the one of the origin that this edge followed" in done.stderr
    wrong.chmod(0o644)
    assert "wrong.key" in promote(lost, check=False).stderr, "and one that others can read is no key"
    assert not (lost.edge.data / "keys" / "root.pub").exists()


def test_a_second_time_and_an_origin_are_refused(lost, music, start_server):
    promote(lost, music)
    done = promote(lost, music, check=False)
    assert done.returncode == 1 and "was promoted already" in done.stderr
    server = start_server(folders=[music], data=lost.edge.data)
    assert "serves" in promote(lost, music, check=False).stderr
    assert server.get("/readyz").status == 200


def test_what_a_crash_cut_off_is_done_again(lost, music, start_server):
    promote(lost, music)
    before = json.loads((lost.edge.data / "promoted").read_text())["epoch"]
    (lost.edge.data / "promoted").unlink()  # the last thing written
    promote(lost, music)
    server = start_server(folders=[music], data=lost.edge.data)
    server.wait_for_scan()
    assert (ids(server, lost.secret), heard(server, lost.secret)) == lost.whole
    assert epoch_of(server, "/nodes") > before and epoch_of(server, "/keys") > before


def address_of(node):
    return node.url.split("//")[1]


@pytest.fixture
def rome(fleet, tmp_path):
    """Another edge of the origin, with a supervisor, holding everything."""
    node = Node("edge", fleet.origin.url, "--token", invite(fleet.origin.data, "rome"), "--data", tmp_path / "rome",
                "--listen", "127.0.0.1:0", log=tmp_path / "rome.log")
    assert node.wait(), node.words[-3000:]
    node.rest = lambda endpoint, secret, **parameters: json.loads(node.ask(
        f"/rest/{endpoint}?" + urllib.parse.urlencode({"apiKey": secret, "f": "json", "v": "1.16.1", "c": "test", **parameters}, doseq=True))[1])["subsonic-response"]
    fleet.others = [node]
    yield node
    node.stop()


@pytest.mark.slow
def test_other_edges_go_over_and_bring_what_they_accepted_on_the_island(rome, lost, music, start_server):
    song = lost.whole[0]["song"][3][0]
    assert rome.rest("star", lost.secret, id=song)["status"] == "ok"
    rome.rest("scrobble", lost.secret, id=song, submission="true", time=1_700_000_500_000)
    promote(lost, music)
    server = start_server(folders=[music], data=lost.edge.data, listen=address_of(lost.edge))
    until(lambda: "there is a new origin" in rome.words, "rome hears of it", seconds=60)
    until(lambda: song in heard(server, lost.secret)["starred"], "and brings what it accepted", seconds=60)
    assert (song, 1) in heard(server, lost.secret)["played"]
    server.rest("createPlaylist", lost.secret, name="by the new origin")
    until(lambda: heard(rome, lost.secret) == heard(server, lost.secret), "and follows", seconds=60)
    assert (song, 1) in heard(rome, lost.secret)["played"], "once"


@pytest.mark.slow
def test_of_two_that_were_promoted_the_later_wins_and_has_what_the_other_accepted(rome, lost, music, start_server, tmp_path):
    song = lost.whole[0]["song"][4][0]
    rome.stop()
    promote(lost, music)
    first = start_server(folders=[music], data=lost.edge.data, listen=address_of(lost.edge))
    assert first.rest("star", lost.secret, id=song)["status"] == "ok"
    first.rest("scrobble", lost.secret, id=song, submission="true", time=1_700_000_500_000)
    run_command("promote", "--data", tmp_path / "rome", "--root-key", lost.root_key, "--listen", "127.0.0.1:0", music)
    second = start_server(folders=[music], data=tmp_path / "rome", listen=address_of(rome))
    other = lost.whole[0]["song"][5][0]
    assert second.rest("star", lost.secret, id=other)["status"] == "ok"
    second.rest("scrobble", lost.secret, id=song, submission="true", time=1_700_000_900_000)
    assert second.rest("createPlaylist", lost.secret, name="by the later", songId=[song])["status"] == "ok"
    until(lambda: why_not_ready(first) != "ok", "the first hears of the second", seconds=60)
    assert first.rest("createPlaylist", lost.secret, name="too late")["status"] == "failed"
    first.stop()
    run_command("demote", "--data", lost.edge.data)
    again = Node("edge", "--data", lost.edge.data, "--listen", address_of(lost.edge), log=tmp_path / "again.log")
    try:
        assert again.wait(), again.words[-3000:]
        until(lambda: song in heard(second, lost.secret)["starred"], "the second has what the first accepted", seconds=60)
        until(lambda: (song, 2) in heard(second, lost.secret)["played"], "the play of each, once")
        after = heard(second, lost.secret)
        assert other in after["starred"] and after["entries"]["by the later"] == [song], "and keeps its own"
        assert [one for one in after["lists"] if one[1] != "by the later"] == lost.whole[1]["lists"]
        until(lambda: heard_at(again, lost.secret) == after, "the loser, an edge again, has all of it", seconds=60)
    finally:
        again.stop()


def heard_at(node, secret):
    """heard() of a node that is no fixture's server."""
    return heard(types.SimpleNamespace(rest=lambda endpoint, key, **given: json.loads(node.ask(
        f"/rest/{endpoint}?" + urllib.parse.urlencode({"apiKey": key, "f": "json", "v": "1.16.1", "c": "test", **given}, doseq=True))[1])["subsonic-response"]), secret)


@pytest.fixture
def two(fleet, music, start_server):
    """The origin lives on, and does not know that its edge was promoted, and serves where that edge did."""
    fleet.root_key = fleet.origin.data / "keys" / "root.key"
    make_state(fleet.origin, fleet.secret)
    until(lambda: heard(fleet.edge, fleet.secret) == heard(fleet.origin, fleet.secret), "the edge holds what was done last")
    fleet.edge.stop()
    promote(fleet, music)
    fleet.heir = lambda: start_server(folders=[music], data=fleet.edge.data, listen=address_of(fleet.edge))
    return fleet


def why_not_ready(server):
    return json.loads(server.get("/readyz").body)["serving"]


def test_an_origin_that_comes_back_gives_way_to_the_promoted_one_and_serves_on(two, music, start_server):
    old = two.origin
    assert old.rest("createPlaylist", two.secret, name="before")["status"] == "ok"
    heir = two.heir()
    until(lambda: why_not_ready(old) != "ok", "the old origin hears of it", seconds=60)
    assert why_not_ready(old) == "another origin was promoted"
    assert old.rest("createPlaylist", two.secret, name="after")["status"] == "failed"
    assert "kept" in str(heard(old, two.secret)["lists"]), "what it holds it serves"
    assert heir.rest("createPlaylist", two.secret, name="after")["status"] == "ok"
    assert why_not_ready(heir) == "ok"
    old.stop()
    again = start_server(folders=[music], data=old.data)
    assert why_not_ready(again) == "another origin was promoted", "its next process knows it from the start"


def test_without_its_guard_it_goes_on_taking_writes(two, music, start_server):
    two.heir()
    two.origin.stop()
    old = start_server(folders=[music], data=two.origin.data, guards_off="give-way")
    until(lambda: "sostenuto_successions_total 1" in old.get("/metrics").body.decode(), "it hears of the other")
    assert why_not_ready(old) == "ok" and old.rest("createPlaylist", two.secret, name="astray")["status"] == "ok"


def test_who_was_no_edge_cannot_become_one_again(two):
    two.origin.stop()
    done = run_command("demote", "--data", two.origin.data, check=False)
    assert done.returncode == 1 and "was no edge" in done.stderr


def test_a_copy_of_an_edges_folder_elsewhere_is_promoted_as_well(lost, music, start_server, tmp_path):
    """A standby: it was copied while the edge was stopped, and the edge itself is lost with the origin."""
    standby = tmp_path / "standby"
    shutil.copytree(lost.edge.data, standby, ignore=shutil.ignore_patterns("*.sock"))
    shutil.rmtree(lost.edge.data)
    run_command("promote", "--data", standby, "--root-key", lost.root_key, "--listen", "127.0.0.1:0", music)
    server = start_server(folders=[music], data=standby)
    assert (ids(server, lost.secret), heard(server, lost.secret)) == lost.whole
    server.wait_for_scan()
    assert (ids(server, lost.secret), heard(server, lost.secret)) == lost.whole
    assert server.get("/rest/ping?f=json", headers=lost.bearer).status == 200, "who was signed in still is"
    assert server.rest("createPlaylist", lost.secret, name="new")["status"] == "ok"
