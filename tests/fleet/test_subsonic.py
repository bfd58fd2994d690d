# SPDX-License-Identifier: GPL-3.0-or-later
"""Adoption without migration: `sostenuto edge --subsonic URL` before Debian's supysonic and before a server of our own."""
import hashlib
import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import time
import urllib.parse

import pytest

from conftest import Edge, system
from patience import until

HERE = pathlib.Path(__file__).resolve().parent
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Supysonic:
    """The real one, with the users admin and anna.  `ask` asks it directly."""

    def __init__(self, folder, music):
        self.folder, self.port, self.process = folder, system.free_port(), None
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "cache").mkdir(parents=True)
        (folder / "supysonic.conf").write_text(
            f"[base]\ndatabase_uri = sqlite:///{folder}/db\n[webapp]\ncache_dir = {folder}/cache\nlog_file = {folder}/log\n"
            f"[daemon]\nsocket = {folder}/socket\n")
        for command in (["user", "add", "admin", "-p", "secret"], ["user", "add", "anna", "-p", "apples"],
                        ["folder", "add", "Music", str(music)]):
            self.command(*command)
        self.scan()

    def command(self, *words):
        subprocess.run(["supysonic-cli", *words], cwd=self.folder, env=dict(os.environ, HOME=str(self.folder)), check=True,
                       capture_output=True, timeout=60)

    def scan(self):
        self.command("folder", "scan", "-f", "Music")

    def start(self):
        self.process = subprocess.Popen([sys.executable, str(HERE / "supysonic_server.py"), str(self.folder), str(self.port)],
                                        env=dict(os.environ, HOME=str(self.folder)), stdout=subprocess.DEVNULL,
                                        stderr=open(self.folder / "errors", "ab"))
        until(lambda: self.ask("ping")["status"] == "ok", "supysonic answers")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, endpoint, name="anna", password="apples", /, **parameters):
        return ask(self.url, endpoint, u=name, p=password, **parameters)

    def requests(self, endpoint):
        path = self.folder / "requests"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line for line in lines if line.split(" ")[0].removesuffix(".view") == endpoint]


def get(url, endpoint, **parameters):
    query = urllib.parse.urlencode({"c": "test", "v": "1.13.0", **parameters}, doseq=True)
    parts = urllib.parse.urlsplit(url)
    server = system.Server(None, None, url, [], None)
    assert parts.hostname
    return server.get(f"/rest/{endpoint}?{query}")


def ask(url, endpoint, **parameters):
    return get(url, endpoint, f="json", **parameters).json["subsonic-response"]


@pytest.fixture
def supysonic(tmp_path, music):
    if not shutil.which("supysonic-cli"):
        pytest.skip("needs Debian's supysonic")
    server = Supysonic(tmp_path / "supysonic", music)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def adopt(tmp_path):
    """adopt(url, user, password) → Edge before it; ended and judged after the test."""
    started = []

    def start(url, user="admin", password="secret", *flags, name="edge", guards_off=None):
        secret, log = tmp_path / "password", tmp_path / f"{name}.log"
        secret.write_text(password + "\n")
        binary = system.find_drills_binary() if guards_off else system.find_binary()
        command = [binary, "edge", "--no-supervisor", "--subsonic", url, "--subsonic-user", user, "--subsonic-password-file", secret,
                   "--data", tmp_path / name, "--listen", "127.0.0.1:0", "--subsonic-requests-s", "1000", "--loops", "3",
                   "--subsonic-patience-ms", "1500", *flags]
        with open(log, "ab") as errors:
            process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=errors,
                                       env=system.clean_environment({"SOSTENUTO_GUARDS_OFF": guards_off} if guards_off else None))
        os.set_blocking(process.stdout.fileno(), False)
        seen, end = b"", time.monotonic() + system.START_TIMEOUT_S
        while time.monotonic() < end and process.poll() is None:
            select.select([process.stdout], [], [], 0.2)
            seen += process.stdout.read() or b""
            if match := re.search(rb"^listening on (http\S+)$", seen, re.M):
                edge = Edge(process, tmp_path / name, match[1].decode(), seen.decode().splitlines(), log)
                started.append(edge)
                return edge
        process.kill()
        process.wait()
        raise AssertionError(f"the edge did not start:\n{log.read_text(errors='replace')[-4000:]}")

    yield start
    codes = [(edge, edge.process.poll(), edge.stop()) for edge in started]
    for edge, before, code in codes:
        log = edge.log.read_text(errors="replace")
        assert "Sanitizer" not in log and "runtime error" not in log, log[-6000:]
        assert code == 0 or before is not None, f"exit code {code}:\n{log[-4000:]}"


def holds(edge, songs):
    return until(lambda: edge.status()["songs"] == songs and edge.status()["walked"] > 0, "the library was walked")


