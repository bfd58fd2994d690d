# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/2: requests, bodies, priorities, leaving; what is malformed and how it is refused (RFC 9113, RFC 9218)."""
import signal
import ssl
import time

import pytest

from h2_client import (CANCEL, DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, PRIORITY, PRIORITY_UPDATE, PROTOCOL_ERROR,
                       STREAM_CLOSED, Client, frame, request)
from site_server import Site, get, read_all
from test_site import make_certificate


@pytest.fixture(scope="module")
def site():
    with Site() as one:
        yield one
        assert one.stop() == 0, one.log()


# --- the way in ---

def test_prior_knowledge_also_in_single_bytes(site):
    with Client(site) as client:
        assert client.get().body == b"hello"
    with site.connect() as plain:
        for byte in PREFACE + frame(4, 0, 0):
            plain.sendall(bytes([byte]))
        assert plain.recv(9)[3] == 4  # SETTINGS


def test_bytes_that_only_begin_like_the_preface_are_http_1(site):
    assert site.ask(PREFACE[:18] + b"..").startswith(b"HTTP/1.1 505")
    assert site.ask(get("/hello")).endswith(b"hello")


@pytest.mark.parametrize("maximum, offered, chosen", [
    (ssl.TLSVersion.TLSv1_3, ["h2", "http/1.1"], "h2"), (ssl.TLSVersion.TLSv1_3, ["http/1.1"], "http/1.1"),
    (ssl.TLSVersion.TLSv1_2, ["h2", "http/1.1"], "http/1.1")])
def test_alpn(tmp_path, maximum, offered, chosen):
    files = make_certificate(tmp_path, "first.example")
    with Site("--tls", *files, "--tls12") as site:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode, context.maximum_version = False, ssl.CERT_NONE, maximum
        context.set_alpn_protocols(offered)
        with context.wrap_socket(site.connect(), server_hostname="first.example") as secure:
            assert secure.selected_alpn_protocol() == chosen
            if chosen == "h2":
                client = Client(site, sock=secure)
                assert b"secure=1" in client.get("/echo/").body
                assert len(client.get("/file").body) == 100000
                assert len(client.get("/output?size=3000000").body) == 3000000


# --- answers ---

def test_what_http_1_can_http_2_can(site):
    with Client(site) as client:
        answer = client.get("/file", ("range", "bytes=5-14"))
        assert answer.status == 206 and answer.body == b"5678901234"
        assert answer.fields["content-range"] == "bytes 5-14/100000"
        assert client.get("/file", ("if-none-match", answer.fields["etag"])).status == 304
        head = client.get("/file", method="HEAD")
        assert head.fields["content-length"] == "100000" and head.body == b"" and head.ended
        assert client.get("/nowhere").status == 404 and client.get("/hello", method="DELETE").status == 405
        assert client.get("/hello", method="OPTIONS").status == 204
        assert len(client.get("/pipe?size=1000000").body) == 1000000
        assert "content-length" not in client.get("/pipe?size=10").fields
        assert client.get("/slow").body == b"slow"
        assert client.get("/door/queue").status == 503 and b"HTTP/2.0" not in client.get().body


def test_events_come_as_they_happen_and_end(site):
    with Client(site) as client:
        stream = client.ask("/events")
        assert client.until(lambda: b"data: lines" in client.answers[stream].body)
        assert client.get("/tell", method="POST", body=b"news").status == 200
        assert client.until(lambda: b"data: news" in client.answers[stream].body)
        assert not client.answers[stream].ended
        assert client.get("/events?once=1").ended


def test_a_file_that_shrank_resets_its_stream_only(site):
    with Client(site) as client:
        answer = client.get("/short")
        assert answer.status == 200 and answer.reset is not None
        assert client.get().body == b"hello"


def test_many_streams_at_once(site):
    with Client(site) as client:
        streams = [client.ask(f"/echo/{i}?n={i}") for i in range(100)]
        assert client.until(lambda: all(client.answers[s].ended for s in streams))
        assert all(f"n={i}\n".encode() in client.answers[s].body for i, s in enumerate(streams))


@pytest.mark.parametrize("size", [16300, 16384, 20000])
def test_a_long_head_goes_on_in_another_frame_and_the_next_is_understood(site, size):
    with Client(site) as client:
        long = client.get(f"/head?size={size}")
        assert long.fields["x-long"] == "v" * size and long.body == b"hello"
        assert client.get().body == b"hello" and client.goaway is None


def test_a_head_that_is_too_long_resets_its_stream_only(site):
    with Client(site) as client:
        stream = client.ask("/head?size=100000")
        assert client.until(lambda: client.answers[stream].reset == 2)  # INTERNAL_ERROR
        assert client.get().body == b"hello" and client.goaway is None


# --- bodies ---

