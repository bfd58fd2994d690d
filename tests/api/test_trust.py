# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions bound to a browser's key, passkeys, what is ended and how soon, and that a stranger can verify all of it."""
import base64
import hashlib
import json
import pathlib
import secrets
import struct
import sys
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from conftest import PASSWORD
from test_player import assert_problem, send, sign_in

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "formats"))
from read_signed import Keys, Refused, revoked_sessions  # noqa: E402


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Browser:
    """A browser with a key that nobody can copy."""

    def __init__(self, server):
        self.server = server
        self.key = ec.generate_private_key(ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        self.jwk = {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}

    def proof(self, path, at=None, **claims):
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}
        claims = {"jti": secrets.token_urlsafe(16), "htm": "POST", "htu": self.server.base + path,
                  "iat": int(time.time() if at is None else at)} | claims
        signed = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return signed + "." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def post(self, path, body, proof=None):
        return send(self.server, "POST", path, body, DPoP=proof or self.proof(path))

    def sign_in(self, name="anna"):
        answer = self.post("/api/v1/session", {"name": name, "password": PASSWORD})
        assert answer.status == 200, answer.body
        return answer.json()

    def renew(self, session, **more):
        return self.post("/api/v1/session/refresh", {"token": session["accessToken"]}, **more)


@pytest.fixture
def browser(server):
    return Browser(server)


# --- sessions bound to a key ---

def test_a_bound_session_is_renewed_by_its_key_any_number_of_times(browser):
    session = browser.sign_in()
    assert session["isBound"] is True
    for _ in range(3):  # nothing rotates: the first token renews it each time, as if the answers were lost
        renewed = browser.renew(session)
        assert renewed.status == 200 and renewed.headers["Set-Cookie"] is None
        assert renewed.json()["isBound"] is True


def test_without_its_key_it_is_not_renewed(server, browser):
    session = browser.sign_in()
    thief = Browser(server)
    assert_problem(thief.renew(session), 401)
    assert_problem(send(server, "POST", "/api/v1/session/refresh", {"token": session["accessToken"]}), 401)
    assert browser.renew(session).status == 200


def test_a_proof_is_good_once(browser):
    session = browser.sign_in()
    proof = browser.proof("/api/v1/session/refresh")
    assert browser.renew(session, proof=proof).status == 200
    again = browser.renew(session, proof=proof)
    assert_problem(again, 401)
    assert "use_dpop_nonce" in str(again.headers.get_all("WWW-Authenticate"))


def test_a_clock_that_is_a_year_off(browser):
    session = browser.sign_in()
    path, wrong = "/api/v1/session/refresh", time.time() - 365 * 86400
    refused = browser.renew(session, proof=browser.proof(path, at=wrong))
    assert_problem(refused, 401)
    nonce = refused.headers["DPoP-Nonce"]
    assert browser.renew(session, proof=browser.proof(path, at=wrong, nonce=nonce)).status == 200


def test_a_proof_for_elsewhere(browser):
    session = browser.sign_in()
    refused = browser.renew(session, proof=browser.proof("/api/v1/session"))
    assert_problem(refused, 401)
    assert "invalid_dpop_proof" in str(refused.headers.get_all("WWW-Authenticate"))


# --- where one is signed in ---

def sessions_of(server, token):
    return send(server, "GET", "/api/v1/sessions", token=token).json()


def test_sessions_and_apps_stand_beside_each_other(server, browser, anna):
    session = browser.sign_in()
    rows = sessions_of(server, session["accessToken"])
    assert {row["kind"] for row in rows} == {"player", "app"}
    current = [row for row in rows if row["isCurrent"]]
    assert len(current) == 1 and current[0]["isBound"] and current[0]["label"].startswith("Python-urllib")
    assert rows == sorted(rows, key=lambda row: -(row["lastUsedAt"] or 0))


