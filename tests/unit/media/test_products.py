#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What workers make: transcodes that begin at the right sample, and pictures of the right size.

usage: test_products.py MEDIA_TOOL WORKER FIXTURES          prints TAP
"""
import array
import pathlib
import subprocess
import sys
import tempfile
import zlib
import struct

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "fixtures"))
import make  # noqa: E402

TOOL, WORKER = sys.argv[1:3]
LOSSLESS = ["flac", "nomd5.flac", "oga", "alac.m4a", "wav", "aiff", "wv"]
LOSSY = ["mp3", "cbr.mp3", "ogg", "opus", "m4a"]
count = failures = 0


def ok(holds, claim, detail=""):
    global count, failures
    count += 1
    failures += not holds
    print(f"{'' if holds else 'not '}ok {count} - {claim}", flush=True)
    if not holds and detail:
        print("#", str(detail)[:800])


def transcode(source, out, form, kbps=0, offset_ms=0, channels=0, rate=0):
    done = subprocess.run([TOOL, WORKER, "transcode", form, str(kbps), str(offset_ms), str(channels), str(rate), source, out],
                          capture_output=True, timeout=60, text=True)
    return done.stdout.split()[0]


def samples(path):
    """16 bit interleaved, as ffmpeg decodes it."""
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-"], check=True, capture_output=True, timeout=60)
    return array.array("h", raw.stdout)


def shape(path):
    out = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,sample_rate,channels", "-of", "csv=p=0", path],
                         check=True, capture_output=True, timeout=60, text=True).stdout
    return out.strip().split(",")


def rms(a, b):
    return (sum((x - y) ** 2 for x, y in zip(a, b)) / max(1, len(a))) ** 0.5


def test_exact(folder, scratch):
    truth = samples(folder / "a.wav")
    for suffix in LOSSLESS:
        outcome = transcode(folder / "good" / f"a.{suffix}", scratch / "x.flac", "flac")
        ok(outcome == "ok" and samples(scratch / "x.flac") == truth, f"{suffix} to FLAC keeps every sample", outcome)
    for suffix in ["flac", "alac.m4a", "wav"] + LOSSY:
        path = folder / "good" / f"a.{suffix}"
        transcode(path, scratch / "whole.flac", "flac")
        outcome = transcode(path, scratch / "part.flac", "flac", offset_ms=2501)
        whole, part = samples(scratch / "whole.flac"), samples(scratch / "part.flac")
        rate = int(shape(scratch / "whole.flac")[1])
        wanted = whole[2 * (2501 * rate // 1000):]
        slip = len(part) - len(wanted)
        same = part == wanted if suffix in LOSSLESS else rms(part[2000:], wanted[2000:]) < 30
        ok(outcome == "ok" and slip in (0, 2, -2) and same, f"{suffix}: an offset of 2501 ms begins at that very sample",
           (outcome, len(part), len(wanted), rms(part, wanted)))


def test_gapless_length(folder, scratch):
    for suffix in ("mp3", "ogg", "opus"):
        transcode(folder / "good" / f"a.{suffix}", scratch / "x.flac", "flac")
        rate = int(shape(scratch / "x.flac")[1])
        ok(len(samples(scratch / "x.flac")) // 2 == make.SECONDS * rate, f"{suffix}: an encoder's padding is cut off to the sample",
           len(samples(scratch / "x.flac")) // 2 - make.SECONDS * rate)


def test_formats(folder, scratch):
    codecs = {"mp3": "mp3", "opus": "opus", "aac": "aac", "flac": "flac", "ogg": "vorbis"}
    truth = len(samples(folder / "a.wav")) / 2 / 44100
    for form, codec in codecs.items():
        out = scratch / f"x.{form}"
        outcome = transcode(folder / "good" / "a.flac", out, form, 96)
        name, rate, channels = shape(out)
        seconds = len(samples(out)) / 2 / int(rate)
        ok((outcome, name, channels) == ("ok", codec, "2") and abs(seconds - truth) < 0.2, f"{form} at 96 kbit/s",
           (outcome, name, rate, channels, seconds))
        outcome = transcode(folder / "good" / "a.mp3", out, form, 48, 1000, 1, 22050)
        name, rate, channels = shape(out)
        ok((outcome, name, channels) == ("ok", codec, "1") and rate == ("48000" if form == "opus" else "22050"),
           f"{form} in mono at 22,050 Hz from 1 s on", (outcome, name, rate, channels))
    ok(transcode(folder / "good" / "a.ogg", scratch / "end.mp3", "mp3", offset_ms=9_999_999) == "ok", "an offset past the end is no error")
    loud, small = scratch / "l.mp3", scratch / "s.mp3"
    transcode(folder / "good" / "a.flac", loud, "mp3", 320)
    transcode(folder / "good" / "a.flac", small, "mp3", 64)
    ok(loud.stat().st_size > 4 * small.stat().st_size, "the bit rate is obeyed", (loud.stat().st_size, small.stat().st_size))


def test_refusals(folder, scratch):
    for name in ("playlist.mp3", "concat.mp3", "zero.mp3", "text.flac"):
        outcome = transcode(folder / "damaged" / name, scratch / "x", "mp3")
        ok(outcome == "not-audio" and not (scratch / "x").stat().st_size, f"{name} is not transcoded", outcome)
    words = {}
    for path in sorted((folder / "damaged").glob("*.a.*"))[::17]:
        words.setdefault(transcode(path, scratch / "x", "opus"), []).append(path.name)
    ok(set(words) <= {"ok", "damaged", "not-audio"}, "damaged files are transcoded as far as they go, or refused", words)


# --- artwork ---

def artwork(source, out, kind="image", size=300, form="webp"):
    done = subprocess.run([TOOL, WORKER, "artwork", kind, str(size), form, source, out], capture_output=True, timeout=60, text=True)
    return done.stdout.strip()


def dimensions(path):
    out = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", path],
                         check=True, capture_output=True, timeout=60, text=True).stdout
    return out.strip().split(",")


def png_bomb(width, height):
    """A valid PNG of black rows, small as a file."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = zlib.compress(bytes(1 + width * 3) * min(height, 200))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", rows) +
            chunk(b"IEND", b""))


