// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/credentials.h"
#include "adopt/ended.h"
#include "adopt/replay.h"
#include "adopt/writes.h"
#include "base/buffer.h"

/*
 * telling: one write under way to the foreign server, for replay*.c alone.
 *
 * A step asks what is there, and sends what is in `query` when it is not so yet.  `note` is durable
 * before anything is sent: what a later process compares with, when nobody knows what came of it.
 */
enum { TELLING_QUERY_BYTES = 4 << 20 }; /* a form of 1 MiB, each byte escaped */

enum told {
    TOLD,
    TOLD_REFUSED, /* for good */
    TOLD_GIVEN_UP,
    TOLD_LATER,  /* the server is there, and this was no answer: it waits */
    TOLD_AWAY,   /* nobody knows, or nothing was sent: it waits */
    TOLD_DENIED, /* not with these credentials: it waits for others */
};

struct telling {
    const struct replay_config *config;
    struct book *book;
    int64_t number;
    json_t *parameters, *note;
    char listener[CREDENTIALS_NAME_BYTES], endpoint[32];
    char credentials[CREDENTIALS_QUERY_BYTES];
    int64_t at_ms;    /* when it was accepted */
    bool is_in_doubt; /* it was sent before, and nobody knows what came of it */
    bool is_unsent;   /* of TOLD_AWAY: the server could not be reached */
    bool is_shown;    /* what was refused of it is kept already (ended.h) */
    struct buffer query;
    json_t *response; /* of what was sent */
    int code;
};

/* Appends to the query; all values of a parameter of the write. */
void telling_put(struct buffer *query, const char *name, struct text value);
void telling_put_all(struct telling *telling, const char *name);
/* *ret: a member of the answer, a new reference; may be NULL on TOLD too. */
enum told telling_ask(struct telling *telling, const char *endpoint, const char *member,
                      struct text query, json_t **ret);
/* What is in telling->query, once: noted before. */
enum told telling_send(struct telling *telling, const char *endpoint);
/* How far it came: durable before it goes on. */
bool telling_note(struct telling *telling, enum write_state state);
/* For its listener to see: all of it (`id` none), or what it says of one song. */
void telling_show(struct telling *telling, enum ended_how how, struct text id);
/* Else, in a drills build, what is in doubt is sent again. */
bool telling_asks_first(void);

/* replay_marks.c */
enum told telling_star(struct telling *telling); /* and unstar */
enum told telling_rating(struct telling *telling);
enum told telling_plays(struct telling *telling);

/* replay_lists.c */
enum told telling_creation(struct telling *telling);    /* createPlaylist of a new one */
enum told telling_replacement(struct telling *telling); /* of one that is there */
enum told telling_update(struct telling *telling);
enum told telling_deletion(struct telling *telling);
