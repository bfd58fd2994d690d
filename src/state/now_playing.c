// SPDX-License-Identifier: GPL-3.0-or-later
/* Who plays what just now: one line per (account, client), latest first, the oldest makes room. */
#include "state/state_internal.h"

enum { FRESH_MS = 10 * 60 * 1000 };

void state_now_playing_set(struct state *state, struct uid account, struct text client,
                           struct subject track, int64_t now_ms)
{
    struct playing playing = {.now = {account, track, TEXT_NONE, now_ms}};
    size_t size = client.size < sizeof playing.client ? client.size : sizeof playing.client;
    size_t at = 0;
    bytes_copy(playing.client, client.data, size);
    playing.now.client.size = size;
    while (at < state->playing_count &&
           !(uid_equal(state->playing[at].now.account, account) &&
             text_equal(text_make(state->playing[at].client, state->playing[at].now.client.size),
                        text_make(playing.client, size))))
        at++;
    if (at == state->playing_count) {
        at = state->playing_count < NOW_PLAYING_MAX ? state->playing_count++ : NOW_PLAYING_MAX - 1;
    }
    memmove(state->playing + 1, state->playing, at * sizeof *state->playing);
    state->playing[0] = playing;
}

bool state_now_playing_next(const struct state *state, int64_t now_ms, size_t *cursor,
                            struct now_playing *ret)
{
    if (*cursor >= state->playing_count || now_ms - state->playing[*cursor].now.since_ms > FRESH_MS)
        return false; /* the rest is older still */
    const struct playing *playing = &state->playing[(*cursor)++];
    *ret = playing->now;
    ret->client = text_make(playing->client, playing->now.client.size);
    return true;
}
