// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * cache_pages: memory whose pages a socket may take by reference; where large chunks lie; internal.
 *
 *     class 16 KiB    class 32 KiB              …    class 2 MiB: huge pages
 *     [run][run] … ──▶[run   ][run   ] … ──────▶     [run     …
 *     2 × limit       2 × limit                      2 × limit          of addresses, not of memory
 *
 * A run takes the memory of its own pages only, however large its class is.  More than half of a
 * run's class is its own, so runs of one class that take `limit` bytes together fit into twice as
 * many addresses: nothing is ever fragmented.  The largest class is of whole huge pages, which cost
 * a socket half of what small ones do (docs/decisions/029); the others decline them, since a run
 * would take more memory than it has bytes.
 *
 * A socket may hold pages long after they were given back here (vmsplice(2)).  So a run that is
 * given back is unmapped: the socket keeps its pages as they were, and whoever gets the run next
 * gets other ones.  Private anonymous memory has no other way to lose a page than that: the kernel
 * never zeroes one in place, as it would in a file.
 *
 * For any thread.  What cannot be had here (strict overcommit) is no failure: the caller takes
 * ordinary memory, and sends by copying.
 */
struct pages;
enum { PAGES_LEAST = 16 << 10, PAGES_MOST = 2 << 20 };

struct pages_run {
    char *bytes; /* aligned to pages */
    size_t size; /* as asked for, and up to the end of its last page */
};

/* For runs of `limit_bytes` together; NULL when there are not so many addresses. */
struct pages *pages_new(uint64_t limit_bytes) MUST_USE;
void pages_free(struct pages **pages); /* all runs are back */

/* Bytes that a run of `size` takes. */
size_t pages_round(const struct pages *pages, size_t size);
/* PAGES_LEAST to PAGES_MOST bytes, zeros.  False: there is no memory for it. */
bool pages_take(struct pages *pages, size_t size, struct pages_run *ret) MUST_USE;
/* Keeps the first `size` bytes, and what pages_round() makes of them. */
void pages_trim(struct pages *pages, struct pages_run *run, size_t size);
void pages_give_back(struct pages *pages, const struct pages_run *run);
