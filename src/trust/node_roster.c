// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/node_roster.h"

#include "base/encode.h"
#include "base/json.h"
#include "base/json_tree.h"
#include "base/mem.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { ARENA_BYTES = 16 << 20 };
/* Long enough for everything that was signed for it, and an hour of skew. */
#define FORGET_S (60LL * 60)

static void make_lists(struct node_roster *roster)
{
    roster->edges = mem_zalloc((roster->limits.max_edges + 1) * sizeof *roster->edges);
    roster->invited = mem_zalloc((roster->limits.max_invites + 1) * sizeof *roster->invited);
}

void node_roster_init(struct node_roster *roster, const struct node_book_limits *limits)
{
    *roster = (struct node_roster){.limits = *limits};
    make_lists(roster);
}

struct node_roster node_roster_copy(const struct node_roster *roster)
{
    struct node_roster copy = *roster;
    make_lists(&copy);
    memcpy(copy.edges, roster->edges, copy.edge_count * sizeof *copy.edges);
    memcpy(copy.invited, roster->invited, copy.invited_count * sizeof *copy.invited);
    return copy;
}

void node_roster_release(struct node_roster *roster)
{
    mem_free(roster->edges);
    mem_free(roster->invited);
}

/* --- edges --- */

struct roster_edge *node_roster_by_key(const struct node_roster *roster,
                                       const uint8_t key[SIGNED_PUBLIC_BYTES])
{
    for (size_t i = 0; i < roster->edge_count; i++)
        if (memcmp(roster->edges[i].seat.key, key, SIGNED_PUBLIC_BYTES) == 0)
            return &roster->edges[i];
    return NULL;
}

struct roster_edge *node_roster_by_id(const struct node_roster *roster, struct uid id)
{
    for (size_t i = 0; i < roster->edge_count; i++)
        if (uid_equal(roster->edges[i].seat.id, id))
            return &roster->edges[i];
    return NULL;
}

struct roster_edge *node_roster_by_name(const struct node_roster *roster, struct text name)
{
    for (size_t i = 0; i < roster->edge_count; i++)
        if (roster->edges[i].seat.revoked_s == 0 &&
            text_equal(text_of(roster->edges[i].seat.name), name))
            return &roster->edges[i];
    return NULL;
}

struct roster_edge *node_roster_by_invitation(const struct node_roster *roster,
                                              const uint8_t digest[INVITATION_DIGEST_BYTES])
{
    struct roster_edge *found = NULL; /* as long for every one: the digest is a stranger's */
    for (size_t i = 0; i < roster->edge_count; i++)
        if (sodium_memcmp(roster->edges[i].digest, digest, INVITATION_DIGEST_BYTES) == 0)
            found = &roster->edges[i];
    return found;
}

struct roster_edge *node_roster_add(struct node_roster *roster, const struct roster_edge *edge)
{
    if (roster->edge_count >= roster->limits.max_edges)
        return NULL;
    struct roster_edge *added = &roster->edges[roster->edge_count++];
    *added = *edge;
    return added;
}

/* --- invitations --- */

struct roster_invited *node_roster_invited(const struct node_roster *roster,
                                           const uint8_t digest[INVITATION_DIGEST_BYTES])
{
    struct roster_invited *found = NULL;
    for (size_t i = 0; i < roster->invited_count; i++)
        if (sodium_memcmp(roster->invited[i].digest, digest, INVITATION_DIGEST_BYTES) == 0)
            found = &roster->invited[i];
    return found;
}

bool node_roster_invite(struct node_roster *roster, struct text name,
                        const uint8_t digest[INVITATION_DIGEST_BYTES], int64_t expires_s)
{
    if (roster->invited_count >= roster->limits.max_invites)
        return false;
    struct roster_invited *invited = &roster->invited[roster->invited_count++];
    *invited = (struct roster_invited){.expires_s = expires_s};
    (void)snprintf(invited->name, sizeof invited->name, "%.*s", TEXT_ARGS(name));
    memcpy(invited->digest, digest, sizeof invited->digest);
    return true;
}

void node_roster_drop(struct node_roster *roster, const struct roster_invited *invited)
{
    roster->invited[invited - roster->invited] = roster->invited[--roster->invited_count];
}

bool node_roster_uninvite(struct node_roster *roster, struct text name)
{
    size_t before = roster->invited_count;
    for (size_t i = before; i-- > 0;)
        if (text_equal(text_of(roster->invited[i].name), name))
            node_roster_drop(roster, &roster->invited[i]);
    return roster->invited_count < before;
}

void node_roster_forget(struct node_roster *roster, int64_t now_s)
{
    for (size_t i = roster->invited_count; i-- > 0;)
        if (roster->invited[i].expires_s <= now_s)
            node_roster_drop(roster, &roster->invited[i]);
    for (size_t i = roster->edge_count; i-- > 0;) {
        const struct node_seat *seat = &roster->edges[i].seat;
        if (seat->revoked_s && seat->until_s + FORGET_S < now_s)
            roster->edges[i] = roster->edges[--roster->edge_count];
    }
}

/* --- as bytes --- */

static void write_edge(struct json *json, const struct roster_edge *edge)
{
    json_begin_object(json);
    json_member_text(json, "name", text_of(edge->seat.name));
    json_member_bytes(json, "public", edge->seat.key, sizeof edge->seat.key);
    if (!node_seat_has_key(&edge->seat))
        json_member_bytes(json, "id", edge->seat.id.bytes, sizeof edge->seat.id.bytes);
    json_member_bytes(json, "invitation", edge->digest, sizeof edge->digest);
    json_member_u64(json, "may", edge->seat.may);
    json_member_i64(json, "joined", edge->seat.joined_s);
    json_member_i64(json, "until", edge->seat.until_s);
    json_member_i64(json, "revoked", edge->seat.revoked_s);
    json_name(json, "urls");
    json_begin_array(json);
    for (size_t i = 0; i < edge->url_count; i++)
        json_text(json, text_of(edge->urls[i]));
    json_end_array(json);
    json_end_object(json);
}

