# SPDX-License-Identifier: GPL-3.0-or-later
"""Two origins on one PostgreSQL: what one accepts the other shows; and what happens when the database is away."""
import json
import os
import random
import re
import shutil
import signal
import sys
import threading
import time

import pytest
from conftest import PASSWORD, ROOT, find_binary, run_command
from postgres import postgres  # noqa: F401  (a fixture)

sys.path.insert(0, str(ROOT / "tests" / "formats"))
from read_export import read as read_export  # noqa: E402

WITHIN_S = 1.0  # what a listener did at one origin is at the other
IS_SANITIZED = b"__asan_init" in find_binary().read_bytes()


def wait_until(claim, timeout=15.0):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if claim():
            return True
        time.sleep(0.02)
    return False


class Pair:
    """Two origins with the same music, keys and database."""

    def __init__(self, start_server, music, folder, database, *flags):
        self.start_server, self.music, self.database, self.flags = start_server, music, database, flags
        self.data = [folder / "one", folder / "two"]
        self.add_user("alice", "--admin", at=0)
        self.data[1].mkdir(mode=0o700)
        shutil.copytree(self.data[0] / "keys", self.data[1] / "keys")
        self.secret = run_command("app", "add", "alice", "tests", "--data", self.data[0], "--database", database).stdout.strip()
        self.servers = [None, None]
        for i in (0, 1):
            self.start(i)
            self.servers[i].wait_for_scan()
        self.songs = [song["id"] for song in self.rest(0, "getRandomSongs", size=50)["randomSongs"]["song"]]

    def start(self, i):
        self.servers[i] = self.start_server("--database", self.database, *self.flags, folders=[self.music], data=self.data[i])
        return self.servers[i]

    def add_user(self, name, *flags, at, check=True):
        return run_command("user", "add", name, *flags, "--password-file", "-", "--data", self.data[at], "--database", self.database,
                           input=PASSWORD + "\n", check=check)

    def rest(self, i, endpoint, /, **parameters):
        return self.servers[i].rest(endpoint, self.secret, **parameters)

    def starred(self, i):
        return {song["id"] for song in self.rest(i, "getStarred2")["starred2"].get("song", [])}

    def plays(self, i, song):
        return self.rest(i, "getSong", id=song)["song"].get("playCount", 0)

    def playlists(self, i):
        return sorted((p["name"], p["songCount"]) for p in self.rest(i, "getPlaylists")["playlists"].get("playlist", []))

    def status(self, i):
        return json.loads(run_command("status", "--json", "--data", self.data[i]).stdout)

    def everything(self, i):
        songs = {song: (self.rest(i, "getSong", id=song)["song"].get("playCount", 0),
                        self.rest(i, "getSong", id=song)["song"].get("userRating", 0)) for song in self.songs}
        return self.starred(i), self.playlists(i), songs

    def agree(self, timeout=20):
        return wait_until(lambda: all(self.status(i)["unpushed"] == 0 for i in (0, 1))
                          and self.everything(0) == self.everything(1), timeout)

    def kill(self, i):
        server = self.servers[i]
        pid = server.pid
        assert pid > 1
        server.process.kill()
        server.process.wait()
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


@pytest.fixture
def pair(start_server, music, tmp_path, postgres):  # noqa: F811
    return Pair(start_server, music, tmp_path, postgres.url)


@pytest.mark.slow
def test_what_a_listener_does_at_one_origin_is_at_the_other_within_a_second(pair):
    song, other = pair.songs[:2]
    pair.rest(0, "star", id=song)
    assert wait_until(lambda: song in pair.starred(1), WITHIN_S)
    pair.rest(1, "unstar", id=song)
    assert wait_until(lambda: song not in pair.starred(0), WITHIN_S)
    pair.rest(1, "createPlaylist", name="from two", songId=[song, other])
    assert wait_until(lambda: pair.playlists(0) == [("from two", 2)], WITHIN_S)
    for i in (0, 1, 0, 1):  # an app that tries again elsewhere: the same play
        pair.rest(i, "scrobble", id=song, time=1795287000000)
    assert wait_until(lambda: pair.plays(0, song) == pair.plays(1, song) == 1, WITHIN_S)
    time.sleep(0.3)
    assert pair.plays(0, song) == pair.plays(1, song) == 1, "and stays one"
    identifier = pair.rest(0, "getPlaylists")["playlists"]["playlist"][0]["id"]
    pair.rest(0, "deletePlaylist", id=identifier)
    assert wait_until(lambda: pair.playlists(1) == [], WITHIN_S)


