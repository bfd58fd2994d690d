#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Segments that are not held when a listener asks for them, with and without fetching ahead, on the music workload.
#   script/bench prefetch [ASKS]
set -euo pipefail
cd "$(dirname "$0")/.."
build/release/bench/prefetch_bench "$@"
