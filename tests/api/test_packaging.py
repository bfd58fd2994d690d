# SPDX-License-Identifier: GPL-3.0-or-later
"""Renditions: manifests, segments, what happens while they are made and when they cannot be."""
import base64
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.parse

import mutagen
import pytest

import conftest
from test_worker_killed import children

SECONDS = 14.3
RATE = 44100


def encode(path, *arguments, seconds=SECONDS):
    """Two wandering tones over quiet noise: something to encode, in a second."""
    source = f"aevalsrc='0.3*sin(2*PI*t*(200+20*t))+0.2*sin(660*t*2*PI)+0.05*(random(0)-0.5)|0.3*sin(2*PI*t*300)':s={RATE}:d={seconds}"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, *arguments, str(path)], check=True)


def ebur128(path):
    """Integrated loudness as ffmpeg measures it."""
    said = subprocess.run(["ffmpeg", "-nostats", "-i", path, "-af", "ebur128", "-f", "null", "-"], capture_output=True, text=True, check=True)
    return float(re.findall(r"I:\s+(-?[0-9.]+) LUFS", said.stderr)[-1])


def samples_of(data, *arguments):
    """Decoded to 16 bits, two channels."""
    return subprocess.run(["ffmpeg", "-v", "error", "-i", "-", *arguments, "-ac", "2", "-f", "s16le", "-"], input=data,
                          capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A server, a listener's session, and ids by title."""
    folder = tmp_path_factory.mktemp("packaging")
    music = folder / "music"
    music.mkdir()
    for name, arguments in (("lossless.flac", ["-c:a", "flac"]), ("lossy.mp3", ["-c:a", "libmp3lame"]), ("cut.flac", ["-c:a", "flac"]),
                            ("second.flac", ["-c:a", "flac", "-ar", "48000"]), ("third.flac", ["-c:a", "flac", "-ac", "1"])):
        encode(music / name, "-metadata", f"title={name}", *arguments)
    whole = (music / "cut.flac").read_bytes()
    (music / "cut.flac").write_bytes(whole[:9000] + bytes(len(whole) - 9000))
    server = conftest.Server(folder)
    server.add_user("anna", "--admin")
    server.start(music)
    yield Place(server, music)
    server.stop()


class Place:
    def __init__(self, server, music, songs=5):
        self.server, self.music = server, music
        body = json.dumps({"name": "anna", "password": conftest.PASSWORD}).encode()
        page = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
        self.session = server.ask("POST", "/api/v1/session", body, page).json()
        self.grant = self.session["grant"]
        self.ids = {}
        server.until(lambda: len(self.find()) >= songs, "the songs are there")

    def rest(self, endpoint, **parameters):
        query = "&".join(f"{name}={value}" for name, value in ({"f": "json", "v": "1.16.1", "c": "t"} | parameters).items())
        return self.server.get(f"/rest/{endpoint}?{query}", {"Authorization": "Bearer " + self.session["accessToken"]})

    def find(self):
        songs = self.rest("search3", query="", songCount=50).subsonic()["searchResult3"].get("song", [])
        self.ids = {song["path"].split("/")[-1]: song["id"] for song in songs}
        return self.ids

    def get(self, path, headers=None, grant=True):
        return self.server.get(path + (f"?g={self.grant}" if grant else ""), headers)

    def manifest(self, track):
        answer = self.get(f"/m/{track}/manifest")
        assert answer.status == 200, answer.body
        preamble, body = answer.body.split(b"\n\n", 1)
        assert preamble.startswith(f"sostenuto-signed: 1\nname: /m/{track}/manifest\n".encode())
        return json.loads(body)

    def rendition(self, track, name):
        """Looked at while it is made, often enough: who sees the last segment knows the length."""
        one = next(one for one in self.manifest(track)["renditions"] if one["name"] == name)
        durations = [segment["duration"] for segment in one["segments"]]
        if one["length"] is None:
            assert durations == ([one["firstDuration"]] + [one["segmentDuration"]] * len(durations))[:len(durations)], "a last one"
        else:
            assert sum(durations) == one["trim"]["start"] + one["length"] + one["trim"]["end"], "not yet the last one"
        return one

    def metric(self, name):
        lines = self.server.get("/metrics").body.decode().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(f"sostenuto_{name} ")))

    def whole(self, track, name):
        """The rendition when all of it is encoded, and its objects."""
        planned = self.rendition(track, name)
        base = f"/m/{track}/{name}.{planned['generation']}"
        objects = [self.get(base + "/init.mp4").body]
        self.server.until(lambda: self.rendition(track, name)["state"] == "complete", "the encode is done")
        done = self.rendition(track, name)
        assert done["generation"] == planned["generation"]
        objects += [self.get(f"{base}/{n}.m4s").body for n in range(len(done["segments"]))]
        return done, objects


def digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


@pytest.mark.parametrize("song, name, codec", [
    ("lossless.flac", "aac-64", "mp4a.40.2"), ("lossless.flac", "aac-128", "mp4a.40.2"), ("lossy.mp3", "aac-256", "mp4a.40.2"),
    ("lossless.flac", "opus-128", "opus"), ("lossless.flac", "flac", "flac")])
def test_a_rendition_is_what_its_manifest_says(place, song, name, codec):
    done, objects = place.whole(place.ids[song], name)
    assert done["codec"] == codec and done["trim"]["start"] == {"opus": 1272, "flac": 0}.get(codec, 3072)
    assert digest(objects[0]) == done["init"]["sha256"]
    at = 0
    for segment, data in zip(done["segments"], objects[1:], strict=True):
        assert segment["at"] == at and len(data) == segment["bytes"] and digest(data) == segment["sha256"]
        at += segment["duration"]
    assert at == done["trim"]["start"] + done["length"] + done["trim"]["end"]
    decoded = samples_of(b"".join(objects))
    assert len(decoded) >= 4 * done["length"]


def test_flac_is_bit_exact(place):
    _, objects = place.whole(place.ids["lossless.flac"], "flac")
    assert samples_of(b"".join(objects)) == samples_of((place.music / "lossless.flac").read_bytes())


def test_the_manifest_is_provisional_until_all_is_encoded(place):
    track = place.ids["second.flac"]
    before = place.manifest(track)
    assert before["isProvisional"] and before["source"]["rate"] == 48000 and not before["source"]["isExact"]
    assert all(one["state"] == "planned" and one["init"] is None and one["length"] is None for one in before["renditions"])
    assert abs(before["source"]["length"] / 48000 - SECONDS) < 0.01
    for one in before["renditions"]:
        place.whole(track, one["name"])
    after = place.manifest(track)
    assert not after["isProvisional"] and after["source"]["isExact"] and after["source"]["length"] == round(SECONDS * RATE) * 48000 // RATE
    answer = place.get(f"/m/{track}/manifest")
    assert "max-age=60" in answer.headers["Cache-Control"]
    assert after["loudness"]["origin"] == "measured" and -30 < after["loudness"]["gainDb"] < 30 and 0 < after["loudness"]["peak"] <= 1


