# SPDX-License-Identifier: GPL-3.0-or-later
"""
Verifies signed objects, access tokens and grants: written from docs/formats/{signed-objects,keys,tokens,revoked}.md alone.

Everything is judged by bytes, the root key's fingerprint and the time; nothing asks a server.
"""
import base64
import hashlib
import json
import re
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EARLY_S = 300
DECIMAL = r"(?:0|[1-9][0-9]*)"
PREAMBLE = re.compile(
    rb"sostenuto-signed: 1\n"
    rb"name: (/[!-~]{0,199})\n"
    + rf"version: ({DECIMAL})\.({DECIMAL})\nissued: ({DECIMAL})\nexpires: ({DECIMAL})\n".encode()
    + rb"digest: sha-256=:([A-Za-z0-9+/]{43}=):\n"
    rb"key: ([A-Za-z0-9_-]{11})\n"
    rb"signature: ([A-Za-z0-9_-]{86})\n\n")


class Refused(Exception):
    """What was wrong, in one word first: malformed, unknown, forged, other, early, expired, revoked."""


def decode(text):
    """base64url without padding, in its shortest form."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(raw) != text:
        raise Refused("malformed: not the shortest base64url")
    return raw


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def key_id(public):
    return encode(hashlib.sha256(public).digest()[:8])


def verify(public, signature, message):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        raise Refused("forged: the signature") from None


@dataclass
class Object:
    name: str
    version: tuple
    issued: int
    expires: int
    key: str
    body: bytes


def open_object(whole, public_of, name, now):
    """`public_of` maps a key's id to its 32 bytes, or to None."""
    match = PREAMBLE.match(whole)
    if not match:
        raise Refused("malformed: the preamble")
    found, epoch, number, issued, expires, digest, key, signature = (part.decode() for part in match.groups())
    if int(issued) > int(expires) or max(int(epoch), int(number)) >= 1 << 64:
        raise Refused("malformed: numbers")
    public = public_of(key)
    if public is None:
        raise Refused("unknown: the key")
    signed = whole[:whole.index(b"signature: ")]
    verify(public, decode(signature), b"sostenuto object 1\0" + signed)
    body = whole[match.end():]
    if base64.b64encode(hashlib.sha256(body).digest()).decode() != digest:
        raise Refused("forged: the body")
    if found != name:
        raise Refused("other: " + found)
    if int(issued) > now + EARLY_S:
        raise Refused("early")
    if now >= int(expires):
        raise Refused("expired")
    return Object(found, (int(epoch), int(number)), int(issued), int(expires), key, body)


def is_newer(candidate, held):
    """Does a verified object replace the one that is held?  Epoch, then number, then when it was issued."""
    return (*candidate.version, candidate.issued) > (*held.version, held.issued)


class Keys:
    """What /keys says, for whoever knows the root key's fingerprint."""

    def __init__(self, whole, fingerprint, now):
        try:
            body = json.loads(whole.partition(b"\n\n")[2])
            root = decode(body["root"])
        except (ValueError, TypeError, KeyError):
            raise Refused("malformed: no list of keys") from None
        if encode(hashlib.sha256(root).digest()) != fingerprint:
            raise Refused("forged: another root")
        self.object = open_object(whole, {key_id(root): root}.get, "/keys", now)
        self.keys = {}
        for key in body["keys"]:
            public = decode(key["public"])
            if key_id(public) != key["id"]:
                raise Refused("malformed: a key's id")
            self.keys[key["id"]] = (public, key["until"])

    def public(self, now):
        return lambda key: next((public for name, (public, until) in self.keys.items() if name == key and now < until), None)

    def open(self, whole, name, now):
        return open_object(whole, self.public(now), name, now)

    def token(self, text, now, revoked=frozenset(), edges=None):
        """The claims of an access token; `edges`: those of /nodes, who sign for their own listeners."""
        header, claims, signature = text.split(".")
        match = re.fullmatch(rb'\{"alg":"EdDSA","kid":"([A-Za-z0-9_-]{11})","typ":"at\+jwt"\}', decode(header))
        if not match:
            raise Refused("malformed: the header")
        kid = match[1].decode()
        public, edge = self.public(now)(kid), None
        if public is None and edges and kid in edges:
            edge, public = edges[kid]
        if public is None:
            raise Refused("unknown: the key")
        verify(public, decode(signature), f"{header}.{claims}".encode())
        claims = json.loads(decode(claims))
        if edge and edge not in homes(claims["sub"], edges):
            raise Refused("other: not its listener")
        if claims["iss"] != "sostenuto" or not claims["iat"] <= now + 60 or now >= claims["exp"]:
            raise Refused("expired")
        if claims["sid"] in revoked:
            raise Refused("revoked")
        return claims

    def grant(self, text, now, revoked=frozenset()):
        """{session, expires, libraries, track or None}"""
        raw = decode(text)
        if len(raw) != 121 or raw[0] != 2:
            raise Refused("malformed: a grant")
        public = self.public(now)(encode(raw[1:9]))
        if public is None:
            raise Refused("unknown: the key")
        verify(public, raw[57:], b"sostenuto grant 2" + raw[:57])
        session = encode(raw[9:25])
        expires, libraries = struct.unpack("<QQ", raw[25:41])
        if now >= expires:
            raise Refused("expired")
        if session in revoked:
            raise Refused("revoked")
        track = raw[41:57]
        return {"session": session, "expires": expires, "libraries": libraries, "track": track if any(track) else None}


def revoked_sessions(verified, now):
    """Of a verified /revoked."""
    return {one["id"] for one in json.loads(verified.body)["sessions"] if now < one["until"]}


def revoked_nodes(verified, now):
    return {one["id"] for one in json.loads(verified.body).get("nodes", []) if now < one["until"]}


def edges_of(verified, revoked=frozenset()):
    """Of a verified /nodes: {id of the key: (id, public key)} of the edges that may sign for sessions."""
    edges = {}
    for node in json.loads(verified.body)["nodes"]:
        if node["role"] != "edge" or not node["welcome"] or "sessions" not in node["may"] or node["id"] in revoked:
            continue
        public = decode(node["public"])
        if encode(hashlib.sha256(public).digest()[:16]) != node["id"]:
            raise Refused("malformed: an edge's id")
        edges[key_id(public)] = (node["id"], public)
    return edges


def homes(account, edges):
    """The home of an account, and its backup, among those edges."""
    scores = [(hashlib.sha256(decode(account) + decode(edge)).digest(), edge) for edge, _ in edges.values()]
    return [edge for _, edge in sorted(scores, reverse=True)[:2]]


def opened_by(session, edges):
    """The edge that opened this session, by its id; None: none of these."""
    return next((edge for kid, (edge, _) in edges.items() if decode(session)[8:] == decode(kid)), None)
