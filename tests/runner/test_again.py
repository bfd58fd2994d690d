# SPDX-License-Identifier: GPL-3.0-or-later
"""What failed beside others is asked again by a command that asks just that, and passes only when it should."""
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import again  # noqa: E402
import run as runner  # noqa: E402
from machine import Machine  # noqa: E402

PYTHON = "/usr/bin/python3"
PYTEST = (PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider")

for name in runner.environment(False):
    os.environ.pop(name, None)  # what fails here on purpose is no news of the run that this is a part of

# suite, what its report calls the failure, and what asks it again
COMMANDS = [
    ("player", "segments: wrong again, another rendition takes over without a flaw", ("bash", "-c", "cd player && npm test --silent -- segments")),
    ("player", "nodes: ended with SIGTERM", ("bash", "-c", "cd player && npm test --silent -- nodes")),
    ("http", "ranges.vtc: ranges of a body", ("tests/http/run", "ranges.vtc")),
    ("http", "the tight server drains and exits cleanly", ("tests/http/run",)),
    ("http", "test_slowhttptest.py::test_the_server_keeps_to_its_bounds[slow read]",
     (*PYTEST, "tests/http/test_slowhttptest.py::test_the_server_keeps_to_its_bounds[slow read]")),
    ("system", "tests.system.test_ops::test_it", (*PYTEST, "tests/system/test_ops.py::test_it")),
    ("alone", "tests.system.test_kill::test_it[7]", (*PYTEST, "tests/system/test_kill.py::test_it[7]")),
    ("edge", "tests.edge.test_lies::test_a[/x/../y.test_z::w]", (*PYTEST, "tests/edge/test_lies.py::test_a[/x/../y.test_z::w]")),
    ("fleet", "tests.fleet.test_island.TestPeople::test_it", (*PYTEST, "tests/fleet/test_island.py::TestPeople::test_it")),
    ("drills", "tests.drills.test_drills::test_a_fleet_survives[edge-killed]",
     (*PYTEST, "tests/drills/test_drills.py::test_a_fleet_survives[edge-killed]")),
    ("fuzz", "fuzz_words: see build/fuzz/fuzz_words.log", ("script/fuzz", "0", "fuzz_words")),
    ("tsan", "every answer was right", (PYTHON, "tests/edge/threads.py")),
]
HOPELESS = [("player", "player cannot be built"), ("edge", "edge ended with exit code 124"), ("edge", "::tests.edge.test_lies"),
            ("layers", "io includes api"), ("unit", "unit ended with exit code 1")]
MESON_LOG = """
 1/3 sostenuto:store / test_harm         FAIL            7.79s   11/12 subtests passed
 2/3 sostenuto:edge / test_flight        OK              0.02s   28 subtests passed
 3/3 sostenuto:media / test_pool         TIMEOUT       120.02s   1 subtests passed
not ok 12 - a harmed folder is noticed
"""


@pytest.mark.parametrize("suite,failure,command", COMMANDS)
def test_a_failure_is_asked_again_by_itself(suite, failure, command):
    assert again.command_of(suite, failure, "", PYTHON) == command


@pytest.mark.parametrize("suite,failure", HOPELESS)
def test_what_cannot_be_asked_alone_is_not(suite, failure):
    assert again.asks_of(suite, [failure], "", PYTHON) is None


def test_programs_of_meson_are_found_in_its_table():
    asks = again.asks_of("unit", ["a harmed folder is noticed"], MESON_LOG, PYTHON)
    assert [one.command[2].split()[-2:] for one in asks] == [["test_harm", "test_pool"]] and "build/debug" in asks[0].command[2]
    assert again.asks_of("unit", ["unit ended with exit code 1"], MESON_LOG, PYTHON), "late programs name no claim"
    assert "--suite twins" in again.asks_of("twins", ["a harmed folder is noticed"], MESON_LOG, PYTHON)[0].command[2]


@pytest.mark.parametrize("words", ["==7==ERROR: AddressSanitizer: heap-use-after-free", "WARNING: ThreadSanitizer: data race",
                                   "src/io/loop.c:7:9: runtime error: signed integer overflow", "Assertion `queue' failed."])
def test_a_fault_in_the_program_is_not_forgiven(words):
    assert again.asks_of("edge", ["tests.edge.test_lies::test_a"], words, PYTHON) is None


def test_names_of_other_suites_are_known():
    """A suite that is added says here how it is asked again, or that it is not."""
    assert set(runner.suites(False, pathlib.Path("/tmp"))) == again.PYTEST_SUITES | set(again.MESON) | {"player", "http", "fuzz", "layers"}


def result_of(*failures, passed=0):
    result = runner.Result()
    result.passed, result.failed, result.failures = passed, len(failures), list(failures)
    return result


class Answers:
    """A `run` that answers what it is told, and what it was asked."""

    def __init__(self, *codes):
        self.codes, self.asked = list(codes), []

    def __call__(self, command, log):
        self.asked.append((command[-1], log.name))
        return self.codes.pop(0)


def claims(count):
    return [f"group-{i}: it holds" for i in range(count)]


@pytest.mark.parametrize("failures,codes,wavered", [
    (1, [0], 1),
    (1, [1, 0], 1),
    (1, [1, 1], 0),
    (3, [0, 1, 1, 0], 2),
    (4, [0, 0] * 4, 4),
    (4, [0, 1] + [0, 0] * 3, 3),
    (4, [1] + [0, 0] * 3, 3),
    (7, [], 0),
])
def test_few_need_one_pass_more_need_two_and_many_are_not_asked(tmp_path, failures, codes, wavered):
    results, answers = {"player": result_of(*claims(failures), passed=5)}, Answers(*codes)
    assert len(again.ask(results, PYTHON, answers, tmp_path)) == wavered
    assert answers.codes == [], "as often as needed, and not once more"
    assert (results["player"].passed, results["player"].failed) == (5 + wavered, failures - wavered)
    assert len(results["player"].failures) == failures - wavered
    assert len(set(answers.asked)) == len(answers.asked), "each has a log of its own"


def test_claims_of_one_program_are_one_question(tmp_path):
    results, answers = {"player": result_of(*(f"segments: claim {i}" for i in range(9)))}, Answers(0)
    assert len(again.ask(results, PYTHON, answers, tmp_path)) == 9 and results["player"].failed == 0


def test_one_suite_that_cannot_be_asked_does_not_keep_others_from_it(tmp_path):
    results = {"edge": result_of("edge cannot be built"), "player": result_of("segments: it holds")}
    assert again.ask(results, PYTHON, Answers(0), tmp_path) == ["player: segments: it holds"] and results["edge"].failed == 1


def test_nothing_is_asked_when_the_time_is_up(tmp_path):
    times = iter([0, 1, again.ENOUGH_S + 1])
    results, answers = {"player": result_of(*claims(2))}, Answers(0)
    assert again.ask(results, PYTHON, answers, tmp_path, clock=lambda: next(times)) == ["player: group-0: it holds"]


def test_reports_are_read_as_they_are_written(tmp_path):
    """From a real pytest with a real report to a command that asks again, and the name of the player's claim from real TAP."""
    (tmp_path / "tests" / "edge").mkdir(parents=True)
    (tmp_path / "tests/edge/test_it.py").write_text("import pytest\n@pytest.mark.parametrize('x', ['/a/b c::d', 'ü'])\n"
                                                    "def test_it(x): assert x == 1, 'never one'\n")
    subprocess.run([*PYTEST, "--junit-xml=report.xml", "--rootdir=.", "tests/edge"], cwd=tmp_path, capture_output=True, timeout=60)
    result = runner.Result()
    runner.count_junit(tmp_path / "report.xml", result)
    asks = again.asks_of("edge", result.failures, "", PYTHON)
    assert len(asks) == 2
    for one in asks:
        done = subprocess.run(one.command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert re.search(r"^1 failed", done.stdout, re.M), done.stdout
    tap = tmp_path / "player.log"
    tap.write_text("ok 1 - unit: fine\nnot ok 2 - segments: wrong again, without a flaw\n# {\"found\":[1]}\n1..2\n")
    told = runner.Result()
    runner.count_tap(tap, told)
    assert again.asks_of("player", told.failures, tap.read_text(), PYTHON)[0].command[2].endswith("-- segments")
    assert runner.summary({"player": told, "edge": runner.Result()}) == ['not ok: player: segments: wrong again, without a flaw: {"found":[1]}']
    assert "never one" in runner.summary({"edge": result})[0]


def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path):
    assert runner.run(["bash", "-c", f"sleep 600 & echo $! > {tmp_path}/pid; wait"], tmp_path / "log", timeout=3) == 124
    pid = (tmp_path / "pid").read_text().strip()

    def is_gone():
        try:
            return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    end = time.monotonic() + 30
    while not is_gone() and time.monotonic() < end:
        time.sleep(0.05)
    assert is_gone()


def test_a_machine_that_stood_still_is_told():
    machine = Machine().__enter__()
    machine.__exit__()
    machine.note(1.5)
    assert re.search(r"stood still [1-9]\d* times for over 0.2 s, for \d+\.\d s at most", machine.words()), machine.words()


STARES = """
import os, pathlib, pytest
@pytest.mark.parametrize("fails", [0, 1, 2, 3])
def test_it(fails, tmp_path_factory, request):
    request.config.machine.note = lambda late_s: None
    request.config.machine.longest_s = float(os.environ["LATE_S"])
    request.config.machine.waited = 1e12
    times = pathlib.Path(f"times-{fails}")
    times.write_text(times.read_text() + "x" if times.exists() else "x")
    assert len(times.read_text()) > fails, "too soon"
"""


@pytest.mark.parametrize("late_s,passed,workers", [("1", 3, []), ("0", 1, []), ("1", 3, ["-n", "2"])])
def test_only_on_a_busy_machine_a_test_is_played_again(tmp_path, late_s, passed, workers):
    (tmp_path / "test_it.py").write_text(STARES)
    done = subprocess.run([*PYTEST, "--rootdir=.", *workers, "test_it.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          env={**os.environ, **runner.environment(False), "LATE_S": late_s, "TESTS_WAVERED": str(tmp_path / "wavered")})
    assert f"{4 - passed} failed, {passed} passed" in done.stdout, done.stdout
    told = (tmp_path / "wavered").read_text().splitlines() if passed > 1 else []
    assert len(told) == (5 if passed > 1 else 0) and all("too soon" in line for line in told), told
