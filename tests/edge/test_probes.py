# SPDX-License-Identifier: GPL-3.0-or-later
"""Origins are asked how they are while nobody asks for anything, and what they say is seen."""
import json
import re
import subprocess
import time
import urllib.request

import pytest

from asked import SOSTENUTO, edge_before
from moods import Origin

FLAGS = ["--origin-probe", "/livez?deep=1", "--probe-interval-ms", "200"]


def wait_until(holds, seconds=10):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def status(edge):
    done = subprocess.run([SOSTENUTO, "status", "--json", "--data", edge.data], capture_output=True, text=True, check=True, timeout=20)
    return json.loads(done.stdout)["origins"]


def metric(edge, name, origin):
    with urllib.request.urlopen(f"{edge.url}/.sostenuto/metrics", timeout=10) as answer:
        return int(re.search(rf'^sostenuto_{name}{{origin="{re.escape(origin.url)}"}} (\d+)', answer.read().decode(), re.M)[1])


def test_nobody_is_asked_unless_it_is_wanted(tmp_path):
    with Origin() as origin, edge_before(tmp_path / "edge", origin.url) as edge:
        time.sleep(0.5)
        assert origin.count() == 0 and status(edge)[0]["probes"] == 0 and metric(edge, "origin_up", origin) == 1


def test_a_good_origin_is_asked_now_and_then(tmp_path):
    with Origin() as origin, edge_before(tmp_path / "edge", origin.url, flags=FLAGS) as edge:
        time.sleep(2)
        assert 8 <= origin.count("/livez?deep=1") <= 22, "every 100 to 200 ms"
        assert origin.count() == origin.count("/livez?deep=1")
        assert status(edge)[0] | {"probes": 0, "probe_us": 0} == {
            "url": origin.url, "alive": True, "failures": 0, "probes": 0, "probe_status": 200, "probe_us": 0}
        assert metric(edge, "origin_probe_status", origin) == 200


@pytest.mark.parametrize("mood", ["503", "refused", "hole"])
@pytest.mark.slow
def test_one_that_dies_in_a_quiet_hour_is_known_to_be_dead_and_then_to_be_back(tmp_path, mood):
    flags = [*FLAGS, "--breaker-failures", "3", "--breaker-probe-ms", "400", "--probe-timeout-ms", "300"]
    with Origin() as dead, Origin() as other:
        with edge_before(tmp_path / "edge", dead.url, other.url, flags=flags) as edge:
            wait_until(lambda: edge.counter("origin_probes_total") > 2)
            dead.become(mood)
            wait_until(lambda: not status(edge)[0]["alive"])
            assert metric(edge, "origin_up", dead) == 0 and metric(edge, "origin_up", other) == 1
            assert edge.counter("origin_probes_failed_total") >= 3
            before = dead.count()
            assert edge.get("/a")[0] == 200 and other.count("/a") == 1, "no listener finds out"
            time.sleep(2)
            assert dead.count() - before <= 6, "at most one in breaker_probe_ms"
            dead.listen() if mood == "refused" else None
            dead.become("good")
            wait_until(lambda: status(edge)[0]["alive"])
            assert edge.get("/b")[0] == 200 and dead.count("/b") == 1


def test_zero_is_no_time_and_a_path_begins_with_a_slash(tmp_path):
    for key, value in [("origin-connect-ms", "0"), ("origin-first-byte-ms", "0"), ("probe-interval-ms", "0"),
                       ("max-tries", "0"), ("origin-connections", "0"), ("origin-probe", "livez"), ("origin-probe", "/a b")]:
        done = subprocess.run([SOSTENUTO, "edge", "--no-supervisor", "--plain", "http://127.0.0.1:1", "--listen", "127.0.0.1:0",
                               "--data", tmp_path, f"--{key}", value], capture_output=True, text=True, timeout=20)
        assert done.returncode != 0 and key.replace("-", "_") in done.stderr.replace("-", "_"), (key, done.stderr)
