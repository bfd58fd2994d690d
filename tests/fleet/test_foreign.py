# SPDX-License-Identifier: GPL-3.0-or-later
"""`sostenuto edge --subsonic URL` before a server that is not its friend: odd ways to read a request, errors, error pages."""
import json

import pytest

from foreign import Foreign, token_of
from patience import until
from test_subsonic import FORM, adopt, anna, ask, get, is_linked, known  # noqa: F401: `adopt` is a fixture


@pytest.fixture
def foreign():
    server = Foreign()
    yield server
    server.close()


@pytest.fixture
def edge(foreign, adopt):  # noqa: F811
    edge = adopt(foreign.url)
    until(lambda: edge.status()["walked"] > 0, "the library was walked")
    known(edge)
    return edge


def spoof(edge, how):
    """Eve, who has an account, asks in anna's name.  The server answers eve, or anybody."""
    eve = "u=eve&p=plums&c=test&v=1.13.0&f=json"
    if how == "form before query":
        edge.ask("POST", "/rest/getStarred2?u=anna&p=eves", eve, FORM)
    elif how == "another body":
        edge.ask("POST", "/rest/getStarred2?u=anna&p=eves", eve, {"Content-Type": "text/parameters"})
    elif how == "her own words before the answer":
        answer = get(edge.url, "getStarred2", u="anna", p="eves", f="jsonp", callback='"status":"ok"').body
        assert answer.startswith(b'"status":"ok"(') and b"Wrong username" in answer, answer
    else:
        assert ask(edge.url, "getOpenSubsonicExtensions", u="anna", p="eves")["status"] == "ok"


@pytest.mark.parametrize("how", ["form before query", "another body", "open to everybody", "her own words before the answer"])
@pytest.mark.slow
def test_nobody_is_anna_by_another_answer(foreign, edge, how):
    spoof(edge, how)
    assert get(edge.url, "stream", u="anna", p="eves", id="s1", f="json").body[:3] != b"ID3"
    assert ask(edge.url, "star", u="anna", p="eves", id="s1")["status"] == "failed"
    foreign.close()
    is_linked(edge, "island")
    assert ask(edge.url, "getStarred2", u="anna", p="eves")["error"]["code"] == 40
    assert anna(edge, "getStarred2")["status"] == "ok", "and she herself is known"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["form before query", "another body", "open to everybody", "her own words before the answer"])
def test_without_its_guard_eve_is_anna(foreign, adopt, how):  # noqa: F811
    edge = adopt(foreign.url, guards_off="adopt-plain-sign-in")
    until(lambda: edge.status()["walked"] > 0, "the library was walked")
    known(edge)
    spoof(edge, how)
    assert get(edge.url, "stream", u="anna", p="eves", id="s1", f="json").body[:3] == b"ID3"


@pytest.mark.slow
def test_a_password_that_the_server_refused_is_none_on_the_island(foreign, adopt):  # noqa: F811
    edge = adopt(foreign.url)
    until(lambda: edge.status()["walked"] > 0, "the library was walked")
    known(edge)
    foreign.passwords["anna"] = "pears"
    edge.kill()
    edge = adopt(foreign.url)  # remembers nobody but by verifiers
    assert ask(edge.url, "ping", u="anna", p="apples")["error"]["code"] == 40
    until(lambda: verifiers(edge) == 0, "the old password is forgotten")
    foreign.close()
    is_linked(edge, "island")
    assert ask(edge.url, "getArtists", u="anna", p="apples")["status"] == "failed"


def verifiers(edge):
    import sqlite3
    with sqlite3.connect(f"file:{edge.data}/adopt.db?mode=ro", uri=True) as book:
        return book.execute("SELECT count(*) FROM verifier WHERE listener = 'anna'").fetchone()[0]


def guess_by_tokens(edge, salts):
    """Statuses, of sixteen wrong passwords with these salts in turn."""
    answers = [get(edge.url, "getArtists", u="anna", t=token_of(f"guess {i}", salts[i % len(salts)]), s=salts[i % len(salts)], f="json") for i in range(16)]
    assert all(answer.json["subsonic-response"]["status"] == "failed" for answer in answers)
    return [answer.status for answer in answers]


def an_island_that_knows_a_salt(foreign, edge):
    pair = {"u": "anna", "t": token_of("apples", "always"), "s": "always"}
    before = verifiers(edge)
    until(lambda: ask(edge.url, "ping", **pair)["status"] == "ok" and verifiers(edge) > before, "an app with a salt of its own is known", seconds=90)
    foreign.close()
    is_linked(edge, "island")
    return pair


