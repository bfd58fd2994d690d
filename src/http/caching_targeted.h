// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/caching.h"

/*
 * caching_targeted: Cache-Control for caches like ours (RFC 9213): Sostenuto-CDN-Cache-Control,
 * else CDN-Cache-Control.  Dictionaries of structured fields (RFC 8941 3.2), read strictly: one
 * that does not parse, or is empty, counts as absent.
 */
bool caching_targeted_read(struct caching_fields response, struct caching_control *ret);

/* One member of a dictionary, parameters left out. */
enum caching_item {
    CACHING_ITEM_TRUE,
    CACHING_ITEM_FALSE,
    CACHING_ITEM_INTEGER,
    CACHING_ITEM_OTHER
};
struct caching_member {
    struct text key;
    enum caching_item type;
    int64_t integer;
    struct text text; /* of a string: between its quotes, escapes and all */
};
/* Takes the next off *rest: 1, 0 at the end, -1 when it is no dictionary. */
int caching_member_next(struct text *rest, struct caching_member *ret) MUST_USE;
