// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/node_book.h"

#include "base/guard.h"
#include "base/mem.h"
#include "trust/node_roster.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define FILE_NAME "edges"
enum { FILE_MAX_BYTES = 4 << 20 };
/* Renewals within this time of the last are granted and not written down. */
#define RENEWALS_S (60LL * 60)
/* The same of renewals with other addresses: the edge moved. */
#define MOVES_S 5LL

struct node_book {
    struct key_folder files;
    char *path, *credentials;
    pthread_mutex_t lock; /* of `now` while it is replaced or looked at from elsewhere */
    struct node_roster now;
    uint64_t revocations, changes;
};

const char *node_book_words(enum node_book_verdict verdict)
{
    static const char *const words[] = {
        [NODE_BOOK_DONE] = "done",
        [NODE_BOOK_TAKEN] = "an edge has that name already: sostenuto edges list shows it",
        [NODE_BOOK_FULL] = "no room: max_edges or max_invites is reached",
        [NODE_BOOK_UNKNOWN] =
            ("it is not known here: it was taken back, a newer one for the same name took its "
             "place, or it is long over; make another with sostenuto invite"),
        [NODE_BOOK_STRANGER] =
            ("this origin does not know that edge: it joined after the backup was made that is "
             "restored here. To take it back: at the origin sostenuto invite NAME; at the edge, "
             "stopped, delete keys/joined in its folder, keep the rest, and start it with "
             "--token-file FILE"),
        [NODE_BOOK_EXPIRED] = "the token has expired: make another with sostenuto invite",
        [NODE_BOOK_USED] = ("the token was used already, by another edge: make another with "
                            "sostenuto invite, and look at sostenuto edges list for whom you do "
                            "not know"),
        [NODE_BOOK_REVOKED] = "that edge was revoked here",
        [NODE_BOOK_UNWRITTEN] = "it could not be written down, so it was not done",
    };
    return words[verdict];
}

bool node_seat_has_key(const struct node_seat *seat)
{
    return !sodium_is_zero(seat->key, sizeof seat->key);
}

/* --- the file --- */

static struct node_roster copy_of(struct node_book *book)
{
    pthread_mutex_lock(&book->lock); /* others note whom they saw */
    struct node_roster copy = node_roster_copy(&book->now);
    pthread_mutex_unlock(&book->lock);
    return copy;
}

/* Writes `fresh` down and takes it over; releases whichever is not in force then. */
static enum node_book_verdict commit(struct node_book *book, struct node_roster *fresh)
{
    struct buffer bytes;
    struct keys_error why;
    buffer_init(&bytes, FILE_MAX_BYTES);
    node_roster_write(fresh, &bytes);
    bool is_written = !bytes.overflowed &&
                      key_file_replace(&book->files, FILE_NAME, buffer_view(&bytes), &why) == 0;
    buffer_release(&bytes);
    if (!is_written) {
        node_roster_release(fresh);
        return NODE_BOOK_UNWRITTEN;
    }
    pthread_mutex_lock(&book->lock);
    for (size_t i = 0; i < fresh->edge_count; i++) {
        const struct roster_edge *former = node_roster_by_key(&book->now, fresh->edges[i].seat.key);
        if (former)
            fresh->edges[i].seat.seen_s = former->seat.seen_s;
    }
    struct node_roster former = book->now;
    book->now = *fresh;
    pthread_mutex_unlock(&book->lock);
    node_roster_release(&former);
    book->changes++;
    return NODE_BOOK_DONE;
}

static int load(struct node_book *book, struct keys_error *ret_error)
{
    if (!key_file_is_there(&book->files, FILE_NAME))
        return 0;
    uint8_t *bytes = mem_alloc(FILE_MAX_BYTES);
    int size = key_file_load(&book->files, FILE_NAME, 1, FILE_MAX_BYTES, bytes, ret_error);
    int error = size < 0 ? size : 0;
    if (!error && !node_roster_read(&book->now, text_make((char *)bytes, (size_t)size)))
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
    assert(limits->max_edges <= NODE_ROSTER_MOST && limits->max_invites <= NODE_ROSTER_MOST);
    node_roster_init(&book->now, limits);
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
    node_roster_release(&(*book)->now);
    pthread_mutex_destroy(&(*book)->lock);
    mem_free((*book)->path);
    mem_free((*book)->credentials);
    mem_free_p(book);
}

