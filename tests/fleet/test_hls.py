# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP Live Streaming over nodes: the list of variants says where else they are, and hls.js goes there in mid-song."""
import json
import os
import pathlib
import re
import select
import subprocess
import sys
import time
import urllib.parse

import pytest

from conftest import QUIET, invite
from patience import until

CLIENTS = pathlib.Path(__file__).resolve().parents[1] / "api" / "clients"
SECONDS = 60


@pytest.fixture
def music(tmp_path):
    """One song, longer than any player holds ahead."""
    folder = tmp_path / "music" / "Pedal" / "Long Notes"
    folder.mkdir(parents=True)
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"anoisesrc=d={SECONDS}:c=pink:r=44100:a=0.2:seed=1", "-metadata", "title=Held",
                    "-metadata", "album=Long Notes", "-metadata", "artist=Pedal", str(folder / "01.flac")], check=True)
    return tmp_path / "music"


def address(node, fleet, **parameters):
    """As a program that is given a URL would ask."""
    song = fleet.origin.rest("search3", fleet.secret, query="Held")["searchResult3"]["song"][0]["id"]
    return f"{node.url}/rest/hls.m3u8?" + urllib.parse.urlencode({"id": song, "apiKey": fleet.secret, "v": "1.16.1", "c": "test", **parameters})


def playlist(node, fleet, **parameters):
    answer = node.get(address(node, fleet, **parameters)[len(node.url):])
    assert answer.status == 200, answer.body
    return answer.body.decode()


def steering(text):
    found = re.search(r'#EXT-X-CONTENT-STEERING:SERVER-URI="data:application/json,([^"]+)",PATHWAY-ID="([^"]+)"', text)
    return (json.loads(urllib.parse.unquote(found[1])), found[2]) if found else (None, None)


def seats(node):
    return {one["name"]: one for one in json.loads(node.get("/nodes").body.split(b"\n\n", 1)[1])["nodes"]}


@pytest.fixture
def pair(fleet, start_edge):
    """The fleet's edge, and another one; each knows of the other."""
    rome = start_edge("rome", fleet.origin.url, invite(fleet.origin.data, "rome"), *QUIET)
    until(rome.holds_all, "the second edge holds all")
    until(lambda: all(len(seats(node)) == 3 for node in (fleet.edge, rome)), "both know of both")
    return fleet.edge, rome


def test_a_list_of_variants_says_what_they_are_called_at_other_nodes(fleet, pair):
    paris, rome = pair
    told, pathway = steering(playlist(paris, fleet))
    known = seats(paris)
    assert pathway == known["edge"]["id"] and told["PATHWAY-PRIORITY"] == [pathway, known["rome"]["id"]], told
    assert told["VERSION"] == 1 and [one["BASE-ID"] for one in told["PATHWAY-CLONES"]] == [pathway]
    elsewhere = told["PATHWAY-CLONES"][0]["URI-REPLACEMENT"]["PER-VARIANT-URIS"]
    text = playlist(paris, fleet)
    assert re.findall(r'STABLE-VARIANT-ID="([^"]+)",PATHWAY-ID="' + re.escape(pathway), text) == list(elsewhere)
    for uri in elsewhere.values():  # opened there by the grant alone
        assert uri.startswith(rome.url + "/m/") and rome.get(uri[len(rome.url):]).body.startswith(b"#EXTM3U")
    told, pathway = steering(playlist(fleet.origin, fleet))
    assert len(told["PATHWAY-PRIORITY"]) == 3 and pathway not in [one["ID"] for one in told["PATHWAY-CLONES"]], "an origin names both edges"
    assert "STEERING" not in playlist(paris, fleet, bitRate=128), "the segments of one rendition are a list of their own"


def test_a_node_that_knows_no_other_says_nothing(fleet):
    """An origin that has no address for listeners is nowhere to go."""
    text = playlist(fleet.edge, fleet)
    assert text.count("#EXT-X-STREAM-INF") == 3 and "STEERING" not in text and "PATHWAY" not in text


class Listener:
    """hls.js in Chromium; what it saw once it has ended."""

    def __init__(self, url, seconds):
        sys.path.insert(0, str(CLIENTS.parent))
        if not (CLIENTS / "node_modules/hls.js").is_dir():
            subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=CLIENTS, check=True, timeout=120)
        self.process = subprocess.Popen(["node", "hls-moves.mjs"], cwd=CLIENTS, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "URL": url, "FOR_S": str(seconds)})
        assert select.select([self.process.stdout], [], [], 60)[0] and self.process.stdout.readline() == "playing\n", self.process.stderr.read()

    def seen(self):
        out, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, errors
        return json.loads(out)


@pytest.mark.slow
def test_hls_js_goes_on_at_another_node_when_its_own_dies_in_mid_song(fleet, pair):
    """The node that dies gave the page, the list and the variants."""
    paris, rome = pair
    listener = Listener(address(paris, fleet), 12)
    time.sleep(1)
    paris.kill()
    seen = listener.seen()
    assert seen["waits"] == 0 and seen["longestStillMs"] < 250 and not seen["fatal"], seen
    assert seen["at"] > 12 and seen["givers"][0] == paris.url and seen["givers"][-1] == rome.url, seen
