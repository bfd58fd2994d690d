#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a journal and merges its operations, written from docs/formats/operations.md alone.

usage: tests/formats/read_journal.py FOLDER       prints each operation as a line of JSON
"""
import base64
import json
import pathlib
import re
import struct
import sys
from dataclasses import dataclass, field

HEADER = struct.Struct("<8sHHI16s16sQQ")
RECORD = struct.Struct("<IIQ")
OPERATION = struct.Struct("<BBBB16sQQQ16sI")
MAX_RECORD = 1_048_576


def crc32c(*parts):
    crc = 0xFFFFFFFF
    for part in parts:
        for byte in part:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Operation:
    device: bytes
    seq: int
    hlc: int
    accepted: int
    account: bytes
    kind: str
    payload: dict

    @property
    def order(self):
        return min(self.hlc, self.accepted + 60_000 << 16), self.device, self.seq

    @classmethod
    def decode(cls, data):
        major, minor, kind_size, _, device, seq, hlc, accepted, account, payload_size = OPERATION.unpack_from(data)
        if major != 1:
            raise ValueError(f"operation of major version {major}")
        end = OPERATION.size + kind_size + payload_size
        if len(data) < end or (minor == 0 and len(data) > end):
            raise ValueError("operation of another size than it says")
        kind = data[OPERATION.size:OPERATION.size + kind_size].decode("ascii")
        return cls(device, seq, hlc, accepted, account, kind, json.loads(data[OPERATION.size + kind_size:end]))


@dataclass
class Journal:
    records: list = field(default_factory=list)  # (lsn, bytes)
    lost: list = field(default_factory=list)     # (first, last) of LSNs that were acknowledged
    damaged_bytes: int = 0
    torn_bytes: int = 0
    last_lsn: int = 0

    def expect(self, durable):
        if durable > self.last_lsn:
            self.lost.append((self.last_lsn + 1, durable))
            self.last_lsn = durable

    def take(self, lsn, payload):
        if lsn > self.last_lsn:
            self.records.append((lsn, payload))
            self.last_lsn = lsn


def record_at(data, at, last_lsn, exactly):
    """(lsn, payload) of a valid record, or None."""
    if at + RECORD.size > len(data):
        return None
    size, crc, lsn = RECORD.unpack_from(data, at)
    end = at + RECORD.size + size
    if not 1 <= size <= MAX_RECORD or end > len(data) or lsn <= last_lsn or (exactly and lsn != last_lsn + 1):
        return None
    if crc != crc32c(data[at:at + 4], data[at + 8:end]):
        return None
    return lsn, data[at + RECORD.size:end]


def read_segment(path, journal, is_first, is_last):
    data = path.read_bytes()
    last_lsn = int(path.name[:16], 16) - 1
    if len(data) >= HEADER.size:
        magic, major, _, crc, _, _, first_lsn, durable = HEADER.unpack_from(data)
        if magic == b"sostjrnl" and crc == crc32c(data[:12], data[16:64]):
            if major != 1:
                raise ValueError(f"{path}: journal of major version {major}")
            last_lsn = first_lsn - 1
            if is_first:
                journal.last_lsn = durable
            journal.expect(durable)
        else:
            journal.damaged_bytes += HEADER.size
    at = HEADER.size
    while at < len(data):
        found = record_at(data, at, last_lsn, exactly=True)
        if not found:
            later = next((i for i in range(at, len(data)) if record_at(data, i, last_lsn, exactly=False)), None)
            if later is None:
                journal.torn_bytes += len(data) - at if is_last else 0
                return
            journal.damaged_bytes += later - at
            at, found = later, record_at(data, later, last_lsn, exactly=False)
            journal.expect(found[0] - 1)
        last_lsn = found[0]
        journal.take(*found)
        at += RECORD.size + len(found[1])


def read_journal(folder):
    segments = sorted(p for p in pathlib.Path(folder).iterdir() if re.fullmatch(r"[0-9a-f]{16}\.journal", p.name))
    journal = Journal()
    for number, path in enumerate(segments):
        read_segment(path, journal, number == 0, number == len(segments) - 1)
    return journal


class State:
    """What one account has, as far as a listener sees it."""

    def __init__(self):
        self.cells = {}  # (account, thing, key) -> ((is_final, order), value)
        self.seen = set()
        self.plays = {}  # (account, subject) -> count

    def put(self, operation, thing, key, value, is_final=False):
        name = operation.account, thing, key
        new = ((is_final, operation.order), value)
        old = self.cells.get(name)
        if old is None or new[0] > old[0] or (new[0] == old[0] and repr(value) > repr(old[1])):
            self.cells[name] = new

    def merge(self, operation):
        payload, kind = operation.payload, operation.kind
        is_new = (operation.device, operation.seq) not in self.seen
        self.seen.add((operation.device, operation.seq))
        if kind == "play" and is_new:
            for subject in {payload["track"], payload.get("album"), *payload.get("artists", [])} - {None}:
                self.plays[operation.account, subject] = self.plays.get((operation.account, subject), 0) + 1
        elif kind == "star":
            self.put(operation, "star", payload["id"], payload["on"])
        elif kind == "rating":
            self.put(operation, "rating", payload["id"], payload["stars"])
        elif kind == "setting":
            self.put(operation, "setting", payload["name"], payload["value"])
        elif kind == "account":
            for member in ("name", "admin", "libraries", "disabled"):
                if member in payload:
                    self.put(operation, member, "", payload[member])
        elif kind == "playlist":
            for member in ("name", "comment", "public"):
                if member in payload:
                    self.put(operation, "playlist " + member, payload["id"], payload[member])
        elif kind == "playlist.delete":
            self.put(operation, "playlist name", payload["id"], None, is_final=True)
        elif kind == "playlist.put":
            for entry in payload["entries"]:
                self.put(operation, "entry", (payload["id"], entry["entry"]), (entry["position"], entry["track"]))
        elif kind == "playlist.remove":
            for entry in payload["entries"]:
                self.put(operation, "entry", (payload["id"], entry), None, is_final=True)

    def get(self, account, thing, key):
        return self.cells.get((account, thing, key), (None, None))[1]

    def playlists(self, account):
        """name -> tracks in order, of those that exist."""
        names = {key: value for (who, thing, key), (_, value) in self.cells.items()
                 if who == account and thing == "playlist name" and value}
        return {name: [track for _, _, track in sorted(
            (value[0], key[1], value[1]) for (who, thing, key), (_, value) in self.cells.items()
            if who == account and thing == "entry" and key[0] == playlist and value)]
            for playlist, name in names.items()}


def main():
    journal = read_journal(sys.argv[1])
    for lsn, data in journal.records:
        operation = Operation.decode(data)
        print(json.dumps({"lsn": lsn, "device": base64url(operation.device), "seq": operation.seq, "hlc": operation.hlc,
                          "accepted": operation.accepted, "account": base64url(operation.account),
                          "kind": operation.kind, "payload": operation.payload}))
    for first, last in journal.lost:
        print(f"lost: {first} to {last}", file=sys.stderr)
    return 1 if journal.lost else 0


if __name__ == "__main__":
    sys.exit(main())
