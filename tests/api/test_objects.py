# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that leave the origin, as docs/formats/objects.md says: names, rights, validators, digests, freshness."""
import base64
import hashlib
import json
import os
import re
import time

import pytest

from conftest import start_server
from test_player import assert_problem, send, sign_in


@pytest.fixture
def session(server):
    return sign_in(server)[0]


def bearer(session):
    return {"Authorization": "Bearer " + session["accessToken"]}


def body_of(signed):
    return json.loads(signed.partition(b"\n\n")[2])


def current(server, session):
    answer = server.get("/catalog/1", bearer(session))
    assert answer.status == 200, answer.body
    return answer


def assert_is_object(server, path, answer, headers=None):
    """What every answer with an object says, and what conditions and ranges make of it."""
    digest = base64.b64encode(hashlib.sha256(answer.body).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:" and "Content-Encoding" not in answer.headers
    tag = answer.headers["ETag"]
    assert re.fullmatch(r'"[\w-]{22}"', tag), "a strong one"
    again = server.get(path, (headers or {}) | {"If-None-Match": tag, "Accept-Encoding": "gzip"})
    assert again.status == 304 and again.headers["ETag"] == tag and again.headers["Cache-Control"] == answer.headers["Cache-Control"]
    part = server.get(path, (headers or {}) | {"Range": "bytes=7-40", "If-Range": tag, "Accept-Encoding": "gzip"})
    assert part.status == 206 and part.body == answer.body[7:41] and part.headers["Repr-Digest"] == answer.headers["Repr-Digest"]


def test_small_signed_objects_are_open(server):
    for path in ("/keys", "/nodes", "/revoked"):
        answer = server.get(path)
        assert answer.status == 200 and answer.headers["Content-Type"] == "application/vnd.sostenuto.signed"
        assert "stale-if-error" in answer.headers["Cache-Control"] and answer.headers["Cache-Control"].startswith("public")
        assert re.fullmatch(r"1\.\d+", answer.headers["Sostenuto-Version"])
        assert f"version: {answer.headers['Sostenuto-Version']}\n".encode() in answer.body
        assert_is_object(server, path, answer)
    node, = body_of(server.get("/nodes").body)["nodes"]
    assert node["role"] == "origin" and node["name"] and node["urls"] == [] and node["since"] > 1.7e9


def test_the_list_of_a_catalogue_and_everything_it_names(server, session, library):
    answer = current(server, session)
    assert_is_object(server, "/catalog/1", answer, bearer(session))
    assert "immutable" not in answer.headers["Cache-Control"] and answer.headers["Cache-Control"].startswith("private")
    listed = body_of(answer.body)
    assert listed["library"] == 1 and listed["version"] == answer.headers["Sostenuto-Version"]
    path = f"/catalog/1/{listed['version']}"
    version = server.get(path, bearer(session))
    assert version.body == answer.body.partition(b"\n\n")[2] and "immutable" in version.headers["Cache-Control"]
    assert_is_object(server, path, version, bearer(session))
    for segment in listed["segments"]:
        for part in ("core", "detail"):
            path = f"/catalog/1/{segment[part]['sha256']}.{part}"
            data = server.get(path, bearer(session))
            assert data.status == 200 and len(data.body) == segment[part]["bytes"]
            assert hashlib.sha256(data.body).hexdigest() == segment[part]["sha256"]
            assert "immutable" in data.headers["Cache-Control"]
            assert_is_object(server, path, data, bearer(session))


def test_a_grant_opens_the_catalogue_too(server, session):
    answer = server.get("/catalog/1?g=" + session["grant"])
    assert answer.status == 200 and server.get("/catalog/1", {"Sostenuto-Grant": session["grant"]}).status == 200
    assert f"name: /catalog/1\n".encode() in answer.body, "the grant is no part of the name"


def test_nobody_else_learns_that_it_exists(server, session):
    digest = body_of(current(server, session).body)["segments"][0]["core"]["sha256"]
    names = ["/catalog/1", f"/catalog/1/{digest}.core"]
    token = session["accessToken"]
    made = send(server, "POST", "/api/v1/users", {"name": "carl", "password": "wistful-cactus-organ-48", "libraries": []}, token)
    assert made.status == 201
    carl = sign_in(server, "carl", "wistful-cactus-organ-48")[0]
    for path in names:
        assert_problem(server.get(path), 401)
        assert_problem(server.get(path, {"Authorization": "Bearer x"}), 401)
        assert_problem(server.get(path, bearer(carl)), 404)
        assert_problem(server.get(path + "?g=" + carl["grant"]), 404)
    assert send(server, "DELETE", "/api/v1/users/" + made.json()["id"], token=token).status == 204


def test_names_that_are_none(server, session):
    listed = body_of(current(server, session).body)
    digest = listed["segments"][0]["core"]["sha256"]
    number = int(listed["version"].split(".")[1])
    for name in ("", "0", "01", "33", "2", "1/", "x", "1/1", "1/1.", "1/.1", "1/1.0", f"1/1.{number + 1}", f"1/2.{number}", f"1/01.{number}",
                 f"1/{digest}", f"1/{digest}.", f"1/{digest}.list", f"1/{digest}.detail", f"1/{digest.upper()}.core",
                 f"1/{'0' * 64}.core", f"1/{digest}.core/x", f"1/{digest}.core.core", "1/18446744073709551616.1"):
        assert_problem(server.get("/catalog/" + name, bearer(session)), 404)


def test_the_feed_names_every_object_with_its_version(server, session):
    headers = bearer(session) | {"Accept": "application/json"}
    told = {each["name"]: each["version"] for each in server.get("/changes?wait=0", headers).json()["objects"]}
    for name in ("/keys", "/nodes", "/revoked", "/catalog/1"):
        assert told[name] == server.get(name, bearer(session)).headers["Sostenuto-Version"]


def digest_of(data):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def assert_tells_digest(server, path, body):
    """Whole, in part, not at all, and asked for the head alone."""
    answer = server.get(path)
    tag = answer.headers["ETag"]
    assert answer.body == body and answer.headers["Repr-Digest"] == digest_of(body)
    part = server.get(path, {"Range": "bytes=5-30", "If-Range": tag})
    assert part.status == 206 and part.body == body[5:31] and part.headers["Repr-Digest"] == digest_of(body)
    assert server.ask("HEAD", path).headers["Repr-Digest"] == digest_of(body)
    again = server.get(path, {"If-None-Match": tag})
    assert again.status == 304 and again.headers["ETag"] == tag


def test_pictures_have_a_digest_from_the_first_answer_on(server, session, library):
    for name in ("600.webp", "128.jpg"):
        path = f"/art/{library.art}/{name}?g={session['grant']}"
        first = server.get(path)
        assert first.status == 200 and first.headers["Repr-Digest"] == digest_of(first.body)
        assert_tells_digest(server, path, first.body)
        kept, = (server.state / "cache/art").glob(f"??/*-{name.partition('.')[0]}.{name.partition('.')[2]}")
        assert kept.read_bytes() == first.body + b"sostart1" + hashlib.sha256(first.body).digest()


def test_a_picture_without_its_trailer_is_made_again(server, session, library):
    path = f"/art/{library.art}/64.webp?g={session['grant']}"
    body = server.get(path).body
    kept, = (server.state / "cache/art").glob("??/*-64.webp")
    for damage in (body, body + b"sostart1", b"", (body + b"sostart0" + bytes(32))):
        other = kept.with_name("other")
        other.write_bytes(damage)
        other.rename(kept)
        time.sleep(0.2)  # what is open is looked at again
        answer = server.get(path)
        assert answer.status == 200 and answer.body == body and answer.headers["Repr-Digest"] == digest_of(body)


def test_an_original_has_a_digest_soon_after_somebody_got_it_whole(server, session, library, anna):
    path = f"/m/{library.song}/original?g={session['grant']}"
    body = server.get(path).body
    server.until(lambda: "Repr-Digest" in server.get(path).headers, "its digest is known")
    assert_tells_digest(server, path, body)
    version = server.get(path).headers["ETag"].strip('"')
    assert_tells_digest(server, f"/m/{library.song}/original.{version}.flac?g={session['grant']}", body)
    for endpoint in ("stream", "download"):
        assert anna.raw(endpoint, {"id": library.song, "format": "raw"}).headers["Repr-Digest"] == digest_of(body)


@pytest.mark.slow
def test_what_is_written_into_an_original_has_another_digest(tmp_path):
    server = start_server(tmp_path)
    try:
        song_id = server.anna.ask("search3", query="Human Behaviour")["searchResult3"]["song"][0]["id"]
        path = f"/m/{song_id}/original?g={sign_in(server)[0]['grant']}"
        body = server.get(path).body
        server.until(lambda: server.get(path).headers.get("Repr-Digest") == digest_of(body), "its digest is known")
        song, = (each for each in (tmp_path / "music").rglob("*.flac") if each.read_bytes() == body)
        before = song.stat()
        with open(song, "r+b") as file:
            file.seek(len(body) // 2)
            file.write(b"another sound")
        os.utime(song, ns=(before.st_atime_ns, before.st_mtime_ns))
        other = song.read_bytes()
        time.sleep(0.2)  # what is open is looked at again
        answer = server.get(path)
        assert answer.body == other and answer.headers.get("Repr-Digest") in (None, digest_of(other))
        server.until(lambda: server.get(path).headers.get("Repr-Digest") == digest_of(other), "its new digest is known")
    finally:
        server.stop()
