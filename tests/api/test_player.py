# SPDX-License-Identifier: GPL-3.0-or-later
"""The player's API of docs/formats/player-api.md."""
import http.client
import json
import re
import socket
import time

import pytest

import conftest
from conftest import PASSWORD


def send(server, method, path, body=None, token=None, cookie=None, **headers):
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        fields["Authorization"] = "Bearer " + token
    if cookie:
        fields["Cookie"] = cookie
    if body is not None:
        fields.setdefault("Content-Type", "application/json")
        body = json.dumps(body).encode()
    return server.ask(method, path, body, fields)


def sign_in(server, name="anna", password=PASSWORD):
    answer = send(server, "POST", "/api/v1/session", {"name": name, "password": password})
    assert answer.status == 200, answer.body
    return answer.json(), answer.headers["Set-Cookie"].split(";")[0]


@pytest.fixture
def token(server):
    return sign_in(server)[0]["accessToken"]


def assert_problem(answer, status):
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["title"] and answer.json()["detail"]


def test_status_is_open(server):
    status = server.get("/api/v1/status").json()
    assert status["needsSetup"] is False and status["name"] and status["version"]
    assert set(status["scanning"]) == {"running", "phase", "seen", "total"}


def test_the_session_object(server):
    session, cookie = sign_in(server)
    now = time.time() * 1000
    assert now < session["expiresAt"] <= now + 16 * 60 * 1000 and session["grantExpiresAt"] > now
    assert session["user"]["name"] == "anna" and session["user"]["isAdmin"] is True
    assert session["server"]["version"] and cookie.startswith("sostenuto_refresh=")


def test_the_cookie_is_locked_up(server):
    field = send(server, "POST", "/api/v1/session", {"name": "anna", "password": PASSWORD}).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/api/v1/session"} <= {part.strip() for part in field.split(";")}


def test_wrong_passwords(server):
    assert_problem(send(server, "POST", "/api/v1/session", {"name": "anna", "password": "wrong"}), 401)
    assert_problem(send(server, "POST", "/api/v1/session", {"name": "nobody", "password": "wrong"}), 401)


def test_an_app_secret_is_no_password_here(server, anna):
    assert_problem(send(server, "POST", "/api/v1/session", {"name": "anna", "password": anna.secret}), 401)


def test_refresh_rotates(server):
    _, cookie = sign_in(server)
    renewed = send(server, "POST", "/api/v1/session/refresh", {}, cookie=cookie)
    assert renewed.status == 200 and renewed.json()["accessToken"]
    second = renewed.headers["Set-Cookie"].split(";")[0]
    assert second != cookie
    # the one just replaced is good for a minute, and rotates nothing
    grace = send(server, "POST", "/api/v1/session/refresh", {}, cookie=cookie)
    assert grace.status == 200 and grace.headers["Set-Cookie"] is None
    assert send(server, "POST", "/api/v1/session/refresh", {}, cookie=second).status == 200


def test_a_stolen_cookie_ends_the_session(server):
    session, cookie = sign_in(server)
    current = cookie
    for _ in range(2):
        current = send(server, "POST", "/api/v1/session/refresh", {}, cookie=current).headers["Set-Cookie"].split(";")[0]
    assert_problem(send(server, "POST", "/api/v1/session/refresh", {}, cookie=cookie), 401)
    assert_problem(send(server, "POST", "/api/v1/session/refresh", {}, cookie=current), 401)
    assert_problem(send(server, "GET", "/api/v1/apps", token=session["accessToken"]), 401)


def test_other_pages_cannot_use_the_cookie(server):
    _, cookie = sign_in(server)
    path = "/api/v1/session/refresh"
    assert_problem(send(server, "POST", path, {}, cookie=cookie, Sec_Fetch_Site="cross-site"), 403)
    assert_problem(send(server, "POST", path, {}, cookie=cookie, Origin="https://evil.example"), 403)
    assert_problem(server.ask("POST", path, b"{}", {"Cookie": cookie, "Content-Type": "text/plain"}), 415)
    assert send(server, "POST", path, {}, cookie=cookie, Origin=server.base).status == 200


