// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "base/log.h"
#include "trust/keyring.h"

#include <limits.h>

/*
 * promotion: an edge's folder becomes its origin's successor (docs/decisions/037-promote.md).
 *
 *     STATE/replica, /catalog, state.db     what the edge holds of the origin
 *        + the root key, for a moment
 *     ─▶ a greater epoch · a new signing key behind the origin's · the authority for nodes ·
 *        the book of edges · library.db and libraries.json with the ids of the catalogue
 *
 * Offline, under the folder's lock.  Everything is looked at before anything is changed.  The list
 * of keys is what makes an origin of the folder; STATE/promoted, written last, says that all the
 * rest is there too.  What is done again after a crash gives the same but for a greater epoch.
 */
struct settings;
struct promotion;

/* What the folder holds, and what will not be whole. */
struct promotion_findings {
    char root_fingerprint[44]; /* of the origin that it followed */
    bool has_root_key;         /* the one that signed for that origin */
    uint64_t epoch;            /* of the origin, as far as it is known here */
    int64_t confirmed_ms;      /* when the newest of its signed objects came */
    uint64_t tracks, albums, artists, libraries;
    uint64_t libraries_absent; /* whose folder was not named */
    uint64_t accounts, without_password;
    uint64_t apps, apps_by_key_only; /* found by apiKey, not by token and salt */
    uint64_t passwords_elsewhere;    /* of those without: other edges hold it, and bring it */
    uint64_t apps_elsewhere;         /* the same */
    uint64_t edges;                  /* others, that go on as nodes of the new origin */
};

struct promotion_config {
    const struct settings *settings;
    const struct logger *logger;
    const char *root_key; /* a file; NULL: root.key among the folder's keys or credentials */
};

/* Looks.  False with words in `why`; close it also then. */
bool promotion_open(const struct promotion_config *config, struct promotion **ret,
                    struct buffer *why) MUST_USE;
const struct promotion_findings *promotion_findings(const struct promotion *promotion);
/* Does it, telling each step as it begins.  False with words in `why`. */
typedef void promotion_tell(void *context, const char *step);
bool promotion_carry_out(struct promotion *promotion, promotion_tell *tell, void *context,
                         struct buffer *why) MUST_USE;
uint64_t promotion_epoch(const struct promotion *promotion); /* the new one, once it is done */
void promotion_close(struct promotion **promotion);
