# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody reads first names commands, options, settings and pages that there are."""
import pathlib
import re
import subprocess

import pytest
from conftest import find_binary, run_command

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/edge.md", "deploy/README.md", "deploy/dns/README.md", "deploy/keepalived/README.md"]


def anchors(path):
    heads = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.fixture(scope="module")
def commands():
    return set(re.findall(r"^  (\S+(?: \S+)?)  +\S", run_command("--help").stdout, re.M))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    path = ROOT / page
    for link in re.findall(r"\]\(([^)#:]*(?:#[^)]*)?)\)", path.read_text()):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_that_are_named_exist(page, commands):
    text = (ROOT / page).read_text()
    # Words only: `sostenuto edge URL`, `sostenuto serve --data DIR`; no service of that name, no file.
    for line in re.findall(r"(?:^\s*|`|/)sostenuto ((?:[a-z][a-z-]+|--help)(?: [^`\n]*)?)", text, re.M):
        words = line.split()
        name = " ".join(words[:2]) if " ".join(words[:2]) in commands else words[0]
        assert name in commands or name == "--help" or any(command.startswith(name + " ") for command in commands), line
        if name in commands:
            whole = run_command(*name.split(), "--help-all" if name in ("serve", "edge", "check-config") else "--help").stdout
            for option in re.findall(r"(?<= )--[a-z-]+", line.partition("#")[0]):
                assert f"  {option}" in whole, f"{name} {option}"


def test_settings_in_the_page_of_edges_exist():
    known = set(re.findall(r"^(\w+) = ", run_command("check-config", "--all", "--data", "/nonexistent").stdout, re.M))
    table = (ROOT / "docs/edge.md").read_text().partition("| nginx | here |")[2].partition("\n\n")[0]
    here = " ".join(row.split("|")[2] for row in table.splitlines() if row.count("|") > 2)
    named = set(re.findall(r"`(\w+_\w+)(?: = [^`]*)?`", here))
    assert len(named) >= 12 and named <= known, named - known
    for line in re.findall(r"^# ?(\w+ = .*)$", (ROOT / "deploy/edge.conf").read_text(), re.M):
        done = subprocess.run([find_binary(), "check-config", "/dev/stdin"], input=line + "\n", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
