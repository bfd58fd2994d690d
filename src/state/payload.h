// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "state/operation.h"
#include "state/requests.h"

/*
 * payload: what an operation changes: its JSON made into cells, pure and the same on every node.
 *
 * A cell is (account, space, key) → value, where the account is the operation's own: nobody can
 * write another's.
 */
enum space {
#define SPACE(id, number, key, value) SPACE_##id = (number),
#include "state/spaces.def"
#undef SPACE
};

struct change {
    enum space space;
    bool is_final; /* a tombstone: wins over every other order, for ever */
    struct text key, value;
};

/* A play is not a cell: it is counted once for its track, its album and each of its artists. */
struct counted_play {
    struct subject subjects[2 + 16];
    size_t subject_count; /* 0: the operation is no play; subjects[0] is the track */
    int64_t at_ms;
};

enum { CHANGES_MAX = 8192, TEXT_MAX_BYTES = 4096, NAME_MAX_BYTES = 256 };

struct changes {
    struct change *items; /* on the heap, texts in the arena */
    size_t count, capacity;
    struct counted_play play;
    struct arena *arena;
};

void changes_init(struct changes *changes);
void changes_release(struct changes *changes);

/*
 * Replaces what is in `changes`.  False, with static words, when the payload is not valid for its
 * kind. Unknown members are ignored (a newer minor version may add some); an unknown kind changes
 * nothing and is valid.
 */
bool payload_read(const struct operation *operation, struct changes *changes,
                  const char **ret_why) MUST_USE;

/* The form of a value on its way back out of a cell. */
struct app_value {
    int64_t created_ms;
    const uint8_t *index, *sealed;
    struct text label;
};
struct session_value {
    int64_t rotated_ms, created_ms, expires_ms;
    const uint8_t *current, *previous;
    struct text label;
};
struct passkey_value {
    int64_t created_ms, used_ms;
    uint32_t count;
    int algorithm;
    struct text credential, key, label;
};
struct share_value {
    int64_t created_ms, expires_ms;
    struct text subjects, description; /* subjects: 18 bytes each */
};
struct queue_value {
    uint32_t current;
    int64_t position_ms;
    struct text client, subjects;
};
struct bookmark_value {
    int64_t position_ms, created_ms;
    struct text comment;
};
enum request_member { /* bits of `members` */
                      REQUEST_HAS_ADMIN = 1,
                      REQUEST_ADMIN = 2,
                      REQUEST_HAS_DISABLED = 4,
                      REQUEST_DISABLED = 8,
                      REQUEST_HAS_LIBRARIES = 16,
};
struct request_value {
    int64_t asked_ms;
    struct uid session, about;
    enum request_what what;
    unsigned members;
    uint64_t libraries;
    struct text name;
};
struct decision_value {
    int64_t decided_ms;
    bool is_done;
    struct text why;
};
/* False for values that this code did not write: a damaged or newer database. */
bool app_value_read(struct text value, struct app_value *ret) MUST_USE;
bool session_value_read(struct text value, struct session_value *ret) MUST_USE;
bool passkey_value_read(struct text value, struct passkey_value *ret) MUST_USE;
bool share_value_read(struct text value, struct share_value *ret) MUST_USE;
bool queue_value_read(struct text value, struct queue_value *ret) MUST_USE;
bool bookmark_value_read(struct text value, struct bookmark_value *ret) MUST_USE;
bool request_value_read(struct text value, struct request_value *ret) MUST_USE;
bool decision_value_read(struct text value, struct decision_value *ret) MUST_USE;
uint64_t cell_integer(struct text value); /* little-endian of any size up to 8; 0 when empty */
