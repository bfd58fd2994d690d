# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/bounds.md says what src/io/server.def says, every bound has all that a bound must have, and it exists."""
import ast
import pathlib
import re

from site_server import HERE, ROOT

BASE = ROOT / "src/base"
LIMIT = re.compile(r'^LIMIT\((\w+), \w+, (\d+), "(.*)"\)', re.M)
# how much we do, and how large our caches are (tests/unit/api): not how much a client may
NO_BOUNDS = {"loops", "coding_min_bytes", "disk_readers", "open_files", "file_recheck_ms", "hot_object_bytes", "hot_memory_bytes"}
NO_COUNTERS = {"h2_header_table_bytes"}    # COMPRESSION_ERROR ends the connection and tells nobody but the client


KEY = re.compile(r'^(?:LIMIT\w*|SETTING_\w+)\((\w+),', re.M)


def table(heading):
    """The rows below a heading of docs/bounds.md: of each cell the names in it, or its text."""
    page = (ROOT / "docs/bounds.md").read_text()
    for line in page.split(f"\n{heading}\n")[1].split("\n## ")[0].splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            yield [re.findall(r"`([^`]+)`", cell) or [cell] for cell in cells]


def rows():
    yield from table("## The server's bounds")


def guard_rows():
    yield from table("## Guards of other parts")


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


def is_given(cell):
    """Names, or the reason why there are none."""
    return bool(cell[0]) and (cell[0].startswith("none: ") or re.fullmatch(r"[\w./:-]+", cell[0]) is not None)


def goes_without(test, guard):
    """Whether this scenario or test has the guard switched off."""
    text = source_of(test)
    if test.endswith(".drill"):
        return any(f'"{guard}"' in names_of for names_of in re.findall(r"^guards = \{(.*)\}", text, re.M))
    if test.endswith(".c"):
        listed = (HERE / test).with_name("meson.build").read_text()
        claim = f"OK_GUARDED(GUARD_{guard.upper().replace('-', '_')},"
        one_of = rf"foreach guard : \[[^\]]*'{guard}'[^\]]*\]\s+twins \+="
        by_name = rf"^twins \+= .*\['{guard}', {pathlib.Path(test).stem}, "
        return claim in text and re.search(f"{one_of}|{by_name}", listed, re.M) is not None
    return "guards_off=" in text and f'"{guard}"' in (HERE / test.partition("::")[0]).read_text()


def test_every_guard_stands_in_one_of_the_tables():
    bounds = {name for row in rows() for name in row[4] if name}
    others = [row[0][0] for row in guard_rows()]
    assert len(set(others)) == len(others) and not bounds & set(others)
    missing = names("guards.def", "GUARD") - bounds - set(others)
    assert not missing, f"give each a row in docs/bounds.md, under \"Guards of other parts\": {missing}"


EDGE_KEYS = "".join((ROOT / "src" / name).read_text() for name in ("edge/fetch.def", "edge/edge.def", "replica/replica.def"))


def test_every_key_of_an_edge_is_a_guards_or_is_said_to_bound_nobody():
    guarded = {key for row in guard_rows() for key in row[2]}
    others = {row[0][0]: row[1][0] for row in table("## Keys of an edge that bound nobody else")}
    assert all(others.values()) and not guarded & set(others)
    missing = set(KEY.findall(EDGE_KEYS)) - guarded - set(others)
    assert not missing, f"give each a guard, or a row in docs/bounds.md, under \"Keys of an edge that bound nobody else\": {missing}"
    assert set(others) <= set(KEY.findall(EDGE_KEYS)), "a key is gone"


def test_a_guard_of_another_part_has_all_that_a_bound_has():
    keys = set(KEY.findall((ROOT / "src/io/server.def").read_text() + (ROOT / "src/programs/settings.def").read_text()
                           + EDGE_KEYS))
    guards, counters = names("guards.def", "GUARD"), names("counters.def", "COUNTER|GAUGE|MICROSECONDS")
    words = dict(re.findall(r'^GUARD\(\w+, "([^"]+)", "(.*)"\)', (BASE / "guards.def").read_text(), re.M))
    for (guard,), without, key, counter, shown, twin, honest in guard_rows():
        assert guard in guards and without == [words[guard]], f"{guard}: base/guards.def says it otherwise"
        assert all(is_given(cell) for cell in (key, counter, shown, twin, honest)), f"{guard} lacks one of them, and a reason"
        assert key[0].startswith("none: ") or set(key) <= keys, f"{guard}: there is no such key"
        assert counter[0].startswith("none: ") or set(counter) <= counters, f"{guard}: there is no such counter"
        for test in shown + honest:
            assert test.startswith("none: ") or source_of(test)
        assert any(goes_without(test, guard) for test in twin), f"no twin goes without {guard}"


def test_a_bound_without_a_guard_is_named_with_its_reason():
    listed = list(table("## Bounds without a guard"))
    assert listed
    for (where, *_), bound, why in listed:
        assert (ROOT / "src" / where).exists() and bound[0] and why[0], where
