# SPDX-License-Identifier: GPL-3.0-or-later
"""
A reader written only from docs/formats/ verifies every object of a running origin, knowing nothing but the fingerprint of
its root key, and replays every operation of its journal.
"""
import base64
import hashlib
import json
import pathlib
import sys
import time

import pytest

import read_catalog
import read_journal
import read_manifest
from read_signed import Keys, Refused, decode, encode, is_newer, key_id

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))
import conftest as origin_of_tests  # noqa: E402
import music  # noqa: E402
from test_player import sign_in  # noqa: E402


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    running = origin_of_tests.start_server(tmp_path_factory.mktemp("origin"))
    running.library = running.folder / "music"
    running.fingerprint = next(word for line in running.run("keys", "list").splitlines() for word in line.split()
                               if len(word) == 43)
    yield running
    running.stop()


@pytest.fixture
def reader(origin):
    return Reader(origin)


class Reader:
    """Fetches by HTTP and believes nothing that does not verify."""

    def __init__(self, origin):
        session = sign_in(origin)[0]
        self.origin, self.grant = origin, session["grant"]
        self.headers = {"Authorization": "Bearer " + session["accessToken"]}
        self.keys = Keys(self.get("/keys"), origin.fingerprint, time.time())

    def get(self, path):
        answer = self.origin.get(path, self.headers)
        assert answer.status == 200, (path, answer.body[:300])
        return answer.body

    def open(self, name, query=""):
        return self.keys.open(self.get(name + query), name, time.time())

    def list_of(self, library):
        signed = self.open(f"/catalog/{library}")
        return read_catalog.read_list(signed.body, library, signed.version)

    def segment(self, library, entry):
        parts = [self.get(f"/catalog/{library}/{entry[part]['sha256']}.{part}") for part in ("core", "detail")]
        return read_catalog.Segment(*parts, entry, library)


def test_small_objects_verify_from_the_fingerprint_alone(reader):
    assert reader.keys.keys and reader.keys.object.name == "/keys"
    node, = json.loads(reader.open("/nodes").body)["nodes"]
    assert node["role"] == "origin"
    assert set(json.loads(reader.open("/revoked").body)) >= {"sessions", "apps", "keys"}


def test_the_catalogue_is_what_the_folder_holds(reader):
    tracks = read_catalog.tracks_of([reader.segment(1, entry) for entry in reader.list_of(1)])
    wanted = {f"{folder}/{file}": (title, artist, album, year, seconds)
              for folder, file, _, album, title, artist, _, year, _, seconds in music.SONGS}
    assert len(tracks) == len(wanted)
    for title, artist, album, path, year, duration_ms in tracks.values():
        assert wanted[path][:4] == (title, artist, album, year) and abs(duration_ms - 1000 * wanted[path][4]) < 200


def test_a_retagged_album_is_one_more_segment(reader):
    before = reader.list_of(1)
    song = next((reader.origin.library / "Björk/Début").glob("02*"))
    music.tag(song, "Björk", "Début", "Crying again", "Björk", 2, 1993, "Electronic")
    reader.origin.ask("POST", "/api/v1/scan", b"{}", reader.headers | {"Content-Type": "application/json"})
    reader.origin.until(lambda: reader.list_of(1) != before, "the new list is there")
    entries = reader.list_of(1)
    titles = {row[0] for row in read_catalog.tracks_of([reader.segment(1, entry) for entry in entries]).values()}
    assert "Crying again" in titles and "Crying" not in titles and len(titles) == len(music.SONGS)


def test_manifests_and_segments_are_what_was_signed(reader):
    song = reader.origin.anna.ask("search3", query="Venus")["searchResult3"]["song"][0]["id"]
    query = "?g=" + reader.grant
    manifest = read_manifest.Manifest(reader.open(f"/m/{song}/manifest", query).body, song)
    assert {"aac-128", "opus-128", "flac"} <= set(manifest.renditions)
    for name in ("flac", "opus-128"):
        generation = manifest.renditions[name]["generation"]
        reader.origin.get(f"/m/{song}/{name}.{generation}/0.m4s{query}")  # begins the encoding
    def complete():
        nonlocal manifest
        manifest = read_manifest.Manifest(reader.open(f"/m/{song}/manifest", query).body, song)
        return all(manifest.renditions[name]["state"] == "complete" for name in ("flac", "opus-128"))
    reader.origin.until(complete, "both are encoded")
    for name in ("flac", "opus-128"):
        assert manifest.check_objects(name, lambda path: reader.get(f"/m/{song}/{path}{query}")) >= 1


# --- what must not be believed ---

def altered(whole, old, new):
    assert old in whole
    return whole.replace(old, new, 1)


