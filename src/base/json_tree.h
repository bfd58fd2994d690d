// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"

/*
 * json_tree: reads one JSON text (RFC 8259) into nodes of an arena, for what arrives too often for
 * jansson.
 *
 * It accepts what jansson accepts with JSON_REJECT_DUPLICATES, and reads the same values
 * (tests/fuzz/fuzz_json_tree.c asks both; a NUL anywhere is refused, jansson loses some): an object
 * or array at the top, UTF-8, no NUL in texts, no member twice, integers of 64 bits, reals that are
 * finite, 2048 deep; memory within the arena's ceiling.  No recursion.  Texts without escapes are
 * borrowed from the bytes, others lie in the arena; nothing is freed singly.
 */
enum json_kind {
    JSON_NODE_NULL,
    JSON_NODE_BOOL,    /* integer: 0 or 1 */
    JSON_NODE_INTEGER, /* integer */
    JSON_NODE_REAL,    /* text: as sent */
    JSON_NODE_TEXT,    /* text */
    JSON_NODE_ARRAY,   /* text: as sent, from bracket to bracket */
    JSON_NODE_OBJECT,  /* the same */
};

struct json_node {
    enum json_kind kind;
    bool is_odd;      /* has escapes, reals or "-0" in it: two ways to write the same */
    struct text name; /* within an object */
    struct text text;
    int64_t integer;
    size_t count; /* members or items */
    struct json_node *first, *next;
    struct json_node *_parent, *_last;
};

/* NULL with static words in *ret_why for anything but one whole JSON text. */
struct json_node *json_tree_read(struct arena *arena, struct text bytes,
                                 const char **ret_why) MUST_USE;
/* The member of an object; NULL when it has none of that name, or is NULL or no object. */
const struct json_node *json_tree_member(const struct json_node *object, struct text name);
/* The first item of an array, then `next`; NULL for anything else. */
const struct json_node *json_tree_items(const struct json_node *array);

static inline bool json_tree_is(const struct json_node *node, enum json_kind kind)
{
    return node && node->kind == kind;
}

/* A node's JSON without the space between its parts: borrowed when there is none, else in the
 * arena (data NULL past its ceiling). */
struct text json_tree_compact(const struct json_node *node, struct arena *arena) MUST_USE;