/* --- any thread --- */

static bool is_welcome(const struct roster_edge *edge)
{
    return edge && (edge->seat.revoked_s == 0 || !guard_is_on(GUARD_NODE_REVOKED));
}

bool node_book_seat(struct node_book *book, const uint8_t key[SIGNED_PUBLIC_BYTES], int64_t now_s,
                    struct node_seat *ret)
{
    pthread_mutex_lock(&book->lock);
    struct roster_edge *edge = node_roster_by_key(&book->now, key);
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

enum node_book_verdict node_book_invite(struct node_book *book, struct text name,
                                        const uint8_t digest[INVITATION_DIGEST_BYTES],
                                        int64_t expires_s, int64_t now_s)
{
    struct node_roster fresh = copy_of(book);
    node_roster_forget(&fresh, now_s);
    node_roster_uninvite(&fresh, name);
    enum node_book_verdict verdict = NODE_BOOK_DONE;
    if (node_roster_by_name(&fresh, name))
        verdict = NODE_BOOK_TAKEN;
    else if (fresh.edge_count >= fresh.limits.max_edges ||
             !node_roster_invite(&fresh, name, digest, expires_s))
        verdict = NODE_BOOK_FULL;
    if (verdict == NODE_BOOK_DONE)
        return commit(book, &fresh);
    node_roster_release(&fresh);
    return verdict;
}

static void take_request(struct roster_edge *edge, const struct joining_request *request,
                         int64_t until_s)
{
    memcpy(edge->seat.key, request->key, sizeof edge->seat.key);
    edge->seat.id = node_id_of(request->key);
    edge->seat.until_s = until_s;
    edge->url_count = request->url_count;
    memcpy(edge->urls, request->urls, sizeof edge->urls);
}

/* The place of an edge that joins: its own, or a new one at the end. */
static enum node_book_verdict find_place(struct node_roster *roster,
                                         const struct joining_request *request,
                                         const uint8_t *digest, int64_t now_s,
                                         struct roster_edge **ret)
{
    struct roster_edge *known = node_roster_by_key(roster, request->key);
    struct roster_edge *used = node_roster_by_invitation(roster, digest);
    const struct roster_invited *invited = node_roster_invited(roster, digest);
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
    const struct roster_edge *namesake = node_roster_by_name(roster, text_of(invited->name));
    if (namesake && namesake != known)
        return NODE_BOOK_TAKEN;
    struct roster_edge edge = {
        .seat = {.joined_s = now_s, .may = DELEGATED_OPERATIONS | DELEGATED_SESSIONS}};
    memcpy(edge.seat.name, invited->name, sizeof edge.seat.name);
    memcpy(edge.digest, digest, sizeof edge.digest);
    if (known)
        *known = edge;
    else if (!(*ret = node_roster_add(roster, &edge)))
        return NODE_BOOK_FULL;
    node_roster_drop(roster, invited);
    return NODE_BOOK_DONE;
}

enum node_book_verdict node_book_join(struct node_book *book, const struct joining_request *request,
                                      int64_t until_s, int64_t now_s, struct node_seat *ret)
{
    uint8_t digest[INVITATION_DIGEST_BYTES];
    struct roster_edge *edge;
    struct node_roster fresh = copy_of(book);
    invitation_digest(request->secret, digest);
    enum node_book_verdict verdict = find_place(&fresh, request, digest, now_s, &edge);
    if (verdict != NODE_BOOK_DONE) {
        node_roster_release(&fresh);
        return verdict;
    }
    take_request(edge, request, until_s);
    struct node_seat seat = edge->seat;
    verdict = commit(book, &fresh);
    if (verdict == NODE_BOOK_DONE)
        *ret = seat;
    return verdict;
}

static bool has_moved(const struct roster_edge *edge, const struct joining_request *request)
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
    const struct roster_edge *known = node_roster_by_key(&book->now, request->key);
    if (!is_welcome(known))
        return known ? NODE_BOOK_REVOKED : NODE_BOOK_STRANGER;
    int64_t least_s = has_moved(known, request) ? MOVES_S : RENEWALS_S;
    if (until_s < known->seat.until_s + least_s) { /* nobody can make us write without end */
        node_book_at(book, (size_t)(known - book->now.edges), ret);
        return NODE_BOOK_DONE;
    }
    struct node_roster fresh = copy_of(book);
    struct roster_edge *edge = &fresh.edges[known - book->now.edges];
    take_request(edge, request, until_s);
    struct node_seat seat = edge->seat;
    enum node_book_verdict verdict = commit(book, &fresh);
    if (verdict == NODE_BOOK_DONE)
        *ret = seat;
    return verdict;
}

