// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/promotion_edges.h"

#include "base/json_tree.h"
#include "io/clock.h"
#include "programs/edges_desk.h"
#include "programs/settings.h"
#include "replica/copies.h"
#include "trust/node_book.h"
#include "trust/node_certificate.h"
#include "trust/node_list.h"

#include <sodium.h>

#define NODE_KEY_FILE "node.key"
enum { ARENA_BYTES = 32 << 20, DOOR_BYTES = 128 };

struct uid promotion_edges_own(const struct key_place *place)
{
    uint8_t seed[NODE_SEED_BYTES], key[SIGNED_PUBLIC_BYTES];
    struct key_folder files = {.fd = -1, .credentials_fd = -1};
    struct keys_error error;
    struct uid id = {{0}};
    if (key_folder_open(place, false, &files, &error) == 0 &&
        key_file_is_there(&files, NODE_KEY_FILE) &&
        key_file_load(&files, NODE_KEY_FILE, sizeof seed, sizeof seed, seed, &error) > 0) {
        node_key_of_seed(seed, key);
        id = node_id_of(key);
        sodium_memzero(seed, sizeof seed);
    }
    key_folder_close(&files);
    return id;
}

struct node_list *promotion_edges_list(const struct copy *nodes)
{
    const char *why;
    return nodes ? node_list_read(nodes->object.body, &why) : NULL;
}

/* Those that were not heard for long are edges all the same. */
static bool is_other_edge(const struct node_entry *entry, struct uid own)
{
    return entry->is_delegate && !uid_equal(entry->id, own);
}

static enum node_book_verdict readmit_all(struct node_book *book, const struct node_list *list,
                                          struct uid own)
{
    enum node_book_verdict verdict = NODE_BOOK_DONE;
    for (size_t i = 0; list && i < node_list_count(list) && verdict == NODE_BOOK_DONE; i++) {
        const struct node_entry *entry = node_list_at(list, i);
        if (!is_other_edge(entry, own))
            continue;
        verdict = node_book_readmit(book, &entry->delegation, entry->urls, entry->url_count);
        if (verdict == NODE_BOOK_REVOKED || verdict == NODE_BOOK_TAKEN)
            verdict = NODE_BOOK_DONE; /* /revoked is newer than the list */
    }
    return verdict;
}

/* --- revoked ones --- */

/* False ends it. */
typedef bool banished_handler(void *context, struct uid node, int64_t until_s);

/* The member `nodes` of /revoked: [{"id", "until"}]. */
static void each_banished(const struct copy *revoked, int64_t now_s, banished_handler *handler,
                          void *context)
{
    const char *why;
    bool goes_on = true;
    struct arena *arena = arena_new(ARENA_BYTES);
    const struct json_node *root =
        revoked ? json_tree_read(arena, revoked->object.body, &why) : NULL;
    const struct json_node *nodes = json_tree_member(root, TEXT("nodes"));
    const struct json_node *one =
        json_tree_is(nodes, JSON_NODE_ARRAY) ? json_tree_items(nodes) : NULL;
    for (; one && goes_on; one = one->next) {
        const struct json_node *id = json_tree_member(one, TEXT("id"));
        const struct json_node *until = json_tree_member(one, TEXT("until"));
        struct uid node;
        if (json_tree_is(id, JSON_NODE_TEXT) && uid_from_text(id->text, &node) &&
            json_tree_is(until, JSON_NODE_INTEGER) && until->integer > now_s)
            goes_on = handler(context, node, until->integer);
    }
    arena_free(&arena);
}

struct banishing {
    struct node_book *book;
    int64_t now_s;
    enum node_book_verdict verdict;
};

static bool banish(void *context, struct uid node, int64_t until_s)
{
    struct banishing *banishing = context;
    banishing->verdict = node_book_banish(banishing->book, node, until_s, banishing->now_s);
    return banishing->verdict == NODE_BOOK_DONE;
}

static enum node_book_verdict banish_all(struct node_book *book, const struct copy *revoked,
                                         int64_t now_s)
{
    struct banishing banishing = {.book = book, .now_s = now_s, .verdict = NODE_BOOK_DONE};
    each_banished(revoked, now_s, banish, &banishing);
    return banishing.verdict;
}

struct counting {
    struct node_list *list;
    struct uid own;
    size_t count;
};

static bool leave_out(void *context, struct uid node, int64_t until_s UNUSED)
{
    struct counting *counting = context;
    const struct node_entry *entry = node_list_find(counting->list, node);
    counting->count -= entry && is_other_edge(entry, counting->own);
    return true;
}

size_t promotion_edges_count(const struct copy *nodes, const struct copy *revoked,
                             const struct key_place *place)
{
    struct counting counting = {.list = promotion_edges_list(nodes),
                                .own = promotion_edges_own(place)};
    for (size_t i = 0; counting.list && i < node_list_count(counting.list); i++)
        counting.count += is_other_edge(node_list_at(counting.list, i), counting.own);
    if (counting.list)
        each_banished(revoked, clock_unix_ms() / 1000, leave_out, &counting);
    node_list_unref(&counting.list);
    return counting.count;
}

/* --- the book --- */

static enum node_book_verdict choose_door(struct node_book *book, const struct settings *settings)
{
    char door[DOOR_BYTES];
    struct text chosen = text_of(settings->nodes);
    if (!text_equal(chosen, TEXT("auto")) || node_book_door(book).size)
        return NODE_BOOK_DONE; /* the settings say it */
    edges_desk_choose(text_of(settings->listen.items[0]), door, sizeof door);
    return node_book_set_door(book, text_of(door));
}

bool promotion_edges_take(const struct settings *settings, const struct key_place *place,
                          const struct copy *nodes, const struct copy *revoked, struct buffer *why)
{
    const struct node_book_limits limits = {settings->max_edges, settings->max_invites};
    struct keys_error error = {""};
    struct node_book *book = NULL;
    int64_t now_s = clock_unix_ms() / 1000;
    struct node_list *list = promotion_edges_list(nodes);
    if (node_book_open(place, &limits, &book, &error) < 0) {
        buffer_printf(why, "%s", error.words);
        node_list_unref(&list);
        return false;
    }
    enum node_book_verdict verdict = banish_all(book, revoked, now_s);
    if (verdict == NODE_BOOK_DONE)
        verdict = readmit_all(book, list, promotion_edges_own(place));
    if (verdict == NODE_BOOK_DONE)
        verdict = choose_door(book, settings);
    if (verdict != NODE_BOOK_DONE)
        buffer_printf(why, "the book of edges: %s", node_book_words(verdict));
    node_book_close(&book);
    node_list_unref(&list);
    return verdict == NODE_BOOK_DONE;
}
