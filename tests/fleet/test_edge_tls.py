# SPDX-License-Identifier: GPL-3.0-or-later
"""What listeners of an edge meet: HTTPS, no passwords in the clear from afar, and new settings and certificates while it serves."""
import http.client
import json
import signal
import ssl
import urllib.parse

import pytest
from fleet_nodes import Fleet, run
from patience import until


@pytest.fixture
def fleet(tmp_path):
    nodes = Fleet(tmp_path)
    yield nodes
    nodes.stop()


def secure(node, authority):
    """A connection to it that trusts this authority alone."""
    parts = urllib.parse.urlsplit(node.url)
    return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=20, context=ssl.create_default_context(cafile=authority))


def asked(connection, path, **headers):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def names_in(connection):
    return {name for _, name in connection.sock.getpeercert()["subjectAltName"]}


def test_an_edge_serves_https_and_is_listed_so(fleet):
    origin, data = fleet.origin(), fleet.folder / "paris"
    run("tls", "init", "paris.home.arpa", "--data", data)
    edge = fleet.joined("paris", origin.url, fleet.invite("paris"))
    assert edge.url.startswith("https://")
    connection = secure(edge, data / "keys/ca.crt")
    assert asked(connection, "/livez") == (200, b"ok\n")
    assert connection.sock.version() == "TLSv1.3"
    assert b"<title>Sostenuto</title>" in asked(connection, "/")[1]
    assert edge.url in asked(connection, "/nodes")[1].decode()

    def in_plain(path, **headers):
        plain = http.client.HTTPConnection("127.0.0.1", urllib.parse.urlsplit(edge.url).port, timeout=20)
        return asked(plain, path, **headers)
    assert in_plain("/ca.crt") == (200, (data / "keys/ca.crt").read_bytes()), "a device that does not trust it yet fetches it inside"


def test_a_new_certificate_and_new_settings_come_while_it_serves_and_bad_ones_change_nothing(fleet):
    origin, data = fleet.origin(), fleet.folder / "paris"
    run("tls", "init", "paris.home.arpa", "--data", data)
    edge = fleet.joined("paris", origin.url, fleet.invite("paris"))
    first = secure(edge, data / "keys/ca.crt")
    asked(first, "/livez")
    assert "rome.home.arpa" not in names_in(first)
    run("tls", "init", "rome.home.arpa", "--data", data)
    (data / "sostenuto.conf").write_text('log_level = "debug"\nmax_tries = 2\n')
    edge.send(signal.SIGHUP)

    def shown():
        fresh = secure(edge, data / "keys/ca.crt")
        asked(fresh, "/livez")
        return "rome.home.arpa" in names_in(fresh)
    until(shown, "the new certificate is shown")
    assert asked(first, "/livez") == (200, b"ok\n"), "who was connected stays so"
    until(lambda: "reloaded" in edge.words and "needs a restart" in edge.words, "the log says what is new and what waits")
    (data / "sostenuto.conf").write_text('log_level = "debug"\n\nmax_tries = many\n')
    edge.send(signal.SIGHUP)
    until(lambda: "reload refused" in edge.words and "sostenuto.conf:3" in edge.words, "the log says where it is wrong")
    assert asked(first, "/livez") == (200, b"ok\n")


def test_an_edge_takes_no_passwords_in_the_clear_from_afar(fleet):
    """Who comes from a public address in plain HTTP, here through a proxy that says so, is refused as at the origin."""
    origin, proxy = fleet.origin(), ["--trusted-proxies", "127.0.0.1"]
    afar = {"X-Forwarded-For": "203.0.113.5"}
    token = fleet.invite("paris")
    edge = fleet.joined("paris", origin.url, token, flags=proxy)
    assert edge.ask("/status")[0] == 200
    status, said = edge.ask("/status", headers={**afar, "X-Forwarded-Proto": "http"})
    assert status == 403 and json.loads(said)["title"] == "TLS is required"
    assert edge.ask("/status", headers={**afar, "X-Forwarded-Proto": "https"})[0] == 200
    edge.stop()
    edge = fleet.joined("paris", None, flags=[*proxy, "--plain-http", "anywhere"])
    assert edge.ask("/status", headers={**afar, "X-Forwarded-Proto": "http"})[0] == 200


def test_a_cache_before_another_server_is_for_everybody(fleet):
    origin = fleet.origin()
    edge = fleet.joined("cache", None, flags=["--plain", origin.url, "--trusted-proxies", "127.0.0.1"])
    status, said = edge.ask("/.sostenuto/livez", headers={"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "http"})
    assert (status, said) == (200, b"ok\n")
