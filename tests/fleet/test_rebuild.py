# SPDX-License-Identifier: GPL-3.0-or-later
"""The promoted edge was not where everybody signs in, and had not heard all: other edges give back what they hold."""
import http.client
import json
import secrets
import shutil
import subprocess
import urllib.parse

import pytest
from browser import PASSWORD, Browser, b64, claims_of, homes, rest, token_and_salt
from certificates import edge_context
from fleet_nodes import Fleet, Node, environment, launcher, run
from liar import Liar
from patience import until
from writes_nodes import free_port

NAMES = ["paris", "rome", "oslo", "bern"]
USERS = ["alice", "bob", "carol", "dave", "eve", "frank", "grace", "heidi"]


def add_user(fleet, user):
    command = [*launcher(), "user", "add", user, "--password-file", "-", "--data", str(fleet.folder / "origin")]
    subprocess.run(command, input=PASSWORD + "\n", text=True, check=True, capture_output=True, env=environment(), timeout=60)


class Rebuilt(Fleet):
    def begin(self):
        self.root = self.origin()
        for user in USERS:
            add_user(self, user)
        self.at = {name: self.joined(name, self.root.url, self.invite(name), flags=["--edge-place-kib-s", "0"]) for name in NAMES}
        for edge in self.at.values():
            until(lambda: self.has_all(edge), "an edge holds all")

    def has_all(self, edge):
        status = json.loads(edge.ask("/status")[1])
        return status["link"] == "linked" and status["waiting"] == 0 and status["accounts"] == len(USERS)

    def stranger_to(self, name):
        """Who signs in at others, and a browser of theirs, signed in at the origin."""
        named = {edge["id"]: edge_name for edge_name, edge in self.edges().items()}
        for user in USERS:
            browser = Browser()
            status, answer = browser.sign_in(self.root, name=user)
            assert status == 200, answer
            account = claims_of(browser.session["accessToken"])["sub"]
            if name not in [named[one] for one in homes(account, named)]:
                return user, browser
        raise AssertionError("everybody is at home there")

    def lose_origin(self):
        self.root_key = self.folder / "root.key"
        shutil.copy(self.folder / "origin" / "keys" / "root.key", self.root_key)
        self.root.kill()
        shutil.rmtree(self.folder / "origin")

    def promote(self, name, *flags):
        return run("promote", "--data", self.folder / name, "--root-key", self.root_key, "--listen", "127.0.0.1:0", *flags).stdout

    def serve(self, name, listen, *flags):
        node = Node("serve", self.folder / "music", "--data", self.folder / name, "--listen", listen, *flags, log=self.folder / f"{name}-origin.log")
        self.nodes.append(node)
        assert node.wait(), node.words[-3000:]
        return node


@pytest.fixture
def fleet(tmp_path, music):
    fleet = Rebuilt(tmp_path)
    if music != fleet.folder / "music":
        shutil.copytree(music, fleet.folder / "music", dirs_exist_ok=True)
    yield fleet
    fleet.stop()


def state_of(node, browser):
    def ask(endpoint, **parameters):
        status, answer = rest(node, endpoint, headers=browser.bearer, **parameters)
        assert status == "ok", answer
        return answer

    songs = ask("search3", query="", songCount=100)["searchResult3"].get("song", [])
    return {"starred": sorted(song["id"] for song in ask("getStarred2")["starred2"].get("song", [])),
            "played": sorted((song["id"], song["playCount"]) for song in songs if song.get("playCount")),
            "lists": sorted(one["name"] for one in ask("getPlaylists")["playlists"].get("playlist", []))}


def heard(node):
    component = [one for one in json.loads(node.ask("/status")[1])["components"] if one["name"] == "rebuild"]
    return component[0].get("why", "all") if component else None


