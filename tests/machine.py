# SPDX-License-Identifier: GPL-3.0-or-later
"""How busy the machine was while tests ran: what a reader of a failure wants to know first.

A thread sleeps 20 ms at a time and notes by how much it woke late.  Beside it stand the load, how long somebody waited for a
processor (/proc/pressure/cpu), and what a hypervisor took away.
"""
import os
import re
import threading
import time

NAP_S = 0.02
STILL_S = 0.2  # a thread that wakes this late: tests with time-outs of half a second begin to fail
LATE_S = 0.1
CROWDED = 0.4  # of the time somebody waited for a processor


def stolen_and_all():
    """Ticks of all processors: (taken away by the hypervisor, all)."""
    with open("/proc/stat") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return ticks[7], sum(ticks)


def waited_s():
    """Seconds since the start in which somebody waited for a processor; 0 where the kernel does not count them."""
    try:
        with open("/proc/pressure/cpu") as file:
            return int(re.search(r"^some .*total=(\d+)", file.read(), re.M).group(1)) / 1e6
    except OSError:
        return 0.0


class Machine:
    """`with Machine() as machine: ...; machine.words()`"""

    def __enter__(self):
        self.begin()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def begin(self):
        """From here on."""
        self.still, self.longest_s, self.load = 0, 0.0, 0.0
        self.before, self.waited, self.began = stolen_and_all(), waited_s(), time.monotonic()

    def watch(self):
        while not self.is_over.is_set():
            began = time.monotonic()
            self.is_over.wait(NAP_S)
            self.note(time.monotonic() - began - NAP_S)

    def note(self, late_s):
        self.still += late_s > STILL_S
        self.longest_s = max(self.longest_s, late_s)
        self.load = max(self.load, os.getloadavg()[0])

    def crowding(self):
        """The share of the time since `begin` in which somebody waited for a processor."""
        return min(1.0, (waited_s() - self.waited) / max(time.monotonic() - self.began, 0.001))

    def was_busy(self):
        """Too busy since `begin` for a verdict about anything that waits for a while."""
        return self.longest_s > LATE_S or self.crowding() > CROWDED

    def words(self):
        stolen, everything = (after - before for before, after in zip(self.before, stolen_and_all()))
        return (f"the machine: {os.cpu_count()} processors, load up to {self.load:.1f}, somebody waited for one {100 * self.crowding():.0f} % of the time; "
                f"stood still {self.still} times for over {STILL_S:g} s, for {self.longest_s:.1f} s at most; {100 * stolen / max(everything, 1):.1f} % taken away")