def test_bodies_with_and_without_length_and_trailers(site):
    with Client(site) as client:
        assert b"body=3 abc" in client.get("/echo/", ("content-length", "3"), method="POST", body=b"abc").body
        assert b"body=3 abc" in client.get("/echo/", method="POST", body=b"abc").body
        stream = client.ask("/echo/", method="POST", body=b"abc", end=False)
        client.h2.send_headers(stream, [("x-sum", "1")], end_stream=True)
        client.flush()
        assert client.until(lambda: client.answers[stream].ended) and b"body=3 abc" in client.answers[stream].body


def test_a_large_body_arrives_through_the_window(site):
    with Client(site) as client:
        stream = client.ask("/echo/large", method="POST", end=False)
        left = 1_000_000
        while left:
            size = min(left, client.h2.local_flow_control_window(stream), 16384)
            if size:
                client.h2.send_data(stream, b"x" * size, end_stream=size == left)
                client.flush()
                left -= size
            else:
                client.read()
        assert client.until(lambda: client.answers[stream].ended)
        assert client.answers[stream].body.startswith(b"path=/echo/large")


def test_too_large_a_body_is_told_at_once_and_stopped(site):
    with Client(site) as client:
        answer = client.get("/echo/", method="POST", body=b"x" * 2000, end=False)
        assert answer.status == 413 and answer.ended and client.until(lambda: answer.reset == 0)
        said = client.get("/echo/", ("content-length", "5000"), method="POST", end=False)
        assert said.status == 413 and client.get().body == b"hello"


def test_100_continue_is_said_to_who_waits_for_it(site):
    with Client(site) as client:
        stream = client.ask("/echo/", ("expect", "100-continue"), method="POST", end=False)
        assert client.until(lambda: client.answers[stream].interim == [100])
        client.h2.send_data(stream, b"abc", end_stream=True)
        client.flush()
        assert client.until(lambda: client.answers[stream].ended) and b"body=3 abc" in client.answers[stream].body


# --- what is malformed ---

