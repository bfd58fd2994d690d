#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real files through real workers: every format, tag shape and kind of damage of tests/fixtures/make.py.

usage: test_files.py MEDIA_TOOL WORKER FIXTURES          prints TAP
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "fixtures"))
import make  # noqa: E402
import mutagen  # noqa: E402
from mutagen.aiff import AIFF  # noqa: E402
from mutagen.flac import FLAC  # noqa: E402
from mutagen.id3 import APIC, ID3, TIT2  # noqa: E402
from mutagen.mp3 import MP3  # noqa: E402
from mutagen.mp4 import MP4, MP4Cover  # noqa: E402
from mutagen.wave import WAVE  # noqa: E402

TOOL, WORKER = sys.argv[1:3]
SUFFIXES = ["mp3", "cbr.mp3", "flac", "nomd5.flac", "ogg", "opus", "oga", "m4a", "alac.m4a", "wav", "aiff", "wv"]
count = failures = 0


def ok(holds, claim, detail=""):
    global count, failures
    count += 1
    failures += not holds
    print(f"{'' if holds else 'not '}ok {count} - {claim}", flush=True)
    if not holds and detail:
        print("#", str(detail)[:800])


def probe(*paths):
    out = subprocess.run([TOOL, WORKER, "probe", *map(str, paths)], check=True, capture_output=True, timeout=110).stdout
    return [json.loads(line) for line in out.splitlines()]


def values(info, kind):
    return [tag[1] for tag in info.get("tags", []) if tag[0] == kind]


# --- formats ---

def test_formats(good):
    codecs = ["mp3", "mp3", "flac", "flac", "vorbis", "opus", "flac in ogg", "aac", "alac", "pcm", "pcm", "wavpack"]
    for suffix, codec, info in zip(SUFFIXES, codecs, probe(*(good / f"a.{suffix}" for suffix in SUFFIXES))):
        shape = info["outcome"], info.get("codec"), info.get("channels"), info.get("sample_rate")
        ok(shape == ("ok", codec, 2, 48000 if codec == "opus" else 44100) and abs(info["duration_ms"] - 1000 * make.SECONDS) < 60
           and not info["partial"], f"{suffix} is read: codec, channels, rate, length", info)


# --- ids ---

def retag_mutagen(path):
    """A long title and a picture of 300 KB, so that the payload moves; the file's own kind of tag."""
    kind = mutagen.File(path)
    image = make.noisy_picture(300_000)
    if isinstance(kind, FLAC):
        kind["title"] = "x" * 20_000
        kind.add_picture(make.flac_picture(image))
    elif isinstance(kind, MP4):
        kind["\xa9nam"], kind["covr"] = "x" * 20_000, [MP4Cover(image)]
    elif isinstance(kind, (MP3, WAVE, AIFF)):
        if kind.tags is None:
            kind.add_tags()
        kind.tags.add(TIT2(encoding=3, text="x" * 20_000))
        kind.tags.add(APIC(encoding=3, mime="image/jpeg", type=3, desc="", data=image))
    else:
        kind["title"] = "x" * 100_000
    kind.save()


def retag_ffmpeg(path):
    out = path.with_name("remux." + path.name)
    make.run("ffmpeg", "-v", "error", "-y", "-i", path, "-map", "0:a", "-c", "copy", "-metadata", "title=Other",
             "-metadata", "artist=Someone with a long name " * 20, out)
    out.replace(path)


def retag_cli(path):
    if path.suffix == ".flac":
        make.run("metaflac", "--remove-all", "--dont-use-padding", path)
    elif path.suffix == ".ogg":
        make.run("vorbiscomment", "-w", "-t", "TITLE=" + "y" * 70_000, path)
    elif path.suffix == ".wv":
        make.run("wvtag", "-q", "-w", "Title=" + "y" * 5_000, path)
    else:
        return False
    return True


def test_ids(good, scratch):
    first = {suffix: probe(good / f"a.{suffix}")[0]["audio_id"] for suffix in SUFFIXES}
    other = {suffix: probe(good / f"b.{suffix}")[0]["audio_id"] for suffix in SUFFIXES}
    ok(all(first[suffix] != other[suffix] for suffix in SUFFIXES), "another recording has another id, in every format")
    ok(len(set(first.values())) == len(SUFFIXES) - 1 and first["flac"] == first["oga"],
       "formats differ, but FLAC keeps its id inside Ogg", first)
    for name, retag in (("mutagen", retag_mutagen), ("ffmpeg -c copy", retag_ffmpeg), ("its own command", retag_cli)):
        for suffix in SUFFIXES:
            path = scratch / f"retag.{suffix}"
            shutil.copy(good / f"a.{suffix}", path)
            if retag(path) is False:
                continue
            info = probe(path)[0]
            ok(info.get("audio_id") == first[suffix], f"{suffix} retagged by {name} keeps its id", (first[suffix], info))