def a_thief_of_bern_gives_back_its_own_listeners_alone(fleet, server):
    """Who has its folder, and is not revoked yet."""
    named = {edge["name"]: edge["id"] for edge in fleet.edges("paris").values()}
    door = json.loads(run("edges", "list", "--json", "--data", fleet.folder / "paris").stdout)["door"]

    def ask(method, path, body=None):
        connection = http.client.HTTPSConnection(door, timeout=20, context=edge_context(fleet.folder / "bern"))
        try:
            connection.request(method, path, body=body)
            return connection.getresponse().status
        finally:
            connection.close()

    def account(is_own):
        return next(one for one in iter(lambda: b64(secrets.token_bytes(16)), None)
                    if (named["bern"] in homes(one, named.values())) == is_own)

    assert ask("GET", "/nodes/rebuild") == 200, "it is still to be heard"
    assert ask("POST", f"/nodes/rebuild/{account(False)}", b"sostoffr") == 403
    assert ask("POST", f"/nodes/rebuild/{account(True)}", b"sostoffr") == 400
    assert server.counter("rebuild_refused_total") == 2
    audit = [json.loads(line) for line in (fleet.folder / "paris/audit.log").read_text().splitlines()]
    assert [line["by"] for line in audit if line["event"] == "edge overreached"] == ["bern"]
    assert {line["by"] for line in audit if line["event"] == "edge rebuilt"} <= {"rome", "oslo"}


@pytest.mark.slow
def test_what_only_other_edges_held_comes_back_to_a_promoted_one(fleet):
    fleet.begin()
    user, browser = fleet.stranger_to("paris")
    songs = until(lambda: rest(fleet.root, "search3", headers=browser.bearer, query="", songCount=9)[1]["searchResult3"].get("song"), "music is there")
    status, answer = fleet.root.ask("/api/v1/apps", "POST", b'{"label": "car"}', {"Content-Type": "application/json", **browser.bearer})
    assert status == 201, answer
    app = json.loads(answer)["secret"]
    do = lambda endpoint, **parameters: rest(fleet.root, endpoint, headers=browser.bearer, **parameters)[0]
    assert do("star", id=songs[0]["id"]) == "ok"
    whole = state_of(fleet.root, browser)
    for edge in fleet.at.values():
        until(lambda: state_of(edge, browser) == whole, "each edge holds what was done")
    address = fleet.at["paris"].url
    fleet.at["paris"].stop()  # it hears no more
    fleet.at["bern"].stop()
    assert do("star", id=songs[1]["id"]) == do("createPlaylist", name="late") == "ok"
    assert do("scrobble", id=songs[2]["id"], submission="true", time=1_700_000_000_000) == "ok"
    late = state_of(fleet.root, browser)
    assert late != whole and late["played"] == [(songs[2]["id"], 1)]
    for name in "rome", "oslo":
        until(lambda: state_of(fleet.at[name], browser) == late, "which the others heard of")
    fleet.lose_origin()
    told = fleet.promote("paris", "--check")
    assert "comes        from the 3 other edges" in told, told
    fleet.promote("paris")
    server = fleet.serve("paris", address.split("//")[1])
    assert Browser().sign_in(server, name=user)[0] != 200, "paris holds no password of theirs"
    until(lambda: heard(server) == "rebuilding: 2 of 3 edges heard", "both others told what they hold", seconds=90)
    assert Browser().sign_in(server, name=user)[0] == 200
    assert rest(server, **token_and_salt(user, app))[0] == "ok" and rest(server, apiKey=app)[0] == "ok"
    assert state_of(server, browser) == late, "stars, lists and plays that paris had not heard of"
    for one in USERS:
        assert Browser().sign_in(server, name=one)[0] == 200, f"{one} signs in"
    assert server.counter("rebuild_offers_total") > 0 and server.counter("rebuild_refused_total") == 0
    a_thief_of_bern_gives_back_its_own_listeners_alone(fleet, server)
    run("edges", "revoke", "bern", "--data", fleet.folder / "paris")
    until(lambda: heard(server) == "all", "who is gone for good is waited for no more")
    told_before = server.counter("rebuild_offers_total")
    fleet.at["rome"].stop()
    again = fleet.joined("rome", None)
    until(lambda: fleet.has_all(again), "an edge starts again")
    assert heard(server) == "all" and server.counter("rebuild_offers_total") == told_before, "and has nothing more to tell"


