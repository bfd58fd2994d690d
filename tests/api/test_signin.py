# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask, by every way of signing in, and the code of each refusal."""
import hashlib
import time
import urllib.parse

import pytest

from conftest import PASSWORD


def ask(server, endpoint="ping", method="GET", headers=None, **parameters):
    query = urllib.parse.urlencode({"v": "1.16.1", "c": "tests", "f": "json"} | parameters)
    if method == "POST":
        headers = {"Content-Type": "application/x-www-form-urlencoded"} | (headers or {})
        return server.ask("POST", f"/rest/{endpoint}", query.encode(), headers)
    return server.get(f"/rest/{endpoint}?{query}", headers)


def code(answer):
    body = answer.subsonic()
    return 0 if body["status"] == "ok" else body["error"]["code"]


def test_token_and_salt(server, anna):
    assert code(ask(server, **anna.credentials())) == 0


def test_token_in_capitals(server, anna):
    credentials = anna.credentials()
    assert code(ask(server, **credentials | {"t": credentials["t"].upper()})) == 0


def test_api_key(server, anna):
    assert code(ask(server, apiKey=anna.secret)) == 0
    assert ask(server, "tokenInfo", apiKey=anna.secret).subsonic()["tokenInfo"]["username"] == "anna"


def test_secret_as_password(server, anna):
    assert code(ask(server, u="anna", p=anna.secret)) == 0
    assert code(ask(server, u="anna", p="enc:" + anna.secret.encode().hex())) == 0


def test_password(server):
    assert code(ask(server, u="anna", p=PASSWORD)) == 0
    assert code(ask(server, u="anna", p="enc:" + PASSWORD.encode().hex())) == 0


def test_a_password_proved_once_is_cheap_for_minutes(server):
    assert code(ask(server, u="anna", p=PASSWORD)) == 0
    started = time.monotonic()
    for _ in range(20):
        assert code(ask(server, u="anna", p=PASSWORD)) == 0
    assert time.monotonic() - started < 1


def test_form_post_and_view(server, anna):
    assert code(ask(server, "ping.view", **anna.credentials())) == 0
    assert code(ask(server, "ping", "POST", **anna.credentials())) == 0
    assert code(ask(server, "ping.view", "POST", **anna.credentials())) == 0


@pytest.mark.parametrize("parameters, expected", [
    ({}, 10),
    ({"u": "anna"}, 10),
    ({"u": "anna", "t": "0" * 32}, 10),
    ({"u": "anna", "t": "0" * 32, "s": "salt"}, 40),
    ({"u": "nobody", "t": "0" * 32, "s": "salt"}, 40),
    ({"u": "anna", "p": "wrong"}, 40),
    ({"u": "anna", "p": "enc:zz"}, 40),
    ({"u": "nobody", "p": "wrong"}, 40),
    ({"apiKey": "wrong"}, 44),
    ({"apiKey": "aaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaa"}, 44),
    ({"apiKey": "x", "u": "anna"}, 43),
    ({"u": "anna", "p": "x", "t": "y", "s": "z"}, 43),
])
def test_refusals(server, parameters, expected):
    assert code(ask(server, **parameters)) == expected


def test_a_secret_is_only_its_owners(server, anna):
    assert code(ask(server, u="bert", p=anna.secret)) == 40
    salt = "salt"
    token = hashlib.md5((anna.secret + salt).encode()).hexdigest()
    assert code(ask(server, u="bert", t=token, s=salt)) == 40


def test_versions(server, anna):
    assert code(ask(server, **anna.credentials(), v="1.8.0")) == 0
    assert code(ask(server, **anna.credentials(), v="0.9.0")) == 20
    assert code(ask(server, **anna.credentials(), v="2.0.0")) == 30


def test_extensions_need_no_credentials(server):
    answer = server.get("/rest/getOpenSubsonicExtensions?f=json").subsonic()
    names = {extension["name"] for extension in answer["openSubsonicExtensions"]}
    assert names == {"apiKeyAuthentication", "formPost", "indexBasedQueue", "songLyrics", "transcodeOffset", "transcoding"}


def test_unknown_endpoints_are_404(server, anna):
    answer = anna.raw("getNothing")
    assert answer.status == 404 and answer.subsonic()["status"] == "failed"


def test_admin_endpoints(bert):
    assert bert.error("getUsers") == 50
    assert bert.error("startScan") == 50
    assert bert.error("getUser", username="anna") == 50
    assert bert.ask("getUser", username="bert")["user"]["adminRole"] is False


def test_any_page_may_ask_but_no_cookie_counts(server, anna):
    assert anna.raw("ping").headers["Access-Control-Allow-Origin"] == "*"
    preflight = server.ask("OPTIONS", "/rest/ping", headers={"Origin": "https://app.example",
                                                             "Access-Control-Request-Method": "GET"})
    assert preflight.status == 204 and "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    session = server.ask("POST", "/api/v1/session", ('{"name":"anna","password":"%s"}' % PASSWORD).encode(),
                         {"Content-Type": "application/json"})
    cookie = session.headers["Set-Cookie"].split(";")[0]
    assert code(server.get("/rest/ping?f=json", {"Cookie": cookie})) == 10


def test_bearer(server):
    session = server.ask("POST", "/api/v1/session", ('{"name":"bert","password":"%s"}' % PASSWORD).encode(),
                         {"Content-Type": "application/json"}).json()
    header = {"Authorization": "Bearer " + session["accessToken"]}
    assert code(server.get("/rest/ping?f=json&v=1.16.1&c=sostenuto", header)) == 0
    bad = server.get("/rest/ping?f=json", {"Authorization": "Bearer x.y.z"})
    assert bad.status == 401 and bad.subsonic()["error"]["code"] == 40
    assert code(server.get("/rest/ping?f=json&u=bert&p=x", header)) == 43


def test_a_proxys_own_authorization_does_not_matter(server, anna):
    basic = {"Authorization": "Basic cHJveHk6c2VjcmV0"}
    assert code(ask(server, headers=basic, **anna.credentials())) == 0
    assert code(ask(server, headers=basic)) == 10


def test_parameters_are_checked(anna, library):
    assert anna.error("getSong") == 10
    assert anna.error("getSong", id="") == 10
    assert anna.error("getSong", id="tr-unknown") == 70
    assert anna.error("getSong", id=library.album) == 70
    assert anna.error("getAlbumList2", type="nonsense") == 0
    assert anna.error("getAlbumList2", type="newest", size="many") == 0
    assert anna.error("getAlbumList2", type="newest", offset="-1") == 0
    assert anna.error("getAlbumList2", type="byYear") == 10
    assert anna.error("setRating", id=library.song, rating=6) == 0


def test_guessing_waits(server):
    """Last in this file: the address waits for that name afterwards, and only for that one."""
    answers = [ask(server, u="mallory", p=f"guess {i}") for i in range(12)]
    busy = [answer for answer in answers if answer.status == 503]
    assert busy and int(busy[0].headers["Retry-After"]) >= 1
    assert code(ask(server, u="anna", p=PASSWORD)) == 0
