# SPDX-License-Identifier: GPL-3.0-or-later
"""The public caching suite (npm http-cache-tests 0.4.5) against an edge, with exact counts.

Each test that does not pass is named here with its reason; one more or one less fails.  A newer revision
of the suite is run by hand: see README.md.
"""
import json
import os
import pathlib
import subprocess
import time

import pytest

from nodes import Edge, free_port

HERE = pathlib.Path(__file__).parent
SUITE = HERE / "npm" / "node_modules" / "http-cache-tests"

NO_SUCH_ANSWER = "the origin hangs up, and the suite wants a field of its answer; mended in newer revisions"
OLD_AGE = "the first member of a list counts (RFC 9111 5.1), but strict reading is on for the other tests of Age"
REQUIRED = {
    "age-parse-prefix": OLD_AGE,
    "headers-store-Transfer-Encoding": "an origin's unknown Transfer-Encoding is refused: it could smuggle an answer",
    "stale-close-must-revalidate": NO_SUCH_ANSWER,
    "stale-close-no-cache": NO_SUCH_ANSWER,
    "stale-close-proxy-revalidate": NO_SUCH_ANSWER,
    "stale-close-s-maxage=2": NO_SUCH_ANSWER,
}
BAD_PART = "its parts say `4-9/10` and have five bytes: what contradicts itself is not kept"
OPTIMAL = {
    "conditional-lm-fresh-no-lm": "304 for a date before the response's own would tell a client to keep what is older",
    "partial-store-partial-reuse-partial": BAD_PART,
    "partial-store-partial-reuse-partial-absent": BAD_PART,
    "partial-store-partial-reuse-partial-byterange": BAD_PART,
    "partial-store-partial-reuse-partial-suffix": BAD_PART,
}
COUNTS = {"required": 157, "optimal": 86}


@pytest.fixture(scope="module")
def suite():
    if not SUITE.exists():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HERE / "npm", check=True,
                       stdout=subprocess.DEVNULL, timeout=120)
    return SUITE


@pytest.fixture
def origin(suite, tmp_path):
    port = free_port()
    environment = {**os.environ, "npm_config_protocol": "http", "npm_config_port": str(port),
                   "npm_config_pidfile": str(tmp_path / "pid")}
    with open(tmp_path / "origin.log", "wb") as log:
        process = subprocess.Popen(["node", "server/server.mjs"], cwd=suite, env=environment, stdout=log, stderr=log)
    deadline = time.monotonic() + 10
    while b"Listening" not in (tmp_path / "origin.log").read_bytes() and time.monotonic() < deadline:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


def ask(suite, url):
    """kind -> {name: verdict}"""
    out = subprocess.run(["node", "--no-warnings", HERE / "cache_tests.mjs", suite, url], check=True,
                         capture_output=True, text=True, timeout=240, cwd=suite).stdout
    verdicts = [json.loads(line) for line in out.splitlines() if line.startswith("[")]
    return {kind: {name: verdict for name, its_kind, verdict in verdicts if its_kind == kind} for kind in COUNTS}


@pytest.mark.slow
def test_the_public_suite_passes_but_for_what_is_named(origin, suite, tmp_path):
    with Edge(origin, tmp_path / "state", "--edge-strict-age", "1", "--breaker-failures", "4000000000",
              "--hedge-percent", "0") as edge:  # a hedged request reads to the suite like a client that asks twice
        first = ask(suite, edge.url)
        assert {kind: len(verdicts) for kind, verdicts in first.items()} == COUNTS
        for kind, excused in (("required", REQUIRED), ("optimal", OPTIMAL)):
            missed = {name for name, verdict in first[kind].items() if verdict != "pass"}
            if missed - set(excused):  # lifetimes of a second pass by on a busy machine: what is missed twice is missed
                again = ask(suite, edge.url)[kind]
                print("missed once:", sorted(missed - set(excused)))
                missed = {name for name in missed if again[name] != "pass"}
            assert sorted(missed) == sorted(excused)
