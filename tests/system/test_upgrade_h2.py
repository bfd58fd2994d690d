# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades under load over HTTP/2: a connection is told to go, what runs on it ends, what was too late is asked anew."""
import hashlib
import pathlib
import socket
import ssl
import sys
import threading
import time

import pytest
from conftest import add_user, run_command
from test_upgrade import big_secret, big_server, download_path, upgrade  # noqa: F401 (two are fixtures)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "http"))
from h2_client import REFUSED, Client  # noqa: E402


class Person(threading.Thread):
    """Keeps four streams running on one connection, as a browser does (RFC 9113 6.8): after a GOAWAY it opens none there, waits
    for those that the server has promised to answer, and asks for the others on the next connection, as for what was refused
    without a look (8.7)."""

    def __init__(self, server, paths, is_over, secure):
        super().__init__()
        self.server, self.paths, self.is_over, self.secure = server, paths, is_over, secure
        self.failures, self.answers, self.connections, self.retries = [], 0, 0, 0

    def connect(self):
        self.connections += 1
        plain = socket.create_connection((self.server.host, self.server.port), timeout=30)
        if not self.secure:
            return Client(None, sock=plain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        return Client(None, sock=context.wrap_socket(plain))

    def check(self, client, stream, digest):
        answer = client.answers.pop(stream)
        if answer.reset == REFUSED or (client.goaway is not None and stream > client.last_stream):
            self.retries += 1
        elif not (answer.ended and answer.status == 200 and digest in (None, hashlib.sha256(answer.body).digest())):
            self.failures.append((stream, answer, client.goaway, client.last_stream, client.closed))
        else:
            self.answers += 1

    def converse(self, client):
        while client.goaway is None and not client.closed and not self.is_over.is_set():
            asked = {client.ask(path): digest for path, digest in self.paths}
            client.until(lambda: all(client.answers[stream].ended or client.answers[stream].reset is not None
                                     or stream > client.last_stream for stream in asked), 30)
            for stream, digest in asked.items():
                self.check(client, stream, digest)

    def run(self):
        try:
            while not self.is_over.is_set():
                with self.connect() as client:
                    self.converse(client)
        except Exception as error:  # a failure that a listener would have seen
            self.failures.append(repr(error))


def check_upgrades(server, secret, count, secure=False):
    path, _ = download_path(server, secret)
    digest = hashlib.sha256(server.get(path).body).digest()
    small, large = [("/readyz", None)] * 4, [(path, digest), ("/livez", None)]
    is_over = threading.Event()
    people = [Person(server, paths, is_over, secure) for paths in (small, small, large)]
    for person in people:
        person.start()
    for _ in range(count):
        time.sleep(0.2)
        upgrade(server)
    is_over.set()
    for person in people:
        person.join(60)
    failures = [failure for person in people for failure in person.failures]
    assert not failures, (len(failures), failures[:3])
    for person in people:
        assert person.answers > count and person.connections > 1, (person.answers, person.connections, person.retries)


@pytest.mark.slow
def test_upgrades_under_load_over_http_2_lose_nothing(big_server, big_secret):  # noqa: F811
    check_upgrades(big_server, big_secret, 4)


@pytest.mark.slow
def test_a_hundred_upgrades_under_load_over_http_2_lose_nothing(big_server, big_secret):  # noqa: F811
    check_upgrades(big_server, big_secret, 100)


def test_under_tls_too(start_server, tmp_path, music):
    data = tmp_path / "state"
    add_user(data)
    run_command("tls", "init", "localhost", "--data", data)
    server = start_server(folders=[music], data=data)
    server.wait_for_scan()
    secret = run_command("app", "add", "alice", "tests", "--data", data).stdout.strip()
    check_upgrades(server, secret, 3, secure=True)
