# SPDX-License-Identifier: GPL-3.0-or-later
"""Each bound of a connection stops what it is for, spares an honest client on a bad line, and is missed when off.

A test is a function that says whether the bound held; its twin runs the same without the guard, in the drills build.
docs/bounds.md lists them all.
"""
import socket
import time

import pytest

from site_server import Site, get, read_all
from test_site import SIGNATURE, proxy_v4, status

ONE_LOOP = ("--limit", "loops", 1)


def limits(**values):
    return ONE_LOOP + tuple(word for name, value in values.items() for word in ("--limit", name, value))


def is_open(client):
    client.setblocking(False)
    try:
        return client.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    finally:
        client.settimeout(5)


def hello(site):
    return status(site.ask(get("/hello"))) == 200


# --- taking an answer ---

SENDING = limits(send_timeout_ms=600, pause_timeout_ms=4000, min_send_rate=20000)


def take(site, rate, seconds, pause=0.0, step=0.1):
    """Reads a large answer at `rate` bytes a second, pausing in the middle; whether it is still coming."""
    with site.connect(receive_buffer=2304) as client:
        client.sendall(get("/output?size=30000000"))
        begin, taken, paused = time.monotonic(), 0, 0.0
        try:
            while time.monotonic() - begin < seconds:
                if not paused and time.monotonic() - begin > seconds / 3:
                    paused = pause
                    time.sleep(pause)
                due = (time.monotonic() - begin - paused) * rate - taken
                while due > 0:
                    part = client.recv(min(int(due) + 1, 65536))
                    if not part:
                        return False
                    taken += len(part)
                    due -= len(part)
                time.sleep(step)
            return len(client.recv(10)) > 0
        except ConnectionError:
            return False


def stops_a_trickle(site):
    return not take(site, rate=8000, seconds=3) and site.counters()["connections_too_slow_total"] == 1


def test_a_client_that_takes_a_little_now_and_then_is_cut():
    with Site(*SENDING) as site:
        assert stops_a_trickle(site)


def test_a_slow_listener_and_a_paused_one_live():
    with Site(*SENDING) as site:
        assert take(site, rate=40000, seconds=4, pause=2)
        assert take(site, rate=40000, seconds=3, step=0.7)  # in bursts
        assert site.counters()["connections_too_slow_total"] == 0


def test_the_slowest_listener_of_all_by_the_defaults():
    with Site(*ONE_LOOP) as site:  # 8 kB/s is 64 kbit/s
        assert take(site, rate=8000, seconds=2)


# --- bringing a body ---

BODY = limits(body_timeout_ms=800, min_body_rate=2000)