@pytest.mark.slow
def test_what_came_after_the_backup_that_is_restored_comes_back_from_the_edges(fleet):
    fleet.begin()
    browser = Browser()
    assert browser.sign_in(fleet.root, name="alice")[0] == 200
    songs = until(lambda: rest(fleet.root, "search3", headers=browser.bearer, query="", songCount=9)[1]["searchResult3"].get("song"), "music is there")
    do = lambda node, endpoint, **parameters: rest(node, endpoint, headers=browser.bearer, **parameters)[0]
    assert do(fleet.root, "star", id=songs[0]["id"]) == do(fleet.root, "createPlaylist", name="early") == "ok"
    assert do(fleet.root, "scrobble", id=songs[2]["id"], submission="true", time=1_700_000_000_000) == "ok"
    run("backup", fleet.folder / "a.backup", "--data", fleet.folder / "origin")
    assert do(fleet.root, "star", id=songs[1]["id"]) == do(fleet.root, "createPlaylist", name="late") == "ok"
    assert do(fleet.root, "unstar", id=songs[0]["id"]) == "ok"
    assert do(fleet.root, "scrobble", id=songs[2]["id"], submission="true", time=1_700_000_100_000) == "ok"
    assert do(fleet.at["rome"], "scrobble", id=songs[1]["id"], submission="true", time=1_700_000_200_000) == "ok"
    add_user(fleet, "ivy")
    late = until(lambda: (whole := state_of(fleet.root, browser))["played"] == sorted([(songs[1]["id"], 1), (songs[2]["id"], 2)]) and whole, "all arrived")
    assert late["starred"] == [songs[1]["id"]] and late["lists"] == ["early", "late"]
    for edge in fleet.at.values():
        until(lambda: state_of(edge, browser) == late and json.loads(edge.ask("/status")[1])["accounts"] == len(USERS) + 1, "each edge heard of it")
    address = fleet.root.url
    fleet.root.kill()
    shutil.rmtree(fleet.folder / "origin")
    told = run("restore", fleet.folder / "a.backup", "--data", fleet.folder / "origin").stdout
    assert "4 edges of then" in told, told
    server = fleet.serve("origin", address.split("//")[1])
    until(lambda: heard(server) == "all", "every edge told what it holds", seconds=90)
    assert state_of(server, browser) == late and Browser().sign_in(server, name="ivy")[0] == 200
    assert do(fleet.at["oslo"], "scrobble", id=songs[2]["id"], submission="true", time=1_700_000_300_000) == "ok"
    now = {**late, "played": sorted([(songs[1]["id"], 1), (songs[2]["id"], 3)])}
    for node in (server, *fleet.at.values()):
        until(lambda: state_of(node, browser) == now, "and goes on, everywhere", seconds=60)


