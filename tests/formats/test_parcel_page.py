# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/formats/operations.md is enough to bring operations to an origin by, and an edge cannot bring what it may not."""
import json
import pathlib
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fleet"))
from patience import until  # noqa: E402
from fleet_nodes import Fleet, binary_of, default_binary, environment  # noqa: E402
from read_joining import Edge, node_id, read_invitation, seal  # noqa: E402
from read_parcel import Operation, homes_of, mark_of, read_parcel, read_receipt, write_parcel  # noqa: E402
from read_signed import Refused, decode, encode, open_object  # noqa: E402

JOURNAL, TRACK = b"J" * 16, "tr-AQAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
def fleet(tmp_path):
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


def now():
    return int(time.time())


def command(*arguments, words=None):
    done = subprocess.run([default_binary(), *map(str, arguments)], input=words, capture_output=True, text=True, env=environment(),
                          timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Origin:
    """With a listener who is signed in and has an app."""

    def __init__(self, fleet, **how):
        self.fleet, self.node = fleet, fleet.origin(**how)
        folder = fleet.folder / "origin"
        command("user", "add", "alice", "--admin", "--password-file", "-", "--data", folder, words="correct horse battery\n")
        self.secret = command("app", "add", "alice", "car", "--data", folder).split()[0]
        status, body = self.node.ask("/api/v1/session", "POST", json.dumps({"name": "alice", "password": "correct horse battery"}),
                                     {"Content-Type": "application/json"})
        assert status == 200, body
        self.token = json.loads(body)["accessToken"]
        self.account = decode(json.loads(body)["user"]["id"])
        self.apps = json.loads(self.ask("/api/v1/apps"))

    def ask(self, path):
        status, body = self.node.ask(path, headers={"Authorization": "Bearer " + self.token})
        assert status == 200, (path, body)
        return body

    def audit(self):
        lines = (self.fleet.folder / "origin" / "audit.log").read_text().splitlines()
        return [json.loads(line) for line in lines if json.loads(line)["event"] == "edge overreached"]

    def edge(self, name):
        edge = Edge(read_invitation(self.fleet.invite(name)))
        assert edge.join(now())[0] == 200
        edge.id = node_id(edge.public)
        return edge


def play(account, seq, accepted=None, proof=b"", kind="play", payload=None):
    at = (accepted or now()) * 1000
    return Operation(b"D" * 16, seq, at << 16, at, account, kind, payload or {"track": TRACK, "at": at}, proof)


def bring(edge, *operations, through=None, first=1):
    body = write_parcel(JOURNAL, [(first + i, one.bytes()) for i, one in enumerate(operations)])
    assert [record for _, record in read_parcel(body)[1]] == [one.bytes() for one in operations]
    sealed = seal(edge.key, "/operations/" + encode(edge.id), body, now())
    return (through or edge).ask(now(), "POST", "/nodes/operations", sealed)


def taken(edge, *operations, **how):
    """{LSN: (outcome, why)} of what was not simply taken."""
    status, answer = bring(edge, *operations, **how)
    assert status == 200, answer
    name = "/operations/" + encode(edge.id) + "/receipt"
    journal, first, last, at, but = read_receipt(open_object(answer, edge.joined.keys.public(now()), name, now()).body)
    assert journal == JOURNAL and first == how.get("first", 1) and last == first + len(operations) - 1 and abs(at / 1000 - now()) < 60
    return but


def words(but):
    return {lsn: outcome for lsn, (outcome, _) in but.items()}


def test_an_edge_brings_what_its_listeners_did_and_twice_is_once(fleet):
    origin = Origin(fleet)
    edge = origin.edge("paris")
    mine = [play(origin.account, 1), play(origin.account, 2), play(origin.account, 3, kind="future.kind", payload={"x": 1})]
    assert taken(edge, *mine) == {}
    assert words(taken(edge, *mine)) == {1: "duplicate", 2: "duplicate", 3: "duplicate"}
    other = play(origin.account, 2, payload={"track": TRACK, "at": 1})
    assert words(taken(edge, other)) == {1: "conflict"}
    assert words(taken(edge, play(origin.account, 4, payload={"track": "nonsense"}))) == {1: "refused"}
    assert words(taken(edge, play(b"?" * 16, 5))) == {1: "refused"}, "nobody's account"
    assert origin.node.counter("parcels_taken_total") == 3


def test_what_the_origin_decides_no_edge_can_bring(fleet):
    origin = Origin(fleet)
    edge = origin.edge("paris")
    theft = [play(origin.account, 1, kind="password", payload={"hash": ""}), play(origin.account, 2, kind="account", payload={"admin": True}),
             play(origin.account, 3, kind="account.delete", payload={}),
             play(origin.account, 4, kind="app", payload={"id": encode(b"a" * 16), "label": "x", "index": encode(bytes(32)),
                                                          "sealed": encode(bytes(74)), "created": 1})]
    assert words(taken(edge, *theft)) == {1: "refused", 2: "refused", 3: "refused", 4: "refused"}
    assert len(origin.audit()) == 4 and json.loads(origin.ask("/api/v1/apps")) == origin.apps


def request(origin, seq, session, number=1, name="carl"):
    one = {"id": encode(bytes([number]) * 16), "session": session, "what": "make", "about": encode(bytes([number, 1]) * 8), "name": name}
    return play(origin.account, seq, kind="request", payload=one)


def test_a_request_is_decided_once_by_whatever_operation_it_comes_and_not_for_a_stranger(fleet):
    origin = Origin(fleet)
    stranger, edges = stranger_to(origin)
    session = json.loads(origin.ask("/api/v1/sessions"))[0]["id"]
    assert words(taken(stranger, request(origin, 1, session))) == {1: "refused"}
    assert "listener" in origin.audit()[0]["what"] and json.loads(origin.ask("/api/v1/requests")) == []
    forged = [play(origin.account, 8, kind="request.decided", payload={"id": encode(bytes([1]) * 16), "done": True}),
              play(origin.account, 9, kind="request.forget", payload={"id": encode(bytes([1]) * 16)})]
    assert words(taken(edges[0], *forged)) == {1: "refused", 2: "refused"}, "an edge asks and does not decide"
    for seq in (1, 2):
        taken(edges[0], request(origin, seq, session))
        until(lambda: [one["state"] for one in json.loads(origin.ask("/api/v1/requests"))] == ["done"], "it is decided")
    assert len([user for user in json.loads(origin.ask("/api/v1/users")) if user["name"] == "carl"]) == 1
    assert origin.node.counter("requests_done_total") == 1


def test_requests_of_sessions_that_nobody_knows_wait_and_so_many_may(fleet):
    origin = Origin(fleet)
    edge = origin.edge("paris")
    many = [request(origin, number, encode(b"?" * 16), number, f"user{number}") for number in range(1, 41)]
    assert words(taken(edge, *many)) == {lsn: "refused" for lsn in range(33, 41)}
    assert "as many" in origin.audit()[0]["what"]
    assert {one["state"] for one in json.loads(origin.ask("/api/v1/requests"))} == {"waiting"}
    assert len(json.loads(origin.ask("/api/v1/users"))) == 1
    assert taken(edge, play(origin.account, 50), first=50) == {}, "plays go on"


def stranger_to(origin):
    """An edge that was never home or backup to alice."""
    edges = []
    for number in range(12):
        edge = origin.edge(f"edge{number}")
        edges.append(edge)
        if edge.id not in homes_of(origin.account, [each.id for each in edges]):
            return edge, edges
        time.sleep(1.1)  # who joined within the same second was there together
    raise AssertionError("twelve edges, and each was chosen")


def test_an_edge_that_forges_for_a_listener_who_is_not_its_own_is_refused_and_said(fleet):
    origin = Origin(fleet)
    edge, edges = stranger_to(origin)
    forged = play(origin.account, 1)
    assert words(taken(edge, forged)) == {1: "refused"}
    said = origin.audit()
    assert [(line["account"], line["by"]) for line in said] == [("alice", edge.joined.delegation["name"])] and "listener" in said[0]["what"]
    assert origin.node.counter("parcels_taken_total") == 0
    assert taken(edges[0], forged) == {}, "who was home once may bring it, later too"
    # a visitor's token, or the mark of their app, as of when it was accepted
    by_token = play(origin.account, 2, proof=b"T" + origin.token.encode())
    app = decode(origin.apps[0]["id"])
    by_app = play(origin.account, 3, proof=b"A" + app + mark_of(origin.secret, edge.id, now() * 1000))
    assert taken(edge, by_token, by_app) == {}
    bad = [play(origin.account, 4, accepted=now() - 86400, proof=b"T" + origin.token.encode()),  # before the token was made
           play(origin.account, 5, proof=b"A" + app + mark_of(origin.secret, edges[0].id, now() * 1000)),  # another edge's
           play(origin.account, 6, proof=b"A" + app + mark_of(origin.secret, edge.id, (now() - 7200) * 1000)),  # another hour's
           play(origin.account, 7, proof=b"A" + app), play(origin.account, 8, proof=b"T"), play(origin.account, 9, proof=b"?")]
    assert words(taken(edge, *bad)) == {lsn: "refused" for lsn in range(1, 7)}


def test_without_the_guard_it_is_believed(fleet):
    binary_of("drills")
    origin = Origin(fleet, guards_off="speaks")
    edge, _ = stranger_to(origin)
    assert taken(edge, play(origin.account, 1)) == {}


def test_a_parcel_goes_through_another_edge_unchanged_and_not_when_its_edge_is_revoked(fleet):
    origin = Origin(fleet)
    paris, rome = origin.edge("paris"), origin.edge("rome")
    assert taken(paris, play(origin.account, 1), through=rome) == {}
    status, _ = rome.ask(now(), "POST", "/nodes/operations", seal(rome.key, "/operations/" + encode(paris.id), write_parcel(
        JOURNAL, [(1, play(origin.account, 9).bytes())]), now()))
    assert status == 400, "under another's name"
    sealed = seal(paris.key, "/operations/" + encode(paris.id), write_parcel(JOURNAL, [(1, play(origin.account, 9).bytes())]), now())
    assert rome.ask(now(), "POST", "/nodes/operations", sealed[:-3] + b"xyz")[0] == 400, "altered on its way"
    assert paris.ask(now(), "POST", "/nodes/operations", sealed, shows_certificate=False)[0] == 403, "by nobody"
    fleet.revoke("paris")
    assert bring(paris, play(origin.account, 2, accepted=now() - 60), through=rome)[0] == 403
    assert origin.audit()[-1]["by"] == "paris" and origin.node.counter("parcels_taken_total") == 1


def test_a_clock_that_is_days_ahead_makes_a_parcel_wait(fleet):
    origin = Origin(fleet)
    edge = origin.edge("paris")
    assert bring(edge, play(origin.account, 1), play(origin.account, 2, accepted=now() + 3 * 86400))[0] == 503
    assert taken(edge, play(origin.account, 1, accepted=now() + 3600)) == {}


def test_every_parcel_that_is_cut_or_altered_is_known_for_it():
    body = write_parcel(JOURNAL, [(7, play(b"a" * 16, 1).bytes()), (9, play(b"a" * 16, 2).bytes())])
    for size in range(len(body)):
        with pytest.raises(Refused):
            read_parcel(body[:size])
    with pytest.raises(Refused):
        read_parcel(body + b"\0")
