# SPDX-License-Identifier: GPL-3.0-or-later
"""The four attacks of slowhttptest: the server keeps to its bounds, and honest newcomers are served meanwhile.

Played against the drills build, which is compiled like a release: memory and processor time mean something there.
"""
import os
import shutil
import statistics
import subprocess
import time

import pytest

from site_server import Site, get
from test_bounds import limits
from test_site import status

SECONDS, RATE = 9, 250
PAGE, TICK = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")

# mode: arguments, attackers, the server's limits, the guards without which it must fail
ATTACKS = {
    "slow headers": (["-H", "-i", 1], 1000, limits(max_connections=400, header_timeout_ms=5000),
                     "header-timeout,make-way", "/hello"),
    "slow body": (["-B", "-i", 1, "-s", 8192, "-x", 10], 1000, limits(body_timeout_ms=2000), "body-rate", "/echo/large"),
    "slow read": (["-X", "-n", 1, "-z", 5, "-w", 10, "-y", 20], 150,
                  limits(send_timeout_ms=1500, pause_timeout_ms=3000), "send-rate", "/large"),
    "ranges": (["-R", "-i", 1, "-a", 1, "-b", 3000, "-t", "GET"], 1000, limits(header_timeout_ms=5000), None, "/file"),
}


class Use:
    """What the server uses: memory, processor time, descriptors."""

    def __init__(self, process):
        folder = f"/proc/{process.pid}"
        fields = open(f"{folder}/stat").read().rpartition(")")[2].split()
        self.cpu_s = (int(fields[11]) + int(fields[12])) / TICK
        self.resident_bytes = int(open(f"{folder}/statm").read().split()[1]) * PAGE
        self.descriptors = len(os.listdir(f"{folder}/fd"))


def newcomer(site):
    begin = time.monotonic()
    try:
        with site.connect() as client:
            client.settimeout(2)
            client.sendall(get("/hello"))
            answer = client.recv(4096)
        return status(answer) == 200, time.monotonic() - begin
    except OSError:
        return False, time.monotonic() - begin


def attack(mode, guards_off=None):
    """Plays one attack; what happened, as numbers."""
    arguments, attackers, settings, _, path = ATTACKS[mode]
    site = Site(*settings, guards_off=guards_off)
    site.build = "build/drills"
    if not site.program(site.build).exists():
        pytest.skip("needs script/build drills")
    with site:
        before, peak, descriptors, visits, held = Use(site.process), 0, 0, [], 0
        attacker = subprocess.Popen(
            ["slowhttptest", *map(str, arguments), "-c", str(attackers), "-r", str(RATE), "-l", str(SECONDS), "-v", "0",
             "-u", f"http://127.0.0.1:{site.port}{path}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                visits.append(newcomer(site))
                use = Use(site.process)
                peak, descriptors = max(peak, use.resident_bytes), max(descriptors, use.descriptors)
                time.sleep(0.05)
            after, held = Use(site.process), Use(site.process).descriptors - before.descriptors
        finally:
            attacker.kill()
            attacker.wait()
    waits = sorted(wait for _, wait in visits)
    result = {
        "served": sum(is_served for is_served, _ in visits) / len(visits),
        "median_ms": statistics.median(waits) * 1000, "p99_ms": waits[int(len(waits) * 0.99)] * 1000,
        "grown_mib": (peak - before.resident_bytes) / 2**20, "descriptors": descriptors,
        "cpu": (after.cpu_s - before.cpu_s) / SECONDS, "held": held / attackers,
    }
    print(f"\n{mode}{' without ' + guards_off if guards_off else ''}, {attackers} attackers: "
          + ", ".join(f"{name} {value:.3g}" for name, value in result.items()))
    return result


def is_within_bounds(mode, result):
    return (result["served"] >= 0.99 and result["median_ms"] < 100 and result["grown_mib"] < 24 and result["cpu"] < 0.5
            and result["held"] < 0.5)


pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("slowhttptest"), reason="needs slowhttptest")]


@pytest.mark.parametrize("mode", ATTACKS)
def test_the_server_keeps_to_its_bounds(mode):
    result = attack(mode)
    assert is_within_bounds(mode, result), result


@pytest.mark.parametrize("mode", [mode for mode in ATTACKS if ATTACKS[mode][3]])
def test_without_the_guard_it_does_not(mode):
    result = attack(mode, guards_off=ATTACKS[mode][3])
    assert not is_within_bounds(mode, result), result
