# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in under attack, and the twins of its guards: without a guard the same test finds that it fails."""
import base64
import concurrent.futures
import json
import secrets
import threading
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from conftest import PASSWORD, run_command


@pytest.fixture
def serve(start_server, music, tmp_path):
    """A server with an account, some music, and perhaps without guards."""
    def start(*flags, guards_off=None):
        data = tmp_path / "state"
        run_command("user", "add", "alice", "--admin", "--password-file", "-", "--data", data, input=PASSWORD + "\n")
        return start_server(*flags, folders=[music], data=data, guards_off=guards_off)
    return start


def sign_in(server, name="alice", password="wrong", cookie=None, **fields):
    headers = {"Content-Type": "application/json"} | {key.replace("_", "-"): value for key, value in fields.items()}
    if cookie:
        headers["Cookie"] = cookie
    return server.ask("POST", "/api/v1/session", json.dumps({"name": name, "password": password}), headers, timeout=60)


# --- waits ---

def wait_for(server, tries=9):
    """The answers to wrong passwords, one after another."""
    return [sign_in(server).status for _ in range(tries)]


def test_wrong_passwords_wait(serve):
    server = serve()
    statuses = wait_for(server)
    assert statuses[:5] == [401] * 5 and 503 in statuses
    assert sign_in(server).headers["Retry-After"]


def test_without_the_guard_they_do_not(serve):
    assert set(wait_for(serve(guards_off="signin-waits"))) == {401}


def counted(server):
    lines = server.get("/metrics").text.splitlines()
    return {name: float(value) for name, value in (line.split() for line in lines if line.startswith("sostenuto_signins_"))}


@pytest.mark.slow
def test_waits_are_settings_and_are_counted(serve):
    server = serve("--signin-tries", "1", "--signin-longest-wait-seconds", "2")
    statuses = wait_for(server, 4)
    assert statuses == [401, 401, 503, 503]
    time.sleep(2.1)
    assert sign_in(server, password=PASSWORD).status == 200, "an honest listener waits two seconds at most"
    values = counted(server)
    assert values["sostenuto_signins_wrong_total"] == 2 and values["sostenuto_signins_delayed_total"] >= 2
    assert values["sostenuto_signins_total"] >= 1 and values["sostenuto_signins_busy_total"] == 0


def owner_beside_strangers(server):
    """The owner's status at a browser that was signed in before, while strangers guess from the same address."""
    first = sign_in(server, password=PASSWORD)
    assert first.status == 200, first.body
    device = next(field.split(";")[0] for field in first.headers.get_all("Set-Cookie") if field.startswith("sostenuto_device="))
    wait_for(server, 12)
    assert sign_in(server, password=PASSWORD + "!").status == 503, "a stranger waits"
    return sign_in(server, password=PASSWORD + "?", cookie=device).status


def test_strangers_wrong_tries_do_not_stop_the_owner(serve):
    assert owner_beside_strangers(serve()) == 401, "looked at, and wrong only because the test says so"


def test_without_the_guard_the_owner_waits(serve):
    assert owner_beside_strangers(serve(guards_off="known-device")) == 503


# --- a flood ---

class Listening(threading.Thread):
    """Fetches music again and again, and keeps the longest wait."""

    def __init__(self, server, path):
        super().__init__()
        self.server, self.path, self.worst, self.count, self.failures, self.is_over = server, path, 0, 0, 0, False

    def run(self):
        while not self.is_over:
            begun = time.monotonic()
            answer = self.server.get(self.path)
            self.failures += answer.status != 200
            self.worst, self.count = max(self.worst, time.monotonic() - begun), self.count + 1
            time.sleep(0.02)