def test_payload_counts(good, scratch):
    for suffix in SUFFIXES:
        if suffix in ("flac", "oga"):
            continue  # their id is the MD5 of what they decode to, written by the encoder
        data = bytearray((good / f"a.{suffix}").read_bytes())
        at = len(data) - 3000 if suffix != "m4a" else 5000
        if suffix.endswith("m4a"):
            at = bytes(data).index(b"mdat") + 2000
        data[at] ^= 0x55
        path = scratch / f"changed.{suffix}"
        path.write_bytes(data)
        before, after = probe(good / f"a.{suffix}", path)
        ok(before["audio_id"] != after.get("audio_id"), f"{suffix}: a changed byte of sampled payload changes the id")


# --- tags ---

def test_id3(shapes):
    info = probe(shapes / "id3v24.mp3")[0]
    ok(values(info, "title") == ["Für Élise"] and values(info, "album") == ["Альбом"], "ID3v2.4 in UTF-8 and UTF-16", info)
    ok(values(info, "artist") == ["Anna", "Björk"], "several artists, in order", info)
    ok(values(info, "genre") == ["Rock", "Pop", "Jazz", "Funk"], "genres are split, numbers named, repeats dropped",
       values(info, "genre"))
    ok([tag for tag in info["tags"] if tag[0] == "performer"] == [["performer", "Carl", "guitar"], ["performer", "Dora", "piano"]],
       "performers with instruments", info["tags"])
    ok(values(info, "producer") == ["Emil"] and values(info, "mixer") == ["Fred"], "involved people have roles", info["tags"])
    ok((values(info, "track"), values(info, "track-total"), values(info, "disc-total")) == (["3"], ["12"], ["2"]), "03/12 is 3 of 12")
    ok((values(info, "date"), values(info, "original-date")) == (["2004-05-01"], ["1999"]), "date and original date", info["tags"])
    ok(values(info, "disc-subtitle") == ["The first side"] and values(info, "compilation") == ["1"], "disc subtitle, compilation",
       info["tags"])
    ok(values(info, "musicbrainz-recording") == [make.MBID] and values(info, "musicbrainz-album") == [make.MBID]
       and len(values(info, "musicbrainz-artist")) == 2, "MusicBrainz ids, joined ones taken apart", info["tags"])
    ok(values(info, "replaygain-track-gain") == ["-6.2"], "gain as a plain number")
    ok(values(info, "comment") == ["line one\nline two"], "a comment keeps its lines")
    ok({"language": "deu", "synced": True, "lines": [[1000, "erste"], [2500, "zweite"]]} in info["lyrics"], "SYLT", info["lyrics"])
    ok({"language": "eng", "synced": False, "lines": [[0, "plain words"], [0, "of a song"]]} in info["lyrics"], "USLT", info["lyrics"])
    ok(info["picture_bytes"] > 900_000 and not info["partial"], "the front cover of 900 KB wins over the back, within the budget")
    info = probe(shapes / "id3v23.mp3")[0]
    ok(values(info, "artist") == ["AC/DC"] and values(info, "genre") == ["Rock"], "ID3v2.3: AC/DC stays one artist", info)
    info = probe(shapes / "id3v22.mp3")[0]
    ok(values(info, "title") == ["Title"] and info["picture_mime"] == "image/jpeg", "ID3v2.2 with a picture", info)
    info = probe(shapes / "unsync.mp3")[0]
    ok(values(info, "title") == ["Title"] and "picture" in info, "an unsynchronised tag", info)
    info = probe(shapes / "cp1251.mp3")[0]
    ok([values(info, kind) for kind in ("title", "artist", "album")] == [["Кино"], ["Motörhead"], ["Ænima – odd"]],
       "Cyrillic, Latin-1 and UTF-8 that all claim to be Latin-1", info)
    info = probe(shapes / "id3v1.mp3")[0]
    ok(values(info, "title") == ["Звезда по имени"] and values(info, "artist") == ["Kino"] and values(info, "track") == ["7"],
       "ID3v1 in Windows-1251, cut at NUL", info)
    info = probe(shapes / "ape.mp3")[0]
    ok(values(info, "title") == ["From ID3"] and values(info, "replaygain-track-gain") == ["1.5"],
       "ID3 leads, an APE tag adds its gain", info)


