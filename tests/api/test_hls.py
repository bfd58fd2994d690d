# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP Live Streaming: playlists that ffmpeg, mpv, VLC and hls.js play without signing in again."""
import json
import os
import re
import subprocess
import urllib.parse

import pytest

import conftest
import test_clients
from test_packaging import RATE, SECONDS, encode, place, samples_of  # noqa: F401 (place is a fixture)


def playlist(place, song, **parameters):
    answer = place.rest("hls.m3u8", id=place.ids[song], **parameters)
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/vnd.apple.mpegurl", answer.body
    return answer.body.decode()


def uris(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.slow
def test_variants_then_segments_need_no_sign_in(place):
    text = playlist(place, "lossless.flac")
    assert text.startswith("#EXTM3U\n") and text.count("#EXT-X-STREAM-INF:") == 3 and 'CODECS="mp4a.40.2"' in text
    assert "#EXT-X-INDEPENDENT-SEGMENTS" in text
    where = place.server.base + "/rest/hls.m3u8"
    variant = urllib.parse.urljoin(where, uris(text)[1])
    answer = place.server.get(variant[len(place.server.base):])
    assert answer.status == 200
    segments = answer.body.decode()
    lengths = [float(length) for length in re.findall(r"#EXTINF:([0-9.]+),", segments)]
    assert abs(sum(lengths) - SECONDS) < 0.002 and segments.endswith("#EXT-X-ENDLIST\n")
    assert max(lengths) <= int(re.search(r"TARGETDURATION:(\d+)", segments)[1])
    init = re.search(r'#EXT-X-MAP:URI="([^"]+)"', segments)[1]
    data = b""
    for uri in [init] + uris(segments):
        part = place.server.get(urllib.parse.urljoin(variant, uri)[len(place.server.base):])
        assert part.status == 200 and part.headers["Content-Type"] == "audio/mp4"
        data += part.body
    assert abs(len(samples_of(data)) / 4 / RATE - SECONDS) < 0.12  # ffmpeg plays what the edit list leaves out


def test_one_bit_rate_is_that_rendition(place):
    for bit_rate, name in (("64", "aac-64"), ("200", "aac-128"), ("320@480x360", "aac-256"), ("1411", "flac")):
        text = playlist(place, "lossless.flac", bitRate=bit_rate)
        assert f"/{name}." in text and "#EXT-X-STREAM-INF" not in text
    assert "/aac-256." in playlist(place, "lossy.mp3", bitRate="1411"), "what was lossy is not made lossless"
    answer = place.rest("hls.m3u8?id=" + place.ids["lossless.flac"] + "&bitRate=64&bitRate=1411&x=")
    assert answer.body.decode().count("#EXT-X-STREAM-INF:") == 2
    answer = place.rest("hls.m3u8?id=" + place.ids["lossless.flac"] + "&bitRate=64&bitRate=90&bitRate=nonsense&audioTrack=1&x=")
    assert answer.body.decode().count("#EXT-X-STREAM-INF:") == 1, "a list of variants, though both are the same one; a song has one audio track"


def test_the_grant_opens_its_track_alone(place):
    text = playlist(place, "lossless.flac", bitRate="128")
    grant = re.search(r"g=([^\s\"]+)", text)[1]
    other = place.ids["second.flac"]
    assert place.server.get(f"/m/{other}/manifest?g={grant}").status == 404
    assert place.server.get(f"/m/{place.ids['lossless.flac']}/manifest?g={grant}").status == 200


def test_an_app_gets_playlists_too_and_they_end_with_it(place):
    shown = place.server.run("app", "add", "anna", "stereo")
    app = conftest.Client(place.server, "anna", shown.split()[-1])
    answer = app.raw("hls.m3u8", {"id": place.ids["lossless.flac"], "bitRate": "64"})
    path = urllib.parse.urljoin("/rest/hls.m3u8", uris(answer.body.decode())[0])
    assert place.server.get(path).status == 200
    bearer = {"Authorization": "Bearer " + place.session["accessToken"]}
    apps = place.server.get("/api/v1/apps", bearer).json()
    mine = next(one["id"] for one in apps if one["label"] == "stereo")
    assert place.server.ask("DELETE", f"/api/v1/apps/{mine}", headers=bearer).status == 204
    assert place.server.get(path).status == 401


def test_errors_are_the_protocols(place):
    answer = place.rest("hls.m3u8", id="tr-AAAAAAAAAAAAAAAAAAAAAA").subsonic()
    assert answer["error"]["code"] == 70
    assert place.rest("hls.m3u8").subsonic()["error"]["code"] == 10


def url(place, song, **parameters):
    """As a program that is given a URL would ask: the token is in it, and only for the playlist."""
    shown = place.server.run("app", "add", "anna", f"player {len(parameters)} {song}")
    app = conftest.Client(place.server, "anna", shown.split()[-1])
    return f"{place.server.base}/rest/hls.m3u8?{app.parameters({'id': place.ids[song]} | parameters)}"


@pytest.mark.parametrize("song, parameters", [("lossless.flac", {}), ("lossless.flac", {"bitRate": "1411"}), ("lossy.mp3", {"bitRate": "128"})])
def test_ffmpeg_plays_it(place, song, parameters):
    decoded = subprocess.run(["ffmpeg", "-v", "error", "-i", url(place, song, **parameters), "-map", "0:a:0", "-ac", "2", "-f", "s16le", "-"],
                             capture_output=True, timeout=60)
    assert decoded.returncode == 0, decoded.stderr
    assert not decoded.stderr, decoded.stderr
    assert abs(len(decoded.stdout) / 4 / RATE - SECONDS) < 0.12
    if "1411" in parameters.values():
        assert decoded.stdout == samples_of((place.music / song).read_bytes())


def test_mpv_plays_it(place, tmp_path):
    out = tmp_path / "out.wav"
    played = subprocess.run(["mpv", "--no-config", "--no-video", "--ao=pcm", f"--ao-pcm-file={out}", "--msg-level=all=warn",
                             url(place, "lossless.flac", bitRate="128")], capture_output=True, timeout=60)
    assert played.returncode == 0, played.stdout + played.stderr
    length = float(subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", out],
                                  capture_output=True, text=True, check=True).stdout)
    assert abs(length - SECONDS) < 0.2


