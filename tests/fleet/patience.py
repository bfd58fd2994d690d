# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what becomes true by itself."""
import os
import time

MOST_SLOWNESS = 6


def slowness():
    """How much longer everything takes while others want the same processors: 1 on a quiet machine."""
    return min(MOST_SLOWNESS, max(1.0, os.getloadavg()[0] / os.cpu_count()))


def until(holds, what, seconds=30, within=None):
    """Waits for so long on a quiet machine, and longer on a busy one: that it comes is the claim, not when.  `within` is a bound
    of the product in seconds, on any machine."""
    began = time.monotonic()
    while time.monotonic() - began < (within or seconds * slowness()):
        try:
            result = holds()
        except OSError:
            result = None
        if result:
            return result
        time.sleep(0.05)
    raise AssertionError(f"waited in vain until {what}")
