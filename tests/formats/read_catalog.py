# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a library's catalogue from its signed list and its objects: written from docs/formats/catalog.md and
catalog-columns.md alone; the columns are read from that page itself."""
import base64
import hashlib
import json
import pathlib
import re
import struct

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/formats/catalog-columns.md"
TABLES = {name: int(number) for number, name in re.findall(r"^\| (\d+) \| (\w+) \| [^|]*\|$", PAGE.read_text(), re.M)}
COLUMNS = {int(row[0]): row[1:] for row in
           re.findall(r"^\| (\d+) \| (\w+) \| (core|detail) \| (\w+) \| (\w+) \| (\w*) \| [^|]*\|$", PAGE.read_text(), re.M)}
WIDTHS = {"U8": 1, "U16": 2, "U32": 4, "U64": 8, "ID": 16}
NONE = 0xFFFFFFFF


class Refused(Exception):
    pass


def check(holds, why):
    if not holds:
        raise Refused(why)


def id_text(letters, raw):
    return letters + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_list(body, library, version):
    """The segments of a list whose signature is verified: its own library and version must be the preamble's."""
    listed = json.loads(body)
    check(listed["library"] == library and listed["version"] == ".".join(map(str, version)), "the list is another")
    check(len(listed["segments"]) <= 8, "too many segments")
    return listed["segments"]


class Object:
    """One object of a segment, checked whole."""

    def __init__(self, data, entry, kind, library, number):
        check(len(data) == entry["bytes"] and hashlib.sha256(data).hexdigest() == entry["sha256"], "not what the list names")
        check(len(data) >= 104 and data[:8] == b"SOSTCATA", "no object of a catalogue")
        major, _, part, of, zero, own, size = struct.unpack_from("<HHBBHQQ", data, 8)
        check(major == 1 and part == ("core", "detail").index(kind), "another major or part")
        check((of, zero, own, size) == (library, 0, number, len(data)), "another segment")
        check(hashlib.sha256(data[:32] + data[64:]).digest() == data[32:64], "altered")
        self.digest, self.partner = data[32:64], data[64:96]
        tables, columns = struct.unpack_from("<II", data, 96)
        check(tables <= 64 and columns <= 256 and 104 + 4 * tables + 24 * columns <= len(data), "tables or columns")
        self.rows = struct.unpack_from(f"<{tables}I", data, 104)
        self.data, self.columns = data, {}
        last, end = -1, 104 + 4 * tables + 24 * columns
        for at in range(104 + 4 * tables, end, 24):
            number, width, zero, offset, size = struct.unpack_from("<HHIQQ", data, at)
            check(number > last and offset % 64 == 0 and offset >= end and offset + size <= len(data), "a column's place")
            last = number
            if number in COLUMNS:
                self.columns[COLUMNS[number][0]] = (number, width, offset, size)
        for name, (number, *_) in self.columns.items():
            check(COLUMNS[number][1] == kind, f"{name} stands in the wrong object")

    def values(self, name):
        """The column as a list of numbers, bytes for an ID."""
        number, width, offset, size = self.columns[name]
        _, _, table, kind, target = COLUMNS[number]
        count = self.rows[TABLES[table]] + (kind == "START")
        check(width == WIDTHS.get(kind, 4) and size == width * count, f"the size of {name}")
        if kind == "ID":
            return [self.data[at:at + 16] for at in range(offset, offset + size, 16)]
        values = struct.unpack_from(f"<{count}{' BH I   Q'[width]}", self.data, offset)
        limit = self.rows[TABLES[target]] if target else None
        if kind == "START":
            check(values[0] == 0 and values[-1] == limit and list(values) == sorted(values), f"{name} does not ascend")
        elif kind == "POSTING":
            check(all(value >> 2 < limit for value in values), f"{name} points outside")
        elif target:
            check(all(value < limit or (kind == "OPTION" and value == NONE) for value in values), f"{name} points outside")
        return values

    def texts(self, name, starts, texts):
        start, (_, _, offset, _) = self.values(starts), self.columns[texts]
        return [self.data[offset + start[row]:offset + start[row + 1]].decode() for row in self.values(name)]


class Segment:
    """Both objects of a segment; everything in them is looked at once."""

    def __init__(self, core, detail, entry, library):
        self.core = Object(core, entry["core"], "core", library, entry["number"])
        self.detail = Object(detail, entry["detail"], "detail", library, entry["number"])
        check(self.detail.partner == self.core.digest and self.core.partner == bytes(32), "core and detail do not belong together")
        check(self.detail.rows == self.core.rows, "core and detail have other rows")
        check(self.core.rows[TABLES["TRACKS"]] == entry["tracks"], "tracks")
        check(self.core.rows[TABLES["REMOVALS"]] == entry["removals"], "removals")
        missing = {name for name, *_ in COLUMNS.values()} - set(self.core.columns) - set(self.detail.columns)
        check(not missing, f"columns are missing: {missing}")
        for part in (self.core, self.detail):
            for name in part.columns:
                part.values(name)
        words = self.words()
        check(words == sorted(set(words)), "words out of order")

    def words(self):
        start, (_, _, offset, size) = self.core.values("WORD"), self.core.columns["WORD_BYTE"]
        data = self.core.data[offset:offset + size]
        words = [data[a:b] for a, b in zip(start, start[1:])]
        check(all(word.endswith(b"\0") and word.count(b"\0") == 1 for word in words), "a word's end")
        return [word[:-1] for word in words]

    def tracks(self):
        """id -> (title, artist, album, path, year, duration in ms)"""
        def strings(name):
            return self.core.texts(name, "STRING", "STRING_BYTE")
        albums, start = strings("ALBUM_NAME"), self.core.values("ALBUM_TRACK")
        album_of = [album for row, album in enumerate(albums) for _ in range(start[row], start[row + 1])]
        paths = self.detail.texts("TRACK_PATH", "NOTE_STRING", "NOTE_BYTE")
        ids = [id_text("tr-", raw) for raw in self.core.values("TRACK_ID")]
        return dict(zip(ids, zip(strings("TRACK_TITLE"), strings("TRACK_DISPLAY_ARTIST"), album_of, paths,
                                 self.core.values("TRACK_YEAR"), self.core.values("TRACK_DURATION_MS"))))

    def removals(self):
        return {id_text("tr-", raw) for raw in self.core.values("REMOVAL_ID")}


def tracks_of(segments):
    """Oldest first: the last row of an id wins, and removals kill what is older."""
    tracks = {}
    for segment in segments:
        for gone in segment.removals():
            tracks.pop(gone, None)
        tracks.update(segment.tracks())
    return tracks