enum node_book_verdict node_book_revoke(struct node_book *book, struct text name, int64_t now_s)
{
    struct node_roster fresh = copy_of(book);
    struct roster_edge *edge = node_roster_by_name(&fresh, name);
    bool was_invited = node_roster_uninvite(&fresh, name);
    if (!edge && !was_invited) {
        node_roster_release(&fresh);
        return NODE_BOOK_UNKNOWN;
    }
    if (edge)
        edge->seat.revoked_s = now_s;
    enum node_book_verdict verdict = commit(book, &fresh);
    book->revocations += verdict == NODE_BOOK_DONE;
    return verdict;
}

/* --- from the origin before us --- */

static enum node_book_verdict add(struct node_book *book, struct node_roster *fresh,
                                  const struct roster_edge *edge)
{
    if (node_roster_add(fresh, edge))
        return commit(book, fresh);
    node_roster_release(fresh);
    return NODE_BOOK_FULL;
}

enum node_book_verdict node_book_readmit(struct node_book *book,
                                         const struct delegation *delegation,
                                         const struct text *urls, size_t url_count)
{
    struct roster_edge edge = {.seat = {.id = delegation->id,
                                        .may = delegation->may,
                                        .joined_s = delegation->since_s,
                                        .until_s = delegation->expires_s}};
    struct node_roster fresh = copy_of(book);
    const struct roster_edge *known = node_roster_by_id(&fresh, delegation->id);
    enum node_book_verdict verdict = known && known->seat.revoked_s ? NODE_BOOK_REVOKED
                                     : known                        ? NODE_BOOK_DONE
                                     : node_roster_by_name(&fresh, text_of(delegation->name))
                                         ? NODE_BOOK_TAKEN
                                         : NODE_BOOK_UNKNOWN;
    if (verdict != NODE_BOOK_UNKNOWN) {
        node_roster_release(&fresh);
        return verdict;
    }
    memcpy(edge.seat.name, delegation->name, sizeof edge.seat.name);
    memcpy(edge.seat.key, delegation->key, sizeof edge.seat.key);
    for (size_t i = 0; i < url_count && i < JOINING_URLS_MAX; i++)
        if (urls[i].size <= JOINING_URL_MAX_BYTES)
            (void)snprintf(edge.urls[edge.url_count++], sizeof edge.urls[0], "%.*s",
                           TEXT_ARGS(urls[i]));
    return add(book, &fresh, &edge);
}

enum node_book_verdict node_book_banish(struct node_book *book, struct uid id, int64_t until_s,
                                        int64_t now_s)
{
    struct roster_edge edge = {
        .seat = {.id = id, .name = "revoked", .revoked_s = now_s, .until_s = until_s}};
    struct node_roster fresh = copy_of(book);
    struct roster_edge *known = node_roster_by_id(&fresh, id);
    if (!known)
        return add(book, &fresh, &edge);
    if (!known->seat.revoked_s)
        known->seat.revoked_s = now_s;
    return commit(book, &fresh);
}

struct text node_book_door(const struct node_book *book) { return text_of(book->now.door); }

enum node_book_verdict node_book_set_door(struct node_book *book, struct text address)
{
    struct node_roster fresh = copy_of(book);
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
    const struct roster_edge *edge = &book->now.edges[i];
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

bool node_book_next_invited(const struct node_book *book, int64_t now_s, size_t *cursor,
                            struct text *ret_name, int64_t *ret_expires_s)
{
    while (*cursor < book->now.invited_count) {
        const struct roster_invited *invited = &book->now.invited[(*cursor)++];
        if (invited->expires_s <= now_s)
            continue;
        *ret_name = text_of(invited->name);
        *ret_expires_s = invited->expires_s;
        return true;
    }
    return false;
}

uint64_t node_book_changes(const struct node_book *book) { return book->changes; }
uint64_t node_book_revocations(const struct node_book *book) { return book->revocations; }
