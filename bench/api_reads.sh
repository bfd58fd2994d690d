#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every read of /rest on 100,000 made-up tracks: median and 99th percentile in ms, PASS when all p99 are under 10 ms.
#   script/bench api_reads [TRACKS] [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
build/release/bench/api_reads "$folder" "$@"
