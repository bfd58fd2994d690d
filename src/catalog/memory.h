// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/build.h"
#include "catalog/catalog.h"
#include "catalog/segment.h"

/*
 * catalog/memory: hosted ways to a segment and to a snapshot: digests, the heap, and builds that
 * never see a disk (tests, benchmarks, the fuzzers).
 */

/* SHA-256 of the object is the one in its header. */
bool segment_digest_is_right(struct text object) MUST_USE;

/* A snapshot over finished builds, oldest first; frees them.  NULL when one dangles (our bug in the
 * caller's rows). */
struct catalog *catalog_of_builds(struct build **builds, size_t count) MUST_USE;

/* A snapshot over objects given as bytes, core and detail (may be empty) alternating, which are
 * copied; checks digests unless told not to.  NULL when one is refused. */
struct catalog *catalog_of_objects(const struct text *objects, size_t count,
                                   bool check_digests) MUST_USE;
