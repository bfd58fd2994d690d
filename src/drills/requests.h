// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/load_state.h"

/*
 * requests: the requests of virtual listeners, as bytes.  Two dialects: our player's own API and
 * what unmodified Subsonic apps send (token and salt, /rest/….view).  Pure but for the digest.
 */
enum errand_kind {
    ERRAND_NONE,
    ERRAND_SIGN_IN,
    ERRAND_HOME,
    ERRAND_SEARCH,
    ERRAND_PLAYLIST,
    ERRAND_ARTWORK,
    ERRAND_NOW_PLAYING,
    ERRAND_QUEUE,
    ERRAND_RENEWAL, /* of the session, by the browser's key */
    ERRAND_PLAY,    /* a write, as the two below */
    ERRAND_STAR,
    ERRAND_NEW_PLAYLIST,
};

/* Who asks, and about what. */
struct request_of {
    const struct pass *pass;
    const char *node; /* the URL that is asked: proofs name it */
    const struct shelf_track *track;
    bool is_player, wants_password; /* the latter: a sign-in or renewal that types one */
    uint32_t listener;              /* its number: part of the client's name, and its device */
    uint64_t run;                   /* the load's */
    uint32_t number;                /* of a playlist: its name; of a search: its letter */
    uint32_t seq;                   /* of an operation */
    int64_t at_ms;                  /* Unix */
    uint32_t heard_ms;
};

enum { REQUEST_TARGET_BYTES = 2048, REQUEST_BODY_BYTES = 1024 };
struct request_text {
    struct client_request request; /* borrows from the rest */
    struct http_field fields[4];
    char target[REQUEST_TARGET_BYTES], bearer[PASS_TOKEN_BYTES + 16], range[64];
    char body[REQUEST_BODY_BYTES], proof[BROWSER_PROOF_BYTES];
};

void request_errand(struct request_text *text, enum errand_kind kind, const struct request_of *of);
/* Audio from byte `from` on; `to`: the last byte wanted, UINT64_MAX for all that follows. */
void request_audio(struct request_text *text, const struct request_of *of, uint64_t from,
                   uint64_t to);
/* One of the track's segments, or its manifest: our player's. */
void request_segment(struct request_text *text, const struct request_of *of, uint32_t segment);
void request_manifest(struct request_text *text, const struct request_of *of);
/* What the load itself asks, in a session or as a Subsonic app; `parameters` begins with '&' or is
 * empty. */
void request_rest(struct request_text *text, const struct pass *pass, const char *endpoint,
                  const char *parameters);
void request_sign_in(struct request_text *text, const struct pass *pass, const char *node);
void request_new_secret(struct request_text *text, const struct pass *pass, uint64_t run);

/* The name of playlist `number` of a load, and back: UINT32_MAX when it is not one of `run`. */
void request_playlist_name(char *out, size_t size, uint64_t run, uint32_t number);
uint32_t request_playlist_number(const char *name, uint64_t run);