def is_linked(edge, link="linked"):
    return until(lambda: edge.status()["link"] == link, f"it knows that it is {link}")


def anna(edge, endpoint, **parameters):
    return ask(edge.url, endpoint, u="anna", p="apples", **parameters)


def known(edge):
    """Anna is known, with her lists, on an island."""
    def is_kept():
        import sqlite3
        with sqlite3.connect(f"file:{edge.data}/adopt.db?mode=ro", uri=True) as book:
            return (book.execute("SELECT is_whole FROM listener WHERE name = 'anna'").fetchone() == (1,)
                    and book.execute("SELECT count(*) FROM verifier WHERE listener = 'anna'").fetchone()[0] > 0)
    assert anna(edge, "ping")["status"] == "ok"
    until(is_kept, "the listener's lists and verifier are kept")


def ids(songs):
    return [song["id"] for song in songs]


def album_songs(url):
    albums = ask(url, "getAlbumList2", u="anna", p="apples", type="alphabeticalByName", size=50)["albumList2"]["album"]
    return [song for album in albums
            for song in ask(url, "getAlbum", u="anna", p="apples", id=album["id"])["album"]["song"]]


BROWSING = [("getMusicFolders", {}), ("getIndexes", {}), ("getArtists", {}), ("getGenres", {}),
            ("getAlbumList2", {"type": "alphabeticalByName"}), ("getPlaylists", {}), ("getStarred2", {}), ("getUser", {"username": "anna"})]


@pytest.mark.slow
def test_the_island_goes_on_and_everything_arrives_once(supysonic, adopt):
    edge = adopt(supysonic.url)
    holds(edge, 6)
    known(edge)
    there = {str(call): supysonic.ask(call[0], **call[1]) for call in BROWSING}
    songs = album_songs(supysonic.url)
    assert ids(album_songs(edge.url)) == ids(songs)
    heard = get(edge.url, "stream", u="anna", p="apples", id=songs[0]["id"])
    assert heard.status == 200 and hashlib.sha256(heard.body).digest() == hashlib.sha256(
        get(supysonic.url, "stream", u="anna", p="apples", id=songs[0]["id"]).body).digest()

    supysonic.kill()
    is_linked(edge, "island")
    # the same ids, the same fields
    for endpoint, parameters in BROWSING:
        here = anna(edge, endpoint, **parameters)
        assert here == there[str((endpoint, parameters))], endpoint
    assert album_songs(edge.url) == songs
    folder = there["('getIndexes', {})"]["indexes"]["index"][0]["artist"][0]
    children = anna(edge, "getMusicDirectory", id=folder["id"])["directory"]["child"]
    assert anna(edge, "getMusicDirectory", id=children[0]["id"])["directory"]["child"]
    assert anna(edge, "getSong", id=songs[1]["id"])["song"] == songs[1]
    word = songs[0]["title"].split()[0]
    assert songs[0]["id"] in ids(anna(edge, "search3", query=word)["searchResult3"]["song"])
    assert len(anna(edge, "search3", query="", songCount=100)["searchResult3"]["song"]) == 6
    # what was heard is heard
    again = get(edge.url, "stream", u="anna", p="apples", id=songs[0]["id"])
    assert again.status == 200 and again.body == heard.body
    part = edge.get(f"/rest/stream?u=anna&p=apples&c=test&v=1.13.0&id={songs[0]['id']}", {"Range": "bytes=10-19"})
    assert part.status == 206 and part.body == heard.body[10:20]
    # who cannot prove who they are hears and sees nothing
    assert ask(edge.url, "getArtists", u="anna", p="wrong")["error"]["code"] == 40
    assert b"failed" in get(edge.url, "stream", u="anna", p="wrong", id=songs[0]["id"]).body
    assert ask(edge.url, "getArtists", u="anna", t="0" * 32, s="abcdef")["error"]["code"] == 41

    # writes, read at once
    assert anna(edge, "star", id=songs[0]["id"], albumId=songs[0]["albumId"])["status"] == "ok"
    assert anna(edge, "scrobble", id=[songs[0]["id"], songs[1]["id"]], time=[1700000000000, 1700000100000])["status"] == "ok"
    made = anna(edge, "createPlaylist", name="Island", songId=ids(songs[:3]))["playlist"]
    assert ids(made["entry"]) == ids(songs[:3])
    assert anna(edge, "updatePlaylist", playlistId=made["id"], songIdToAdd=songs[4]["id"], songIndexToRemove=1)["status"] == "ok"
    want = [songs[0]["id"], songs[2]["id"], songs[4]["id"]]
    assert ids(anna(edge, "getPlaylist", id=made["id"])["playlist"]["entry"]) == want
    assert ids(anna(edge, "getStarred2")["starred2"]["song"]) == [songs[0]["id"]]
    assert "starred" in anna(edge, "getSong", id=songs[0]["id"])["song"]
    # and after a crash of the edge
    edge.kill()
    edge = adopt(supysonic.url)
    assert ids(anna(edge, "getPlaylist", id=made["id"])["playlist"]["entry"]) == want
    assert anna(edge, "unstar", albumId=songs[0]["albumId"])["status"] == "ok"

    supysonic.start()
    until(lambda: edge.status()["writes_waiting"] == 0, "all was told")
    starred = supysonic.ask("getStarred2")["starred2"]
    assert ids(starred["song"]) == [songs[0]["id"]] and "album" not in starred
    lists = supysonic.ask("getPlaylists")["playlists"]["playlist"]
    assert [one["name"] for one in lists] == ["Island"]
    assert ids(supysonic.ask("getPlaylist", id=lists[0]["id"])["playlist"]["entry"]) == want
    assert len(supysonic.requests("scrobble")) == 2
    # under the id that it had on the island too
    assert ids(anna(edge, "getPlaylist", id=made["id"])["playlist"]["entry"]) == want
    is_linked(edge)
    assert anna(edge, "getPlaylists") == supysonic.ask("getPlaylists")


