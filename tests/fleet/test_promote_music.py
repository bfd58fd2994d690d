# SPDX-License-Identifier: GPL-3.0-or-later
"""What was playing keeps playing: an origin made of an edge's folder plays what that edge held, and what others hold, before its music is there."""
import json
import os
import re
import shutil
import socket
import subprocess

import pytest
from conftest import QUIET, invite, system
from patience import until
from test_delivery import body_of, encoded, path_of, songs
from test_promote import heard, make_state, promote

RENDITION = "flac"


@pytest.fixture
def music(music):
    album = music / "Artist 1" / "Album 1"
    (album / "01 Tone 1.lrc").write_text("[00:01.00]And so it was\n")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=red:size=700x700:duration=1", "-frames:v", "1",
                    str(album / "cover.jpg")], check=True)
    return music


@pytest.fixture
def noise(music):
    """A song that is more than sockets hold."""
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=duration=60:sample_rate=44100:seed=1", "-ac", "2", "-metadata", "title=Noise",
                    "-metadata", "album=Album 1", "-metadata", "artist=Artist 1", "-metadata", "track=9",
                    str(music / "Artist 1" / "Album 1" / "09 Noise.flac")], check=True)


def file_of(music, song):
    return next(path for path in music.rglob("*.flac") if path.stem.endswith(song["title"]) and path.parent.name == song["album"])


def samples(path):
    return subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-"], check=True, stdout=subprocess.PIPE).stdout


class Held:
    """One song with all that a player fetches of it, as a node gives it before the origin is lost."""

    def __init__(self, node, song, fleet):
        self.song, self.grant, self.bearer = song, fleet.session["grant"], fleet.bearer
        base = f"/m/{song['id']}"
        self.parts = encoded(node, song, self.grant, RENDITION)
        self.objects = [f"{base}/manifest", *self.parts]
        self.asked = [path_of("stream", id=song["id"]), path_of("download", id=song["id"]), path_of("getLyricsBySongId", id=song["id"])]
        if "coverArt" in song:
            self.asked.append(path_of("getCoverArt", id=song["coverArt"], size=300))
        self.bodies = {name: self.get(node, name).body for name in self.objects + self.asked}
        assert all(self.bodies.values())

    def get(self, node, name, **options):
        if name.startswith("/rest/"):
            return node.get(name, headers={**self.bearer, **options})
        return node.get(f"{name}?g={self.grant}", headers=options or None)

    def check(self, node, names):
        for name in names:
            answer = self.get(node, name)
            assert answer.status == 200 and answer.body == self.bodies[name], (name, answer.status, answer.body[:300])


@pytest.fixture
def held(fleet):
    """What the edge was asked for by its listeners: the song with lyrics and a picture."""
    song = next(song for song in songs(fleet.origin, fleet) if song["title"] == "Tone 1" and song["album"] == "Album 1")
    return Held(fleet.edge, song, fleet)


@pytest.fixture
def lose(fleet, kill, tmp_path):
    def lose_origin():
        make_state(fleet.origin, fleet.secret)
        until(lambda: heard(fleet.edge, fleet.secret) == heard(fleet.origin, fleet.secret), "the edge holds what was done last")
        fleet.root_key = tmp_path / "root.key"
        shutil.copy(fleet.origin.data / "keys" / "root.key", fleet.root_key)
        fleet.door = json.loads(system.run_command("edges", "list", "--json", "--data", fleet.origin.data).stdout)["door"]
        kill(fleet.origin)
        shutil.rmtree(fleet.origin.data)
        fleet.edge.stop()
    return lose_origin


def test_without_music_what_the_edge_held_plays_to_the_sample_and_the_rest_says_why_not(fleet, held, lose, music, start_server, tmp_path):
    other = next(song for song in songs(fleet.origin, fleet) if song["id"] != held.song["id"])
    lose()
    promote(fleet)
    server = start_server("--loops", "3", data=fleet.edge.data)
    for _ in range(3):  # connections fall on several loops
        held.check(server, held.objects + held.asked)
    part = held.get(server, held.asked[0], Range="bytes=100-199")
    assert part.status == 206 and part.body == held.bodies[held.asked[0]][100:200]
    played = tmp_path / "played.mp4"
    played.write_bytes(b"".join(held.get(server, name).body for name in held.parts))
    assert samples(played) == samples(file_of(music, held.song)), "sample for sample"
    playlist = held.get(server, f"/m/{held.song['id']}/{RENDITION}/playlist.m3u8")
    assert playlist.status == 200 and playlist.body.count(b".m4s?") == len(held.parts) - 1
    assert server.get(f"{held.parts[1]}?g={held.grant[:-4]}AAAA").status == 401, "for who may have it"
    missing = [f"/m/{other['id']}/manifest", f"/m/{other['id']}/original", path_of("stream", id=other["id"])]
    for name in missing:
        answer = held.get(server, name)
        assert answer.status == 503 and b"no node holds it" in answer.body, (name, answer.status, answer.body[:300])


