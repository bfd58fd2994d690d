# SPDX-License-Identifier: GPL-3.0-or-later
"""
What every answer must carry, in the project's own words: the members that the protocol asks for, and those that
clients are known to need (a client drops a song that lacks one of them).

Types: t text, n whole number, r real number, b boolean, d date (RFC 3339), [SHAPE] list, SHAPE object.
A name that ends in "?" may be absent; everything else must be there.
"""

SONG = {
    "id": "t", "parent": "t", "isDir": "b", "title": "t", "album": "t", "artist": "t", "size": "n", "contentType": "t",
    "suffix": "t", "duration": "n", "bitRate": "n", "path": "t", "isVideo": "b", "created": "d", "albumId": "t",
    "artistId": "t", "type": "t", "track?": "n", "year?": "n", "genre?": "t", "coverArt?": "t", "discNumber?": "n",
    "starred?": "d", "playCount?": "n", "userRating?": "n",
}
SONG_EXTENDED = {
    "mediaType": "t", "bitDepth": "n", "samplingRate": "n", "channelCount": "n", "bpm": "n", "comment": "t",
    "sortName": "t", "musicBrainzId": "t", "displayArtist": "t", "displayAlbumArtist": "t", "displayComposer": "t",
    "explicitStatus": "t", "isrc": ["t"], "genres": [{"name": "t"}], "artists": [{"id": "t", "name": "t"}],
    "albumArtists": [{"id": "t", "name": "t"}], "contributors": [{"role": "t", "artist": {"id": "t", "name": "t"}}],
    "moods": ["t"], "replayGain": {"trackGain?": "r", "albumGain?": "r", "trackPeak?": "r", "albumPeak?": "r"},
    "played?": "d",
}
ALBUM = {
    "id": "t", "name": "t", "artist": "t", "artistId": "t", "songCount": "n", "duration": "n", "created": "d",
    "coverArt?": "t", "year?": "n", "genre?": "t", "starred?": "d", "playCount?": "n",
}
DATE = {"year?": "n", "month?": "n", "day?": "n"}
ALBUM_EXTENDED = {
    "version": "t", "musicBrainzId": "t", "displayArtist": "t", "sortName": "t", "isCompilation": "b",
    "explicitStatus": "t", "recordLabels": [{"name": "t"}], "genres": [{"name": "t"}],
    "artists": [{"id": "t", "name": "t"}], "releaseTypes": ["t"], "moods": ["t"], "originalReleaseDate": DATE,
    "releaseDate": DATE, "discTitles": [{"disc": "n", "title": "t"}], "played?": "d", "userRating?": "n",
}
ARTIST = {"id": "t", "name": "t", "albumCount": "n", "coverArt?": "t", "starred?": "d"}
ARTIST_EXTENDED = {"musicBrainzId": "t", "sortName": "t", "roles": ["t"]}
PLAIN_ARTIST = {"id": "t", "name": "t", "starred?": "d", "userRating?": "n"}
DIRECTORY = {"id": "t", "isDir": "b", "title": "t", "parent?": "t", "coverArt?": "t"}
USER = {"username": "t", "folder": ["n"]} | {
    name: "b" for name in
    ("scrobblingEnabled adminRole settingsRole downloadRole uploadRole playlistRole coverArtRole commentRole podcastRole "
     "streamRole jukeboxRole shareRole videoConversionRole").split()}
PLAYLIST = {"id": "t", "name": "t", "songCount": "n", "duration": "n", "created": "d", "changed": "d", "owner": "t",
            "public": "b", "comment?": "t", "coverArt?": "t"}


