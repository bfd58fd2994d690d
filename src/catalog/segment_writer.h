// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/build.h"
#include "catalog/format.h"

/*
 * catalog/segment_writer: columns of values, wherever they lie, out as a segment's two objects
 * (format.h).
 *
 * Each object is produced twice from the same sources, once for its digest, which stands in its
 * header, and once for the sink; so nothing but the header is ever held whole.
 */

/* The value of row i: at base + stride * order[i], then through map unless it is UINT32_MAX. */
struct column_source {
    const char *base; /* NULL: the table has no rows */
    size_t stride;
    const uint32_t *order, *map; /* NULL: as it is */
    bool is_count; /* START: the values are counts (u32) to be summed; else they are copied */
};

/* All borrowed. */
struct segment_source {
    uint8_t library;
    uint64_t number;
    uint32_t rows[TABLE_COUNT];
    struct column_source columns[COLUMN_COUNT];
};

/* Fills in digests and sizes.  False: the sink refused, and was not given the rest. */
bool segment_write(const struct segment_source *segment, build_sink *sink, void *context,
                   struct build_totals *ret) MUST_USE;