def test_an_ended_session_has_ended_everywhere(server, browser, library):
    lost, here = browser.sign_in(), sign_in(server)[0]
    claims = json.loads(base64.urlsafe_b64decode(lost["accessToken"].split(".")[1] + "=="))
    audio = f"/m/{library.song}/original?g={lost['grant']}"
    for _ in range(8):  # by any loop
        assert server.get(audio, {"Connection": "close"}).status == 200
    assert send(server, "DELETE", f"/api/v1/sessions/{claims['sid']}", token=here["accessToken"]).status == 204
    for _ in range(8):
        assert server.get(audio, {"Connection": "close"}).status == 401
    assert_problem(send(server, "GET", "/api/v1/sessions", token=lost["accessToken"]), 401)
    assert_problem(browser.renew(lost), 401)
    keys, _ = trusted(server)
    verified = keys.open(server.get("/revoked").body, "/revoked", time.time())
    assert claims["sid"] in revoked_sessions(verified, time.time())
    with pytest.raises(Refused, match="revoked"):
        keys.grant(lost["grant"], time.time(), revoked_sessions(verified, time.time()))
    assert_problem(send(server, "DELETE", f"/api/v1/sessions/{claims['sid']}", token=here["accessToken"]), 404)


def test_nobody_ends_anothers_session(server, browser):
    annas, berts = browser.sign_in(), sign_in(server, "bert")[0]
    sid = json.loads(base64.urlsafe_b64decode(annas["accessToken"].split(".")[1] + "=="))["sid"]
    assert_problem(send(server, "DELETE", f"/api/v1/sessions/{sid}", token=berts["accessToken"]), 404)
    assert browser.renew(annas).status == 200


# --- what a stranger can verify ---

def trusted(server):
    fingerprint = server.run("keys", "list").split()[1]
    answer = server.get("/keys")
    return Keys(answer.body, fingerprint, time.time()), answer


