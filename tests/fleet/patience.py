# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what becomes true by itself."""
import time


def until(holds, what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            result = holds()
        except OSError:
            result = None
        if result:
            return result
        time.sleep(0.05)
    raise AssertionError(f"waited in vain until {what}")
