// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/node_book.h"

#include "base/encode.h"
#include "base/guard.h"
#include "base/json.h"
#include "base/json_tree.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define FILE_NAME "edges"
enum {
    FILE_MAX_BYTES = 4 << 20,
    ARENA_BYTES = 16 << 20,
    TABLE_MAX = 1024, /* of either; the limits are at most that */
};
/* Long enough for everything that was signed for it, and an hour of skew. */
#define FORGET_S (60LL * 60)
/* Renewals within this time of the last are granted and not written down. */
#define RENEWALS_S (60LL * 60)
/* The same of renewals with other addresses: the edge moved. */
#define MOVES_S 5LL

struct record {
    struct node_seat seat;
    uint8_t digest[INVITATION_DIGEST_BYTES]; /* of the invitation it came with */
    size_t url_count;
    char urls[JOINING_URLS_MAX][JOINING_URL_MAX_BYTES + 1];
};

struct invited {
    char name[DELEGATION_NAME_MAX_BYTES + 1];
    uint8_t digest[INVITATION_DIGEST_BYTES];
    int64_t expires_s;
};

struct tables {
    char door[INVITATION_ADDRESSES_BYTES];
    size_t edge_count, invited_count;
    struct record *edges;
    struct invited *invited;
};

struct node_book {
    struct key_folder files;
    char *path, *credentials;
    struct node_book_limits limits;
    pthread_mutex_t lock; /* of `now` while it is replaced or looked at from elsewhere */
    struct tables now;
    uint64_t revocations, changes;
};

const char *node_book_words(enum node_book_verdict verdict)
{
    static const char *const words[] = {
        [NODE_BOOK_DONE] = "done",
        [NODE_BOOK_TAKEN] = "an edge has that name already: sostenuto edges list shows it",
        [NODE_BOOK_FULL] = "no room: max_edges or max_invites is reached",
        [NODE_BOOK_UNKNOWN] = "nobody is known by that here: it was never made, or is long over",
        [NODE_BOOK_EXPIRED] = "the token has expired: make another with sostenuto invite",
        [NODE_BOOK_USED] = "the token was used already, by another edge: make another with "
                           "sostenuto invite, and look at sostenuto edges list for whom you do not "
                           "know",
        [NODE_BOOK_REVOKED] = "that edge was revoked here",
        [NODE_BOOK_UNWRITTEN] = "it could not be written down, so it was not done",
    };
    return words[verdict];
}

/* --- tables --- */

static struct tables tables_copy(struct node_book *book)
{
    struct tables copy = book->now;
    copy.edges = mem_zalloc((book->limits.max_edges + 1) * sizeof *copy.edges);
    copy.invited = mem_zalloc((book->limits.max_invites + 1) * sizeof *copy.invited);
    pthread_mutex_lock(&book->lock); /* others note whom they saw */
    for (size_t i = 0; i < copy.edge_count; i++)
        copy.edges[i] = book->now.edges[i];
    pthread_mutex_unlock(&book->lock);
    for (size_t i = 0; i < copy.invited_count; i++)
        copy.invited[i] = book->now.invited[i];
    return copy;
}

static void tables_release(struct tables *tables)
{
    mem_free(tables->edges);
    mem_free(tables->invited);
}

static struct record *by_key(const struct tables *tables, const uint8_t key[SIGNED_PUBLIC_BYTES])
{
    for (size_t i = 0; i < tables->edge_count; i++)
        if (memcmp(tables->edges[i].seat.key, key, SIGNED_PUBLIC_BYTES) == 0)
            return &tables->edges[i];
    return NULL;
}

static struct record *by_name(const struct tables *tables, struct text name)
{
    for (size_t i = 0; i < tables->edge_count; i++)
        if (tables->edges[i].seat.revoked_s == 0 &&
            text_equal(text_of(tables->edges[i].seat.name), name))
            return &tables->edges[i];
    return NULL;
}

static void drop_invited(struct tables *tables, size_t i)
{
    tables->invited[i] = tables->invited[--tables->invited_count];
}

/* Invitations that are over for a day, and edges that nobody could take for living any more. */
static void forget(struct tables *tables, int64_t now_s)
{
    for (size_t i = tables->invited_count; i-- > 0;)
        if (tables->invited[i].expires_s + JOINING_SKEW_S < now_s)
            drop_invited(tables, i);
    for (size_t i = tables->edge_count; i-- > 0;)
        if (tables->edges[i].seat.revoked_s && tables->edges[i].seat.until_s + FORGET_S < now_s)
            tables->edges[i] = tables->edges[--tables->edge_count];
}