def test_an_object_is_immutable_and_takes_ranges(place):
    track = place.ids["lossless.flac"]
    done, objects = place.whole(track, "aac-128")
    path = f"/m/{track}/aac-128.{done['generation']}/1.m4s"
    answer = place.get(path)
    assert answer.headers["Content-Type"] == "audio/mp4" and "immutable" in answer.headers["Cache-Control"]
    expected = base64.b64encode(hashlib.sha256(answer.body).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{expected}:"
    part = place.get(path, {"Range": "bytes=10-29"})
    assert part.status == 206 and part.body == answer.body[10:30]
    assert place.get(path, {"If-None-Match": answer.headers["ETag"]}).status == 304


def test_a_lead_is_the_end_of_the_segment_before(place):
    track = place.ids["lossless.flac"]
    for name, packets in (("aac-128", 1), ("opus-128", 4)):
        done, objects = place.whole(track, name)
        lead = place.get(f"/m/{track}/{name}.{done['generation']}/2.lead.m4s").body
        assert digest(lead) == done["segments"][2]["lead"]["sha256"]
        payload = lead[lead.index(b"mdat") + 4:]
        assert objects[2].endswith(payload) and len(payload) < len(objects[2]) / 10
        assert place.get(f"/m/{track}/{name}.{done['generation']}/0.lead.m4s").status == 404


def test_what_does_not_exist_is_not_there(place):
    track = place.ids["lossless.flac"]
    done, _ = place.whole(track, "aac-128")
    base = f"/m/{track}/aac-128.{done['generation']}"
    for path in (f"{base}/{len(done['segments'])}.m4s", f"{base}/01.m4s", f"{base}/-1.m4s", f"/m/{track}/aac-128.0123456789abcdef/0.m4s",
                 f"/m/{track}/aac-99.{done['generation']}/0.m4s", f"{base}/0.m4a", f"{base}/"):
        assert place.get(path).status == 404, path
    assert place.get(f"{base}/0.m4s", grant=False).status == 401
    assert place.get(f"/m/{track}/manifest", grant=False).status == 401


def test_many_who_ask_at_once_get_one_encode(place):
    track = place.ids["third.flac"]
    planned = place.rendition(track, "aac-256")
    path = f"/m/{track}/aac-256.{planned['generation']}/"
    before = place.metric("renditions_made_total")
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(place.get, [path + "0.m4s", path + "2.m4s", path + "init.mp4"] * 4))
    assert all(answer.status == 200 for answer in answers)
    assert len({answer.body for answer in answers}) == 3
    place.server.until(lambda: place.metric("renditions_made_total") > before, "it is made")
    time.sleep(0.2)
    assert place.metric("renditions_made_total") == before + 1


def test_a_damaged_file_ends_in_words_and_hurts_nobody(place):
    track = place.ids["cut.flac"]
    planned = place.rendition(track, "aac-64")
    answer = place.get(f"/m/{track}/aac-64.{planned['generation']}/3.m4s")
    assert answer.status in (404, 503) and answer.headers["Content-Type"] == "application/problem+json"
    assert place.get(f"/m/{place.ids['lossless.flac']}/manifest").status == 200


def test_loudness_is_measured_once_and_kept(place):
    """Tags do not say: what an encode measured does, also when the rendition is gone and the file has new tags."""
    album = [place.ids[name] for name in ("lossless.flac", "second.flac")]
    for track in album:
        place.whole(track, "aac-64")
    truth = ebur128(place.music / "lossless.flac")

    def gain(track):
        return place.rest("getSong", id=track).subsonic()["song"]["replayGain"]

    place.server.until(lambda: "trackGain" in gain(album[1]), "the loudness is kept")
    said = gain(album[0])
    assert abs(said["trackGain"] - (-18 - truth)) < 0.15 and 0 < said["trackPeak"] <= 1
    assert place.manifest(album[0])["loudness"]["gainDb"] == pytest.approx(said["trackGain"], abs=0.001)
    place.server.stop()
    for rendition in (place.server.state / "cache/renditions").iterdir():
        rendition.unlink()
    song = mutagen.File(place.music / "lossless.flac", easy=True)
    song["title"] = "a new title"
    song.save()
    place.server.log = open(place.server.folder / "server.log", "ab")
    place.server.start(place.music)
    place.server.until(lambda: place.rest("getSong", id=album[0]).subsonic()["song"]["title"] == "a new title", "the retag is seen")
    assert gain(album[0]) == said
    loudness = place.manifest(album[0])["loudness"]
    assert loudness["origin"] == "measured" and loudness["gainDb"] == pytest.approx(said["trackGain"], abs=0.001)
    song = mutagen.File(place.music / "lossless.flac", easy=True)
    song["replaygain_track_gain"] = "-3.21 dB"
    song.save()
    place.rest("startScan")
    place.server.until(lambda: gain(album[0]).get("trackGain") == -3.21, "the tag counts")
    assert "trackPeak" not in gain(album[0]), "a measured peak does not stand beside a tag's gain"
    assert place.manifest(album[0])["loudness"]["origin"] == "tags"


