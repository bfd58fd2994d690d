# SPDX-License-Identifier: GPL-3.0-or-later
"""What only the origin decides is asked of an island, kept as a request, and decided once when the origin is back."""
import json
import urllib.parse

import pytest

from patience import until

HEADERS = {"Content-Type": "application/json"}


def ask(server, bearer, method, path, body=None):
    return server.ask(method, path, json.dumps(body).encode() if body is not None else None, {**bearer, **HEADERS})


def users(server, bearer):
    return {user["name"]: user for user in server.get("/api/v1/users", headers=bearer).json}


def requests_at(server, bearer):
    answer = server.get("/api/v1/requests", headers=bearer)
    assert answer.status == 200, answer.body
    return answer.json


def states(server, bearer):
    return [(one["what"], one["state"]) for one in requests_at(server, bearer)]


def revive(fleet, start_server, music):
    address = urllib.parse.urlsplit(fleet.origin.url).netloc
    return start_server(folders=[music], data=fleet.origin.data, listen=address)


def make(fleet, name, **members):
    """A user of the origin that the edge knows, too."""
    answer = ask(fleet.origin, fleet.bearer, "POST", "/api/v1/users", {"name": name, "password": "a long enough one 1", **members})
    assert answer.status == 201, answer.body
    until(lambda: fleet.edge.status()["accounts"] >= len(users(fleet.origin, fleet.bearer)), "the edge has heard")
    return answer.json["id"]


@pytest.mark.slow
def test_an_island_keeps_what_the_origin_decides_through_kill_9_and_it_is_done_once(fleet, kill, start_server, music):
    bella = make(fleet, "bella")
    kill(fleet.origin)
    made = ask(fleet.edge, fleet.bearer, "POST", "/api/v1/users", {"name": "carl", "libraries": []})
    assert made.status == 202 and made.json["state"] == "waiting" and "origin" in made.json["words"], made.body
    again = ask(fleet.edge, fleet.bearer, "POST", "/api/v1/users", {"name": "carl", "libraries": []})
    assert (again.status, again.json["id"]) == (202, made.json["id"]), "asked twice it is one request"
    raised = ask(fleet.edge, fleet.bearer, "PATCH", f"/api/v1/users/{bella}", {"isAdmin": True, "name": "Bella"})
    assert raised.status == 202, raised.body
    assert sorted(states(fleet.edge, fleet.bearer)) == [("change", "waiting"), ("make", "waiting")]
    assert not users(fleet.edge, fleet.bearer)["bella"]["isAdmin"], "nothing is done before it is decided"
    fleet.edge.kill()
    edge = fleet.again()
    assert sorted(states(edge, fleet.bearer)) == [("change", "waiting"), ("make", "waiting")], "a crash loses nothing"
    origin = revive(fleet, start_server, music)
    for node in (origin, edge):
        until(lambda: sorted(states(node, fleet.bearer)) == [("change", "done"), ("make", "done")], "decided, and shown at both")
    after = users(origin, fleet.bearer)
    assert after["carl"]["libraries"] == [] and not after["carl"]["isAdmin"] and after["Bella"]["isAdmin"]
    assert after["carl"]["id"] == made.json["account"]
    undo = ask(origin, fleet.bearer, "PATCH", f"/api/v1/users/{bella}", {"isAdmin": False})
    assert undo.status == 200
    edge.kill()
    edge = fleet.again()
    until(lambda: edge.holds_all(3), "what the edge brings again")
    assert not users(origin, fleet.bearer)["Bella"]["isAdmin"], "changes nothing a second time"
    log = (origin.data / "audit.log").read_text()
    assert log.count("request decided") == 2


