// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdint.h>

/*
 * fleet_library: music for a drill, made byte by byte: silent MP3 files of the right length and bit
 * rate, tagged, each with bytes of its own so that each has an audio id of its own.
 *
 *   Artist 01/Album 01/01 Track.mp3     ten tracks an album, two albums an artist
 *
 * MPEG-1 layer III, 48 kHz, mono: a frame of 24 ms is 3 bytes per kbit/s long (ISO
 * 11172-3 2.4.3.1), its side information is all zero, and what follows is ancillary data.
 */
struct fleet_library {
    unsigned tracks, seconds, kbit;
};
/* Into `folder`, which is made.  0 or -errno. */
int fleet_library_make(const char *folder, const struct fleet_library *library) MUST_USE;
