#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the suites and adds them up.  The last line is "N passed, N failed".

usage: tests/run.py [--quick] [SUITE...]

A suite is a command whose tests are counted from TAP lines ("ok 1 - ...", "not ok 2 - ...") or from pytest's JUnit
report.  A suite that ends badly without naming a failed test counts as one failure, so nothing can fail unseen.

What compiles or computes has the machine for itself.  Suites that mostly wait (for time-outs, for music that plays) run
beside each other (LANES), and within some of them a few tests at a time (pytest-xdist).  Of those that fail beside others
a few are asked again alone (again.py).  The end says how busy the machine was (machine.py), and names each failure with its
reason, so that the last lines of a log tell what happened.
"""
import concurrent.futures
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import again
from machine import Machine

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"
# Lanes run at the same time, the suites of a lane one after another; a suite in no lane is alone.
LANES = [("http", "system", "fleet"), ("player", "fuzz", "formats", "edge", "api")]
AT_ONCE = {"system": 2, "fleet": 2, "drills": 3}  # of a suite that mostly waits itself
TAP_LINE = re.compile(r"^\s*(?:\d+/\d+ .*?)?(not )?ok \d+\b(?!.*# SKIP)(.*)$")


class Result:
    def __init__(self):
        self.passed, self.failed, self.skipped, self.failures = 0, 0, 0, []
        self.reasons = {}  # of a failure: the first words of its report


cpu_s = {}  # name of a log -> processor time of what was run, with its children


def run(command, log, env=None, timeout=1500):
    """Runs a command with its output in a file; returns its exit code (124 when it took too long)."""
    with open(log, "wb") as out:
        child = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 env={**os.environ, **(env or {})}, start_new_session=True)
        end = time.monotonic() + timeout
        try:
            while time.monotonic() < end:
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
                if pid:
                    cpu_s[log.name] = usage.ru_utime + usage.ru_stime
                    child.returncode = os.waitstatus_to_exitcode(status)
                    return child.returncode
                time.sleep(0.05)
            return 124
        finally:
            if child.returncode is None:  # with all that it started: nothing of it may disturb the others
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def count_tap(log, result):
    lines = log.read_text(errors="replace").splitlines()
    for line, after in zip(lines, [*lines[1:], ""]):
        match = TAP_LINE.match(line)
        if not match:
            if re.match(r"^\s*(not )?ok \d+.*# SKIP", line):
                result.skipped += 1
            continue
        if match.group(1):
            result.failed += 1
            result.failures.append(match.group(2).strip(" -"))
            if after.lstrip().startswith("#"):
                result.reasons[result.failures[-1]] = after.strip(" #")
        else:
            result.passed += 1


def count_junit(report, result):
    if not report.exists():
        return
    for case in ElementTree.parse(report).iter("testcase"):
        report_of = [found for found in (case.find("failure"), case.find("error")) if found is not None]
        if report_of:
            result.failed += 1
            result.failures.append(f"{case.get('classname')}::{case.get('name')}")
            result.reasons[result.failures[-1]] = report_of[0].get("message", "")
        elif case.find("skipped") is not None:
            result.skipped += 1
        else:
            result.passed += 1


PROGRAMS = ("sostenuto", "sostenuto-media")
# What is used of each kind of build; what is not named here is built whole.
TARGETS = {
    "release": (*PROGRAMS, "tests/kill/kill_campaign", "tests/unit/media/media_tool", "tests/unit/media/drill_worker",
                "tests/unit/media/test_pool_media", "tests/unit/test_cache_million_store"),
    "drills": (*PROGRAMS, "sostenuto-ear", "tests/http/http_test_server", "tests/edge/fault_proxy", "twins"),
    "tsan": (*PROGRAMS, "meson-test-prereq"),
}


def build(kind):
    return ["script/build", kind, *TARGETS.get(kind, ())]


def meson_tests(kind, names=""):
    """Tests that meson knows in a build, all or those named; their TAP is in meson's log."""
    return ["bash", "-c", f"meson test -C build/{kind} --no-rebuild --num-processes 3 {names}; code=$?; "
                          f"cat build/{kind}/meson-logs/testlog.txt; exit $code"]