def test_a_stranger_verifies_everything_by_the_roots_fingerprint(server, browser):
    keys, answer = trusted(server)
    assert answer.headers["Sostenuto-Version"] == "%d.%d" % keys.object.version
    digest = base64.b64encode(hashlib.sha256(answer.body).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    session = browser.sign_in()
    claims = keys.token(session["accessToken"], time.time())
    assert claims["sub"] == session["user"]["id"]
    canonical = json.dumps({name: browser.jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    assert claims["cnf"] == {"jkt": b64(hashlib.sha256(canonical.encode()).digest())}
    grant = keys.grant(session["grant"], time.time())
    assert grant["session"] == claims["sid"] and grant["track"] is None


def test_a_stranger_finds_what_was_altered(server):
    keys, answer = trusted(server)
    fingerprint = server.run("keys", "list").split()[1]
    revoked = server.get("/revoked").body
    for at in range(0, len(revoked), 7):
        with pytest.raises(Refused):
            keys.open(revoked[:at] + bytes([revoked[at] ^ 1]) + revoked[at + 1:], "/revoked", time.time())
    with pytest.raises(Refused, match="other"):
        keys.open(revoked, "/nodes", time.time())
    with pytest.raises(Refused, match="expired"):
        keys.open(revoked, "/revoked", time.time() + 2 * 86400)
    with pytest.raises(Refused, match="another root"):
        Keys(answer.body, fingerprint[::-1], time.time())


def test_the_grant_may_be_a_field(server, library):
    session = sign_in(server)[0]
    path = f"/m/{library.song}/original"
    assert server.get(path, {"Sostenuto-Grant": session["grant"]}).status == 200
    assert server.get(path).status == 401


# --- passkeys ---

class Authenticator:
    """A security key in software."""

    def __init__(self, server):
        self.server, self.count = server, 0
        self.key, self.credential = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(20)

    def client_data(self, kind, challenge):
        return json.dumps({"type": "webauthn." + kind, "challenge": challenge, "origin": self.server.base,
                           "crossOrigin": False}).encode()

    def head(self, flags):
        self.count += 1
        return hashlib.sha256(b"127.0.0.1").digest() + bytes([flags]) + struct.pack(">I", self.count)

    def create(self, options):
        numbers = self.key.public_key().public_numbers()
        cose = bytes([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]) + numbers.x.to_bytes(32, "big") \
            + bytes([0x22, 0x58, 32]) + numbers.y.to_bytes(32, "big")
        data = self.head(0x45) + bytes(16) + struct.pack(">H", len(self.credential)) + self.credential + cose
        return {"id": b64(self.credential), "type": "public-key", "response": {
            "clientDataJSON": b64(self.client_data("create", options["challenge"])), "authenticatorData": b64(data)}}

    def get(self, options, flags=5):
        client, data = self.client_data("get", options["challenge"]), self.head(flags)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return {"id": b64(self.credential), "type": "public-key", "response": {
            "clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}}


def options_for_sign_in(server):
    return send(server, "POST", "/api/v1/session/passkey/options", {}).json()["publicKey"]


@pytest.fixture
def passkey(server, token_of_anna):
    authenticator = Authenticator(server)
    options = send(server, "POST", "/api/v1/passkeys/options", {}, token=token_of_anna).json()["publicKey"]
    assert options["rp"]["id"] == "127.0.0.1" and options["authenticatorSelection"]["userVerification"] == "required"
    answer = authenticator.create(options)
    made = send(server, "POST", "/api/v1/passkeys", answer | {"label": "a key in software"}, token=token_of_anna)
    assert made.status == 201, made.body
    yield authenticator, answer, made.json()
    send(server, "DELETE", f"/api/v1/passkeys/{made.json()['id']}", token=token_of_anna)


@pytest.fixture
def token_of_anna(server):
    return sign_in(server)[0]["accessToken"]


def test_a_passkey_signs_in(server, browser, passkey, token_of_anna):
    authenticator, _, made = passkey
    answer = browser.post("/api/v1/session/passkey", authenticator.get(options_for_sign_in(server)))
    assert answer.status == 200, answer.body
    assert answer.json()["user"]["name"] == "anna" and answer.json()["isBound"] is True
    listed = send(server, "GET", "/api/v1/passkeys", token=token_of_anna).json()
    assert [row["label"] for row in listed if row["id"] == made["id"] and row["lastUsedAt"]] == ["a key in software"]


def test_a_challenge_is_good_once(server, passkey, token_of_anna):
    authenticator, answer, _ = passkey
    assert_problem(send(server, "POST", "/api/v1/passkeys", answer | {"label": "again"}, token=token_of_anna), 422)
    options = options_for_sign_in(server)
    assert send(server, "POST", "/api/v1/session/passkey", authenticator.get(options)).status == 200
    assert_problem(send(server, "POST", "/api/v1/session/passkey", authenticator.get(options)), 422)


def test_passkeys_that_are_refused(server, passkey):
    authenticator = passkey[0]
    assert_problem(send(server, "POST", "/api/v1/session/passkey",
                        authenticator.get({"challenge": b64(secrets.token_bytes(32))})), 422)
    assert_problem(send(server, "POST", "/api/v1/session/passkey", authenticator.get(options_for_sign_in(server), flags=1)), 401)
    assert send(server, "POST", "/api/v1/session/passkey", authenticator.get(options_for_sign_in(server))).status == 200
    authenticator.count -= 2  # a copy that was used less
    assert_problem(send(server, "POST", "/api/v1/session/passkey", authenticator.get(options_for_sign_in(server))), 401)
    assert_problem(send(server, "POST", "/api/v1/session/passkey",
                        Authenticator(server).get(options_for_sign_in(server))), 401)
    assert_problem(send(server, "POST", "/api/v1/session/passkey", {"id": 5}), 400)


def test_a_removed_passkey_signs_nobody_in(server, token_of_anna):
    authenticator = Authenticator(server)
    options = send(server, "POST", "/api/v1/passkeys/options", {}, token=token_of_anna).json()["publicKey"]
    made = send(server, "POST", "/api/v1/passkeys", authenticator.create(options) | {"label": "x"}, token=token_of_anna).json()
    berts = sign_in(server, "bert")[0]["accessToken"]
    assert_problem(send(server, "DELETE", f"/api/v1/passkeys/{made['id']}", token=berts), 404)
    assert send(server, "DELETE", f"/api/v1/passkeys/{made['id']}", token=token_of_anna).status == 204
    assert_problem(send(server, "POST", "/api/v1/session/passkey", authenticator.get(options_for_sign_in(server))), 401)
