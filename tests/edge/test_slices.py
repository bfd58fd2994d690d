# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of large objects, held in slices; bodies that outgrow the store; versions that change between two slices."""
import concurrent.futures
import email.utils
import hashlib
import http.client
import re
import threading
import time

import pytest

from nodes import edge_for
from test_flow import ask, ask_until_held

MIB = 1 << 20
SMALL_SLICES = ("--edge-slice-kib", "64", "--edge-sliced-from-kib", "64")


def bytes_of(seed, size):
    """Nothing in it repeats, so that a byte from another place or version is another byte."""
    blocks = (hashlib.sha256(b"%s %d" % (seed.encode(), i)).digest() for i in range(size // 32 + 1))
    return b"".join(blocks)[:size]


class Ranged:
    """An origin of one object with ranges as RFC 9110 14 has them; `change` makes it another version.  Its validator is
    `etag`, or, when that is None, the date `modified` (Unix seconds)."""

    def __init__(self, size=5 * MIB + 12345, etag='"v1"', cache_control="max-age=60", modified=None):
        self.etag, self.cache_control, self.has_ranges, self.modified = etag, cache_control, True, modified
        self.body, self.delay, self.cut_once = bytes_of("one", size), 0.0, False

    def change(self, etag='"v2"', size=None, modified=None):
        self.body, self.etag, self.modified = bytes_of("two", size or len(self.body)), modified is None and etag or None, modified

    def __call__(self, handler):
        body, status = self.body, 200
        name, condition, etag = ("ETag", "If-None-Match", self.etag) if self.modified is None else (
            "Last-Modified", "If-Modified-Since", email.utils.formatdate(self.modified, usegmt=True))
        fields = {"Cache-Control": self.cache_control, name: etag}
        asked = handler.headers
        if asked.get(condition) == etag:
            handler.send_response(304)
            for name, value in fields.items():
                handler.send_header(name, value)
            handler.end_headers()
            return
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.get("Range", ""))
        if wanted and self.has_ranges and asked.get("If-Range", etag) == etag:
            first, last = int(wanted[1]), min(int(wanted[2] or len(body)), len(body) - 1)
            if first >= len(body):
                handler.say(416, b"", Content_Range=f"bytes */{len(body)}")
                return
            fields["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
            status, body = 206, body[first:last + 1]
        time.sleep(self.delay)
        handler.send_response(status)
        for name, value in fields.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if self.cut_once:
            self.cut_once = False
            handler.wfile.write(body[:len(body) // 2])
            handler.close_connection = True
        elif handler.command != "HEAD":
            handler.wfile.write(body)


def ranges_seen(origin):
    return [fields.get("Range") for _, _, fields in origin.seen]


def counter(edge, name):
    found = re.search(rf"^sostenuto_{name} (\d+)", ask(edge, path="/.sostenuto/metrics").body.decode(), re.M)
    assert found, f"there is no counter {name}"
    return int(found[1])


def test_a_part_of_a_large_object_comes_in_aligned_slices(tmp_path):
    one = Ranged()
    with edge_for(one, tmp_path) as (edge, origin):
        part = ask(edge, Range="bytes=1500000-2500000")
        assert (part.status, part.body == one.body[1500000:2500001]) == (206, True)
        assert part.headers["Content-Range"] == f"bytes 1500000-2500000/{len(one.body)}"
        assert sorted(ranges_seen(origin)) == [f"bytes={MIB}-{2 * MIB - 1}", f"bytes={2 * MIB}-{3 * MIB - 1}"]
        time.sleep(0.3)
        again = ask(edge, Range="bytes=1600000-2400000")
        assert again.body == one.body[1600000:2400001] and again.headers["Cache-Status"].startswith("sostenuto; hit")
        assert len(origin.seen) == 2


def test_the_whole_is_completed_from_its_slices(tmp_path):
    one = Ranged()
    with edge_for(one, tmp_path) as (edge, origin):
        ask(edge, Range="bytes=2000000-2000009")
        whole = ask(edge)
        assert (whole.status, whole.body == one.body, whole.headers["ETag"]) == (200, True, '"v1"')
        assert whole.headers["Content-Length"] == str(len(one.body)) and whole.headers["Content-Range"] is None
        assert len(origin.seen) == 6 and all(ranges_seen(origin))  # each slice once
        end = ask(edge, Range="bytes=-5")
        assert (end.status, end.body) == (206, one.body[-5:]) and len(origin.seen) == 6
        assert ask(edge, Range=f"bytes={len(one.body)}-").status == 416
        assert ask(edge, "HEAD").headers["Content-Length"] == str(len(one.body))
        assert ask(edge, If_None_Match='"v1"').status == 304 and len(origin.seen) == 6


def test_several_ranges_are_answered_with_the_whole(tmp_path):
    one = Ranged(300000)
    with edge_for(one, tmp_path, *SMALL_SLICES) as (edge, _):
        ask(edge, Range="bytes=0-9")
        assert ask(edge, Range="bytes=0-9,100000-100009").body == one.body


def test_who_asks_for_one_slice_at_once_is_one_request(tmp_path):
    one = Ranged()
    one.delay = 0.3
    with edge_for(one, tmp_path, "--loops", "4") as (edge, origin), concurrent.futures.ThreadPoolExecutor(40) as pool:
        firsts = [3 * MIB + i * 1000 for i in range(40)]
        parts = list(pool.map(lambda first: ask(edge, Range=f"bytes={first}-{first + 99}").body, firsts))
        assert parts == [one.body[first:first + 100] for first in firsts]
        assert ranges_seen(origin) == [f"bytes={3 * MIB}-{4 * MIB - 1}"]


def test_slices_are_held_after_its_end_and_help_without_an_origin(tmp_path):
    one = Ranged(300000, cache_control="max-age=1")
    with edge_for(one, tmp_path, *SMALL_SLICES) as (edge, origin):
        assert ask(edge).body == one.body and ask(edge, path="/b", Range="bytes=0-").body == one.body
        port = edge.port
        time.sleep(1.2)
        origin.shutdown()
        origin.server_close()
        answer = ask(edge, path="/b", Range="bytes=100000-200000", Host=f"127.0.0.1:{port}")
        assert (answer.status, answer.body == one.body[100000:200001]) == (206, True)


def test_a_small_object_is_held_whole_though_a_part_was_asked_for(tmp_path):
    one = Ranged(50000)
    with edge_for(one, tmp_path) as (edge, origin):
        assert ask(edge, Range="bytes=10-19").body == one.body[10:20]
        assert ask_until_held(edge).body == one.body and len(origin.seen) == 1


def test_a_middling_object_is_fetched_whole(tmp_path):
    one = Ranged(300000)
    with edge_for(one, tmp_path, "--edge-slice-kib", "64", "--edge-sliced-from-kib", "1024") as (edge, origin):
        assert ask(edge, Range="bytes=100000-").body == one.body[100000:]
        assert ask_until_held(edge).body == one.body and len(origin.seen) == 2


def test_an_origin_without_ranges_is_asked_for_the_whole(tmp_path):
    one = Ranged(300000)
    one.has_ranges = False
    with edge_for(one, tmp_path, *SMALL_SLICES) as (edge, origin):
        assert ask(edge, Range="bytes=100000-100099").body == one.body[100000:100100]
        time.sleep(0.5)
        assert ask(edge).body == one.body and len(origin.seen) == 1


@pytest.mark.parametrize("etag, cache_control", [('W/"v1"', "max-age=60"), ('"v1"', "no-store")])
def test_what_may_not_be_held_in_slices_is_still_answered_in_part(tmp_path, etag, cache_control):
    one = Ranged(300000, etag, cache_control)
    with edge_for(one, tmp_path, *SMALL_SLICES) as (edge, origin):
        for first, last in ((100000, 299999), (5, 9), (200000, 200009)):
            part = ask(edge, Range=f"bytes={first}-{last}")
            assert (part.status, part.body == one.body[first:last + 1]) == (206, True)
            assert part.headers["Content-Range"] == f"bytes {first}-{last}/300000"
        assert len(origin.seen) <= 4  # what was in vain once is not tried again at once


@pytest.mark.slow
def test_stale_slices_are_validated_and_go_on(tmp_path):
    one = Ranged(300000, cache_control="max-age=1")
    with edge_for(one, tmp_path, *SMALL_SLICES) as (edge, origin):
        ask(edge, Range="bytes=0-9")
        time.sleep(1.2)
        assert ask(edge, Range="bytes=100000-100009").body == one.body[100000:100010]
        assert origin.seen[1][2].get("If-None-Match") == '"v1"' and len(origin.seen) == 3
        time.sleep(1.2)
        one.change()
        assert ask(edge, Range="bytes=100000-100009").body == one.body[100000:100010]
        assert ask(edge).body == one.body


def test_two_versions_are_never_in_one_answer(tmp_path):
    """The second slice is of another version: what began is cut, and the next answer is all new."""
    one = Ranged(1000000)
    with edge_for(one, tmp_path, *SMALL_SLICES) as (edge, origin):
        old = one.body
        ask(edge, Range="bytes=0-9")
        one.change()
        with pytest.raises(http.client.IncompleteRead) as cut:
            ask(edge)
        assert old.startswith(cut.value.partial)
        whole = ask(edge)
        assert (whole.status, whole.body == one.body, whole.headers["ETag"]) == (200, True, '"v2"')
        assert counter(edge, "edge_slices_changed_total") >= 1


def test_a_version_that_is_gone_before_the_first_byte_becomes_an_answer_of_the_new_one(tmp_path):
    one = Ranged(1000000)
    with edge_for(one, tmp_path, *SMALL_SLICES) as (edge, origin):
        ask(edge, Range="bytes=0-9")
        one.change(size=900000)
        part = ask(edge, Range="bytes=500000-599999")
        assert (part.status, part.headers["ETag"]) == (206, '"v2"')
        assert part.body == one.body[500000:600000] and part.headers["Content-Range"].endswith("/900000")


def test_what_only_a_date_names_is_held_in_slices_too(tmp_path):
    one = Ranged(300000, None, "max-age=1", modified=time.time() - 3600)
    with edge_for(one, tmp_path, *SMALL_SLICES) as (edge, origin):
        modified = email.utils.formatdate(one.modified, usegmt=True)
        part = ask(edge, Range="bytes=100000-100009")
        assert (part.status, part.body, part.headers["Last-Modified"]) == (206, one.body[100000:100010], modified)
        assert ask(edge, Range="bytes=10-19").body == one.body[10:20]
        assert ranges_seen(origin) == ["bytes=65536-131071", "bytes=0-65535"]
        assert origin.seen[1][2].get("If-Range") == modified
        time.sleep(1.2)
        assert ask(edge, Range="bytes=100000-100009").body == one.body[100000:100010]
        assert origin.seen[2][2].get("If-Modified-Since") == modified and len(origin.seen) == 3
        whole = ask(edge)
        assert (whole.status, whole.body == one.body) == (200, True) and len(origin.seen) == 6  # the slices that were missing


def test_two_versions_are_never_in_one_answer_when_only_dates_tell_them_apart(tmp_path):
    one = Ranged(1000000, None, modified=time.time() - 3600)
    with edge_for(one, tmp_path, *SMALL_SLICES) as (edge, _):
        old = one.body
        ask(edge, Range="bytes=0-9")
        one.change(modified=time.time() - 1800)
        with pytest.raises(http.client.IncompleteRead) as cut:
            ask(edge)
        assert old.startswith(cut.value.partial)
        assert ask(edge).body == one.body


@pytest.mark.parametrize("age_s", [10, -10])
def test_a_date_that_may_still_stand_for_two_versions_names_none(tmp_path, age_s):
    one = Ranged(300000, None, modified=time.time() - age_s)
    with edge_for(one, tmp_path, *SMALL_SLICES) as (edge, origin):
        for _ in range(2):
            assert ask(edge, Range="bytes=100000-100009").body == one.body[100000:100010]
        assert not [fields for _, _, fields in origin.seen if "If-Range" in fields]
        assert counter(edge, "edge_sliced_total") == 0


def test_an_old_part_is_not_completed_with_a_new_one(tmp_path):
    one = Ranged(300000)
    with edge_for(one, tmp_path, *SMALL_SLICES) as (edge, _):
        for _ in range(2):
            whole = ask(edge, Range="bytes=100-", If_Range='"v0"')
            assert (whole.status, whole.body == one.body) == (200, True)
            assert ask(edge, Range="bytes=100-199", If_Range='"v1"').body == one.body[100:200]


def test_a_slice_that_breaks_off_is_taken_up(tmp_path):
    one = Ranged(300000)
    with edge_for(one, tmp_path, *SMALL_SLICES) as (edge, origin):
        one.cut_once = True
        assert ask(edge, Range="bytes=0-199999").body == one.body[:200000]


def test_bytes_go_out_before_their_slice_is_whole(tmp_path):
    go_on = threading.Event()

    def slowly(handler):
        handler.send_response(206)
        for name, value in (("Cache-Control", "max-age=60"), ("ETag", '"a"'), ("Content-Length", str(MIB)),
                            ("Content-Range", f"bytes 0-{MIB - 1}/{4 * MIB}")):
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(b"x" * 1000)
        handler.wfile.flush()
        go_on.wait(10)
        handler.wfile.write(b"x" * (MIB - 1000))
    with edge_for(slowly, tmp_path) as (edge, _):
        connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=5)
        connection.request("GET", "/", headers={"Range": "bytes=0-99999"})
        assert connection.getresponse().read(1000) == b"x" * 1000
        go_on.set()
        connection.close()


def chunked(body, pieces=64 << 10, gate=None):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Cache-Control", "max-age=60")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for at in range(0, len(body), pieces):
            if gate and at > 0:
                gate.wait(10)
            piece = body[at:at + pieces]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")
    return answer


def test_a_body_of_unknown_length_that_outgrows_the_store_comes_whole(tmp_path):
    body = bytes_of("large", 3 * MIB)
    with edge_for(chunked(body), tmp_path, "--cache-memory-mib", "4") as (edge, origin):  # at most 1 MiB an object
        for _ in range(2):
            assert ask(edge).body == body
        assert counter(edge, "edge_given_up_total") == 2


def test_all_who_read_along_get_what_outgrows_the_store(tmp_path):
    body, gate = bytes_of("large", 3 * MIB), threading.Event()
    with edge_for(chunked(body, gate=gate), tmp_path, "--cache-memory-mib", "4", "--loops", "3") as (edge, origin):
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            asked = [pool.submit(ask, edge) for _ in range(12)]
            while counter(edge, "flights_followed_total") < 11:
                time.sleep(0.05)
            gate.set()
            assert all(future.result().body == body for future in asked)
        assert len(origin.seen) == 1


def test_who_leaves_what_outgrew_the_store_stops_it(tmp_path):
    ended = threading.Event()

    def endless(handler):
        handler.send_response(200)
        handler.send_header("Cache-Control", "max-age=60")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except OSError:
            ended.set()
            handler.close_connection = True
    with edge_for(endless, tmp_path, "--cache-memory-mib", "4") as (edge, _):
        connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=20)
        connection.request("GET", "/")
        assert len(connection.getresponse().read(3 * MIB)) == 3 * MIB
        connection.close()
        connection.sock = None
        assert ended.wait(10)
