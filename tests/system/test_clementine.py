# SPDX-License-Identifier: GPL-3.0-or-later
"""A desktop program that people use: Debian's Clementine, driven by its keyboard under Xvfb.

It signs in, reads the album lists, and plays; that it asks for the second track shows that it heard the first to its end.
"""
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

from conftest import add_user, make_music, run_command

# The tree of services: "Subsonic" → "Smart Playlists" → the second, "Newest Albums"; Return adds it and plays.
DRIVE = r"""
clementine & program=$!
for i in $(seq 60); do window=$(xdotool search --onlyvisible --name Clementine | tail -1); [ -n "$window" ] && break; sleep 0.5; done
xdotool windowmove "$window" 0 0; sleep 2
xdotool mousemove 35 252 click 1; sleep 1
xdotool mousemove 130 50 click 1; sleep 1
xdotool type Subsonic; sleep 1; xdotool key Right; sleep 4
xdotool key Down; sleep 1; xdotool key Right; sleep 1; xdotool key Down; sleep 1; xdotool key Return
for i in $(seq 60); do [ -e "$DONE" ] && break; sleep 0.5; done
import -window root "$SHOT"
kill $program; wait $program
"""


def streams(log):
    """(track id, status, bytes) of each stream in the access log, in order."""
    found = re.findall(r'"GET /rest/stream\.view\?[^"]*id=(tr-[\w-]+)[^"]*" (\d+) (\d+)', log.read_text())
    return [(track, int(status), int(size)) for track, status, size in found]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("clementine") or not shutil.which("xdotool"), reason="script/bootstrap test installs it")
def test_clementine_signs_in_lists_and_plays_a_track_to_its_end(start_server, tmp_path):
    data, access = tmp_path / "state", tmp_path / "access.log"
    add_user(data)
    secret = run_command("app", "add", "alice", "Clementine", "--data", data).stdout.strip()
    music = make_music(tmp_path / "music", albums=1, tracks=2)
    server = start_server("--access-log", access, folders=[music], data=data)
    server.wait_for_scan()

    home, done, shot = tmp_path / "home", tmp_path / "done", tmp_path / "clementine.png"
    settings = home / ".config" / "Clementine" / "Clementine.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[Subsonic]\nserver={server.url}\nusername=alice\npassword={secret}\nusesslv3=false\n")
    environment = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "DONE": str(done), "SHOT": str(shot)}
    driver = subprocess.Popen(["xvfb-run", "-a", "-s", "-screen 0 1200x800x24", "bash", "-c", DRIVE], env=environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 90
        while time.monotonic() < end and len({track for track, _, _ in streams(access)}) < 2:
            time.sleep(0.5)
        done.touch()
        driver.wait(60)
    finally:
        driver.kill()

    log = access.read_text()
    assert re.search(r'alice \[[^]]*\] "GET /rest/ping\.view[^"]*" 200', log), "it signs in"
    assert "/rest/getAlbumList" in log and "/rest/getAlbum.view" in log, "it lists albums and their tracks"
    sizes = {path.stat().st_size for path in pathlib.Path(music).rglob("*.flac")}
    played = streams(access)
    assert len({track for track, _, _ in played}) == 2, f"it goes on to the next track after the first ended: {played}"
    assert all(status == 200 and size in sizes for _, status, size in played), played
    assert secret not in log and secret.encode().hex() not in log, "the secret is not in the log"
