# SPDX-License-Identifier: GPL-3.0-or-later
"""The gain of an album without tags is that of one measurement over all of it, pauses and quiet songs left out as EBU R 128 says."""
import subprocess

import pytest

import conftest
from test_packaging import Place, ebur128

# seconds, dB, and whether half of it is a pause: the mean of their own loudness is 2 dB off
SONGS = {"loud": (24, -3, False), "middle": (18, -12, True), "soft": (30, -31, False)}


def make(path, seconds, gain_db, has_pause):
    pause = f"volume='if(lt(t,{seconds / 2}),1,0.0005)':eval=frame," if has_pause else ""
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"anoisesrc=r=44100:c=pink:a=0.5:seed={seconds}:d={seconds}",
                    "-af", f"{pause}volume={gain_db}dB,tremolo=f=0.3:d=0.5,aformat=channel_layouts=stereo", "-metadata", f"title={path.stem}",
                    "-metadata", "album=Steps", "-metadata", "artist=A", "-sample_fmt", "s16", str(path)], check=True)


@pytest.fixture
def album(tmp_path):
    music = tmp_path / "music/Steps"
    music.mkdir(parents=True)
    for name, shape in SONGS.items():
        make(music / f"{name}.flac", *shape)
    server = conftest.Server(tmp_path)
    server.add_user("anna", "--admin")
    server.start(tmp_path / "music")
    yield Place(server, music, songs=len(SONGS))
    server.stop()


def test_the_gate_is_the_albums(album):
    pieces = [argument for name in SONGS for argument in ("-i", album.music / f"{name}.flac")]
    whole = album.server.folder / "whole.flac"
    subprocess.run(["ffmpeg", "-v", "error", *pieces, "-filter_complex", f"concat=n={len(SONGS)}:v=0:a=1", whole], check=True)
    truth = -18 - ebur128(whole)
    ids = [album.ids[f"{name}.flac"] for name in SONGS]
    for track in ids[:-1]:
        album.whole(track, "aac-64")

    def gains():
        songs = album.rest("getAlbum", id=album.rest("getSong", id=ids[0]).subsonic()["song"]["albumId"]).subsonic()["album"]["song"]
        return [song["replayGain"] for song in songs]

    assert len(gains()) == len(SONGS) and not any("albumGain" in one for one in gains()), "one of them was never heard"
    album.whole(ids[-1], "aac-64")
    album.server.until(lambda: all("albumGain" in one for one in gains()), "all are measured")
    assert len({one["albumGain"] for one in gains()}) == 1
    assert gains()[0]["albumGain"] == pytest.approx(truth, abs=0.2), (gains(), truth)
    assert album.manifest(ids[1])["loudness"]["albumGainDb"] == pytest.approx(gains()[0]["albumGain"], abs=0.001)
    before = gains()
    album.server.stop()
    album.server.log = open(album.server.folder / "server.log", "ab")
    album.server.start(album.music.parent)
    assert gains() == before, "it is kept"
