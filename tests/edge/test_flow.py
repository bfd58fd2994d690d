# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edge does that the public suite does not ask about."""
import concurrent.futures
import http.client
import socket
import subprocess
import threading
import time

import pytest

from nodes import SOSTENUTO, Edge, Origin, edge_for

LARGE = bytes(range(256)) * 20000  # 5 MB


def ask(edge, method="GET", path="/", body=None, **fields):
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})
    answer = connection.getresponse()
    answer.body = answer.read()
    connection.close()
    return answer


def ask_until_held(edge, **fields):
    """A body is at its client's a moment before its end is the store's."""
    deadline = time.monotonic() + 5
    while not (answer := ask(edge, **fields)).headers["Cache-Status"].startswith("sostenuto; hit"):
        assert time.monotonic() < deadline, answer.headers["Cache-Status"]
    return answer


def fresh(body=b"hello", **fields):
    return lambda handler: handler.say(200, body, Cache_Control="max-age=60", **fields)


def test_cache_status_tells_a_miss_from_a_hit(tmp_path):
    with edge_for(fresh(), tmp_path) as (edge, origin):
        first, second = ask(edge), ask(edge)
        assert "fwd=uri-miss" in first.headers["Cache-Status"] and "stored" in first.headers["Cache-Status"]
        assert second.headers["Cache-Status"].startswith("sostenuto; hit; ttl=")
        assert (first.body, second.body, len(origin.seen)) == (b"hello", b"hello", 1)
        assert second.headers["Age"] is not None and first.headers["Date"] == second.headers["Date"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_any_method_goes_on_with_its_body_and_fields(tmp_path, method):
    with edge_for(lambda handler: handler.say(201, handler.body, X_Seen=handler.headers["X-Any"]), tmp_path) as (edge, origin):
        answer = ask(edge, method, "/a?b=%zz&c", b"body", X_Any="1", Connection="X-Hop", X_Hop="2")
        assert (answer.status, answer.body, answer.headers["X-Seen"]) == (201, b"body", "1")
        seen_method, path, fields = origin.seen[0]
        assert (seen_method, path) == (method, "/a?b=%zz&c")
        assert fields["Host"] == f"127.0.0.1:{edge.port}" and "X-Hop" not in fields and "Via" in fields


def test_a_large_body_is_passed_whole_and_kept_whole(tmp_path):
    with edge_for(fresh(LARGE, ETag='"a"'), tmp_path) as (edge, origin):
        assert ask(edge).body == LARGE and ask(edge).body == LARGE
        part = ask(edge, Range="bytes=1000000-3000000")
        assert (part.status, part.body) == (206, LARGE[1000000:3000001])
        assert part.headers["Content-Range"] == f"bytes 1000000-3000000/{len(LARGE)}"
        assert ask(edge, Range="bytes=99999999-").status == 416
        assert len(origin.seen) == 1


def test_a_body_of_unknown_length_is_kept_too(tmp_path):
    def chunked(handler):
        handler.send_response(200)
        handler.send_header("Cache-Control", "max-age=60")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in (b"a" * 1000, b"b" * 70000):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")
    with edge_for(chunked, tmp_path) as (edge, origin):
        for _ in range(2):
            assert ask(edge).body == b"a" * 1000 + b"b" * 70000
        assert len(origin.seen) == 1


def test_a_body_that_breaks_off_is_cut_and_not_kept(tmp_path):
    def cut(handler):
        handler.send_response(200)
        handler.send_header("Cache-Control", "max-age=60")
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"x" * 100)
        handler.close_connection = True
    with edge_for(cut, tmp_path) as (edge, origin):
        for _ in range(2):
            with pytest.raises(http.client.IncompleteRead):
                ask(edge)
        assert len(origin.seen) >= 2


def test_many_who_ask_for_one_cold_object_are_one_request(tmp_path):
    def slowly(handler):
        time.sleep(0.3)
        handler.say(200, LARGE, Cache_Control="max-age=60")
    with edge_for(slowly, tmp_path, "--loops", "4") as (edge, origin):
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            bodies = [future.result().body for future in [pool.submit(ask, edge) for _ in range(40)]]
        assert all(body == LARGE for body in bodies) and len(origin.seen) == 1


