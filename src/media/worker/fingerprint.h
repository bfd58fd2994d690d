// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/worker/source.h"

/*
 * fingerprint: the audio id of docs/formats/ids.md as it is being made: SHA-256 over a kind,
 * numbers and bytes of the payload.  A read that fails sets `has_failed`; check once at the end.
 */
enum {
    FINGERPRINT_WHOLE_BYTES = 32 * 1024,
    FINGERPRINT_SAMPLE_BYTES = 8 * 1024,
    FINGERPRINT_SAMPLES = 4
};

struct fingerprint {
    void *algorithm,
        *hash; /* EVP_MD, EVP_MD_CTX: kept from file to file, fetching costs more than hashing */
    bool has_failed;
};

void fingerprint_init(struct fingerprint *fingerprint);
void fingerprint_release(struct fingerprint *fingerprint);

void fingerprint_begin(struct fingerprint *fingerprint, struct text kind);
void fingerprint_bytes(struct fingerprint *fingerprint, const void *bytes, size_t size);
void fingerprint_u64(struct fingerprint *fingerprint, uint64_t value); /* little-endian */
/* A stretch of the file, whole. */
void fingerprint_stretch(struct fingerprint *fingerprint, struct source *source, uint64_t offset,
                         size_t size);
/* Its size, then all of it when it has at most FINGERPRINT_WHOLE_BYTES, else its evenly spread
 * samples. */
void fingerprint_region(struct fingerprint *fingerprint, struct source *source, uint64_t begin,
                        uint64_t end);
bool fingerprint_end(struct fingerprint *fingerprint, uint8_t ret_id[MEDIA_ID_BYTES]) MUST_USE;
