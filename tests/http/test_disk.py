# SPDX-License-Identifier: GPL-3.0-or-later
"""A slow disk is waited for by the listener who wants what is on it, and by nobody else on the same loop."""
import mmap
import os
import pathlib
import struct
import tempfile
import time

import pytest

from h2_client import Client
from site_server import ROOT, Site, get, read_all
from test_bounds import ONE_LOOP
from test_site import certificate, status, tls_client  # noqa: F401 (a fixture)

SIZE = 3 << 20
MAGIC, READ_DELAY, READ_OBEYED = 0x31766472616F6266, 20, 40  # of struct fault_board


class SlowDisk:
    """A song, and orders for the server: each read of it takes so long."""
    def __init__(self, folder, delay_ms):
        self.song, self.path = folder / "song", folder / "board"
        self.bytes = os.urandom(SIZE)
        self.song.write_bytes(self.bytes)
        self.path.write_bytes(struct.pack("<QqIIIIQQQQQQQQ", MAGIC, 0, 0, delay_ms, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    def site(self, *options, **more):
        return Site(*ONE_LOOP, *options, drills=True, SITE_SONG=str(self.song), SOSTENUTO_FAULT_BOARD=str(self.path), **more)

    def reads(self):
        with open(self.path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as board:
            return struct.unpack_from("<Q", board, READ_OBEYED)[0]


def longest_wait(neighbour, until):
    """Of questions beside it, on the same loop, until that says so."""
    longest = 0
    while not until():
        begin = time.monotonic()
        neighbour.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
        assert neighbour.recv(4096).endswith(b"hello")
        longest = max(longest, time.monotonic() - begin)
        time.sleep(0.01)
    return longest


def goes_on(disk, site):
    """Whether nobody beside the song waited as long as a read takes."""
    with site.connect() as client, site.connect() as neighbour:
        client.sendall(get("/song"))
        longest = longest_wait(neighbour, lambda: disk.reads() >= 2)
        answer = read_all(client)
    assert answer.endswith(disk.bytes[-1000:]) and len(answer) > SIZE
    return longest < 0.25


def test_other_streams_of_the_loop_go_on(tmp_path):
    disk = SlowDisk(tmp_path, 400)
    with disk.site() as site:
        assert goes_on(disk, site)
        assert site.counters()["disk_reads_total"] == 3 and disk.reads() == 3


def test_without_the_guard_they_wait_too(tmp_path):
    disk = SlowDisk(tmp_path, 400)
    with disk.site(guards_off="disk-reads") as site:
        assert not goes_on(disk, site)


def test_http_2_and_tls_go_on_too(tmp_path, certificate):  # noqa: F811
    disk = SlowDisk(tmp_path, 300)
    with disk.site("--tls", *certificate) as site:
        with tls_client(site) as client, tls_client(site) as neighbour:
            client.sendall(get("/song"))
            assert longest_wait(neighbour, lambda: disk.reads() >= 2) < 0.2
            assert read_all(client).endswith(disk.bytes)
    with disk.site() as site, Client(site) as client:
        stream, begin = client.ask("/song"), time.monotonic()
        assert client.get().body == b"hello" and time.monotonic() - begin < 0.25
        assert client.until(lambda: client.answers[stream].ended, 10)
        assert client.answers[stream].body == disk.bytes


def test_who_leaves_while_the_disk_is_read_costs_nothing(tmp_path):
    disk = SlowDisk(tmp_path, 300)
    with disk.site() as site:
        for _ in range(20):
            with site.connect() as client:
                client.sendall(get("/song"))
                time.sleep(0.01)
        assert status(site.ask(get("/hello"))) == 200
        assert site.stop() == 0, site.log()


def drop_from_memory(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def test_what_is_not_in_memory_is_read_first_and_what_is_costs_no_question():
    """With a real disk: the build folder's."""
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        song = pathlib.Path(folder) / "song"
        song.write_bytes(os.urandom(SIZE))
        drop_from_memory(song)
        with Site(*ONE_LOOP, SITE_SONG=str(song)) as site:
            if site.ask(get("/song")).endswith(song.read_bytes()[-1000:]) and site.counters()["disk_reads_total"] == 0:
                pytest.skip("this file system keeps everything in memory")
            before = site.counters()["disk_reads_total"]
            assert len(site.ask(get("/song"))) > SIZE
            assert site.counters()["disk_reads_total"] == before
