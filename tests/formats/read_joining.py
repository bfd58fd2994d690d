# SPDX-License-Identifier: GPL-3.0-or-later
"""A stranger's edge: written from docs/formats/joining.md alone (and the pages that it builds on).

Reads invitations, judges chains of certificates, asks to join and to renew, verifies answers and delegations."""
import base64
import datetime
import hashlib
import http.client
import json
import re
import socket
import ssl
import tempfile
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID
from read_signed import Keys, Refused, decode, encode, key_id, open_object, verify

ADDRESS = re.compile(r"([A-Za-z0-9.-]+|\[[A-Za-z0-9:.]+\]):([1-9][0-9]{0,4})")
ORIGIN, EDGE = "origin.sostenuto.internal", "edge.sostenuto.internal"


@dataclass
class Invitation:
    addresses: list
    fingerprint: str
    secret: str


def read_invitation(token):
    parts = token.strip().split(".")
    if len(parts) != 4 or parts[0] != "sj1" or len(token) > 1024:
        raise Refused("malformed: no invitation")
    addresses = decode(parts[1]).decode().split(",")
    if not 1 <= len(addresses) <= 8 or not all(ADDRESS.fullmatch(one) for one in addresses):
        raise Refused("malformed: addresses")
    if any(len(decode(part)) != 32 for part in parts[2:]):
        raise Refused("malformed: the fingerprint or the secret")
    return Invitation(addresses, parts[2], parts[3])


def raw(public):
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def node_id(public):
    return hashlib.sha256(public).digest()[:16]


# --- certificates ---

def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind).value


def holds(certificate, now):
    when = datetime.datetime.utcfromtimestamp(now)
    if not certificate.not_valid_before <= when <= certificate.not_valid_after:
        raise Refused("expired: a certificate")


def judge_chain(certificates, fingerprint, role, now):
    """The public key of the leaf."""
    if len(certificates) > 3:
        raise Refused("malformed: the chain is too long")
    leaf, authority, root = certificates
    if encode(hashlib.sha256(raw(root.public_key())).digest()) != fingerprint:
        raise Refused("forged: another root")
    for signed, signer in ((leaf, authority), (authority, root), (root, root)):
        verify(raw(signer.public_key()), signed.signature, signed.tbs_certificate_bytes)
        holds(signed, now)
    for issuer in (authority, root):
        assert extension(issuer, x509.BasicConstraints).ca and extension(issuer, x509.KeyUsage).key_cert_sign
    assert extension(authority, x509.BasicConstraints).path_length == 0
    assert not extension(leaf, x509.BasicConstraints).ca
    assert {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH} <= set(extension(leaf, x509.ExtendedKeyUsage))
    names = extension(leaf, x509.SubjectAlternativeName).get_values_for_type(x509.DNSName)
    public = raw(leaf.public_key())
    if role not in names or f"{node_id(public).hex()}.node.sostenuto.internal" not in names:
        raise Refused("other: another role or id")
    return public


def read_chain(pem):
    return [x509.load_pem_x509_certificate(part.encode()) for part in re.findall(r"-----BEGIN.*?END CERTIFICATE-----\n", pem, re.S)]


# --- asking ---

def seal(key, name, body, now):
    """A signed object by a node's own key."""
    public = raw(key.public_key())
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    signed = (f"sostenuto-signed: 1\nname: {name}\nversion: 0.{now}\nissued: {now}\nexpires: {now + 86400}\n"
              f"digest: sha-256=:{digest}:\nkey: {key_id(public)}\n").encode()
    return signed + b"signature: " + encode(key.sign(b"sostenuto object 1\0" + signed)).encode() + b"\n\n" + body


@dataclass
class Joined:
    root: bytes
    keys: Keys
    delegation: dict
    chain_pem: str
    addresses: list


def read_answer(answer, fingerprint, public, now):
    body = json.loads(answer)
    root = decode(body["root"])
    if encode(hashlib.sha256(root).digest()) != fingerprint:
        raise Refused("forged: another root")
    keys = Keys(body["keys"].encode(), fingerprint, now)
    name = "/nodes/" + encode(node_id(public))
    delegation = json.loads(open_object(body["delegation"].encode(), keys.public(now), name, now).body)
    if delegation["id"] != encode(node_id(public)) or decode(delegation["public"]) != public or delegation["role"] != "edge":
        raise Refused("other: a delegation of somebody else")
    if judge_chain(read_chain(body["certificates"]), fingerprint, EDGE, now) != public:
        raise Refused("other: a certificate of somebody else")
    return Joined(root, keys, delegation, body["certificates"], body["addresses"].split(","))


class Edge:
    """A node of somebody else's making."""

    def __init__(self, invitation):
        self.invitation, self.key, self.joined = invitation, Ed25519PrivateKey.generate(), None
        self.public = raw(self.key.public_key())

    def connect(self, now, shows_certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # judged below, by the page
        if shows_certificate:
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(self.joined.chain_pem)
                file.write(self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                  serialization.NoEncryption()).decode())
                file.flush()
                context.load_cert_chain(file.name)
        host, port = self.invitation.addresses[0].rsplit(":", 1)
        tls = context.wrap_socket(socket.create_connection((host.strip("[]"), int(port)), timeout=20), server_hostname=ORIGIN)
        shown = [x509.load_pem_x509_certificate(one.public_bytes().encode()) for one in tls._sslobj.get_unverified_chain()]
        judge_chain(shown, self.invitation.fingerprint, ORIGIN, now)
        return tls

    def ask(self, now, method, path, body=b"", shows_certificate=True, headers=()):
        with self.connect(now, shows_certificate) as tls:
            more = "".join(f"{name}: {value}\r\n" for name, value in dict(headers).items())
            tls.sendall(f"{method} {path} HTTP/1.1\r\nHost: {ORIGIN}\r\nConnection: close\r\n{more}Content-Type: "
                        f"application/vnd.sostenuto.signed\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = http.client.HTTPResponse(tls)
            answer.begin()
            return answer.status, answer.read()

    def _request(self, path, members, now):
        body = json.dumps({"public": encode(self.public), "urls": [], **members}).encode()
        status, answer = self.ask(now, "POST", path, seal(self.key, path, body, now), shows_certificate=False)
        if status == 200:
            self.joined = read_answer(answer, self.invitation.fingerprint, self.public, now)
        return status, answer

    def join(self, now):
        return self._request("/nodes/join", {"secret": self.invitation.secret}, now)

    def renew(self, now):
        return self._request("/nodes/renew", {}, now)
