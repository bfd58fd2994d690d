# SPDX-License-Identifier: GPL-3.0-or-later
"""A test that fails while the machine stands still has proved nothing: it is played again at once, up to TRIES times in all.

Only then: what fails on a machine that was not busy (machine.py measures it during each test) fails.  What passed at a later try is
written to the file $TESTS_WAVERED, which run.py prints at its end.

A plugin that run.py names to every pytest it starts, and no conftest.py: tests of one folder import the conftest of another.
"""
import os

import pytest
from _pytest.runner import runtestprotocol
from machine import Machine

TRIES = 3


def pytest_configure(config):
    config.machine = Machine().__enter__()


def pytest_unconfigure(config):
    config.machine.__exit__()


def tell(item, reports, words):
    longrepr = next(report.longrepr for report in reports if report.failed)
    crash = getattr(longrepr, "reprcrash", None)
    why = (crash.message if crash else str(longrepr))[:200]
    line = f"{item.nodeid}: played again: {why}; {words}"
    path = os.environ.get("TESTS_WAVERED")
    if path:
        with open(path, "a") as file:
            file.write(" ".join(line.split()) + "\n")
    print(f"# {line}", flush=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    machine = item.config.machine
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for left in reversed(range(TRIES)):
        machine.begin()
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if not left or not any(report.failed for report in reports) or not machine.was_busy():
            break
        tell(item, reports, machine.words())
        item._initrequest()  # its fixtures anew
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
