# SPDX-License-Identifier: GPL-3.0-or-later
"""The library as a running server shows it: ids that stay, changes that are seen, damage that is named."""
import os
import shutil
import subprocess
import time

import mutagen
import pytest
from conftest import add_user, run_command


def songs(server, secret):
    found = server.rest("search3", secret, query="", songCount=500)["searchResult3"].get("song", [])
    return {song["title"]: song for song in found}


def rescan(server, *flags):
    run_command("scan", *flags, "--data", server.data)
    return server.wait_for_scan()


def wait_until(condition, timeout=25):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


def test_retag_move_and_star_stay_together(server, secret, music):
    before = server.rest("search3", secret, query="", songCount=500)["searchResult3"]["song"]
    song = before[0]
    server.rest("star", secret, id=song["id"])
    path = music / song["path"]
    tags = mutagen.File(path)
    tags["title"] = "Quite another name"
    tags.save()
    (music / "Moved").mkdir()
    shutil.move(path, music / "Moved" / "new name.flac")
    rescan(server)
    after = server.rest("getSong", secret, id=song["id"])["song"]
    assert after["title"] == "Quite another name"
    assert after["path"] == "Moved/new name.flac"
    assert after["created"] == song["created"]
    assert "starred" in after
    assert server.get(f"/rest/download?id={song['id']}&apiKey={secret}&c=t&v=1.16.1").body == (
        music / "Moved" / "new name.flac").read_bytes()


@pytest.mark.slow
def test_watch_sees_new_files(server, secret, music):
    count = len(server.rest("search3", secret, query="", songCount=500)["searchResult3"]["song"])
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=frequency=999:duration=1", "-metadata",
                    "title=Dropped in", str(music / "dropped.flac")], check=True)
    assert wait_until(lambda: "Dropped in" in songs(server, secret))
    assert len(server.rest("search3", secret, query="", songCount=500)["searchResult3"]["song"]) == count + 1


def test_missing_mount_keeps_the_library(server, secret, music):
    count = len(server.rest("search3", secret, query="", songCount=500)["searchResult3"]["song"])
    away = music.with_name("away")
    os.rename(music, away)
    music.mkdir()
    rescan(server)
    assert len(server.rest("search3", secret, query="", songCount=500)["searchResult3"]["song"]) == count
    rescan(server, "--allow-removal")
    assert server.rest("search3", secret, query="", songCount=500)["searchResult3"].get("song", []) == []
    music.rmdir()
    os.rename(away, music)
    rescan(server)
    assert len(server.rest("search3", secret, query="", songCount=500)["searchResult3"]["song"]) == count


def test_bad_files_are_named(server, music):
    (music / "noise.mp3").write_bytes(os.urandom(5000))
    rescan(server)
    token = server.sign_in()["accessToken"]
    report = server.get("/api/v1/scan", headers={"Authorization": f"Bearer {token}"}).json["report"]
    assert any(problem["path"] == "noise.mp3" and problem["reason"] for problem in report)


def test_restart_keeps_everything(start_server, music, tmp_path):
    data = tmp_path / "state"
    add_user(data)
    first = start_server(folders=[music], data=data)
    first.wait_for_scan()
    secret = run_command("app", "add", "alice", "tests", "--data", data).stdout.strip()
    before = {song["id"] for song in songs(first, secret).values()}
    assert first.stop() == 0
    second = start_server(folders=[music], data=data)
    assert {song["id"] for song in songs(second, secret).values()} == before


def test_artwork_from_a_folder(server, secret, music):
    album = next(music.glob("Artist 1/*"))
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=red:s=500x500", "-frames:v", "1",
                    str(album / "cover.jpg")], check=True)
    rescan(server)
    song = next(s for s in server.rest("search3", secret, query="", songCount=500)["searchResult3"]["song"]
                if s["artist"] == "Artist 1")
    answer = server.get(f"/rest/getCoverArt?id={song['coverArt']}&size=100&apiKey={secret}&c=t&v=1.16.1")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("image/")