@pytest.mark.slow
def test_guesses_by_token_and_salt_wait_on_an_island_as_passwords_do(foreign, adopt):  # noqa: F811
    edge = adopt(foreign.url)
    until(lambda: edge.status()["walked"] > 0, "the library was walked")
    pair = an_island_that_knows_a_salt(foreign, edge)
    assert set(guess_by_tokens(edge, [f"salt {i}" for i in range(16)])) == {200}, "another salt each time is an app, not a guess"
    assert guess_by_tokens(edge, ["always"])[-1] == 503, "the salt that is known can be guessed with, and waits"
    assert ask(edge.url, "getArtists", **pair)["status"] == "ok", "who is known does not"


@pytest.mark.slow
def test_without_the_guard_tokens_are_guessed_at_will(foreign, adopt):  # noqa: F811
    edge = adopt(foreign.url, guards_off="signin-waits")
    until(lambda: edge.status()["walked"] > 0, "the library was walked")
    an_island_that_knows_a_salt(foreign, edge)
    assert set(guess_by_tokens(edge, ["always"])) == {200}


@pytest.mark.slow
def test_every_one_of_many_listeners_is_known_on_the_island(foreign, edge):
    """More at once than may wait for Argon2: who had no turn has one with the next request."""
    import concurrent.futures
    import sqlite3
    names = [f"listener{i}" for i in range(85)]
    foreign.passwords.update({name: "pw" for name in names})

    def all_kept():
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            list(pool.map(lambda name: ask(edge.url, "ping", u=name, p="pw"), names))
        with sqlite3.connect(f"file:{edge.data}/adopt.db?mode=ro", uri=True) as book:
            return book.execute("SELECT count(DISTINCT listener) FROM verifier WHERE listener LIKE 'listener%'").fetchone()[0] == len(names)
    until(all_kept, "all are known", 300)


def test_one_question_that_is_too_much_for_the_server_is_no_island(foreign, edge):
    foreign.faults["getPodcasts"] = ("status", 500)
    for _ in range(20):
        get(edge.url, "getPodcasts", u="anna", p="apples", f="json")
        assert edge.status()["link"] == "linked"


@pytest.mark.slow
def test_a_generic_error_is_tried_again_and_one_page_holds_up_nobody(foreign, edge):
    foreign.faults["star"] = ("error", 0)
    assert anna(edge, "star", id="s1")["status"] == "ok", "taken, and it waits"
    assert ask(edge.url, "ping", u="eve", p="plums")["status"] == "ok"
    foreign.faults["setRating"] = ("status", 500)
    assert anna(edge, "setRating", id="s1", rating=3)["status"] == "ok"
    assert ask(edge.url, "scrobble", u="eve", p="plums", id="s1", time=1700000000000)["status"] == "ok"
    until(lambda: ("scrobble", "eve") in [one[:2] for one in foreign.asked], "eve's play is told")
    assert edge.status()["link"] == "linked" and edge.status()["writes_waiting"] >= 1
    waits = anna(edge, "getUntoldWrites")["untoldWrites"]
    assert waits["waiting"] == 2 and {one["state"] for one in waits["write"]} == {"waiting"} and waits["write"][-1]["of"] == ["s1"]
    assert [one["id"] for one in anna(edge, "getStarred2")["starred2"]["song"]] == ["s1"], "meanwhile she sees it"
    foreign.faults.clear()
    until(lambda: edge.status()["writes_waiting"] == 0, "all was told")
    assert foreign.stars["anna"] == {"s1"} and anna(edge, "getUntoldWrites")["untoldWrites"] == {"waiting": 0, "write": []}


def test_a_refusal_is_shown_to_its_listener_and_nobody_else(foreign, edge):
    foreign.faults["setRating"] = ("error", 50)
    assert anna(edge, "setRating", id="s1", rating=3)["error"]["code"] == 50
    until(lambda: edge.status()["writes_refused"] == 1, "it ended")
    one, = anna(edge, "getUntoldWrites")["untoldWrites"]["write"]
    assert (one["endpoint"], one["state"], one["code"], one["of"]) == ("setRating", "refused", 50, ["s1"])
    assert ask(edge.url, "getUntoldWrites", u="eve", p="plums")["untoldWrites"]["write"] == []
    assert json.dumps(ask(edge.url, "getUntoldWrites", u="anna", p="eves")).count("setRating") == 0


@pytest.mark.slow
def test_what_waits_is_counted_on_an_island_from_its_start(foreign, edge, adopt):  # noqa: F811
    foreign.close()
    is_linked(edge, "island")
    assert anna(edge, "star", id="s1")["status"] == "ok"
    edge.kill()
    edge = adopt(foreign.url)
    until(lambda: edge.status()["link"] == "island", "it is alone")
    assert edge.status()["writes_waiting"] == 1