def shapes(extended):
    """(endpoint, parameters, shape of the payload).  Words in braces are filled in from the library under test."""
    song = SONG | (SONG_EXTENDED if extended else {})
    album = ALBUM | (ALBUM_EXTENDED if extended else {})
    artist = ARTIST | (ARTIST_EXTENDED if extended else {})
    album_child = {"id": "t", "isDir": "b", "title": "t", "album": "t", "artist": "t", "created": "d", "duration": "n"}
    songs = [song]
    table = [
        ("ping", {}, {}),
        ("getLicense", {}, {"license": {"valid": "b"}}),
        ("getMusicFolders", {}, {"musicFolders": {"musicFolder": [{"id": "n", "name": "t"}]}}),
        ("getIndexes", {}, {"indexes": {"lastModified": "n", "ignoredArticles": "t", "child": songs,
                                        "index": [{"name": "t", "artist": [{"id": "t", "name": "t"}]}]}}),
        ("getMusicDirectory", {"id": "{folder}"}, {"directory": {"id": "t", "name": "t", "child": [DIRECTORY]}}),
        ("getMusicDirectory", {"id": "{album}"}, {"directory": {"id": "t", "name": "t", "child": songs}}),
        ("getMusicDirectory", {"id": "{artist}"}, {"directory": {"id": "t", "name": "t", "child": [album_child]}}),
        ("getArtists", {}, {"artists": {"ignoredArticles": "t", "index": [{"name": "t", "artist": [artist]}]}}),
        ("getArtist", {"id": "{artist}"}, {"artist": artist | {"album": [album]}}),
        ("getAlbum", {"id": "{album}"}, {"album": album | {"song": songs}}),
        ("getSong", {"id": "{song}"}, {"song": song}),
        ("getGenres", {}, {"genres": {"genre": [{"value": "t", "songCount": "n", "albumCount": "n"}]}}),
        ("getRandomSongs", {"size": 3}, {"randomSongs": {"song": songs}}),
        ("getSongsByGenre", {"genre": "Rock"}, {"songsByGenre": {"song": songs}}),
        ("getStarred", {}, {"starred": {"artist": [PLAIN_ARTIST], "album": [album_child], "song": songs}}),
        ("getStarred2", {}, {"starred2": {"artist": [artist], "album": [album], "song": songs}}),
        ("search", {"any": "human"}, {"searchResult": {"offset": "n", "totalHits": "n", "match": songs}}),
        ("search2", {"query": "bjork"}, {"searchResult2": {"artist": [PLAIN_ARTIST], "album": [album_child],
                                                           "song": songs}}),
        ("search3", {"query": ""}, {"searchResult3": {"artist": [artist], "album": [album], "song": songs}}),
        ("getPlaylists", {}, {"playlists": {"playlist": [PLAYLIST]}}),
        ("getPlaylist", {"id": "{playlist}"}, {"playlist": PLAYLIST | {"entry": songs}}),
        ("getPlayQueue", {}, {"playQueue": {"username": "t", "changed": "d", "changedBy": "t", "position": "n",
                                            "current?": "t", "entry": songs}}),
        ("getBookmarks", {}, {"bookmarks": {"bookmark": [{"position": "n", "username": "t", "created": "d",
                                                          "changed": "d", "comment?": "t", "entry": song}]}}),
        ("getNowPlaying", {}, {"nowPlaying": {"entry": [song | {"username": "t", "minutesAgo": "n", "playerId": "n",
                                                                "playerName": "t"}]}}),
        ("getLyrics", {"artist": "Björk", "title": "Human Behaviour"}, {"lyrics": {"value": "t", "artist": "t",
                                                                                   "title": "t"}}),
        ("getUser", {"username": "anna"}, {"user": USER}),
        ("getUsers", {}, {"users": {"user": [USER]}}),
        ("getScanStatus", {}, {"scanStatus": {"scanning": "b", "count": "n"}}),
        ("startScan", {}, {"scanStatus": {"scanning": "b", "count": "n"}}),
        ("getArtistInfo", {"id": "{artist}"}, {"artistInfo": {"similarArtist": [PLAIN_ARTIST]}}),
        ("getArtistInfo2", {"id": "{artist}"}, {"artistInfo2": {"similarArtist": [artist]}}),
        ("getAlbumInfo", {"id": "{album}"}, {"albumInfo": {}}),
        ("getAlbumInfo2", {"id": "{album}"}, {"albumInfo": {}}),
        ("getSimilarSongs", {"id": "{song}"}, {"similarSongs": {"song": songs}}),
        ("getSimilarSongs2", {"id": "{artist}"}, {"similarSongs2": {"song": songs}}),
        ("getTopSongs", {"artist": "Björk"}, {"topSongs": {"song": songs}}),
        ("getPodcasts", {}, {"podcasts": {"channel": [{}]}}),
        ("getNewestPodcasts", {}, {"newestPodcasts": {"episode": [{}]}}),
        ("getInternetRadioStations", {}, {"internetRadioStations": {"internetRadioStation": [{}]}}),
        ("getShares", {}, {"shares": {"share": [{}]}}),
        ("getVideos", {}, {"videos": {"video": [{}]}}),
    ]
    for kind in ("random newest highest frequent recent alphabeticalByName alphabeticalByArtist starred".split()):
        table.append(("getAlbumList", {"type": kind}, {"albumList": {"album": [album_child]}}))
        table.append(("getAlbumList2", {"type": kind}, {"albumList2": {"album": [album]}}))
    for parameters in ({"type": "byYear", "fromYear": 1960, "toYear": 2000}, {"type": "byGenre", "genre": "Rock"}):
        table.append(("getAlbumList", parameters, {"albumList": {"album": [album_child]}}))
        table.append(("getAlbumList2", parameters, {"albumList2": {"album": [album]}}))
    if extended:
        line = {"value": "t", "start?": "n"}
        table += [
            ("getOpenSubsonicExtensions", {}, {"openSubsonicExtensions": [{"name": "t", "versions": ["n"]}]}),
            ("tokenInfo", {}, {"tokenInfo": {"username": "t"}}),
            ("getPlayQueueByIndex", {}, {"playQueueByIndex": {"username": "t", "changed": "d", "changedBy": "t",
                                                              "currentIndex?": "n", "entry": songs}}),
            ("getLyricsBySongId", {"id": "{song}"}, {"lyricsList": {"structuredLyrics": [
                {"lang": "t", "synced": "b", "line": [line]}]}}),
        ]
    return table
