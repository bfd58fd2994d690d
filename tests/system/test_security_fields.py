# SPDX-License-Identifier: GPL-3.0-or-later
"""What every answer tells browsers (src/io/security.def): each route, each refusal, each protocol."""
import re
import socket
import subprocess

import pytest

from conftest import ROOT

SRC = ROOT / "src"
ROWS = re.findall(r'^SECURITY\("([^"]+)", "([^"]+)", "([^"]+)"\)', (SRC / "io/security.def").read_text(), re.M)
PLAYER = re.findall(r'^PLAYER\((\w+), "([^"]+)"', (SRC / "api/player.def").read_text(), re.M)
# every other route, as tests/system knows it; test_no_route_is_forgotten() holds this to the sources
ROUTES = ["/livez", "/readyz", "/metrics", "/keys", "/revoked", "/nodes", "/catalog/", "/rest/", "/m/", "/art/", "/api/v1/", "/ops", "/changes", "/listeners/", "/status", "/api/v2/summary.json",
          "/", "/ca.crt", "/.well-known/acme-challenge/"]
SHARED = ("/rest/", "/m/", "/art/", "/keys", "/revoked", "/nodes", "/status", "/api/v2/")


def raw(server, request):
    """The head of the answer to bytes that no client library would send."""
    with socket.create_connection((server.host, server.port), 10) as s:
        s.sendall(request)
        got = b""
        while b"\r\n\r\n" not in got:
            more = s.recv(65536)
            assert more, f"no answer to {request[:60]!r}: {got!r}"
            got += more
    head = got.split(b"\r\n\r\n")[0].decode().split("\r\n")
    fields = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        fields.setdefault(name.lower(), []).append(value.strip())
    return int(head[0].split()[1]), fields


def check(status, fields, what, is_shared=False):
    for name, value, shared in ROWS:
        assert fields.get(name.lower()) == [shared if is_shared else value], f"{what} ({status}): {name} is {fields.get(name.lower())}"
    if any(kind.startswith("text/html") for kind in fields.get("content-type", [])):
        policy = fields["content-security-policy"][0]
        assert "default-src" in policy and "unsafe-inline" not in policy and "frame-ancestors" in policy, policy


def request(server, method, path, **more):
    fields = {"Host": f"{server.host}:{server.port}", "Connection": "close"} | {name.replace("_", "-"): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return raw(server, f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())


def is_shared(path):
    return path.startswith(SHARED)


def test_no_route_is_forgotten():
    named = set()
    for folder in ("api", "programs"):
        for path in (SRC / folder).glob("*.c"):
            text = path.read_text()
            if "server_route" in text:
                named |= set(re.findall(r'"(/(?:[a-z][a-z0-9_./-]*)?)"', text)) & {p for p in re.findall(r'\.path = "([^"]+)"', text)}
    assert named <= set(ROUTES), f"new routes, to be walked here too: {named - set(ROUTES)}"


def test_every_route_and_what_is_not_there(server, secret):
    token = server.sign_in()
    bearer = "Bearer " + token["accessToken"]
    songs = server.rest("search3", secret, query="Tone")["searchResult3"]["song"]
    song, art = songs[0]["id"], f"/rest/getCoverArt?id={songs[0].get('coverArt', '')}&apiKey={secret}&v=1.16.1&c=t"
    paths = ROUTES + ["/nothing.js", "/some/page", "/rest/ping", "/rest/nothing", f"/rest/ping?apiKey={secret}&v=1.16.1&c=t&f=json", art,
                      f"/rest/stream?id={song}&apiKey={secret}&v=1.16.1&c=t", f"/m/{song}/original?g={token['grant']}", "/catalog/1",
                      f"/m/{song}/manifest?g={token['grant']}", "/m/none/original?g=wrong", "/art/none/64.webp", "/api/v1/nothing"]
    for path in paths:
        for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE"):
            check(*request(server, method, path, Content_Length="0"), f"{method} {path}", is_shared(path))
    for method, path in PLAYER:
        if path not in ("/changes", "/api/v1/events"):
            check(*request(server, method, path, Content_Length="0"), f"{method} {path} by nobody")
            check(*request(server, "GET", path, Authorization=bearer), f"GET {path}")
    check(*request(server, "GET", "/changes", Authorization=bearer), "a stream of events")
    status, fields = request(server, "GET", f"/m/{song}/original?g={token['grant']}", Range="bytes=0-9")
    check(status, fields, "a range", True)
    assert status == 206
    tag = fields["etag"][0]
    assert request(server, "GET", f"/m/{song}/original?g={token['grant']}", If_None_Match=tag)[0] == 304
    check(*request(server, "GET", f"/m/{song}/original?g={token['grant']}", If_None_Match=tag), "304", True)
    check(*request(server, "GET", f"/m/{song}/original?g={token['grant']}", Range="bytes=99999999-"), "416", True)


@pytest.mark.parametrize("bytes_sent, status", [
    (b"GARBAGE\r\n\r\n", 400), (b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414), (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: much\r\n\r\n", 417), (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", None),
    (b"POST /ops HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413), (b"GET / HTTP/3.7\r\nHost: a\r\n\r\n", None),
], ids=["garbage", "no-host", "two-hosts", "target", "header", "expect", "method", "body", "version"])
def test_every_refusal(server, bytes_sent, status):
    got, fields = raw(server, bytes_sent)
    assert got >= 400 and status in (None, got)
    check(got, fields, bytes_sent[:40])


def test_a_wrong_host_and_http_2(start_server):
    server = start_server("--host-names", "music.example.org")
    status, fields = raw(server, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert status == 421
    check(status, fields, "another host")
    for path in ("/", "/keys", "/nothing.js", "/rest/ping"):
        done = subprocess.run(["curl", "-s", "-i", "--http2-prior-knowledge", "-H", "Host: music.example.org", f"{server.url.rstrip('/')}{path}"],
                              capture_output=True, timeout=20)
        head = done.stdout.split(b"\r\n\r\n")[0].decode().split("\r\n")
        assert head[0].startswith("HTTP/2 "), head
        fields = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            fields.setdefault(name.lower(), []).append(value.strip())
        check(int(head[0].split()[1]), fields, f"HTTP/2 {path}", is_shared(path))
