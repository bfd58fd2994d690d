#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Misses of the cache's own eviction beside LRU, FIFO and what could be had with the future known.
#   script/bench eviction [FOLDER [MAX_ASKS]]     FOLDER: public traces as bench/eviction_traces.py makes them; without: music alone
set -euo pipefail
cd "$(dirname "$0")/.."
build/release/bench/eviction_bench "$@"
