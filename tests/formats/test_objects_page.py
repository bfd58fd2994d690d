# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/formats/objects.md shows the table of src/api/object_classes.def; `test_objects_page.py --write` prints it there."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/formats/objects.md"
TABLE = re.compile(r"(?<=<!-- object_classes\.def -->\n).*?(?=\n<!-- end -->)", re.S)


def classes():
    text = (ROOT / "src/api/object_classes.def").read_text()
    for_ever = re.search(r'^#define FOR_EVER "(.*)"$', text, re.M).group(1)
    text = re.sub(r'" FOR_EVER', for_ever + '"', text)
    return re.findall(r'^OBJECT\((\w+), "(.*)", "(.*)", "(.*)", "(.*)", "(.*)"\)$', text, re.M)


def table():
    rows = [f"| `{name}` | {what} | `{policy}` | {etag} | {digest} |" for _, name, policy, etag, digest, what in classes()]
    return "\n".join(["| name | what | `Cache-Control` | ETag | `Repr-Digest` |", "|---|---|---|---|---|", *rows])


def test_the_page_shows_the_table_of_the_code():
    assert TABLE.search(PAGE.read_text()).group(0) == table(), "run tests/formats/test_objects_page.py --write"


def test_what_never_changes_says_so_and_what_does_may_be_stale():
    assert len(classes()) >= 10
    for name, _, policy, *_ in classes():
        if "immutable" not in policy and "no-cache" not in policy:
            assert "stale-while-revalidate" in policy and "stale-if-error" in policy, name


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text()))
