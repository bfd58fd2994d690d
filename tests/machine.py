# SPDX-License-Identifier: GPL-3.0-or-later
"""How busy the machine was while tests ran: what a reader of a failure wants to know first.

A thread sleeps 20 ms at a time and notes by how much it woke late; beside it stand the load and what a hypervisor took away.
"""
import os
import threading
import time

NAP_S = 0.02
STILL_S = 0.2  # a thread that wakes this late: tests with time-outs of half a second begin to fail


def stolen_and_all():
    """Ticks of all processors: (taken away by the hypervisor, all)."""
    with open("/proc/stat") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return ticks[7], sum(ticks)


class Machine:
    """`with Machine() as machine: ...; machine.words()`"""

    def __enter__(self):
        self.naps, self.still, self.longest_s, self.load = 0, 0, 0.0, 0.0
        self.before = self.after = stolen_and_all()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()
        self.after = stolen_and_all()

    def watch(self):
        while not self.is_over.is_set():
            began = time.monotonic()
            self.is_over.wait(NAP_S)
            self.note(time.monotonic() - began - NAP_S)

    def note(self, late_s):
        self.naps += 1
        self.still += late_s > STILL_S
        self.longest_s = max(self.longest_s, late_s)
        self.load = max(self.load, os.getloadavg()[0])

    def words(self):
        stolen, everything = (after - before for before, after in zip(self.before, self.after))
        return (f"the machine: {os.cpu_count()} processors, load up to {self.load:.1f}; stood still {self.still} times for over {STILL_S:g} s, "
                f"for {self.longest_s:.1f} s at most; {100 * stolen / max(everything, 1):.1f} % taken away")
