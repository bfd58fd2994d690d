# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/bounds.md says what src/io/server.def says, and names only guards, counters and tests that exist."""
import re

from site_server import HERE, ROOT

BASE = ROOT / "src/base"
LIMIT = re.compile(r'^LIMIT\((\w+), \w+, (\d+), "(.*)"\)', re.M)


def rows():
    for line in (ROOT / "docs/bounds.md").read_text().splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            yield [re.findall(r"`([^`]+)`", cell) or [cell] for cell in cells]


def names(path, kinds):
    return set(re.findall(rf'^(?:{kinds})\(\w+, "([^"]+)"', (BASE / path).read_text(), re.M))


def test_every_limit_stands_in_the_table_with_its_default_and_words():
    table = [(key[0], default[0]) for key, default, *_ in rows()]
    limits = LIMIT.findall((ROOT / "src/io/server.def").read_text())
    assert table == [limit[:2] for limit in limits], "docs/bounds.md is behind io/server.def"
    page = (ROOT / "docs/bounds.md").read_text()
    assert not [key for key, _, words in limits if f"| {words} |" not in page]


def test_what_the_table_names_exists():
    guards, counters = names("guards.def", "GUARD"), names("counters.def", "COUNTER|GAUGE|MICROSECONDS")
    for key, _, _, counter, guard, shown, honest in rows():
        assert set(filter(None, counter)) <= counters and set(filter(None, guard)) <= guards, key
        for test in filter(None, shown + honest):
            file, _, name = test.partition("::")
            if name:
                assert f"def {name}(" in (HERE / file).read_text(), test
            elif file.endswith(".vtc"):
                assert key[0] in (HERE / file).read_text() or file == "keepalive.vtc", f"{file} says nothing of {key}"
