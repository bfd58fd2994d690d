# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes: originals with ranges, transcodes, downloads, artwork."""
import concurrent.futures
import io
import json
import re
import subprocess

import mutagen.aac
import mutagen.mp3
import mutagen.oggopus
import mutagen.oggvorbis
import pytest

import conftest
import music
import test_schemas


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


@pytest.mark.slow
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


# --- the extension "transcoding": docs of getTranscodeDecision ---

def target(container, codec, protocol="http"):
    return {"container": container, "audioCodec": codec, "protocol": protocol, "maxAudioChannels": 2}


def decide(client, song, **abilities):
    body = json.dumps({"name": "test", "platform": "Linux"} | abilities).encode()
    query = client.parameters({"mediaId": song, "mediaType": "song"})
    answer = client.server.ask("POST", f"/rest/getTranscodeDecision?{query}", body, {"Content-Type": "application/json"})
    return answer.json()


def decision(client, song, **abilities):
    whole = decide(client, song, **abilities)
    if test_schemas.FOLDER:
        assert not list(test_schemas.validator_of("getTranscodeDecision", "post").iter_errors(whole["subsonic-response"]))
    return whole["subsonic-response"]["transcodeDecision"]


def test_what_a_client_plays_is_not_converted(anna, library):
    said = decision(anna, library.song, directPlayProfiles=[{"containers": ["flac"], "audioCodecs": [], "protocols": ["http"]}])
    assert said["canDirectPlay"] and not said["canTranscode"] and said["transcodeReason"] == [] and said["errorReason"] == ""
    source = said["sourceStream"]
    assert (source["container"], source["codec"], source["audioChannels"], source["audioSamplerate"], source["audioBitdepth"]) == \
        ("flac", "flac", 2, 44100, 16)


@pytest.mark.parametrize("container, codec, most, seen", [
    ("mp3", "mp3", None, "mp3"), ("ogg", "opus", 96000, "opus"), ("ogg", "vorbis", 96000, "vorbis"), ("flac", "flac", None, "flac"),
    ("mp4", "aac", 128000, "aac"), ("aac", "aac", 128000, "aac")])
def test_what_is_decided_is_what_comes(anna, library, tmp_path, container, codec, most, seen):
    limits = {"maxTranscodingAudioBitrate": most} if most else {}
    said = decision(anna, library.song, transcodingProfiles=[target(container, codec)], **limits)
    stream = said["transcodeStream"]
    assert said["canTranscode"] and not said["canDirectPlay"] and said["transcodeReason"] == ["NoDirectPlayProfile"]
    assert stream["audioBitrate"] <= (most or 2000000)
    for offset, seconds in ((0, 3), (2, 1)):
        answer = anna.raw("getTranscodeStream", {"mediaId": library.song, "mediaType": "song", "offset": offset,
                                                 "transcodeParams": said["transcodeParams"]})
        assert answer.status == 200
        (tmp_path / "stream").write_bytes(answer.body)
        probe = json.loads(subprocess.run(["ffprobe", "-v", "error", "-of", "json", "-show_streams", tmp_path / "stream"],
                                          capture_output=True, check=True).stdout)["streams"][0]
        assert probe["codec_name"] == seen and probe["channels"] == stream["audioChannels"]
        assert int(probe["sample_rate"]) == stream["audioSamplerate"]
        pcm = subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "stream", "-ac", "1", "-f", "s16le", "-"], capture_output=True).stdout
        assert abs(len(pcm) / 2 / stream["audioSamplerate"] - seconds) < 0.1


def test_hls_is_decided_and_begins_where_it_is_told(anna, library):
    said = decision(anna, library.song, transcodingProfiles=[target("mp4", "aac", "hls")], maxTranscodingAudioBitrate=150000)
    assert said["transcodeStream"]["protocol"] == "hls" and said["transcodeStream"]["audioBitrate"] == 128000
    answer = anna.raw("getTranscodeStream", {"mediaId": library.song, "mediaType": "song", "offset": 2, "transcodeParams": said["transcodeParams"]})
    text = answer.body.decode()
    assert answer.headers["Content-Type"] == "application/vnd.apple.mpegurl" and "TIME-OFFSET=2.000" in text
    segment = re.search(r"^\.\./(m/.*/0\.m4s\?g=.*)$", text, re.M)[1]
    assert anna.server.get("/" + segment).status == 200, "without signing in again"


def test_reasons_are_told(anna, library):
    said = decision(anna, library.song, maxAudioBitrate=64000, directPlayProfiles=[{"containers": ["flac"], "audioCodecs": ["flac"], "protocols": []}])
    assert not said["canDirectPlay"] and not said["canTranscode"] and said["transcodeReason"] == ["AudioBitrateNotSupported"]
    assert "transcodingProfiles" in said["errorReason"] and "transcodeParams" not in said


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"maxAudioBitrate":"x"}', b'{"directPlayProfiles":[' + b"[" * 100, b" " * 70000 + b"{}"])
def test_a_bad_body_is_refused_in_words(anna, library, body):
    query = anna.parameters({"mediaId": library.song, "mediaType": "song"})
    answer = anna.server.ask("POST", f"/rest/getTranscodeDecision?{query}", body, {"Content-Type": "application/json"}).subsonic()
    assert answer["status"] == "failed" and answer["error"]["message"]


def test_decisions_about_nothing(anna, library):
    assert anna.error("getTranscodeDecision", mediaId=library.song, mediaType="song") == 0, "POST it is"
    assert anna.error("getTranscodeStream", mediaId=library.song, mediaType="song", transcodeParams="http.exe") == 0
    assert anna.error("getTranscodeStream", mediaId=library.song, mediaType="podcast", transcodeParams="hls.aac-128") == 70
    assert anna.error("getTranscodeStream", mediaId="tr-none", mediaType="song", transcodeParams="hls.aac-128") == 70
