// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * digest_table: digests by track, packed: a library of 100,000 tracks takes 7 to 10 MB.
 *
 * Entries lie one behind the other and never move apart; an index of their numbers is searched by
 * linear probing and at most half full.  Not for two threads at once.
 */
enum { DIGEST_SHA256_BYTES = 32 };

struct digest_entry {
    uint8_t track[16];
    uint64_t version;   /* of the file: library_file.version */
    int64_t changed_ns; /* its inode's time of change (ctime) */
    uint8_t sha256[DIGEST_SHA256_BYTES];
};

struct digest_table {
    struct digest_entry *entries;
    size_t count, capacity, max;
    uint32_t *places; /* number of an entry + 1; 0: empty */
    size_t place_count;
    uint64_t seed;
};

void digest_table_init(struct digest_table *table, uint64_t seed, size_t max_entries);
void digest_table_release(struct digest_table *table);

/* Copies.  A track has one digest, the later one.  False: full. */
bool digest_table_put(struct digest_table *table, const struct digest_entry *entry) MUST_USE;
/* NULL: not there.  Borrowed until the next put. */
const struct digest_entry *digest_table_find(const struct digest_table *table,
                                             const uint8_t track[16]);
