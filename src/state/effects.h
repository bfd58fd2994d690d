// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "state/cells.h"
#include "state/seen.h"

/*
 * effects: what merging changed, in order, as absolute values, on its way to the database.
 *
 * Writing the same effects twice gives the same database, so a batch whose transaction failed is
 * written again. Owns its memory; one thread at a time.
 */
enum effect_kind {
    EFFECT_CELL,      /* put a cell */
    EFFECT_CELL_DROP, /* delete a cell */
    EFFECT_COUNT,     /* plays of a subject by an account, in all and last */
    EFFECT_PLAY,      /* one play */
    EFFECT_SEEN,      /* a range of a device, and the digest of the operation that made it */
    EFFECT_DIGEST,    /* that digest alone */
    EFFECT_KEPT,      /* an operation of unknown kind, whole */
    EFFECT_KINDS,
};

struct effect {
    enum effect_kind kind;
    union {
        struct {
            struct uid account;
            enum space space;
            struct text key, value;
            struct operation_order order;
        } cell;
        struct {
            struct uid account;
            struct subject subject;
            uint64_t count;
            int64_t last_ms;
            struct uid device; /* the play that counted; none: `count` is taken over as it is */
            uint64_t seq;
            size_t place; /* of the subject in that play */
        } count;
        struct {
            struct uid device, account;
            uint64_t seq, hlc;
            struct subject track;
            int64_t at_ms, accepted_ms;
            struct text payload;
        } play;
        struct {
            struct uid device;
            struct seen_change range;
            uint64_t seq, digest; /* digest 0: not to be remembered */
        } seen;
        struct {
            struct uid device;
            uint64_t seq;
            struct text bytes;
        } kept;
    };
};

/* What was said last about what was seen of some device: a device that counts on is one row, and
 * each place for a digest another, however many operations it sends. */
struct effects_recent {
    struct uid device;
    bool is_valid;
    uint64_t first;
    size_t range, digests[SEEN_REMEMBERED]; /* their items; SIZE_MAX: none */
};
enum { EFFECTS_RECENT = 16 };

struct effects {
    struct effects_recent recent[EFFECTS_RECENT];
    struct effect *items;
    size_t count, capacity;
    struct arena *arena;
    uint64_t lsn;    /* everything up to here is in these effects or before; 0: says nothing */
    uint64_t cursor; /* so is every change of the state of record up to here (record.h); 0: same */
};

enum { EFFECTS_MAX_BYTES = 64 * 1024 * 1024 };

struct effects *effects_new(void) MUST_USE;
void effects_free(struct effects **effects);
void effects_reset(struct effects *effects);
/* Copies the effect and its texts.  Asserts that there is room: ask effects_has_room() before
 * merging. */
void effects_add(struct effects *effects, const struct effect *effect);
/* Whether an operation of this many bytes may still be merged. */
bool effects_has_room(const struct effects *effects, size_t operation_bytes);