def both(first, second):
    """The second one whatever the first did."""
    return ["bash", "-c", f"{shlex.join(first)}; code=$?; {shlex.join(second)} || code=1; exit $code"]


def pytest(folder, report, quick, mark=None):
    marks = [mark] * bool(mark) + ["not slow"] * quick
    command = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", folder]
    at_once = AT_ONCE.get(report.stem)
    return command + (["-n", str(at_once), "--dist", "load"] if at_once else []) + (["-m", " and ".join(marks)] if marks else [])


def suites(quick, logs):
    """name -> (commands, how to count).  The order is from fast to slow; builds come with their first user."""
    def tap(*commands):
        return list(commands), "tap"

    def junit(name, folder, mark=None):
        return [pytest(folder, logs / f"{name}.xml", quick, mark)], "junit"

    table = {
        "layers": tap([PYTHON, "tests/layers.py"]),
        "runner": junit("runner", "tests/runner"),
        "unit": tap(build("debug"), meson_tests("debug")),
        # the worker's sandbox is as tight as it gets only without sanitizers, and a million objects are as many; quick runs do without
        # this build, and so without the few tests of fleet in another time
        **({} if quick else {"release": tap(build("release"), meson_tests("release", "test_products test_pool test_cache_million"))}),
        "http": tap(["tests/http/run"]),
        "formats": junit("formats", "tests/formats"),
        # in full: with the package installed and started, and with each guard switched off once
        "system": ([*([] if quick else [build("drills"), ["script/package"]]), pytest("tests/system", logs / "system.xml", quick, "not alone")], "junit"),
        "api": junit("api", "tests/api"),
        "fleet": junit("fleet", "tests/fleet"),
        # in full with the public caching suite, exact counts, and each bound of the upstream side without its guard
        "edge": ([*([] if quick else [build("drills")]), pytest("tests/edge", logs / "edge.xml", quick)], "junit"),
        "alone": junit("alone", "tests/system", "alone"),  # what measures time, or takes the whole machine
        "player": tap(["bash", "-c", "cd player && npm test --silent"]),
    }
    if not quick:
        table["tsan"] = tap(build("tsan"), both(meson_tests("tsan"), [PYTHON, "tests/edge/threads.py"]))
        table["clang"] = tap(build("clang"), meson_tests("clang"))
        # whole processes killed and starved while virtual people listen; then without the guards, where it must fail
        table["drills"] = ([build("drills"), pytest("tests/drills", logs / "drills.xml", quick)], "junit")
        # unit tests once more, each without one of its guards
        table["twins"] = tap(build("drills"), meson_tests("drills", "--suite twins"))
        # the corpus only: inventing input is script/fuzz's, so that this suite answers the same each time
        table["fuzz"] = tap(["bash", "-o", "pipefail", "-c", "script/fuzz 0 | sed -u 's/^ok  */ok 1 - /; s/^FAIL /not ok 1 - /'"])
    present = {"http": "tests/http/run", "formats": "tests/formats",
               "system": "tests/system", "api": "tests/api", "fleet": "tests/fleet", "edge": "tests/edge", "player": "player/package.json"}
    return {name: suite for name, suite in table.items() if (ROOT / present.get(name, ".")).exists()}


def build_suite(name, suite, logs, quick):
    """Everything but a suite's last command; the log of what failed, or None."""
    for command in suite[0][:-1]:
        log = logs / f"{name}-build.log"
        if run(command, log, environment(quick)):
            return log
    return None


WAVERED = ROOT / "build" / "test-logs" / "wavered.txt"  # replay.py writes there


def environment(quick):
    return {"TESTS_WAVERED": str(WAVERED), "PYTEST_ADDOPTS": "-p replay", "PYTHONPATH": str(ROOT / "tests"),
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",  # what is undefined is a failure, not a line in a log
            **({"SOSTENUTO_QUICK": "1"} if quick else {})}


