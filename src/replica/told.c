// SPDX-License-Identifier: GPL-3.0-or-later
#include "replica/told.h"

#include "base/json_tree.h"
#include "replica/course.h"

static void read_object(struct told *told, struct text name)
{
    uint64_t library;
    for (size_t i = 0; i < TOLD_SMALL; i++)
        if (text_equal(name, text_of(replica_small_names[i])))
            told->small[i] = true;
    if (text_starts(name, TEXT("/catalog/")) &&
        text_to_u64(text_from(name, sizeof("/catalog/") - 1), &library) && library >= 1 &&
        library <= CATALOGS_MOST)
        told->lists |= UINT32_C(1) << (library - 1);
}

static bool read_objects(const struct json_node *objects, struct told *told)
{
    if (!json_tree_is(objects, JSON_NODE_ARRAY))
        return false;
    for (const struct json_node *each = json_tree_items(objects); each; each = each->next) {
        const struct json_node *name = json_tree_member(each, TEXT("name"));
        if (json_tree_is(name, JSON_NODE_TEXT))
            read_object(told, name->text);
    }
    return true;
}

static bool read_states(struct arena *arena, const struct json_node *states, struct told *told)
{
    if (!json_tree_is(states, JSON_NODE_ARRAY) || states->count > TOLD_ACCOUNTS)
        return false;
    struct uid *accounts = arena_alloc(arena, (states->count + 1) * sizeof *accounts);
    if (!accounts)
        return false;
    for (const struct json_node *each = json_tree_items(states); each; each = each->next) {
        const struct json_node *account = json_tree_member(each, TEXT("account"));
        if (json_tree_is(account, JSON_NODE_TEXT) &&
            uid_from_text(account->text, &accounts[told->account_count]))
            told->account_count++;
    }
    told->accounts = accounts;
    return true;
}

static bool read_next(const struct json_node *next, struct told *told)
{
    told->has_more = next != NULL;
    return !next || (json_tree_is(next, JSON_NODE_TEXT) && uid_from_text(next->text, &told->next));
}

/* What goes back into a URL. */
static bool is_cursor(const struct json_node *node)
{
    if (!json_tree_is(node, JSON_NODE_TEXT) || node->text.size == 0 ||
        node->text.size > TOLD_CURSOR_BYTES)
        return false;
    for (size_t i = 0; i < node->text.size; i++) {
        char c = node->text.data[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            c != '.' && c != '-' && c != '_')
            return false;
    }
    return true;
}

bool told_read(struct arena *arena, struct text bytes, struct told *ret)
{
    const char *why;
    struct told told = {.account_count = 0};
    const struct json_node *answer = json_tree_read(arena, bytes, &why);
    const struct json_node *cursor = json_tree_member(answer, TEXT("cursor"));
    if (!is_cursor(cursor) || !read_objects(json_tree_member(answer, TEXT("objects")), &told) ||
        !read_states(arena, json_tree_member(answer, TEXT("states")), &told) ||
        !read_next(json_tree_member(answer, TEXT("next")), &told))
        return false;
    told.cursor = cursor->text;
    *ret = told;
    return true;
}
