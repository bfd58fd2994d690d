# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/formats/catalog-columns.md shows src/catalog/columns.def; `test_columns_page.py --write` prints it there."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/formats/catalog-columns.md"
TABLE = re.compile(r"(?<=<!-- columns\.def -->\n).*?(?=\n<!-- end -->)", re.S)


def table():
    text = (ROOT / "src/catalog/columns.def").read_text()
    tables = [f"| {number} | {name} | {note} |" for number, name, note in
              re.findall(r"^TABLE\((\d+), (\w+)\) *(?:/\* (.*) \*/)?$", text, re.M)]
    columns = [f"| {number} | {name} | {thing.lower()} | {of} | {kind} | {'' if target == 'NONE' else target} | {note} |"
               for number, name, thing, of, kind, target, note in
               re.findall(r"^COLUMN\((\d+), (\w+), (\w+), (\w+), (\w+), (\w+)\) *(?:/\* (.*) \*/)?$", text, re.M)]
    return "\n".join(["| table | name | |", "|---|---|---|", *tables, "",
                      "| column | name | object | table | kind | target | |", "|---|---|---|---|---|---|---|", *columns])


def test_the_page_shows_the_columns_of_the_code():
    assert TABLE.search(PAGE.read_text()).group(0) == table(), "run tests/formats/test_columns_page.py --write"
    assert table().count("\n") > 110


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text()))
