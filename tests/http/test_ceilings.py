# SPDX-License-Identifier: GPL-3.0-or-later
"""How large a request and its answer may be, how long a connection may be idle and how many there may be.

As in test_bounds.py: what stops says whether the bound held, an honest client lives at its edge, and the twin runs the
same without the guard.
"""
import pathlib
import socket
import time

import pytest

from site_server import Site, get, read_all
from test_bounds import hello, is_open, limits
from test_handshakes import client_hello
from test_site import certificate, status, tls_client  # noqa: F401 (a fixture)


def resident_kib(site):
    lines = pathlib.Path(f"/proc/{site.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def ticks(site):
    return sum(map(int, pathlib.Path(f"/proc/{site.process.pid}/stat").read_text().split()[13:15]))


def refused(site, request, code, counter):
    """That status, counted; whatever else happens is not the bound's doing."""
    with site.connect() as client:
        try:
            client.sendall(request)
            got = status(read_all(client))
        except (ConnectionError, TimeoutError):
            got = None
    return got == code and site.counters()[counter] == 1


# --- a header ---

HEADER_BYTES = limits(max_header_bytes=2000)
FIELDS = limits(max_header_fields=20)
TARGET = limits(max_target_bytes=500)
PARAMETERS = limits(max_parameters=50)


def stops_a_long_header(site):
    return refused(site, get("/hello", "X: " + "x" * 3000), 431, "http_headers_over_bounds_total")


def stops_many_fields(site):
    return refused(site, get("/hello", *["X: y"] * 30), 431, "http_headers_over_bounds_total")


def stops_a_long_target(site):
    return refused(site, get("/hello?" + "x" * 600), 414, "http_targets_over_bounds_total")


def stops_many_parameters(site):
    return refused(site, get("/echo/?" + "a&" * 60), 400, "http_parameters_over_bounds_total")


@pytest.mark.parametrize("options, holds", [
    (HEADER_BYTES, stops_a_long_header), (FIELDS, stops_many_fields), (TARGET, stops_a_long_target),
    (PARAMETERS, stops_many_parameters)])
def test_a_header_past_its_bound_is_refused_and_counted(options, holds):
    with Site(*options) as site:
        assert holds(site) and hello(site)


def test_a_header_at_every_bound_on_a_slow_line_is_served():
    """Defaults: 8 KiB of target, 100 fields, 16 KiB in all."""
    fields = [f"X-{i}: {'y' * 76}" for i in range(98)]  # and Host, and Connection
    asked = get("/hello?" + "x" * 7900, *fields)
    assert 15800 < len(asked) < 16384
    with Site(*limits()) as site, site.connect() as client:
        for at in range(0, len(asked), 2000):
            client.sendall(asked[at:at + 2000])
            time.sleep(0.1)
        assert status(read_all(client)) == 200


def test_as_many_parameters_as_may_be_cost_little():
    body = b"&".join(b"songId=%d" % i for i in range(20000))
    head = b"POST /echo/large HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n" % len(body)
    head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with Site(*limits()) as site:
        before = ticks(site)
        answer = site.ask(head + body)
        assert status(answer) == 200 and answer.count(b"\nsongId=") == 20000
        assert ticks(site) - before < 30  # 0.3 s, under asan


def test_headers_that_never_end_hold_no_more_than_they_may():
    """A hundred of 15 KiB: 64 KiB each in our memory, asan's own included."""
    with Site(*limits()) as site:
        begun = b"GET /hello HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 15000
        assert hello(site)
        before, held = resident_kib(site), [site.connect() for _ in range(100)]
        for client in held:
            client.sendall(begun)
        time.sleep(0.3)
        assert resident_kib(site) - before < 100 * 64
        assert all(map(is_open, held)) and hello(site)


# --- an answer ---

ANSWER = limits(max_answer_bytes=100000)
ARENA = limits(arena_bytes=1 << 20)


def stops_a_large_answer(site):
    return refused(site, get("/output?size=200000"), 503, "http_answers_over_bounds_total")


def stops_a_hungry_request(site):
    return refused(site, get("/hungry"), 503, "http_arenas_over_bounds_total")


def test_an_answer_past_its_bound_is_503_and_one_at_it_is_whole():
    with Site(*ANSWER) as site:
        assert stops_a_large_answer(site)
        assert site.ask(get("/output?size=100000")).endswith(b"0123456789" * 10000)


def test_a_request_past_its_memory_is_503_and_gives_it_back():
    with Site(*ARENA) as site:
        assert stops_a_hungry_request(site)
        before = resident_kib(site)
        for _ in range(200):
            assert status(site.ask(get("/hungry"))) == 503
        assert resident_kib(site) - before < 20 * 1024  # asan keeps what was freed for a while
        query = "a=" + "x" * 8000  # an honest one, of many bytes
        assert status(site.ask(get(f"/echo/?{query}"))) == 200


# --- how long, how often, how many ---

IDLE = limits(idle_timeout_ms=400)
REQUESTS = limits(max_requests_per_connection=5)
CONNECTIONS = limits(max_connections=8)
RUNNING = b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n"
ASKED = b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"


def stops_an_idle_one(site):
    with site.connect() as client:
        client.sendall(ASKED)
        time.sleep(1.5)
        client.settimeout(0.2)
        try:
            return read_all(client).endswith(b"hello") and site.counters()["connections_idle_total"] == 1
        except TimeoutError:
            return False


def stops_after_so_many_requests(site):
    with site.connect() as client:
        client.sendall(ASKED * 8)
        client.settimeout(1)
        try:
            answered = read_all(client).count(b"\r\n\r\nhello")
        except TimeoutError:
            return False
    return answered == 5 and site.counters()["connections_worn_out_total"] == 1


def refuses_when_full(site):
    running = [site.connect() for _ in range(8)]
    for client in running:
        client.sendall(RUNNING)
        client.recv(10)
    with site.connect() as late:
        try:
            late.sendall(ASKED)
            return late.recv(10) == b""
        except ConnectionError:
            return True


def test_an_idle_connection_ends_and_one_that_asks_now_and_then_does_not():
    with Site(*IDLE) as site, site.connect() as client:
        for _ in range(6):
            client.sendall(ASKED)
            assert client.recv(4096).endswith(b"hello")
            time.sleep(0.25)
        assert site.counters()["connections_idle_total"] == 0
    with Site(*IDLE) as site:
        assert stops_an_idle_one(site)


def test_the_last_request_of_a_connection_is_told_so_and_none_is_lost():
    with Site(*REQUESTS) as site:
        assert stops_after_so_many_requests(site)
        answered, client = 0, site.connect()
        for _ in range(12):  # as every client does: who is told to go comes again
            client.sendall(ASKED)
            answer = client.recv(4096)
            answered += answer.endswith(b"hello")
            if b"Connection: close" in answer:
                assert client.recv(1) == b""
                client.close()
                client = site.connect()
        client.close()
        assert answered == 12


def test_a_full_server_refuses_and_counts():
    with Site(*CONNECTIONS) as site:
        assert refuses_when_full(site)
    with Site(*CONNECTIONS) as site:
        assert hello(site) and site.counters()["connections_refused_total"] == 0


# --- TLS ---

HANDSHAKE = limits(handshake_timeout_ms=400)


def stops_half_a_handshake(site):
    with site.connect() as client:
        client.sendall(client_hello()[:50])
        time.sleep(1.5)
        return not is_open(client) and site.counters()["tls_handshakes_timed_out_total"] == 1


def test_half_a_handshake_ends_in_time_and_is_counted(certificate):  # noqa: F811
    with Site(*HANDSHAKE, "--tls", *certificate) as site:
        assert stops_half_a_handshake(site)
        with tls_client(site) as honest:
            honest.sendall(get("/hello"))
            assert status(read_all(honest)) == 200


def test_without_its_guard_half_a_handshake_stays(certificate):  # noqa: F811
    with Site(*HANDSHAKE, "--tls", *certificate, guards_off="handshake-timeout") as site:
        assert not stops_half_a_handshake(site)


# --- coded streams ---

CODED = limits(max_coded_streams=2, coding_step_bytes=1000)


def leaves_the_third_as_it_is(site):
    held = [site.connect(receive_buffer=2304) for _ in range(3)]
    heads = []
    for client in held:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(get("/list?size=20000000", "Accept-Encoding: gzip"))
        heads.append(client.recv(1000))
    coded = [b"Content-Encoding: gzip" in head for head in heads]
    return coded == [True, True, False]


def test_so_many_large_answers_are_coded_at_once():
    with Site(*CODED) as site:
        assert leaves_the_third_as_it_is(site) and site.counters()["http_answers_not_coded_total"] == 1


# --- without the guard ---

@pytest.mark.parametrize("guard, options, holds", [
    ("header-bytes", HEADER_BYTES, stops_a_long_header),
    ("header-fields", FIELDS, stops_many_fields),
    ("target-bytes", TARGET, stops_a_long_target),
    ("parameters", PARAMETERS, stops_many_parameters),
    ("answer-bytes", ANSWER, stops_a_large_answer),
    ("arena-bytes", ARENA, stops_a_hungry_request),
    ("idle-timeout", IDLE, stops_an_idle_one),
    ("connection-requests", REQUESTS, stops_after_so_many_requests),
    ("connections", CONNECTIONS, refuses_when_full),
    ("coded-streams", CODED, leaves_the_third_as_it_is),
])
def test_it_does_not_hold_without_its_guard(guard, options, holds):
    with Site(*options, guards_off=guard) as site:
        assert not holds(site) and hello(site)
