// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/book.h"

/*
 * island: what a question is answered with while the foreign server is away: from its own
 * documents and rows, with the listener's stars and playlists laid over them.
 *
 * Questions that this does not know are answered by what the same question was answered with last
 * (remembered), else not at all.  BLOCKS for as long as the database takes.
 */
struct island_question {
    struct book *book;
    struct text endpoint, listener;
    const json_t *parameters; /* {name: [value …]}, without credentials */
};

enum island_end {
    ISLAND_ANSWER,  /* `name` and `body` (NULL: an empty answer) */
    ISLAND_MISSING, /* there is no such thing, error 70 */
    ISLAND_UNKNOWN, /* not a question that can be answered here */
};
struct island_answer {
    enum island_end end;
    const char *name; /* static */
    json_t *body;     /* the asker's reference */
};
void island_answer(const struct island_question *question, struct island_answer *ret);
/* What waits for the server, and what of it never arrived: no server's endpoint, ours. */
#define ISLAND_UNTOLD "getUntoldWrites"
/* Whether island_answer() knows the endpoint. */
bool island_knows(struct text endpoint) MUST_USE;
