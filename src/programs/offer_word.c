// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/offer_word.h"

#include "api/rebuild.h"
#include "base/arena.h"
#include "base/json_tree.h"

enum { ARENA_BYTES = 64 << 10 };

static bool has_epoch(const struct json_node *answer)
{
    return json_tree_is(json_tree_member(answer, TEXT("epoch")), JSON_NODE_INTEGER);
}

static bool is_titled(const struct json_node *answer, const char *title)
{
    const struct json_node *member = json_tree_member(answer, TEXT("title"));
    return json_tree_is(member, JSON_NODE_TEXT) && text_equal(member->text, text_of(title));
}

static enum offer_word read_word(bool is_asking, unsigned status, const struct json_node *answer)
{
    if (is_asking && status == 200 && has_epoch(answer))
        return OFFER_TAKEN;
    if (status == 404 && is_titled(answer, REBUILD_TOLD))
        return OFFER_TOLD;
    if (status == 400 && is_titled(answer, REBUILD_NOT_AN_OFFER))
        return OFFER_REFUSED;
    if (status == 403 && is_titled(answer, REBUILD_NOT_YOURS))
        return OFFER_REFUSED;
    return OFFER_STRANGE;
}

enum offer_word offer_word_of(bool is_asking, unsigned status, struct text body)
{
    const char *why;
    if (!is_asking && status == 204)
        return OFFER_TAKEN;
    if (status == 429 || status == 503)
        return OFFER_BUSY;
    struct arena *arena = arena_new(ARENA_BYTES);
    enum offer_word word = read_word(is_asking, status, json_tree_read(arena, body, &why));
    arena_free(&arena);
    return word;
}
