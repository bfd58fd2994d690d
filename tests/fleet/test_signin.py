# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in, and staying signed in, at edges whose origin is gone: docs/decisions/034-island.md."""
import base64
import http.client
import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.parse

import pytest
from browser import PASSWORD, Browser, claims_of, homes, knows, rest, token_and_salt
from fleet_nodes import Fleet, environment, launcher
from patience import until
from writes_nodes import map_board

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "formats"))
from read_signed import Keys, Refused, edges_of, opened_by, revoked_nodes  # noqa: E402

DAY_S = 24 * 3600


def add_user(fleet, name="alice", clock=None, roles=()):
    command = [*launcher(clock=clock), "user", "add", name, *roles, "--password-file", "-", "--data", str(fleet.folder / "origin")]
    subprocess.run(command, input=PASSWORD + "\n", text=True, check=True, capture_output=True, env=environment(), timeout=60)


def make_app(node, browser):
    status, answer = node.ask("/api/v1/apps", "POST", b'{"label": "car"}', {"Content-Type": "application/json", **browser.bearer})
    assert status == 201, answer
    return json.loads(answer)["secret"]


def has_all(edge, accounts):
    status = json.loads(edge.ask("/status")[1])
    return status["link"] == "linked" and status["waiting"] == 0 and status["accounts"] >= accounts


def is_island(edge):
    return json.loads(edge.ask("/status")[1])["link"] == "island"


class Service(Fleet):
    """An origin with listeners, and edges that hold all of it."""

    def begin(self, edges=("paris",), users=("alice",), clock=None, flags=(), **how):
        self.root, self.users, self.edge_flags = self.origin(clock=clock, **how), users, flags
        for user in users:
            add_user(self, user, clock)
        self.at = {}
        for name in edges:
            self.join(name, clock=clock, **how)
        self.ready()
        return self.at[edges[0]]

    def join(self, name, clock=None, **how):
        token = self.invite(name, "--expires", "1d", clock=clock)
        flags = ["--node-urls", f"http://{name}.test", *self.edge_flags]
        self.at[name] = self.joined(name, self.root.url, token, flags=flags, clock=clock, **how)

    def ready(self):
        for edge in self.at.values():
            until(lambda: has_all(edge, len(self.users)), "an edge holds all")

    def lose_origin(self):
        self.root.kill()
        for edge in self.at.values():
            until(lambda: is_island(edge), "an edge knows that it is alone")

    def again(self, name, flags=(), **how):
        """Stops it and starts it; faketime ends before what it started does, which still holds the folder for a moment."""
        self.at[name].stop()

        def starts():
            node = self.edge(name, self.root.url, flags=flags, **how)
            return node if node.wait() else None

        self.at[name] = until(starts, "it starts again")
        return self.at[name]

    def homes_of(self, account):
        """Names of its home and backup."""
        named = {edge["id"]: name for name, edge in self.edges().items()}
        return [named[one] for one in homes(account, named)]


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path)
    yield service
    service.stop()


# --- one edge: everybody's home ---

def test_a_listener_signs_in_out_and_in_again_on_the_island(service):
    edge = service.begin()
    service.lose_origin()
    browser = Browser()
    status, answer = browser.sign_in(edge)
    assert status == 200 and answer["isBound"] and answer["grant"], answer
    assert browser.may(edge) and browser.renew(edge)[0] == 200
    assert browser.sign_in(edge, password="wrong horse battery")[0] == 401
    assert browser.sign_in(edge, name="nobody")[0] == 401
    assert browser.sign_out(edge) == 204 and not browser.may(edge)
    assert browser.renew(edge)[0] == 401, "what ended has ended"
    assert browser.sign_in(edge)[0] == 200 and browser.may(edge)


def test_without_the_guard_an_island_signs_for_nobody(service):
    edge = service.begin(guards_off="island-signs")
    browser = Browser()
    browser.sign_in(service.root)
    until(lambda: browser.may(edge), "the session is known")
    service.lose_origin()
    assert browser.renew(edge)[0] == 503 and Browser().sign_in(edge)[0] == 503


