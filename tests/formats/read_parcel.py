# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations as bytes, parcels and receipts: written from docs/formats/operations.md alone."""
import hashlib
import json
import struct
from dataclasses import dataclass

from read_signed import Refused, decode, encode

MAGIC, MOST, MOST_BYTES = b"sostparc", 500, 1 << 20


@dataclass
class Operation:
    device: bytes
    seq: int
    hlc: int
    accepted: int
    account: bytes
    kind: str
    payload: dict
    proof: bytes = b""

    def bytes(self):
        kind, payload = self.kind.encode(), json.dumps(self.payload).encode()
        head = struct.pack("<BBBB16sQQQ16sI", 1, 1 if self.proof else 0, len(kind), 0, self.device, self.seq, self.hlc, self.accepted,
                           self.account, len(payload))
        return head + kind + payload + (struct.pack("<H", len(self.proof)) + self.proof if self.proof else b"")


def write_parcel(journal, records):
    """records: (LSN, an operation's bytes), in order."""
    body = MAGIC + struct.pack("<HHI16s", 1, 0, len(records), journal)
    return body + b"".join(struct.pack("<QI", lsn, len(record)) + record for lsn, record in records)


def read_parcel(body):
    """(journal id, [(LSN, operation's bytes)])"""
    if len(body) < 32 or body[:8] != MAGIC or len(body) > MOST_BYTES:
        raise Refused("malformed: no parcel")
    major, _, count, journal = struct.unpack_from("<HHI16s", body, 8)
    if major != 1 or not 1 <= count <= MOST:
        raise Refused("malformed: version or count")
    at, last, records = 32, 0, []
    for _ in range(count):
        if at + 12 > len(body):
            raise Refused("malformed: cut short")
        lsn, size = struct.unpack_from("<QI", body, at)
        at += 12 + size
        if at > len(body) or size == 0 or lsn <= last:
            raise Refused("malformed: a record")
        records.append((lsn, body[at - size:at]))
        last = lsn
    if at != len(body):
        raise Refused("malformed: something follows")
    return journal, records


def read_receipt(body):
    """(journal id, first, last, at, {LSN: (outcome, why)})"""
    receipt = json.loads(body)
    but = {int(item["lsn"]): (item["outcome"], item.get("why", "")) for item in receipt["but"]}
    first, last = int(receipt["first"]), int(receipt["last"])
    if any(not first <= lsn <= last for lsn in but):
        raise Refused("malformed: a number outside")
    return decode(receipt["journal"]), first, last, receipt["at"], but


def mark_of(secret, edge, at_ms):
    """What an app's secret leaves at one edge in one hour."""
    key = hashlib.blake2b(digest_size=32, key=secret.encode())
    key.update(b"sostenuto visitor 1\0" + edge + struct.pack("<q", at_ms // 3600000))
    return key.digest()


def renewal_proof(session, dpop, token=""):
    """That a visitor's session (22 characters) was renewed at an edge."""
    return b"D" + decode(session) + struct.pack("<H", len(dpop)) + dpop.encode() + token.encode()


def nonce_of(edge):
    """As an edge gives it, for a proof that names it; what follows is the edge's own affair."""
    return encode(edge) + "." + encode(bytes(32))


def homes_of(account, edges):
    """The edges in the order in which they would be chosen; two are."""
    return sorted(edges, key=lambda edge: hashlib.sha256(account + edge).digest(), reverse=True)[:2]


__all__ = ["Operation", "write_parcel", "read_parcel", "read_receipt", "mark_of", "renewal_proof", "nonce_of", "homes_of", "encode", "decode"]