def raw_public(private):
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign_again(whole, private, **lines):
    """The object with other lines, signed by another key, as a thief of that key would."""
    preamble, _, body = whole.partition(b"\n\n")
    fields = dict(line.split(": ", 1) for line in preamble.decode().splitlines())
    fields |= {"key": key_id(raw_public(private))} | lines
    del fields["signature"]
    text = "".join(f"{name}: {value}\n" for name, value in fields.items()).encode()
    signature = encode(private.sign(b"sostenuto object 1\0" + text))
    return text + f"signature: {signature}\n\n".encode() + body


@pytest.mark.parametrize("name", ["/nodes", "/catalog/1"])
def test_objects_that_were_tampered_with_are_refused(reader, name):
    whole, now = reader.get(name), time.time()
    good = reader.keys.open(whole, name, now)
    epoch, number = good.version
    version = f"version: {epoch}.{number}\n".encode()
    thief = Ed25519PrivateKey.generate()
    for bad, why in [
            (altered(whole, version, f"version: {epoch + 1}.{number}\n".encode()), "forged"),
            (altered(whole, version, f"version: {epoch}.{number + 1}\n".encode()), "forged"),
            (altered(whole, f"expires: {good.expires}".encode(), f"expires: {good.expires + 1}".encode()), "forged"),
            (altered(whole, f"issued: {good.issued}".encode(), f"issued: {good.issued - 1}".encode()), "forged"),
            (altered(whole, b"name: ", b"name: /x"), "forged"), (whole + b" ", "forged"), (whole[:-1], "forged"),
            (altered(whole, b"\n\n{", b"\n\n {"), "forged"), (altered(whole, b"-signed: 1", b"-signed: 2"), "malformed"),
            (altered(whole, b"\n", b"\r\n"), "malformed"), (b"", "malformed"), (b"\n" + whole, "malformed"),
            (sign_again(whole, thief), "unknown"), (sign_again(whole, thief, key=good.key), "forged")]:
        with pytest.raises(Refused, match=why):
            reader.keys.open(bad, name, now)
    for size in range(0, whole.index(b"\n\n") + 2):
        with pytest.raises(Refused, match="malformed|forged"):
            reader.keys.open(whole[:size], name, now)


def test_objects_from_another_time_or_place_are_refused(reader):
    whole, now = reader.get("/nodes"), time.time()
    for at, name, why in ((now - 3600 - 7200, "/nodes", "early"), (now + 30 * 86400, "/nodes", "expired"), (now, "/keys", "other"),
                          (now, "/catalog/1", "other"), (now + 200 * 86400, "/nodes", "unknown")):
        with pytest.raises(Refused, match=why):
            reader.keys.open(whole, name, at)


# --- every signed object of an origin, and what somebody with its own keys could make of it ---

@pytest.fixture
def makers(reader):
    """What made each object: (bytes, the key, how to judge other bytes under its name)."""
    def key(name):
        return Ed25519PrivateKey.from_private_bytes((reader.origin.folder / "state/keys" / name).read_bytes()[:32])

    song = reader.origin.anna.ask("search3", query="Venus")["searchResult3"]["song"][0]["id"]
    queries = {"/nodes": "", "/revoked": "", "/catalog/1": "", f"/m/{song}/manifest": "?g=" + reader.grant}
    found = {name: (reader.get(name + query), key("signing.key"), lambda whole, now, name=name: reader.keys.open(whole, name, now))
             for name, query in queries.items()}
    found["/keys"] = (reader.get("/keys"), key("root.key"), lambda whole, now: Keys(whole, reader.origin.fingerprint, now).object)
    return found


def test_every_object_of_another_epoch_number_or_time_is_known_for_it(makers):
    now = time.time()
    for name, (whole, key, judge) in makers.items():
        held = judge(whole, now)
        epoch, number = held.version

        def made(version, issued=held.issued, expires=held.expires):
            return sign_again(whole, key, version="%d.%d" % version, issued=str(int(issued)), expires=str(int(expires)))

        later = judge(made((epoch + 1, 1)), now)
        assert is_newer(later, held), f"{name}: a greater epoch replaces, whatever its number"
        swapped = judge(made((epoch, number + 1000), now), now)
        assert not is_newer(swapped, later), f"{name}: one of an epoch that is over does not come back, however new it looks"
        assert not is_newer(judge(made((epoch, number - 1), now), now), held), f"{name}: an older number signed again is older"
        assert is_newer(judge(made((epoch, number), held.issued + 1), now), held), f"{name}: the same signed again is newer"
        assert not is_newer(held, held)
        for bad, why in ((made((epoch, number + 1), now + 86400, now + 30 * 86400), "early"), (made((epoch, number + 1), 1, 2), "expired"),
                         (made((epoch, number + 1), 5, 4), "malformed"), (made((epoch, 1 << 64)), "malformed"),
                         (made((epoch, number))[:-1], "forged"), (made((epoch, number))[:200], "malformed")):
            with pytest.raises(Refused, match=why + "|malformed"):  # /keys are read before they are verified
                judge(bad, now)
        for other, (theirs, *_) in makers.items():
            if other != name:
                with pytest.raises(Refused):
                    judge(theirs, now)