def test_sign_out(server):
    session, cookie = sign_in(server)
    assert send(server, "DELETE", "/api/v1/session", token=session["accessToken"]).status == 204
    assert_problem(send(server, "GET", "/api/v1/apps", token=session["accessToken"]), 401)
    assert_problem(send(server, "POST", "/api/v1/session/refresh", {}, cookie=cookie), 401)
    assert server.get(f"/m/tr-x/original?g={session['grant']}").status == 401


def test_apps(server, token):
    made = send(server, "POST", "/api/v1/apps", {"label": "kitchen"}, token)
    assert made.status == 201
    app = made.json()
    assert conftest.Client(server, "anna", app["secret"]).ask("ping")
    listed = {entry["id"]: entry for entry in send(server, "GET", "/api/v1/apps", token=token).json()}
    assert listed[app["id"]]["label"] == "kitchen" and "secret" not in listed[app["id"]]
    assert listed[app["id"]]["lastUsedAt"] > 0
    assert send(server, "DELETE", f"/api/v1/apps/{app['id']}", token=token).status == 204
    assert conftest.Client(server, "anna", app["secret"]).error("ping") == 40
    assert_problem(send(server, "DELETE", f"/api/v1/apps/{app['id']}", token=token), 404)


def test_users(server, token):
    made = send(server, "POST", "/api/v1/users", {"name": "clara", "password": PASSWORD, "libraries": [1]}, token)
    assert made.status == 201
    user = made.json()
    assert (user["name"], user["isAdmin"], user["libraries"]) == ("clara", False, [1])
    assert_problem(send(server, "POST", "/api/v1/users", {"name": "Clara", "password": PASSWORD}, token), 409)
    assert_problem(send(server, "POST", "/api/v1/users", {"name": "dora", "password": "password1"}, token), 422)
    assert_problem(send(server, "POST", "/api/v1/users", {"name": "a\nb", "password": PASSWORD}, token), 422)
    path = f"/api/v1/users/{user['id']}"
    assert send(server, "PATCH", path, {"libraries": [2], "name": "klara"}, token).json()["name"] == "klara"
    clara, _ = sign_in(server, "klara")
    answer = server.get("/rest/search3?query=&f=json", {"Authorization": "Bearer " + clara["accessToken"]}).subsonic()
    assert answer["searchResult3"]["song"] == []
    assert_problem(send(server, "GET", "/api/v1/users", token=clara["accessToken"]), 403)
    assert send(server, "PATCH", path, {"isDisabled": True}, token).json()["isDisabled"] is True
    assert_problem(send(server, "POST", "/api/v1/session", {"name": "klara", "password": PASSWORD}), 401)
    assert_problem(send(server, "GET", "/api/v1/apps", token=clara["accessToken"]), 401)
    assert send(server, "DELETE", path, token=token).status == 204
    assert "klara" not in [entry["name"] for entry in send(server, "GET", "/api/v1/users", token=token).json()]


def test_the_last_admin_stays(server, token):
    me = next(user for user in send(server, "GET", "/api/v1/users", token=token).json() if user["name"] == "anna")
    path = f"/api/v1/users/{me['id']}"
    for change in ({"isAdmin": False}, {"isDisabled": True}):
        assert_problem(send(server, "PATCH", path, change, token), 409)
    assert_problem(send(server, "DELETE", path, token=token), 409)


def test_ones_own_password(server, token):
    other = "brisk-lantern-meadow-92"
    send(server, "POST", "/api/v1/users", {"name": "emil", "password": PASSWORD}, token)
    first, _ = sign_in(server, "emil")
    second, _ = sign_in(server, "emil")
    path = "/api/v1/me/password"
    assert_problem(send(server, "PUT", path, {"current": "wrong", "new": other}, first["accessToken"]), 403)
    assert_problem(send(server, "PUT", path, {"current": PASSWORD, "new": "12345678"}, first["accessToken"]), 422)
    assert send(server, "PUT", path, {"current": PASSWORD, "new": other}, first["accessToken"]).status == 204
    assert send(server, "GET", "/api/v1/apps", token=first["accessToken"]).status == 200
    assert_problem(send(server, "GET", "/api/v1/apps", token=second["accessToken"]), 401)
    assert_problem(send(server, "POST", "/api/v1/session", {"name": "emil", "password": PASSWORD}), 401)
    sign_in(server, "emil", other)


