# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/formats/joining.md is enough to build an edge by: one of Python's joins an origin of ours."""
import json
import pathlib
import ssl
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fleet"))
from fleet_nodes import Fleet  # noqa: E402
from read_joining import Edge, Refused, read_invitation, seal  # noqa: E402
from read_signed import encode, key_id, open_object  # noqa: E402


@pytest.fixture
def fleet(tmp_path):
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


def now():
    return int(time.time())


def test_a_strangers_edge_joins_asks_renews_and_is_revoked(fleet):
    origin = fleet.origin()
    edge = Edge(read_invitation(fleet.invite("stranger")))
    assert edge.join(now())[0] == 200
    assert edge.joined.delegation["name"] == "stranger" and "operations" in edge.joined.delegation["may"]
    assert edge.joined.addresses == edge.invitation.addresses
    assert edge.ask(now(), "GET", "/keys") == (200, origin.ask("/keys")[1])
    assert edge.ask(now(), "GET", "/keys", shows_certificate=False)[0] == 403
    before = edge.joined.chain_pem
    assert edge.renew(now())[0] == 200 and edge.joined.chain_pem != before
    fleet.revoke("stranger")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        edge.ask(now(), "GET", "/keys")
    status, problem = edge.renew(now())
    assert status == 403 and "revoked" in json.loads(problem)["detail"]


def test_a_second_stranger_with_the_same_token_is_refused_and_told_why(fleet):
    fleet.origin()
    invitation = read_invitation(fleet.invite("stranger"))
    assert Edge(invitation).join(now())[0] == 200
    status, problem = Edge(invitation).join(now())
    assert status == 403 and "used already" in json.loads(problem)["detail"]


def test_a_request_that_another_key_signed_is_none(fleet):
    fleet.origin()
    invitation = read_invitation(fleet.invite("stranger"))
    edge, other = Edge(invitation), Edge(invitation)
    body = json.dumps({"public": encode(other.public), "secret": invitation.secret, "urls": []}).encode()
    status, _ = edge.ask(now(), "POST", "/nodes/join", seal(edge.key, "/nodes/join", body, now()), shows_certificate=False)
    assert status == 400 and edge.join(now())[0] == 200


def test_what_an_edge_signs_is_verified_by_its_delegation(fleet):
    fleet.origin()
    edge = Edge(read_invitation(fleet.invite("stranger")))
    edge.join(now())
    whole = seal(edge.key, "/anything", b"{}", now())
    assert open_object(whole, {key_id(edge.public): edge.public}.get, "/anything", now()).body == b"{}"


def test_an_origin_with_another_root_is_found_out_in_the_handshake(fleet):
    fleet.origin()
    fleet.origin(name="impostor")
    invitation, other = read_invitation(fleet.invite("a")), read_invitation(fleet.invite("a", origin="impostor"))
    invitation.addresses = other.addresses
    with pytest.raises(Refused, match="another root"):
        Edge(invitation).join(now())
