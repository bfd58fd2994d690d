# SPDX-License-Identifier: GPL-3.0-or-later
"""
scan_files: many small sound files for bench/scan, in seconds.

One template a format is encoded by ffmpeg; each file is that template with tags of its own, and with some bytes of
its audio changed, so that no two files are the same recording (their decoders cope).  Containers are rewritten here
by hand, because a tagger takes a hundred times as long.
"""
import os
import struct
import subprocess
import zlib

FORMATS = ["mp3", "mp3", "mp3", "mp3", "mp3", "flac", "flac", "ogg", "opus", "m4a"]
ENCODERS = {
    "mp3": ["-c:a", "libmp3lame", "-b:a", "128k", "-id3v2_version", "0", "-t", "1.45"],
    "flac": ["-c:a", "flac", "-t", "0.29"],
    "ogg": ["-c:a", "libvorbis", "-b:a", "128k", "-t", "1.6"],
    "opus": ["-c:a", "libopus", "-b:a", "128k", "-t", "1.4"],
    "m4a": ["-c:a", "aac", "-b:a", "128k", "-t", "1.5"],
}
WORDS = ("amber blue cedar dawn ember field golden harbour ivory june kite lantern meadow north opal paper quiet river "
         "silver tide under violet winter yellow zephyr").split()


def templates(folder):
    os.makedirs(folder, exist_ok=True)
    result = {}
    for name, options in ENCODERS.items():
        path = f"{folder}/template.{name}"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "anoisesrc=r=44100:a=0.3:d=3:seed=7",
                        "-map_metadata", "-1", "-fflags", "+bitexact", *options, path], check=True)
        with open(path, "rb") as file:
            result[name] = file.read()
    return result


# --- each format: template, tags, number -> bytes ---

def changed(audio, number, at):
    """The same audio with eight bytes of its own."""
    return audio[:at] + struct.pack("<II", number * 2654435761 % 2**32, number) + audio[at + 8:]


def mp3(template, tags, number):
    names = {"title": b"TIT2", "artist": b"TPE1", "album": b"TALB", "albumartist": b"TPE2", "tracknumber": b"TRCK",
             "date": b"TDRC", "genre": b"TCON"}
    frames = b""
    for key, value in tags.items():
        text = b"\x03" + value.encode()
        size = bytes([0, 0, len(text) >> 7, len(text) & 127])
        frames += names[key] + size + b"\0\0" + text
    frames += bytes(512)
    size = len(frames)
    head = b"ID3\x04\0\0" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    return head + frames + changed(template, number, len(template) // 2 + 40)


def vorbis_comment(tags):
    vendor = b"bench"
    body = struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(tags))
    for key, value in tags.items():
        item = f"{key.upper()}={value}".encode()
        body += struct.pack("<I", len(item)) + item
    return body


def flac(template, tags, number):
    streaminfo = bytearray(template[8:42])
    streaminfo[18:34] = struct.pack("<QQ", number * 11400714819323198485 % 2**64, number)
    at, is_last = 4, False
    while not is_last:
        is_last = template[at] & 0x80
        at += 4 + int.from_bytes(template[at + 1:at + 4], "big")
    comment = vorbis_comment(tags)
    return (b"fLaC\0\0\0\x22" + bytes(streaminfo) + b"\x84" + len(comment).to_bytes(3, "big") + comment + template[at:])


REVERSED = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))