def flood(server, total=1000, at_once=128):
    """Names that nobody has, so that none is known; their answers."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda i: sign_in(server, name=f"nobody-{i}", password="x" * 12), range(total)))


@pytest.mark.alone
@pytest.mark.slow
def test_a_thousand_sign_ins_cost_running_streams_nothing(serve):
    server = serve()
    server.wait_for_scan()
    session = server.sign_in()
    bearer = {"Authorization": "Bearer " + session["accessToken"]}
    found = server.get("/rest/search3?query=Tone&f=json&v=1.16.1&c=test", headers=bearer).json["subsonic-response"]
    song = found["searchResult3"]["song"][0]["id"]
    listening = Listening(server, f"/m/{song}/original?g={session['grant']}")
    listening.start()
    answers = flood(server)
    listening.is_over = True
    listening.join()
    refused = [answer for answer in answers if answer.status == 503]
    assert {answer.status for answer in answers} <= {401, 503} and len(refused) > 100
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert listening.failures == 0 and listening.count > 5 and listening.worst < 5, vars(listening)


@pytest.mark.slow
def test_the_queue_of_passwords_is_bounded(serve):
    """More than two threads and 64 places can take at once; waits are off, so that only the queue refuses."""
    assert 503 in {answer.status for answer in flood(serve(guards_off="signin-waits"), 100, 100)}


@pytest.mark.slow
def test_without_the_guard_the_queue_takes_all(serve):
    assert {answer.status for answer in flood(serve(guards_off=",".join(("signin-waits", "password-queue"))), 100, 100)} == {401}


# --- keys of browsers ---

def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def proof(server, key, path):
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}
    parts = ({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk},
             {"jti": secrets.token_urlsafe(16), "htm": "POST", "htu": server.url.rstrip("/") + path, "iat": int(time.time())})
    signed = ".".join(b64(json.dumps(part).encode()) for part in parts)
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return signed + "." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


REFRESH = "/api/v1/session/refresh"


def renewals(server):
    """Statuses: with a proof, with the same proof again, with another key's."""
    key, thief = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    session = sign_in(server, password=PASSWORD, DPoP=proof(server, key, "/api/v1/session")).json
    once = proof(server, key, REFRESH)
    return [server.ask("POST", REFRESH, json.dumps({"token": session["accessToken"]}),
                       {"Content-Type": "application/json", "DPoP": one}).status
            for one in (once, once, proof(server, thief, REFRESH))]


def test_a_proof_is_good_once_and_for_its_own_session(serve):
    assert renewals(serve()) == [200, 401, 401]


def test_without_the_guard_a_proof_is_good_again(serve):
    assert renewals(serve(guards_off="replay")) == [200, 200, 401]


def test_without_the_guard_any_key_renews(serve):
    assert renewals(serve(guards_off="bound-refresh")) == [200, 401, 200]


def renew_often(server, times):
    key = ec.generate_private_key(ec.SECP256R1())
    session = sign_in(server, password=PASSWORD, DPoP=proof(server, key, "/api/v1/session")).json
    return [server.ask("POST", REFRESH, json.dumps({"token": session["accessToken"]}),
                       {"Content-Type": "application/json", "DPoP": proof(server, key, REFRESH)})
            for _ in range(times)]


def test_who_renews_without_end_has_a_share_of_the_table(serve):
    server = serve("--max-renewals-per-account", "5")
    run_command("user", "add", "bert", "--password-file", "-", "--data", server.data, input=PASSWORD + "\n")
    answers = renew_often(server, 7)
    assert [answer.status for answer in answers] == [200] * 5 + [503] * 2 and int(answers[-1].headers["Retry-After"]) > 1
    key = ec.generate_private_key(ec.SECP256R1())
    session = sign_in(server, "bert", PASSWORD, DPoP=proof(server, key, "/api/v1/session")).json
    other = server.ask("POST", REFRESH, json.dumps({"token": session["accessToken"]}),
                       {"Content-Type": "application/json", "DPoP": proof(server, key, REFRESH)})
    assert other.status == 200, "others do not notice"
    assert "sostenuto_renewals_crowded_total 2" in server.get("/metrics").text


def test_without_the_guard_it_is_no_share(serve):
    answers = renew_often(serve("--max-renewals-per-account", "5", guards_off="renewal-share"), 7)
    assert {answer.status for answer in answers} == {200}


# --- the audit log ---

def test_what_is_done_to_accounts_is_written_down(serve):
    server = serve()
    session = server.sign_in()
    sign_in(server)
    run_command("keys", "rotate", "--data", server.data)
    server.ask("DELETE", "/api/v1/session", headers={"Authorization": "Bearer " + session["accessToken"]})
    path = server.data / "audit.log"
    assert path.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["signed in", "sign-in refused", "keys rotated", "signed out"]
    assert lines[0]["account"] == "alice" and lines[0]["address"] == "127.0.0.1" and lines[2]["by"] == "owner"
    assert PASSWORD not in path.read_text() and session["accessToken"] not in path.read_text()