def test_keys_of_another_root_are_refused(reader):
    whole, root = reader.get("/keys"), Ed25519PrivateKey.generate()
    with pytest.raises(Refused):
        Keys(whole, "A" * 43, time.time())
    mine = encode(raw_public(root))
    body = json.loads(whole.partition(b"\n\n")[2]) | {"root": mine}
    text = json.dumps(body).encode()
    digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
    swapped = sign_again(whole.partition(b"\n\n")[0] + b"\n\n" + text, root, digest=f"sha-256=:{digest}:")
    with pytest.raises(Refused, match="another root"):
        Keys(swapped, reader.origin.fingerprint, time.time())


def test_segments_that_are_not_what_the_list_names_are_refused(reader):
    entry = reader.list_of(1)[0]
    core, detail = (reader.get(f"/catalog/1/{entry[part]['sha256']}.{part}") for part in ("core", "detail"))
    flipped = bytearray(core)
    flipped[len(core) // 2] ^= 1
    for bad in ((bytes(flipped), detail), (core[:-1], detail), (core, detail[:-64]), (detail, core), (b"", detail)):
        with pytest.raises(read_catalog.Refused):
            read_catalog.Segment(*bad, entry, 1)
    with pytest.raises(read_catalog.Refused):
        read_catalog.Segment(core, detail, entry, 2)
    with pytest.raises(read_catalog.Refused):
        read_catalog.read_list(reader.open("/catalog/1").body, 1, (9, 9))


# --- what listeners did ---

def replay(folder):
    journal = read_journal.read_journal(folder)
    assert not journal.lost and not journal.damaged_bytes
    lsns = [lsn for lsn, _ in journal.records]
    assert lsns == list(range(lsns[0], lsns[0] + len(lsns))), "only what was applied before the start was trimmed"
    state, operations = read_journal.State(), [read_journal.Operation.decode(data) for _, data in journal.records]
    for operation in operations + operations:  # any number of times, in any order
        state.merge(operation)
    return state, operations


def test_the_journal_gives_the_state_that_the_api_answers(reader):
    origin, anna = reader.origin, reader.origin.anna
    songs = anna.ask("search3", query="", songCount=100)["searchResult3"]["song"]
    ids = [song["id"] for song in songs]
    for song in ids[:4]:
        anna.ask("star", id=song)
    anna.ask("unstar", id=ids[0])
    anna.ask("star", albumId=songs[0]["albumId"])
    anna.ask("setRating", id=ids[1], rating=3)
    anna.ask("setRating", id=ids[1], rating=5)
    for time_ms in (1700000000000, 1700000100000, 1700000100000):
        anna.ask("scrobble", id=ids[2], time=time_ms)
    made = anna.ask("createPlaylist", name="Evening", songId=ids[:5])["playlist"]["id"]
    anna.ask("updatePlaylist", playlistId=made, songIndexToRemove=1, songIdToAdd=[ids[0], ids[5]])
    gone = anna.ask("createPlaylist", name="Gone", songId=ids[:2])["playlist"]["id"]
    anna.ask("deletePlaylist", id=gone)
    origin.bert.ask("star", id=ids[0])

    state, operations = replay(origin.state / "journal")
    accounts = {name: decode(sign_in(origin, name)[0]["user"]["id"]) for name in ("anna", "bert")}
    for client in (anna, origin.bert):
        account = accounts[client.name]
        shown = {song["id"]: song for song in client.ask("search3", query="", songCount=100)["searchResult3"]["song"]}
        for song, row in shown.items():
            assert ("starred" in row) == bool(state.get(account, "star", song))
            assert row.get("userRating", 0) == (state.get(account, "rating", song) or 0)
            assert row.get("playCount", 0) == state.plays.get((account, song), 0)
        lists = {each["name"]: [row["id"] for row in client.ask("getPlaylist", id=each["id"])["playlist"].get("entry", [])]
                 for each in client.ask("getPlaylists")["playlists"].get("playlist", [])}
        assert lists == state.playlists(account)
    assert state.plays[accounts["anna"], ids[2]] == 2 and len(state.playlists(accounts["anna"])["Evening"]) == 6
    assert {"star", "rating", "play", "playlist", "playlist.put", "playlist.remove", "playlist.delete",
            "session"} <= {operation.kind for operation in operations}
