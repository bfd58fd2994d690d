# SPDX-License-Identifier: GPL-3.0-or-later
"""POST /ops of a real server: a disk that fills up before the answer, and devices whose clocks are a year off."""
import base64
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import PASSWORD, ROOT, run_command
from postgres import postgres  # noqa: F401  (a fixture)

sys.path.insert(0, str(ROOT / "tests" / "formats"))
from read_export import read as read_export  # noqa: E402

YEAR_MS = 365 * 24 * 3600 * 1000


def text_id(number):
    return base64.urlsafe_b64encode(number.to_bytes(16, "big")).decode().rstrip("=")


class Device:
    """An outbox with a clock of its own."""

    def __init__(self, server, number, skew_ms=0):
        self.server, self.name, self.skew_ms, self.seq = server, text_id(number), skew_ms, 0
        self.bearer = {"Authorization": f"Bearer {server.sign_in()['accessToken']}"}

    def operation(self, kind, **payload):
        self.seq += 1
        now_ms = int(time.time() * 1000) + self.skew_ms
        return {"seq": self.seq, "hlc": str((now_ms << 16) + self.seq), "kind": kind, "payload": payload}

    def send(self, *operations):
        return self.server.ask("POST", "/ops", {"device": self.name, "operations": list(operations)}, self.bearer)

    def outcomes(self, *operations):
        return [result["outcome"] for result in self.send(*operations).json["results"]]


def settings_of(data, tmp_path):
    """name → (value, hlc), from an export."""
    file = tmp_path / f"{time.monotonic_ns()}.export"
    run_command("state", "export", file, "--data", data)
    rows = read_export(file.read_bytes())[0]
    return {row["key"].decode(): (row["value"].decode(), row["hlc"] >> 16) for row in rows if row["row"] == "cell" and row["space"] == 3}


def test_a_device_a_year_ahead_or_behind_wins_and_moves_nothing(server, secret, tmp_path):
    ahead, behind, right = Device(server, 1, YEAR_MS), Device(server, 2, -YEAR_MS), Device(server, 3)
    ancient = Device(server, 4, -int(time.time() * 1000) + 1000)
    song = server.rest("getRandomSongs", secret, size=1)["randomSongs"]["song"][0]["id"]
    before_ms = int(time.time() * 1000)
    assert ahead.outcomes(ahead.operation("play", track=song, at=before_ms + YEAR_MS), ahead.operation("setting", name="theme", value="ahead")) \
        == ["accepted"] * 2
    assert right.outcomes(right.operation("setting", name="other", value="right")) == ["accepted"]
    for late in (behind, ancient):  # what is older loses, and is taken all the same
        assert late.outcomes(late.operation("setting", name="other", value="late"), late.operation("play", track=song)) == ["accepted"] * 2
    assert ancient.outcomes({"seq": 9, "hlc": 0, "kind": "setting", "payload": {"name": "first", "value": 1}}) == ["accepted"]
    refused = ahead.outcomes({"seq": 90, "hlc": str((1 << 63)), "kind": "setting", "payload": {"name": "x", "value": 1}},
                             {"seq": 91, "hlc": -5, "kind": "setting", "payload": {"name": "x", "value": 1}})
    assert refused == ["refused"] * 2
    server.rest("star", secret, id=song)
    heard = server.rest("getSong", secret, id=song)["song"]
    assert heard["playCount"] == 3
    latest = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 61))
    assert heard["played"] < latest and heard["starred"] < latest, "neither what it said nor the server's own clock is a year ahead"
    server.stop()
    kept = settings_of(server.data, tmp_path)
    assert kept["other"][0] == '"right"'
    assert kept["theme"][1] <= time.time() * 1000 + 61000, "it counts as at most a minute ahead"


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting takes root")
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "none", place], check=False).returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def wait_until_pushed(data):
    end = time.monotonic() + 30
    while json.loads(run_command("status", "--json", "--data", data).stdout)["unpushed"]:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize("engine", ["embedded", "postgresql"])
@pytest.mark.slow
def test_a_disk_that_fills_up_is_an_answer_and_what_was_acknowledged_is_there_afterwards(start_server, small_disk, tmp_path, engine, request):
    data = small_disk / "state"
    database = [] if engine == "embedded" else ["--database", request.getfixturevalue("postgres").url]
    run_command("user", "add", "alice", "--admin", "--password-file", "-", "--data", data, *database, input=PASSWORD + "\n")
    server = start_server(*database, data=data)
    device, accepted = Device(server, 5), []
    with open(small_disk / "ballast", "wb") as ballast:  # leaves two megabytes
        free = os.statvfs(small_disk)
        ballast.write(bytes(free.f_bavail * free.f_frsize - (2 << 20)))
    for _ in range(60):
        operation = device.operation("setting", name=f"n{device.seq % 50}", value="x" * 4000)
        others = [device.operation("setting", name=f"n{device.seq % 50}", value="y" * 4000) for _ in range(20)]
        answer = device.send(operation, *others)
        outcomes = {result["seq"]: result["outcome"] for result in answer.json["results"]}
        accepted += [seq for seq, outcome in outcomes.items() if outcome == "accepted"]
        if answer.status == 503:
            break
        assert answer.status == 200 and set(outcomes.values()) == {"accepted"}
    assert answer.status == 503 and set(outcomes.values()) <= {"full", "failed"} and int(answer.headers["Retry-After"]) > 0
    assert accepted and server.get("/livez").status == 200
    reading = {"Authorization": device.bearer["Authorization"]}
    assert server.get("/api/v1/apps", reading).status == 200, "reads go on"
    (small_disk / "ballast").unlink()
    end = time.monotonic() + 20  # the client keeps them and tries again
    while time.monotonic() < end and device.send(operation, *others).status != 200:
        time.sleep(0.2)
    again = device.send(operation, *others)
    assert again.status == 200 and {result["outcome"] for result in again.json["results"]} == {"duplicate"}
    accepted += outcomes
    pid = server.pid
    assert pid > 1
    server.process.kill()  # the supervisor, then the server that it leaves behind
    server.process.wait()
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if database:  # the next server passes on what this one could not
        start_server(*database, data=data)
        wait_until_pushed(data)
    file = tmp_path / "all.export"
    run_command("state", "export", file, "--data", data, *database)
    seen = [row for row in read_export(file.read_bytes())[0] if row["row"] == "seen" and row["first"] == 1]
    assert max(row["last"] for row in seen) == max(accepted) == len(accepted)