def test_scan(server, token):
    scan = send(server, "GET", "/api/v1/scan", token=token).json()
    assert scan["tracks"] > 0 and isinstance(scan["report"], list)
    assert send(server, "POST", "/api/v1/scan", {"full": True}, token).status == 202
    assert_problem(send(server, "POST", "/api/v1/scan", {"full": "yes"}, token), 400)


def test_bodies_and_addresses(server, token):
    assert_problem(server.ask("POST", "/api/v1/session", b"{", {"Content-Type": "application/json"}), 400)
    assert_problem(server.ask("POST", "/api/v1/session", b"[]", {"Content-Type": "application/json"}), 400)
    assert_problem(send(server, "POST", "/api/v1/session", {"name": 1, "password": "x"}), 400)
    assert_problem(server.get("/api/v1/nothing"), 404)
    wrong = send(server, "PUT", "/api/v1/apps", {}, token)
    assert_problem(wrong, 405)
    assert wrong.headers["Allow"] == "GET, POST"
    assert_problem(send(server, "GET", "/api/v1/users"), 401)


def test_setup_is_done(server):
    assert_problem(send(server, "POST", "/api/v1/setup", {"code": "x", "name": "y", "password": PASSWORD}), 409)


def operation(seq, kind, payload):
    return {"seq": seq, "hlc": int(time.time() * 1000) << 16, "kind": kind, "payload": payload}


def test_operations(server, library):
    bearer = sign_in(server, "bert")[0]["accessToken"]
    batch = {"device": "AAAAAAAAAAAAAAAAAAAAAQ", "operations": [
        operation(1, "star", {"id": library.song, "on": True}),
        operation(2, "rating", {"id": library.song, "stars": 9}),
    ]}
    answer = send(server, "POST", "/ops", batch, bearer)
    assert answer.status == 200, answer.body
    assert [result["outcome"] for result in answer.json()["results"]] == ["accepted", "refused"]
    assert answer.json()["results"][1]["why"]
    again = send(server, "POST", "/ops", batch, bearer).json()["results"]
    assert again[0]["outcome"] == "duplicate"
    song = server.get(f"/rest/getSong?f=json&id={library.song}", {"Authorization": "Bearer " + bearer}).subsonic()
    assert "starred" in song["song"]
    assert_problem(send(server, "POST", "/ops", {"device": "x"}, bearer), 400)
    assert_problem(send(server, "POST", "/ops", batch), 401)
    batch["operations"] = [operation(3, "star", {"id": library.song, "on": False})]
    assert send(server, "POST", "/ops", batch, bearer).status == 200


def test_media_by_grant(server, library):
    session, _ = sign_in(server)
    grant = session["grant"]
    answer = server.get(f"/m/{library.song}/original?g={grant}")
    assert answer.status == 200 and "no-cache" in answer.headers["Cache-Control"]
    version = answer.headers["ETag"].strip('"')
    named = server.get(f"/m/{library.song}/original.{version}.flac?g={grant}", {"Range": "bytes=0-3"})
    assert named.status == 206 and named.body == b"fLaC" and "immutable" in named.headers["Cache-Control"]
    assert_problem(server.get(f"/m/{library.song}/original.{'0' * 15}1.flac?g={grant}"), 404)
    assert_problem(server.get(f"/m/{library.song}/original"), 401)
    forged = grant[:-4] + ("AAAA" if grant[-4:] != "AAAA" else "BBBB")
    assert_problem(server.get(f"/m/{library.song}/original?g={forged}"), 401)
    for name in ("original.", "original.x.flac", "other", "original.1", "original.1.flac.x", "original.-1.flac"):
        assert_problem(server.get(f"/m/{library.song}/{name}?g={grant}"), 404)
    assert_problem(server.get(f"/m/tr-AAAAAAAAAAAAAAAAAAAAAA/original?g={grant}"), 404)


