#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Packaging: how many times faster than real time each rendition is encoded by one core, and how soon a cold track sounds.

    script/bench package [SONG]        default: a demo song of the Wesnoth music package, else generated

Peer, in the same run: ffmpeg's command line encoding the same song to the same codec and rate.  Bars: 50 times real time
per core (aac-256: 40) by the worker's CPU time, first segment of a cold track within 300 ms, by the 95th percentile of 20
tracks (5 each of FLAC, MP3, AAC, Opus) that are tapped one after the other; and the same beside niced load, for comparison.
"""
import math
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
SOURCES = {"flac": ["flac"], "mp3": ["libmp3lame", "-b:a", "192k"], "m4a": ["aac", "-b:a", "192k"], "opus": ["libopus", "-b:a", "128k"]}
EACH, PIECE_S = 5, 20


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


def cold_tracks(song, folder):
    """Pieces of the song in the usual forms: 20 tracks that nobody has heard yet."""
    tracks = []
    for number in range(EACH):
        for suffix, codec in SOURCES.items():
            track = folder / f"{number}.{suffix}"
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-ss", str(number * PIECE_S), "-i", song, "-t", str(PIECE_S), "-c:a", *codec, track], check=True)
            tracks.append(track)
    return tracks


def first_ms(rendition, tracks, folder):
    """From tap to first segment, of each track that has the rendition: median and 95th percentile."""
    if rendition == "flac":
        tracks = [track for track in tracks if track.suffix == ".flac"]
    out = subprocess.run([TOOL, WORKER, "cold", rendition, folder, *tracks], check=True, capture_output=True, text=True).stdout
    times = sorted(int(line.split()[0]) / 1000 for line in out.splitlines())
    return times[len(times) // 2], times[math.ceil(len(times) * 0.95) - 1]


class NicedLoad:
    """As many busy processes as there are processors, niced by 10."""
    def __enter__(self):
        self.processes = [subprocess.Popen(["nice", "-n", "10", "sh", "-c", "while :; do :; done"]) for _ in range(os.cpu_count())]

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        song, seconds, title = prepare(folder)
        tracks = cold_tracks(song, folder)
        print(f"{title}, {seconds:.0f} s, FLAC; {len(tracks)} cold tracks; load {os.getloadavg()[0]:.1f}")
        print(f"{'rendition':10} {'x real time':>12} {'ffmpeg':>8} {'ratio':>6} {'first ms p50':>13} {'p95':>5} {'beside load p50':>16} {'p95':>5}")
        for rendition, bar in BARS.items():
            _, cpu = cpu_of([TOOL, WORKER, "package", rendition, folder / rendition, song, "/dev/null"])
            _, peer = cpu_of(["ffmpeg", "-v", "error", "-y", "-threads", "1", "-i", song, "-c:a", *PEERS[rendition], "-f", "matroska", "/dev/null"])
            p50, p95 = first_ms(rendition, tracks, folder / f"{rendition}-alone")
            with NicedLoad():
                busy50, busy95 = first_ms(rendition, tracks, folder / f"{rendition}-beside")
            is_good = seconds / cpu >= bar and p95 <= FIRST_MS
            failed += not is_good
            print(f"{rendition:10} {seconds / cpu:12.0f} {seconds / peer:8.0f} {peer / cpu:6.2f} {p50:13.0f} {p95:5.0f} {busy50:16.0f} {busy95:5.0f}  "
                  f"{'PASS' if is_good else 'FAIL'} (bar {bar})", flush=True)
    return failed > 0


sys.exit(main())