@pytest.mark.slow
def test_an_edge_that_joined_after_the_backup_stays_out_and_is_told_what_brings_it_back(fleet):
    fleet.root = fleet.origin()
    command = [*launcher(), "user", "add", "alice", "--password-file", "-", "--data", str(fleet.folder / "origin")]
    subprocess.run(command, input=PASSWORD + "\n", text=True, check=True, capture_output=True, env=environment(), timeout=60)
    follows = lambda edge: (status := json.loads(edge.ask("/status")[1]))["link"] == "linked" and status["waiting"] == 0 and status["accounts"] == 1
    join = lambda name: fleet.joined(name, fleet.root.url, fleet.invite(name), flags=["--edge-place-kib-s", "0"])
    early = join("paris")
    until(lambda: follows(early), "an edge follows")
    run("backup", fleet.folder / "a.backup", "--data", fleet.folder / "origin")
    late = join("rome")
    until(lambda: follows(late), "and one that joined after the backup")
    browser = Browser()
    assert browser.sign_in(late, name="alice")[0] == 200
    song = until(lambda: rest(late, "search3", headers=browser.bearer, query="", songCount=1)[1]["searchResult3"].get("song"), "music is there")[0]["id"]
    address = fleet.root.url
    fleet.root.kill()
    assert rest(late, "scrobble", headers=browser.bearer, id=song, submission="true", time=1_700_000_000_000)[0] == "ok"
    shutil.rmtree(fleet.folder / "origin")
    told = run("restore", fleet.folder / "a.backup", "--data", fleet.folder / "origin").stdout
    assert "1 edges of then" in told and "invite again those that joined since" in told, told
    server = fleet.serve("origin", address.split("//")[1])
    until(lambda: heard(server) == "all" and follows(early) and "another history" not in early.words, "the edge of then told what it holds, and follows, the new catalogue too", seconds=90)
    until(lambda: "the new origin does not take this edge" in late.words, "the other is refused", seconds=90)
    assert "sostenuto invite NAME" in late.words and "delete keys/joined" in late.words
    assert json.loads(late.ask("/status")[1])["link"] != "linked" and [edge["name"] for edge in fleet.edges().values()] == ["paris"]
    assert state_of(late, browser)["played"] == [(song, 1)], "it serves on"
    there = Browser()  # the session of after the backup is not known here
    assert there.sign_in(server, name="alice")[0] == 200 and state_of(server, there)["played"] == []
    late.stop()
    (fleet.folder / "rome/keys/joined").unlink()
    again = fleet.joined("rome", server.url, fleet.invite("rome"), flags=["--edge-place-kib-s", "0"])
    until(lambda: follows(again), "it is back", seconds=90)
    until(lambda: state_of(server, there)["played"] == [(song, 1)], "with what waited there")


@pytest.mark.slow
def test_a_play_that_another_edge_heard_of_and_one_of_the_same_song_that_waited_at_the_heir_are_two(fleet):
    fleet.begin()
    user, browser = fleet.stranger_to("paris")
    song = until(lambda: rest(fleet.root, "search3", headers=browser.bearer, query="", songCount=1)[1]["searchResult3"].get("song"), "music is there")[0]["id"]
    played = lambda node, time: rest(node, "scrobble", headers=browser.bearer, id=song, submission="true", time=time)
    play = lambda node, time: played(node, time)[0]
    address = fleet.at["paris"].url
    assert rest(fleet.root, "star", headers=browser.bearer, id=song)[0] == "ok"
    until(lambda: state_of(fleet.at["paris"], browser)["starred"] == [song], "the heir knows them")
    fleet.at["paris"].stop()  # and hears no more
    for name in NAMES[1:]:
        assert play(fleet.at[name], 1_700_000_000_000 + 1000 * NAMES.index(name)) == "ok"
    for name in NAMES[1:]:
        until(lambda: state_of(fleet.at[name], browser)["played"] == [(song, 3)] and fleet.has_all(fleet.at[name]), "the others heard of all")
    fleet.lose_origin()
    island = fleet.joined("paris", None)
    until(lambda: play(island, 1_700_000_100_000) == "ok", "it takes one, on an island")  # the same, however often
    status, answer = played(island, 1_700_000_200_000)
    assert status == "ok", answer
    assert state_of(island, browser)["played"] == [(song, 2)], "the heir has two that no other node heard of"
    island.stop()
    fleet.promote("paris")
    server = fleet.serve("paris", address.split("//")[1])
    assert play(server, 1_700_000_300_000) == "ok"
    until(lambda: heard(server) == "all", "the others told what they hold", seconds=90)
    assert state_of(server, browser)["played"] == [(song, 6)], "three of the lost origin, two that waited, and one of now"
    for name in NAMES[1:]:
        until(lambda: state_of(fleet.at[name], browser)["played"] == [(song, 6)], "everywhere")


