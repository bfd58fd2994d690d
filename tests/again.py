# SPDX-License-Identifier: GPL-3.0-or-later
"""What failed beside others is asked again, alone.

Many tests wait for real time-outs of half a second, and a machine that stands still for as long fails them.  So a few
failures are asked again when nothing else runs, each by the smallest command that asks it (`Ask`).  What then passes has
*wavered*: it counts as passed and is named at the end, to be mended.

How often it must pass depends on how much failed (`chances`): up to FEW asks have two chances and need one pass; up to MOST,
which is a machine that stood still or a fault that spreads, must pass twice in a row; more are no accident, and none of
them is asked.  What no command can ask alone, what does not build and what took too long is not asked; nor is a suite where a
sanitizer or an assertion spoke, which no slowness brings about; nor is anything once ENOUGH_S have gone by.
"""
import dataclasses
import re
import time

FEW, MOST = 3, 6
ENOUGH_S = 600
LINES = 25  # of what a failure said when it was asked alone
FOLDER = {"alone": "system"}  # of suites that are not called like their folder
MESON = {"unit": "debug", "release": "release", "tsan": "tsan", "clang": "clang", "twins": "drills"}
# of a table of meson: " 3/198 sostenuto:store / test_harm   FAIL   1.2s   11/12 subtests passed"
MESON_LINE = re.compile(r"^\s*\d+/\d+ (?:[\w-]+:)?[\w-]+ / (\w+)\s+(OK|FAIL|ERROR|TIMEOUT|SKIP|INTERRUPT|EXPECTEDFAIL|UNEXPECTEDPASS)\b")
PYTEST_SUITES = {"formats", "system", "api", "fleet", "edge", "alone", "drills", "runner"}
OUR_FAULT = re.compile(r"(Address|Leak|Thread)Sanitizer|\.[ch]:\d+:\d+: runtime error: |Assertion `.*' failed")
TSAN_THREADS = ("the thread sanitizer found nothing", "every answer was right", "hits, purges and evictions were")


@dataclasses.dataclass(frozen=True)
class Ask:
    """`command` asks these `failures` of a suite again; it ends with 0 when all of them hold."""
    suite: str
    command: tuple
    failures: tuple


def pytest_command(folder, failure, python):
    """'tests.edge.test_x::test_y[1]' (JUnit) or 'test_x.py::test_y' (TAP of http) as pytest takes it; None for other words."""
    found = re.match(r"(?:[\w.]+\.)??(test_\w+?)(?:\.py)?((?:\.\w+)*)::(.+)$", failure, re.S)
    if not found:
        return None
    module, classes, name = found.groups()
    one = "::".join([f"tests/{folder}/{module}.py", *classes.split(".")[1:], name])
    return python, "-m", "pytest", "-q", "-p", "no:cacheprovider", one


def player_command(failure):
    """'segments: a seam is not heard' is a claim of the program `segments`."""
    found = re.match(r"([\w-]+): ", failure)
    return ("bash", "-c", f"cd player && npm test --silent -- {found.group(1)}") if found else None


def http_command(failure, python):
    """'ranges.vtc: a part of a body' is a scenario; test_x.py::test_y one of pytest; the rest is said of all scenarios."""
    scenario = re.match(r"([\w-]+\.vtc): ", failure)
    if scenario:
        return "tests/http/run", scenario.group(1)
    return pytest_command("http", failure, python) or ("tests/http/run",)


def meson_command(name, log):
    """The tests of meson that failed, all at once: its claims do not name their program."""
    failed = {found.group(1) for found in map(MESON_LINE.match, log.splitlines()) if found and found.group(2) in ("FAIL", "ERROR", "TIMEOUT")}
    twins = " --suite twins" if name == "twins" else ""
    command = f"meson test -C build/{MESON[name]} --no-rebuild --num-processes 1 --print-errorlogs{twins} {' '.join(sorted(failed))}"
    return ("bash", "-c", command) if failed else None


def command_of(name, failure, log, python):
    """What asks this failure again, or None."""
    if name == "player":
        return player_command(failure)
    if name == "http":
        return http_command(failure, python)
    if name == "fuzz":
        found = re.match(r"(fuzz_\w+)", failure)
        return ("script/fuzz", "0", found.group(1)) if found else None
    if name == "tsan" and failure.startswith(TSAN_THREADS):
        return python, "tests/edge/threads.py"
    if name in MESON:
        return meson_command(name, log)
    return pytest_command(FOLDER.get(name, name), failure, python) if name in PYTEST_SUITES else None


def is_hopeless(name, failure, log):
    """run.py's own words for a suite that named no test: what was not built, or ended badly as a whole."""
    is_late = name in MESON and re.search(r"^\s*\d+/\d+ .*\sTIMEOUT\b", log, re.M)
    return failure == f"{name} cannot be built" or (failure.startswith(f"{name} ended with exit code") and not is_late)


def asks_of(name, failures, log, python):
    """Every failure of a suite as Asks; None when one of them cannot be asked."""
    if OUR_FAULT.search(log):
        return None
    commands = {}
    for failure in failures:
        command = None if is_hopeless(name, failure, log) else command_of(name, failure, log, python)
        if command is None:
            return None
        commands.setdefault(command, []).append(failure)
    return [Ask(name, command, tuple(which)) for command, which in commands.items()]


def chances(count):
    """(passes needed, tries) of each of so many asks."""
    return (1, 2) if count <= FEW else (2, 2) if count <= MOST else (0, 0)


def holds(one, needed, tries, run, log):
    """Asks up to `tries` times; ends early when nothing can change any more."""
    passed = 0
    for number in range(tries):
        told = log.with_name(f"{log.name}-{number + 1}.log")
        print(f"again:   {one.suite}: {' '.join(one.command)}", flush=True)
        passed += run(list(one.command), told) == 0
        if passed >= needed:
            return True
        if passed + tries - number - 1 < needed:
            break
    lines = told.read_text(errors="replace").splitlines()[-LINES:] if told.exists() else []
    print("\n".join("           " + line for line in lines), flush=True)
    return False


def ask(results, python, run, logs, clock=time.monotonic):
    """Asks again, and corrects `results` (name -> Result); returns what wavered.  `run` is run.py's."""
    asks = []
    for name, result in results.items():
        log = logs / f"{name}.log"
        if result.failed and len(result.failures) == result.failed:
            of_suite = asks_of(name, result.failures, log.read_text(errors="replace") if log.exists() else "", python)
            if of_suite is None:
                print(f"again:   {name}: its failures are not of the kind that is asked again")
            asks += of_suite or []
    needed, tries = chances(len(asks))
    if asks and not needed:
        print(f"again:   {len(asks)} failures are no accident: none of them is asked again")
    if not needed:
        return []
    wavered, end = [], clock() + ENOUGH_S
    for number, one in enumerate(asks):
        if clock() < end and holds(one, needed, tries, run, logs / f"{one.suite}-again-{number}"):
            wavered += [f"{one.suite}: {failure}" for failure in one.failures]
            forgive(results[one.suite], one.failures)
    return wavered


def forgive(result, failures):
    for failure in failures:
        result.failures.remove(failure)
    result.passed, result.failed = result.passed + len(failures), result.failed - len(failures)
