# SPDX-License-Identifier: GPL-3.0-or-later
"""What one HTTP/2 connection may cost: each bound at its edge and past it, without its guard, and an honest client beside."""
import pathlib
import struct
import time

import pytest

from h2_client import (CALM, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, PRIORITY,
                       PRIORITY_UPDATE, REFUSED, RST_STREAM, SETTINGS, WINDOW_UPDATE, Client, frame, request)
from site_server import Site, read_all

LIMIT = 40
ONE_LOOP = ("--limit", "loops", 1)


def counter(site, name):
    with Client(site) as client:
        lines = client.get("/stats").body.decode().split()
    return int(dict(line.split("=") for line in lines)[name])


def open_stream(client):
    """A request whose body never ends."""
    return client.ask("/echo/", method="POST", end=False)


class Opener:
    """Opens streams by hand, so that the library does not stop us."""

    def __init__(self, client):
        self.client, self.next = client, 1

    def open(self, flags=END_HEADERS | END_STREAM, fields=None):
        stream, self.next = self.next, self.next + 2
        return stream, frame(HEADERS, flags, stream, self.client.encode(fields or request("/hello")))


def resets(client, count):
    opener = Opener(client)
    parts = (opener.open() for _ in range(count))
    return b"".join(head + frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL)) for stream, head in parts)


def resets_by_errors(client, count):
    """MadeYouReset: the client never resets, it makes us do so."""
    opener = Opener(client)
    parts = (opener.open() for _ in range(count))
    return b"".join(head + frame(WINDOW_UPDATE, 0, stream, b"\x7f\xff\xff\xff") for stream, head in parts)


def malformed(client, count):
    opener = Opener(client)
    return b"".join(opener.open(fields=request("/hello", ("content-length", "1")))[1] for _ in range(count))


def same(kind, stream=0, payload=b""):
    return lambda client, count: frame(kind, 0, stream, payload) * count


# what, its setting, its counter, its guard, frames that an ordinary start has used up, and the flood
FLOODS = {
    "reset": ("h2_max_resets", "h2_floods_resets_total", "h2-resets", 0, resets),
    "malformed": ("h2_max_resets", "h2_floods_resets_total", "h2-resets", 0, malformed),
    "settings": ("h2_max_settings", "h2_floods_settings_total", "h2-settings", 2, same(SETTINGS)),
    "ping": ("h2_max_pings", "h2_floods_pings_total", "h2-pings", 0, same(PING, 0, b"12345678")),
    "unknown": ("h2_max_empty_frames", "h2_floods_empty_frames_total", "h2-empty-frames", 0, same(99, 0, b"x")),
    "empty DATA": ("h2_max_empty_frames", "h2_floods_empty_frames_total", "h2-empty-frames", 0, same(DATA, 1)),
    "padding alone": ("h2_max_empty_frames", "h2_floods_empty_frames_total", "h2-empty-frames", 0,
                      lambda client, count: frame(DATA, 8, 1, b"\x02\0\0") * count),
    "window update": ("h2_max_window_updates", "h2_floods_window_updates_total", "h2-window-updates", 0,
                      same(WINDOW_UPDATE, 0, b"\0\0\0\1")),
    "priority": ("h2_max_priorities", "h2_floods_priorities_total", "h2-priorities", 0,
                 same(PRIORITY, 1, b"\0\0\0\0\1")),
    "priority update": ("h2_max_priorities", "h2_floods_priorities_total", "h2-priorities", 0,
                        same(PRIORITY_UPDATE, 0, b"\0\0\0\1u=1")),
}


NEEDS_STREAM = ("empty DATA", "padding alone")


def start(site, what):
    client = Client(site)
    if what in NEEDS_STREAM:
        open_stream(client)
    client.until(lambda: False, 0.15)  # what an ordinary start says is said
    return client


@pytest.fixture(scope="module")
def tight():
    keys = sorted({row[0] for row in FLOODS.values()})
    with Site(*[word for key in keys for word in ("--limit", key, LIMIT)]) as one:
        yield one
        assert one.stop() == 0, one.log()


@pytest.mark.parametrize("what", FLOODS)
def test_as_many_as_may_be_are_taken_and_one_more_ends_the_connection(tight, what):
    _, name, _, used, flood = FLOODS[what]
    before = counter(tight, name)
    with start(tight, what) as client, Client(tight) as honest:
        client.send(flood(client, LIMIT - used))
        client.until(lambda: client.goaway is not None, 0.3)
        assert client.goaway is None and not client.closed
        assert honest.get().body == b"hello"
    with start(tight, what) as client, Client(tight) as honest:
        client.send(flood(client, LIMIT - used + 1))
        assert client.ends_with(CALM)
        assert client.until(lambda: client.closed)
        assert honest.get().body == b"hello"
    assert counter(tight, name) == before + 1