def show(name, result, took, log):
    skipped = f", {result.skipped} skipped" if result.skipped else ""
    built = cpu_s.get(f"{name}-build.log")
    used = f"{cpu_s.get(f'{name}.log', 0):.0f} s of a processor" + (f", and {built:.0f} to build" if built else "")
    lines = [f"{name:10} {result.passed:6} passed, {result.failed} failed{skipped}   {took:6.1f} s, {used}"]
    if result.failed:
        lines += [f"           not ok: {failure}" for failure in result.failures[:20]]
        lines += ["           " + line for line in log.read_text(errors="replace").splitlines()[-40:]]
        lines += [f"           whole log: {log}"]
    print("\n".join(lines), flush=True)


def summary(results):
    """All failures, a line each: the last thing that is said."""
    lines = []
    for name, result in results.items():
        for failure in result.failures:
            reason = " ".join(result.reasons.get(failure, "").split())
            lines.append(f"not ok: {name}: {failure}{': ' * bool(reason)}{reason}"[:400])
    return lines


def run_suite(name, suite, logs, quick, failed_build):
    (commands, counting), result, started = suite, Result(), time.monotonic()
    log, code = failed_build, 1
    if not failed_build:
        log = logs / f"{name}.log"
        code = run(commands[-1], log, environment(quick))
        if counting == "tap":
            count_tap(log, result)
        else:
            count_junit(logs / f"{name}.xml", result)
    if code and not result.failed:
        result.failed += 1
        result.failures.append(f"{name} cannot be built" if failed_build else f"{name} ended with exit code {code}")
    show(name, result, time.monotonic() - started, log)
    return result


def run_lanes(lanes, table, logs, quick):
    """name -> Result.  What has to be built is built before any of them runs."""
    failed_builds = {name: build_suite(name, table[name], logs, quick) for lane in lanes for name in lane}

    def run_lane(lane):
        return {name: run_suite(name, table[name], logs, quick, failed_builds[name]) for name in lane}

    with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
        return {name: result for results in pool.map(run_lane, lanes) for name, result in results.items()}


def lanes_of(chosen):
    """Groups of lanes, in the order of `chosen`."""
    shared = [[name for name in lane if name in chosen] for lane in LANES]
    shared = [lane for lane in shared if lane]
    groups = []
    for name in chosen:
        if not any(name in lane for lane in shared):
            groups.append([[name]])
        elif shared not in groups:
            groups.append(shared)
    return groups


def main():
    arguments = sys.argv[1:]
    quick = "--quick" in arguments
    chosen = [argument for argument in arguments if not argument.startswith("-")]
    logs = ROOT / "build" / "test-logs"
    logs.mkdir(parents=True, exist_ok=True)
    for old in [*logs.glob("*.xml"), *logs.glob(WAVERED.name)]:
        old.unlink()
    table = suites(quick, logs)
    unknown = [name for name in chosen if name not in table]
    if unknown:
        print(f"test: no suite {unknown[0]!r}; there are: {' '.join(table)}")
        return 2
    started = time.monotonic()
    groups = lanes_of([name for name in table if not chosen or name in chosen])
    with Machine() as machine:
        results = {name: result for lanes in groups for name, result in run_lanes(lanes, table, logs, quick).items()}
        machine_words = machine.words()

    def run_again(command, log):
        return run(command, log, environment(quick), timeout=300)

    for failure in again.ask(results, PYTHON, run_again, logs):
        print(f"wavered: {failure}: failed beside others, passed alone")
    if WAVERED.exists():
        print("\n".join("again:   " + line[:300] for line in WAVERED.read_text().splitlines()))
    passed, failed = (sum(getattr(r, what) for r in results.values()) for what in ("passed", "failed"))
    print(machine_words)
    print(f"{len(results)} suites in {time.monotonic() - started:.0f} s")
    for line in summary(results):
        print(line)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
