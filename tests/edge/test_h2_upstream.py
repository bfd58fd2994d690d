# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/2 to origins: what one connection carries, and every way in which such an origin may fail or lie."""
import concurrent.futures
import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import time

import pytest

from asked import edge_before
from h2_origin import (CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PUSH_PROMISE, REFUSED_STREAM, RST_STREAM,
                       H2Origin, frame)
from lies import get
from moods import Origin, body_of, make_certificates
from nodes import free_port

KEPT = ("cache-control", "max-age=600")
FLAGS = ["--breaker-failures", "1000000", "--hedge-percent", "0"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates") / "made")


@pytest.fixture
def stage(tmp_path, certificates):
    """stage(behave, …): an origin and an edge in front of it."""
    with contextlib.ExitStack() as stack:
        def raise_curtain(behave, *flags, **how):
            origin = stack.enter_context(H2Origin(certificates["good"], behave, **how))
            edge = stack.enter_context(edge_before(tmp_path / "edge", origin.url,
                                                   flags=["--origin-ca", certificates["ca"], *FLAGS, *flags]))
            return edge, origin
        yield raise_curtain


def good(connection, stream, fields):
    connection.say(stream, body_of(fields[":path"]), KEPT)


def assert_right(answers, paths, size=20000):
    for answer, path in zip(answers, paths):
        assert not isinstance(answer, Exception), (path, answer)
        assert answer[0] == 200 and answer[2] == body_of(path, size), (path, answer[0])


def test_many_requests_share_one_connection(stage):
    edge, origin = stage(good, "--loops", "1")
    paths = [f"/song{i}" for i in range(150)]
    assert_right(edge.get_all(paths), paths)
    assert origin.connections <= 2 and len(origin.requests) == 150
    assert not origin.faults
    _, fields, _ = origin.requests[0]
    assert (fields[":scheme"], fields[":authority"], fields[":method"]) == ("https", "music.example", "GET")
    assert "via" in fields and not {"connection", "host", "te", "upgrade"} & set(fields)


def test_no_more_streams_than_the_origin_allows(stage):
    edge, origin = stage(good, "--loops", "1", "--origin-connections", "1", streams=3)
    assert_right(edge.get_all(["/first"]), ["/first"])
    paths = [f"/song{i}" for i in range(40)]
    assert_right(edge.get_all(paths), paths)
    assert origin.most_open <= 3 and origin.connections == 1 and not origin.faults


def test_large_answers_come_through_the_windows(stage):
    size = 3 << 20
    edge, origin = stage(lambda connection, stream, fields: connection.say(stream, body_of(fields[":path"], size), KEPT))
    paths = ["/a", "/b", "/c"]
    assert_right(edge.get_all(paths, timeout=60), paths, size)
    assert not origin.faults


def test_a_listener_who_takes_nothing_holds_up_nobody_else(stage):
    size = 8 << 20
    edge, origin = stage(lambda connection, stream, fields: connection.say(
        stream, body_of(fields[":path"], size if "large" in fields[":path"] else 20000), ("cache-control", "no-store")), "--loops", "1")
    with socket.create_connection(("127.0.0.1", edge.port), timeout=30) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.sendall(b"GET /large HTTP/1.1\r\nHost: music.example\r\nConnection: close\r\n\r\n")
        paths = [f"/song{i}" for i in range(20)]
        assert_right(edge.get_all(paths), paths)
        time.sleep(0.5)
        assert_right(edge.get_all(paths), paths)
        assert edge.counter("origin_body_bytes_total") < size, "and its own answer waits at the origin"
        with slow.makefile("rb") as reader:
            assert reader.read().partition(b"\r\n\r\n")[2] == body_of("/large", size)
    assert origin.connections == 1 and not origin.faults


def test_a_body_goes_up_through_a_small_window(stage):
    edge, origin = stage(lambda connection, stream, fields: connection.say(stream, b"taken", status="201"), window=1000)
    body = body_of("/up", 300000)
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=30)
    connection.request("PUT", "/up", body, {"Host": "music.example"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (201, b"taken")
    assert origin.requests[0][2] == body and origin.requests[0][1]["content-length"] == str(len(body))
    connection.close()


def test_an_answer_before_the_end_of_its_request(stage):
    def too_much(connection, stream, fields):
        connection.say(stream, b"too much", status="413")
    edge, origin = stage(too_much, window=1000, at_header=True)
    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=30)
        connection.request("PUT", "/up", b"x" * 200000, {"Host": "music.example"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (413, b"too much")
        connection.close()
    assert origin.connections == 1 and not origin.faults


def test_what_was_refused_is_asked_again_also_a_post(stage):
    refused = set()

    def refuse_once(connection, stream, fields):
        if fields[":path"] not in refused:
            refused.add(fields[":path"])
            connection.raw(frame(RST_STREAM, 0, stream, REFUSED_STREAM.to_bytes(4, "big")))
            connection.h2.streams.pop(stream, None)
            connection.open.pop(stream, None)
        else:
            connection.say(stream, body_of(fields[":path"]))
    edge, origin = stage(refuse_once, "--retry-percent", "0", "--max-tries", "1")
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=30)
    connection.request("POST", "/post", b"once", {"Host": "music.example"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, body_of("/post")) and origin.count("/post") == 2
    connection.close()
    paths = [f"/song{i}" for i in range(20)]
    assert_right(edge.get_all(paths), paths)


def test_one_that_refuses_for_ever_is_not_asked_for_ever(stage):
    def refuse(connection, stream, fields):
        connection.raw(frame(RST_STREAM, 0, stream, REFUSED_STREAM.to_bytes(4, "big")))
        connection.h2.streams.pop(stream, None)
    edge, origin = stage(refuse, "--retry-percent", "0", "--max-tries", "1")
    assert edge.get("/never")[0] == 502 and 2 <= origin.count("/never") <= 5


def test_a_farewell_loses_nothing(stage):
    def leaving(connection, stream, fields):
        if connection.asked == 3:  # says that it looks at nothing after this one
            good(connection, stream, fields)
            connection.pour()
            connection.raw(frame(GOAWAY, 0, 0, stream.to_bytes(4, "big") + bytes(4)))
        elif connection.asked < 3:
            good(connection, stream, fields)
    edge, origin = stage(leaving, "--loops", "1", "--retry-percent", "0", "--max-tries", "1")
    paths = [f"/song{i}" for i in range(30)]
    assert_right(edge.get_all(paths), paths)
    assert origin.connections >= 10


def test_a_connection_that_dies_fails_its_streams_and_their_bodies_are_taken_up(stage):
    broken = set()

    def break_once(connection, stream, fields):
        body = body_of(fields[":path"], 60000)
        if wanted := fields.get("range"):
            first = int(wanted.removeprefix("bytes=").rstrip("-"))
            connection.say(stream, body[first:], ("content-range", f"bytes {first}-59999/60000"), ("etag", '"a"'), status="206")
        else:
            connection.head(stream, [(":status", "200"), ("content-length", "60000"), ("etag", '"a"'), KEPT])
            connection.h2.send_data(stream, body[:16000])
            broken.add(fields[":path"])
            if connection.asked == 4:
                connection.close()
    edge, origin = stage(break_once, "--loops", "1")
    paths = [f"/song{i}" for i in range(4)]
    assert_right(edge.get_all(paths), paths, 60000)
    assert edge.counter("origin_resumes_total") == 4 and broken == set(paths)


def test_a_kept_connection_that_died_meanwhile_costs_nobody_anything(stage):
    def dies_at_second(connection, stream, fields):
        if connection.asked == 2:
            connection.close()
        else:
            good(connection, stream, fields)
    edge, origin = stage(dies_at_second, "--loops", "1", "--retry-percent", "0", "--max-tries", "1")
    for path in ("/a", "/b", "/c"):
        assert_right([edge.get(path)], [path])
    assert origin.connections == 3


def test_one_silent_stream_is_late_and_its_neighbours_are_not(stage):
    def half_deaf(connection, stream, fields):
        if "silent" not in fields[":path"]:
            good(connection, stream, fields)
    edge, origin = stage(half_deaf, "--loops", "1", "--origin-first-byte-ms", "700", "--max-tries", "1")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        silent = pool.submit(edge.get, "/silent")
        end, paths = time.monotonic() + 0.6, []
        while time.monotonic() < end:
            paths.append(f"/song{len(paths)}")
            assert_right([edge.get(paths[-1])], paths[-1:])
        assert silent.result()[0] == 504
    assert_right([edge.get("/after")], ["/after"])
    assert origin.connections == 1 and ("StreamReset", 8) in origin.ends


def test_a_connection_that_fell_silent_is_left(stage):
    def deaf_connection(connection, stream, fields):
        if connection.number > 1 or connection.asked == 1:
            good(connection, stream, fields)
    edge, origin = stage(deaf_connection, "--loops", "1", "--origin-first-byte-ms", "500", "--max-tries", "2")
    assert_right([edge.get("/a")], ["/a"])
    edge.get("/lost")
    assert_right([edge.get("/b")], ["/b"])
    assert origin.connections == 2


def test_trailers_and_early_hints_come_along(stage):
    def with_both(connection, stream, fields):
        connection.raw(frame(HEADERS, END_HEADERS, stream, connection.encode((":status", "103"), ("link", "</x>"))))
        connection.head(stream, [(":status", "200")])
        connection.h2.send_data(stream, b"fine")
        connection.h2.send_headers(stream, [("x-sum", "1"), ("content-length", "99")], end_stream=True)
    edge, _ = stage(with_both)
    for path in ("/a", "/b"):
        status, fields, body, is_whole = get(edge.port, path)
        assert (status, body, is_whole) == (200, b"fine", True) and "x-sum" not in fields


@pytest.mark.parametrize("flags", [[], ["--origin-streams", "0"]])
def test_http1_where_http2_is_not_spoken_or_not_wanted(tmp_path, certificates, flags):
    with Origin(certificate=certificates["good"], cache_control="max-age=600") as origin:
        with edge_before(tmp_path / "edge", origin.url, flags=["--origin-ca", certificates["ca"], *FLAGS, *flags]) as edge:
            paths = [f"/song{i}" for i in range(50)]
            assert_right(edge.get_all(paths), paths)


def lie(*parts):
    """Frames instead of an answer; {"id": stream} is filled in."""
    def behave(connection, stream, fields):
        if not parts:
            connection.say(stream, b"honest")
        else:
            connection.raw(*[part(connection, stream) for part in parts])
    return behave


def head(*fields, flags=END_HEADERS):
    return lambda connection, stream: frame(HEADERS, flags, stream, connection.encode(*fields))


def data(payload, flags=END_STREAM):
    return lambda connection, stream: frame(DATA, flags, stream, payload)


OK = (":status", "200")
STREAM_LIES = {
    "length-too-short": [head(OK, KEPT, ("content-length", "3")), data(b"POISON")],
    "length-too-long": [head(OK, KEPT, ("content-length", "60")), data(b"POISON")],
    "length-without-body": [head(OK, KEPT, ("content-length", "6"), flags=END_HEADERS | END_STREAM)],
    "length-twice": [head(OK, KEPT, ("content-length", "6"), ("content-length", "7")), data(b"POISON")],
    "length-plus": [head(OK, KEPT, ("content-length", "+6")), data(b"POISON")],
    "length-2^64-1": [head(OK, KEPT, ("content-length", "18446744073709551615")), data(b"POISON")],
    "transfer-encoding": [head(OK, KEPT, ("transfer-encoding", "chunked")), data(b"6\r\nPOISON\r\n0\r\n\r\n")],
    "connection": [head(OK, KEPT, ("connection", "close")), data(b"POISON")],
    "crlf-in-value": [head(OK, KEPT, ("x", "a\r\nset-cookie: b")), data(b"POISON")],
    "nul-in-value": [head(OK, KEPT, ("x", "a\0b")), data(b"POISON")],
    "crlf-in-name": [head(OK, KEPT, ("x\r\ny", "z")), data(b"POISON")],
    "capital-in-name": [head(OK, KEPT, ("X-Y", "z")), data(b"POISON")],
    "colon-in-name": [head(OK, KEPT, ("x:y", "z")), data(b"POISON")],
    "status-missing": [head(KEPT), data(b"POISON")],
    "status-twice": [head(OK, OK, KEPT), data(b"POISON")],
    "status-late": [head(KEPT, OK), data(b"POISON")],
    "status-word": [head((":status", "OK "), KEPT), data(b"POISON")],
    "status-1000": [head((":status", "1000"), KEPT), data(b"POISON")],
    "status-101": [head((":status", "101"), KEPT), data(b"POISON")],
    "path-pseudo": [head(OK, (":path", "/x"), KEPT), data(b"POISON")],
    "data-first": [data(b"POISON", 0), head(OK, KEPT, flags=END_HEADERS | END_STREAM)],
    "interim-ends": [head((":status", "103"), flags=END_HEADERS | END_STREAM)],
    "body-of-204": [head((":status", "204"), KEPT), data(b"POISON")],
    "body-of-304": [head((":status", "304"), KEPT), data(b"POISON")],
    "pseudo-trailer": [head(OK, KEPT), data(b"POISON", 0), head(OK, flags=END_HEADERS | END_STREAM)],
    "crlf-trailer": [head(OK, KEPT), data(b"POISON", 0), head(("x", "a\r\nb"), flags=END_HEADERS | END_STREAM)],
    "trailer-goes-on": [head(OK, KEPT), data(b"POISON", 0), head(("x", "a"))],
    "header-of-200-kib": [lambda connection, stream: b"".join(
        [frame(HEADERS, 0, stream, connection.encode(OK))]
        + [frame(CONTINUATION, 0, stream, b"\x00\x01x" + b"\x7f\xb9\x7d" + b"y" * 16000)] * 13)],
}
CONNECTION_LIES = {
    "push": [lambda connection, stream: frame(PUSH_PROMISE, END_HEADERS, stream, (2).to_bytes(4, "big") + connection.encode(OK))],
    "answer-to-nobody": [lambda connection, stream: frame(HEADERS, END_HEADERS, 999, connection.encode(OK))],
    "even-stream": [lambda connection, stream: frame(HEADERS, END_HEADERS, 2, connection.encode(OK))],
    "stream-0": [lambda connection, stream: frame(HEADERS, END_HEADERS, 0, connection.encode(OK))],
    "bad-hpack": [lambda connection, stream: frame(HEADERS, END_HEADERS, stream, b"\xff\xff\xff\xff\xff")],
    "frame-too-large": [lambda connection, stream: frame(DATA, 0, stream, b"x" * 16385)],
    "continuation-alone": [lambda connection, stream: frame(CONTINUATION, END_HEADERS, stream, connection.encode(OK))],
    "window-overflow": [lambda connection, stream: frame(8, 0, 0, b"\x7f\xff\xff\xff") * 2],
    "not-http2": [lambda connection, stream: b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON"],
    "flood-of-pings": [lambda connection, stream: frame(PING, 0, 0, b"12345678") * 1200],
    "flood-of-nothing": [lambda connection, stream: frame(DATA, 0, stream) * 1200],
}


@pytest.fixture(scope="module")
def liar(tmp_path_factory, certificates):
    """One edge and one origin for all lies: they come one after the other."""
    current = [None]
    folder = tmp_path_factory.mktemp("liar")
    with H2Origin(certificates["good"], lambda *asked: current[0](*asked)) as origin:
        with edge_before(folder / "edge", origin.url,
                         flags=["--origin-ca", certificates["ca"], *FLAGS, "--loops", "1", "--max-tries", "1",
                                "--origin-first-byte-ms", "3000"]) as edge:
            def tell(name, parts):
                current[0] = lie(*parts)
                first = get(edge.port, f"/lie/{name}")
                current[0] = lie()
                return first, get(edge.port, f"/lie/{name}"), get(edge.port, f"/honest/{name}")
            yield tell


@pytest.mark.parametrize("name", [*STREAM_LIES, *CONNECTION_LIES])
def test_a_lie_is_no_answer_and_is_not_kept(liar, name):
    first, again, other = liar(name, {**STREAM_LIES, **CONNECTION_LIES}[name])
    assert first[0] in (502, 504) or (first[0] in (200, 204, 304) and not (first[3] and b"POISON" in first[2])), first
    assert again[2] == b"honest" or first[0] in (204, 304), again
    assert other[2] == b"honest"


NGINX = """
{user}daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    log_format lines '$connection $server_protocol $status $uri';
    access_log {folder}/access.log lines;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; keepalive_requests {requests};
    server {{
        listen 127.0.0.1:{port} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key};
        root {folder}/site; add_header Cache-Control "max-age=600";
    }}
}}
"""


@pytest.mark.parametrize("requests", [1000, 7])
def test_nginx_over_http2(tmp_path, certificates, requests):
    """Debian's nginx as it is, and one that says farewell after every seven requests."""
    folder, port, paths = tmp_path / "nginx", free_port(), [f"/song{i}" for i in range(100)]
    (folder / "site").mkdir(parents=True)
    for path in paths:
        (folder / "site" / path[1:]).write_bytes(body_of(path, 100000))
    certificate, key = certificates["good"]
    (folder / "nginx.conf").write_text(NGINX.format(user="user root; " if os.getuid() == 0 else "", folder=folder, port=port, certificate=certificate, key=key, requests=requests))
    process = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"],
                               stderr=subprocess.DEVNULL)
    try:
        with edge_before(tmp_path / "edge", f"https://localhost:{port}",
                         flags=["--origin-ca", certificates["ca"], *FLAGS, "--loops", "1"]) as edge:
            assert_right(edge.get_all(paths, timeout=60), paths, 100000)
        lines = [line.split() for line in (folder / "access.log").read_text().splitlines()]
        assert all(line[1:3] == ["HTTP/2.0", "200"] for line in lines) and len(lines) == 100
        assert len({line[0] for line in lines}) <= 100 // min(requests, 100) + 3
    finally:
        process.terminate()
        process.wait(10)
