#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes public cache traces, fetched by hand, into what bench/eviction reads: pairs of little-endian u32, object and size.

    bench/eviction_traces.py RAW_FOLDER OUT_FOLDER

RAW_FOLDER holds what is found of: request.trace.xz (AdaptSize), web07, web12, orm-busy, orm-night .trace.xz (cache2k),
scarab-recs.trace.xz, w106.trace.xz (CloudPhysics), 2_pools, multi3, sprite .trace.gz (LIRS), all of ben-manes/caffeine,
simulator/src/main/resources; and cloudPhysicsIO.csv of 1a1a11a/libCacheSim, data/.  Nothing of theirs is kept here.
"""
import array
import gzip
import lzma
import pathlib
import sys


def words(data, size, order):
    return [int.from_bytes(data[at:at + size], order) for at in range(0, len(data) - size + 1, size)]


def columns(text, separator, key, size, skip=0):
    rows = [line.split(separator) for line in text.decode().splitlines()[skip:] if line.strip()]
    return [(row[key], int(row[size])) for row in rows]


def unit(keys):
    return [(key, 1) for key in keys]


READERS = {
    "request.trace.xz": ("adaptsize", lambda data: [((key, size), size) for key, size in columns(data, " ", 1, 2)]),
    "web07.trace.xz": ("web07", lambda data: unit(words(data, 4, "big"))),
    "web12.trace.xz": ("web12", lambda data: unit(words(data, 4, "big"))),
    "orm-busy.trace.xz": ("orm-busy", lambda data: unit(words(data, 4, "big"))),
    "orm-night.trace.xz": ("orm-night", lambda data: unit(words(data, 4, "big"))),
    "scarab-recs.trace.xz": ("scarab", lambda data: unit(words(data, 8, "big"))),
    "w106.trace.xz": ("w106", lambda data: unit(words(data, 4, "little"))),
    "2_pools.trace.gz": ("2_pools", lambda data: unit(data.split())),
    "multi3.trace.gz": ("multi3", lambda data: unit(data.split())),
    "sprite.trace.gz": ("sprite", lambda data: unit(data.split())),
    "cloudPhysicsIO.csv": ("cloudphysics", lambda data: columns(data, ",", 4, 3, skip=1)),
}


def contents(path):
    opener = {".xz": lzma.open, ".gz": gzip.open}.get(path.suffix, open)
    with opener(path, "rb") as file:
        return file.read()


def main(raw, out):
    out.mkdir(parents=True, exist_ok=True)
    for name, (trace, read) in READERS.items():
        if not (raw / name).is_file():
            print(f"{trace:14} absent")
            continue
        ids, pairs = {}, array.array("I")
        for key, size in read(contents(raw / name)):
            pairs.append(ids.setdefault(key, len(ids)))
            pairs.append(max(1, min(size, 2**32 - 1)))
        if sys.byteorder == "big":
            pairs.byteswap()
        (out / f"{trace}.bin").write_bytes(pairs.tobytes())
        print(f"{trace:14} {len(pairs) // 2} requests, {len(ids)} objects")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
