# SPDX-License-Identifier: GPL-3.0-or-later
"""A rendition store on a disk that is full in the middle of a song: what was heard is right, what comes is sound or an honest answer."""
import base64
import concurrent.futures
import hashlib
import os
import subprocess
import time

import pytest

import conftest
from test_packaging import Place, digest, encode, samples_of

SECONDS = 60.5
ROOM_MIB = 4  # the song as FLAC takes more, as aac-64 half a megabyte


@pytest.fixture
def full(tmp_path):
    """A place with two songs whose renditions lie on a small disk of their own."""
    if os.geteuid() != 0:
        pytest.skip("mounting takes root")
    music, store = tmp_path / "music", tmp_path / "state/cache/renditions"
    music.mkdir()
    store.mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM_MIB}m,mode=700", "none", store], check=False).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        for name in ("long.flac", "other.flac"):
            encode(music / name, "-metadata", f"title={name}", "-metadata", f"comment={name}", "-c:a", "flac", seconds=SECONDS + (name == "other.flac"))
        server = conftest.Server(tmp_path)
        server.add_user("anna", "--admin")
        server.start(music)
        place = Place(server, music, songs=2)
        place.store = store
        yield place
        server.stop()
    finally:
        subprocess.run(["umount", "-l", store], check=True)


def is_whole(answer):
    said = answer.headers["Repr-Digest"]
    return said == f"sha-256=:{base64.b64encode(hashlib.sha256(answer.body).digest()).decode()}:" and answer.body[4:8] == b"styp"


def play(place, base, count):
    """Segments as a listener asks for them, up to the first that does not come; and that answer."""
    heard = []
    for number in range(count):
        answer = place.get(f"{base}/{number}.m4s")
        if answer.status != 200:
            return heard, answer
        assert is_whole(answer), number
        heard.append(answer.body)
    return heard, None


def is_honest(answer):
    return answer.status == 503 and int(answer.headers["Retry-After"]) > 0 and answer.headers["Content-Type"] == "application/problem+json" and b"room" in answer.body


@pytest.mark.slow
def test_a_disk_that_fills_up_in_mid_song(full):
    track, other = full.ids["long.flac"], full.ids["other.flac"]
    small, small_objects = full.whole(other, "aac-64")
    planned = full.rendition(track, "flac")
    base = f"/m/{track}/flac.{planned['generation']}"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert full.get(f"{base}/0.m4s").status == 200
        waiting = pool.submit(full.get, f"{base}/14.m4s")
        heard, refused = play(full, base, 15)
        assert heard and refused, "the disk was full in mid-song"
        assert is_honest(refused) and is_honest(waiting.result(20)), (refused.status, refused.body)
    assert full.server.get("/livez").status == 200 and full.metric("renditions_failed_total") >= 1
    assert not list(full.store.glob("*.part")), "what has no end takes no room"
    for number, data in enumerate(small_objects[1:]):  # it may have made way
        answer = full.get(f"/m/{other}/aac-64.{small['generation']}/{number}.m4s")
        assert answer.status == 404 or answer.body == data, "no name has two contents"
    # the listener goes on with less
    done, objects = full.whole(track, "aac-64")
    assert all(digest(data) == segment["sha256"] for segment, data in zip(done["segments"], objects[1:], strict=True))
    assert done["length"] == round(SECONDS * 44100)
    # somebody makes room: the same song, in a new generation, to its last sample
    subprocess.run(["mount", "-o", "remount,size=64m", full.store], check=True)
    end = time.monotonic() + 20
    while full.rendition(track, "flac")["generation"] == planned["generation"]:
        assert time.monotonic() < end, "a full disk is forgotten after some seconds"
        time.sleep(0.3)
    done, objects = full.whole(track, "flac")
    assert samples_of(b"".join(objects)) == samples_of((full.music / "long.flac").read_bytes())
    assert place_is_sound_after_a_restart(full, track, done, objects) and full.get(f"{base}/0.m4s").status == 404


def place_is_sound_after_a_restart(full, track, done, objects):
    full.server.stop()
    full.server.log = open(full.server.folder / "server.log", "ab")
    full.server.start(full.music)
    again = full.rendition(track, "flac")
    heard, refused = play(full, f"/m/{track}/flac.{again['generation']}", len(done["segments"]))
    return again == done and refused is None and heard == objects[1:]
