// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/subject.h"

/*
 * playlists: every listener's playlists, and shares.  Reads only, from memory, on the state's
 * loop; changes go through state/batch.h.  Borrowed results are valid until the loop's next turn.
 *
 * An entry has an id of its own and a position: a text of digits and letters that sorts by byte
 * (state/position.h), so that two devices can insert and move without knowing each other.  A
 * removed entry stays removed.
 */
struct state;

struct playlist_entry {
    struct uid id;
    struct subject track;
    struct text position;
};

struct playlist {
    struct uid id, owner;
    struct text name, comment;
    bool is_public;
    int64_t created_ms, changed_ms;
    const struct playlist_entry *const *entries; /* in order */
    size_t entry_count;
};

/* "pl-" + uid is the id in OpenSubsonic.  NULL when `viewer` has none of that id and no public one
 * has it. */
const struct playlist *state_playlist(const struct state *state, struct uid viewer, struct uid id);
/* Walks those `viewer` may see, by name: start with *cursor 0; NULL at the end. */
const struct playlist *state_playlist_next(const struct state *state, struct uid viewer,
                                           size_t *cursor);

struct share {
    struct uid id, owner;
    const struct subject *subjects;
    size_t count;
    struct text description;
    int64_t created_ms, expires_ms; /* 0: never */
};
const struct share *state_share(const struct state *state, struct uid id);
const struct share *state_share_next(const struct state *state, struct uid owner, size_t *cursor);
