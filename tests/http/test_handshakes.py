# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS handshakes have a budget: a flood of them costs running connections nothing they would hear."""
import multiprocessing
import socket
import ssl
import statistics
import time

import pytest

from site_server import Site, get, read_all
from test_site import certificate, status, tls_client  # noqa: F401 (a fixture)

HELLO = b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
PERCENT, BURST_US = 5, 10_000
ONE_LOOP = ("--limit", "loops", 1)  # what is bounded is each loop
RESET = b"\1\0\0\0\0\0\0\0"  # struct linger: on, no time


def client_hello():
    """The first flight of a real client, to be sent again and again at no cost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="first.example").do_handshake()
    return outgoing.read()


def flood(port, first_flight, seconds):
    """3,000 handshakes a second that are begun and left; closed by a reset, which leaves no port in TIME_WAIT."""
    held, begin = [], time.monotonic()
    for number in range(3000 * seconds):
        time.sleep(max(0, begin + number / 3000 - time.monotonic()))
        attacker = socket.socket()
        attacker.setblocking(False)
        attacker.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        try:
            attacker.connect(("127.0.0.1", port))
        except BlockingIOError:
            pass
        try:
            attacker.send(first_flight)
        except OSError:
            attacker.close()
            continue
        held.append(attacker)
        if len(held) > 300:
            held.pop(0).close()


def pace(client, waits):
    begin = time.monotonic()
    client.sendall(HELLO)
    answer = b""
    while not answer.endswith(b"hello"):
        part = client.recv(4096)
        assert part, "a running connection was closed"
        answer += part
    waits.append(time.monotonic() - begin)
    time.sleep(0.01)


def under_flood(site, seconds=2):
    """What running connections notice of a flood, and the share of the loop that handshakes took."""
    with tls_client(site) as encrypted, site.connect() as plain:
        waits, calm = [], []
        for _ in range(20):
            pace(encrypted, calm)
        attack = multiprocessing.Process(target=flood, args=(site.port, client_hello(), seconds + 1))
        attack.start()
        time.sleep(0.5)
        before, begin = site.counters(), time.monotonic()
        while time.monotonic() < begin + seconds:
            pace(encrypted, waits)
            pace(plain, waits)
        after, took_us = site.counters(), (time.monotonic() - begin) * 1e6
        attack.join(10)
    used_us = after["tls_handshake_cpu_seconds_total"] - before["tls_handshake_cpu_seconds_total"]
    delayed = after["tls_handshakes_delayed_total"] - before["tls_handshakes_delayed_total"]
    share = used_us / took_us
    print(f"share {share:.3f}, median wait {statistics.median(waits) * 1000:.1f} ms "
          f"(calm {statistics.median(calm) * 1000:.1f}), delayed {delayed}")
    return share, statistics.median(waits), took_us, delayed


def test_a_flood_of_handshakes_takes_no_more_than_its_share(certificate):
    with Site(*ONE_LOOP, "--tls", *certificate, "--limit", "handshake_cpu_percent", PERCENT) as site:
        share, wait, took_us, delayed = under_flood(site)
        assert delayed > 0, "the flood was too small to show anything"
        assert share <= PERCENT / 100 + 2 * BURST_US / took_us
        assert wait < 0.1
        with tls_client(site) as newcomer:  # when it is over, everything is as before
            newcomer.sendall(get("/hello"))
            assert status(read_all(newcomer)) == 200


def test_without_the_guard_it_takes_more(certificate):
    with Site(*ONE_LOOP, "--tls", *certificate, "--limit", "handshake_cpu_percent", PERCENT,
              guards_off="handshake-budget") as site:
        share = under_flood(site, 1)[0]
        assert share > PERCENT / 100 * 1.5


def half_open(site, count):
    held = [site.connect() for _ in range(count)]
    for attacker in held:
        attacker.sendall(b"\x16")
    time.sleep(0.2)
    return held


def test_half_open_handshakes_do_not_lock_newcomers_out(certificate):
    with Site(*ONE_LOOP, "--tls", *certificate, "--limit", "max_handshakes", 20) as site:
        held = half_open(site, 30)
        assert status(site.ask(get("/hello"))) == 200
        begin = time.monotonic()
        with tls_client(site) as newcomer:
            newcomer.sendall(get("/hello"))
            assert status(read_all(newcomer)) == 200
        assert time.monotonic() - begin < 5
        for attacker in held:
            attacker.close()


def test_the_queue_is_bounded_and_forgets_who_leaves(certificate):
    with Site(*ONE_LOOP, "--tls", *certificate, "--limit", "max_handshakes", 2, "--limit", "max_handshakes_waiting", 3) as site:
        held = half_open(site, 10)
        counters = site.counters()
        assert counters["tls_handshakes_refused_total"] == 5 and counters["tls_handshakes_delayed_total"] == 3
        assert counters["connections_open"] == 6  # five, and this one
        for attacker in held:
            attacker.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            attacker.close()
        time.sleep(0.2)
        assert site.counters()["connections_open"] == 1
        with tls_client(site) as newcomer:
            newcomer.sendall(get("/hello"))
            assert status(read_all(newcomer)) == 200


def test_a_handshake_has_its_own_time_out(certificate):
    with Site("--tls", *certificate, "--limit", "handshake_timeout_ms", 300) as site, site.connect() as client:
        client.sendall(b"\x16\x03\x01")
        begin = time.monotonic()
        assert read_all(client) == b"" and 0.2 < time.monotonic() - begin < 2


def test_an_honest_client_on_a_bad_line_shakes_hands_in_pieces(certificate):
    first_flight = client_hello()
    with Site("--tls", *certificate) as site, site.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(first_flight), 100):
            client.sendall(first_flight[at:at + 100])
            time.sleep(0.3)
        assert client.recv(1) == b"\x16"  # the server's hello
