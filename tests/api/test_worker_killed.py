# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that is killed in the middle of a transcode: its listener can tell, the next try works, the server lives."""
import os
import pathlib
import re
import signal
import socket
import time

import conftest
import music
import pytest

SECONDS = 900  # as MP3 far more than pipe and socket hold, so the worker is still there when it is killed


def children(pid):
    """Processes below that one, at any depth."""
    parents = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = path.read_text().rsplit(")", 1)
        except OSError:  # it ended just now
            continue
        parents.setdefault(int(rest.split()[1]), []).append((int(path.parent.name), name.split("(", 1)[1]))
    found, left = [], [pid]
    while left:
        below = parents.get(left.pop(), [])
        found += below
        left += [child for child, _ in below]
    return found


def begin(server, song):
    """A listener with a small buffer, who has heard a little."""
    client = socket.socket()
    client.settimeout(20)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", server.port))
    target = "/rest/stream?" + server.anna.parameters({"id": song, "format": "mp3", "maxBitRate": 320})
    client.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    heard = b""
    while len(heard) < 20000:
        heard += client.recv(4096)
    assert heard.startswith(b"HTTP/1.1 200 ") and b"Transfer-Encoding: chunked" in heard
    return client


def rest_of(client):
    """What still comes, and whether it ended as a whole answer does."""
    rest = b""
    try:
        while part := client.recv(65536):
            rest = (rest + part)[-100:]
    except ConnectionError:
        return False
    return rest.endswith(b"\r\n0\r\n\r\n")


@pytest.mark.slow
def test_the_listener_can_tell_and_the_next_try_works(tmp_path):
    server = conftest.start_server(tmp_path)
    try:
        path = tmp_path / "music/long.flac"
        music.encode(path, SECONDS, 440)
        music.tag(path, "Long", "Long", "Long", "Long", 1, 2000, "Tone")
        server.anna.ask("startScan")
        found = lambda: server.anna.ask("search3", query="Long")["searchResult3"].get("song")
        server.until(found, "it is listed")
        song = found()[0]["id"]
        with begin(server, song) as client, begin(server, song) as other:
            workers = [pid for pid, name in children(server.process.pid) if name.startswith("sostenuto-media")]
            assert len(workers) >= 2
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
            assert not rest_of(client) and not rest_of(other), "a song that was cut looked whole"
        assert server.get("/livez").status == 200
        time.sleep(0.2)
        metrics = server.get("/metrics").body.decode()
        assert re.search(r"media_transcodes_cut_total 2\b", metrics), re.findall("media_.*", metrics)
        with begin(server, song):  # the next try
            pass
    finally:
        server.stop()
