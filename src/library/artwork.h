// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "library/lookup.h"
#include "media/pool.h"

/*
 * artwork: pictures in the fixed ladder of sizes, made once and kept.
 *
 *   STATE/cache/art/ab/ab…cd-300.webp      ab…cd: the 32 hex digits of the digest
 *
 * A file is the picture, then a trailer: "sostart1" and the SHA-256 of the picture (Repr-Digest).
 * One without it was not written to its end, or by an older version: it is made again.
 *
 * One production per (digest, size, format) however many ask; those who ask meanwhile wait, up to a
 * limit.  When the folder passes its size, what was asked for least recently goes first, down to
 * nine tenths.  A file's date of change is its date of use (to the hour).  Everything in there can
 * be deleted at any time.
 */
enum {
    ARTWORK_MAX_IN_FLIGHT = 32, /* different pictures being made */
    ARTWORK_MAX_WAITING = 256,
    ARTWORK_MAX_IMAGE_BYTES = 8 << 20,
};
#define ARTWORK_DEFAULT_BYTES (UINT64_C(1) << 30)

struct artwork;

struct artwork_config {
    struct lookup *lookup;
    struct media_pool *media;
    const char *state_folder; /* copied */
    uint64_t max_bytes;       /* 0: the default */
};
struct artwork *artwork_new(const struct artwork_config *config) MUST_USE;
void artwork_free(struct artwork **artwork);

/* As library_open_artwork(), library_open_artwork_cached() (library.h). */
int artwork_open(struct artwork *artwork, const uint8_t digest[16], uint32_t size_px,
                 enum library_art_format format, struct library_art *ret) MUST_USE;
int artwork_open_cached(struct artwork *artwork, const uint8_t digest[16], uint32_t size_px,
                        enum library_art_format format, struct library_art *ret) MUST_USE;

uint32_t artwork_ladder(uint32_t size_px); /* 64 128 300 600 1200 */
