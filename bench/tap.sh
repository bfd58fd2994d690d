#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# From a tap in the player to sound, in Chromium on loopback: songs that nobody played yet, and the same once they are encoded
# (bench/tap.mjs says how).
#   script/bench tap [--edge]
set -euo pipefail
cd "$(dirname "$0")/.."
SOSTENUTO=${SOSTENUTO:-$PWD/build/release/sostenuto} exec node bench/tap.mjs "$@"
