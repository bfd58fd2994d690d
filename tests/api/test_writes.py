# SPDX-License-Identifier: GPL-3.0-or-later
"""What a listener writes is there when the answer comes, is theirs alone, and does not double."""
import pytest


@pytest.fixture
def songs(bert):
    found = bert.ask("search3", query="", songCount=500)["searchResult3"]["song"]
    return [song["id"] for song in found]


def song(client, song_id):
    return client.ask("getSong", id=song_id)["song"]


def test_stars(bert, songs):
    album = song(bert, songs[1])["albumId"]
    bert.ask("star", id=[songs[1], songs[2]], albumId=album)
    assert "starred" in song(bert, songs[1]) and "starred" in song(bert, songs[2])
    starred = bert.ask("getStarred2")["starred2"]
    assert {entry["id"] for entry in starred["song"]} == {songs[1], songs[2]}
    assert [entry["id"] for entry in starred["album"]] == [album]
    bert.ask("unstar", id=[songs[1], songs[2]], albumId=album)
    assert bert.ask("getStarred2")["starred2"] == {"artist": [], "album": [], "song": []}


def test_nothing_is_starred_by_half(bert, songs):
    assert bert.error("star", id=[songs[1], "tr-AAAAAAAAAAAAAAAAAAAAAA"]) == 70
    assert bert.error("star") == 10
    assert "starred" not in song(bert, songs[1])


def test_ratings(bert, songs):
    bert.ask("setRating", id=songs[0], rating=3)
    assert song(bert, songs[0])["userRating"] == 3
    bert.ask("setRating", id=songs[0], rating=0)
    assert "userRating" not in song(bert, songs[0])


def test_plays_count_once_each(bert, songs):
    before = song(bert, songs[3]).get("playCount", 0)
    for _ in range(3):  # the same play, sent again
        bert.ask("scrobble", id=songs[3], time=1600000000000)
    bert.ask("scrobble", id=[songs[3], songs[4]], time=[1600000400000, 1600000800000])
    assert song(bert, songs[3])["playCount"] == before + 2
    assert song(bert, songs[3])["played"].startswith("2020-09-13")
    assert song(bert, songs[4])["playCount"] == 1


def test_now_playing_is_no_play(bert, songs):
    bert.ask("scrobble", id=songs[5], submission="false")
    entry = next(entry for entry in bert.ask("getNowPlaying")["nowPlaying"]["entry"] if entry["username"] == "bert")
    assert entry["id"] == songs[5] and entry["playerName"] == "tests"
    assert "playCount" not in song(bert, songs[5])


def entries(client, playlist):
    return [entry["id"] for entry in client.ask("getPlaylist", id=playlist)["playlist"]["entry"]]


def test_playlists(bert, songs):
    made = bert.ask("createPlaylist", name="Evening & <night>", songId=songs[:3])["playlist"]
    assert made["name"] == "Evening & <night>" and made["songCount"] == 3 and made["owner"] == "bert"
    playlist = made["id"]
    bert.ask("updatePlaylist", playlistId=playlist, songIdToAdd=[songs[4], songs[0]], songIndexToRemove=[0, 2],
             name="Night", comment="calm", public="true")
    assert entries(bert, playlist) == [songs[1], songs[4], songs[0]]
    changed = bert.ask("getPlaylist", id=playlist)["playlist"]
    assert (changed["name"], changed["comment"], changed["public"]) == ("Night", "calm", True)
    bert.ask("createPlaylist", playlistId=playlist, songId=[songs[2]])
    assert entries(bert, playlist) == [songs[2]]
    bert.ask("deletePlaylist", id=playlist)
    assert bert.error("getPlaylist", id=playlist) == 70


def test_playlists_of_others(anna, bert, songs):
    playlist = bert.ask("createPlaylist", name="Private", songId=songs[:1])["playlist"]["id"]
    assert anna.error("getPlaylist", id=playlist) == 70
    bert.ask("updatePlaylist", playlistId=playlist, public="true")
    seen = anna.ask("getPlaylist", id=playlist)["playlist"]
    assert seen["owner"] == "bert" and seen["readonly"] is True
    assert anna.error("updatePlaylist", playlistId=playlist, name="Mine now") == 50
    assert anna.error("deletePlaylist", id=playlist) == 50
    bert.ask("deletePlaylist", id=playlist)


def test_playlists_refuse_what_is_not_there(bert, songs):
    assert bert.error("createPlaylist") == 10
    assert bert.error("createPlaylist", name="x", songId="tr-nothing") == 70
    assert bert.error("getPlaylist", id="pl-nothing") == 70
    playlist = bert.ask("createPlaylist", name="x", songId=songs[:1])["playlist"]["id"]
    assert bert.error("updatePlaylist", playlistId=playlist, songIndexToRemove=1) == 70
    bert.ask("deletePlaylist", id=playlist)


def test_a_long_playlist(bert, songs):
    many = [songs[i % len(songs)] for i in range(1500)]
    form = bert.parameters({"name": "Long", "songId": many}).encode()
    answer = bert.server.ask("POST", "/rest/createPlaylist", form, {"Content-Type": "application/x-www-form-urlencoded"})
    playlist = answer.subsonic()["playlist"]["id"]
    assert entries(bert, playlist) == many
    bert.ask("deletePlaylist", id=playlist)


def test_play_queue(bert, songs):
    bert.ask("savePlayQueue", id=songs[:3], current=songs[1], position=12345)
    queue = bert.ask("getPlayQueue")["playQueue"]
    assert [entry["id"] for entry in queue["entry"]] == songs[:3]
    assert (queue["current"], queue["position"], queue["changedBy"]) == (songs[1], 12345, "tests")
    assert bert.error("savePlayQueue", id=songs[:2], current=songs[4]) == 0


def test_play_queue_by_index(bert, songs):
    bert.ask("savePlayQueueByIndex", id=[songs[0], songs[0], songs[1]], currentIndex=1, position=7)
    queue = bert.ask("getPlayQueueByIndex")["playQueueByIndex"]
    assert (queue["currentIndex"], queue["position"]) == (1, 7)
    assert bert.error("savePlayQueueByIndex", id=songs[:2], currentIndex=2) == 0
    assert bert.error("savePlayQueueByIndex", id=songs[:2]) == 10


def test_bookmarks(bert, songs):
    bert.ask("createBookmark", id=songs[2], position=61000, comment="the bridge")
    mark = bert.ask("getBookmarks")["bookmarks"]["bookmark"][0]
    assert (mark["entry"]["id"], mark["position"], mark["comment"]) == (songs[2], 61000, "the bridge")
    bert.ask("createBookmark", id=songs[2], position=5)
    assert [entry["position"] for entry in bert.ask("getBookmarks")["bookmarks"]["bookmark"]] == [5]
    bert.ask("deleteBookmark", id=songs[2])
    assert bert.ask("getBookmarks")["bookmarks"]["bookmark"] == []
