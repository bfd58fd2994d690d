// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/subject.h"

/*
 * listener: what one account has starred, rated, played, queued and bookmarked.  Reads only, from
 * memory, on the state's loop; changes go through state/batch.h.  Borrowed results are valid
 * until the loop's next turn.
 */
struct state;
struct listener;

/* NULL when the account has no state yet; every function below takes NULL as "nothing yet". */
const struct listener *state_listener(const struct state *state, struct uid account);

int64_t listener_starred_ms(const struct listener *listener,
                            struct subject subject); /* 0: not starred */
unsigned listener_rating(const struct listener *listener,
                         struct subject subject); /* 0: none, else 1 to 5 */

struct plays {
    uint64_t count;
    int64_t last_ms; /* Unix ms; 0: never */
};
/* Of a track; of an album or artist: plays of its tracks. */
struct plays listener_plays(const struct listener *listener, struct subject subject);
/* Plays of a track by everybody: breaks ties in search. */
uint64_t state_plays_total(const struct state *state, struct subject subject);

/* Ranked subjects of one kind ("tr", "al", "ar"), best first; kept sorted, so offset costs nothing.
 */
enum listener_ranking {
    RANKING_STARRED,  /* latest star first */
    RANKING_HIGHEST,  /* best rating first */
    RANKING_FREQUENT, /* most plays first */
    RANKING_RECENT,   /* last played first */
};
size_t listener_ranked_count(const struct listener *listener, enum listener_ranking ranking,
                             const char *kind);
/* The subject at `position` from 0; position must be below the count. */
struct subject listener_ranked(const struct listener *listener, enum listener_ranking ranking,
                               const char *kind, size_t position);

struct play_queue {
    const struct subject *tracks;
    size_t count, current; /* current is an index, count when none */
    int64_t position_ms, changed_ms;
    struct text changed_by; /* client */
};
/* NULL when none was saved. */
const struct play_queue *listener_queue(const struct listener *listener);

struct bookmark {
    struct subject subject;
    int64_t position_ms, created_ms, changed_ms;
    struct text comment;
};
/* Walks in order of creation: start with *cursor 0; NULL at the end. */
const struct bookmark *listener_bookmark_next(const struct listener *listener, size_t *cursor);

/* JSON text of a setting; data NULL when unset. */
struct text listener_setting(const struct listener *listener, struct text name);

/* --- now playing: volatile, not an operation --- */
struct now_playing {
    struct uid account;
    struct subject track;
    struct text client;
    int64_t since_ms;
};
void state_now_playing_set(struct state *state, struct uid account, struct text client,
                           struct subject track, int64_t now_ms);
/* Walks those of the last ten minutes, latest first: start with *cursor 0; false at the end. */
bool state_now_playing_next(const struct state *state, int64_t now_ms, size_t *cursor,
                            struct now_playing *ret);