def test_other_tags(shapes):
    info = probe(shapes / "rich.flac")[0]
    ok(values(info, "artist") == ["One", "Two"] and values(info, "track-total") == ["9"], "FLAC: repeated fields", info)
    ok(values(info, "genre") == ["Rock", "Folk, World, & Country"], "a comma does not part genres", info)
    ok(values(info, "replaygain-track-gain") == ["3"] and values(info, "explicit") == ["explicit"], "R128 becomes ReplayGain", info)
    ok(info["lyrics"][0]["synced"] and info["lyrics"][0]["lines"] == [[1500, "first"], [3000, "second"]], "LRC inside LYRICS", info)
    ok("\x07" not in values(info, "comment")[0], "control characters are dropped")
    ok(info["picture_bytes"] > 3_000_000 and not info["partial"], "FLAC: a front cover of 3 MB within the budget", info)
    for name in ("rich.ogg", "rich.opus"):
        info = probe(shapes / name)[0]
        ok(values(info, "artist") == ["One", "Two"] and values(info, "artist-display") == ["One feat. Two"]
           and values(info, "release-type") == ["album", "live"], f"{name}: ARTISTS beside ARTIST", info)
        ok(info.get("picture_bytes", 0) > 1_000_000 and not info["partial"], f"{name}: a base64 cover of 1 MB within the budget", info)
    info = probe(shapes / "rich.m4a")[0]
    ok(values(info, "artist") == ["One", "Two"] and values(info, "genre") == ["Rock", "Pop"] and values(info, "track-total") == ["12"]
       and values(info, "explicit") == ["explicit"] and values(info, "compilation") == ["1"], "M4A: atoms and freeform names", info)
    ok(info["picture_bytes"] > 600_000 and info["lyrics"][0]["lines"] == [[0, "words of mp4"]], "M4A: cover and lyrics", info)
    for name, title in (("id3.wav", "Wave"), ("info.wav", "Info"), ("rich.aiff", "Aiff"), ("rich.wv", "Pack")):
        info = probe(shapes / name)[0]
        ok(values(info, "title") == [title] and (name == "info.wav" or info.get("picture_mime") == "image/jpeg"),
           f"{name}: tags and cover", info)


def test_same_picture(good, scratch):
    """One picture has one digest wherever it is embedded, and two of one size have two."""
    image, digests = make.noisy_picture(200_000), []
    for suffix in ("mp3", "flac", "m4a", "opus", "aiff"):
        path = scratch / f"cover.{suffix}"
        shutil.copy(good / f"a.{suffix}", path)
        kind = mutagen.File(path)
        if suffix == "flac":
            kind.add_picture(make.flac_picture(image))
        elif suffix == "m4a":
            kind["covr"] = [MP4Cover(image)]
        elif suffix == "opus":
            kind["metadata_block_picture"] = make.base64.b64encode(make.flac_picture(image).write()).decode()
        else:
            if kind.tags is None:
                kind.add_tags()
            kind.tags.add(APIC(encoding=3, mime="image/jpeg", type=3, desc="", data=image))
        kind.save()
        digests.append(probe(path)[0].get("picture"))
    ok(len(set(digests)) == 1 and digests[0], "one picture has one digest in every container", digests)
    shutil.copy(good / "a.flac", scratch / "other.flac")
    kind = FLAC(scratch / "other.flac")
    kind.add_picture(make.flac_picture(image[:100_000] + b"?" + image[100_001:]))
    kind.save()
    ok(probe(scratch / "other.flac")[0]["picture"] != digests[0], "a picture changed in its middle has another")


# --- damage ---

def test_damage(damaged):
    paths = sorted(damaged.iterdir())
    outcomes = {pathlib.Path(info["path"]).name: info for info in probe(*paths)}
    words = {info["outcome"] for info in outcomes.values()}
    ok(words <= {"ok", "damaged", "not-audio"}, "damaged files are read or refused; none harms its worker",
       [(name, info["outcome"]) for name, info in outcomes.items() if info["outcome"] not in ("ok", "damaged", "not-audio")])
    for name in ("zero.mp3", "one.mp3", "playlist.mp3", "concat.mp3", "text.flac"):
        ok(outcomes[name]["outcome"] == "not-audio", f"{name} is not audio, whatever its name says", outcomes[name])
    ok(outcomes["half.a.wav"]["outcome"] == "ok", "half a WAV is still read", outcomes["half.a.wav"])


def main():
    folder = make.build(sys.argv[3])
    with tempfile.TemporaryDirectory(prefix="media-files-") as scratch:
        scratch = pathlib.Path(scratch)
        test_formats(folder / "good")
        test_ids(folder / "good", scratch)
        test_payload_counts(folder / "good", scratch)
        test_id3(folder / "shapes")
        test_other_tags(folder / "shapes")
        test_same_picture(folder / "good", scratch)
        test_damage(folder / "damaged")
    print(f"1..{count}")
    return 1 if failures else 0


sys.exit(main())