@pytest.mark.slow
def test_a_session_made_at_one_origin_is_good_at_the_other_and_ends_at_both(pair):
    session = pair.servers[0].sign_in()
    bearer = {"Authorization": f"Bearer {session['accessToken']}"}
    assert wait_until(lambda: pair.servers[1].get("/api/v1/apps", bearer).status == 200, WITHIN_S)
    pair.add_user("bert", at=1)
    assert wait_until(lambda: pair.servers[0].post("/api/v1/session", {"name": "bert", "password": PASSWORD}).status == 200, WITHIN_S)
    run_command("user", "remove", "bert", "--data", pair.data[0])
    assert wait_until(lambda: pair.servers[1].post("/api/v1/session", {"name": "bert", "password": PASSWORD}).status in (401, 403), WITHIN_S)


@pytest.mark.slow
def test_a_name_is_given_once_whoever_asks_where(pair):
    for round_number in range(5):
        results = [None, None]

        def add(i):
            results[i] = pair.add_user(["Carla", "cARLA"][i] + str(round_number), at=i, check=False)
        threads = [threading.Thread(target=add, args=(i,)) for i in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(result.returncode != 0 for result in results) == [False, True], [result.stderr for result in results]
        assert any("taken" in result.stderr for result in results)
    names = [run_command("user", "list", "--data", pair.data[i]).stdout.lower().count("carla") for i in (0, 1)]
    assert wait_until(lambda: names == [5, 5], 1) or names[0] == 5


@pytest.mark.slow
def test_without_the_database_reads_go_on_and_writes_arrive_later_once(pair, postgres):  # noqa: F811
    song, other, third = pair.songs[:3]
    pair.rest(0, "star", id=song)
    assert wait_until(lambda: song in pair.starred(1), WITHIN_S)
    postgres.stop("immediate")
    for i in (0, 1):
        assert song in pair.starred(i)
        assert pair.rest(i, "star", id=[other, third][i])["status"] == "ok"
        assert pair.rest(i, "scrobble", id=song, time=1795287000000)["status"] == "ok"
        assert pair.servers[i].get("/readyz").status == 200, "nobody takes it out of service for that"
    assert wait_until(lambda: pair.status(0)["record_error"] != 0)
    refused = pair.add_user("dora", at=0, check=False)
    assert refused.returncode != 0 and "database cannot be asked" in refused.stderr
    pair.kill(0)
    pair.start(0).wait_for_scan()  # from its replica
    assert pair.starred(0) == {song, other} and pair.plays(0, song) == 1
    postgres.start()
    assert wait_until(lambda: pair.starred(0) == pair.starred(1) == {song, other, third}, 20)
    assert pair.agree() and pair.plays(0, song) == pair.plays(1, song) == 1
    assert postgres.ask("SELECT count(*) FROM sostenuto.plays") == "1"
    assert pair.add_user("dora", at=0).returncode == 0


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


@pytest.mark.alone
@pytest.mark.slow
def test_a_database_that_hangs_delays_nobody_and_costs_no_memory(pair, postgres):  # noqa: F811
    postgres.hang()
    slowest, writes = 0.0, 0
    before_kib, end = resident_kib(pair.servers[0].pid), time.monotonic() + 14  # longer than an answer's deadline
    while time.monotonic() < end:
        start = time.monotonic()
        assert pair.rest(0, "scrobble", id=pair.songs[writes % 6], time=1795287000000 + writes)["status"] == "ok"
        slowest = max(slowest, time.monotonic() - start)
        writes += 1
    assert slowest < (1.5 if IS_SANITIZED else 0.3), f"{slowest:.2f} s"
    assert pair.status(0)["unpushed"] >= writes
    if not IS_SANITIZED:  # which keeps freed memory back
        assert resident_kib(pair.servers[0].pid) - before_kib < 10 * 1024
    postgres.resume()
    assert wait_until(lambda: pair.status(0)["unpushed"] == 0, 30)
    assert wait_until(lambda: sum(pair.plays(1, song) for song in pair.songs[:6]) == writes, 5)
    assert postgres.ask("SELECT count(*) FROM sostenuto.plays") == str(writes)


@pytest.mark.slow
def test_a_stopped_origin_holds_nobody_up(pair):
    os.kill(pair.servers[0].pid, signal.SIGSTOP)
    try:
        pair.rest(1, "star", id=pair.songs[0])
        assert wait_until(lambda: pair.status(1)["unpushed"] == 0, 20)
    finally:
        os.kill(pair.servers[0].pid, signal.SIGCONT)
    assert wait_until(lambda: pair.songs[0] in pair.starred(0), 20)


@pytest.mark.slow
def test_a_stop_while_the_database_hangs_is_bounded_and_loses_nothing(pair, postgres):  # noqa: F811
    postgres.hang()
    pair.rest(0, "star", id=pair.songs[0])
    start = time.monotonic()
    assert pair.servers[0].stop() == 0
    assert time.monotonic() - start < 25
    postgres.resume()
    assert pair.songs[0] not in pair.starred(1)
    pair.start(0)
    assert wait_until(lambda: pair.songs[0] in pair.starred(1), 10)


def test_what_cannot_work_is_refused_with_words(start_server, music, tmp_path, postgres):  # noqa: F811
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    database = ["--database", postgres.url]

    def fails(*arguments):
        done = run_command(*arguments, input=PASSWORD + "\n", check=False)
        assert done.returncode != 0
        return done.stderr
    said = fails("user", "list", "--data", one, "--database", "postgresql://sostenuto:hunter2@/sostenuto")
    assert "PGPASSFILE" in said and "hunter2" not in said
    said = fails("user", "list", "--data", one, "--database", "postgresql://sostenuto@/sostenuto?host=/nowhere")
    assert "reached" in said or "answer" in said
    run_command("user", "add", "anna", "--password-file", "-", "--data", one, *database, input=PASSWORD + "\n")
    assert "keys/" in fails("user", "list", "--data", two, *database), "other keys"
    assert "--database" in fails("user", "list", "--data", one), "a replica without its record"
    shutil.rmtree(two)
    run_command("user", "add", "bert", "--password-file", "-", "--data", two, input=PASSWORD + "\n")
    shutil.rmtree(two / "keys")
    shutil.copytree(one / "keys", two / "keys")
    assert "state export" in fails("user", "list", "--data", two, *database), "accounts of its own"


@pytest.mark.slow
def test_whatever_dies_in_between_both_origins_come_to_agree_and_nothing_counts_twice(pair, postgres):  # noqa: F811
    chance, accepted, lists = random.Random(int(os.environ.get("SEED", "20261122"))), 0, 0
    for step in range(120):
        i, song = chance.randrange(2), chance.choice(pair.songs)
        what = chance.randrange(12)
        if what < 4 and pair.rest(i, "scrobble", id=song, time=1795287000000 + step)["status"] == "ok":
            accepted += 1
            if chance.random() < 0.5:  # once more, elsewhere
                pair.rest(1 - i, "scrobble", id=song, time=1795287000000 + step)
        elif what < 6:
            pair.rest(i, chance.choice(["star", "unstar"]), id=song)
        elif what < 7:
            pair.rest(i, "setRating", id=song, rating=chance.randrange(6))
        elif what < 8:
            pair.rest(i, "createPlaylist", name=f"list {lists}", songId=chance.sample(pair.songs, 3))
            lists += 1
        elif what < 9:
            mine = pair.rest(i, "getPlaylists")["playlists"].get("playlist", [])
            if mine:
                pair.rest(i, chance.choice(["deletePlaylist", "updatePlaylist"]), **{
                    "id": mine[0]["id"], "playlistId": mine[0]["id"], "songIdToAdd": song})
        elif what < 10:
            postgres.stop(chance.choice(["fast", "immediate"]))
            pair.rest(i, "star", id=song)
            postgres.start()
        elif what < 11:
            postgres.hang()
            pair.rest(i, "star", id=song)
            time.sleep(chance.random() * 2)
            postgres.resume()
        elif step % 3 == 0:
            pair.kill(i)
            pair.start(i).wait_for_scan()
    assert pair.agree(60)
    assert sum(pair.plays(0, song) for song in pair.songs) == accepted
    assert postgres.ask("SELECT count(*) FROM sostenuto.plays") == str(accepted)


# --- moving between engines ---

def rows_of(path):
    """Everything but the time at which it was made."""
    return path.read_bytes()[24:-32]


@pytest.mark.slow
def test_a_state_moves_to_postgresql_and_back_without_loss(server, secret, start_server, music, tmp_path, postgres):  # noqa: F811
    songs = [song["id"] for song in server.rest("getRandomSongs", secret, size=6)["randomSongs"]["song"]]
    for i, song in enumerate(songs):
        server.rest("star", secret, id=song)
        server.rest("scrobble", secret, id=song, time=1795287000000 + i)
        server.rest("scrobble", secret, id=songs[0], time=1795287100000 + i)
    server.rest("createPlaylist", secret, name="to keep", songId=songs)
    server.rest("createPlaylist", secret, name="to lose", songId=songs)
    lists = server.rest("getPlaylists", secret)["playlists"]["playlist"]
    server.rest("deletePlaylist", secret, id=next(p["id"] for p in lists if p["name"] == "to lose"))
    server.rest("createBookmark", secret, id=songs[1], position=1234, comment="here")
    data, files = server.data, [tmp_path / f"{n}.export" for n in range(4)]
    refused = run_command("state", "export", files[0], "--data", data, check=False)
    assert refused.returncode != 0 and "in use" in refused.stderr
    server.stop()
    run_command("state", "export", files[0], "--data", data)
    assert files[0].stat().st_mode & 0o777 == 0o600
    rows, epoch = read_export(files[0].read_bytes())
    assert epoch == 1 and sum(row["row"] == "play" for row in rows) == 12
    run_command("state", "import", files[0], "--data", data, "--database", postgres.url)
    again = run_command("state", "import", files[0], "--data", data, "--database", postgres.url, check=False)
    assert again.returncode != 0 and "--replace" in again.stderr
    run_command("state", "export", files[1], "--data", data, "--database", postgres.url)
    assert rows_of(files[0]) == rows_of(files[1]), "SQLite to PostgreSQL"
    run_command("state", "import", files[1], "--data", data, "--database", postgres.url, "--replace")
    run_command("state", "export", files[2], "--data", data, "--database", postgres.url)
    assert rows_of(files[1]) == rows_of(files[2]), "PostgreSQL to PostgreSQL"
    other = tmp_path / "other"
    run_command("state", "import", files[2], "--data", other)
    run_command("state", "export", files[3], "--data", other)
    assert rows_of(files[3]) == rows_of(files[0]), "and back"

    moved = start_server("--database", postgres.url, folders=[music], data=data)  # its state.db becomes a replica
    moved.wait_for_scan()
    assert (data / "state.db.before-postgresql").exists()
    assert len(moved.rest("getStarred2", secret)["starred2"]["song"]) == 6
    assert moved.rest("getSong", secret, id=songs[0])["song"]["playCount"] == 7
    moved.rest("scrobble", secret, id=songs[0], time=1795287000000)  # the first of them again
    moved.rest("scrobble", secret, id=songs[1], time=1795287200000)
    assert wait_until(lambda: postgres.ask("SELECT count(*), (SELECT sum(plays) FROM sostenuto.counts WHERE subject LIKE 'tr%'::bytea)"
                                           " FROM sostenuto.plays") == "13|13")


@pytest.mark.slow
def test_with_its_keys_beside_it_an_exported_state_lets_apps_in_and_without_them_it_does_not(server, secret, start_server, music, tmp_path):
    server.rest("star", secret, id=server.rest("getRandomSongs", secret, size=1)["randomSongs"]["song"][0]["id"])
    server.stop()
    file, with_keys, without = tmp_path / "all.export", tmp_path / "with", tmp_path / "without"
    run_command("state", "export", file, "--data", server.data)
    for data in (with_keys, without):
        assert "keys/" in run_command("state", "import", file, "--data", data).stdout
    shutil.copytree(server.data / "keys", with_keys / "keys")
    statuses = []
    for data in (with_keys, without):
        moved = start_server(folders=[music], data=data)
        moved.wait_for_scan()
        statuses.append(moved.rest("getStarred2", secret)["status"])  # a token with salt needs the sealed secret itself
        moved.stop()
    assert statuses == ["ok", "failed"]


def test_a_bad_export_is_refused_and_nothing_is_touched(tmp_path):
    data, file = tmp_path / "state", tmp_path / "file.export"
    run_command("user", "add", "anna", "--password-file", "-", "--data", data, input=PASSWORD + "\n")
    run_command("state", "export", file, "--data", data)
    whole = file.read_bytes()
    chance = random.Random(4)
    for _ in range(12):
        cut, at = bytearray(whole), chance.randrange(len(whole))
        if chance.random() < 0.5:
            cut = cut[:at]
        else:
            cut[at] ^= 1 << chance.randrange(8)
        file.write_bytes(cut)
        done = run_command("state", "import", file, "--data", data, "--replace", check=False)
        assert done.returncode != 0 and str(file) in done.stderr
    file.write_bytes(whole)
    assert "--replace" in run_command("state", "import", file, "--data", data, check=False).stderr
    assert "anna" in run_command("user", "list", "--data", data).stdout
    run_command("user", "add", "bert", "--password-file", "-", "--data", data, input=PASSWORD + "\n")
    run_command("state", "import", file, "--data", data, "--replace")
    users = run_command("user", "list", "--data", data).stdout
    assert "anna" in users and "bert" not in users
