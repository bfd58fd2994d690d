# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edge asks of its origins, and takes from them, has bounds: each holds, is counted, and would be missed."""
import http.client
import threading
import time

import pytest

from asked import edge_before
from nodes import Origin

PATHS = [f"/object{i}" for i in range(12)]


class Slow:
    """Answers after a while; how many it was asked at once."""

    def __init__(self, seconds):
        self.seconds, self.now, self.most, self.lock = seconds, 0, 0, threading.Lock()

    def __call__(self, handler):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self.lock:
            self.now -= 1
        handler.say(200, b"fine")


def many_fields(handler):
    handler.say(200, b"fine", **{f"X_{i}": "y" for i in range(60)})


class Deaf:
    """Hangs up the first four times."""

    def __init__(self):
        self.asked = 0

    def __call__(self, handler):
        self.asked += 1
        if self.asked > 4:
            handler.say(200, b"fine")
        handler.close_connection = True


def statuses(edge, _):
    return [answer[0] for answer in edge.get_all(PATHS)]


def one_status(edge, _):
    return edge.get("/object")[0]


def put(edge, _):
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=20)
    connection.request("PUT", "/object", b"x" * 5000, {"Host": "music.example"})
    status = connection.getresponse().status
    connection.close()
    return status


def most_at_once(edge, answer):
    assert statuses(edge, answer) == [200] * len(PATHS), "who waits is served"
    return answer.most


# guard: (flags, how the origin answers, what is measured, within the bound, without it, its counter)
BOUNDS = {
    "origin-connections": (["--origin-connections", "3"], lambda: Slow(0.1), most_at_once, lambda most: most <= 3, None),
    "origin-waiting": (["--origin-connections", "1", "--origin-waiting", "3"], lambda: Slow(0.1), statuses,
                       lambda got: got.count(200) == 4 and set(got) <= {200, 502, 503}, "origin_full_total"),
    "origin-times": (["--origin-first-byte-ms", "300", "--origin-deadline-ms", "1000"], lambda: Slow(2), one_status,
                     lambda status: status == 504, "origin_timeouts_total"),
    "origin-headers": (["--origin-header-fields", "20"], lambda: many_fields, one_status, lambda status: status == 502, "origin_malformed_total"),
    "tries": (["--max-tries", "2", "--retry-backoff-ms", "1"], Deaf, one_status, lambda status: status == 502,
              "fetches_failed_total"),
    "flights": (["--max-flights", "3"], lambda: Slow(0.3), statuses, lambda got: got.count(200) == 3 and got.count(503) == 9,
                "flights_full_total"),
    "edge-body": (["--edge-body-bytes", "1000"], lambda: lambda handler: handler.say(200, b"fine"), put,
                  lambda status: status == 413, None),
}
ALL = ["--loops", "1", "--breaker-failures", "1000000", "--hedge-percent", "0"]


def measure(folder, guard, **how):
    flags, make, measured, holds, counter = BOUNDS[guard]
    answer = make()
    with Origin(answer) as origin, edge_before(folder / "edge", origin.url, flags=[*ALL, *flags], **how) as edge:
        got = measured(edge, answer)
        return holds(got), got, edge.counter(counter) if counter else None


@pytest.mark.parametrize("guard", BOUNDS)
def test_a_bound_holds_and_is_counted(tmp_path, guard):
    holds, got, counted = measure(tmp_path, guard)
    assert holds, got
    assert counted is None or counted > 0


@pytest.mark.parametrize("guard", BOUNDS)
def test_it_does_not_hold_without_its_guard(tmp_path, guard):
    holds, got, _ = measure(tmp_path, guard, guards_off=guard)
    assert not holds, got


def test_an_honest_client_lives_with_all_of_them(tmp_path):
    flags = [*ALL, "--origin-connections", "3", "--origin-waiting", "20", "--max-flights", "20", "--origin-first-byte-ms", "1000",
             "--edge-body-bytes", "5000"]
    with Origin(Slow(0.1)) as origin, edge_before(tmp_path / "edge", origin.url, flags=flags) as edge:
        assert statuses(edge, None) == [200] * len(PATHS) and put(edge, None) == 200
        for name in ("origin_full_total", "origin_timeouts_total", "origin_malformed_total", "flights_full_total", "fetches_failed_total"):
            assert edge.counter(name) == 0