@pytest.mark.slow
def test_a_write_whose_answer_was_lost_is_not_made_twice(supysonic, adopt):
    edge = adopt(supysonic.url)
    holds(edge, 6)
    known(edge)
    songs = album_songs(edge.url)
    (supysonic.folder / "mute").touch()  # each write is done, and then the server dies
    for endpoint, parameters in [("createPlaylist", {"name": "Once", "songId": ids(songs[:2])}), ("star", {"id": songs[0]["id"]}),
                                 ("scrobble", {"id": songs[0]["id"]})]:
        assert anna(edge, endpoint, **parameters)["status"] == "ok"
        supysonic.process.wait(20)
        is_linked(edge, "island")
        supysonic.start()
        (supysonic.folder / "mute").unlink()
        until(lambda: edge.status()["writes_waiting"] == 0, "all was told")
        (supysonic.folder / "mute").touch()
    assert [one["songCount"] for one in supysonic.ask("getPlaylists")["playlists"]["playlist"]] == [2]
    assert ids(supysonic.ask("getStarred2")["starred2"]["song"]) == [songs[0]["id"]]
    assert len(supysonic.requests("scrobble")) == 1 and len(supysonic.requests("star")) == 1


def test_writes_pass_while_the_server_is_there(supysonic, adopt):
    edge = adopt(supysonic.url)
    holds(edge, 6)
    known(edge)
    songs = album_songs(edge.url)
    assert anna(edge, "star", id=songs[0]["id"])["status"] == "ok"
    assert ids(supysonic.ask("getStarred2")["starred2"]["song"]) == [songs[0]["id"]]
    assert anna(edge, "star", id="00000000-0000-0000-0000-000000000000")["status"] == "failed"
    assert anna(edge, "createPlaylist", name="Now", songId=ids(songs[:3]))["status"] == "ok"
    made = supysonic.ask("getPlaylists")["playlists"]["playlist"][0]
    assert anna(edge, "updatePlaylist", playlistId=made["id"], songIndexToRemove=0)["status"] == "ok"
    assert ids(supysonic.ask("getPlaylist", id=made["id"])["playlist"]["entry"]) == ids(songs[1:3])
    assert anna(edge, "deletePlaylist", id=made["id"])["status"] == "ok"
    assert supysonic.ask("getPlaylists")["playlists"] == {}


def test_a_slow_server_is_answered_for(supysonic, adopt):
    edge = adopt(supysonic.url)
    holds(edge, 6)
    known(edge)
    there = anna(edge, "getArtists")
    (supysonic.folder / "hang").touch()
    began = time.monotonic()
    assert anna(edge, "getArtists") == there
    assert time.monotonic() - began < 6
    (supysonic.folder / "hang").unlink()


def walked_anew_without_music(supysonic, adopt, tmp_path, music, **options):
    """The edge again, before a server whose disk is missing; how many songs it keeps."""
    edge = adopt(supysonic.url)
    holds(edge, 6)
    known(edge)
    edge.kill()
    shutil.move(music, tmp_path / "gone")
    music.mkdir()
    supysonic.scan()
    import sqlite3
    with sqlite3.connect(f"{edge.data}/adopt.db") as book:
        book.execute("UPDATE value SET value = 0 WHERE name IN ('walked', 'walked_whole', 'modified')")
    edge = adopt(supysonic.url, **options)

    def is_walked():
        with sqlite3.connect(f"{edge.data}/adopt.db") as book:
            return int(book.execute("SELECT value FROM value WHERE name = 'walked'").fetchone()[0]) > 0
    until(is_walked, "it was walked anew")
    supysonic.kill()
    is_linked(edge, "island")
    return edge, len(anna(edge, "search3", query="", songCount=100)["searchResult3"].get("song", []))


