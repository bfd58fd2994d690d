# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of other nodes behind caches: what one page was answered is not given to another that could not read it."""
import re

from patience import until


def allowed(answer):
    return answer.headers.get("Access-Control-Allow-Origin")


def test_a_shared_cache_in_front_gives_a_neighbours_page_what_it_may_read(fleet, start_edge):
    neighbour = {"Origin": fleet.edge.url}
    until(lambda: allowed(fleet.origin.get("/keys", headers=neighbour)) == fleet.edge.url, "the edge is a neighbour")
    script = re.search(r'(?:src|href)="(/[^"]+\.(?:js|css))"', fleet.origin.get("/").text)[1]
    cache = start_edge("cache", f"--plain={fleet.origin.url}")
    until(lambda: "hit" in cache.get(script).headers.get("Cache-Status", ""), "a page of its own had it kept")
    assert allowed(cache.get(script, headers=neighbour)) == fleet.edge.url
    assert allowed(cache.get(script, headers={"Origin": "https://evil.example"})) is None
