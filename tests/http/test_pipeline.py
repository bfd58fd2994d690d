# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipelines (RFC 9112 9.3.2): answers in order, and together where that is possible."""
import re
import socket
import struct
import time

from site_server import Site


def data_segments(client):
    """Packets with data that the kernel of this side has had (tcp_info.tcpi_data_segs_in, linux/tcp.h)."""
    return struct.unpack_from("I", client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), 152)[0]


def read_answers(client, count):
    seen = b""
    while seen.count(b"HTTP/1.1 200") < count or not seen.endswith(b"0123456789" * 10):
        part = client.recv(1 << 20)
        assert part
        seen += part
    return seen


def test_answers_to_a_pipeline_leave_together():
    with Site("--limit", "loops", 1) as site, site.connect() as client:
        request = b"GET /output?size=100 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        client.sendall(request * 20)
        assert read_answers(client, 20).count(b"HTTP/1.1 200") == 20
        assert data_segments(client) <= 2, "one write, however many answers"


def test_a_batch_waits_for_nobody():
    with Site() as site, site.connect() as client:
        whole = b"GET /output?size=100 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        client.sendall(whole + whole[:20])
        start = time.monotonic()
        read_answers(client, 1)
        assert time.monotonic() - start < 0.3, "half a request holds nothing back"
        client.sendall(whole[20:])
        read_answers(client, 1)


def test_a_pipeline_of_small_and_large_answers_is_in_order():
    sizes = [100, 200000, 100, 30, 100000, 100, 0, 100]
    with Site() as site, site.connect(8192) as client:
        for size in sizes:
            client.sendall(f"GET /output?size={size} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        stream, seen = client.makefile("rb"), []
        for _ in sizes:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += stream.readline()
            length = int(re.search(rb"Content-Length: (\d+)", head).group(1))
            seen.append(len(stream.read(length)))
        assert seen == sizes