def test_apps_sign_in_with_all_that_they_have(service):
    edge = service.begin()
    browser = Browser()
    browser.sign_in(service.root)
    secret = make_app(service.root, browser)
    until(lambda: knows(edge, **token_and_salt("alice", secret)), "the app is known at the edge")
    service.lose_origin()
    assert rest(edge, apiKey=secret)[0] == "ok"
    assert rest(edge, **token_and_salt("alice", secret))[0] == "ok"
    assert rest(edge, u="alice", p=secret)[0] == "ok"
    assert rest(edge, u="alice", p=PASSWORD)[0] == "ok"
    assert rest(edge, u="alice", p="enc:" + PASSWORD.encode().hex())[0] == "ok"
    assert rest(edge, u="alice", p="wrong horse battery")[1]["code"] == 40
    assert rest(edge, **token_and_salt("alice", "wrong"))[1]["code"] == 40
    assert rest(edge, **token_and_salt("nobody", "wrong")) == rest(edge, **token_and_salt("alice", "wrong")), "and no answer tells which names exist"
    edge.stop()
    edge = service.joined("paris", service.root.url)
    assert rest(edge, **token_and_salt("alice", secret))[0] == "ok", "also after the edge's own restart"
    assert Browser().sign_in(edge)[0] == 200


def test_secrets_lie_in_no_file_of_the_edge_as_they_are(service):
    edge = service.begin()
    browser = Browser()
    browser.sign_in(service.root)
    secret = make_app(service.root, browser)
    until(lambda: knows(edge, **token_and_salt("alice", secret)), "the app is known at the edge")
    edge.stop()
    for path in (service.folder / "paris").rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes() and PASSWORD.encode() not in path.read_bytes(), path


def test_a_session_of_the_origin_goes_on_at_the_edge_and_back(service):
    edge = service.begin()
    browser = Browser()
    browser.sign_in(service.root)
    assert browser.renew(edge)[0] == 200 and browser.may(edge)
    assert browser.may(service.root), "what a home signs holds at the origin"
    service.lose_origin()
    assert browser.renew(edge)[0] == 200 and browser.may(edge)
    service.root = service.origin()
    assert browser.renew(service.root)[0] == 200 and browser.may(service.root)


def test_a_session_of_an_island_is_the_origins_when_it_is_back(service):
    edge = service.begin()
    service.lose_origin()
    browser = Browser()
    browser.sign_in(edge)
    service.root = service.origin()
    assert browser.renew(service.root)[0] == 200 and browser.may(service.root)
    assert Browser().renew(service.root, browser.session["accessToken"])[0] == 401, "not without its key"


def hears(node, browser, track):
    return node.ask(f"/m/{track}/original?g={browser.session['grant']}")[0] == 200


@pytest.mark.parametrize("guards_off", [None, "unheard-sessions"])
def test_who_signed_in_just_before_the_origin_died_reads_and_hears_at_an_edge_that_was_not_told(service, guards_off):
    make_song(service.folder / "music" / "song.flac")
    edge = service.begin()
    known, ended, unheard = Browser(), Browser(), Browser()
    known.sign_in(service.root)
    track = until(lambda: song_at(edge, known), "the song is known there")
    until(lambda: hears(edge, known, track), "and is kept there")
    edge.stop()
    ended.sign_in(service.root)
    assert ended.sign_out(service.root) == 204 and rest(service.root, "star", known.bearer, id=track)[0] == "ok"
    edge = service.again("paris", guards_off=guards_off)
    until(lambda: starred(edge, known) == [track], "the edge is told what was done meanwhile")
    edge.stop()
    unheard.sign_in(service.root)
    service.root.kill()
    edge = service.again("paris", guards_off=guards_off)
    until(lambda: is_island(edge), "the edge is alone")
    assert known.may(edge) and hears(edge, known, track)
    assert unheard.may(edge) == hears(edge, unheard, track) == (not guards_off)
    assert (edge.counter("sessions_unheard_total", "/.sostenuto/metrics") > 0) == (not guards_off)
    assert not ended.may(edge) and not hears(edge, ended, track), "of this one it was told that it ended, never that it began"


