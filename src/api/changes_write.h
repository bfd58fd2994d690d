// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/feed.h"
#include "base/json.h"
#include "state/state.h"

/*
 * changes_write: what /changes says, as JSON (docs/formats/changes.md).
 *
 * To another node at most `most` accounts in one answer: of what changed the first ones, with the
 * cursor behind them; of everybody (since 0), if it takes pieces, those whose ids come first behind
 * `after`, with "next" while there are more.
 */
struct changes_wish {
    const struct feed *feed;
    const struct state *state;
    const struct account *account; /* NULL: another node, which may know of all */
    uint64_t since;                /* 0: everything anew */
    size_t most;
    bool takes_pieces;
    struct uid after;
};

bool changes_may_know(const struct feed_change *change, const struct account *account);
void changes_write_change(struct buffer *out, const struct feed_change *change);
/* The data of an event "reset". */
void changes_write_reset(struct json *json, const struct changes_wish *wish, const char *why);
/* An answer by itself; `reset` NULL: what is new since the position. */
void changes_write_answer(struct json *json, const struct changes_wish *wish, const char *reset);