@pytest.mark.parametrize("what", ["reset", "settings", "ping", "unknown", "window update", "priority"])
def test_without_its_guard_the_flood_goes_on(what):
    key, name, guard, _, flood = FLOODS[what]
    with Site("--limit", key, LIMIT, guards_off=guard) as site:
        with start(site, what) as client:
            client.send(flood(client, 3 * LIMIT))
            client.until(lambda: client.goaway is not None, 0.3)
            assert client.goaway is None
        assert counter(site, name) == 0


def test_errors_of_streams_count_as_resets(tight):
    with start(tight, "reset") as client:
        client.send(resets_by_errors(client, 2 * LIMIT))
        client.until(lambda: client.goaway is not None or client.closed)
        assert client.goaway == CALM


def test_a_rapid_reset_costs_little_and_is_over_soon():
    """CVE-2023-44487: at most h2_max_resets requests are looked at, and no answer is written."""
    with Site(*ONE_LOOP) as site:
        stat = pathlib.Path(f"/proc/{site.process.pid}/stat")
        with Client(site) as client, Client(site) as honest:
            client.read()
            flood = resets(client, 20000)
            ticks = sum(map(int, stat.read_text().split()[13:15]))
            client.send(flood)
            assert client.until(lambda: client.goaway is not None or client.closed)
            assert honest.get().body == b"hello"
            assert sum(map(int, stat.read_text().split()[13:15])) - ticks < 50  # half a second, also under asan
        assert counter(site, "h2_streams_total") <= 200 + 20
        assert counter(site, "h2_floods_resets_total") == 1


def test_an_honest_client_may_skip_many_songs(tight):
    """Window updates for what arrives, resets now and then, PINGs: a long life under tight limits."""
    with Client(tight) as client:
        for _ in range(LIMIT - 5):
            stream = client.ask("/output?size=100000")
            client.until(lambda: client.answers[stream].body)
            client.h2.reset_stream(stream, CANCEL)
            client.flush()
        assert client.get("/output?size=2000000").ended and client.goaway is None


# --- headers ---