class Hearing:
    """A song that is read as slowly as it is played."""

    def __init__(self, node, path, headers=None):
        parts = urllib.parse.urlsplit(node.url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.connection.request("GET", path, headers={"Host": "music.test", **(headers or {})})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200 and len(self.answer.read(50_000)) == 50_000

    def breaks_off(self):
        """Within some seconds; what had arrived before is read."""
        end = time.monotonic() + 1
        try:
            while time.monotonic() < end:
                if len(self.answer.read(20_000)) < 20_000:
                    return True
                time.sleep(0.02)
        except (ConnectionResetError, http.client.IncompleteRead):
            return True
        return False


@pytest.mark.parametrize("hears_first", [True, False], ids=["it hears of it and then of its end", "it hears of both at once"])
@pytest.mark.slow
def test_what_a_session_hears_that_the_edge_never_heard_of_ends_with_it(service, hears_first):
    music = service.folder / "music" / "song.flac"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=d=120:r=44100:a=0.9", "-ac", "1", "-sample_fmt", "s16", "-metadata", "title=Tone",
                    "-metadata", "album=Tones", str(music)], check=True)
    edge = service.begin()
    known, gone, stays = Browser(), Browser(), Browser()
    known.sign_in(service.root)
    track = until(lambda: song_at(edge, known), "the song is known there")
    until(lambda: hears(edge, known, track), "and is kept there")
    edge.stop()
    gone.sign_in(service.root), stays.sign_in(service.root)
    service.root.kill()
    edge = service.again("paris")
    until(lambda: is_island(edge), "the edge is alone")
    stream = f"/rest/stream?id={track}&v=1.16.1&c=test"
    ending, going_on = ([Hearing(edge, f"/m/{track}/original?g={browser.session['grant']}") for _ in range(2)] + [Hearing(edge, stream, browser.bearer)]
                        for browser in (gone, stays))
    assert edge.counter("sessions_unheard_total", "/.sostenuto/metrics") > 0
    before = edge.counter("replica_taken_total", "/.sostenuto/metrics")
    service.root = service.origin()
    if hears_first:
        until(lambda: has_all(edge, 1) and edge.counter("replica_taken_total", "/.sostenuto/metrics") > before, "the edge follows again")
        until(lambda: gone.may(edge), "it has heard")
    assert gone.sign_out(service.root) == 204
    until(lambda: not gone.may(edge), "the edge hears of the end")
    until(lambda: edge.counter("http_answers_ended_total", "/.sostenuto/metrics") >= 3, "and ends what it sends")
    assert all(hearing.breaks_off() for hearing in ending)
    assert not any(hearing.breaks_off() for hearing in going_on), "and nothing else"


def test_what_ended_before_the_origin_died_stays_ended(service):
    edge = service.begin()
    browser, kept = Browser(), Browser()
    browser.sign_in(service.root), kept.sign_in(service.root)
    until(lambda: kept.may(edge) and browser.may(edge), "both are known at the edge")
    assert browser.sign_out(edge) == 204, "at a linked edge: everywhere"
    until(lambda: not browser.may(service.root) and not browser.may(edge), "it ended at both")
    service.lose_origin()
    assert not browser.may(edge) and browser.renew(edge)[0] == 401
    assert kept.may(edge)


def test_a_changed_password_and_a_closed_account_hold_on_the_island(service):
    edge = service.begin(users=("alice", "bert"))
    browser = Browser()
    browser.sign_in(service.root)
    change = json.dumps({"current": PASSWORD, "new": "another horse battery staple"}).encode()
    status, answer = service.root.ask("/api/v1/me/password", "PUT", change, {"Content-Type": "application/json", **browser.bearer})
    assert status in (200, 204), answer
    subprocess.run([*launcher(), "user", "remove", "bert", "--data", str(service.folder / "origin")], check=True, env=environment(),
                   capture_output=True, timeout=60)
    until(lambda: knows(edge, u="alice", p="another horse battery staple") and
          json.loads(edge.ask("/status")[1])["accounts"] == 1, "the edge heard of both")
    service.lose_origin()
    assert Browser().sign_in(edge)[0] == 401
    assert Browser().sign_in(edge, password="another horse battery staple")[0] == 200
    assert Browser().sign_in(edge, name="bert")[0] == 401


