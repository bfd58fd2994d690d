#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gapless: one recording, cut at odd samples, encoded piece by piece, decoded and joined, is the recording.

usage: test_gapless.py MEDIA_TOOL WORKER                    prints TAP

Length is exact after the trims that the index says; FLAC is bit-exact; for lossy renditions the error within 50 ms of a
seam is at most 3 dB over the median of the recording's windows.  A song's windows differ by 20 dB whether it is cut or
not, so there the same windows of the song encoded in one piece are the measure.
"""
import array
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile

TOOL, WORKER = sys.argv[1:3]
WESNOTH = "/usr/share/games/wesnoth/1.16/data/core/music/vengeful.ogg"
CUTS = [0, 200003, 409601, 700001]  # samples: none at a boundary of packets
count = failures = 0


def ok(holds, claim, detail=""):
    global count, failures
    count += 1
    failures += not holds
    print(f"{'' if holds else 'not '}ok {count} - {claim}", flush=True)
    if not holds:
        print("#", str(detail)[:800])


def run(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=120, **more).stdout


def floats(*arguments):
    return array.array("f", run("ffmpeg", "-v", "error", *arguments, "-f", "f32le", "-ac", 2, "-"))


def generate(path, rate):
    """Chords that drift, and some noise: nothing repeats at the length of a packet, and no moment is harder than another."""
    left = "0.2*sin(2*PI*t*(180+7*t))+0.15*sin(2*PI*523.3*t+sin(3*t))+0.1*sin(2*PI*90*t)+0.06*(random(0)-0.5)"
    right = "0.2*sin(2*PI*t*(241+5*t))+0.15*sin(2*PI*659.1*t)+0.1*sin(2*PI*90*t)+0.06*(random(1)-0.5)"
    run("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"aevalsrc='{left}|{right}':s={rate}:d={CUTS[-1] / rate + 1}", "-c:a", "flac", path)


def cut(whole, rate, folder):
    """Its pieces as FLAC files."""
    for number, (begin, end) in enumerate(zip(CUTS, CUTS[1:])):
        piece = folder / f"{number}.flac"
        run("ffmpeg", "-v", "error", "-y", "-i", whole, "-af", f"atrim=start_sample={begin}:end_sample={end}", "-ar", rate, "-c:a", "flac", piece)
        yield piece, end - begin


def package(rendition, source, out, scratch):
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        return json.loads(run(TOOL, WORKER, "package", rendition, folder, source, out))


def decode(out, said):
    """Every sample that the decoder gives, then the trims."""
    all_samples = floats("-flags2", "+skip_manual", "-i", out)
    total = len(all_samples) // 2
    begin = said["priming"]
    return total, all_samples[2 * begin:2 * (begin + said["length"])]


def windows(truth, heard, begin, end, step):
    """Root mean square of the error in each window of `step` samples."""
    for at in range(begin, end - step + 1, step):
        yield math.sqrt(sum((a - b) ** 2 for a, b in zip(truth[2 * at:2 * (at + step)], heard[2 * at:2 * (at + step)])) / (2 * step))


def seam_errors_db(truth, heard, rate):
    """Of the 100 ms around each seam, over the median of all such windows."""
    half = rate // 20
    median = statistics.median(windows(truth, heard, 0, CUTS[-1], 2 * half))
    return [20 * math.log10(next(windows(truth, heard, seam - half, seam + half, 2 * half)) / median) for seam in CUTS[1:-1]]


def check(name, whole, rate, rendition, scratch, is_even=True):
    truth = floats("-i", whole, "-af", f"atrim=end_sample={CUTS[-1]}")
    heard = array.array("f")
    for piece, samples in cut(whole, rate, scratch):
        out = scratch / "out.mp4"
        said = package(rendition, piece, out, scratch)
        total, kept = decode(out, said)
        ok(said["source_samples"] == samples and said["length"] == samples and len(kept) == 2 * samples
           and total == said["priming"] + samples + said["trim_end"],
           f"{name}, {rendition}: {samples} samples are {samples} samples", (said, total, len(kept)))
        heard += kept
    if rendition == "flac":
        ok(heard == truth, f"{name}, flac: bit for bit")
        return
    errors = seam_errors_db(truth, heard, rate)
    if is_even:
        ok(max(errors) <= 3, f"{name}, {rendition}: at the seams the error is {max(errors):.1f} dB over the median", errors)
        return
    said = package(rendition, whole, scratch / "out.mp4", scratch)
    uncut = seam_errors_db(truth, decode(scratch / "out.mp4", said)[1], rate)
    excess = max(joined - once for joined, once in zip(errors, uncut))
    ok(excess <= 3, f"{name}, {rendition}: at the seams the error is {excess:.1f} dB over that of the whole, uncut", (errors, uncut))


def test_resampled(whole, scratch):
    """Opus of 44.1 kHz has 48 kHz: as many samples as that many microseconds have."""
    piece, samples = next(iter(cut(whole, 44100, scratch)))
    said = package("opus-128", piece, scratch / "out.mp4", scratch)
    total, kept = decode(scratch / "out.mp4", said)
    ok(said["length"] == -(-samples * 48000 // 44100) and len(kept) == 2 * said["length"] and said["source_samples"] == samples,
       "resampled, the length is the source's, rounded up to a sample", said)


def main():
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        generate(scratch / "made44.flac", 44100)
        generate(scratch / "made48.flac", 48000)
        recordings = [("generated", scratch / "made44.flac", 44100)]
        if pathlib.Path(WESNOTH).exists():
            run("ffmpeg", "-v", "error", "-ss", 20, "-t", 18, "-i", WESNOTH, "-sample_fmt", "s16", "-c:a", "flac", scratch / "wesnoth.flac")
            recordings.append(("a demo song", scratch / "wesnoth.flac", 44100))
        for name, whole, rate in recordings:
            is_even = name == "generated"
            for rendition in ("aac-64", "aac-128", "aac-256", "flac") if is_even else ("aac-128",):
                check(name, whole, rate, rendition, scratch, is_even)
        check("generated at 48 kHz", scratch / "made48.flac", 48000, "opus-128", scratch)
        test_resampled(scratch / "made44.flac", scratch)
    print(f"1..{count}")
    return failures > 0


sys.exit(main())
