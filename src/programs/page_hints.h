// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * page_hints: what a browser will need for the player's page, told before the page (103 Early
 * Hints, RFC 8297).
 *
 * Read from the built page at start: its style sheets and module scripts (also those that it
 * preloads), and the font of its first
 * words.  Names that do not stand in the page as our build writes them are left out: a hint may be
 * missing, never wrong.
 */
enum { PAGE_HINTS_MAX = 6, PAGE_HINT_MAX_BYTES = 160 };

struct page_hints {
    size_t count;
    struct text links[PAGE_HINTS_MAX]; /* values of Link fields, in `storage` */
    char storage[PAGE_HINTS_MAX][PAGE_HINT_MAX_BYTES];
};

/* `font` is a path, or empty. */
void page_hints_read(struct page_hints *hints, struct text page, struct text font);
