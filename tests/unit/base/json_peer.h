// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/json_tree.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* json_peer: whether json_tree and jansson say the same about some bytes. */
static inline bool peer_same(const struct json_node *ours, const json_t *theirs);

static inline bool peer_same_list(const struct json_node *ours, const json_t *theirs)
{
    bool is_object = json_is_object(theirs);
    size_t count = is_object ? json_object_size(theirs) : json_array_size(theirs), i = 0;
    const struct json_node *item = ours->first;
    for (; item; item = item->next, i++) {
        const json_t *other = is_object ? json_object_getn(theirs, item->name.data, item->name.size)
                                        : json_array_get(theirs, i);
        if (!other || !peer_same(item, other))
            return false;
    }
    return i == count && ours->count == count;
}

static inline bool peer_same(const struct json_node *ours, const json_t *theirs)
{
    switch (ours->kind) {
    case JSON_NODE_NULL:
        return json_is_null(theirs);
    case JSON_NODE_BOOL:
        return json_is_boolean(theirs) && json_is_true(theirs) == (ours->integer == 1);
    case JSON_NODE_INTEGER:
        return json_is_integer(theirs) && json_integer_value(theirs) == ours->integer;
    case JSON_NODE_REAL: /* the end of a number is never part of one */
        return json_is_real(theirs) && !(strtod(ours->text.data, NULL) < json_real_value(theirs)) &&
               !(strtod(ours->text.data, NULL) > json_real_value(theirs));
    case JSON_NODE_TEXT:
        return json_is_string(theirs) &&
               text_equal(ours->text,
                          text_make(json_string_value(theirs), json_string_length(theirs)));
    case JSON_NODE_ARRAY:
        return json_is_array(theirs) && peer_same_list(ours, theirs);
    case JSON_NODE_OBJECT:
        return json_is_object(theirs) && peer_same_list(ours, theirs);
    }
    return false;
}

/* What is not odd has one compact form, and it is jansson's. */
static inline bool peer_same_form(const struct json_node *ours, const json_t *theirs,
                                  struct arena *arena)
{
    char *words = ours->is_odd ? NULL : json_dumps(theirs, JSON_COMPACT);
    bool is_same = ours->is_odd || text_equal(json_tree_compact(ours, arena), text_of(words));
    free(words);
    return is_same;
}

/* jansson loses a NUL behind a number or a word; we refuse every one. */
static inline bool peer_agrees(struct text bytes)
{
    const char *why;
    struct arena *arena = arena_new(64 << 20);
    const struct json_node *ours = json_tree_read(arena, bytes, &why);
    json_t *theirs =
        bytes.size ? json_loadb(bytes.data, bytes.size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    bool has_nul = bytes.size && memchr(bytes.data, 0, bytes.size);
    bool agrees =
        has_nul ? !ours
                : !ours == !theirs &&
                      (!ours || (peer_same(ours, theirs) && peer_same_form(ours, theirs, arena)));
    json_decref(theirs);
    arena_free(&arena);
    return agrees;
}
