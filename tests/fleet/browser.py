# SPDX-License-Identifier: GPL-3.0-or-later
"""A listener's browser: it has a key of its own (DPoP, docs/formats/player-api.md), and goes from node to node with it."""
import base64
import hashlib
import http.client
import json
import secrets
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HOST, PASSWORD = "music.test", "correct horse battery"


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Browser:
    def __init__(self, clock_s=0):
        """`clock_s`: how far the nodes' clock is ahead of ours."""
        self.clock_s, self.session = clock_s, None
        self.key = ec.generate_private_key(ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        self.jwk = {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}

    def proof(self, path, nonce=None):
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}
        claims = {"jti": secrets.token_urlsafe(16), "htm": "POST", "htu": f"http://{HOST}{path}", "iat": int(time.time() + self.clock_s),
                  **({"nonce": nonce} if nonce else {})}
        signed = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return signed + "." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def post(self, node, path, body):
        """→ (status, the answer's object); sent once more with the nonce that the node wants, as the player does."""
        status, fields, answer = self.send(node, path, body)
        if status == 401 and fields.get("DPoP-Nonce"):
            status, fields, answer = self.send(node, path, body, fields["DPoP-Nonce"])
        return status, json.loads(answer) if answer[:1] == b"{" else {}

    def send(self, node, path, body, nonce=None):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(node.url).netloc, timeout=20)
        self.sent = self.proof(path, nonce)
        try:
            fields = {"Host": HOST, "Content-Type": "application/json", "DPoP": self.sent}
            connection.request("POST", path, body=json.dumps(body).encode(), headers=fields)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def sign_in(self, node, name="alice", password=PASSWORD):
        status, answer = self.post(node, "/api/v1/session", {"name": name, "password": password})
        self.session = answer if status == 200 else self.session
        return status, answer

    def renew(self, node, token=None):
        token = token or self.session["accessToken"]
        status, answer = self.post(node, "/api/v1/session/refresh", {"token": token})
        self.session = answer if status == 200 else self.session
        return status, answer

    @property
    def bearer(self):
        return {"Authorization": "Bearer " + self.session["accessToken"]}

    def may(self, node):
        """Whether the node answers its access token."""
        return rest(node, headers=self.bearer)[0] == "ok"

    def sign_out(self, node):
        return node.ask("/api/v1/session", "DELETE", headers=self.bearer)[0]


def rest(node, endpoint="ping", headers=None, **parameters):
    """→ (the protocol's status, its error or the whole)"""
    query = urllib.parse.urlencode({"f": "json", "v": "1.16.1", "c": "test", **parameters})
    _, answer = node.ask(f"/rest/{endpoint}?{query}", headers=headers)
    if answer[:1] != b"{" or b"subsonic-response" not in answer:
        return "none", answer
    response = json.loads(answer)["subsonic-response"]
    return response["status"], response.get("error", response)


def knows(edge, **parameters):
    """Whether the edge itself answers this, and not the origin through it."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(edge.url).netloc, timeout=20)
    query = urllib.parse.urlencode({"f": "json", "v": "1.16.1", "c": "test", **parameters})
    try:
        connection.request("GET", f"/rest/ping?{query}", headers={"Host": HOST})
        answer = connection.getresponse()
        is_passed = answer.getheader("Cache-Status") or answer.getheader("Via")
        return b'"ok"' in answer.read() and not is_passed
    finally:
        connection.close()


def token_and_salt(name, secret):
    salt = secrets.token_hex(8)
    return {"u": name, "t": hashlib.md5((secret + salt).encode()).hexdigest(), "s": salt}


# --- what a token says, and who may forge one ---

def claims_of(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==="))


def signed_by(seed, claims):
    """An access token by the key of this seed, as an edge makes it."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    kid = b64(hashlib.sha256(raw).digest()[:8])
    header = '{"alg":"EdDSA","kid":"%s","typ":"at+jwt"}' % kid
    message = b64(header.encode()) + "." + b64(json.dumps(claims, separators=(",", ":")).encode())
    return message + "." + b64(key.sign(message.encode()))


def homes(account, edges):
    """Home and backup of an account (22 characters) among ids of edges, by docs/formats/nodes.md."""
    raw = [base64.urlsafe_b64decode(one + "==") for one in (account, *edges)]
    ranked = sorted(raw[1:], key=lambda edge: hashlib.sha256(raw[0] + edge).digest(), reverse=True)
    return [b64(edge) for edge in ranked[:2]]