class Between:
    """A proxy that answers in the origin's place, and forgets what it heard; `seen` are its words."""
    PAGE = b"<html><body>It is not here</body></html>"
    ASKED, TOLD, OFFERED = [404, 200], [404, 200], [400, 403, 413]

    def __init__(self):
        self.asked, self.told, self.offered, self.seen, self.shunned = list(self.ASKED), list(self.TOLD), list(self.OFFERED), [], None

    def answer(self, method, path):
        if not path.startswith("/nodes/rebuild"):
            return None
        account = path.removeprefix("/nodes/rebuild").strip("/")
        words = self.asked if method == "GET" else self.offered if account else self.told
        if account and words:
            self.shunned = self.shunned or account  # the first is not let through before another was
            if account != self.shunned:
                return None
        if not words:
            return None
        self.seen.append((method, path, words[0]))
        return words.pop(0), self.PAGE


@pytest.mark.slow
def test_what_a_proxy_says_of_offers_is_not_the_origins_word(fleet):
    liar, between = Liar(), Between()
    door, users = f"127.0.0.1:{free_port()}", USERS[:3]
    try:
        flags = ("--nodes", door, "--node-addresses", liar.address)
        root = fleet.origin(*flags)
        for user in users[:2]:
            add_user(fleet, user)
        liar.stand_before(fleet.folder / "origin", door, fleet.folder / "paris")
        edge = fleet.joined("paris", root.url, fleet.invite("paris"), flags=["--edge-place-kib-s", "0"])
        until(lambda: json.loads(edge.ask("/status")[1])["accounts"] == 2, "the edge knows them")
        run("backup", fleet.folder / "a.backup", "--data", fleet.folder / "origin")
        add_user(fleet, users[2])
        browsers = {user: Browser() for user in users}
        for user, browser in browsers.items():
            assert browser.sign_in(root, name=user)[0] == 200
            assert rest(root, "createPlaylist", headers=browser.bearer, name=f"{user}'s")[0] == "ok"
        for user, browser in browsers.items():
            until(lambda: state_of(edge, browser)["lists"] == [f"{user}'s"], "the edge heard of it")
        address = root.url.split("//")[1]
        root.kill()
        shutil.rmtree(fleet.folder / "origin")
        run("restore", fleet.folder / "a.backup", "--data", fleet.folder / "origin")
        liar.instead = between.answer
        server = fleet.serve("origin", address, *flags)
        until(lambda: heard(server) == "all", "the edge told what it holds", seconds=180)
        assert not between.asked and not between.offered and not between.told, f"each answer was given: {between.seen}"
        for user in users:
            browser = Browser()
            assert browser.sign_in(server, name=user)[0] == 200
            assert state_of(server, browser)["lists"] == [f"{user}'s"], "and all of it arrived"
        assert server.counter("rebuild_refused_total") == 0
        assert "what answers an offer is not the origin" in edge.words
    finally:
        liar.close()


def ask_without_a_body(node, path, size):
    """The status before a byte of it was sent."""
    line = http.client.HTTPConnection(urllib.parse.urlsplit(node.url).netloc, timeout=20)
    line.putrequest("POST", path)
    line.putheader("Content-Length", str(size))
    line.endheaders()
    try:
        return line.getresponse().status
    finally:
        line.close()


def test_no_stranger_has_large_bodies_taken_into_memory(tmp_path):
    fleet = Fleet(tmp_path)
    try:
        origin = fleet.origin()
        edge = fleet.joined("paris", origin.url, fleet.invite("paris"))
        assert ask_without_a_body(origin, "/nodes/rebuild/" + "A" * 22, 8 << 20) == 403, "offers are for edges"
        for path in ("/api/v1/session", "/nodes/rebuild/" + "A" * 22, "/anything"):
            assert ask_without_a_body(edge, path, (2 << 20) + 1) == 413, "no origin takes so much of a listener"
    finally:
        fleet.stop()
