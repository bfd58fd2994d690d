# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what another node may hold of an account, and the list of nodes: written from docs/formats/{listeners,nodes}.md alone."""
import ctypes
import ctypes.util
import hashlib
import json
import struct
from dataclasses import dataclass

from read_export import read
from read_signed import Refused, decode, encode

ALLOWED, BOXED = {"cell", "count", "end"}, {17, 18, 19, 20}


@dataclass
class Copy:
    rows: list
    boxed: list  # rows of the box; None: there was no box


def open_box(box, seed):
    """libsodium's crypto_box_seal, to the X25519 form of an Ed25519 key."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
    public, secret, x_public, x_secret = (ctypes.create_string_buffer(size) for size in (32, 64, 32, 32))
    sodium.crypto_sign_seed_keypair(public, secret, seed)
    sodium.crypto_sign_ed25519_pk_to_curve25519(x_public, public)
    sodium.crypto_sign_ed25519_sk_to_curve25519(x_secret, secret)
    plain = ctypes.create_string_buffer(max(len(box) - 48, 1))
    if sodium.crypto_box_seal_open(plain, bytes(box), ctypes.c_ulonglong(len(box)), x_public, x_secret) != 0:
        raise Refused("other: the box is for another node")
    return plain.raw[:len(box) - 48]


def rows_of(export, account):
    rows, _ = read(export)
    for row in rows:
        if row["row"] not in ALLOWED or row.get("account", account) != account:
            raise Refused("malformed: a row that may not be there")
    return rows


def read_copy(body, account, seed=None):
    """`account`: 16 bytes; with `seed`, the reader's own Ed25519 key, the box is opened."""
    boxed = None
    if body[:8] == b"sostboxd":
        size, = struct.unpack_from("<I", body, 8)
        if seed:
            boxed = rows_of(open_box(body[12:12 + size], seed), account)
            if not {row["space"] for row in boxed if row["row"] == "cell"} <= BOXED:
                raise Refused("malformed: a space that may not be in a box")
        body = body[12 + size:]
    rows = rows_of(body, account)
    if {17, 20} & {row["space"] for row in rows if row["row"] == "cell"}:
        raise Refused("malformed: a space that may only be in a box")
    return Copy(rows, boxed)


def read_nodes(body):
    """Edges by name; refuses a list in which an id is not its key's."""
    edges = {}
    for node in json.loads(body)["nodes"]:
        if node["role"] == "edge":
            if encode(hashlib.sha256(decode(node["public"])).digest()[:16]) != node["id"]:
                raise Refused("malformed: an id that is not its key's")
            edges[node["name"]] = node
    return edges


def homes(edges, account):
    """Names of the home and the backup edge; fewer when there are not that many."""
    scores = {name: hashlib.sha256(account + decode(edge["id"])).digest() for name, edge in edges.items() if edge["welcome"]}
    return sorted(scores, key=scores.get, reverse=True)[:2]