def test_a_client_that_leaves_does_not_end_it_for_others(tmp_path):
    go_on = threading.Event()

    def in_two(handler):
        handler.send_response(200)
        handler.send_header("Cache-Control", "max-age=60")
        handler.send_header("Content-Length", str(len(LARGE)))
        handler.end_headers()
        handler.wfile.write(LARGE[:100000])
        go_on.wait(10)
        handler.wfile.write(LARGE[100000:])
    with edge_for(in_two, tmp_path) as (edge, origin):
        with socket.create_connection(("127.0.0.1", edge.port)) as leaver:
            leaver.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % edge.port)
            assert leaver.recv(100)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            other = pool.submit(ask, edge)
            time.sleep(0.2)
            go_on.set()
            assert other.result().body == LARGE
        assert len(origin.seen) == 1


@pytest.mark.parametrize("told", ["bytes 4-8/*", "bytes 4-9/10"])
def test_a_part_that_joins_no_other_answers_the_same_question_alone(tmp_path, told):
    """Of a whole of unknown length; or of five bytes where its place has six: it is given again as it came, or not at all."""
    def answer(handler):
        wanted = handler.headers["Range"] and "If-Range" not in handler.headers
        if wanted and handler.command == "GET":
            handler.say(206, b"01234", Cache_Control="max-age=60", ETag='"a"', Content_Range=told)
        else:
            handler.say(200, b"whole", Cache_Control="max-age=60, no-store", ETag='"a"')
    with edge_for(answer, tmp_path) as (edge, origin):
        for wanted in ("bytes=-5", "bytes=4-9"):
            first, again = ask(edge, Range=wanted), ask_until_held(edge, Range=wanted)
            for part in (first, again):
                assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"01234", told)
            seen = len(origin.seen)
            assert "hit" in ask(edge, Range=wanted).headers["Cache-Status"] and len(origin.seen) == seen
            assert ask(edge, Range=wanted, If_None_Match='"a"').status == 304 and len(origin.seen) == seen
            for method, fields in (("GET", {"Range": f"bytes=5-{seen + 5}"}), ("GET", {"Range": wanted, "If-Range": '"a"'}),
                                   ("HEAD", {"Range": wanted}), ("GET", {})):
                other = ask(edge, method, **fields)
                assert "hit" not in other.headers["Cache-Status"], (method, fields)
            assert other.body == b"whole"
            assert "hit" in ask(edge, Range=wanted).headers["Cache-Status"]


def test_a_part_that_joins_no_other_takes_the_place_of_nothing(tmp_path):
    body = bytes(range(100))

    def answer(handler):
        if handler.headers["Range"] == "bytes=-50":
            handler.say(206, body[50:], Cache_Control="max-age=60", ETag='"a"', Content_Range="bytes 50-99/100")
        else:
            handler.say(206, body[:9], Cache_Control="max-age=60", ETag='"a"', Content_Range="bytes 0-9/100")
    with edge_for(answer, tmp_path, "--edge-slice-kib", "0") as (edge, origin):
        ask_until_held(edge, Range="bytes=-50")
        ask(edge, Range="bytes=0-9")
        assert "hit" in ask(edge, Range="bytes=60-69").headers["Cache-Status"]
        assert "hit" not in ask(edge, Range="bytes=0-9").headers["Cache-Status"]


def test_variants_live_side_by_side(tmp_path):
    def by_language(handler):
        handler.say(200, handler.headers["Accept-Language"].encode(), Cache_Control="max-age=60", Vary="Accept-Language")
    with edge_for(by_language, tmp_path) as (edge, origin):
        for language in ("en", "de", "en", "de", "EN"):
            assert ask(edge, Accept_Language=language).body.lower() == language.lower().encode()
        assert ask(edge, Accept_Language="EN").headers["Cache-Status"].startswith("sostenuto; hit")


def test_an_unsafe_request_makes_what_is_held_stale(tmp_path):
    bodies = iter([b"one", b"", b"two"])
    with edge_for(lambda handler: handler.say(200, next(bodies), Cache_Control="max-age=60"), tmp_path) as (edge, _):
        assert ask(edge).body == b"one"
        assert ask(edge, "POST", body=b"x").status == 200
        assert ask(edge).body == b"two"


