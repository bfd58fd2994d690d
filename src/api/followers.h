// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/player.h"

/*
 * followers: sessions that wait to hear of changes: streams of server-sent events (/changes,
 * /api/v1/events) and single answers that wait (/changes as JSON).
 *
 * At most `max_followers` of them, `max_followers_per_account` of one account.  A follower whose
 * session ended is let go at the next word; one that reads too slowly hears nothing more
 * (exchange_events_send()), and its owner decides whether that ends it.
 */
struct followers;

enum follower_kind {
    FOLLOWER_CHANGES, /* a stream of /changes */
    FOLLOWER_WAITING, /* /changes as JSON: is answered once */
    FOLLOWER_PLAYER,  /* a stream of /api/v1/events */
};

struct follower {
    enum follower_kind kind;
    struct player *player; /* FOLLOWER_WAITING only: in the exchange's arena */
    struct exchange *exchange;
    struct uid session_id, account_id; /* account_id: of a node its id */
    bool is_node;      /* FOLLOWER_WAITING: an edge, which hears of every account and has none */
    bool is_over;      /* a stream that was ended, but whose client has not taken all yet */
    bool takes_pieces; /* and of everybody a piece, behind `after` */
    struct uid after;
    size_t most;       /* of accounts in one answer */
    uint64_t since;    /* FOLLOWER_WAITING: the position it knows */
    uint64_t until_us; /* and when it is answered in any case */
    struct follower *_next, **_previous_next;
    struct followers *_followers;
};

struct followers *followers_new(struct api *api) MUST_USE;
void followers_free(struct followers **followers); /* all of them are gone */

/*
 * NULL after answering 503.  Streams begin at once; one that waits is answered by its owner, after
 * follower_remove().
 */
struct follower *followers_add(struct followers *followers, struct player *player,
                               enum follower_kind kind) MUST_USE;
void follower_remove(struct follower *follower); /* FOLLOWER_WAITING */

/* The first one (after NULL), the next one.  Take the next before you tell: telling may end one. */
struct follower *followers_next(const struct followers *followers, const struct follower *after);
bool followers_have(const struct followers *followers, enum follower_kind kind);

/* Its session lives, or its edge is welcome still. */
bool follower_lives(const struct follower *follower);
/* The account of a session that lives; else NULL. */
const struct account *follower_account(const struct follower *follower);
/* False when it was not told: its session ended, and with it the stream, or it reads too slowly. */
bool follower_tell(struct follower *follower, const char *event, struct text id, struct text data);
void follower_end(struct follower *follower); /* of a stream */