def test_a_guesser_waits_at_an_edge_as_at_the_origin_and_the_app_does_not(service):
    edge = service.begin(flags=["--signin-tries", "2"])
    browser = Browser()
    browser.sign_in(service.root)
    secret = make_app(service.root, browser)
    until(lambda: knows(edge, **token_and_salt("alice", secret)), "the app is known at the edge")
    service.lose_origin()
    answers = [Browser().sign_in(edge, password=f"wrong horse battery {n}")[0] for n in range(4)]
    assert answers[:2] == [401, 401] and 503 in answers
    assert edge.counter("signins_delayed_total", "/.sostenuto/metrics") >= 1
    assert rest(edge, **token_and_salt("alice", secret))[0] == "ok" and browser.renew(edge)[0] == 200


# --- two edges ---

def test_a_session_moves_between_two_islands_that_never_spoke(service):
    paris = service.begin(edges=("paris", "oslo"))
    oslo = service.at["oslo"]
    service.lose_origin()
    browser = Browser()
    assert browser.sign_in(paris)[0] == 200
    paris.kill()
    assert browser.renew(oslo)[0] == 200 and browser.may(oslo)
    assert oslo.counter("sessions_adopted_total", "/.sostenuto/metrics") == 1
    assert browser.sign_out(oslo) == 204 and browser.renew(oslo)[0] == 401
    assert browser.sign_in(oslo)[0] == 200, "and signs in there"


def test_who_signs_out_at_a_node_that_never_heard_of_the_session_has_signed_out(service):
    paris = service.begin(edges=("paris", "oslo"))
    oslo = service.at["oslo"]
    service.lose_origin()
    browser = Browser()
    browser.sign_in(paris)
    assert browser.sign_out(oslo) == 204 and browser.renew(oslo)[0] == 401
    service.root = service.origin()
    until(lambda: browser.renew(paris)[0] == 401, "it ended at the edge that opened it, by way of the origin")
    assert browser.renew(service.root)[0] == 401


def test_another_key_does_not_take_a_session_over(service):
    paris = service.begin(edges=("paris", "oslo"))
    service.lose_origin()
    browser, thief = Browser(), Browser()
    browser.sign_in(paris)
    assert thief.renew(service.at["oslo"], browser.session["accessToken"])[0] == 401
    assert browser.renew(service.at["oslo"])[0] == 200


# --- visitors ---

ARRIVES_S = 90  # an edge on an island may have asked another one to pass on, and waits for it, then for its next try


@pytest.fixture
def three(service):
    """Three edges; and which of them alice does not sign in at."""
    service.begin(edges=("paris", "oslo", "rome"))
    browser = Browser()
    browser.sign_in(service.root)
    account = browser.session["user"]["id"]
    at_home = service.homes_of(account)
    service.browser, service.account, service.at_home = browser, account, at_home
    service.edges_by_name = {name: edge["id"] for name, edge in service.edges().items()}
    service.away = next(edge for name, edge in service.at.items() if name not in at_home)
    return service


def test_a_visitor_stays_signed_in_and_is_told_where_passwords_are_known(three):
    browser, away, home = three.browser, three.away, three.at[three.at_home[0]]
    secret = make_app(three.root, browser)
    until(lambda: knows(away, apiKey=secret) and knows(home, **token_and_salt("alice", secret)) and browser.may(away), "app and session are known there")
    three.lose_origin()
    assert browser.renew(away)[0] == 200 and browser.may(away) and rest(away, apiKey=secret)[0] == "ok"
    status, answer = Browser().sign_in(away)
    assert status == 503 and all(f"http://{name}.test" in answer["detail"] for name in three.at_home), answer
    for asked in (token_and_salt("alice", secret), {"u": "alice", "p": PASSWORD}):
        state, error = rest(away, **asked)
        assert state == "failed" and f"http://{three.at_home[0]}.test" in error["message"], error
    for name in three.at_home:
        assert Browser().sign_in(three.at[name])[0] == 200 and rest(three.at[name], **token_and_salt("alice", secret))[0] == "ok"


def test_what_a_visitors_edge_signs_holds_there_and_renews_anywhere(three):
    browser, away, home = three.browser, three.away, three.at[three.at_home[0]]
    until(lambda: browser.may(away) and browser.may(home), "the session is known everywhere")
    three.lose_origin()
    browser.renew(away)
    assert browser.may(away) and not browser.may(home)
    assert browser.renew(home)[0] == 200 and browser.may(home)
    assert browser.may(away), "what a home signs holds everywhere"