def test_an_album_has_a_gain_when_all_of_it_is_known(place):
    songs = {song["id"]: song for song in place.rest("search3", query="", songCount=50).subsonic()["searchResult3"]["song"]}
    album = songs[place.ids["second.flac"]]["albumId"]
    assert "albumGain" not in songs[place.ids["second.flac"]]["replayGain"], "some of it was never heard"


@pytest.mark.slow
def test_a_worker_killed_in_mid_song_costs_a_generation_and_not_the_song(place):
    """The next manifest has a new generation, whose encode begins with the next request: as a player and HLS go on."""
    written = place.server.folder / "killed.flac"
    encode(written, "-metadata", "title=killed.flac", "-c:a", "flac", seconds=400)
    written.rename(place.music / written.name)  # whole at once: half of it would be another song
    place.rest("startScan")
    place.server.until(lambda: "killed.flac" in place.find(), "the song is there")
    track = place.ids["killed.flac"]
    before = place.rendition(track, "aac-128")
    base = f"/m/{track}/aac-128.{before['generation']}"
    assert place.get(f"{base}/init.mp4").status == 200 and place.get(f"{base}/0.m4s").status == 200
    listed = place.rest("hls.m3u8", id=track, bitRate=128).body.decode()
    killed = 0
    for pid, _ in children(place.server.process.pid):
        try:
            if b"package" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        except OSError:  # it is gone already
            pass
    assert killed, "there was a worker"
    old = re.search(r"^\.\.(/m/.*/1\.m4s\?.*)$", listed, re.M)[1]
    moved = place.server.get(old)  # at once, as a player of HLS would, which reads its playlist no more
    assert moved.status == 307 and moved.headers["Cache-Control"] == "no-store", moved.body
    assert place.server.get(urllib.parse.urljoin(old, moved.headers["Location"])).status == 200
    lost = place.get(f"{base}/99.m4s")
    assert lost.status in (404, 503) and lost.headers["Content-Type"] == "application/problem+json"
    place.server.until(lambda: place.rendition(track, "aac-128")["generation"] != before["generation"], "it is planned anew", seconds=4)
    after = place.rendition(track, "aac-128")
    playlist = place.rest("hls.m3u8", id=track, bitRate=128).body.decode()
    assert place.get(f"{base}/1.m4s").status == 404, "no name ever has two contents"
    assert f"aac-128.{after['generation']}/1.m4s" in playlist
    assert place.get(f"/m/{track}/aac-128.{after['generation']}/1.m4s").status == 200, "the listener's next segment comes"


def test_renditions_outlive_a_restart_and_half_of_one_does_not(place):
    track = place.ids["lossless.flac"]
    done, objects = place.whole(track, "aac-128")
    folder = place.server.state / "cache/renditions"
    half = folder / ("0" * 32 + ".flac.0123456789abcdef.cmaf.part")
    half.write_bytes(b"half")
    place.server.stop()
    place.server.log = open(place.server.folder / "server.log", "ab")
    place.server.start(place.music)
    assert not half.exists()
    again = place.rendition(track, "aac-128")
    assert again == done
    assert place.get(f"/m/{track}/aac-128.{done['generation']}/1.m4s").body == objects[2]
    kept = next(folder.glob("*.aac-128.*.cmaf"))
    assert kept.stat().st_size > sum(map(len, objects))