def test_what_may_not_be_is_said_at_once_or_refused_with_a_reason(fleet, kill, start_server, music):
    bella = make(fleet, "bella")
    alice = users(fleet.origin, fleet.bearer)["alice"]["id"]
    kill(fleet.origin)
    for method, path, body, status in [
            ("POST", "/api/v1/users", {"name": "Bella"}, 409),
            ("POST", "/api/v1/users", {"name": "dora", "password": "a long enough one 1"}, 503),
            ("POST", "/api/v1/users", {}, 400),
            ("PATCH", f"/api/v1/users/{bella}", {"password": "a long enough one 1"}, 503),
            ("PATCH", f"/api/v1/users/{alice}", {"isAdmin": False}, 409),
            ("DELETE", "/api/v1/users/AAAAAAAAAAAAAAAAAAAAAA", None, 404),
            ("PUT", "/api/v1/me/password", {"current": fleet.secret, "new": "a long enough one 1"}, 503),
            ("POST", "/api/v1/apps", {"label": "phone"}, 503)]:
        answer = ask(fleet.edge, fleet.bearer, method, path, body)
        assert answer.status == status, (method, path, answer.status, answer.body)
        assert "origin is away" in answer.text if status == 503 else True
    assert requests_at(fleet.edge, fleet.bearer) == []
    assert ask(fleet.edge, fleet.bearer, "DELETE", f"/api/v1/users/{bella}").status == 202
    assert ask(fleet.edge, fleet.bearer, "PATCH", f"/api/v1/users/{bella}", {"isDisabled": True}).status == 202
    origin = revive(fleet, start_server, music)
    until(lambda: [one["state"] != "waiting" for one in requests_at(origin, fleet.bearer)] == [True] * 2, "decided")
    outcome = {one["what"]: one for one in requests_at(origin, fleet.bearer)}
    assert outcome["delete"]["state"] == "done" and "bella" not in users(origin, fleet.bearer)
    assert outcome["change"]["state"] == "refused" and "no account" in outcome["change"]["why"]
    until(lambda: {one["state"] for one in requests_at(fleet.edge, fleet.bearer)} == {"done", "refused"}, "the edge shows it")


@pytest.mark.parametrize("guards_off", [None, "request-rights"])
def test_who_is_no_admin_any_more_gets_nothing_and_without_the_guard_they_do(fleet, kill, start_server, music, guards_off):
    make(fleet, "bella", isAdmin=True)
    kill(fleet.origin)
    assert ask(fleet.edge, fleet.bearer, "POST", "/api/v1/users", {"name": "carl"}).status == 202
    fleet.edge.kill()
    where = {"folders": [music], "data": fleet.origin.data, "listen": urllib.parse.urlsplit(fleet.origin.url).netloc}
    origin = start_server(**where, guards_off=guards_off)
    alice = users(origin, fleet.bearer)["alice"]["id"]
    bella = {"Authorization": "Bearer " + origin.sign_in("bella", "a long enough one 1")["accessToken"]}
    assert ask(origin, bella, "PATCH", f"/api/v1/users/{alice}", {"isAdmin": False}).status == 200
    fleet.again()
    until(lambda: [one["state"] != "waiting" for one in requests_at(origin, fleet.bearer)] == [True], "decided")
    request = requests_at(origin, fleet.bearer)[0]
    assert ("carl" in users(origin, bella)) == bool(guards_off)
    assert request["state"] == ("done" if guards_off else "refused")
    assert guards_off or "any more" in request["why"]


def test_a_session_that_was_ended_meanwhile_asks_for_nothing(fleet, kill, start_server, music):
    other = fleet.origin.sign_in()
    bearer = {"Authorization": "Bearer " + other["accessToken"]}
    until(lambda: fleet.edge.get("/api/v1/requests", headers=bearer).status == 200, "it is known")
    mine = next(one["id"] for one in fleet.origin.get("/api/v1/sessions", headers=bearer).json if one["isCurrent"])
    kill(fleet.origin)
    assert ask(fleet.edge, bearer, "POST", "/api/v1/users", {"name": "mallory"}).status == 202
    assert fleet.edge.ask("DELETE", f"/api/v1/sessions/{mine}", headers=fleet.bearer).status in (200, 204)
    origin = revive(fleet, start_server, music)
    until(lambda: states(origin, fleet.bearer) == [("make", "refused")], "who owns the account ended it")
    assert "ended" in requests_at(origin, fleet.bearer)[0]["why"] and "mallory" not in users(origin, fleet.bearer)


@pytest.mark.parametrize("guards_off", [None, "requests-kept"])
def test_so_many_may_wait_and_the_next_is_told_so(fleet, kill, start_edge, guards_off):
    fleet.edge.kill()
    edge = start_edge("edge", fleet.origin.url, None, "--max-requests-waiting", "2", guards_off=guards_off)
    until(edge.holds_all, "the edge holds all")
    kill(fleet.origin)
    answers = [ask(edge, fleet.bearer, "POST", "/api/v1/users", {"name": name}) for name in ("one", "two", "three")]
    assert [answer.status for answer in answers] == [202, 202, 202 if guards_off else 503]
    if not guards_off:
        assert int(answers[2].headers["Retry-After"]) > 0 and "as many" in answers[2].text
        assert "requests_over_bounds_total 1" in edge.get("/.sostenuto/metrics").text
        assert len(requests_at(edge, fleet.bearer)) == 2, "and what was kept is kept"