def test_only_if_cached_never_asks(tmp_path):
    with edge_for(fresh(), tmp_path) as (edge, origin):
        assert ask(edge, Cache_Control="only-if-cached").status == 504 and not origin.seen


def test_head_is_answered_from_a_stored_get(tmp_path):
    with edge_for(fresh(), tmp_path) as (edge, origin):
        ask_until_held(edge)
        head = ask(edge, "HEAD")
        assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "5") and len(origin.seen) == 1


def test_what_is_held_helps_when_the_origin_is_gone(tmp_path):
    with edge_for(lambda handler: handler.say(200, b"held", Cache_Control="max-age=1", ETag='"a"', Connection="close"), tmp_path) as (edge, origin):
        assert ask_until_held(edge).body == b"held"
        time.sleep(1.2)
        origin.shutdown()
        origin.server_close()
        answer = ask(edge)
        assert (answer.status, answer.body) == (200, b"held") and "hit" in answer.headers["Cache-Status"]
        missing = ask(edge, path="/never")
        assert missing.status == 502 and missing.headers["Content-Type"] == "application/problem+json"


def test_what_is_held_helps_when_the_origin_fails(tmp_path):
    statuses = iter([200, 503, 500])
    with edge_for(lambda handler: handler.say(next(statuses), b"held", Cache_Control="max-age=0"), tmp_path) as (edge, _):
        assert [ask(edge).body for _ in range(3)] == [b"held"] * 3


def test_its_own_paths_hide_nothing_of_the_origins(tmp_path):
    with edge_for(fresh(b"the origin's"), tmp_path) as (edge, _):
        assert ask(edge, path="/livez").body == b"the origin's"
        assert ask(edge, path="/.sostenuto/livez").body == b"ok\n"
        assert b"sostenuto_" in ask(edge, path="/.sostenuto/metrics").body


@pytest.mark.parametrize("what", [("--url", "{}/a/b"), ("--prefix", "{}/a/"), ("--tag", "blue")])
def test_purging_has_it_asked_for_anew_at_once(tmp_path, what):
    with edge_for(fresh(Cache_Tag="red, blue"), tmp_path) as (edge, origin):
        ask_until_held(edge, path="/a/b")
        subprocess.run([SOSTENUTO, "edge", "purge", what[0], what[1].format(edge.url), "--data", tmp_path], check=True,
                       stdout=subprocess.DEVNULL, timeout=20)
        before = len(origin.seen)
        assert "fwd=stale" in ask(edge, path="/a/b").headers["Cache-Status"] and len(origin.seen) == before + 1


def test_a_purge_costs_the_same_however_much_it_is_about_and_what_is_purged_still_helps(tmp_path):
    with edge_for(fresh(Connection="close"), tmp_path) as (edge, origin):
        paths = [f"/a/{i}" for i in range(100)]
        for path in paths:
            ask_until_held(edge, path=path)
        ask_until_held(edge, path="/b")
        purges, seen = tmp_path / "cache" / "purges", len(origin.seen)
        before = purges.stat().st_size
        subprocess.run([SOSTENUTO, "edge", "purge", "--prefix", f"{edge.url}/a/", "--data", tmp_path], check=True,
                       stdout=subprocess.DEVNULL, timeout=20)
        assert purges.stat().st_size == before + 24, "one record, and no object is touched"
        assert all("fwd=stale" in ask(edge, path=path).headers["Cache-Status"] for path in paths[:50])
        assert len(origin.seen) == seen + 50 and "hit" in ask(edge, path="/b").headers["Cache-Status"]
        origin.shutdown()
        origin.server_close()
        for path in paths[50:]:
            assert (ask(edge, path=path).status, ask(edge, path=path).body) == (200, b"hello")


