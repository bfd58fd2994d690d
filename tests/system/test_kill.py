# SPDX-License-Identifier: GPL-3.0-or-later
"""The campaign of kill -9 and power cuts against the write path: 1,000 rounds, 50 in the quick suite."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILDS = [ROOT / "build" / kind / "tests" / "kill" / "kill_campaign" for kind in ("release", "debug")]


@pytest.mark.alone
def test_no_acknowledged_operation_is_lost_or_doubled():
    program = next((path for path in BUILDS if path.exists()), None)
    if program is None:
        pytest.skip("kill_campaign is not built: run script/build")
    rounds = "50" if os.environ.get("SOSTENUTO_QUICK") else "1000"
    run = subprocess.run([program, rounds], capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    assert "not ok" not in run.stdout