MALFORMED = {
    "an upper-case name": request("/hello", ("X-Upper", "1")),
    "a connection-specific field": request("/hello", ("connection", "close")),
    "transfer-encoding": request("/hello", ("transfer-encoding", "chunked")),
    "te that is not trailers": request("/hello", ("te", "gzip")),
    "a pseudo-field twice": request("/hello", (":path", "/other")),
    "a pseudo-field after a field": request("/hello", ("a", "b"), (":path", "/other")),
    "a pseudo-field that nobody knows": request("/hello", (":status", "200")),
    "no path": request("/hello")[:3],
    "no method": request("/hello")[1:],
    "an empty path": request(""),
    "a line feed in a value": request("/hello", ("a", "b\nc")),
    "a NUL in a value": request("/hello", ("a", "b\0c")),
    "a space in a name": request("/hello", ("a b", "c")),
    "two lengths": request("/hello", ("content-length", "1"), ("content-length", "2")),
    "a length without a body": request("/hello", ("content-length", "1")),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_request_resets_its_stream(site, what):
    with Client(site) as client:
        client.read()
        client.raw(HEADERS, END_STREAM | END_HEADERS, 1, client.encode(MALFORMED[what]))
        client.h2.get_next_available_stream_id()
        client.answers.clear()
        seen = []
        deadline = time.monotonic() + 5
        while not seen and time.monotonic() < deadline:
            try:
                data = client.socket.recv(4096)
            except OSError:
                continue
            while data:
                size = int.from_bytes(data[:3], "big")
                if data[3] in (1, 3, 7):
                    seen.append((data[3], int.from_bytes(data[9:13], "big")))
                data = data[9 + size:]
        assert seen[0] == (3, PROTOCOL_ERROR)


REFUSED = {
    400: [request("/../up"), request("/%zz"), request("/hello", ("host", "other.example")),
          [field for field in request("/hello") if field[0] != ":authority"]],
    501: [request("/hello", method="BREW")],
    414: [request("/" + "a" * 9000)],
    431: [request("/hello", ("a", "b" * 17000)), request("/hello", *[(f"a{i}", "b") for i in range(101)])],
}


@pytest.mark.parametrize("status", REFUSED)
def test_a_request_that_is_understood_but_wrong_gets_its_status(site, status):
    with Client(site) as client:
        for fields in REFUSED[status]:
            stream = client.h2.get_next_available_stream_id()
            client.h2.send_headers(stream, fields, end_stream=True)
            client.flush()
            assert client.until(lambda: stream in client.answers and client.answers[stream].ended), fields
            assert client.answers[stream].status == status
        assert client.get().body == b"hello"


def test_data_that_does_not_keep_its_length_resets_the_stream(site):
    with Client(site) as client:
        for length in ("2", "4"):
            answer = client.get("/echo/", ("content-length", length), method="POST", body=b"abc")
            assert answer.reset == PROTOCOL_ERROR and answer.status is None


def test_frames_of_a_stream_that_has_ended_end_the_connection(site):
    with Client(site) as client:
        assert client.get().ended
        client.raw(DATA, 0, 1, b"more")
        assert client.ends_with(STREAM_CLOSED)
    with Client(site) as client:
        client.raw(PRIORITY, 0, 3, b"\0\0\0\3\0")
        assert client.ends_with(PROTOCOL_ERROR)


# --- priorities ---

def order_of(client, streams):
    """Which stream each run of DATA frames belonged to."""
    assert client.until(lambda: all(client.answers[s].ended for s in streams), 10)
    order = []
    for stream, _ in client.arrivals:
        if stream in streams and (not order or order[-1] != stream):
            order.append(stream)
    return order


def ask_behind_a_closed_window(site, *requests):
    """Asks for all with no window at all, then opens it: what comes first is the server's choice."""
    client = Client(site, settings={4: 0})
    streams = [client.ask(path, *fields) for path, *fields in requests]
    assert client.until(lambda: all(client.answers[s].status for s in streams))
    return client, streams


def open_windows(client, streams, size=1 << 20):
    client.h2.increment_flow_control_window(size * len(streams))
    for stream in streams:
        client.h2.increment_flow_control_window(size, stream)
    client.flush()


def test_urgency_decides_what_comes_first(site):
    client, streams = ask_behind_a_closed_window(
        site, ("/output?size=200000", ("priority", "u=5")), ("/output?size=200000", ("priority", "u=0")),
        ("/output?size=200000", ("priority", "u=2")))
    with client:
        open_windows(client, streams)
        assert order_of(client, streams) == [streams[1], streams[2], streams[0]]


def test_audio_is_not_starved_by_what_was_asked_before(site):
    """/file is of the class of running listeners, /output is not; nobody says a priority."""
    client, streams = ask_behind_a_closed_window(
        site, ("/output?size=300000",), ("/output?size=300000",), ("/file",))
    with client:
        open_windows(client, streams)
        assert order_of(client, streams)[0] == streams[2]


def test_incremental_answers_share_the_line(site):
    client, streams = ask_behind_a_closed_window(
        site, ("/output?size=200000", ("priority", "u=3, i")), ("/output?size=200000", ("priority", "u=3, i")))
    with client:
        open_windows(client, streams)
        assert len(order_of(client, streams)) > 6


def test_priority_update_reorders_also_before_its_request(site):
    client, streams = ask_behind_a_closed_window(
        site, ("/output?size=200000", ("priority", "u=3")), ("/output?size=200000", ("priority", "u=3")))
    with client:
        client.raw(PRIORITY_UPDATE, 0, 0, streams[1].to_bytes(4, "big") + b"u=0")
        open_windows(client, streams)
        assert order_of(client, streams)[0] == streams[1]
    client, streams = ask_behind_a_closed_window(site, ("/output?size=200000", ("priority", "u=4")))
    with client:  # a class of ours does not override what was said early
        early = streams[0] + 2
        client.raw(PRIORITY_UPDATE, 0, 0, early.to_bytes(4, "big") + b"u=7")
        assert client.ask("/file") == early
        assert client.until(lambda: client.answers[early].status)
        open_windows(client, [streams[0], early])
        assert order_of(client, [streams[0], early])[0] == streams[0]


# --- leaving ---

def test_a_client_that_resets_does_not_disturb_the_others(site):
    with Client(site) as client:
        streams = [client.ask("/output?size=500000") for _ in range(6)]
        for stream in streams[::2]:
            client.h2.reset_stream(stream, CANCEL)
        client.flush()
        assert client.until(lambda: all(client.answers[s].ended for s in streams[1::2]))
        assert all(len(client.answers[s].body) == 500000 for s in streams[1::2])


def test_drain_says_goaway_and_lets_what_runs_end():
    with Site() as site, Client(site) as client:
        slow, events = client.ask("/slower"), client.ask("/events")
        assert client.until(lambda: client.answers[events].body)
        site.process.send_signal(signal.SIGTERM)
        assert client.until(lambda: client.goaway == 0)
        assert client.until(lambda: client.answers[slow].ended and client.answers[events].ended)
        assert client.answers[slow].body == b"slow"
        assert client.until(lambda: client.closed)
        assert site.stop() == 0


def test_the_last_request_of_a_connection_is_answered_before_it_goes():
    with Site("--limit", "max_requests_per_connection", 5) as site, Client(site) as client:
        assert all(client.get().body == b"hello" for _ in range(5))
        assert client.until(lambda: client.goaway == 0 and client.closed)


def test_the_access_log_says_http_2():
    with Site() as site:
        with Client(site) as client:
            client.get("/hello?p=secret", ("user-agent", "test"))
        site.stop()
        assert '"GET /hello?p=[redacted] HTTP/2.0" 200 5 "-" "test"' in site.access_log


def test_an_early_end_of_the_client_is_noticed(site):
    with Client(site) as client:
        client.ask("/events")
        assert client.until(lambda: client.answers[1].body)
    with Client(site) as other:
        assert other.until(lambda: b"connections_open=1\n" in other.get("/stats").body)


def test_http_1_behind_the_same_door_still_works(site):
    with site.connect() as plain:
        plain.sendall(get("/hello"))
        assert read_all(plain).endswith(b"hello")
