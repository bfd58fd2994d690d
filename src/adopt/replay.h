// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/book.h"
#include "adopt/foreign.h"
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
 */
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
    const struct logger *logger;
    void (*told)(void *context, const struct replay_told *told);
    void *context;
};
/* Until none waits: true; false when the server went away.  Then also asks for the lists of those
 * whose writes were told. */
bool replay_all(const struct replay_config *config) MUST_USE;
