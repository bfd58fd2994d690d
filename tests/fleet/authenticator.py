# SPDX-License-Identifier: GPL-3.0-or-later
"""A security key in software that holds one passkey, and the browser around it (which asks nobody whether the name fits): what WebAuthn level 3 answers a page of some origin (docs/formats/player-api.md)."""
import hashlib
import json
import secrets
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from browser import b64


class Authenticator:
    def __init__(self):
        self.count, self.party, self.handle = 0, None, None
        self.key, self.credential = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(20)

    def head(self, party, flags):
        self.count += 1
        return hashlib.sha256(party.encode()).digest() + bytes([flags]) + struct.pack(">I", self.count)

    @staticmethod
    def client_data(kind, options, origin):
        return json.dumps({"type": "webauthn." + kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": False}).encode()

    def create(self, options, origin):
        numbers, self.handle = self.key.public_key().public_numbers(), options["user"]["id"]
        cose = bytes([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]) + numbers.x.to_bytes(32, "big") \
            + bytes([0x22, 0x58, 32]) + numbers.y.to_bytes(32, "big")
        self.party = options["rp"]["id"]
        data = self.head(self.party, 0x45) + bytes(16) + struct.pack(">H", len(self.credential)) + self.credential + cose
        return {"id": b64(self.credential), "response": {
            "clientDataJSON": b64(self.client_data("create", options, origin)), "authenticatorData": b64(data)}}

    def get(self, options, origin):
        client, data = self.client_data("get", options, origin), self.head(self.party, 5)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return {"id": b64(self.credential), "response": {
            "clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": self.handle}}