def test_vlc_plays_it(place, tmp_path):
    out = tmp_path / "out.wav"
    command = ["cvlc", "-I", "dummy", "--no-sout-video", "--play-and-exit", "--run-time=60", "--no-one-instance",
               url(place, "lossless.flac", bitRate="128"),
               "--sout", f"#transcode{{acodec=s16l}}:std{{access=file,mux=wav,dst={out}}}", "vlc://quit"]
    if os.geteuid() == 0:  # VLC refuses to be root's
        command = ["runuser", "-u", "nobody", "--", *command]
        tmp_path.chmod(0o777)
        for parent in list(tmp_path.parents)[:3]:
            if str(parent).startswith("/tmp/"):
                parent.chmod(0o755)
    played = subprocess.run(command, capture_output=True, timeout=90, env=conftest.environment() | {"HOME": str(tmp_path)})
    assert out.exists(), played.stdout + played.stderr
    length = (out.stat().st_size - 44) / 4 / RATE
    assert abs(length - SECONDS) < 0.3, played.stderr


@pytest.mark.slow
def test_hls_js_plays_it_in_chromium(place):
    """Adaptive: three variants, of which it may take any."""
    test_clients.install()
    result = subprocess.run(["node", "hls.mjs"], cwd=test_clients.CLIENTS, env=os.environ | {"URL": url(place, "lossless.flac")},
                            capture_output=True, text=True, timeout=90)
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert seen["ended"] and seen["levels"] == 3 and not seen["errors"], seen
    assert abs(seen["duration"] - SECONDS) < 0.15 and abs(seen["time"] - seen["duration"]) < 0.1, seen
