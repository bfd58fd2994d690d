# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes: originals with ranges, transcodes, downloads, artwork."""
import concurrent.futures
import io
import re

import mutagen.aac
import mutagen.mp3
import mutagen.oggopus
import mutagen.oggvorbis
import pytest

import conftest
import music


@pytest.fixture(scope="module")
def original(server):
    return (server.folder / "music/Björk/Début/01 Human.flac").read_bytes()


def test_the_original_is_sent_byte_for_byte(anna, library, original):
    for extra in ({}, {"format": "raw"}, {"format": "flac"}, {"maxBitRate": 0}):
        answer = anna.raw("stream", {"id": library.song} | extra)
        assert answer.body == original and answer.headers["Content-Type"] == "audio/flac"


def test_ranges(anna, library, original):
    answer = anna.raw("stream", {"id": library.song}, {"Range": "bytes=100-199"})
    assert answer.status == 206 and answer.body == original[100:200]
    assert answer.headers["Content-Range"] == f"bytes 100-199/{len(original)}"
    assert anna.raw("stream", {"id": library.song}, {"Range": "bytes=-50"}).body == original[-50:]
    assert anna.raw("stream", {"id": library.song}, {"Range": f"bytes={len(original)}-"}).status == 416


def test_validators(anna, library):
    first = anna.raw("stream", {"id": library.song})
    again = anna.raw("stream", {"id": library.song}, {"If-None-Match": first.headers["ETag"]})
    assert again.status == 304 and again.body == b""


def test_stream_is_never_a_play(bert, library):
    assert bert.raw("stream", {"id": library.song}).status == 200
    assert "playCount" not in bert.ask("getSong", id=library.song)["song"]


@pytest.mark.parametrize("format, content_type, parse", [
    ("mp3", "audio/mpeg", mutagen.mp3.MP3), ("opus", "audio/ogg", mutagen.oggopus.OggOpus),
    ("ogg", "audio/ogg", mutagen.oggvorbis.OggVorbis), ("aac", "audio/aac", mutagen.aac.AAC),
])
def test_transcodes(anna, library, format, content_type, parse):
    answer = anna.raw("stream", {"id": library.song, "format": format, "maxBitRate": 96})
    assert answer.status == 200 and answer.headers["Content-Type"] == content_type
    length = parse(io.BytesIO(answer.body)).info.length
    assert abs(length - 3) < (1 if format == "aac" else 0.2)  # ADTS says no length: mutagen guesses it


def test_a_low_bit_rate_transcodes(anna, library, original):
    answer = anna.raw("stream", {"id": library.song, "maxBitRate": 64})
    assert answer.headers["Content-Type"] == "audio/mpeg" and len(answer.body) < len(original)


def test_time_offset(anna, library):
    whole = anna.raw("stream", {"id": library.song, "format": "mp3"})
    rest = anna.raw("stream", {"id": library.song, "format": "mp3", "timeOffset": 2})
    assert abs(mutagen.mp3.MP3(io.BytesIO(whole.body)).info.length - 3) < 0.2
    assert abs(mutagen.mp3.MP3(io.BytesIO(rest.body)).info.length - 1) < 0.2


def empty_of_sound(path):
    """Keeps a FLAC file's metadata, by which it is listed, and nothing that can be decoded."""
    content, at, is_last = bytearray(path.read_bytes()), 4, False
    while not is_last:
        is_last = content[at] >= 0x80
        at += 4 + int.from_bytes(content[at + 1:at + 4], "big")
    content[at:] = bytes(len(content) - at)
    path.write_bytes(content)


def test_a_file_that_cannot_be_converted_is_an_error_not_an_empty_song(tmp_path):
    server = conftest.start_server(tmp_path)
    try:
        path = tmp_path / "music/broken.flac"
        music.encode(path, 2, 880)
        music.tag(path, "Mute", "Mute", "Mute", "Mute", 1, 2000, "Noise")
        empty_of_sound(path)
        server.anna.ask("startScan")
        found = lambda: server.anna.ask("search3", query="Mute")["searchResult3"].get("song")
        server.until(found, "it is listed")
        song = found()[0]["id"]
        for format in ("mp3", "opus", "ogg", "aac", "flac"):
            answer = server.anna.raw("stream", {"id": song, "format": format, "maxBitRate": 96})
            assert answer.status == 200 and answer.subsonic()["error"]["code"] == 0
            assert "cannot be converted" in answer.subsonic()["error"]["message"]
        metrics = server.get("/metrics").body.decode()
        assert re.search(r"media_transcodes_failed_total 5\b", metrics)
        past = server.anna.raw("stream", {"id": server.anna.ask("search3", query="Summer")["searchResult3"]["song"][0]["id"],
                                          "format": "mp3", "timeOffset": 60})
        assert past.status == 200 and past.headers["Content-Type"] == "audio/mpeg", "past the end there is nothing"
    finally:
        server.stop()


def test_stream_refusals(anna):
    assert anna.error("stream") == 10
    assert anna.error("stream", id="tr-nothing") == 70


def test_an_unknown_format_is_refused(anna, library):
    assert anna.error("stream", id=library.song, format="exe") == 0


def test_many_transcodes_are_bounded(anna, library):
    def convert(_):
        return anna.raw("stream", {"id": library.song, "format": "mp3"})
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(convert, range(40)))
    assert {answer.status for answer in answers} <= {200, 503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status == 503)
    assert sum(answer.status == 200 for answer in answers) >= 1
    assert anna.raw("stream", {"id": library.song, "format": "mp3"}).status in (200, 503)


def test_download(anna, library, original):
    answer = anna.raw("download", {"id": library.song})
    assert answer.body == original
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''01%20Human.flac"


def test_cover_art(anna, library):
    for id in (library.song, library.album, library.artist, library.row["parent"], library.art, library.playlist):
        answer = anna.raw("getCoverArt", {"id": id, "size": 100})
        assert answer.headers["Content-Type"] == "image/jpeg" and answer.body[:2] == b"\xff\xd8", id
    assert anna.raw("getCoverArt", {"id": library.art}).body[:2] == b"\xff\xd8"
    webp = anna.raw("getCoverArt", {"id": library.art, "size": 300}, {"Accept": "image/webp,*/*"})
    assert webp.headers["Content-Type"] == "image/webp" and webp.body[8:12] == b"WEBP"


def test_cover_art_that_is_not_there(anna):
    song = anna.ask("search3", query="Something")["searchResult3"]["song"][0]
    assert anna.error("getCoverArt", id=song["id"]) == 70
    assert anna.error("getCoverArt", id="art-AAAAAAAAAAAAAAAAAAAAAA") == 70
    assert anna.error("getCoverArt", id="nonsense") == 70


def test_every_format_plays(anna):
    for row in music.SONGS:
        song = next(song for song in anna.ask("search3", query="", songCount=500)["searchResult3"]["song"]
                    if song["title"] == row[4])
        answer = anna.raw("stream", {"id": song["id"]})
        assert len(answer.body) == song["size"]
        assert answer.headers["Content-Type"] == song["contentType"]
        assert abs(song["duration"] - row[9]) <= 1
