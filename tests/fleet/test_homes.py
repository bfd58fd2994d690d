# SPDX-License-Identifier: GPL-3.0-or-later
"""Where edges are, and whose home: /nodes follows what is, and what signs a listener in follows /nodes."""
import json
import pathlib
import sys

import pytest
from fleet_nodes import Fleet, run
from patience import until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "formats"))
from read_export import read as read_export  # noqa: E402
from read_listeners import homes, read_nodes  # noqa: E402
from read_signed import decode  # noqa: E402

PASSWORD_SPACE = 17
NAMES = ["one", "two", "three"]


@pytest.fixture
def fleet(tmp_path):
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


def listed(node):
    return read_nodes(node.ask("/nodes")[1].split(b"\n\n", 1)[1])


@pytest.mark.slow
def test_an_edge_that_comes_back_elsewhere_is_listed_there(fleet):
    origin = fleet.origin()
    edge = fleet.joined("paris", origin.url, fleet.invite("paris"))
    assert listed(origin)["paris"]["urls"] == [edge.url]
    edge.stop()
    moved = fleet.joined("paris", origin.url)
    assert moved.url != edge.url
    until(lambda: listed(origin)["paris"]["urls"] == [moved.url], "the origin lists where it is now")
    until(lambda: listed(moved)["paris"]["urls"] == [moved.url], "and so does the edge")
    named = (moved.stop(), fleet.joined("paris", origin.url, flags=["--node-urls", "https://paris.example.org"]))[1]
    until(lambda: listed(named)["paris"]["urls"] == ["https://paris.example.org"], "or what it was told")


def accounts_of(folder, tmp_path, space=None):
    """Of a stopped node: ids of accounts with a living cell in this space."""
    file = tmp_path / "export"
    file.unlink(missing_ok=True)
    run("state", "export", file, "--data", folder)
    return {row["account"] for row in read_export(file.read_bytes())[0]
            if row["row"] == "cell" and not row["final"] and row["value"] and row["space"] == space}


def test_what_signs_a_listener_in_is_at_home_and_backup_and_moves_when_an_edge_is_revoked(fleet, tmp_path):
    origin = fleet.origin()
    password = tmp_path / "password"
    password.write_text("correct horse battery staple\n")
    for name in "alice", "bob", "carol", "dave":
        run("user", "add", name, "--password-file", password, "--data", fleet.folder / "origin")
    edges = {name: fleet.joined(name, origin.url, fleet.invite(name)) for name in NAMES}
    before = listed(origin)
    fleet.revoke("one")
    for name in NAMES[1:]:
        until(lambda name=name: not listed(edges[name])["one"]["welcome"], "the edges know it")
        until(lambda name=name: (status := json.loads(edges[name].ask("/status")[1]))["waiting"] == 0
              and status["accounts"] == 4 and edges[name].counter("replica_taken_total", "/.sostenuto/metrics") >= 8, "all is there again", within=15)
    for edge in edges.values():
        edge.stop()
    everybody = accounts_of(fleet.folder / "two", tmp_path, PASSWORD_SPACE)
    assert len(everybody) == 4 and everybody == accounts_of(fleet.folder / "three", tmp_path, PASSWORD_SPACE), "two edges: home and backup of all"
    assert any("one" in homes(before, account) for account in everybody), "some had to move"
    assert decode(before["one"]["id"])


@pytest.mark.slow
def test_more_that_becomes_its_own_at_once_than_may_wait_comes_in_turns(fleet, tmp_path):
    """A wish for which there is no room is one for later."""
    count, narrow = 12, ["--replica-waiting", "1", "--replica-piece", "1", "--replica-at-once", "1"]
    origin = fleet.origin()
    password = tmp_path / "password"
    password.write_text("correct horse battery staple\n")
    for number in range(count):
        run("user", "add", f"listener{number}", "--password-file", password, "--data", fleet.folder / "origin")
    edges = {name: fleet.joined(name, origin.url, fleet.invite(name), flags=narrow) for name in NAMES}
    until(lambda: all(json.loads(edge.ask("/status")[1])["accounts"] == count for edge in edges.values()), "all know all", within=60)
    fleet.revoke("one")
    metrics = "/.sostenuto/metrics"
    until(lambda: any(edges[name].counter("replica_no_room_total", metrics) for name in NAMES[1:]), "more is wanted than may wait", within=60)
    for name in NAMES[1:]:
        edge, seen = edges[name], [-1, 0]

        def is_still(edge=edge, seen=seen):
            """Nothing was taken for as long as two turns of asking again."""
            taken = edge.counter("replica_taken_total", metrics)
            seen[:] = [taken, seen[1] + 1 if taken == seen[0] else 0]
            return seen[1] >= 20 and not json.loads(edge.ask("/status")[1])["waiting"]
        until(is_still, "it has all that it asks for", within=60)
    for edge in edges.values():
        edge.stop()
    for name in NAMES[1:]:
        assert len(accounts_of(fleet.folder / name, tmp_path, PASSWORD_SPACE)) == count, f"{name}: two edges are home and backup of all"
