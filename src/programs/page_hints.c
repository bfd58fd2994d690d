// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/page_hints.h"

#include <stdio.h>
#include <string.h>

static void add(struct page_hints *hints, struct text path, const char *how)
{
    if (hints->count == PAGE_HINTS_MAX || !text_starts(path, TEXT("/")) ||
        text_find_byte(path, '>') != SIZE_MAX)
        return;
    char *out = hints->storage[hints->count];
    int size = snprintf(out, PAGE_HINT_MAX_BYTES, "<%.*s>; %s", TEXT_ARGS(path), how);
    if (size > 0 && size < PAGE_HINT_MAX_BYTES)
        hints->links[hints->count++] = text_make(out, (size_t)size);
}

/* Every `before`PATH" of the page. */
static void add_each(struct page_hints *hints, struct text page, struct text before,
                     const char *how)
{
    for (size_t at; (at = text_find(page, before)) != SIZE_MAX;) {
        page = text_from(page, at + before.size);
        size_t end = text_find_byte(page, '"');
        if (end != SIZE_MAX)
            add(hints, text_make(page.data, end), how);
    }
}

void page_hints_read(struct page_hints *hints, struct text page, struct text font)
{
    *hints = (struct page_hints){0};
    add_each(hints, page, TEXT("<link rel=\"stylesheet\" href=\""), "rel=preload; as=style");
    add_each(hints, page, TEXT("<link rel=\"modulepreload\" href=\""), "rel=modulepreload");
    add_each(hints, page, TEXT("<script type=\"module\" src=\""), "rel=modulepreload");
    add(hints, font, "rel=preload; as=font; type=font/woff2; crossorigin");
}