def lists(node, browser):
    answer = rest(node, "getPlaylists", headers=browser.bearer)[1]
    return sorted(one["name"] for one in answer.get("playlists", {}).get("playlist", []))


@pytest.mark.parametrize("guards_off", [None, "visits"])
def test_a_visitor_is_not_told_that_something_is_kept_which_the_origin_would_not_believe(service, guards_off):
    """Their clock is off by hours: they are signed in by the edge's nonce, and the renewal proves nothing of when it was."""
    service.begin(edges=("paris", "oslo", "rome"), guards_off=guards_off)
    browser = Browser()
    browser.sign_in(service.root)
    at_home = service.homes_of(browser.session["user"]["id"])
    away, home = next(edge for name, edge in service.at.items() if name not in at_home), service.at[at_home[0]]
    until(lambda: browser.may(away) and browser.may(home), "the session is known everywhere")
    service.lose_origin()
    assert rest(away, "createPlaylist", browser.bearer, name="by the origin's token")[0] == "ok"
    browser.clock_s = -2 * 3600
    assert browser.renew(away)[0] == 200 and browser.may(away)
    assert (rest(away, "createPlaylist", browser.bearer, name="by a clock that is off")[0] == "ok") == bool(guards_off)
    assert browser.renew(home)[0] == 200
    assert rest(away, "createPlaylist", browser.bearer, name="by a home's")[0] == "ok"
    service.root = service.origin()
    kept = {"by a home's", "by the origin's token"}
    until(lambda: kept <= set(lists(service.root, browser)), "what was acknowledged is there", ARRIVES_S)
    # without the guard the third is there, too, if edges joined in different seconds and this one was a home once
    assert guards_off or set(lists(service.root, browser)) == kept


def test_what_a_visitor_does_after_a_renewal_on_the_island_arrives(three):
    browser, away = three.browser, three.away
    until(lambda: browser.may(away), "the session is known there")
    three.lose_origin()
    for name in ("one", "two"):
        assert browser.renew(away)[0] == 200
        assert rest(away, "createPlaylist", browser.bearer, name=name)[0] == "ok"
    three.root = three.origin()
    browser.renew(three.root)
    until(lambda: lists(three.root, browser) == ["one", "two"], "what was acknowledged is there", ARRIVES_S)
    assert "edge overreached" not in (three.folder / "origin/audit.log").read_text()


def test_an_admin_asks_an_island_of_their_home_and_not_where_they_come_by(three):
    """Else an edge that an admin once came by could ask in their name, long after."""
    add_user(three, "boss", roles=("--admin",))
    boss, json_fields = Browser(), {"Content-Type": "application/json"}
    assert boss.sign_in(three.root, "boss")[0] == 200
    at_home = three.homes_of(boss.session["user"]["id"])
    home, away = three.at[at_home[0]], next(edge for name, edge in three.at.items() if name not in at_home)
    until(lambda: boss.may(away) and boss.may(home), "the session is known everywhere")
    three.lose_origin()
    for node, status in ((away, 503), (home, 202)):
        assert boss.renew(node)[0] == 200
        got, answer = node.ask("/api/v1/users", "POST", b'{"name": "carl"}', {**json_fields, **boss.bearer})
        assert got == status, answer


def test_a_visitor_who_signed_in_on_the_island_is_believed_by_the_token_of_their_home(three):
    """The origin hears of the session and of what was done in it from two edges, in any order."""
    away, home, browser = three.away, three.at[three.at_home[0]], Browser()
    three.lose_origin()
    assert browser.sign_in(home)[0] == 200
    home.kill()
    for name in ("one", "two"):
        assert browser.renew(away)[0] == 200, "taken over from the home's token"
        assert rest(away, "createPlaylist", browser.bearer, name=name)[0] == "ok"
    three.root = three.origin()
    three.browser.renew(three.root)
    until(lambda: lists(three.root, three.browser) == ["one", "two"], "what was acknowledged is there", ARRIVES_S)


def make_song(path):
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=f=220:d=20", "-metadata", "title=Tone", "-metadata", "album=Tones", str(path)],
                   check=True)


