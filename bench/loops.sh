#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a message between loops costs, and a request that is read on one loop and handled on another.
#   script/bench loops [REQUESTS]
set -euo pipefail
cd "$(dirname "$0")/.."
build/release/bench/loops_bench "$@"
