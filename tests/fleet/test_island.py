# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome's drill, begun: what an edge answers when its origin is gone."""
import json
import urllib.parse

import pytest

from patience import until


def rest(server, endpoint, fleet, **parameters):
    """As the player asks: with its access token."""
    query = urllib.parse.urlencode({"f": "json", "v": "1.16.1", "c": "test", **parameters}, doseq=True)
    answer = server.get(f"/rest/{endpoint}?{query}", headers=fleet.bearer)
    assert answer.status == 200, (endpoint, answer.status, answer.body)
    return answer.json["subsonic-response"]


def songs(server, fleet):
    found = rest(server, "search3", fleet, query="", songCount=100)["searchResult3"]
    return sorted(found["song"], key=lambda song: song["id"])


BROWSING = [("ping", {}), ("getArtists", {}), ("getMusicFolders", {}), ("getGenres", {}), ("getIndexes", {}),
            ("getAlbumList2", {"type": "alphabeticalByName"}), ("getAlbumList2", {"type": "newest"}),
            ("search3", {"query": "tone"}), ("search3", {"query": "artst"}), ("getStarred2", {}), ("getPlaylists", {}),
            ("getUser", {}), ("getScanStatus", {}), ("getPlayQueue", {}), ("tokenInfo", {})]


def without_moments(answer):
    """What may differ between two nodes: when they heard of it."""
    kept = {name: value for name, value in answer.items() if name not in ("scanStatus", "tokenInfo")}
    if "indexes" in kept:
        kept["indexes"] = dict(kept["indexes"])
        assert kept["indexes"].pop("lastModified") > 0
    return kept


def test_an_edge_answers_as_its_origin_does(fleet):
    song = songs(fleet.origin, fleet)[0]
    asked = [*BROWSING, ("getSong", {"id": song["id"]}), ("getAlbum", {"id": song["albumId"]}),
             ("getArtist", {"id": song["artistId"]}), ("getMusicDirectory", {"id": song["parent"]}),
             ("getTopSongs", {"artist": song["artist"]})]
    for endpoint, parameters in asked:
        here, there = (rest(node, endpoint, fleet, **parameters) for node in (fleet.edge, fleet.origin))
        assert without_moments(here) == without_moments(there), endpoint


def test_browsing_goes_on_without_the_origin_and_after_a_restart_of_the_edge(fleet, kill):
    song = songs(fleet.origin, fleet)[0]
    before = {str(call): rest(fleet.origin, call[0], fleet, **call[1]) for call in BROWSING}
    kill(fleet.origin)
    for edge in (fleet.edge, None):
        if edge is None:
            fleet.edge.kill()
            edge = fleet.again()
        for endpoint, parameters in BROWSING:
            here = rest(edge, endpoint, fleet, **parameters)
            assert without_moments(here) == without_moments(before[str((endpoint, parameters))]), endpoint
        assert rest(edge, "getSong", fleet, id=song["id"])["song"]["title"] == song["title"]
        status = until(lambda: (edge.status()["link"] == "island") and edge.status(), "it knows that it is an island")
        assert status["accounts"] == 1 and {r["name"] for r in status["replicas"]} >= {"/keys", "/revoked", "/nodes", "/catalog/1"}
    assert edge.status()["components"][0]["status"] == "degraded"


def test_an_app_with_its_key_browses_the_island(fleet, kill):
    there = fleet.origin.rest("getArtists", fleet.secret)
    kill(fleet.origin)
    assert fleet.edge.rest("getArtists", fleet.secret) == there


def test_the_objects_of_trust_and_the_catalogue_are_served_on_byte_by_byte(fleet, kill):
    names = ["/keys", "/revoked", "/nodes", "/catalog/1"]
    there = {name: fleet.origin.get(name, headers=fleet.bearer) for name in names}
    kill(fleet.origin)
    for name in names:
        here = fleet.edge.get(name, headers=fleet.bearer)
        assert here.status == 200, (name, here.body)
        # signed again at each request at most once an hour: these are the bytes that the edge fetched
        assert here.body.split(b"\n\n", 1)[1] == there[name].body.split(b"\n\n", 1)[1], name
        assert here.headers["Sostenuto-Version"] == there[name].headers["Sostenuto-Version"]
        assert here.headers["Repr-Digest"] and here.headers["ETag"]
    segment = json_of(there["/catalog/1"])["segments"][0]["core"]
    core = fleet.edge.get(f"/catalog/1/{segment['sha256']}.core", headers=fleet.bearer)
    assert core.status == 200 and len(core.body) == segment["bytes"]
    assert fleet.edge.get("/catalog/1").status == 401, "not without a right"


def json_of(answer):
    return json.loads(answer.body.split(b"\n\n", 1)[1])


def media_paths(fleet):
    song = songs(fleet.origin, fleet)[0]
    location = fleet.origin.get(f"/m/{song['id']}/original?g={fleet.session['grant']}")
    version = location.headers["ETag"].strip('"')
    art = song["coverArt"] if "coverArt" in song else None
    return f"/m/{song['id']}/original.{version}.{song['suffix']}", location.body, art


