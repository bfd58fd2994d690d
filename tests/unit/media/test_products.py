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
    rest = looks(scratch / "out")["bottom right"]
    ok(max(rest) - min(rest) < 8 and 110 < rest[0] < 150, "and grey for the rest", rest)
    colour = quarters()
    whole = png(240, 160, lambda x, y: bytes(colour(x, y)) if (x + y) % 3 else bytes(3))
    ok(outcome_of(whole[:len(whole) * 2 // 3]) == "ok", "so does a cut PNG")
    ok(outcome_of(whole[:60]) == "damaged", "a PNG of which no row is left is damaged")
    ok(outcome_of(jpeg[:100]) == "damaged", "a JPEG cut within its header is damaged")
    ok(outcome_of(b"\x89PNG\r\n\x1a\n" + bytes(2000)) == "damaged", "a PNG of zeros is damaged")
    ok(outcome_of(b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>") == "no-picture", "SVG is not opened")
    ok(outcome_of(b"%PDF-1.4\n") == "no-picture" and outcome_of(b"") == "no-picture", "nor PDF, nor nothing")
    ok(outcome_of(b"II*\0" + bytes(100)) == "no-picture", "nor TIFF")
    ok(artwork(folder / "shapes" / "rich.flac", scratch / "out", "embedded") == "ok", "noise behind a whole JPEG does not hide it")
    ok(artwork(folder / "cover.jpg", scratch / "out", size=100_000) == "too-large", "absurd sizes are refused")


# --- what a picture looks like afterwards ---

RED, GREEN, BLUE, WHITE = (200, 40, 40), (40, 160, 60), (40, 60, 200), (255, 255, 255)
PLACES = {"top left": (0.25, 0.25), "top right": (0.75, 0.25), "bottom left": (0.25, 0.75), "bottom right": (0.75, 0.75)}


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, pixel_bytes, colour_type=2, depth=8, extra=b""):
    """pixel_bytes(x, y) gives the bytes of one pixel."""
    rows = zlib.compress(b"".join(b"\0" + b"".join(pixel_bytes(x, y) for x in range(width)) for y in range(height)))
    pieces = b"".join(chunk(b"IDAT", rows[at:at + 256]) for at in range(0, len(rows), 256))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)) + extra +
            pieces + chunk(b"IEND", b""))


def quarters(width=240, height=160):
    """Red, green, blue and white, by rows."""
    return lambda x, y: (BLUE, WHITE)[x >= width // 2] if y >= height // 2 else (RED, GREEN)[x >= width // 2]


def looks(path):
    """The colours in the middle of the quarters."""
    width, height = map(int, dimensions(path)[1:])
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], check=True, capture_output=True,
                         timeout=60).stdout
    at = {place: 3 * (int(y * height) * width + int(x * width)) for place, (x, y) in PLACES.items()}
    return {place: tuple(raw[offset:offset + 3]) for place, offset in at.items()}


def alike(seen, expected, tolerance=8):
    return all(abs(a - b) <= tolerance for place, colour in zip(PLACES, expected) for a, b in zip(seen[place], colour))


def shown(scratch, data, form="jpeg", size=120):
    (scratch / "shown").write_bytes(data)
    outcome = artwork(scratch / "shown", scratch / "small", size=size, form=form)
    return looks(scratch / "small") if outcome == "ok" else dict.fromkeys(PLACES, (outcome,) * 3)


def converted(scratch, data, name, *options):
    (scratch / "from.png").write_bytes(data)
    subprocess.run(["convert", scratch / "from.png", *options, scratch / name], check=True, timeout=60)
    return (scratch / name).read_bytes()


def test_kinds(folder, scratch):
    colour = quarters()
    plain = png(240, 160, lambda x, y: bytes(colour(x, y)))
    as_it_was = (RED, GREEN, BLUE, WHITE)
    for form in ("jpeg", "webp"):
        seen = shown(scratch, plain, form)
        ok(alike(seen, as_it_was), f"colours are in {form} what they were", seen)
    seen = shown(scratch, png(240, 160, lambda x, y: b"".join(bytes([c, c]) for c in colour(x, y)), depth=16))
    ok(alike(seen, as_it_was), "a PNG of 16 bits", seen)
    for name, options in {"progressive.jpg": ["-interlace", "JPEG"], "full.jpg": ["-sampling-factor", "4:4:4"], "p.png": ["-colors", "4"],
                          "lossy.webp": [], "lossless.webp": ["-define", "webp:lossless=true"], "p.gif": [], "p.bmp": []}.items():
        seen = shown(scratch, converted(scratch, plain, name, *options))
        ok(alike(seen, as_it_was, 12), name, seen)
    seen = shown(scratch, converted(scratch, plain, "cmyk.jpg", "-colorspace", "CMYK"))
    ok(alike(seen, as_it_was, 40), "a JPEG for printing presses (CMYK) has about its colours", seen)
    grey = [(77, 77, 77), (110, 110, 110), (61, 61, 61), WHITE]
    seen = shown(scratch, png(240, 160, lambda x, y: bytes([grey[as_it_was.index(colour(x, y))][0]]), colour_type=0))
    ok(alike(seen, grey), "a grey picture", seen)


