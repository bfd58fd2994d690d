# SPDX-License-Identifier: GPL-3.0-or-later
"""Text answers are packed on their way: which, how, and what the others notice of it."""
import subprocess
import time
import zlib

import pytest

from site_server import Site, get, read_all

BROTLI = "process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)"


def ask(site, path, *fields):
    """(head, body) with the chunks put together; the body as it travelled."""
    head, _, body = site.ask(get(path, *fields)).partition(b"\r\n\r\n")
    if b"Transfer-Encoding: chunked" in head:
        whole = b""
        while body:
            size, _, rest = body.partition(b"\r\n")
            whole += rest[:int(size, 16)]
            body = rest[int(size, 16) + 2:]
            if size == b"0":
                return head, whole
        raise AssertionError("no last chunk")
    return head, body


def decoded(head, body):
    if b"Content-Encoding: gzip" in head:
        return zlib.decompress(body, 31)
    if b"Content-Encoding: br" in head:
        return subprocess.run(["node", "-e", BROTLI], input=body, capture_output=True, check=True, timeout=20).stdout
    return body


@pytest.fixture(scope="module")
def site():
    with Site() as site:
        yield site


@pytest.mark.parametrize("size", [1024, 30000, 32768, 32769, 500000, 3000000])
def test_both_codings_give_back_the_same_bytes(site, size):
    plain = ask(site, f"/list?size={size}")[1]
    assert len(plain) == size
    for accepts, coding in (("gzip, deflate", b"gzip"), ("gzip, deflate, br", b"br")):
        head, body = ask(site, f"/list?size={size}", f"Accept-Encoding: {accepts}")
        assert b"Content-Encoding: " + coding + b"\r\n" in head and b"Vary: Accept-Encoding" in head
        assert len(body) < size * 2 / 3 and decoded(head, body) == plain
        assert (b"Content-Length" in head) == (size <= 32768)


@pytest.mark.parametrize("path, fields", [
    ("/list?size=1023", []),
    ("/list?secret", []),
    ("/list?cookie", []),
    ("/list", ["Cookie: a=b"]),
    ("/list", ["Authorization: Basic eDp5"]),
    ("/list", ["Range: bytes=0-5"]),
    ("/file", []),
    ("/pipe?size=5000", []),
    ("/problem", []),
])
def test_what_is_left_as_it_is(site, path, fields):
    head, _ = ask(site, path, "Accept-Encoding: gzip, br", *fields)
    assert b"Content-Encoding" not in head


def test_events_are_not_packed(site):
    assert b"Content-Encoding" not in ask(site, "/events?once", "Accept-Encoding: gzip")[0]


def test_a_validator_tells_the_codings_apart(site):
    for size in (5000, 200000):
        path = f"/list?tag&size={size}"
        plain, packed = (ask(site, path, f"Accept-Encoding: {one}")[0] for one in ("identity", "gzip"))
        assert b'ETag: "l1"' in plain
        tag = b'"l1-gzip"' if b"Content-Encoding" in packed else b'"l1"'
        assert b"ETag: " + tag in packed and (size > 32768 or b"-gzip" in tag)
        head, _ = ask(site, path, "Accept-Encoding: gzip", f"If-None-Match: {tag.decode()}")
        assert head.startswith(b"HTTP/1.1 304") and b"Content-Encoding" not in head


def test_head_tells_the_coding(site):
    for size in (5000, 200000):
        request = f"HEAD /list?size={size} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n"
        head, _, body = site.ask(request.encode()).partition(b"\r\n\r\n")
        assert b"Content-Encoding: gzip" in head and body == b""


def test_a_large_one_is_packed_no_faster_than_it_is_read_and_others_go_on(site):
    with site.connect(receive_buffer=4096) as slow:
        slow.sendall(get("/list?size=30000000", "Accept-Encoding: gzip"))
        time.sleep(0.2)
        waits = []
        for _ in range(20):
            begin = time.monotonic()
            ask(site, "/hello")
            waits.append(time.monotonic() - begin)
        assert sorted(waits)[10] < 0.05
        slow.settimeout(30)
        assert read_all(slow).endswith(b"0\r\n\r\n")


def test_too_many_at_once_go_as_they_are():
    with Site("--limit", "loops", 1, "--limit", "max_coded_streams", 2) as site:
        slow = [site.connect(receive_buffer=4096) for _ in range(2)]
        for client in slow:
            client.sendall(get("/list?size=30000000", "Accept-Encoding: br"))
        time.sleep(0.3)
        assert b"Content-Encoding" not in ask(site, "/list?size=100000", "Accept-Encoding: br")[0]
        assert b"Content-Encoding" in ask(site, "/list?size=10000", "Accept-Encoding: br")[0]
        assert b"http_answers_not_coded_total=1" in ask(site, "/stats")[1]
        for client in slow:
            client.close()
        time.sleep(0.3)
        assert b"Content-Encoding" in ask(site, "/list?size=100000", "Accept-Encoding: br")[0]


def test_without_the_guard_a_large_one_is_packed_in_one_go():
    with Site("--limit", "loops", 1, guards_off="coding-steps") as site:
        head, _ = ask(site, "/list?size=500000", "Accept-Encoding: gzip")
        assert b"Content-Encoding: gzip" in head and b"Content-Length" in head  # its size was known: it was all packed