def test_a_cached_song_plays_on_the_island_for_who_holds_a_grant_alone(fleet, kill):
    path, body, _ = media_paths(fleet)
    grant = fleet.session["grant"]
    first = fleet.edge.get(f"{path}?g={grant}")
    assert first.status == 200 and first.body == body
    kill(fleet.origin)
    by_query, by_field = fleet.edge.get(f"{path}?g={grant}"), fleet.edge.get(path, headers={"Sostenuto-Grant": grant})
    part = fleet.edge.get(path, headers={"Sostenuto-Grant": grant, "Range": "bytes=100-199"})
    assert by_query.status == 200 and by_query.body == body
    assert by_field.status == 200 and by_field.body == body
    assert part.status == 206 and part.body == body[100:200]
    for bad in (path, f"{path}?g=", f"{path}?g={grant[:-4]}AAAA"):
        answer = fleet.edge.get(bad)
        assert answer.status in (401, 502, 503, 504) and body[:64] not in answer.body, bad


def test_what_one_listener_fetched_another_gets_from_the_cache(fleet):
    path, body, _ = media_paths(fleet)
    assert fleet.edge.get(f"{path}?g={fleet.session['grant']}").body == body
    other = fleet.origin.sign_in()
    until(lambda: fleet.edge.get(f"{path}?g={other['grant']}").headers.get("Cache-Status", "").find("hit") >= 0,
          "another session's grant hits")


def test_a_session_that_ended_ends_at_the_edge_and_stays_ended_on_the_island(fleet, kill):
    path, body, _ = media_paths(fleet)
    other = fleet.origin.sign_in()
    bearer = {"Authorization": "Bearer " + other["accessToken"]}
    until(lambda: fleet.edge.get(f"{path}?g={other['grant']}").headers.get("Cache-Status", "").find("hit") >= 0, "it may")
    sessions = fleet.origin.get("/api/v1/sessions", headers=bearer).json
    mine = next(session["id"] for session in sessions if session["isCurrent"])
    assert fleet.origin.ask("DELETE", f"/api/v1/sessions/{mine}", headers=fleet.bearer).status in (200, 204)
    until(lambda: fleet.edge.get(f"{path}?g={other['grant']}").status == 401, "it may not any more")
    kill(fleet.origin)
    answer = fleet.edge.get(f"{path}?g={other['grant']}")
    assert answer.status in (401, 502, 503, 504) and body[:64] not in answer.body
    answer = fleet.edge.get("/rest/ping?f=json&v=1.16.1&c=test", headers=bearer)
    assert answer.status != 200 or answer.json["subsonic-response"]["status"] == "failed"


def test_what_changes_at_the_origin_comes_by_itself(fleet, music):
    song = songs(fleet.origin, fleet)[0]
    assert rest(fleet.edge, "star", fleet, id=song["id"])["status"] == "ok", "a write goes through the edge"
    until(lambda: rest(fleet.edge, "getStarred2", fleet)["starred2"]["song"], "the star is at the edge")
    assert rest(fleet.edge, "createPlaylist", fleet, name="evening", songId=[song["id"]])["status"] == "ok"
    until(lambda: rest(fleet.edge, "getPlaylists", fleet)["playlists"].get("playlist"), "and the playlist")
    rest(fleet.edge, "scrobble", fleet, id=song["id"])
    until(lambda: rest(fleet.edge, "getSong", fleet, id=song["id"])["song"].get("playCount") == 1, "and the play")
    (music / "Artist 1" / "Album 1" / "01 Tone 1.flac").unlink()
    assert rest(fleet.origin, "startScan", fleet)["status"] == "ok"
    until(lambda: len(songs(fleet.edge, fleet)) == 5, "the catalogue follows")
    rest(fleet.edge, "unstar", fleet, id=song["id"])
    until(lambda: not rest(fleet.edge, "getStarred2", fleet)["starred2"]["song"], "and what is undone")


# --- signing in: the rest is in test_signin.py ---

def rest_with(server, endpoint, **parameters):
    query = urllib.parse.urlencode({"f": "json", "v": "1.16.1", "c": "test", **parameters})
    answer = server.get(f"/rest/{endpoint}?{query}")
    assert answer.status == 200 and answer.json["subsonic-response"]["status"] == "ok", answer.status


def test_a_second_listener_without_a_key_of_its_own_signs_in_on_the_island(fleet, kill):
    kill(fleet.origin)
    session = fleet.edge.sign_in()
    bearer = {"Authorization": "Bearer " + session["accessToken"]}
    answer = fleet.edge.get("/rest/getArtists?f=json&v=1.16.1&c=test", headers=bearer)
    assert answer.status == 200 and answer.json["subsonic-response"]["artists"]["index"]
    rest_with(fleet.edge, "ping", u="alice", p="correct horse battery")


def test_it_says_of_itself_that_it_lives(fleet, kill):
    """Players ask that before they move to it (player/src/data/objects.ts)."""
    kill(fleet.origin)
    for path in ("/livez", "/readyz"):
        assert fleet.edge.get(path).status == 200, path
