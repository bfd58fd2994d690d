// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "edge/stored.h"
#include "http/caching_vary.h"

/*
 * variants: the list that lies under a URL whose responses vary (STORED_LIST of stored.h): under
 * which keys to look by it, and how it grows with each response.
 *
 * Pure.  A list holds STORED_SETS_MAX sets of Vary's names and STORED_LANGUAGES_MAX languages, the
 * newest first; what falls off its end is found no more, and is asked for again.
 */
enum { VARIANTS_MAX = STORED_SETS_MAX + STORED_LANGUAGES_MAX };

/* Appends to the URL's key what a response to `request` has by this entry of a list; false:
 * nothing can fit by it. */
static inline bool variants_key(const struct http_field *entry, struct caching_fields request,
                                struct buffer *key)
{
    struct text rest = entry->value, tag;
    if (text_equal(entry->name, TEXT("vary"))) {
        stored_variant(entry->value, request, key);
        return true;
    }
    if (!text_split(&rest, '\n', &tag) ||
        !text_equal_nocase(tag, caching_preferred_language(request)))
        return false;
    buffer_text(key, text_from(entry->value, tag.size));
    return true;
}

/* A response: the names that it varies by, its language (TEXT_NONE: it says none), and what its key
 * has behind the URL's. */
struct variant {
    struct text names, language, key;
};
/* The list with that response, and those of before behind it: how many entries; 0: `before` says
 * it already.  Texts are borrowed, or the arena's; without room there the language is left out. */
size_t variants_add(struct caching_fields before, const struct variant *newest, struct arena *arena,
                    struct http_field ret[VARIANTS_MAX]);