def test_with_its_music_who_was_in_the_middle_of_a_song_hears_its_end(fleet, held, lose, music, start_server):
    lose()
    promote(fleet, music)
    server = start_server(folders=[music], data=fleet.edge.data)
    server.wait_for_scan()
    held.check(server, held.parts)
    gone = re.sub(r"\.[0-9a-f]{16}/", ".0123456789abcdef/", held.parts[1])
    assert held.get(server, gone).status == 404, "what never was is not there"
    manifest = body_of(held.get(server, f"/m/{held.song['id']}/manifest").body)
    assert all(one["generation"] not in held.parts[1] for one in manifest["renditions"]), "who begins now gets this node's own"


def test_what_only_another_edge_holds_comes_from_there(fleet, lose, start_edge, start_server, music, tmp_path):
    other = start_edge("other", fleet.origin.url, invite(fleet.origin.data, "other"), *QUIET)
    until(other.holds_all, "the other edge holds all")
    until(lambda: len(body_of(fleet.edge.get("/nodes").body)["nodes"]) == 3, "and the one that is promoted knows it")
    song = songs(fleet.origin, fleet)[0]
    theirs = Held(other, song, fleet)
    lose()
    promote(fleet)
    server = start_server("--nodes", fleet.door, data=fleet.edge.data)
    until(lambda: len([node for node in body_of(other.get("/nodes").body)["nodes"] if node["role"] == "edge"]) == 1, "the other follows", seconds=60)
    theirs.check(server, theirs.objects)
    theirs.check(server, [theirs.asked[0]])


def test_after_an_upgrade_what_was_kept_is_there_at_once(fleet, held, lose, start_server):
    lose()
    promote(fleet)
    server = start_server(data=fleet.edge.data)
    held.check(server, held.parts)
    for count in 1, 2:
        system.run_command("upgrade", "--data", fleet.edge.data, timeout=90)
        until(lambda: server.log.read_text().count(" upgraded pid=") == count, "the next process has taken over", seconds=60)
        held.check(server, held.parts)
    assert "what this node kept as an edge is not served" not in server.log.read_text()
    server.stop()
    held.check(start_server(data=fleet.edge.data), held.parts)


def test_through_an_upgrade_a_slow_listener_hears_the_end_and_others_what_was_kept(noise, fleet, held, lose, start_server):
    """The process before is not done for as long as that listener takes, and the next one has the cache all the same."""
    song = next(song for song in songs(fleet.origin, fleet) if song["title"] == "Noise")
    path = path_of("download", id=song["id"])
    whole = held.get(fleet.edge, path).body
    assert len(whole) > 6 << 20
    lose()
    promote(fleet)
    server = start_server(data=fleet.edge.data)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(60)
        client.connect((server.host, server.port))
        fields = "".join(f"{field}: {value}\r\n" for field, value in held.bearer.items())
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {server.host}\r\nConnection: close\r\n{fields}\r\n".encode())
        heard = client.recv(1000)
        before = server.pid
        system.run_command("upgrade", "--data", fleet.edge.data, timeout=90)
        until(lambda: " upgraded pid=" in server.log.read_text(), "the next process has taken over", seconds=60)
        held.check(server, held.parts)
        assert os.path.exists(f"/proc/{before}"), (heard[:300], server.log.read_text()[-3000:])
        while more := client.recv(65536):
            heard += more
    assert heard.startswith(b"HTTP/1.1 200 ") and heard.endswith(whole), heard[:200]


def test_what_no_scan_has_found_yet_plays_from_where_the_catalogue_says(fleet, held, lose, music, start_server, tmp_path):
    other = next(song for song in songs(fleet.origin, fleet) if song["id"] != held.song["id"])
    lose()
    promote(fleet, music)
    server = start_server("--scan-on-start", "no", "--rescan-minutes", "0", folders=[music], data=fleet.edge.data)
    base = f"/m/{other['id']}"
    planned = next(one for one in body_of(held.get(server, f"{base}/manifest").body)["renditions"] if one["name"] == RENDITION)
    begun = held.get(server, f"{base}/{RENDITION}.{planned['generation']}/init.mp4")
    assert begun.status == 200, begun.body[:300]
    for asked in ({"format": "mp3"}, {"format": "opus", "maxBitRate": 64}):
        converted = held.get(server, path_of("stream", id=other["id"], **asked))
        assert converted.status == 200 and b"subsonic-response" not in converted.body[:300], converted.body[:300]
    for name in f"{base}/original", path_of("stream", id=other["id"]), path_of("download", id=other["id"]):
        assert held.get(server, name).body == file_of(music, other).read_bytes(), name
    played = tmp_path / "played.mp4"
    played.write_bytes(b"".join(held.get(server, name).body for name in encoded(server, other, held.grant, RENDITION)))
    assert samples(played) == samples(file_of(music, other)), "sample for sample"
    held.check(server, held.parts)