def test_artwork(folder, scratch):
    for size in (64, 1200):
        for form, codec in (("webp", "webp"), ("jpeg", "mjpeg")):
            outcome = artwork(folder / "cover.jpg", scratch / f"c.{form}", size=size, form=form)
            expected = [codec, str(size), str(round(size * 2 / 3))]
            ok(outcome == "ok" and dimensions(scratch / f"c.{form}") == expected, f"{form} of {size} pixels keeps its proportions",
               (outcome, expected))
    ok(artwork(folder / "cover.png", scratch / "p.webp", size=1200) == "ok" and dimensions(scratch / "p.webp")[1:] == ["200", "300"],
       "a small picture is not enlarged")
    for name in ("id3v23.mp3", "id3v22.mp3", "unsync.mp3", "id3.wav", "rich.aiff", "rich.wv"):
        outcome = artwork(folder / "shapes" / name, scratch / "e.jpg", "embedded", 64, "jpeg")
        ok(outcome == "ok" and dimensions(scratch / "e.jpg")[0] == "mjpeg", f"the picture inside {name}", outcome)
    cover = scratch / "cover.png"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=s=900x900", "-frames:v", "1", cover], check=True)
    for suffix, kind in (("ogg", make.OggVorbis), ("opus", make.OggOpus), ("m4a", make.MP4), ("flac", make.FLAC)):
        path = scratch / f"e.{suffix}"
        path.write_bytes((folder / "good" / f"a.{suffix}").read_bytes())
        file, block = kind(path), make.flac_picture(cover.read_bytes(), mime="image/png")
        if suffix == "m4a":
            file["covr"] = [make.MP4Cover(cover.read_bytes(), make.MP4Cover.FORMAT_PNG)]
        elif suffix == "flac":
            file.add_picture(block)
        else:
            file["metadata_block_picture"] = make.base64.b64encode(block.write()).decode()
        file.save()
        outcome = artwork(path, scratch / "e.webp", "embedded", 128)
        ok(outcome == "ok" and dimensions(scratch / "e.webp") == ["webp", "128", "128"], f"the PNG inside {suffix}", outcome)
    ok(artwork(folder / "good" / "a.mp3", scratch / "n", "embedded") == "no-picture", "a file without a picture says so")


def test_bad_pictures(folder, scratch):
    def outcome_of(data):
        (scratch / "bad").write_bytes(data)
        return artwork(scratch / "bad", scratch / "out")
    jpeg = (folder / "cover.jpg").read_bytes()
    ok(outcome_of(png_bomb(30_000, 30_000)) == "too-large", "900 megapixels in a few KB are refused")
    ok(outcome_of(jpeg[:len(jpeg) // 2]) == "ok", "half a JPEG shows what there is of it")
    ok(outcome_of(jpeg[:100]) == "damaged", "a JPEG cut within its header is damaged")
    ok(outcome_of(b"\x89PNG\r\n\x1a\n" + bytes(2000)) == "damaged", "a PNG of zeros is damaged")
    ok(outcome_of(b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>") == "no-picture", "SVG is not opened")
    ok(outcome_of(b"%PDF-1.4\n") == "no-picture" and outcome_of(b"") == "no-picture", "nor PDF, nor nothing")
    ok(outcome_of(b"II*\0" + bytes(100)) == "no-picture", "nor TIFF")
    ok(artwork(folder / "shapes" / "rich.flac", scratch / "out", "embedded") == "ok", "noise behind a whole JPEG does not hide it")
    ok(artwork(folder / "cover.jpg", scratch / "out", size=100_000) == "too-large", "absurd sizes are refused")


def main():
    folder = make.build(sys.argv[3])
    with tempfile.TemporaryDirectory(prefix="media-products-") as scratch:
        scratch = pathlib.Path(scratch)
        test_exact(folder, scratch)
        test_gapless_length(folder, scratch)
        test_formats(folder, scratch)
        test_refusals(folder, scratch)
        test_artwork(folder, scratch)
        test_bad_pictures(folder, scratch)
    print(f"1..{count}")
    return 1 if failures else 0


sys.exit(main())