def song_at(node, browser):
    found = rest(node, "search3", browser.bearer, query="Tone")[1].get("searchResult3", {}).get("song", [])
    return found[0]["id"] if found else None


def starred(node, browser):
    answer = rest(node, "getStarred2", browser.bearer)[1]
    return [one["id"] for one in answer.get("starred2", {}).get("song", [])]


def plays(node, browser, track):
    return rest(node, "getSong", browser.bearer, id=track)[1].get("song", {}).get("playCount", 0)


@pytest.mark.slow
def test_two_hours_of_a_visitor_on_an_island_arrive_once(service):
    """Each quarter of an hour the session is renewed, and something is done; the clocks of all nodes jump."""
    clock = service.folder / "clock"
    clock.write_text("+0")
    make_song(service.folder / "music" / "song.flac")
    service.begin(edges=("paris", "oslo", "rome"), clock=clock)
    browser = Browser()
    browser.sign_in(service.root)
    at_home = service.homes_of(browser.session["user"]["id"])
    away = next(edge for name, edge in service.at.items() if name not in at_home)
    track = until(lambda: song_at(away, browser), "the song is known there")
    service.lose_origin()
    for quarter in range(1, 9):
        browser.clock_s = quarter * 15 * 60 + 5
        clock.write_text(f"+{browser.clock_s}")
        assert not browser.may(away), "the token is over"
        assert browser.renew(away)[0] == 200
        assert rest(away, "createPlaylist", browser.bearer, name=f"quarter {quarter}")[0] == "ok"
        assert rest(away, "scrobble", browser.bearer, id=track, submission="true")[0] == "ok"
    browser.clock_s += DAY_S  # the session is given more time, once a day
    clock.write_text(f"+{browser.clock_s}")
    assert browser.renew(away)[0] == 200
    assert rest(away, "star", browser.bearer, id=track)[0] == "ok"
    assert away.counter("writes_refused_unproven_total", "/.sostenuto/metrics") == 0
    service.root = service.origin(clock=clock)
    assert browser.renew(service.root)[0] == 200
    until(lambda: lists(service.root, browser) == [f"quarter {quarter}" for quarter in range(1, 9)], "the playlists are there", ARRIVES_S)
    until(lambda: starred(service.root, browser) == [track], "the star is there", ARRIVES_S)
    until(lambda: json.loads(away.ask("/status")[1])["waiting"] == 0, "all has arrived", ARRIVES_S)
    assert plays(service.root, browser, track) == 8 and "edge overreached" not in (service.folder / "origin/audit.log").read_text()


def test_a_visitors_edge_that_was_started_anew_waits_for_one_renewal(three):
    browser, away = three.browser, three.away
    until(lambda: browser.may(away), "the session is known there")
    three.lose_origin()
    assert browser.renew(away)[0] == 200 and rest(away, "createPlaylist", browser.bearer, name="before")[0] == "ok"
    away = three.again(next(name for name, edge in three.at.items() if edge is away))
    assert rest(away, "createPlaylist", browser.bearer, name="not yet")[0] != "ok"
    assert browser.renew(away)[0] == 200 and rest(away, "createPlaylist", browser.bearer, name="after")[0] == "ok"
    three.root = three.origin()
    browser.renew(three.root)
    until(lambda: lists(three.root, browser) == ["after", "before"], "what was acknowledged is there", ARRIVES_S)


def test_without_the_guard_any_edge_signs_for_everybody(service):
    service.begin(edges=("paris", "oslo", "rome"), guards_off="edge-homes")
    browser = Browser()
    browser.sign_in(service.root)
    at_home = service.homes_of(browser.session["user"]["id"])
    away = next(edge for name, edge in service.at.items() if name not in at_home)
    until(lambda: browser.may(away), "the session is known")
    service.lose_origin()
    browser.renew(away)
    assert browser.may(service.at[at_home[0]])


def test_homes_that_move_take_the_secrets_along(three):
    lost = three.at_home[0]
    three.at.pop(lost).stop()
    three.revoke(lost)
    until(lambda: knows(three.away, u="alice", p=PASSWORD), "the next edge is one of the homes")
    three.lose_origin()
    assert Browser().sign_in(three.away)[0] == 200


# --- for strangers ---