def test_nobody_purges_by_http(tmp_path):
    """A method that the origin refuses changes nothing (RFC 9111 4.4), whatever other caches take it for."""
    with edge_for(lambda handler: handler.say(200 if handler.command == "GET" else 405, b"hello", Cache_Control="max-age=60"),
                  tmp_path) as (edge, origin):
        origin.RequestHandlerClass.do_PURGE = origin.RequestHandlerClass.do_BAN = origin.RequestHandlerClass.do_GET
        ask_until_held(edge)
        for method, path in (("PURGE", "/"), ("BAN", "/"), ("POST", "/.sostenuto/purge"), ("PURGE", "/.sostenuto/purge")):
            assert ask(edge, method, path).status in (404, 405), (method, path)
        assert "hit" in ask(edge).headers["Cache-Status"]
        assert {"PURGE", "BAN"} <= {method for method, _, _ in origin.seen}


def test_interim_answers_go_on_to_who_asked(tmp_path):
    def hinting(handler):
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x.css>; rel=preload\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n")
        handler.say(200, b"hello", Cache_Control="max-age=60")
    with edge_for(hinting, tmp_path) as (edge, origin):
        request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % edge.port
        hints, _, answer = raw(edge, request).partition(b"\r\n\r\n")
        assert hints.startswith(b"HTTP/1.1 103 ") and b"Link: </x.css>; rel=preload" in hints and b"X-Hop" not in hints
        assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"hello")
        ask_until_held(edge)
        assert raw(edge, request).startswith(b"HTTP/1.1 200 ") and len(origin.seen) == 1


@pytest.mark.parametrize("targeted, is_kept", [("max-age=60", True), ("no-store", False)])
def test_what_is_said_to_caches_like_this_one_goes_before_what_is_said_to_all(tmp_path, targeted, is_kept):
    """RFC 9213: CDN-Cache-Control."""
    common = "no-store" if is_kept else "max-age=60"
    with edge_for(lambda handler: handler.say(200, b"hello", Cache_Control=common, CDN_Cache_Control=targeted), tmp_path) as (edge, origin):
        answer = ask_until_held(edge) if is_kept else [ask(edge), ask(edge)][1]
        assert ("hit" in answer.headers["Cache-Status"]) == is_kept
        assert answer.headers["Cache-Control"] == common and len(origin.seen) == (1 if is_kept else 2)


def test_what_it_held_it_holds_after_its_end(tmp_path):
    with Origin(fresh(LARGE, ETag='"a"', Connection="close")) as origin:
        with Edge(origin.url, tmp_path) as edge:
            assert ask_until_held(edge, Host="music.example").body == LARGE
        origin.shutdown()
        origin.server_close()
        with Edge(origin.url, tmp_path) as edge:
            answer = ask(edge, Host="music.example")
            assert (answer.status, answer.body) == (200, LARGE)


def raw(edge, request):
    with socket.create_connection(("127.0.0.1", edge.port), timeout=10) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_trailers_of_what_is_passed_on_go_along(tmp_path):
    def with_trailers(handler):
        handler.send_response(200)
        handler.send_header("Cache-Control", "no-store")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        said = handler.headers["TE"] or "nothing"
        handler.wfile.write(b"5\r\nhello\r\n0\r\nX-Sum: 42\r\nX-Te: %s\r\nContent-Length: 9\r\n\r\n" % said.encode())
    with edge_for(with_trailers, tmp_path) as (edge, _):
        wants = raw(edge, b"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n")
        assert wants.endswith(b"5\r\nhello\r\n0\r\nX-Sum: 42\r\nX-Te: trailers\r\n\r\n"), wants
        does_not = raw(edge, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert does_not.endswith(b"hello\r\n0\r\n\r\n"), does_not


def test_answers_are_counted(tmp_path):
    def answer(handler):
        handler.say(200, b"12345", Cache_Control="no-store" if handler.path == "/pass" else "max-age=60")
    with edge_for(answer, tmp_path) as (edge, origin):
        ask_until_held(edge)
        ask(edge, path="/pass")
        ask(edge, path="/none", Cache_Control="only-if-cached")
        told = ask(edge, path="/.sostenuto/metrics").body.decode()
        for name in ("hits", "misses", "passes", "refused"):
            assert f"\nsostenuto_edge_{name}_total 1\n" in told or name in ("hits", "misses"), name
        for name in ("hit", "miss", "pass"):
            assert int(told.split(f"\nsostenuto_edge_{name}_bytes_total ")[1].split()[0]) >= 5
