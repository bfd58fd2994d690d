# SPDX-License-Identifier: GPL-3.0-or-later
"""What a thief of an edge can do, and for how long: the table of docs/threat-model.md, "A stolen edge".

The thief has the folder: key, certificate, delegation, and all that was there.  `forged` is an access token that the thief signs."""
import base64
import hashlib
import json
import secrets
import time

import pytest
from cryptography.hazmat.primitives import serialization
from browser import PASSWORD, Browser, b64, claims_of, knows, rest, signed_by
from patience import until
from test_signin import make_app, service  # noqa: F401
from read_parcel import nonce_of, renewal_proof
from test_parcel_page import Origin, bring, play, stranger_to, taken, words


def seed_of(service, name):
    return (service.folder / name / "keys/node.key").read_bytes()


def node_id(service, name):
    return service.edges()[name]["id"]


def forged(service, name, account, session):
    now = int(time.time())
    return signed_by(seed_of(service, name), {"iss": "sostenuto", "sub": account, "sid": session, "iat": now, "exp": now + 900})


def works(node, token):
    return rest(node, headers={"Authorization": "Bearer " + token})[0] == "ok"


def opened_by(service, name):
    """The id of a session that this edge opens."""
    return b64(secrets.token_bytes(8) + base64.urlsafe_b64decode(node_id(service, name) + "==")[:8])


def opened_by_key(node):
    return b64(secrets.token_bytes(8) + node[:8])


def sign_bound(service, name, account, browser):
    """A bound token for a session that only the thief knows of."""
    thumb = b64(hashlib.sha256(json.dumps(browser.jwk, sort_keys=True, separators=(",", ":")).encode()).digest())
    now = int(time.time())
    claims = {"iss": "sostenuto", "sub": account, "sid": opened_by(service, name), "iat": now, "exp": now + 900, "cnf": {"jkt": thumb}}
    return signed_by(seed_of(service, name), claims)


def test_a_thief_speaks_for_the_edges_listeners_until_it_is_revoked(service):  # noqa: F811
    paris = service.begin(edges=("paris", "oslo"))
    oslo = service.at["oslo"]
    browser, thief = Browser(), Browser()
    browser.sign_in(service.root)
    secret = make_app(service.root, browser)
    account, session = browser.session["user"]["id"], claims_of(browser.session["accessToken"])["sid"]
    until(lambda: browser.may(oslo) and browser.may(paris) and knows(oslo, apiKey=secret), "all is known at both")

    # before: as the edge itself
    token = forged(service, "paris", account, session)
    assert works(service.root, token) and works(oslo, token), "a known session of its listeners, anywhere"
    unknown = forged(service, "paris", account, opened_by(service, "paris"))
    assert not works(service.root, unknown) and not works(oslo, unknown), "a session that nobody knows is no use by itself"
    bound = sign_bound(service, "paris", account, thief)
    assert thief.renew(service.root, bound)[0] == 200 and thief.may(service.root), "but may be taken over, with a key"
    until(lambda: thief.may(oslo), "and is then known")
    stranger = sign_bound(service, "paris", account, thief)
    other = signed_by(seed_of(service, "paris"), {**claims_of(stranger), "sid": b64(secrets.token_bytes(16))})
    assert thief.renew(service.root, other)[0] == 401, "not one that looks like the origin's"

    service.revoke("paris")

    # after: at once at the origin, within the feed's delay at a linked edge
    assert not works(service.root, token)
    assert thief.renew(service.root, stranger)[0] == 401
    until(lambda: not works(oslo, token), "a linked edge has heard")
    until(lambda: not thief.may(service.root) and thief.renew(service.root)[0] == 401, "what it opened has ended")
    until(lambda: thief.renew(oslo)[0] == 401, "there too")
    assert browser.renew(service.root)[0] == 200, "its listener is still signed in"
    until(lambda: rest(service.root, apiKey=secret)[0] == "failed" and rest(oslo, apiKey=secret)[0] == "failed", "apps end: it had their secrets")
    status, answer = browser.sign_in(service.root)
    assert status == 200 and answer["passwordIsExposed"] is True, "the password goes on, and is said to be exposed"
    audit = [json.loads(line)["event"] for line in (service.folder / "origin/audit.log").read_text().splitlines()]
    assert "secrets exposed" in audit


def test_an_island_believes_a_thief_until_it_hears_of_the_revocation(service):  # noqa: F811
    service.begin(edges=("paris", "oslo"))
    oslo, browser = service.at["oslo"], Browser()
    browser.sign_in(service.root)
    until(lambda: browser.may(oslo), "the session is known")
    token = forged(service, "paris", browser.session["user"]["id"], claims_of(browser.session["accessToken"])["sid"])
    service.lose_origin()
    assert works(oslo, token), "nobody told it"
    service.root = service.origin()
    service.revoke("paris")
    until(lambda: not works(oslo, token), "it hears of it with the line", 60)


def test_a_thief_of_one_edge_of_three_speaks_for_two_thirds(service):  # noqa: F811
    service.begin(edges=("paris", "oslo", "rome"))
    browser = Browser()
    browser.sign_in(service.root)
    account, session = browser.session["user"]["id"], claims_of(browser.session["accessToken"])["sid"]
    at_home = service.homes_of(account)
    until(lambda: all(browser.may(edge) for edge in service.at.values()), "the session is known everywhere")
    for name in service.at:
        token = forged(service, name, account, session)
        assert works(service.root, token) == (name in at_home), name
        for other in service.at:
            assert works(service.at[other], token) == (name in at_home or other == name), (name, other)


