# SPDX-License-Identifier: GPL-3.0-or-later
"""/status and the Statuspage pages of origin and edge: true while all is well and while it is not, and cheap."""
import pathlib
import re
import sys
import threading
import time

from patience import until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "formats"))
from read_status import read_status, read_v2  # noqa: E402

PAGES = {"summary": ("status", "components", "incidents", "scheduled_maintenances"), "status": ("status",),
         "components": ("components",), "incidents": ("incidents",), "incidents/unresolved": ("incidents",),
         "scheduled-maintenances": ("scheduled_maintenances",), "scheduled-maintenances/upcoming": ("scheduled_maintenances",),
         "scheduled-maintenances/active": ("scheduled_maintenances",)}


def v2(node, name):
    answer = node.get(f"/api/v2/{name}.json")
    assert answer.status == 200 and answer.headers["Access-Control-Allow-Origin"] == "*"
    return read_v2(answer.json, *PAGES[name]), answer.json


def test_both_say_what_they_are_in_both_formats(fleet, kill):
    for node, role, parts in (fleet.origin, "origin", {"state", "library", "nodes"}), (fleet.edge, "edge", {"origin", "replicas", "state", "forward"}):
        page = node.get("/status").json
        assert page["role"] == role and page["link"] == "linked" and page["accounts"] == 1
        assert set(read_status(page)) == parts and set(read_status(page).values()) == {"operational"}
        for name in PAGES:
            v2(node, name)
        levels, summary = v2(node, "summary")
        assert set(levels) == parts and summary["status"]["indicator"] == "none" and summary["page"]["id"] == page["id"]
    assert fleet.edge.get("/api/v2/nothing.json").status == 404
    since = {part["id"]: part["updated_at"] for part in v2(fleet.edge, "components")[1]["components"]}
    kill(fleet.origin)
    until(lambda: fleet.edge.status()["link"] == "island", "it is an island")
    assert read_status(fleet.edge.status())["origin"] == "degraded"
    levels, summary = v2(fleet.edge, "summary")
    assert levels["origin"] == "degraded_performance" and levels["state"] == "operational"
    assert summary["status"]["indicator"] == "minor" and "plays on" in summary["status"]["description"]
    now = {part["id"]: part["updated_at"] for part in summary["components"]}
    assert now["origin"] > since["origin"] and now["state"] == since["state"], "each says since when"


def counter(node, name, path):
    return int(re.search(rf"^sostenuto_{name} (\d+)$", node.get(path).text, re.M)[1])


def test_a_flood_of_questions_is_written_for_a_few_times_a_second(fleet):
    for node, metrics in (fleet.origin, "/metrics"), (fleet.edge, "/.sostenuto/metrics"):
        before = counter(node, "status_written_total", metrics)
        statuses = []

        def flood():
            connection = node.connect()
            for i in range(150):
                connection.request("GET", "/status" if i % 2 else "/api/v2/summary.json")
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
            connection.close()

        threads = [threading.Thread(target=flood) for _ in range(4)]
        began = time.monotonic()
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        took = time.monotonic() - began
        assert statuses == [200] * 600
        assert counter(node, "status_written_total", metrics) - before <= took * 5 + 2
