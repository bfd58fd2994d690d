# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual listeners (src/drills) against a real server: a good one pleases them, and a dead one is heard to be dead.

Music runs eight times as fast here, so a buffer of 30 s lasts less than four.
"""
import os
import re
import shutil
import subprocess
import time

import pytest
from conftest import PASSWORD, ROOT, add_user, clean_environment, find_binary, launch

SECONDS = 60  # of each track
GOOD, BAD, NOTHING, REFUSED = range(4)


def make_long_music(folder, tracks=6):
    """Tracks of a minute, made once per machine and copied."""
    cache = ROOT / "build" / "test-music" / f"long-{tracks}x{SECONDS}"
    if not cache.exists():
        fresh = cache.with_name(cache.name + f".{os.getpid()}")
        fresh.mkdir(parents=True)
        for track in range(1, tracks + 1):
            subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"anoisesrc=r=8000:a=0.05:seed={track}:d={SECONDS}",
                            "-ac", "1", "-metadata", "artist=Long", "-metadata", "album=Minutes", "-metadata", f"title=Minutes {track}",
                            "-metadata", f"track={track}", str(fresh / f"{track:02}.flac")], check=True)
        try:
            fresh.rename(cache)
        except OSError:  # another run was faster
            shutil.rmtree(fresh)
    shutil.copytree(cache, folder)
    return folder


@pytest.fixture
def stage(start_server, tmp_path):
    """A server with a few long tracks and the listener "alice"; and how to send listeners to it."""
    data = tmp_path / "state"
    add_user(data)
    server = start_server(folders=[make_long_music(tmp_path / "music")], data=data)
    server.wait_for_scan()
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    program = find_binary().parent / "bench" / "listeners"

    def listen(*arguments, **popen):
        command = [program, "--at", server.url, "--user", "alice", "--password-file", password, *arguments]
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True, env=clean_environment(), **popen)

    server.listen = listen
    return server


def figures(text):
    """{"plays": [tried, failed, p50, p99, most], …} of the table."""
    rows = re.findall(r"^  ([a-z-]+(?: \(in plays\))?) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", text, re.M)
    return {name: [int(value) for value in values] for name, *values in rows}


def written(text):
    rows = re.findall(r"^  (\w+) +(\d+) acknowledged, (\d+) unknown, (\d+) lost, (\d+) twice$", text, re.M)
    return {name: [int(value) for value in values] for name, *values in rows}


@pytest.mark.alone
@pytest.mark.slow
def test_two_hundred_listeners_hear_music_without_a_gap(stage):
    crowd = stage.listen("--listeners", 200, "--seconds", 10, "--speed", 8, "--arrive", 2000, "--skips", 50)
    text, _ = crowd.communicate(timeout=90)
    table, writes = figures(text), written(text)
    assert crowd.returncode == GOOD, text
    assert table["plays"][0] >= 200 and table["plays"][1] == 0, text
    assert table["gaps (in plays)"][0] == 0, text
    for errand in ("sign-ins", "homes", "searches", "playlists", "artworks", "writes"):
        assert table[errand][1] == 0, text
    assert writes["plays"][0] > 0 and all(lost == twice == 0 for _, _, lost, twice in writes.values()), text


@pytest.mark.slow
@pytest.mark.alone
def test_a_server_that_is_away_longer_than_the_buffer_is_heard_and_no_acknowledged_write_is_lost(start_server, stage, tmp_path):
    crowd = stage.listen("--listeners", 60, "--seconds", 16, "--speed", 8, "--arrive", 500, "--skips", 0)
    time.sleep(6)
    stage.process.kill()
    stage.process.wait()
    time.sleep(5)  # forty seconds of music
    again = start_server(folders=[tmp_path / "music"], data=stage.data, listen=f"127.0.0.1:{stage.port}")
    text, _ = crowd.communicate(timeout=90)
    table, writes = figures(text), written(text)
    assert again.process.poll() is None
    assert crowd.returncode == BAD, text
    assert table["gaps (in plays)"][0] >= 30, "those who were listening heard it\n" + text
    assert 2000 <= table["gaps (in plays)"][2] <= 60000, "for as long as the buffer did not last\n" + text
    assert all(lost == twice == 0 for _, _, lost, twice in writes.values()), text


def test_who_cannot_sign_in_sends_no_listeners(stage, tmp_path):
    (tmp_path / "password").write_text("not the password\n")
    crowd = stage.listen("--listeners", 5, "--seconds", 2)
    text, _ = crowd.communicate(timeout=60)
    assert crowd.returncode == REFUSED and "could not sign in as alice" in text, text