def bring(site, rate, size):
    """Sends a body in pieces; the status."""
    with site.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(b"PUT /echo/large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n")
        client.sendall(b"Content-Length: %d\r\n\r\n" % size)
        sent = 0
        while sent < size and is_open(client):
            try:
                client.sendall(b"x" * min(rate // 10, size - sent))
            except ConnectionError:
                break
            sent += rate // 10
            time.sleep(0.1)
            if sent > rate * 2.5:
                break
        client.settimeout(1)
        try:
            return status(read_all(client))
        except TimeoutError:
            return None


def stops_a_slow_body(site):
    return bring(site, 100, 100000) == 408


def test_a_body_that_comes_too_slowly_is_refused():
    with Site(*BODY) as site:
        assert stops_a_slow_body(site) and site.counters()["connections_too_slow_total"] == 1


def test_a_long_body_on_a_slow_line_arrives():
    with Site(*BODY) as site:  # three times as long as the time-out
        assert bring(site, 5000, 12000) == 200


# --- headers ---

HEADER = limits(header_timeout_ms=500)


def stops_a_slow_header(site):
    with site.connect() as client:
        client.sendall(b"GET /hello HTTP/1.1\r\n")
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < 2:
                client.sendall(b"X")
                time.sleep(0.1)
        except ConnectionError:
            return True
        client.settimeout(0.1)
        try:
            return client.recv(12) in (b"HTTP/1.1 408", b"")
        except TimeoutError:
            return False


def test_a_header_that_never_ends_is_refused():
    with Site(*HEADER) as site:
        assert stops_a_slow_header(site)


def test_a_header_in_pieces_on_a_slow_line_arrives():
    with Site(*ONE_LOOP) as site, site.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in get("/hello").splitlines(keepends=True):
            client.sendall(piece)
            time.sleep(0.4)
        assert status(read_all(client)) == 200


# --- how many ---

CROWD = ("--proxy-protocol", "--trusted", "127.0.0.1") + limits(max_connections_per_address=3)


def come(site, prefix):
    client = site.connect()
    client.sendall(prefix)
    time.sleep(0.05)
    return client


def stops_a_crowd(site):
    held = [come(site, proxy_v4("203.0.113.9")) for _ in range(4)]
    return not is_open(held[3]) and all(map(is_open, held[:3]))


def test_one_address_holds_no_more_than_its_share():
    with Site(*CROWD) as site:
        held = [come(site, proxy_v4("203.0.113.9")) for _ in range(3)]
        assert all(map(is_open, held)) and not is_open(come(site, proxy_v4("203.0.113.9")))
        assert status(site.ask(get("/hello"), prefix=proxy_v4("203.0.113.10"))) == 200
        held[0].close()
        time.sleep(0.1)
        assert status(site.ask(get("/hello"), prefix=proxy_v4("203.0.113.9"))) == 200


def test_an_ipv6_household_is_one_address():
    def v6(address):
        return SIGNATURE + b"\x21\x21\0\x24" + socket.inet_pton(socket.AF_INET6, address) + bytes(20)
    with Site(*CROWD) as site:
        held = [come(site, v6(f"2001:db8::{i}")) for i in range(3)]
        assert all(map(is_open, held)) and not is_open(come(site, v6("2001:db8::9:9:9:9")))
        assert status(site.ask(get("/hello"), prefix=v6("2001:db8:0:1::1"))) == 200


def test_many_behind_a_trusted_proxy_are_not_one():
    with Site("--trusted", "127.0.0.1", *limits(max_connections_per_address=2)) as site:
        held = [come(site, b"GET") for _ in range(5)]
        assert all(map(is_open, held))


BEHIND = ("--trusted", "127.0.0.1") + limits(max_connections_per_address=3)


def from_behind(address):
    return f"GET /events HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: {address}\r\n\r\n".encode()


def stops_a_crowd_behind_a_proxy(site):
    held = [come(site, from_behind("203.0.113.9")) for _ in range(3)]
    refused = site.ask(get("/hello", "X-Forwarded-For: 203.0.113.9"))
    return status(refused) == 503 and all(map(is_open, held))


def test_one_address_behind_a_proxy_has_no_more_running_than_its_share():
    with Site(*BEHIND) as site:
        held = [come(site, from_behind("203.0.113.9")) for _ in range(3)]
        assert status(site.ask(get("/hello", "X-Forwarded-For: 203.0.113.9"))) == 503
        assert site.counters()["http_requests_crowded_total"] == 1
        assert status(site.ask(get("/hello", "X-Forwarded-For: 203.0.113.10"))) == 200
        held[0].close()
        time.sleep(0.2)
        assert status(site.ask(get("/hello", "X-Forwarded-For: 203.0.113.9"))) == 200
        with site.connect() as proxy:  # one after the other on one connection are never many
            for _ in range(10):
                proxy.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.11\r\n\r\n")
                assert proxy.recv(4096).endswith(b"hello")


FULL = limits(max_connections=8)


def takes_a_newcomer_when_full(site):
    running = site.connect()
    running.sendall(b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
    held = [come(site, b"GET /") for _ in range(7)]
    time.sleep(1.1)
    try:
        return hello(site) and is_open(running) and not is_open(held[0]) and is_open(held[6])
    except ConnectionError:
        return False


def test_a_full_server_makes_way_for_newcomers():
    with Site(*FULL) as site:
        assert takes_a_newcomer_when_full(site) and site.counters()["connections_gave_way_total"] >= 1


def test_a_server_full_of_running_listeners_refuses():
    with Site(*FULL) as site:
        running = [site.connect() for _ in range(8)]
        for client in running:
            client.sendall(b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(1.1)
        assert site.ask(b"") == b"" and all(map(is_open, running))


# --- ahead ---

def unread(client, port):
    """What the server's kernel holds of this client and the server has not read (/proc/net/tcp, rx_queue)."""
    ours = client.getsockname()[1]
    for line in open("/proc/net/tcp"):
        fields = line.split()
        if fields[1].endswith(f":{port:04X}") and fields[2].endswith(f":{ours:04X}"):
            return int(fields[4].split(":")[1], 16)
    raise AssertionError("no such connection")


def reads_little_ahead(site):
    with site.connect() as client:
        client.sendall(b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.2)
        client.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n" * 1500)
        time.sleep(0.3)
        return unread(client, site.port) > 1500 * 32 - 16384 - 4096


def test_pipelined_requests_wait_in_the_kernel():
    with Site(*ONE_LOOP) as site:
        assert reads_little_ahead(site)


def test_a_long_pipeline_is_answered_in_order():
    with Site(*ONE_LOOP) as site, site.connect() as client:
        asked = b"".join(b"GET /echo/%d HTTP/1.1\r\nHost: h\r\n\r\n" % i for i in range(700))  # more than is read ahead
        client.sendall(asked + get("/hello"))
        answer = read_all(client)
        places = [answer.find(b"path=/echo/%d\n" % i) for i in range(700)]
        assert all(place > 0 for place in places) and places == sorted(places)


# --- without the guard ---

@pytest.mark.parametrize("guard, options, holds", [
    ("send-rate", SENDING, stops_a_trickle),
    ("body-rate", BODY, stops_a_slow_body),
    ("header-timeout", HEADER, stops_a_slow_header),
    ("crowd", CROWD, stops_a_crowd),
    ("forwarded-crowd", BEHIND, stops_a_crowd_behind_a_proxy),
    ("make-way", FULL, takes_a_newcomer_when_full),
    ("read-ahead", ONE_LOOP, reads_little_ahead),
])
def test_it_does_not_hold_without_its_guard(guard, options, holds):
    with Site(*options, guards_off=guard) as site:
        assert not holds(site)