void node_roster_write(const struct node_roster *roster, struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_text(&json, "door", text_of(roster->door));
    json_name(&json, "invited");
    json_begin_array(&json);
    for (size_t i = 0; i < roster->invited_count; i++) {
        json_begin_object(&json);
        json_member_text(&json, "name", text_of(roster->invited[i].name));
        json_member_bytes(&json, "digest", roster->invited[i].digest, INVITATION_DIGEST_BYTES);
        json_member_i64(&json, "expires", roster->invited[i].expires_s);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_name(&json, "edges");
    json_begin_array(&json);
    for (size_t i = 0; i < roster->edge_count; i++)
        write_edge(&json, &roster->edges[i]);
    json_end_array(&json);
    json_end_object(&json);
}

static bool read_text(const struct json_node *object, struct text name, char *ret, size_t capacity)
{
    const struct json_node *node = json_tree_member(object, name);
    if (!json_tree_is(node, JSON_NODE_TEXT) || node->text.size >= capacity)
        return false;
    (void)snprintf(ret, capacity, "%.*s", TEXT_ARGS(node->text));
    return true;
}

static bool read_bytes(const struct json_node *object, struct text name, uint8_t *ret, size_t size)
{
    const struct json_node *node = json_tree_member(object, name);
    return json_tree_is(node, JSON_NODE_TEXT) && decode_base64url(node->text, ret, size) == size;
}

static bool read_number(const struct json_node *object, struct text name, int64_t *ret)
{
    const struct json_node *node = json_tree_member(object, name);
    if (!json_tree_is(node, JSON_NODE_INTEGER) || node->integer < 0)
        return false;
    *ret = node->integer;
    return true;
}

static bool read_urls(const struct json_node *list, struct roster_edge *ret)
{
    if (!json_tree_is(list, JSON_NODE_ARRAY) || list->count > JOINING_URLS_MAX)
        return false;
    for (const struct json_node *one = json_tree_items(list); one; one = one->next) {
        if (!json_tree_is(one, JSON_NODE_TEXT) || one->text.size > JOINING_URL_MAX_BYTES)
            return false;
        (void)snprintf(ret->urls[ret->url_count++], sizeof ret->urls[0], "%.*s",
                       TEXT_ARGS(one->text));
    }
    return true;
}

static bool read_edge(const struct json_node *node, struct roster_edge *ret)
{
    struct node_seat *seat = &ret->seat;
    int64_t may;
    if (!read_text(node, TEXT("name"), seat->name, sizeof seat->name) ||
        !delegation_name_is_sound(text_of(seat->name)) ||
        !read_bytes(node, TEXT("public"), seat->key, sizeof seat->key) ||
        !read_bytes(node, TEXT("invitation"), ret->digest, sizeof ret->digest) ||
        !read_number(node, TEXT("may"), &may) || may > UINT32_MAX ||
        !read_number(node, TEXT("joined"), &seat->joined_s) ||
        !read_number(node, TEXT("until"), &seat->until_s) ||
        !read_number(node, TEXT("revoked"), &seat->revoked_s) ||
        !read_urls(json_tree_member(node, TEXT("urls")), ret))
        return false;
    seat->may = (uint32_t)may;
    seat->id = node_id_of(seat->key);
    return node_seat_has_key(seat) ||
           (seat->revoked_s && read_bytes(node, TEXT("id"), seat->id.bytes, sizeof seat->id.bytes));
}

static bool read_invited(const struct json_node *node, struct roster_invited *ret)
{
    return read_text(node, TEXT("name"), ret->name, sizeof ret->name) &&
           delegation_name_is_sound(text_of(ret->name)) &&
           read_bytes(node, TEXT("digest"), ret->digest, sizeof ret->digest) &&
           read_number(node, TEXT("expires"), &ret->expires_s);
}

static bool read_lists(struct node_roster *roster, const struct json_node *root)
{
    const struct json_node *edges = json_tree_member(root, TEXT("edges"));
    const struct json_node *invited = json_tree_member(root, TEXT("invited"));
    if (!json_tree_is(edges, JSON_NODE_ARRAY) || !json_tree_is(invited, JSON_NODE_ARRAY) ||
        edges->count > NODE_ROSTER_MOST || invited->count > NODE_ROSTER_MOST ||
        !read_text(root, TEXT("door"), roster->door, sizeof roster->door))
        return false;
    struct node_book_limits *limits = &roster->limits;
    if (edges->count > limits->max_edges)
        limits->max_edges = (uint32_t)edges->count;
    if (invited->count > limits->max_invites)
        limits->max_invites = (uint32_t)invited->count;
    node_roster_release(roster);
    make_lists(roster);
    for (const struct json_node *one = json_tree_items(edges); one; one = one->next)
        if (!read_edge(one, &roster->edges[roster->edge_count++]))
            return false;
    for (const struct json_node *one = json_tree_items(invited); one; one = one->next)
        if (!read_invited(one, &roster->invited[roster->invited_count++]))
            return false;
    return true;
}

bool node_roster_read(struct node_roster *roster, struct text bytes)
{
    const char *why;
    struct arena *arena = arena_new(ARENA_BYTES);
    bool is_good = read_lists(roster, json_tree_read(arena, bytes, &why));
    arena_free(&arena);
    return is_good;
}
