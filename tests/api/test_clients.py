# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that others wrote, pinned in clients/package-lock.json."""
import json
import os
import pathlib
import subprocess

CLIENTS = pathlib.Path(__file__).resolve().parent / "clients"


def install():
    if not (CLIENTS / "node_modules/hls.js").is_dir():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=CLIENTS, check=True, timeout=120)


def test_subsonic_api_plays_through(server, anna):
    install()
    environment = os.environ | {"URL": server.base, "NAME": "anna", "SECRET": anna.secret}
    result = subprocess.run(["node", "play.mjs"], cwd=CLIENTS, env=environment, capture_output=True, text=True,
                            timeout=60)
    assert result.returncode == 0, result.stderr
    for way, seen in json.loads(result.stdout).items():
        assert seen == {"status": "ok", "albums": 4, "created": True, "songs": 2, "title": "Human Behaviour",
                        "isWhole": True, "cover": True}, way
