// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/ear/tape.h"
#include "io/client.h"
#include "media/manifest_read.h"

/*
 * ear: one listener who really listens.  Keeps the player's contract: signs in, reads the manifest,
 * fetches segments and checks their digests, reads ahead so far and no farther, goes to the next
 * node when one does not answer or lies, journals what it writes and sends it until somebody has
 * it.  What it hears plays in real time onto a tape (tape.h) and is compared with the source.
 *
 *   SIGNING_IN ─▶ LOOKING ─▶ PREPARING ─▶ WARMING ─▶ HEARING
 *                                    done ◀─ VERIFYING ◀─ FLUSHING ◀─┘ SIGTERM
 *
 *   LOOKING     for the song, by its title, and the account's state before
 *   PREPARING   until the origin has cut it whole
 *   WARMING     every edge is asked for all of it once: "it was heard yesterday" (--warm)
 *   HEARING     music, and a deed each act_ms: search, star, playlist, another's sign-in, play
 *   FLUSHING    what was written and not taken goes out
 *   VERIFYING   at the origin: every write that was acknowledged is there once
 *
 * One loop, three lanes with one request each: music, deeds, writes.  Nodes are tried in order, the
 * origin last; only loopback addresses are accepted.
 */
enum {
    EAR_MAX_NODES = 8,
    EAR_MAX_WRITES = 256,
    EAR_TOKEN_BYTES = 1024,
    EAR_ID_BYTES = 64,
    EAR_ANSWER_BYTES = 16 << 20,
};

struct ear_config {
    const char *nodes[EAR_MAX_NODES]; /* URLs; the last one is the origin */
    unsigned node_count;
    const char *name, *password, *other_name, *other_password;
    const char *title;
    uint32_t buffer_ms, act_ms;
    bool warms;
    const char *playing_path; /* made when music begins; NULL: nobody waits for it */
    const char *wav_path;     /* NULL: nobody wants to hear it */
};

/* --- asking --- */

struct ear;
struct ear_ask;
/* Looks at a whole answer of 2xx; false: this node lies or does not know, ask the next. */
typedef bool ear_take(struct ear *ear, struct text answer);

/* A lane: one request at a time, tried at one node after the other until `give_up_us`. */
struct ear_ask {
    struct ear *ear;
    struct client_call *call;
    struct loop_timer again;
    struct buffer answer, body, target;
    enum http_method method;
    ear_take *take;
    void (*fail)(struct ear *ear); /* it gave up */
    uint64_t give_up_us;
    unsigned status, node, tries;
    bool is_pinned; /* this node alone */
    bool is_busy;
};
struct ear_question {
    enum http_method method;
    struct text target, body; /* copied */
    ear_take *take;
    void (*fail)(struct ear *ear);
    uint32_t patience_ms;
    int node; /* this one alone; -1: wherever the ear is */
};
/* The lane is free.  Exactly one of take (true) and fail ends it. */
void ear_ask(struct ear_ask *lane, const struct ear_question *question);
/* The body of POST /api/v1/session, begun in `body`. */
void ear_write_sign_in(const char *name, const char *password, struct buffer *body);
void ear_ask_init(struct ear_ask *lane, struct ear *ear);
void ear_ask_cut(struct ear_ask *lane); /* what is asked is not wanted any more */
void ear_ask_release(struct ear_ask *lane);

/* --- state --- */

enum ear_step {
    EAR_SIGNING_IN,
    EAR_LOOKING,
    EAR_PREPARING,
    EAR_WARMING,
    EAR_HEARING,
    EAR_FLUSHING,
    EAR_VERIFYING,
    EAR_DONE,
};

struct ear_tries {
    unsigned tried, failed;
};

struct ear_writes { /* this ear's own, by what they are */
    unsigned plays, stars, entries;
};

struct ear {
    const struct ear_config *config;
    const struct tape_source *source;
    struct loop *loop;
    struct client *client;
    struct client_origin *origins[EAR_MAX_NODES];
    struct client_pool *pools[EAR_MAX_NODES];
    enum ear_step step;
    unsigned node, moves; /* where it is */
    char token[EAR_TOKEN_BYTES], grant[EAR_TOKEN_BYTES], track[EAR_ID_BYTES];
    char why[256]; /* it could not go on */

    struct ear_ask music, deed, writer;
    struct manifest_body manifest;
    struct buffer init, sound;
    uint32_t segment;   /* wanted next */
    unsigned warm_node; /* while WARMING */
    bool has_init;
    struct tape *tape;
    struct loop_timer player, actor;
    uint64_t began_us; /* of HEARING: what the story counts from */

    struct ear_tries searches, sign_ins;
    struct ear_write {
        uint8_t kind; /* enum ear_write_kind */
        bool is_late; /* nobody took it for long */
        int64_t at_ms;
        char subject[EAR_ID_BYTES];
    } writes[EAR_MAX_WRITES];
    unsigned write_count, acknowledged_upto; /* all before are acknowledged */
    unsigned sent_upto;                      /* of the request under way */
    uint64_t noise;                          /* no other ear has it: part of all ids */
    char device[24], playlist[24];
    char stars[EAR_MAX_WRITES][EAR_ID_BYTES]; /* songs of the library, each starred once */
    unsigned star_count, next_star, next_act;
    unsigned plays_before;
    struct ear_writes acknowledged, found;
    unsigned lost, doubled, writes_late;
    uint64_t verify_until_us;
};
enum ear_write_kind { EAR_PLAYLIST, EAR_PLAY, EAR_STAR, EAR_ENTRY };

/* Runs to its end: SIGTERM, and what follows from it.  0, or 1 with ear->why. */
int ear_run(struct ear *ear);
void ear_release(struct ear *ear);
/* One line: seconds since the music began, and what happened. */
void ear_tell(struct ear *ear, const char *format, ...) PRINTF_LIKE(2, 3);
void ear_give_up(struct ear *ear, const char *why);
const char *ear_node_url(const struct ear *ear);

/* --- ear_music.c --- */
void ear_music_begin(struct ear *ear); /* from PREPARING on */
void ear_music_end(struct ear *ear);

/* --- ear_deeds.c --- */
bool ear_deeds_take_library(struct ear *ear, struct text answer); /* search3 of everything */
void ear_deeds_begin(struct ear *ear);
void ear_deeds_flush(struct ear *ear); /* FLUSHING, then VERIFYING, then the end */
