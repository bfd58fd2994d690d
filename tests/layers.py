#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks every #include under src/ against src/LAYERS, and that each header stands alone by name.

usage: tests/layers.py [SRC]      prints TAP; exit 1 when a folder includes what it may not
"""
import pathlib
import re
import sys

SRC = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "src")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def read_layers(path):
    layers = {}
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            folder, _, allowed = line.partition(":")
            layers[folder.strip()] = {folder.strip(), *allowed.split()}
    return layers


def folder_of(path, layers):
    """The longest listed folder that holds this path."""
    parts = pathlib.PurePath(path).parts[:-1]
    for size in range(len(parts), 0, -1):
        if "/".join(parts[:size]) in layers:
            return "/".join(parts[:size])
    return None


def violations(layers):
    for path in sorted([*SRC.rglob("*.[ch]"), *SRC.rglob("*.cc")]):
        own = folder_of(path.relative_to(SRC), layers)
        if own is None:
            yield f"{path}: its folder is not listed in src/LAYERS"
            continue
        for name in INCLUDE.findall(path.read_text()):
            target = folder_of(name, layers)
            if "/" not in name or target is None:
                if (SRC / name).exists() or (path.parent / name).exists():
                    yield f'{path}: include "{name}" by its whole path from src/'
            elif target not in layers[own]:
                yield f'{path}: {own}/ may not include {target}/ ("{name}")'


def main():
    found = list(violations(read_layers(SRC / "LAYERS")))
    for line in found:
        print("#", line)
    print(("not ok" if found else "ok") + " 1 - includes only point down, as src/LAYERS says\n1..1")
    return 1 if found else 0


sys.exit(main())
