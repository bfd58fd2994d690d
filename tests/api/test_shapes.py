# SPDX-License-Identifier: GPL-3.0-or-later
"""Every read carries what required.py says, in JSON and in XML, with and without OpenSubsonic's additions."""
import xml.etree.ElementTree as ElementTree

import pytest

import required
import shape

ENVELOPE = {"status": "t", "version": "t", "type": "t", "serverVersion": "t", "openSubsonic": "b"}


def cases(extended):
    return [pytest.param(*row, id=f"{row[0]}-{'-'.join(map(str, row[1].values()))}") for row in
            required.shapes(extended)]


def fill(parameters, library):
    return {name: str(value).format(**vars(library)) for name, value in parameters.items()}


@pytest.mark.parametrize("endpoint, parameters, expected", cases(True))
def test_json(anna, library, endpoint, parameters, expected):
    answer = anna.ask(endpoint, **fill(parameters, library))
    assert shape.faults(ENVELOPE | expected, answer) == []
    assert answer["version"] == "1.16.1" and answer["type"] == "sostenuto" and answer["openSubsonic"] is True


@pytest.mark.parametrize("endpoint, parameters, expected", cases(True))
def test_xml(anna, library, endpoint, parameters, expected):
    answer = anna.raw(endpoint, fill(parameters, library), f="xml")
    assert answer.headers["Content-Type"].startswith("text/xml")
    root = ElementTree.fromstring(answer.body)
    assert root.tag == shape.NAMESPACE + "subsonic-response" and root.get("status") == "ok"
    value = shape.from_xml(ENVELOPE | expected, root)
    assert shape.faults(ENVELOPE | expected, value) == []


@pytest.mark.parametrize("endpoint, parameters, expected", cases(False))
def test_plain_client_sees_plain_subsonic(anna, library, endpoint, parameters, expected):
    answer = anna.raw(endpoint, fill(parameters, library), c="Clementine").subsonic()
    assert shape.faults({"status": "t", "version": "t"} | expected, answer) == []
    assert "openSubsonic" not in answer and "type" not in answer


def test_plain_songs_have_no_additions(anna, library):
    song = anna.raw("getSong", {"id": library.song}, c="Clementine").subsonic()["song"]
    assert not set(song) & set(required.SONG_EXTENDED)


def test_jsonp_calls_the_callback(anna):
    answer = anna.raw("ping", {"callback": "hear.me"}, f="jsonp")
    assert answer.body.startswith(b"/**/hear.me({") and answer.body.endswith(b"});")
    assert answer.headers["Content-Type"].startswith("text/javascript")


def test_jsonp_refuses_a_callback_that_runs(anna):
    answer = anna.raw("ping", {"callback": "alert(1)//"}, f="jsonp")
    assert answer.subsonic()["error"]["code"] == 10 and b"alert" not in answer.body


def test_markup_in_tags_stays_text(anna):
    song = anna.ask("search3", query="Thunder")["searchResult3"]["song"][0]
    assert song["title"] == 'Thunder & "Lightning" <live>'
    root = ElementTree.fromstring(anna.raw("getSong", {"id": song["id"]}, f="xml").body)
    assert root.find(shape.NAMESPACE + "song").get("title") == 'Thunder & "Lightning" <live>'
