# SPDX-License-Identifier: GPL-3.0-or-later
"""Large objects that are held: sent by reference, some runs at a time, and right to the last byte whatever becomes of the object."""
import hashlib
import http.client
import socket
import subprocess
import time

import pytest

from nodes import edge_for

SIZE = 3 << 20


def body_of(path):
    """Other bytes for each path, on every page."""
    block = hashlib.sha256(path.encode()).digest()
    return block * (SIZE // len(block))


def large(handler):
    handler.say(200, body_of(handler.path), Cache_Control="max-age=600", ETag='"1"')


def ask(edge, path, **fields):
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=30)
    connection.request("GET", path, headers=fields)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return body


def hold(edge, path):
    for _ in range(2):
        assert ask(edge, path) == body_of(path)
        time.sleep(0.1)  # its end is the store's a moment later


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_a_held_object_is_sent_whole_and_in_parts(tmp_path, version):
    with edge_for(large, tmp_path, "--cache-memory-mib", "64") as (edge, origin):
        hold(edge, "/a")
        command = ["curl", "-sS", version, "--max-time", "30", f"{edge.url}/a"]
        assert subprocess.run(command, check=True, capture_output=True, timeout=40).stdout == body_of("/a")
        for first, last in ((0, 0), (4095, 4096), (100, 1 << 20), ((1 << 20) - 1, (2 << 20) + 5), (SIZE - 1, SIZE - 1)):
            part = subprocess.run([*command, "-r", f"{first}-{last}"], check=True, capture_output=True, timeout=40).stdout
            assert part == body_of("/a")[first:last + 1], (first, last)
        assert len(origin.seen) == 1


def read_slowly(edge, path, meanwhile):
    """The body as a client gets it that takes nothing while `meanwhile` runs."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        client.settimeout(30)
        client.connect(("127.0.0.1", edge.port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{edge.port}\r\nConnection: close\r\n\r\n".encode())
        seen = client.recv(1000)
        meanwhile()
        while piece := client.recv(1 << 20):
            seen += piece
    return seen.partition(b"\r\n\r\n")[2]


def test_what_is_under_way_stays_right_when_its_memory_is_anothers(tmp_path):
    """The object is evicted and its memory filled with others while a socket has its bytes."""
    with edge_for(large, tmp_path, "--cache-memory-mib", "16") as (edge, _):
        hold(edge, "/slow")

        def others():
            for number in range(12):
                assert ask(edge, f"/{number}") == body_of(f"/{number}")
        assert read_slowly(edge, "/slow", others) == body_of("/slow")
