# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a node says of itself: written from docs/formats/status.md alone, and the Statuspage v2 pages as strictly as the
strictest reader that we know of (openstatus' fetchers)."""
import datetime
import re
import urllib.parse

LEVELS = {"operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"}
INDICATORS = {"none", "minor", "major", "critical"}


def whole(value):
    assert isinstance(value, int) and not isinstance(value, bool) and value >= 0, value
    return value


def moment(text):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text), text
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def read_status(page):
    assert page["role"] in ("origin", "edge") and page["link"] in ("linked", "island") and page["tier"] in range(4)
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", page["id"]) and page["name"]
    for name in "now", "accounts":
        whole(page[name])
    for part in page["components"]:
        assert part["name"] and part["status"] in ("operational", "degraded") and ("why" in part) == (part["status"] == "degraded")
    whole(page["journal"]["bytes"]), whole(page["journal"]["waiting"])
    if page["role"] == "edge":
        whole(page["waiting"]), whole(page["forward"]["waiting"])
        for copy in page["replicas"]:
            assert copy["name"].startswith("/") and re.fullmatch(r"\d+\.\d+", copy["version"])
            whole(copy["taken"]), whole(copy.get("age", 0))
    return {part["name"]: part["status"] for part in page["components"]}


def read_v2(body, *members):
    """A page with exactly these members beside `page`."""
    assert set(body) == {"page", *members}
    page = body["page"]
    url = urllib.parse.urlsplit(page["url"])
    assert page["id"] and page["name"] and url.scheme in ("http", "https") and url.netloc
    moment(page["updated_at"])
    if "status" in members:
        assert body["status"]["indicator"] in INDICATORS and body["status"]["description"]
    for part in body.get("components", []):
        assert part["id"] and part["name"] and part["status"] in LEVELS and part["page_id"] == page["id"]
        assert part["group"] is False and part["group_id"] is None and part["position"] > 0
        assert moment(part["created_at"]) and moment(part["updated_at"])
    for name in "incidents", "scheduled_maintenances":
        assert body.get(name, []) == []
    return {part["id"]: part["status"] for part in body.get("components", [])}
