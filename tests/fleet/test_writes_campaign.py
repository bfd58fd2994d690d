# SPDX-License-Identifier: GPL-3.0-or-later
"""Short campaigns of writes_campaign.py, which is run with a million operations by hand."""
import json
import pathlib
import subprocess

import pytest

PROGRAM = pathlib.Path(__file__).with_name("writes_campaign.py")
SHORT = ["--rate", "1500", "--lasts", "0.5", "2", "--calm", "0.1", "0.5"]


def campaign(operations, seed, *more):
    done = subprocess.run([PROGRAM, "--operations", str(operations), "--seed", str(seed), *SHORT, *more], capture_output=True, text=True, timeout=400)
    if done.returncode == 2:
        pytest.skip(done.stderr.strip())
    assert done.stdout, done.stderr[-4000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["good"] == (done.returncode == 0)
    return report


@pytest.mark.slow
def test_whatever_fails_what_was_acknowledged_is_everywhere_once():
    report = campaign(20000, 2)
    assert report["good"], report
    assert report["acknowledged"] == 20000 and report["kills"] > 0
    assert len(report["showed"]) == 6 and not report["never_showed"], "each fault happened, and showed itself"
    assert report["figures"]["told_twice"] > 0 and report["figures"]["duplicates"] > 0


def without(*faults, guards_off):
    report = campaign(6000, 3, "--faults", *faults, "--guards-off", guards_off)
    assert not report["good"]
    return report


@pytest.mark.slow
def test_without_its_guard_what_comes_twice_counts_twice():
    report = without("partition", "kill", guards_off="seen")
    assert report["doubled"] > 0 and report["lost"] == 0


@pytest.mark.slow
def test_without_its_guard_what_the_disk_refused_is_lost():
    report = without("disk_error", guards_off="durable-first")
    assert report["lost"] > 0 and report["doubled"] == 0