def ogg_crc(page):
    """Ogg's CRC-32 runs the other way round than zlib's and starts at 0."""
    value = zlib.crc32(page.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{value:032b}"[::-1], 2)


def ogg_pages(data):
    at = 0
    while at < len(data):
        segments = data[at + 26]
        size = 27 + segments + sum(data[at + 27:at + 27 + segments])
        yield data[at:at + size]
        at += size


def ogg_sealed(page):
    page = page[:22] + bytes(4) + page[26:]
    return page[:22] + struct.pack("<I", ogg_crc(page)) + page[26:]


def ogg_page_of(packets, like):
    lacing = b""
    for packet in packets:
        lacing += b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    return ogg_sealed(like[:26] + bytes([len(lacing)]) + lacing + b"".join(packets))


def ogg(template, tags, number):
    pages = list(ogg_pages(template))
    packets, packet = [], b""
    index = 1
    while len(packets) < 2:  # comments, set-up
        page = pages[index]
        at = 27 + page[26]
        for lace in page[27:27 + page[26]]:
            packet += page[at:at + lace]
            at += lace
            if lace < 255:
                packets.append(packet)
                packet = b""
        index += 1
    head = pages[0]
    body = [ogg_page_of([b"\x03vorbis" + vorbis_comment(tags) + b"\x01", packets[1]], pages[1])]
    return head + b"".join(body) + ogg_audio(pages[index:], number, 2)


def ogg_audio(pages, number, sequence):
    out = []
    for offset, page in enumerate(pages):
        page = page[:18] + struct.pack("<I", sequence + offset) + page[22:]
        out.append(ogg_sealed(changed(page, number, len(page) // 2)))
    return b"".join(out)


def opus(template, tags, number):
    pages = list(ogg_pages(template))
    return pages[0] + ogg_page_of([b"OpusTags" + vorbis_comment(tags)], pages[1]) + ogg_audio(pages[2:], number, 2)


def atom(name, body):
    return struct.pack(">I", len(body) + 8) + name + body


def atoms(data):
    at = 0
    while at < len(data):
        size = struct.unpack(">I", data[at:at + 4])[0]
        yield data[at + 4:at + 8], data[at + 8:at + size]
        at += size


def m4a(template, tags, number):
    names = {"title": b"\xa9nam", "artist": b"\xa9ART", "album": b"\xa9alb", "albumartist": b"aART", "date": b"\xa9day",
             "genre": b"\xa9gen"}
    items = b""
    for key, value in tags.items():
        if key == "tracknumber":
            items += atom(b"trkn", atom(b"data", struct.pack(">IIHHHH", 0, 0, 0, int(value), 0, 0)))
        else:
            items += atom(names[key], atom(b"data", struct.pack(">II", 1, 0) + value.encode()))
    handler = atom(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    udta = atom(b"udta", atom(b"meta", bytes(4) + handler + atom(b"ilst", items)))
    out = b""
    for name, body in atoms(template):  # mdat comes before moov: no offset moves
        if name == b"moov":
            body = b"".join(atom(n, b) for n, b in atoms(body) if n != b"udta") + udta
        elif name == b"mdat":
            body = changed(body, number, len(body) // 2)
        out += atom(name, body)
    return out


MAKERS = {"mp3": mp3, "flac": flac, "ogg": ogg, "opus": opus, "m4a": m4a}


def words(number, count):
    return " ".join(WORDS[(number * 7 + i * 5 + number // 25) % len(WORDS)] for i in range(count)).title()


def make_small(folder, count, per_album=10, albums_per_artist=5):
    """`count` files under `folder`, once; returns how many bytes."""
    done = f"{folder}.made"
    if os.path.exists(done):
        with open(done, encoding="ascii") as file:
            return int(file.read())
    made = templates(f"{folder}.templates")
    total = 0
    for number in range(count):
        album_number = number // per_album
        artist_number = album_number // albums_per_artist
        kind = FORMATS[album_number % len(FORMATS)]
        artist, album = f"{words(artist_number, 2)} {artist_number}", f"{words(album_number, 3)} {album_number}"
        tags = {"title": words(number, 3), "artist": artist, "album": album, "albumartist": artist,
                "tracknumber": str(number % per_album + 1), "date": str(1970 + album_number % 50),
                "genre": WORDS[artist_number % 12].title()}
        data = MAKERS[kind](made[kind], tags, number)
        place = f"{folder}/{artist}/{album}"
        if number % per_album == 0:
            os.makedirs(place, exist_ok=True)
        with open(f"{place}/{number % per_album + 1:02d} {tags['title']}.{kind}", "wb") as file:
            file.write(data)
        total += len(data)
    with open(done, "w", encoding="ascii") as file:
        file.write(str(total))
    return total


def make_big(folder, count, size):
    """`count` sparse-free files of about `size` bytes: real headers, then as much audio as it takes."""
    done = f"{folder}.made"
    if os.path.exists(done):
        return
    made = templates(f"{folder}.templates")
    os.makedirs(folder, exist_ok=True)
    for number in range(count):
        kind = ["mp3", "flac"][number % 2]
        tags = {"title": words(number, 3), "artist": "Big", "album": f"Big {number // 10}", "albumartist": "Big",
                "tracknumber": str(number % 10 + 1), "date": "2000", "genre": "Noise"}
        data = MAKERS[kind](made[kind], tags, number)
        audio = made["mp3"][200:] if kind == "mp3" else data[-8000:]
        with open(f"{folder}/{number:03d}.{kind}", "wb") as file:
            file.write(data)
            chunk = audio * (1 + (1 << 20) // len(audio))
            while file.tell() < size:
                file.write(chunk)
    with open(done, "w", encoding="ascii") as file:
        file.write(str(count))
