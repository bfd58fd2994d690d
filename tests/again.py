# SPDX-License-Identifier: GPL-3.0-or-later
"""What failed beside others is asked once more, alone.

Many tests wait for real time-outs of half a second, and a machine that stands still for as long fails them.  So a few
failures of such suites are tried again when nothing else runs.  What then passes has *wavered*: it counts as passed and is
named at the end, to be mended.  More than MOST failures are no accident, and none of them is asked again.
"""
import re

MOST = 3
FOLDER = {"alone": "system"}  # of suites that are not called like their folder


def pytest_id(name, failure):
    """'tests.edge.test_x::test_y[1]' (JUnit) or 'test_x.py::test_y' (TAP of http) as pytest wants it; None for other words."""
    found = re.match(r"(?:[\w.]+\.)?(test_\w+)(?:\.py)?::(.+)$", failure)
    return f"tests/{FOLDER.get(name, name)}/{found.group(1)}.py::{found.group(2)}" if found else None


def player_group(failure):
    """'segments: a seam is not heard' is a claim of the program `segments`."""
    found = re.match(r"([\w-]+): ", failure)
    return found.group(1) if found else None


def commands(name, failures, python):
    """What asks each failure again, or None if one of them cannot be."""
    if name == "player":
        groups = {player_group(failure) for failure in failures}
        return None if None in groups else [["bash", "-c", f"cd player && npm test --silent -- {group}"] for group in sorted(groups)]
    ids = [pytest_id(name, failure) for failure in failures]
    return None if None in ids else [[python, "-m", "pytest", "-q", "-p", "no:cacheprovider", one] for one in ids]


def ask(results, python, run, logs):
    """Asks again, and corrects `results` (name -> Result); returns what wavered.  `run` is run.py's."""
    failed = {name: result for name, result in results.items() if result.failed}
    if not 0 < sum(result.failed for result in failed.values()) <= MOST:
        return []
    wavered = []
    for name, result in failed.items():
        asked = commands(name, result.failures, python)
        if len(result.failures) != result.failed or asked is None:
            continue
        if all(run(command, logs / f"{name}-again-{number}.log") == 0 for number, command in enumerate(asked)):
            wavered += [f"{name}: {failure}" for failure in result.failures]
            result.passed, result.failed = result.passed + result.failed, 0
    return wavered