def header_in_parts(client, count, size=20):
    block = client.encode(request("/hello", ("x", "y" * (size * count))))
    parts = [block[i * len(block) // (count + 1):(i + 1) * len(block) // (count + 1)] for i in range(count + 1)]
    frames = [frame(HEADERS, END_STREAM, 1, parts[0])] + [frame(CONTINUATION, 0, 1, part) for part in parts[1:-1]]
    return b"".join(frames) + frame(CONTINUATION, END_HEADERS, 1, parts[-1])


def test_a_header_has_so_many_continuations(tight):
    seen = counter(tight, "h2_floods_continuations_total")
    with Client(tight) as client:
        client.send(header_in_parts(client, 8))
        stream = client.h2.get_next_available_stream_id()
        client.answers.clear()
        time.sleep(0.2)
        assert client.socket.recv(1 << 16) and stream == 1
    with Client(tight) as client:
        client.send(header_in_parts(client, 12))
        client.until(lambda: client.goaway is not None or client.closed)
        assert client.goaway == CALM
    assert counter(tight, "h2_floods_continuations_total") == seen + 1


def bomb(client, references):
    """A field of 3,900 bytes goes into HPACK's table and is then named again and again, a byte each time."""
    block = client.encode(request("/hello"))
    size = 3900 - 127  # an integer with a prefix of 7 bits (RFC 7541 5.1)
    block += b"\x40\x01a\x7f" + bytes([size % 128 + 128, size // 128]) + b"x" * 3900
    return frame(HEADERS, END_STREAM | END_HEADERS, 1, block + b"\xbe" * references)


@pytest.mark.parametrize("references", [1000, 10000])
def test_a_bomb_of_hpack_ends_the_connection(tight, references):
    with Client(tight) as client, Client(tight) as honest:
        client.send(bomb(client, references))
        assert client.ends_with(CALM) and honest.get().body == b"hello"


def test_a_table_of_hpack_may_not_grow_past_what_was_said(tight):
    with Client(tight) as client:
        client.until(lambda: False, 0.1)
        client.raw(HEADERS, END_STREAM | END_HEADERS, 1, b"\x3f\xe1\xff\x03" + client.encode(request("/hello")))
        client.until(lambda: client.goaway is not None or client.closed)
        assert client.goaway == 9  # COMPRESSION_ERROR


# --- streams and memory ---

def test_so_many_streams_may_be_open():
    with Site("--limit", "h2_max_streams", 10) as site, Client(site) as client, Client(site) as honest:
        client.until(lambda: False, 0.1)
        opener = Opener(client)
        for _ in range(10):
            client.send(opener.open(END_HEADERS, request("/echo/", method="POST"))[1])
        client.until(lambda: client.goaway is not None, 0.2)
        assert client.goaway is None
        stream, head = opener.open(END_HEADERS, request("/echo/", method="POST"))
        client.send(head)
        assert client.until(lambda: client.resets.get(stream) == REFUSED) and len(client.resets) == 1
        assert client.goaway is None
        assert honest.get().body == b"hello"


def test_answers_that_a_client_does_not_take_are_bounded_in_memory():
    with Site("--limit", "h2_max_held_bytes", 100000) as site:
        with Client(site, settings={4: 0}) as client, Client(site) as honest:
            first = [client.ask("/output?size=45000") for _ in range(2)]
            assert client.until(lambda: all(client.answers[s].status == 200 for s in first))
            late = client.ask("/output?size=45000")
            assert client.until(lambda: client.answers[late].reset == CALM)
            assert honest.get("/output?size=60000").ended
        assert counter(site, "h2_requests_over_held_bytes_total") == 1


def test_bodies_that_never_end_are_bounded_in_memory():
    with Site("--limit", "h2_max_held_bytes", 20000) as site, Client(site) as client:
        streams = [client.ask("/echo/large", method="POST", body=b"x" * 9000, end=False) for _ in range(3)]
        assert client.until(lambda: any(client.answers[s].status == 503 for s in streams))
        assert client.answers[streams[0]].status is None


def resident_kib(site):
    lines = pathlib.Path(f"/proc/{site.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def test_a_connection_that_takes_all_it_may_stays_within_its_memory():
    """64 KiB held, 20 streams with all they need, a batch unsent: 1,200 KiB each are not passed, 250 without asan."""
    count, options = 40, ("--limit", "h2_max_held_bytes", 65536, "--limit", "h2_max_streams", 20)
    with Site(*ONE_LOOP, *options) as site:
        clients = [Client(site, settings={4: 0}) for _ in range(count)]
        counter(site, "connections_open")
        before = resident_kib(site)
        for client in clients:
            for _ in range(20):
                client.ask("/output?size=30000")
            client.until(lambda: sum(a.status is not None for a in client.answers.values()) >= 20)
        each = (resident_kib(site) - before) / count
        for client in clients:
            client.socket.close()
        assert each < 1200, f"{each} KiB for each connection"


# --- patience ---

QUICK = [word for name, ms in (("header", 400), ("body", 400), ("idle", 800), ("send", 500))
         for word in ("--limit", f"{name}_timeout_ms", ms)]


@pytest.fixture(scope="module")
def hasty():
    with Site(*QUICK) as one:
        yield one
        assert one.stop() == 0, one.log()


def test_a_stream_without_window_is_given_up_and_its_neighbour_is_not():
    # a time-out of eight drops of window: a machine that stands still for one second is no client that does
    with Site("--limit", "send_timeout_ms", 1600) as site, Client(site, settings={4: 0}) as client:
        stalled, slow = client.ask("/output?size=50000"), client.ask("/output?size=20000")
        for _ in range(10):
            client.h2.increment_flow_control_window(2000, slow)
            client.flush()
            client.until(lambda: False, 0.2)
        assert client.answers[slow].ended and len(client.answers[slow].body) == 20000
        assert client.until(lambda: client.answers[stalled].reset == CANCEL)
        assert counter(site, "h2_streams_timed_out_total") == 1


def test_drops_of_window_do_not_hold_an_answer_for_ever(hasty):
    with Client(hasty, settings={4: 0}) as client:
        stream = client.ask("/output?size=50000")
        began = time.monotonic()
        while client.answers[stream].reset is None and time.monotonic() - began < 5:
            client.raw(WINDOW_UPDATE, 0, stream, b"\0\0\0\1")
            client.until(lambda: client.answers[stream].reset is not None, 0.1)
        assert client.answers[stream].reset == CANCEL


def test_an_idle_connection_is_told_to_go_and_a_used_one_is_not(hasty):
    with Client(hasty) as idle, Client(hasty) as used:
        for _ in range(6):
            assert used.get().body == b"hello"
            idle.until(lambda: idle.goaway is not None, 0.3)
        assert idle.goaway == 0 and idle.until(lambda: idle.closed)


def test_pings_do_not_make_an_idle_connection_stay(hasty):
    with Client(hasty) as client:
        began = time.monotonic()
        while client.goaway is None and time.monotonic() - began < 5:
            client.raw(PING, 0, 0, b"12345678")
            client.until(lambda: client.goaway is not None, 0.2)
        assert client.goaway == 0


def test_waiting_events_are_not_idle(hasty):
    with Client(hasty) as client:
        stream = client.ask("/events")
        client.until(lambda: False, 1.5)
        assert client.answers[stream].body and not client.answers[stream].ended and client.goaway is None


def test_half_a_header_half_a_body_and_no_word_at_all_end_in_time(hasty):
    with Client(hasty) as client:
        client.until(lambda: False, 0.15)
        client.raw(HEADERS, END_STREAM, 1, client.encode(request("/hello"))[:3])
        assert client.ends_with(CALM, 3)
    with Client(hasty) as client:
        stream = open_stream(client)
        assert client.until(lambda: client.answers[stream].status == 408, 3)
    with hasty.connect() as silent:
        silent.sendall(PREFACE)
        silent.settimeout(3)
        read_all(silent)  # returns when the server has closed


def test_a_client_that_reads_nothing_is_reset_and_one_that_reads_slowly_is_not(hasty):
    dead = Client(hasty, sock=hasty.connect(receive_buffer=4096), settings={4: 1 << 30})
    dead.raw(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30))
    dead.ask("/output?size=20000000")
    with Client(hasty, sock=hasty.connect(receive_buffer=65536)) as slow:
        stream = slow.ask("/output?size=400000")
        while not slow.answers[stream].ended and slow.answers[stream].reset is None and not slow.closed:
            slow.read()
            time.sleep(0.1)
        assert len(slow.answers[stream].body) == 400000
    began = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - began < 6:
            dead.socket.sendall(frame(PING, 0, 0, b"12345678"))
            time.sleep(0.1)
    dead.socket.close()


# --- the other guards' failing twins ---

def many_streams(client):
    opener = Opener(client)
    for _ in range(30):
        client.send(opener.open(END_HEADERS, request("/echo/", method="POST"))[1])
    client.until(lambda: client.resets, 0.5)
    return not client.resets


def many_continuations(client):
    client.send(header_in_parts(client, 12))
    client.until(lambda: client.goaway is not None, 0.5)
    return client.goaway is None


def a_bomb(client):
    client.send(bomb(client, 1000))
    client.until(lambda: client.goaway is not None, 0.5)
    return client.goaway is None


def much_held(client):
    streams = [client.ask("/output?size=60000") for _ in range(4)]
    return client.until(lambda: all(client.answers[s].status == 200 for s in streams), 1.5)


def a_stall(client):
    stream = client.ask("/output?size=50000")
    client.until(lambda: client.answers[stream].reset is not None, 1.5)
    return client.answers[stream].reset is None


def idleness(client):
    client.until(lambda: client.goaway is not None, 1.5)
    return client.goaway is None


def a_large_table(client):
    client.raw(HEADERS, END_STREAM | END_HEADERS, 1, b"\x3f\xe1\xff\x03" + client.encode(request("/hello")))
    client.until(lambda: client.goaway is not None, 0.5)
    return client.goaway is None


def many_requests(client):
    return all(client.get().body is not None for _ in range(45)) and client.goaway is None


def half_a_header(client):
    client.raw(HEADERS, END_STREAM, 1, client.encode(request("/hello"))[:3])
    client.until(lambda: client.goaway is not None or client.closed, 1.5)
    return client.goaway is None and not client.closed


def half_a_body(client):
    stream = open_stream(client)
    client.until(lambda: client.answers[stream].status is not None, 1.5)
    return client.answers[stream].status is None


@pytest.mark.parametrize("guard, bad", [
    ("h2-streams", many_streams), ("h2-continuations", many_continuations), ("h2-header-list", a_bomb),
    ("h2-held-bytes", much_held), ("h2-stalls", a_stall), ("h2-idle", idleness), ("h2-header-table", a_large_table),
    ("connection-requests", many_requests), ("header-timeout", half_a_header), ("body-rate", half_a_body)])
def test_without_its_guard_a_bound_does_not_hold(guard, bad):
    limits = (*QUICK, "--limit", "h2_max_streams", 10, "--limit", "h2_max_held_bytes", 50000,
              "--limit", "max_requests_per_connection", 40)
    with Site(*limits, guards_off=guard) as site, Client(site, settings={4: 0}) as client:
        client.until(lambda: False, 0.1)
        assert bad(client)
    with Site(*limits, guards_off=guard) as site, Client(site, settings={4: 0}) as client:
        client.until(lambda: False, 0.1)
        assert bad(client)
