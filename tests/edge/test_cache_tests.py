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

NO_SUCH_ANSWER = ("the origin hangs up and says nothing (server/handle-test.mjs), and the suite wants status 200 with a field of its answer, "
                  "Server-Request-Count: 2: nobody can pass.  Newer revisions want that field to be absent")
AGES = ("`0,7200` shall be fresh, but `0, 0`, and two lines `0` and `7200`, stale.  By RFC 9111 5.1 the first member counts, which newer revisions "
        "want of all; here strict reading is on, for nine others")
REQUIRED = {
    "age-parse-prefix": AGES,
    "headers-store-Transfer-Encoding": "an origin's unknown Transfer-Encoding is refused: it could smuggle an answer",
    "stale-close-must-revalidate": NO_SUCH_ANSWER,
    "stale-close-no-cache": NO_SUCH_ANSWER,
    "stale-close-proxy-revalidate": NO_SUCH_ANSWER,
    "stale-close-s-maxage=2": NO_SUCH_ANSWER,
}
BAD_PART = ("its part says `4-9/10` and has five bytes.  It is given again to the very same question, but which bytes they are it does not say: "
            "byte 6 is the third of them if it begins at 4, the second if it ends at 9, and the suite takes it for the former and the latter by turns")
OPTIMAL = {
    "conditional-lm-fresh-no-lm": "without Last-Modified Date is compared (RFC 9111 4.3.2), and the request names a time 50 minutes before it",
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
