// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/depot.h"
#include "catalog/published.h"

/*
 * catalogs: the copies of the origin's catalogues: one depot a library, and the lists that are
 * wanted but lack objects.
 *
 *     catalogs_want(list) ─▶ catalogs_lacking() ─▶ begin, write, end … ─▶ none lacks ─▶ adopted
 *
 * BLOCKS on the disk; one thread.  What it gives out (snapshots, shelves) is for any.
 */
struct catalogs;

enum { CATALOGS_MOST = 32 };

/* Opens every depot that is there.  `folder` is STATE/catalog, made when missing; 0 or -errno. */
int catalogs_open(const char *folder, struct catalogs **ret) MUST_USE;
void catalogs_close(struct catalogs **catalogs); /* accepts NULL inside */

/* NULL: no catalogue of this library was ever taken into use.  Borrowed until the next change. */
const struct list *catalogs_held(const struct catalogs *catalogs, int library);
struct catalog *catalogs_snapshot(const struct catalogs *catalogs) MUST_USE;
void catalogs_shelves(const struct catalogs *catalogs, struct shelf *ret[CATALOGS_MOST]);

enum catalogs_verdict {
    CATALOGS_ADOPTED, /* it is the current one now */
    CATALOGS_LACKS,   /* objects: catalogs_lacking() names the next */
    CATALOGS_HELD,    /* it was already, or something newer is */
    CATALOGS_BAD,     /* refused, *ret_why says why; what is held stays */
};
/* The body of a verified list.  Replaces what was wanted of that library before. */
enum catalogs_verdict catalogs_want(struct catalogs *catalogs, int library, struct text body,
                                    const char **ret_why) MUST_USE;
/* The next object to fetch; false when nothing is wanted any more. */
struct catalogs_object {
    int library;
    struct published_object object;
};
bool catalogs_lacking(struct catalogs *catalogs, struct catalogs_object *ret) MUST_USE;
void catalogs_forget(struct catalogs *catalogs, int library); /* what is wanted of it */

/* That object, as it comes.  0 or -errno; see catalog/intake.h. */
int catalogs_begin(struct catalogs *catalogs, const struct catalogs_object *object) MUST_USE;
int catalogs_write(struct catalogs *catalogs, struct text piece) MUST_USE;
void catalogs_abort(struct catalogs *catalogs);
/* The object is whole: as catalogs_want(). */
enum catalogs_verdict catalogs_end(struct catalogs *catalogs, const char **ret_why) MUST_USE;
