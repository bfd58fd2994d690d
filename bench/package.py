#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Packaging: how many times faster than real time each rendition is encoded by one core, and how soon a cold track sounds.

    script/bench package [SONG]        default: a demo song of the Wesnoth music package, else generated

Peer, in the same run: ffmpeg's command line encoding the same song to the same codec and rate.  Bars: 50 times real time
per core (aac-256: 40) by the worker's CPU time, first segment of a cold track within 300 ms.
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/release"))
TOOL, WORKER = BUILD / "tests/unit/media/media_tool", BUILD / "sostenuto-media"
SONG = pathlib.Path("/usr/share/games/wesnoth/1.16/data/core/music/vengeful.ogg")
BARS = {"aac-64": 50, "aac-128": 50, "aac-256": 40, "opus-128": 50, "flac": 50}
PEERS = {"aac-64": ["aac", "-b:a", "64k"], "aac-128": ["aac", "-b:a", "128k"], "aac-256": ["aac", "-b:a", "256k"],
         "opus-128": ["libopus", "-b:a", "128k"], "flac": ["flac"]}
FIRST_MS = 300


def cpu_of(command):
    """Output, and CPU seconds of the children it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([str(word) for word in command], check=True, capture_output=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return out, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def prepare(folder):
    song = folder / "song.flac"
    given = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else SONG
    source = ["-i", given] if given.exists() else ["-f", "lavfi", "-i", "anoisesrc=d=240:c=pink:r=44100:a=0.3,aformat=channel_layouts=stereo"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, "-t", "240", "-sample_fmt", "s16", str(song)], check=True)
    seconds = float(subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", song],
                                   check=True, capture_output=True, text=True).stdout)
    return song, seconds, given.name if given.exists() else "pink noise"


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        song, seconds, title = prepare(folder)
        print(f"{title}, {seconds:.0f} s, FLAC; load {os.getloadavg()[0]:.1f}")
        print(f"{'rendition':10} {'x real time':>12} {'ffmpeg':>8} {'ratio':>6} {'first ms':>9} {'wall x':>7}")
        for rendition, bar in BARS.items():
            cache = folder / rendition
            out, cpu = cpu_of([TOOL, WORKER, "package", rendition, cache, song, "/dev/null"])
            said = json.loads(out)
            _, peer = cpu_of(["ffmpeg", "-v", "error", "-y", "-threads", "1", "-i", song, "-c:a", *PEERS[rendition], "-f", "matroska", "/dev/null"])
            first_ms = said["first_us"] / 1000
            is_good = seconds / cpu >= bar and first_ms <= FIRST_MS
            failed += not is_good
            print(f"{rendition:10} {seconds / cpu:12.0f} {seconds / peer:8.0f} {peer / cpu:6.2f} {first_ms:9.0f} "
                  f"{seconds * 1e6 / said['all_us']:7.0f}  {'PASS' if is_good else 'FAIL'} (bar {bar})")
    return failed > 0


sys.exit(main())
