// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/json.h"
#include "media/packager.h"

/*
 * manifest: the JSON body of /m/{track}/manifest (docs/formats/manifest.md): which renditions a
 * track has, how they are cut, and the digests of what is encoded.
 */
enum { MANIFEST_NO_GAIN = INT32_MIN };
struct manifest_loudness {
    int32_t gain_mdb, album_gain_mdb;  /* thousandths of a dB; MANIFEST_NO_GAIN */
    uint32_t peak_ppm, album_peak_ppm; /* 0: unknown */
    bool is_measured;
};
struct manifest {
    struct text track; /* its id, "tr-…" */
    struct rendition_source source;
    struct manifest_loudness loudness;
    struct package_view views[RENDITION_COUNT];
    bool is_offered[RENDITION_COUNT];
};
/* -18 LUFS is the reference (ReplayGain 2.0). */
int32_t manifest_gain_of(int32_t loudness_mlufs);
/* Bits per second with boxes: of the largest segment and of all; estimates until it is complete. */
struct manifest_rates {
    uint64_t peak, average;
};
struct manifest_rates manifest_rates(const struct manifest *manifest, enum rendition rendition);
bool manifest_is_provisional(const struct manifest *manifest);
void manifest_write(const struct manifest *manifest, struct buffer *out);
