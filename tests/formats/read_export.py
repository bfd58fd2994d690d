#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a state export, written from docs/formats/state-export.md alone.

usage: tests/formats/read_export.py FILE       prints each row as a line of JSON
"""
import hashlib
import json
import pathlib
import struct
import sys

HEADER = struct.Struct("<8sHHIQ")
ROW = struct.Struct("<II")
END, CELL, COUNT, SEEN, DIGEST, KEPT, PLAY = range(7)
LAYOUTS = {
    END: ("<QQ", ["rows", "epoch"]),
    CELL: ("<16sHHQ16sQI", ["account", "space", "final", "hlc", "device", "seq", "key_size"]),
    COUNT: ("<16s18sQQ", ["account", "subject", "plays", "last"]),
    SEEN: ("<16sQQ", ["device", "first", "last"]),
    DIGEST: ("<16sQQ", ["device", "seq", "digest"]),
    KEPT: ("<", []),
    PLAY: ("<16sQQQQ16s18s", ["device", "seq", "hlc", "at", "accepted", "account", "track"]),
}
NAMES = ["end", "cell", "count", "seen", "digest", "kept", "play"]


class Refused(Exception):
    pass


def read(data):
    """All rows as dictionaries; raises Refused for anything that is not one whole export."""
    if len(data) < HEADER.size + 32 or data[:8] != b"sostexpt":
        raise Refused("not an export")
    if struct.unpack_from("<H", data, 8)[0] != 1:
        raise Refused("another major version")
    body = data[:-32]
    if hashlib.blake2b(body, digest_size=32).digest() != data[-32:]:
        raise Refused("the checksum is wrong")
    rows, at = [], HEADER.size
    while True:
        if at + ROW.size > len(body):
            raise Refused("no end")
        kind, size = ROW.unpack_from(body, at)
        at += ROW.size
        if kind not in LAYOUTS or at + size > len(body):
            raise Refused("a row that is not understood")
        layout, names = LAYOUTS[kind]
        if size < struct.calcsize(layout):
            raise Refused("a row that is too short")
        row = {"row": NAMES[kind], **dict(zip(names, struct.unpack_from(layout, body, at)))}
        rest = body[at + struct.calcsize(layout):at + size]
        if kind == CELL:
            row["key"], row["value"] = rest[:row["key_size"]], rest[row.pop("key_size"):]
        elif kind in (KEPT, PLAY):
            row["operation" if kind == KEPT else "payload"] = rest
        elif rest:
            raise Refused("a row that is too long")
        at += size
        if kind == END:
            if row["rows"] != len(rows) or at != len(body):
                raise Refused("rows are missing")
            return rows, row["epoch"]
        rows.append(row)


if __name__ == "__main__":
    for one in read(pathlib.Path(sys.argv[1]).read_bytes())[0]:
        print(json.dumps({name: value.hex() if isinstance(value, bytes) else value for name, value in one.items()}))