class Kept:
    """A connection that stays open, and so on its loop."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)

    def get(self, path):
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        return answer.status, answer.read()


def counter(server, name):
    return int(re.search(rf"^sostenuto_{name} (\d+)$", server.get("/metrics").body.decode(), re.M).group(1))


def test_every_loop_serves_hot_objects_by_itself_until_the_session_ends(server, library):
    session, _ = sign_in(server)
    grant = session["grant"]
    version = server.get(f"/m/{library.song}/original?g={grant}").headers["ETag"].strip('"')
    paths = [f"/m/{library.song}/original.{version}.flac?g={grant}", f"/m/{library.song}/original?g={grant}",
             f"/art/{library.art}/300.webp?g={grant}"]
    expected = [(200, server.get(path).body) for path in paths]
    listeners = [Kept(server) for _ in range(24)]  # more than one loop keeps to itself
    for _ in range(2):  # the first finds out, the next remember
        assert all([listener.get(path) for path in paths] == expected for listener in listeners)
    away = counter(server, "http_requests_away_total")
    assert all([listener.get(path) for path in paths] == expected for listener in listeners)
    assert counter(server, "http_requests_away_total") - away <= 2  # those that ask for the counter
    assert send(server, "DELETE", "/api/v1/session", token=session["accessToken"]).status == 204
    assert {listener.get(path)[0] for path in paths for listener in listeners} == {401}


def test_small_objects_keep_their_bytes_whatever_part_is_asked_for(server, library):
    """From memory and, where that is cheaper, from the file: parts are the same."""
    session, _ = sign_in(server)
    grant = session["grant"]
    page = f"/m/{library.song}/original?g={grant}"
    whole = server.get(page)
    version, size = whole.headers["ETag"].strip('"'), len(whole.body)
    path = f"/m/{library.song}/original.{version}.flac?g={grant}"
    for first, last in ((0, size - 1), (0, 99), (100, min(9000, size - 2)), (size - 7, size - 1)):
        part = server.get(path, {"Range": f"bytes={first}-{last}"})
        assert part.status == 206 and part.body == whole.body[first:last + 1]
    several = server.get(path, {"Range": "bytes=0-9,20-29"})
    assert several.status == 206 and whole.body[20:30] in several.body
    assert server.get(path, {"If-None-Match": f'"{version}"'}).status == 304


def test_art_by_grant(server, library):
    grant = sign_in(server)[0]["grant"]
    answer = server.get(f"/art/{library.art}/300.webp?g={grant}")
    assert answer.status == 200 and answer.headers["Content-Type"] == "image/webp"
    assert "immutable" in answer.headers["Cache-Control"]
    assert server.get(f"/art/{library.art}/64.jpg?g={grant}").headers["Content-Type"] == "image/jpeg"
    for name in ("301.webp", "300.png", "300", "x.webp", "300.webp/x"):
        assert_problem(server.get(f"/art/{library.art}/{name}?g={grant}"), 404)
    assert_problem(server.get(f"/art/{library.art}/300.webp"), 401)


def read_events(connection, wanted, seconds=20):
    connection.sock.settimeout(seconds)
    seen = {}
    name = None
    while not wanted <= set(seen):
        line = connection.response.readline().decode().rstrip("\n")
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            seen[name] = json.loads(line[6:])
    return seen


def listen(server, bearer):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/api/v1/events", headers={"Authorization": "Bearer " + bearer})
    sock = connection.sock
    connection.response = connection.getresponse()
    connection.sock = sock
    return connection


def test_events(server, bert, library):
    connection = listen(server, sign_in(server, "bert")[0]["accessToken"])
    assert connection.response.getheader("Content-Type").startswith("text/event-stream")
    assert read_events(connection, {"scan"})["scan"]["phase"]
    bert.ask("star", id=library.song)
    assert read_events(connection, {"state"})["state"]["version"] > 0
    bert.ask("unstar", id=library.song)
    connection.close()
    assert_problem(server.get("/api/v1/events"), 401)


def test_a_state_event_reaches_only_the_listener_whose_state_changed(server, anna, bert, library):
    bearers = [sign_in(server, name)[0]["accessToken"] for name in ("anna", "bert")]
    hers, his = [listen(server, bearer) for bearer in bearers]
    anna.ask("star", id=library.song)
    before = read_events(hers, {"state"})["state"]["version"]
    bert.ask("star", id=library.song)
    assert read_events(his, {"state"})["state"]["version"] > before, "he was not told of hers"
    anna.ask("unstar", id=library.song)
    bert.ask("unstar", id=library.song)
    hers.close()
    his.close()


def test_setup(tmp_path):
    server = conftest.Server(tmp_path)
    (tmp_path / "music").mkdir()
    try:
        server.start(tmp_path / "music")
        assert server.get("/api/v1/status").json()["needsSetup"] is True
        code = re.search(r"\b[0-9A-Za-z]{4}-[0-9A-Za-z]{4}\b", (tmp_path / "server.log").read_text()).group()
        whole = {"code": code, "name": "first", "password": PASSWORD}
        for _ in range(6):
            assert_problem(send(server, "POST", "/api/v1/setup", whole | {"code": "AAAA-AAAA"}), 403)
        waits = send(server, "POST", "/api/v1/setup", whole)
        assert_problem(waits, 503)  # a neighbour who guesses waits, and does not use the code up
        time.sleep(int(waits.headers["Retry-After"]))
        assert_problem(send(server, "POST", "/api/v1/setup", whole | {"password": "sostenuto"}), 422)
        assert_problem(send(server, "POST", "/api/v1/setup", whole | {"name": " "}), 422)
        made = send(server, "POST", "/api/v1/setup", whole)
        assert made.status == 201 and made.json()["user"]["isAdmin"] is True and made.headers["Set-Cookie"]
        assert_problem(send(server, "POST", "/api/v1/setup", whole), 409)
        assert server.get("/api/v1/status").json()["needsSetup"] is False
    finally:
        server.stop()


# --- the page, and how answers travel ---

def open_page(server, *fields):
    with socket.create_connection(("127.0.0.1", server.port), 10) as client:
        lines = ["GET / HTTP/1.1", "Host: localhost", "Connection: close", *fields, "", ""]
        client.sendall("\r\n".join(lines).encode())
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_a_browser_that_opens_the_page_hears_first_what_it_will_need(server):
    interim, _, answer = open_page(server, "Sec-Fetch-Mode: navigate").partition(b"\r\n\r\n")
    assert interim.startswith(b"HTTP/1.1 103 ") and answer.startswith(b"HTTP/1.1 200 ")
    for path in re.findall(rb"Link: <([^>]+)>", interim):
        assert path in answer or path.endswith(b".woff2")
        assert server.get(path.decode()).status == 200
    assert interim.count(b"Link: ") >= 2
    assert open_page(server).startswith(b"HTTP/1.1 200 ")
    assert b" 103 " not in open_page(server, "Sec-Fetch-Mode: navigate", 'If-None-Match: "x"')


def test_lists_are_packed_and_secrets_are_not(server, anna):
    packed = {"Accept-Encoding": "gzip"}
    assert anna.raw("getAlbumList2", type="newest", size=500, headers=packed).headers["Content-Encoding"] == "gzip"
    assert server.get("/metrics", packed).headers["Content-Encoding"] == "gzip"
    answer = send(server, "POST", "/api/v1/session", {"name": "anna", "password": PASSWORD},
                  Accept_Encoding="gzip")
    assert answer.status in (200, 201) and not answer.headers["Content-Encoding"]
