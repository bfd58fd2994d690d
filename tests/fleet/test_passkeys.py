# SPDX-License-Identifier: GPL-3.0-or-later
"""For which names a passkey is, at which pages and nodes it signs in, with and without the origin: docs/decisions/050-passkey-names.md."""
import json
import time

import pytest

from authenticator import Authenticator
from browser import Browser
from patience import until
from test_signin import Service, add_user

HOME = "http://music.example.org"


@pytest.fixture
def service(tmp_path):
    service = Service(tmp_path)
    yield service
    service.stop()


def post(node, path, body, page=HOME, host=None, **fields):
    """As a page of `page` does; `host`: the node's own name, else the page's."""
    headers = {"Content-Type": "application/json", "Origin": page, "Host": host or page.split("//")[1],
               "Sec-Fetch-Site": "same-site" if host else "same-origin", **fields}
    status, answer = node.ask(path, "POST", json.dumps(body).encode(), headers)
    return status, json.loads(answer) if answer[:1] == b"{" else {}


def options(node, page=HOME, host=None):
    status, answer = post(node, "/api/v1/session/passkey/options", {}, page, host)
    assert status == 200, answer
    return answer["publicKey"]


def sign_in(node, key, page=HOME, host=None):
    return post(node, "/api/v1/session/passkey", key.get(options(node, page, host), page), page, host)


def made(service, page=HOME):
    """A passkey of alice's, made at the origin."""
    browser, key = Browser(), Authenticator()
    browser.sign_in(service.root)
    status, answer = post(service.root, "/api/v1/passkeys/options", {}, page, **browser.bearer)
    assert status == 200, answer
    status, answer = post(service.root, "/api/v1/passkeys", key.create(answer["publicKey"], page) | {"label": "key"}, page, **browser.bearer)
    assert status == 201, answer
    return key


def edges_are_level(service):
    """They hold what the origin had when this was called: ages are whole seconds."""
    called = time.monotonic()

    def has_heard(edge):
        status = json.loads(edge.ask("/status")[1])
        return status["waiting"] == 0 and "age" in status and time.monotonic() - status["age"] - 1 > called

    for edge in service.at.values():
        until(lambda: has_heard(edge), "it has heard all")


def began(service, name, *flags, urls=(HOME,)):
    """An origin at these addresses and an edge found as `name`."""
    service.root, service.users, service.edge_flags = service.origin("--node-urls", ",".join(urls), *flags), ("alice",), ()
    add_user(service)
    service.at = {}
    token = service.invite("paris", "--expires", "1d")
    service.at["paris"] = service.joined("paris", service.root.url, token, flags=["--node-urls", f"http://{name}"])
    service.ready()
    key = made(service)
    edges_are_level(service)
    return service.at["paris"], key


def test_a_passkey_of_the_origin_signs_in_at_names_below_its_own(service):
    edge, key = began(service, "paris.music.example.org")
    page = "http://paris.music.example.org"
    assert options(edge, page)["rpId"] == "music.example.org"
    assert sign_in(edge, key, page)[0] == 200, "asked at the edge, the origin judges"
    service.lose_origin()
    status, answer = sign_in(edge, key, page)
    assert status == 200 and answer["user"]["name"] == "alice", answer
    status, answer = sign_in(edge, key, HOME, host="paris.music.example.org")
    assert status == 200, "and so does the origin's page, which asks the edge"
    assert sign_in(edge, key, "http://paris.music.example.org", host="paris.music.example.org")[0] == 200


def test_beside_it_a_passkey_is_good_once_the_domain_is_said(service):
    edge, key = began(service, "paris.example.org", "--passkey-domain", "example.org")
    service.lose_origin()
    assert options(edge, "http://paris.example.org")["rpId"] == "example.org"
    assert sign_in(edge, key, "http://paris.example.org")[0] == 200


def test_without_it_a_node_beside_has_passkeys_of_its_own(service):
    edge, key = began(service, "paris.example.org")
    assert options(edge, "http://paris.example.org")["rpId"] == "paris.example.org"
    assert sign_in(edge, key, "http://paris.example.org")[0] == 401, "this one belongs to another name"


def test_nodes_elsewhere_are_related_origins_and_strangers_are_not(service):
    edge, key = began(service, "paris.example.net", "--passkey-domain", "example.org")
    status, answer = service.root.ask("/.well-known/webauthn")
    assert status == 200 and json.loads(answer) == {"origins": [HOME, "http://paris.example.net"]}
    assert json.loads(edge.ask("/.well-known/webauthn")[1]) == json.loads(answer), "every node serves it"
    assert options(edge, "http://paris.example.net")["rpId"] == "example.org"
    assert sign_in(edge, key, "http://paris.example.net")[0] == 200
    assert options(edge, "http://evil.example.com")["rpId"] == "evil.example.com"
    status, _ = post(edge, "/api/v1/session/passkey", key.get(options(edge), "http://evil.example.com"), HOME)
    assert status == 401, "another page asked for it"


def test_a_page_of_another_node_signs_in_and_renews_without_cookies_and_strangers_do_not(service):
    """A player whose own node died asks from there: Sec-Fetch-Site is not same-origin then."""
    edge, _ = began(service, "paris.music.example.org")
    service.lose_origin()
    moved, body = {"host": "paris.music.example.org"}, {"name": "alice", "password": "correct horse battery"}
    assert post(edge, "/api/v1/session", body, HOME, **moved)[0] == 200
    assert post(edge, "/api/v1/session", body, HOME, Cookie="sostenuto_device=x", **moved)[0] == 403, "nobody's cookies are lent"
    assert post(edge, "/api/v1/session", body, "http://evil.example.com", **moved)[0] == 403


def test_a_node_that_does_not_hold_a_passkey_names_one_that_does(service):
    service.begin(edges=("paris", "rome", "oslo"))
    browser = Browser()
    browser.sign_in(service.root)
    key = made(service)
    edges_are_level(service)
    account = browser.session["user"]["id"]
    homes = service.homes_of(account)
    visitor = next(name for name in service.at if name not in homes)
    service.lose_origin()
    status, answer = sign_in(service.at[visitor], key)
    assert status == 503 and any(f"http://{home}.test" in answer["detail"] for home in homes), (status, answer)
    assert sign_in(service.at[homes[0]], key)[0] == 200
    key.credential = b"another key, of nobody"
    assert sign_in(service.at[homes[0]], key)[0] == 401, "at home it is known that there is none"


def test_an_edge_tells_of_a_use_and_may_change_nothing_else(service):
    """The origin alone decides about passkeys; a counter that went back there is noticed here."""
    edge, key = began(service, "paris.music.example.org")
    service.lose_origin()
    page = "http://paris.music.example.org"
    assert sign_in(edge, key, page)[0] == 200
    service.root = service.origin("--node-urls", HOME, "--listen", service.root.url.split("//")[1])
    browser = Browser()
    browser.sign_in(service.root)

    def is_used():
        status, answer = service.root.ask("/api/v1/passkeys", headers=browser.bearer)
        return status == 200 and '"lastUsedAt":null' not in answer.decode().replace(" ", "")

    until(is_used, "what was done is told")
    assert "refused an operation" not in edge.words, "and taken"
    key.count -= 1
    assert sign_in(service.root, key)[0] == 401, "a copy of it is noticed at the origin"
    key.count += 1
    assert sign_in(service.root, key)[0] == 200
