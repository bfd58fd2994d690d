# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways through the library lead to the same songs, page by page."""
import music


def titles(songs):
    return {song["title"] for song in songs}


ALL = {row[4] for row in music.SONGS}


def test_an_empty_query_pages_through_everything(anna):
    seen = []
    for offset in range(0, len(music.SONGS) + 3, 3):
        page = anna.ask("search3", query="", songCount=3, songOffset=offset, albumCount=0, artistCount=0)
        assert page["searchResult3"]["album"] == [] and page["searchResult3"]["artist"] == []
        seen += page["searchResult3"]["song"]
    assert len(seen) == len(music.SONGS) and titles(seen) == ALL


def test_a_quoted_empty_query_does_too(anna):
    assert len(anna.ask("search3", query='""', songCount=500)["searchResult3"]["song"]) == len(music.SONGS)


def test_search_folds_what_people_do_not_type(anna):
    assert titles(anna.ask("search3", query="bjork human")["searchResult3"]["song"]) == {"Human Behaviour"}
    assert anna.ask("search3", query="acdc")["searchResult3"]["artist"][0]["name"] == "AC/DC"


def test_artists_lead_to_albums_and_songs(anna):
    found = set()
    for heading in anna.ask("getArtists")["artists"]["index"]:
        for artist in heading["artist"]:
            whole = anna.ask("getArtist", id=artist["id"])["artist"]
            assert whole["albumCount"] == artist["albumCount"] == len(whole["album"])
            for album in whole["album"]:
                songs = anna.ask("getAlbum", id=album["id"])["album"]["song"]
                assert len(songs) == album["songCount"]
                found |= titles(songs)
    assert found == ALL


def test_articles_do_not_count_in_the_index(anna):
    index = {heading["name"]: [artist["name"] for artist in heading["artist"]] for heading in
             anna.ask("getArtists")["artists"]["index"]}
    assert index["B"] == ["The Beatles", "Björk"] and index["#"] == ["久石譲"]
    assert len(index) == len(anna.ask("getArtists")["artists"]["index"])


def test_folders_lead_to_songs(anna):
    found, left = set(), []
    indexes = anna.ask("getIndexes")["indexes"]
    left += [entry["id"] for heading in indexes["index"] for entry in heading["artist"]]
    while left:
        directory = anna.ask("getMusicDirectory", id=left.pop())["directory"]
        left += [child["id"] for child in directory["child"] if child["isDir"]]
        found |= titles(child for child in directory["child"] if not child["isDir"])
    assert found == ALL


def test_folders_stand_where_artists_do(anna):
    index = {heading["name"]: {entry["name"] for entry in heading["artist"]} for heading in
             anna.ask("getIndexes")["indexes"]["index"]}
    assert index == {"#": {"久石譲"}, "A": {"AC⁄DC"}, "B": {"Björk", "The Beatles"}}


def test_an_index_that_did_not_change_is_short(anna):
    modified = anna.ask("getIndexes")["indexes"]["lastModified"]
    assert anna.ask("getIndexes", ifModifiedSince=modified)["indexes"]["index"] == []
    assert anna.ask("getIndexes", ifModifiedSince=1)["indexes"]["index"] != []


def names(anna, **parameters):
    return [album["name"] for album in anna.ask("getAlbumList2", **parameters)["albumList2"]["album"]]


def test_album_lists_are_in_their_order(anna):
    everything = sorted({row[3] for row in music.SONGS})
    assert names(anna, type="byYear", fromYear=1960, toYear=2000)[0] == "Abbey Road"
    assert names(anna, type="byYear", fromYear=2000, toYear=1960)[0] == "菊次郎の夏"
    assert names(anna, type="byYear", fromYear=1993, toYear=1993) == ["Début"]
    assert set(names(anna, type="byGenre", genre="Rock")) == {"Abbey Road", "Razors & <Edge>"}
    assert names(anna, type="byGenre", genre="Polka") == []
    assert names(anna, type="alphabeticalByName") [:2] == ["Abbey Road", "Début"]
    for kind in ("random", "newest", "alphabeticalByArtist"):
        assert sorted(names(anna, type=kind)) == everything


def test_pages_of_one_shuffle_fit_together(anna):
    for _ in range(5):
        pages = [names(anna, type="random", size=1, offset=offset)[0] for offset in range(4)]
        assert len(set(pages)) == 4


def test_lists_by_what_one_did_are_ones_own(anna, bert, library):
    for kind in ("starred", "highest", "frequent", "recent"):
        assert names(anna, type=kind) == ["Début"]
        assert names(bert, type=kind) == []
    assert bert.ask("getStarred2")["starred2"] == {"artist": [], "album": [], "song": []}


def test_music_folders_restrict(anna):
    folders = anna.ask("getMusicFolders")["musicFolders"]["musicFolder"]
    assert [folder["id"] for folder in folders] == [1]
    assert len(anna.ask("search3", query="", musicFolderId=1)["searchResult3"]["song"]) == len(music.SONGS)
    assert anna.ask("search3", query="", musicFolderId=2)["searchResult3"]["song"] == []


def test_lyrics_are_synchronised(anna, library):
    lyrics = anna.ask("getLyricsBySongId", id=library.song)["lyricsList"]["structuredLyrics"][0]
    assert lyrics["synced"] is True
    assert lyrics["line"][0] == {"start": 500, "value": "If you ever get close"}
    assert "to a human" in anna.ask("getLyrics", artist="Björk", title="Human Behaviour")["lyrics"]["value"]


def test_lyrics_that_are_not_there_are_an_empty_list(anna):
    song = anna.ask("search3", query="Something")["searchResult3"]["song"][0]
    assert anna.ask("getLyricsBySongId", id=song["id"])["lyricsList"]["structuredLyrics"] == []


def test_top_songs_are_those_that_were_played(anna, library):
    assert titles(anna.ask("getTopSongs", artist="Björk")["topSongs"]["song"]) == {"Human Behaviour"}


def test_similar_songs_are_of_the_same_genre(anna):
    song = anna.ask("search3", query="Something")["searchResult3"]["song"][0]
    similar = anna.ask("getSimilarSongs2", id=song["id"])["similarSongs2"]["song"]
    assert similar and {entry["genre"] for entry in similar} == {"Rock"}
