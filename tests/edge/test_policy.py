# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edge does by policy: expected answers, normalised queries, what is fetched ahead."""
import time

import pytest

from nodes import edge_for
from test_flow import ask, ask_until_held, fresh
from test_slices import counter

PAGE = b"<html>All is well, says the load balancer</html>"


class Moody:
    """An origin that is good, and then answers with `page` and status 200."""

    def __init__(self, cache_control="max-age=1", **page):
        self.cache_control, self.page, self.is_good, self.body = cache_control, page, True, b"music" * 400

    def __call__(self, handler):
        if self.is_good:
            handler.say(200, self.body, Cache_Control=self.cache_control, Content_Type="audio/mp4")
        else:
            handler.say(200, **{"Content_Type": "audio/mp4", "Cache_Control": "max-age=60", **self.page})


@pytest.mark.parametrize("rule, page", [
    ("/m/ type=audio/", {"body": PAGE * 40, "Content_Type": "text/html"}),
    ("/m/ min=1000", {"body": PAGE}),
    ("/m/ without=<html", {"body": PAGE * 40})])
def test_an_error_page_with_status_200_is_an_error(tmp_path, rule, page):
    moody = Moody(**page)
    with edge_for(moody, tmp_path, "--edge-expect", rule, "--edge-stale-s", "60") as (edge, origin):
        ask_until_held(edge, path="/m/1")
        moody.is_good = False
        time.sleep(1.2)
        stale, other = ask(edge, path="/m/1"), ask(edge, path="/m/2")
        assert (stale.status, stale.body) == (200, moody.body) and "hit" in stale.headers["Cache-Status"]
        assert other.status == 502 and "not-as-expected" in other.headers["Cache-Status"]
        assert ask(edge, path="/x").body == page["body"]  # the rule is about another path
        assert counter(edge, "edge_not_expected_total") >= 2
        moody.is_good = True
        assert ask(edge, path="/m/2").body == moody.body  # nothing of it was kept


def test_what_is_as_expected_comes_however_large(tmp_path):
    moody = Moody("max-age=60")
    moody.body = b"music" * 400000
    with edge_for(moody, tmp_path, "--edge-expect", "/ type=audio/mp4 min=1000 without=<html") as (edge, _):
        assert ask(edge, path="/m/1").body == moody.body
        assert ask(edge, "HEAD", path="/m/2").status == 200


def test_a_rule_that_says_nothing_is_refused(tmp_path):
    with pytest.raises(AssertionError), edge_for(fresh(), tmp_path, "--edge-expect", "/m/ kind=audio"):
        pass


def test_queries_that_mean_the_same_are_one_object(tmp_path):
    flags = ("--edge-drop-query", "utm_*,fbclid", "--edge-sort-query", "1")
    with edge_for(fresh(), tmp_path, *flags) as (edge, origin):
        ask_until_held(edge, path="/a?b=2&a=1")
        for path in ("/a?a=1&b=2", "/a?utm_source=x&a=1&b=2&fbclid=y"):
            assert "hit" in ask(edge, path=path).headers["Cache-Status"]
        assert {path for _, path, _ in origin.seen} == {"/a?a=1&b=2"}


def test_by_default_queries_stay_as_they_are(tmp_path):
    with edge_for(fresh(), tmp_path) as (edge, origin):
        for path in ("/a?b=2&a=1", "/a?a=1&b=2", "/a?a=1&b=2&utm_source=x"):
            ask(edge, path=path)
        assert [path for _, path, _ in origin.seen] == ["/a?b=2&a=1", "/a?a=1&b=2", "/a?a=1&b=2&utm_source=x"]


def test_reloads_are_ignored_where_policy_says_so(tmp_path):
    with edge_for(fresh(), tmp_path, "--edge-ignore-reload", "1") as (edge, origin):
        ask_until_held(edge)
        assert "hit" in ask(edge, Cache_Control="no-cache").headers["Cache-Status"] and len(origin.seen) <= 2


class Segments:
    """Segments 0 to `last` of any track; then 404."""

    def __init__(self, last=5, size=20000, delay=0.0):
        self.last, self.size, self.delay = last, size, delay

    def __call__(self, handler):
        number = int(handler.path.split("?")[0].rsplit("/", 1)[1].split(".")[0])
        time.sleep(self.delay)
        if number > self.last:
            handler.say(404, b"none")
        else:
            handler.say(200, b"%09d" % number * (self.size // 9), Cache_Control="max-age=600")


def play(edge, track, count, pause=0.1, ahead=0):
    """How many segments were not there when they were asked for; `ahead`: how many are fetched ahead meanwhile."""
    missed, before, deadline = 0, counter(edge, "prefetches_total"), time.monotonic() + 20
    for number in range(count):
        answer = ask(edge, path=f"/m/{track}/{number}.m4s?g=1")
        assert answer.status == 200
        missed += "hit" not in answer.headers["Cache-Status"]
        time.sleep(pause)
        while counter(edge, "prefetches_total") - before < min(number + 1, ahead) and time.monotonic() < deadline:
            time.sleep(0.05)
    return missed


def test_the_next_segment_is_there_before_it_is_asked_for(tmp_path):
    with edge_for(Segments(), tmp_path) as (edge, origin):
        assert play(edge, "a", 6, ahead=5) == 1
        time.sleep(0.5)
        assert [path for _, path, _ in origin.seen] == [f"/m/a/{n}.m4s?g=1" for n in range(7)]
        assert play(edge, "a", 6) == 0 and len(origin.seen) == 7  # nor is the end asked for again
        assert counter(edge, "prefetches_total") == counter(edge, "prefetches_used_total") == 5


@pytest.mark.slow
def test_who_asks_for_what_is_fetched_ahead_shares_it(tmp_path):
    with edge_for(Segments(delay=0.3), tmp_path) as (edge, origin):
        assert play(edge, "a", 6, pause=0) >= 1
        time.sleep(0.5)
        assert len(origin.seen) == 7


def test_what_is_fetched_ahead_stays_within_its_budget(tmp_path):
    with edge_for(Segments(size=200000), tmp_path, "--edge-prefetch-kib-s", "5", "--edge-prefetch-at-once", "1") as (edge, origin):
        for track in range(8):
            ask(edge, path=f"/m/{track}/0.m4s")
        time.sleep(0.5)
        assert counter(edge, "prefetches_total") == 1 and counter(edge, "prefetches_refused_total") >= 6


def test_what_nobody_comes_for_is_bounded(tmp_path):
    with edge_for(Segments(size=600000), tmp_path, "--edge-prefetch-unused-mib", "1") as (edge, _):
        for track in range(6):
            ask(edge, path=f"/m/{track}/0.m4s")
            time.sleep(0.3)
        assert counter(edge, "prefetches_total") == 2


@pytest.mark.parametrize("flags", [("--edge-prefetch-kib-s", "0"), ("--edge-prefetch", "/seg-{n}.ts")])
def test_nothing_is_fetched_ahead_without_budget_or_pattern(tmp_path, flags):
    with edge_for(Segments(), tmp_path, *flags) as (edge, origin):
        assert play(edge, "a", 3) == 3 and len(origin.seen) == 3