@pytest.mark.slow
def test_an_emptied_server_empties_nothing_at_once(supysonic, adopt, tmp_path, music):
    edge, kept = walked_anew_without_music(supysonic, adopt, tmp_path, music)
    assert "more than a fifth" in edge.log.read_text() and kept == 6


@pytest.mark.slow
def test_without_its_guard_an_emptied_server_empties_the_edge(supysonic, adopt, tmp_path, music):
    _, kept = walked_anew_without_music(supysonic, adopt, tmp_path, music, guards_off="adopt-removal")
    assert kept == 0


@pytest.mark.slow
def test_xml_and_posted_forms_are_answered_alike(supysonic, adopt):
    edge = adopt(supysonic.url)
    holds(edge, 6)
    known(edge)
    supysonic.kill()
    is_linked(edge, "island")
    answer = get(edge.url, "getAlbumList2", u="anna", p="enc:" + b"apples".hex(), type="alphabeticalByName")
    from lxml import etree
    tree = etree.fromstring(answer.body)
    assert tree.get("status") == "ok" and len(tree.findall(".//{*}album")) == 2 and tree.find(".//{*}album").get("name")
    posted = edge.ask("POST", "/rest/getArtists.view", "u=anna&p=apples&c=test&v=1.13.0&f=json", FORM)
    assert posted.json["subsonic-response"]["artists"]["index"]


@pytest.mark.slow
def test_a_server_of_our_own_is_adopted_like_any_other(server, secret, adopt, kill):
    """Token and salt that stay the same, apiKeys, and names beyond ASCII."""
    edge = adopt(server.url, "alice", secret)
    until(lambda: edge.status()["songs"] == 6, "the library was walked")
    salted = {"u": "alice", "t": hashlib.md5((secret + "salt").encode()).hexdigest(), "s": "salt"}
    for who in (salted, {"apiKey": secret}):
        assert ask(edge.url, "ping", **who)["status"] == "ok"

    def is_kept():
        import sqlite3
        with sqlite3.connect(f"file:{edge.data}/adopt.db?mode=ro", uri=True) as book:
            return (book.execute("SELECT count(*) FROM listener WHERE is_whole").fetchone()[0] == 2
                    and book.execute("SELECT count(DISTINCT kind) FROM verifier").fetchone()[0] == 2)
    until(is_kept, "both are known")
    there = ask(server.url, "getArtists", **salted)["artists"]
    song = ask(server.url, "search3", query="", songCount=1, **salted)["searchResult3"]["song"][0]
    heard = get(edge.url, "stream", id=song["id"], **salted)
    assert heard.status == 200 and len(heard.body) > 1000
    kill(server)
    is_linked(edge, "island")
    for who in (salted, {"apiKey": secret}):
        assert ask(edge.url, "getArtists", **who)["artists"] == there
        assert get(edge.url, "stream", id=song["id"], **who).body == heard.body
    assert ask(edge.url, "ping", **{**salted, "s": "other", "t": "1" * 32})["error"]["code"] in (40, 41)


def lose_the_answer(supysonic, edge, endpoint, **parameters):
    (supysonic.folder / "mute").touch()
    assert anna(edge, endpoint, **parameters)["status"] == "ok"
    supysonic.process.wait(20)
    is_linked(edge, "island")
    (supysonic.folder / "mute").unlink()
    supysonic.start()
    until(lambda: edge.status()["writes_waiting"] == 0, "all was told")


@pytest.mark.slow
def test_without_asking_first_a_lost_answer_makes_a_write_twice(supysonic, adopt):
    edge = adopt(supysonic.url, guards_off="adopt-asks-first")
    holds(edge, 6)
    known(edge)
    songs = album_songs(edge.url)
    lose_the_answer(supysonic, edge, "createPlaylist", name="Twice", songId=ids(songs[:2]))
    lose_the_answer(supysonic, edge, "scrobble", id=songs[0]["id"])
    assert len(supysonic.ask("getPlaylists")["playlists"]["playlist"]) == 2
    assert len(supysonic.requests("scrobble")) == 2


@pytest.mark.slow
def test_without_proof_anybody_is_whoever_they_say(supysonic, adopt):
    edge = adopt(supysonic.url, guards_off="adopt-proof")
    holds(edge, 6)
    known(edge)
    supysonic.kill()
    is_linked(edge, "island")
    assert ask(edge.url, "getArtists", u="anna", p="wrong")["status"] == "ok"