def test_a_reader_of_the_pages_alone_judges_what_an_edge_signed(three):
    """tests/formats/read_signed.py, from docs/formats/: tokens.md, nodes.md, revoked.md."""
    browser, away, home = three.browser, three.away, three.at[three.at_home[0]]
    until(lambda: browser.may(away) and browser.may(home), "the session is known everywhere")
    fingerprint = three.invite("madrid").split(".")[2]
    three.lose_origin()
    now = time.time()
    keys = Keys(home.ask("/keys")[1], fingerprint, now)
    revoked = revoked_nodes(keys.open(home.ask("/revoked")[1], "/revoked", now), now)
    edges = edges_of(keys.open(home.ask("/nodes")[1], "/nodes", now), revoked)
    assert len(edges) == 3
    guest = Browser()
    guest.sign_in(home)
    claims = keys.token(guest.session["accessToken"], now, edges=edges)
    assert claims["sub"] == three.account and opened_by(claims["sid"], edges) == three.edges_by_name[three.at_home[0]]
    browser.renew(away)
    with pytest.raises(Refused, match="not its listener"):
        keys.token(browser.session["accessToken"], now, edges=edges)
    with pytest.raises(Refused, match="unknown"):
        keys.token(guest.session["accessToken"], now)


# --- the grace ---

@pytest.mark.slow
def test_sessions_are_renewed_for_the_grace_and_then_the_truth_is_said(service):
    """A day, the last day, and the day after, of virtual time: the edge is started anew at each."""
    edge = service.begin()
    browser = Browser()
    browser.sign_in(service.root)
    until(lambda: browser.may(edge), "it is known")
    service.lose_origin()
    for days in (1, 15, 29):
        edge = service.again("paris", clock=f"+{days}d")
        browser.clock_s = days * DAY_S
        assert browser.renew(edge)[0] == 200 and browser.may(edge), days
    edge = service.again("paris", clock="+31d")
    browser.clock_s = 31 * DAY_S
    status, answer = browser.renew(edge)
    assert status == 503 and "31 days" in answer["detail"], answer
    assert Browser(31 * DAY_S).sign_in(edge)[0] == 503


def test_the_grace_is_a_setting_and_its_guard_is_noticed(service):
    """A day of grace, and two of virtual time at the edge: it refuses; without the guard it goes on."""
    service.begin(clock="-2d", flags=["--session-grace-days", "1"])
    browser = Browser(-2 * DAY_S)
    browser.sign_in(service.root)
    until(lambda: browser.may(service.at["paris"]), "it is known")
    service.lose_origin()
    assert browser.renew(service.at["paris"])[0] == 200
    browser.clock_s = 0
    assert browser.renew(service.again("paris", flags=["--session-grace-days", "1"]))[0] == 503
    edge = service.again("paris", flags=["--session-grace-days", "1"], guards_off="island-grace")
    assert browser.renew(edge)[0] == 200


@pytest.mark.parametrize("hours", [1, -1])
@pytest.mark.parametrize("guards_off", [None, "origin-judges"])
def test_an_edge_whose_clock_is_wrong_asks_its_origin_before_it_signs_anybody_out(service, hours, guards_off):
    service.begin()
    path = service.folder / "paris.board"
    board = map_board(path)
    edge = service.again("paris", guards_off=guards_off, board=path)
    browser = Browser()
    browser.sign_in(service.root)
    until(lambda: browser.may(edge), "the session is known")
    board.clock_shift_ms = hours * 3600 * 1000
    for _ in range(10):
        assert browser.may(edge) == (not guards_off)
    assert board.clock_obeyed > 0
    board.clock_shift_ms = 0
    until(lambda: browser.may(edge), "the session has ended nowhere", 10)


def test_a_token_that_nobody_signed_is_not_now_but_never_signed_out(service):
    edge = service.begin()
    browser = Browser()
    browser.sign_in(service.root)
    service.lose_origin()
    token = browser.session["accessToken"]
    claims = claims_of(token)
    assert claims["iss"] == "sostenuto"
    forged = token[:-8] + base64.urlsafe_b64encode(bytes(6)).decode()
    assert browser.renew(edge, forged)[0] == 503
    assert browser.renew(edge, "a.b.c")[0] == 401
