# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node shows to others, from its state folder: to stand in an origin's place, or to ask as an edge does."""
import datetime
import hashlib
import json
import re
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ORIGIN = "origin.sostenuto.internal"


def pem_of(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def make_leaf(authority, signer):
    """A key with an origin's certificate, as one who has the authority's key makes it; one PEM."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    node = hashlib.sha256(public).digest()[:16].hex()
    now = datetime.datetime.utcnow()
    names = [x509.DNSName(ORIGIN), x509.DNSName(f"{node}.node.sostenuto.internal")]
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
                           "crl_sign", "encipher_only", "decipher_only"), False)
    leaf = (x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "liar")]))
            .issuer_name(authority.subject).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=2)).not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(x509.KeyUsage(digital_signature=True, **usage), True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False)
            .add_extension(x509.SubjectAlternativeName(names), False).sign(signer, None))
    return leaf.public_bytes(serialization.Encoding.PEM).decode(), pem_of(key)


def origin_context(state):
    """To answer as the origin of this folder does, over HTTP/1.1, whoever asks."""
    file = (state / "keys/nodes.authority").read_bytes()
    chain = file[32:].decode()
    leaf, key = make_leaf(x509.load_pem_x509_certificate(re.search(r"-----BEGIN.*?END CERTIFICATE-----\n", chain, re.S)[0].encode()),
                          Ed25519PrivateKey.from_private_bytes(file[:32]))
    return load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), state / "liar.pem", leaf + chain + key)


def edge_context(data):
    """To ask as the edge of this folder does; without its certificate while it has not joined."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if not (data / "keys/joined").exists():
        return context
    key = Ed25519PrivateKey.from_private_bytes((data / "keys/node.key").read_bytes())
    chain = json.loads((data / "keys/joined").read_text())["certificates"]
    return load(context, data / "edge.pem", chain + pem_of(key))


def load(context, path, pem):
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    path.write_text(pem)
    context.load_cert_chain(path)
    return context
