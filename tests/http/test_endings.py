# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes before an answer and after it: early hints (103) and trailers."""
import shutil
import subprocess

import pytest

from h2_client import INTERNAL_ERROR, Client
from site_server import Site, get
from test_site import certificate  # noqa: F401 (a fixture)


@pytest.fixture(scope="module")
def site():
    with Site() as site:
        yield site


def test_hints_come_before_the_answer(site):
    first, second, body = site.ask(get("/hints")).split(b"\r\n\r\n")
    assert first.splitlines() == [b"HTTP/1.1 103 Early Hints", b"Link: </a.css>; rel=preload; as=style",
                                  b"Link: </b.js>; rel=modulepreload"]
    assert second.startswith(b"HTTP/1.1 200 OK\r\n") and b"Link" not in second and body == b"page"


def test_http_1_0_gets_no_hints(site):
    assert site.ask(b"GET /hints HTTP/1.0\r\nHost: h\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")


def test_pipelined_answers_keep_their_hints(site):
    answer = site.ask(b"GET /hints HTTP/1.1\r\nHost: h\r\n\r\n" * 3 + get("/hello"))

    assert answer.count(b"HTTP/1.1 103") == 3 and answer.count(b"HTTP/1.1 200") == 4


@pytest.mark.skipif(not shutil.which("nghttp"), reason="needs nghttp")
def test_hints_over_http_2(certificate):
    with Site("--tls", *certificate) as site:
        done = subprocess.run(["nghttp", "-nv", f"https://127.0.0.1:{site.port}/hints"], capture_output=True, text=True,
                              timeout=20)
        assert done.stdout.index(":status: 103") < done.stdout.index(":status: 200"), done.stdout


def test_the_trailer_says_how_a_stream_ended(site):
    whole = site.ask(get("/pipe?size=3000&end=whole", "TE: trailers"))
    assert b"\r\nTrailer: Sostenuto-End\r\n" in whole and whole.endswith(b"0\r\nSostenuto-End: complete\r\n\r\n")
    cut = site.ask(get("/pipe?size=3000&end=cut", "TE: gzip, trailers;q=0.5"))
    assert cut.endswith(b"0\r\nSostenuto-End: error\r\n\r\n")


def test_without_asking_a_failed_stream_is_cut_and_a_whole_one_ends(site):
    cut = site.ask(get("/pipe?size=3000&end=cut"))
    assert b"Trailer" not in cut and cut.endswith(b"x\r\n") and cut.count(b"x") >= 3000
    assert site.ask(get("/pipe?size=3000&end=whole")).endswith(b"\r\n0\r\n\r\n")


def test_after_a_failed_stream_the_connection_is_closed(site):
    answer = site.ask(b"GET /pipe?end=cut HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n" + get("/hello"))
    assert answer.endswith(b"Sostenuto-End: error\r\n\r\n") and answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("end, says", [("whole", "complete"), ("cut", "error")])
def test_the_trailer_over_http_2(site, end, says):
    with Client(site) as client:
        for size in (3000, 0, 70000, 3000):  # again and again on one connection: HPACK's tables agree
            answer = client.get(f"/pipe?size={size}&end={end}", ("te", "trailers"))
            assert answer.fields["trailer"] == "sostenuto-end" and answer.trailers == {"sostenuto-end": says}
            assert answer.ended and answer.reset is None and len(answer.body) == size


def test_over_http_2_who_does_not_ask_gets_a_reset_or_an_end(site):
    with Client(site) as client:
        whole, cut = client.get("/pipe?size=3000&end=whole"), client.get("/pipe?size=3000&end=cut")
        assert whole.ended and whole.trailers is None and "trailer" not in whole.fields
        assert cut.reset == INTERNAL_ERROR and not cut.ended and cut.trailers is None
        assert client.get("/hello").body == b"hello"


def test_trailers_of_a_request_are_read_over_within_a_limit(site):
    head = b"POST /echo/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
    answer = site.ask(head + b"X-Sum: 1\r\nContent-Length: 7\r\n\r\n")
    assert b"body=3 abc" in answer
    assert site.ask(head + b"X: " + b"y" * 9000 + b"\r\n\r\n").startswith(b"HTTP/1.1 400")
