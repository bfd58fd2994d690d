// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/book.h"
#include "adopt/foreign.h"
#include "adopt/pauses.h"
#include "base/log.h"
#include "trust/keys.h"

/*
 * replay: writes that wait are told to the foreign server, in order, as the listeners who made
 * them.
 *
 * Its API has no ids for writes, so whether one arrived is asked: before it is sent, what is there
 * is noted durably (WRITE_SENDING); after a crash or a lost answer that is compared with what is
 * there now.
 *
 *     star, unstar     what is so already is not sent (some servers refuse it): any number of times
 *     setRating, deletePlaylist, createPlaylist of a known id   the last state: any number of times
 *     createPlaylist   a list of this name that was not there before is ours: once
 *     updatePlaylist   the songs are as they should be, or as before: once.  Neither: somebody else
 *                      changed it meanwhile, and it is not sent again
 *     scrobble         a play more than before: once.  A server that does not say how often it
 *                      played a song: in doubt it is not sent again, so at most once
 *
 * A listener whose credentials are refused keeps what waits, until they come with others.
 *
 * What the server answers in no way that means something (error 0, which is any passing trouble; an
 * error page; nothing) is tried again, less and less often (pauses.h), and given up when for a day
 * and at ten tries the server had an answer to everything else.  Meanwhile that listener's later
 * writes wait, and nobody else's.  What ends otherwise than told is kept to be shown (ended.h).
 */
enum { REPLAY_TRIES = 10, REPLAY_TRIED_MS = 24 * 3600 * 1000 };

struct replay_told {
    int64_t number;
    bool is_refused;
    int code;         /* of the refusal */
    json_t *response; /* borrowed, may be NULL */
};
struct replay_config {
    struct book *book;
    struct foreign *foreign;
    const struct keys *keys;
    struct pauses *pauses;
    const struct logger *logger;
    int64_t now_ms, up_ms; /* of the day; monotonic */
    void (*told)(void *context, const struct replay_told *told);
    void *context;
};
/* Until none waits that can be told: true; false when the server may have gone away.  Then also
 * asks for the lists of those whose writes were told. */
bool replay_all(const struct replay_config *config) MUST_USE;
