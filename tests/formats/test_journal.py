# SPDX-License-Identifier: GPL-3.0-or-later
"""A reader written from docs/formats/operations.md alone understands a real journal."""
import base64
import json
import pathlib
import subprocess

import pytest

from read_journal import Operation, State, read_journal

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILDS = [ROOT / "build" / kind / "tests" / "kill" / "journal_sample" for kind in ("debug", "release")]


@pytest.fixture
def sample(tmp_path):
    program = next((path for path in BUILDS if path.exists()), None)
    if program is None:
        pytest.skip("journal_sample is not built: run script/build")
    run = subprocess.run([program, tmp_path], capture_output=True, text=True, timeout=60, check=True)
    return tmp_path / "journal", json.loads(run.stdout)


def segment(folder):
    return max(folder.glob("*.journal"))


def test_the_stranger_arrives_at_the_same_state(sample):
    folder, expected = sample
    journal = read_journal(folder)
    assert not journal.lost and not journal.damaged_bytes and not journal.torn_bytes
    state = State()
    for _, data in reversed(journal.records):  # any order
        state.merge(Operation.decode(data))
        state.merge(Operation.decode(data))  # any number of times
    account = base64.urlsafe_b64decode(expected["account"] + "==")
    assert state.get(account, "name", "") == expected["name"]
    for track, (is_starred, stars, plays) in expected["tracks"].items():
        assert bool(state.get(account, "star", track)) == is_starred
        assert (state.get(account, "rating", track) or 0) == stars
        assert state.plays.get((account, track), 0) == plays
    assert state.playlists(account) == expected["playlists"]
    assert expected["playlists"]["Morning"]


def test_records_are_numbered_without_holes(sample):
    lsns = [lsn for lsn, _ in read_journal(sample[0]).records]
    assert lsns == list(range(1, len(lsns) + 1)) and len(lsns) > 10


def test_a_flipped_bit_is_noticed_and_costs_one_record(sample):
    path = segment(sample[0])
    before = read_journal(sample[0]).records
    data = bytearray(path.read_bytes())
    data[64 + 16 + 20] ^= 1  # in the first record
    path.write_bytes(data)
    journal = read_journal(sample[0])
    assert journal.lost == [(1, 1)] and journal.records == before[1:]


def test_a_torn_end_is_cut(sample):
    path = segment(sample[0])
    before = read_journal(sample[0]).records
    path.write_bytes(path.read_bytes()[:-3])
    journal = read_journal(sample[0])
    assert not journal.lost and journal.records == before[:-1] and journal.torn_bytes > 0