bool node_seat_has_key(const struct node_seat *seat)
{
    return !sodium_is_zero(seat->key, sizeof seat->key);
}

static struct record *by_id(const struct tables *tables, struct uid id)
{
    for (size_t i = 0; i < tables->edge_count; i++)
        if (uid_equal(tables->edges[i].seat.id, id))
            return &tables->edges[i];
    return NULL;
}

/* --- the file --- */

static void member_bytes(struct json *json, const char *name, const uint8_t *bytes, size_t size)
{
    struct buffer text;
    buffer_init(&text, 128);
    encode_base64url(&text, bytes, size);
    json_member_text(json, name, buffer_view(&text));
    buffer_release(&text);
}

static void write_edge(struct json *json, const struct record *edge)
{
    json_begin_object(json);
    json_member_text(json, "name", text_of(edge->seat.name));
    member_bytes(json, "public", edge->seat.key, sizeof edge->seat.key);
    if (!node_seat_has_key(&edge->seat))
        member_bytes(json, "id", edge->seat.id.bytes, sizeof edge->seat.id.bytes);
    member_bytes(json, "invitation", edge->digest, sizeof edge->digest);
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

static void write_tables(const struct tables *tables, struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_text(&json, "door", text_of(tables->door));
    json_name(&json, "invited");
    json_begin_array(&json);
    for (size_t i = 0; i < tables->invited_count; i++) {
        json_begin_object(&json);
        json_member_text(&json, "name", text_of(tables->invited[i].name));
        member_bytes(&json, "digest", tables->invited[i].digest, INVITATION_DIGEST_BYTES);
        json_member_i64(&json, "expires", tables->invited[i].expires_s);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_name(&json, "edges");
    json_begin_array(&json);
    for (size_t i = 0; i < tables->edge_count; i++)
        write_edge(&json, &tables->edges[i]);
    json_end_array(&json);
    json_end_object(&json);
}

/* Writes `fresh` down and takes it over; releases whichever is not in force then. */
static enum node_book_verdict commit(struct node_book *book, struct tables *fresh)
{
    struct buffer bytes;
    struct keys_error why;
    buffer_init(&bytes, FILE_MAX_BYTES);
    write_tables(fresh, &bytes);
    bool is_written = !bytes.overflowed &&
                      key_file_replace(&book->files, FILE_NAME, buffer_view(&bytes), &why) == 0;
    buffer_release(&bytes);
    if (!is_written) {
        tables_release(fresh);
        return NODE_BOOK_UNWRITTEN;
    }
    pthread_mutex_lock(&book->lock);
    for (size_t i = 0; i < fresh->edge_count; i++) {
        const struct record *former = by_key(&book->now, fresh->edges[i].seat.key);
        if (former)
            fresh->edges[i].seat.seen_s = former->seat.seen_s;
    }
    struct tables former = book->now;
    book->now = *fresh;
    pthread_mutex_unlock(&book->lock);
    tables_release(&former);
    book->changes++;
    return NODE_BOOK_DONE;
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

static bool read_urls(const struct json_node *list, struct record *ret)
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

static bool read_edge(const struct json_node *node, struct record *ret)
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

static bool read_invited(const struct json_node *node, struct invited *ret)
{
    return read_text(node, TEXT("name"), ret->name, sizeof ret->name) &&
           delegation_name_is_sound(text_of(ret->name)) &&
           read_bytes(node, TEXT("digest"), ret->digest, sizeof ret->digest) &&
           read_number(node, TEXT("expires"), &ret->expires_s);
}

/* Who lowered a limit keeps what there is: the tables grow to it. */
static bool read_tables(struct node_book *book, struct text bytes)
{
    const char *why;
    struct tables *tables = &book->now;
    struct arena *arena = arena_new(ARENA_BYTES);
    const struct json_node *root = json_tree_read(arena, bytes, &why);
    const struct json_node *edges = json_tree_member(root, TEXT("edges"));
    const struct json_node *invited = json_tree_member(root, TEXT("invited"));
    bool is_good = json_tree_is(edges, JSON_NODE_ARRAY) && json_tree_is(invited, JSON_NODE_ARRAY) &&
                   edges->count <= TABLE_MAX && invited->count <= TABLE_MAX &&
                   read_text(root, TEXT("door"), tables->door, sizeof tables->door);
    if (is_good) {
        if (edges->count > book->limits.max_edges)
            book->limits.max_edges = (uint32_t)edges->count;
        if (invited->count > book->limits.max_invites)
            book->limits.max_invites = (uint32_t)invited->count;
        *tables = tables_copy(book);
    }
    for (const struct json_node *one = is_good ? json_tree_items(edges) : NULL; one && is_good;
         one = one->next)
        is_good = read_edge(one, &tables->edges[tables->edge_count++]);
    for (const struct json_node *one = is_good ? json_tree_items(invited) : NULL; one && is_good;
         one = one->next)
        is_good = read_invited(one, &tables->invited[tables->invited_count++]);
    arena_free(&arena);
    return is_good;
}

static int load(struct node_book *book, struct keys_error *ret_error)
{
    if (!key_file_is_there(&book->files, FILE_NAME)) {
        book->now = tables_copy(book);
        return 0;
    }
    uint8_t *bytes = mem_alloc(FILE_MAX_BYTES);
    int size = key_file_load(&book->files, FILE_NAME, 1, FILE_MAX_BYTES, bytes, ret_error);
    int error = size < 0 ? size : 0;
    if (!error && !read_tables(book, text_make((char *)bytes, (size_t)size)))
        error = keys_fail(ret_error, EBADMSG, book->path, FILE_NAME,
                          "is damaged: put it back from a backup");
    mem_free(bytes);
    return error;
}

/* --- life --- */

int node_book_open(const struct key_place *place, const struct node_book_limits *limits,
                   struct node_book **ret, struct keys_error *ret_error)
{
    struct node_book *book = MEM_NEW(struct node_book);
    assert(limits->max_edges <= TABLE_MAX && limits->max_invites <= TABLE_MAX);
    book->limits = *limits;
    book->path = mem_strdup(place->folder);
    book->credentials = place->credentials ? mem_strdup(place->credentials) : NULL;
    pthread_mutex_init(&book->lock, NULL);
    book->files = (struct key_folder){.fd = -1, .credentials_fd = -1};
    const struct key_place own = {book->path, book->credentials};
    int error = key_folder_open(&own, false, &book->files, ret_error);
    if (!error)
        error = load(book, ret_error);
    if (error)
        node_book_close(&book);
    else
        *ret = book;
    return error;
}

void node_book_close(struct node_book **book)
{
    if (!*book)
        return;
    key_folder_close(&(*book)->files);
    tables_release(&(*book)->now);
    pthread_mutex_destroy(&(*book)->lock);
    mem_free((*book)->path);
    mem_free((*book)->credentials);
    mem_free_p(book);
}

/* --- any thread --- */

static bool is_welcome(const struct record *edge)
{
    return edge && (edge->seat.revoked_s == 0 || !guard_is_on(GUARD_NODE_REVOKED));
}

bool node_book_seat(struct node_book *book, const uint8_t key[SIGNED_PUBLIC_BYTES], int64_t now_s,
                    struct node_seat *ret)
{
    pthread_mutex_lock(&book->lock);
    struct record *edge = by_key(&book->now, key);
    bool is_there = is_welcome(edge);
    if (is_there) {
        edge->seat.seen_s = now_s;
        *ret = edge->seat;
    }
    pthread_mutex_unlock(&book->lock);
    return is_there;
}

bool node_book_admits(struct node_book *book, const uint8_t key[SIGNED_PUBLIC_BYTES], int64_t now_s)
{
    struct node_seat seat;
    return node_book_seat(book, key, now_s, &seat);
}

/* --- changes --- */

static struct invited *by_digest(const struct tables *tables, const uint8_t *digest)
{
    struct invited *found = NULL;
    for (size_t i = 0; i < tables->invited_count; i++)
        if (sodium_memcmp(tables->invited[i].digest, digest, INVITATION_DIGEST_BYTES) == 0)
            found = &tables->invited[i];
    return found;
}

static struct record *by_used(const struct tables *tables, const uint8_t *digest)
{
    struct record *found = NULL;
    for (size_t i = 0; i < tables->edge_count; i++)
        if (sodium_memcmp(tables->edges[i].digest, digest, INVITATION_DIGEST_BYTES) == 0)
            found = &tables->edges[i];
    return found;
}

enum node_book_verdict node_book_invite(struct node_book *book, struct text name,
                                        const uint8_t digest[INVITATION_DIGEST_BYTES],
                                        int64_t expires_s, int64_t now_s)
{
    struct tables fresh = tables_copy(book);
    forget(&fresh, now_s);
    for (size_t i = fresh.invited_count; i-- > 0;)
        if (text_equal(text_of(fresh.invited[i].name), name) || fresh.invited[i].expires_s <= now_s)
            drop_invited(&fresh, i);
    enum node_book_verdict verdict = by_name(&fresh, name) ? NODE_BOOK_TAKEN
                                     : fresh.invited_count >= book->limits.max_invites ||
                                             fresh.edge_count >= book->limits.max_edges
                                         ? NODE_BOOK_FULL
                                         : NODE_BOOK_DONE;
    if (verdict != NODE_BOOK_DONE) {
        tables_release(&fresh);
        return verdict;
    }
    struct invited *invited = &fresh.invited[fresh.invited_count++];
    *invited = (struct invited){.expires_s = expires_s};
    (void)snprintf(invited->name, sizeof invited->name, "%.*s", TEXT_ARGS(name));
    memcpy(invited->digest, digest, sizeof invited->digest);
    return commit(book, &fresh);
}

static void take_request(struct record *edge, const struct joining_request *request,
                         int64_t until_s)
{
    memcpy(edge->seat.key, request->key, sizeof edge->seat.key);
    edge->seat.id = node_id_of(request->key);
    edge->seat.until_s = until_s;
    edge->url_count = request->url_count;
    memcpy(edge->urls, request->urls, sizeof edge->urls);
}

/* The place of an edge that joins: its own, or a new one at the end. */
static enum node_book_verdict find_place(const struct node_book *book, struct tables *tables,
                                         const struct joining_request *request,
                                         const uint8_t *digest, int64_t now_s, struct record **ret)
{
    struct record *known = by_key(tables, request->key), *used = by_used(tables, digest);
    struct invited *invited = by_digest(tables, digest);
    *ret = known;
    if (known && known->seat.revoked_s)
        return NODE_BOOK_REVOKED;
    if (known && known == used)
        return NODE_BOOK_DONE;
    if (used && !guard_is_on(GUARD_JOIN_ONCE)) {
        *ret = used;
        return NODE_BOOK_DONE;
    }
    if (used)
        return NODE_BOOK_USED;
    if (!invited)
        return NODE_BOOK_UNKNOWN;
    if (invited->expires_s <= now_s)
        return NODE_BOOK_EXPIRED;
    if (by_name(tables, text_of(invited->name)) && by_name(tables, text_of(invited->name)) != known)
        return NODE_BOOK_TAKEN;
    if (!known && tables->edge_count >= book->limits.max_edges)
        return NODE_BOOK_FULL;
    if (!known)
        *ret = &tables->edges[tables->edge_count++];
    **ret = (struct record){
        .seat = {.joined_s = now_s, .may = DELEGATED_OPERATIONS | DELEGATED_SESSIONS}};
    memcpy((*ret)->seat.name, invited->name, sizeof(*ret)->seat.name);
    memcpy((*ret)->digest, digest, sizeof(*ret)->digest);
    drop_invited(tables, (size_t)(invited - tables->invited));
    return NODE_BOOK_DONE;
}

enum node_book_verdict node_book_join(struct node_book *book, const struct joining_request *request,
                                      int64_t until_s, int64_t now_s, struct node_seat *ret)
{
    uint8_t digest[INVITATION_DIGEST_BYTES];
    struct record *edge;
    struct tables fresh = tables_copy(book);
    invitation_digest(request->secret, digest);
    enum node_book_verdict verdict = find_place(book, &fresh, request, digest, now_s, &edge);
    if (verdict != NODE_BOOK_DONE) {
        tables_release(&fresh);
        return verdict;
    }
    take_request(edge, request, until_s);
    struct node_seat seat = edge->seat;
    verdict = commit(book, &fresh);
    if (verdict == NODE_BOOK_DONE)
        *ret = seat;
    return verdict;
}

static bool has_moved(const struct record *edge, const struct joining_request *request)
{
    if (edge->url_count != request->url_count)
        return true;
    for (size_t i = 0; i < edge->url_count; i++)
        if (strcmp(edge->urls[i], request->urls[i]) != 0)
            return true;
    return false;
}

enum node_book_verdict node_book_renew(struct node_book *book,
                                       const struct joining_request *request, int64_t until_s,
                                       struct node_seat *ret)
{
    const struct record *known = by_key(&book->now, request->key);
    if (!is_welcome(known))
        return known ? NODE_BOOK_REVOKED : NODE_BOOK_UNKNOWN;
    int64_t least_s = has_moved(known, request) ? MOVES_S : RENEWALS_S;
    if (until_s < known->seat.until_s + least_s) { /* nobody can make us write without end */
        node_book_at(book, (size_t)(known - book->now.edges), ret);
        return NODE_BOOK_DONE;
    }
    struct tables fresh = tables_copy(book);
    struct record *edge = &fresh.edges[known - book->now.edges];
    take_request(edge, request, until_s);
    struct node_seat seat = edge->seat;
    enum node_book_verdict verdict = commit(book, &fresh);
    if (verdict == NODE_BOOK_DONE)
        *ret = seat;
    return verdict;
}

enum node_book_verdict node_book_revoke(struct node_book *book, struct text name, int64_t now_s)
{
    struct tables fresh = tables_copy(book);
    struct record *edge = by_name(&fresh, name);
    bool was_invited = false;
    for (size_t i = fresh.invited_count; i-- > 0;)
        if (text_equal(text_of(fresh.invited[i].name), name)) {
            drop_invited(&fresh, i);
            was_invited = true;
        }
    if (!edge && !was_invited) {
        tables_release(&fresh);
        return NODE_BOOK_UNKNOWN;
    }
    if (edge)
        edge->seat.revoked_s = now_s;
    enum node_book_verdict verdict = commit(book, &fresh);
    book->revocations += verdict == NODE_BOOK_DONE;
    return verdict;
}

/* --- from the origin before us --- */

static enum node_book_verdict add(struct node_book *book, struct tables *fresh,
                                  const struct record *record)
{
    if (fresh->edge_count >= book->limits.max_edges) {
        tables_release(fresh);
        return NODE_BOOK_FULL;
    }
    fresh->edges[fresh->edge_count++] = *record;
    return commit(book, fresh);
}

enum node_book_verdict node_book_readmit(struct node_book *book,
                                         const struct delegation *delegation,
                                         const struct text *urls, size_t url_count)
{
    struct record record = {.seat = {.id = delegation->id,
                                     .may = delegation->may,
                                     .joined_s = delegation->since_s,
                                     .until_s = delegation->expires_s}};
    struct tables fresh = tables_copy(book);
    const struct record *known = by_id(&fresh, delegation->id);
    enum node_book_verdict verdict = known && known->seat.revoked_s ? NODE_BOOK_REVOKED
                                     : known                        ? NODE_BOOK_DONE
                                     : by_name(&fresh, text_of(delegation->name))
                                         ? NODE_BOOK_TAKEN
                                         : NODE_BOOK_UNKNOWN;
    if (verdict != NODE_BOOK_UNKNOWN) {
        tables_release(&fresh);
        return verdict;
    }
    memcpy(record.seat.name, delegation->name, sizeof record.seat.name);
    memcpy(record.seat.key, delegation->key, sizeof record.seat.key);
    for (size_t i = 0; i < url_count && i < JOINING_URLS_MAX; i++)
        if (urls[i].size <= JOINING_URL_MAX_BYTES)
            (void)snprintf(record.urls[record.url_count++], sizeof record.urls[0], "%.*s",
                           TEXT_ARGS(urls[i]));
    return add(book, &fresh, &record);
}

enum node_book_verdict node_book_banish(struct node_book *book, struct uid id, int64_t until_s,
                                        int64_t now_s)
{
    struct record record = {
        .seat = {.id = id, .name = "revoked", .revoked_s = now_s, .until_s = until_s}};
    struct tables fresh = tables_copy(book);
    struct record *known = by_id(&fresh, id);
    if (!known)
        return add(book, &fresh, &record);
    if (!known->seat.revoked_s)
        known->seat.revoked_s = now_s;
    return commit(book, &fresh);
}

struct text node_book_door(const struct node_book *book) { return text_of(book->now.door); }

enum node_book_verdict node_book_set_door(struct node_book *book, struct text address)
{
    struct tables fresh = tables_copy(book);
    assert(address.size < sizeof fresh.door);
    (void)snprintf(fresh.door, sizeof fresh.door, "%.*s", TEXT_ARGS(address));
    return commit(book, &fresh);
}

/* --- looking through it --- */

size_t node_book_count(const struct node_book *book) { return book->now.edge_count; }

void node_book_at(struct node_book *book, size_t i, struct node_seat *ret)
{
    pthread_mutex_lock(&book->lock);
    *ret = book->now.edges[i].seat;
    pthread_mutex_unlock(&book->lock);
}

size_t node_book_urls(const struct node_book *book, size_t i, struct text ret[JOINING_URLS_MAX])
{
    const struct record *edge = &book->now.edges[i];
    for (size_t k = 0; k < edge->url_count; k++)
        ret[k] = text_of(edge->urls[k]);
    return edge->url_count;
}

size_t node_book_invited(struct node_book *book, int64_t now_s)
{
    size_t count = 0;
    for (size_t i = 0; i < book->now.invited_count; i++)
        count += book->now.invited[i].expires_s > now_s;
    return count;
}

uint64_t node_book_changes(const struct node_book *book) { return book->changes; }
uint64_t node_book_revocations(const struct node_book *book) { return book->revocations; }