def test_transparency(folder, scratch):
    colour = quarters()
    for form in ("jpeg", "webp"):
        seen = shown(scratch, png(240, 160, lambda x, y: bytes(colour(x, y)) + b"\x80", colour_type=6), form)
        half = [tuple((c + 255) // 2 for c in colour) for colour in (RED, GREEN, BLUE, WHITE)]
        ok(alike(seen, half), f"what is transparent shows white behind it, in {form}", seen)
    # black that is wholly transparent, in stripes of one pixel: nothing of it may bleed into its neighbours
    seen = shown(scratch, png(240, 160, lambda x, y: bytes((*WHITE, 255) if x % 2 else (0, 0, 0, 0)), colour_type=6))
    ok(alike(seen, [WHITE] * 4), "colours of transparent pixels are not seen", seen)


def exif(orientation):
    body = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def test_orientations(folder, scratch):
    colour = quarters()
    jpeg = converted(scratch, png(240, 160, lambda x, y: bytes(colour(x, y))), "turn.jpg", "-quality", "95")
    upright = {1: (RED, GREEN, BLUE, WHITE), 2: (GREEN, RED, WHITE, BLUE), 3: (WHITE, BLUE, GREEN, RED), 4: (BLUE, WHITE, RED, GREEN),
               5: (RED, BLUE, GREEN, WHITE), 6: (BLUE, RED, WHITE, GREEN), 7: (WHITE, GREEN, BLUE, RED), 8: (GREEN, WHITE, RED, BLUE)}
    for orientation, expected in upright.items():
        seen = shown(scratch, jpeg[:2] + exif(orientation) + jpeg[2:])
        shape = dimensions(scratch / "small")[1:]
        ok(alike(seen, expected) and shape == (["120", "80"] if orientation < 5 else ["80", "120"]),
           f"orientation {orientation} is turned upright", (seen, shape))
    seen = shown(scratch, jpeg[:2] + exif(99) + jpeg[2:])
    ok(alike(seen, upright[1]), "an orientation that does not exist is none", seen)


def profile(*primaries):
    """An ICC profile (v2) of a display whose red, green and blue are those of sRGB in the order given."""
    colours = {"r": (0.4360, 0.2225, 0.0139), "g": (0.3851, 0.7169, 0.0971), "b": (0.1431, 0.0606, 0.7141)}
    def xyz(values):
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))
    tags = {b"wtpt": xyz((0.9642, 1.0, 0.8249)), b"desc": b"desc\0\0\0\0" + struct.pack(">I", 2) + b"t\0" + bytes(78),
            b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    for name, primary in zip((b"r", b"g", b"b"), primaries):
        tags[name + b"XYZ"] = xyz(colours[primary])
        tags[name + b"TRC"] = b"curv\0\0\0\0" + struct.pack(">IH", 1, int(2.2 * 256)) + b"\0\0"
    table, bodies, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        body += bytes(-len(body) % 4)
        table += name + struct.pack(">II", at + len(bodies), len(body))
        bodies += body
    head = struct.pack(">I4sI4s4s4s12s4s", at + len(bodies), b"", 0x02100000, b"mntr", b"RGB ", b"XYZ ", bytes(12), b"acsp")
    head += bytes(68 - len(head)) + struct.pack(">3i", 63190, 65536, 54061)
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + bodies


def test_colour_profiles(folder, scratch):
    colour = quarters()
    def with_profile(body):
        return png(240, 160, lambda x, y: bytes(colour(x, y)), extra=chunk(b"iCCP", b"p\0\0" + zlib.compress(body)))
    seen = shown(scratch, with_profile(profile("r", "g", "b")))
    ok(alike(seen, (RED, GREEN, BLUE, WHITE), 16), "a profile close to sRGB changes next to nothing", seen)
    swapped = [(g, r, b) for r, g, b in (RED, GREEN, BLUE, WHITE)]
    for form in ("jpeg", "webp"):
        seen = shown(scratch, with_profile(profile("g", "r", "b")), form)
        ok(alike(seen, swapped, 16), f"a colour profile is obeyed, in {form}", seen)
    seen = shown(scratch, with_profile(profile("g", "r", "b")[:200]))
    ok(alike(seen, (RED, GREEN, BLUE, WHITE)), "a damaged profile is none", seen)


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
        test_kinds(folder, scratch)
        test_transparency(folder, scratch)
        test_orientations(folder, scratch)
        test_colour_profiles(folder, scratch)
    print(f"1..{count}")
    return 1 if failures else 0


sys.exit(main())
