# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/bounds.md says what src/io/server.def says, every bound has all that a bound must have, and it exists."""
import ast
import re

from site_server import HERE, ROOT

BASE = ROOT / "src/base"
LIMIT = re.compile(r'^LIMIT\((\w+), \w+, (\d+), "(.*)"\)', re.M)
# how much we do, and how large our caches are (tests/unit/api): not how much a client may
NO_BOUNDS = {"loops", "coding_min_bytes", "disk_readers", "open_files", "file_recheck_ms", "hot_object_bytes", "hot_memory_bytes"}
NO_COUNTERS = {"h2_header_table_bytes"}    # COMPRESSION_ERROR ends the connection and tells nobody but the client


# Debts: guards that no test goes without.  This list only becomes shorter.
WITHOUT_TWIN = {"encode-fairness", "encode-queue", "encode-stall", "renditions-room", "revocation"}


def rows():
    for line in (ROOT / "docs/bounds.md").read_text().splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            yield [re.findall(r"`([^`]+)`", cell) or [cell] for cell in cells]


def names(path, kinds):
    return set(re.findall(rf'^(?:{kinds})\(\w+, "([^"]+)"', (BASE / path).read_text(), re.M))


def source_of(test):
    """The text of a test with its decorators, or of a whole scenario."""
    file, _, name = test.partition("::")
    text = (HERE / file).read_text()
    if not name:
        return text
    found = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == name]
    assert found, f"there is no {test}"
    first = min([found[0].lineno, *(decorator.lineno for decorator in found[0].decorator_list)])
    return "\n".join(text.splitlines()[first - 1:found[0].end_lineno])


def test_every_limit_stands_in_the_table_with_its_default_and_words():
    table = [(key[0], default[0]) for key, default, *_ in rows()]
    limits = LIMIT.findall((ROOT / "src/io/server.def").read_text())
    assert table == [limit[:2] for limit in limits], "docs/bounds.md is behind io/server.def"
    page = (ROOT / "docs/bounds.md").read_text()
    assert not [key for key, _, words in limits if f"| {words} |" not in page]


def test_a_bound_has_counter_guard_test_twin_and_honest_client():
    for (key,), _, _, counter, guard, shown, twin, honest in rows():
        if key not in NO_BOUNDS:
            assert guard[0] and shown[0] and twin[0] and honest[0], f"{key} lacks one of them"
            assert counter[0] or key in NO_COUNTERS, f"{key} has no counter"


def test_what_the_table_names_exists():
    guards, counters = names("guards.def", "GUARD"), names("counters.def", "COUNTER|GAUGE|MICROSECONDS")
    for (key,), _, _, counter, guard, shown, twin, honest in rows():
        assert set(filter(None, counter)) <= counters and set(filter(None, guard)) <= guards, key
        for test in filter(None, shown + twin + honest):
            if test.endswith(".vtc"):
                assert key in source_of(test), f"{test} says nothing of {key}"
            assert source_of(test)


def test_a_twin_goes_without_the_guard():
    for (key,), _, _, _, guard, _, twin, _ in rows():
        for test in filter(None, twin):
            assert "guards_off=" in source_of(test), f"{test} switches nothing off"
        files = "".join((HERE / test.partition("::")[0]).read_text() for test in filter(None, twin))
        for name in filter(None, guard):
            assert f'"{name}"' in files, f"no twin of {key} goes without {name}"


def test_every_guard_has_a_twin():
    """Here, in a drill, or in a test elsewhere that names it."""
    named = {name for row in rows() for name in row[4]}
    for path in (ROOT / "drills").glob("*.drill"):
        for list_of in re.findall(r"^guards = \{(.*)\}", path.read_text(), re.M):
            named |= set(re.findall(r'"([^"]+)"', list_of))
    for path in [*(ROOT / "tests").rglob("*.py"), *(ROOT / "tests").rglob("*.c")]:
        text = path.read_text()
        if "guards_switch_off" in text or "guards_off" in text or "GUARDS_OFF" in text:
            named |= {name for quoted in re.findall(r'"([a-z0-9,-]+)"', text) for name in quoted.split(",")}
    missing = names("guards.def", "GUARD") - named
    assert missing <= WITHOUT_TWIN, f"guards without a twin: {missing - WITHOUT_TWIN}"
