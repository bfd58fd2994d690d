# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge is told of all accounts in pieces, and goes on where it was cut."""
import re

import pytest

from conftest import QUIET, invite, system
from patience import until

ACCOUNTS = 24
ONE_BY_ONE = [*QUIET, "--replica-piece", "1"]  # with 50 ms between two


@pytest.fixture
def origin(start_server, music, tmp_path):
    for number in range(ACCOUNTS):
        system.add_user(tmp_path / "state", f"listener{number}", admin=number == 0)
    return start_server(folders=[music], data=tmp_path / "state")


def counter(edge, name):
    return int(re.search(rf"^sostenuto_{name} (\d+)$", edge.get("/.sostenuto/metrics").body.decode(), re.M)[1])


@pytest.mark.slow
def test_an_edge_takes_accounts_in_pieces_and_after_a_crash_goes_on_where_it_was(origin, start_edge):
    edge = start_edge("edge", origin.url, invite(origin.data, "edge"), *ONE_BY_ONE)
    until(lambda: edge.status()["accounts"] >= 4, "some of them are there")
    place = edge.data / "replica" / "cursor"
    status = edge.status()
    if status["accounts"] < ACCOUNTS:
        assert status["waiting"] > 0 and not edge.holds_all(ACCOUNTS), "it knows that it has not all"
    edge.kill()
    in_pieces = " " in place.read_text()
    again = start_edge("edge", origin.url, None, *ONE_BY_ONE)
    until(lambda: again.holds_all(ACCOUNTS), "the rest comes")
    until(lambda: " " not in place.read_text(), "and then what changed meanwhile")
    if in_pieces:  # else this machine was too slow to kill it in the middle
        assert counter(again, "replica_taken_total") < ACCOUNTS, "what was there is not asked for again"
    system.run_command("user", "add", "late", "--password-file", "-", "--data", origin.data, input=system.PASSWORD + "\n")
    until(lambda: again.holds_all(ACCOUNTS + 1), "who comes later is told of as ever")


@pytest.mark.slow
def test_many_changes_while_an_edge_was_away_come_in_pieces_too(origin, start_edge):
    edge = start_edge("edge", origin.url, invite(origin.data, "edge"), *ONE_BY_ONE)
    until(lambda: edge.holds_all(ACCOUNTS), "all are there")
    edge.stop()
    for number in range(5):
        system.run_command("user", "add", f"late{number}", "--password-file", "-", "--data", origin.data, input=system.PASSWORD + "\n")
    again = start_edge("edge", origin.url, None, *ONE_BY_ONE)
    until(lambda: again.holds_all(ACCOUNTS + 5), "each comes")
    assert counter(again, "replica_requests_total") >= 10, "by an answer of its own"
