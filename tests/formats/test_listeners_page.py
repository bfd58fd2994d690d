# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/formats/{listeners,nodes}.md are enough to follow an origin by: edges of Python's do, as far as they may."""
import json
import pathlib
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fleet"))
from cryptography.hazmat.primitives import serialization  # noqa: E402
from fleet_nodes import Fleet, run  # noqa: E402
from read_joining import Edge, read_invitation  # noqa: E402
from read_listeners import homes, read_copy, read_nodes  # noqa: E402
from read_signed import decode, open_object  # noqa: E402

JSON = {"Accept": "application/json"}
NAMES = ["one", "two", "three"]


@pytest.fixture
def fleet(tmp_path):
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


@pytest.fixture
def origin(fleet):
    running = fleet.origin()
    for name in "alice", "bob":
        run("user", "add", name, "--password-file", password_file(fleet), "--data", fleet.folder / "origin")
    return running


def password_file(fleet):
    file = fleet.folder / "password"
    file.write_text("correct horse battery staple\n")
    return file


def now():
    return int(time.time())


def join(fleet, name):
    edge = Edge(read_invitation(fleet.invite(name)))
    assert edge.join(now())[0] == 200
    return edge


def ask(edge, path, **headers):
    return edge.ask(now(), "GET", path, headers={**JSON, **headers})


def accounts(edge):
    told = json.loads(ask(edge, "/changes?all=1&wait=0")[1])
    assert told["reset"] and {"/keys", "/nodes", "/revoked"} <= {each["name"] for each in told["objects"]}
    return [state["account"] for state in told["states"]]


def opened(edge, name, bytes_):
    return open_object(bytes_, edge.joined.keys.public(now()), name, now()).body


def seed_of(edge):
    return edge.key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())


def test_secrets_go_to_home_and_backup_alone_as_everybody_computes_them(fleet, origin):
    edges = {name: join(fleet, name) for name in NAMES}
    listed = read_nodes(opened(edges["one"], "/nodes", origin.ask("/nodes")[1]))
    assert set(listed) == set(NAMES) and all(listed[name]["public"] for name in NAMES)
    for account in accounts(edges["one"]):
        for name, edge in edges.items():
            path = f"/listeners/{account}"
            copy = read_copy(opened(edge, path, ask(edge, path)[1]), decode(account), seed_of(edge))
            assert (copy.boxed is not None) == (name in homes(listed, decode(account))), (account, name)
            assert copy.boxed is None or 17 in {row["space"] for row in copy.boxed if row["row"] == "cell"}
            assert {row["space"] for row in copy.rows if row["row"] == "cell"} & {9, 10, 11, 12, 13, 14, 15, 16}


def test_when_an_edge_is_revoked_others_become_home(fleet, origin):
    edges = {name: join(fleet, name) for name in NAMES}
    account = decode(accounts(edges["one"])[0])
    before = homes(read_nodes(opened(edges["one"], "/nodes", origin.ask("/nodes")[1])), account)
    fleet.revoke(before[0])
    rest = next(edges[name] for name in NAMES if name != before[0])
    after = homes(read_nodes(opened(rest, "/nodes", origin.ask("/nodes")[1])), account)
    assert after[0] == before[1] and before[0] not in after and len(after) == 2


def test_what_an_edge_passes_on_has_its_listeners_authority_and_not_its_own(fleet, origin):
    edge = join(fleet, "paris")
    account = accounts(edge)[0]
    for path in f"/listeners/{account}", "/changes?all=1&wait=0", "/catalog/1":
        assert ask(edge, path)[0] in (200, 404), path
        assert ask(edge, path, Via="1.1 paris")[0] in (401, 403), path
        assert origin.ask(path, headers=JSON)[0] in (401, 403), path
    assert ask(edge, "/changes?all=1&wait=0", Accept="text/event-stream")[0] == 406


def test_an_edge_has_no_other_right(fleet, origin):
    edge = join(fleet, "paris")
    for method, path in ("GET", "/api/v1/users"), ("GET", "/api/v1/me"), ("POST", "/ops"), ("GET", "/rest/getUsers?f=json&v=1.16.1&c=t"):
        status, body = edge.ask(now(), method, path, headers=JSON)
        assert status in (400, 401, 403, 404, 405) or b'"failed"' in body, (path, status, body)