def test_a_thief_finds_secrets_of_the_edges_own_listeners_alone(service):  # noqa: F811
    """What lies on the disk: app secrets need keys/sealing.key beside state.db; both are in the folder."""
    service.begin(edges=("paris", "oslo", "rome"))
    browser = Browser()
    browser.sign_in(service.root)
    at_home = service.homes_of(browser.session["user"]["id"])
    for name, edge in service.at.items():
        until(lambda: name not in at_home or knows(edge, u="alice", p=PASSWORD), "homes hold what they should")
        edge.stop()
        holds = any(b"$argon2id$" in path.read_bytes() for path in (service.folder / name).rglob("*") if path.is_file())
        assert holds == (name in at_home), name


RENEW = "/api/v1/session/refresh"


@pytest.mark.slow
def test_a_thief_writes_for_a_visitor_for_an_hour_around_each_renewal_there(service):  # noqa: F811
    """With all that an honest visitor's browser ever sent to it, and to another edge."""
    origin = Origin(service)
    thief, others = stranger_to(origin)
    browser, stranger = Browser(), Browser()
    assert browser.sign_in(origin.node)[0] == 200 and stranger.sign_in(origin.node)[0] == 200
    session, token = claims_of(browser.session["accessToken"])["sid"], browser.session["accessToken"]
    renewed = browser.proof(RENEW, nonce_of(thief.id))
    now, account = int(time.time()), origin.account
    proof = renewal_proof(session, renewed)

    # what it can: anything that merges, as of an hour before and after, as often as it likes
    assert taken(thief, play(account, 1, proof=proof), play(account, 2, accepted=now - 3500, proof=proof),
                 play(account, 3, accepted=now + 3500, proof=proof), play(account, 4, proof=renewal_proof(session, renewed, token))) == {}

    # what it cannot
    elsewhere = renewal_proof(session, browser.proof(RENEW, nonce_of(others[0].id)))
    unnamed = renewal_proof(session, browser.proof(RENEW))
    request = renewal_proof(session, browser.proof("/api/v1/session", nonce_of(thief.id)))
    own_key = renewal_proof(session, stranger.proof(RENEW, nonce_of(thief.id)), token)
    wrong_session = renewal_proof(claims_of(stranger.session["accessToken"])["sid"], renewed)
    claims = {"iss": "sostenuto", "sub": b64(account), "sid": opened_by_key(thief.id), "iat": now, "exp": now + 900, "cnf": claims_of(token)["cnf"]}
    seed = thief.key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    own_word = renewal_proof(claims["sid"], renewed, signed_by(seed, claims))
    takes_over = {"id": session, "label": "x", "current": b64(b"k" * 32), "previous": b64(b"k" * 32), "rotated": now * 1000, "created": now * 1000,
                  "expires": (now + 86400) * 1000}
    secret = secrets.token_bytes(32)
    by_cookie = {**takes_over, "current": claims_of(token)["cnf"]["jkt"], "previous": b64(hashlib.blake2b(secret, digest_size=32).digest()),
                 "rotated": (now + 86400) * 1000}
    for_me = {"id": b64(b"r" * 16), "session": session, "what": "make", "about": b64(b"m" * 16), "name": "mallory", "admin": True}
    theft = [play(account, 10, accepted=now - 3700, proof=proof), play(account, 11, accepted=now + 3700, proof=proof),
             *(play(account, 20 + n, proof=one) for n, one in enumerate([elsewhere, unnamed, request, own_key, wrong_session, own_word])),
             play(b"?" * 16, 30, proof=proof), play(account, 31, kind="password", payload={"hash": ""}, proof=proof),
             play(account, 32, kind="session", payload=takes_over, proof=proof),
             play(account, 33, kind="session", payload=by_cookie, proof=proof),
             play(account, 34, kind="request", payload=for_me, proof=proof), play(account, 35, kind="request", payload=for_me, proof=b"T" + token.encode())]
    assert words(taken(thief, *theft)) == {lsn: "refused" for lsn in range(1, len(theft) + 1)}
    users = json.loads(origin.node.ask("/api/v1/users", headers=browser.bearer)[1])
    assert "mallory" not in [user["name"] for user in users], "an admin who comes by asks for nothing there"
    assert browser.may(origin.node) and browser.renew(origin.node)[0] == 200, "the session is the visitor's still"
    cookie = {"Cookie": f"sostenuto_refresh={session}.{b64(secret)}", "Content-Type": "application/json"}
    assert origin.node.ask(RENEW, "POST", "{}", cookie)[0] == 401, "and nobody else's"

    # nothing for when the session had ended, and nothing at all once it is revoked
    assert browser.sign_out(origin.node) == 204
    late = play(account, 40, accepted=int(time.time()) + 60, proof=renewal_proof(session, renewed, token))
    assert words(taken(thief, late)) == {1: "refused"}
    service.revoke(thief.joined.delegation["name"])
    assert bring(thief, play(account, 41, proof=proof), through=others[0])[0] == 403
