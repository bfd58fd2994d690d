#!/usr/bin/env bash
# Durable operations a second through the write path, against SQLite's WAL on the same disk.
#   script/bench journal [FOLDER]      FOLDER on the disk to be measured; the default is build/
set -euo pipefail
exec build/release/bench/journal_bench "${1:-build}"
