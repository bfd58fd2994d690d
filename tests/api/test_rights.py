# SPDX-License-Identifier: GPL-3.0-or-later
"""A listener sees what their libraries hold; nothing else exists for them, by whatever way they ask."""
import json

import pytest

import conftest
import music

OURS, THEIRS = music.SONGS[3:5], music.SONGS[5:6]  # two songs for everybody, one in a library of its own


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A server with two libraries; anna may hear both, clara only the first."""
    folder = tmp_path_factory.mktemp("rights")
    server = conftest.Server(folder)
    server.add_user("anna", "--admin")
    server.add_user("clara")
    server.start(music.make(folder / "one", OURS), music.make(folder / "two", THEIRS))
    server.anna = conftest.Client(server, "anna", server.run("app", "add", "anna", "tests").split()[-1])
    server.clara = conftest.Client(server, "clara", server.run("app", "add", "clara", "tests").split()[-1])
    server.until(lambda: len(songs(server.anna)) == 3, "both libraries are scanned")
    restrict(server)
    yield server
    server.stop()


def send(server, method, path, body, token=None):
    headers = {"Content-Type": "application/json"} | ({"Authorization": "Bearer " + token} if token else {})
    return server.ask(method, path, json.dumps(body).encode(), headers)


def restrict(server):
    token = send(server, "POST", "/api/v1/session", {"name": "anna", "password": conftest.PASSWORD}).json()["accessToken"]
    users = server.get("/api/v1/users", {"Authorization": "Bearer " + token}).json()
    clara = next(user for user in users if user["name"] == "clara")
    assert send(server, "PATCH", f"/api/v1/users/{clara['id']}", {"libraries": [1]}, token).status == 200


def songs(client):
    return client.ask("search3", query="", songCount=100)["searchResult3"]["song"]


@pytest.fixture
def hidden(two):
    return next(song for song in songs(two.anna) if song["artist"] == THEIRS[0][5])


def test_lists_have_only_what_one_may_hear(two):
    assert {song["title"] for song in songs(two.clara)} == {row[4] for row in OURS}
    assert len(two.clara.ask("getMusicFolders")["musicFolders"]["musicFolder"]) == 1
    assert len(two.anna.ask("getMusicFolders")["musicFolders"]["musicFolder"]) == 2
    assert len(two.clara.ask("getAlbumList2", type="newest")["albumList2"]["album"]) == 1
    assert len(two.clara.ask("getRandomSongs", size=50)["randomSongs"]["song"]) == 2
    rock = next(genre for genre in two.clara.ask("getGenres")["genres"]["genre"] if genre["value"] == "Rock")
    assert (rock["songCount"], rock["albumCount"]) == (2, 1)
    assert len(two.clara.ask("getSongsByGenre", genre="Rock")["songsByGenre"]["song"]) == 2
    assert two.clara.ask("getUser")["user"]["folder"] == [1]


def test_asking_for_another_folder_gives_nothing(two):
    for folder in (2, 3, 33, 1000):
        found = two.clara.ask("search3", query="", musicFolderId=folder)["searchResult3"]
        assert found == {"artist": [], "album": [], "song": []}


def test_what_is_hidden_is_not_found_by_its_id(two, hidden):
    for endpoint, id in (("getSong", hidden["id"]), ("getAlbum", hidden["albumId"]), ("getArtist", hidden["artistId"]),
                         ("getMusicDirectory", hidden["parent"]), ("getMusicDirectory", hidden["albumId"]),
                         ("stream", hidden["id"]), ("download", hidden["id"]), ("getLyricsBySongId", hidden["id"]),
                         ("getCoverArt", hidden["id"]), ("star", hidden["id"]), ("scrobble", hidden["id"]),
                         ("getArtistInfo2", hidden["artistId"]), ("getSimilarSongs2", hidden["id"])):
        assert two.clara.error(endpoint, id=id) == 70, endpoint
    assert two.clara.error("createPlaylist", name="x", songId=hidden["id"]) == 70
    assert two.clara.error("createBookmark", id=hidden["id"], position=1) == 70
    assert two.clara.error("savePlayQueue", id=hidden["id"]) == 70
    assert two.anna.raw("stream", {"id": hidden["id"]}).status == 200


def test_a_grant_opens_only_ones_own_libraries(two, hidden):
    def grant_of(name):
        return send(two, "POST", "/api/v1/session", {"name": name, "password": conftest.PASSWORD}).json()["grant"]
    assert two.get(f"/m/{hidden['id']}/original?g={grant_of('clara')}").status == 404
    assert two.get(f"/m/{hidden['id']}/original?g={grant_of('anna')}").status == 200
    assert two.get(f"/m/{songs(two.clara)[0]['id']}/original?g={grant_of('clara')}").status == 200


def test_a_public_playlist_shows_each_what_they_may_hear(two, hidden):
    ours = [song["id"] for song in songs(two.clara)]
    playlist = two.anna.ask("createPlaylist", name="Both", songId=[ours[0], hidden["id"], ours[1]])["playlist"]["id"]
    two.anna.ask("updatePlaylist", playlistId=playlist, public="true")
    seen = two.clara.ask("getPlaylist", id=playlist)["playlist"]
    assert [entry["id"] for entry in seen["entry"]] == ours and seen["songCount"] == 2


def test_what_others_play_is_hidden_too(two, hidden):
    two.anna.ask("scrobble", id=hidden["id"], submission="false")
    assert two.anna.ask("getNowPlaying")["nowPlaying"]["entry"] != []
    assert two.clara.ask("getNowPlaying")["nowPlaying"]["entry"] == []
