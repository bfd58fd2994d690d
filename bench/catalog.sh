#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The catalogue at a million tracks against SQLite FTS5 over the same rows (bench/catalog.c says how).
#   script/bench catalog [TRACKS] [QUERIES] [FTS_QUERIES]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=build/bench/catalog
rm -rf "$folder"
mkdir -p "$folder"
trap 'rm -rf "$folder"' EXIT
build/release/bench/catalog_bench "$folder" "$@"
