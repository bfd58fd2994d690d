// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/buffer_clock.h"
#include "drills/load_state.h"
#include "drills/requests.h"

#include <openssl/evp.h>

/*
 * listener: one virtual person with an app.  Internal to the load.
 *
 *   ABSENT ──arrives──▶ SIGNING_IN ──▶ CHOOSING ──taps──▶ HEARING ──end, skip──┐
 *      ▲                    │ (failed)     ▲ └── no more tracks ──┐            │
 *      └────────────────────┴──────────────┼──────────────────────┴────────────┤
 *                                          └───── chooses anew ────────────────┤
 *                                  HEARING ◀──── next in queue, no tap ────────┘
 *
 * Audio comes by one or two fetches (the track that plays; the next one, ~10 s early), read ahead
 * to the buffer's length and then not read: our player asks for it range by range, an app stops
 * reading its one stream.  A fetch that breaks is taken up where it was, with back-off.  Where the
 * load hears segments, our player asks for one after the other instead; each is music once it is
 * whole and what the manifest says, and asked of another node when it is not.  All else is errands,
 * beside the music, tried again for 10 s.
 *
 * A player renews its session where it is, by its browser's key, a minute before its end or when a
 * node refuses it (401); what was refused waits for that and is asked again.  Listeners of one
 * account share its session; each renews for itself.
 */
enum listener_step { LISTENER_ABSENT, LISTENER_SIGNING_IN, LISTENER_CHOOSING, LISTENER_HEARING };

struct fetch {
    struct listener *listener;
    struct client_call *call;
    struct loop_timer again;    /* the back-off */
    uint64_t got, size, end;    /* bytes; the present request's range ends before `end` */
    uint32_t after_ms;          /* the server asked not to be asked before */
    uint64_t drops;             /* that come once more, because a range was not honoured */
    uint32_t track, pass_taken; /* the session that it was asked with */
    uint32_t segment;           /* that is wanted now */
    EVP_MD_CTX *digest;         /* of what came of it; NULL: none is under way */
    uint16_t status;
    uint8_t tries, renewals;               /* without a byte between */
    bool is_wanted, is_paused, is_waiting; /* is_waiting: for `again`, or the session */
    bool waits_for_pass;
    bool is_good; /* the present answer is audio */
};

enum {
    LISTENER_ERRANDS = 5,
    LISTENER_RENEWAL = 4 /* that one's place */,
    ERRAND_ANSWER_BYTES = 4096
};

struct errand {
    struct listener *listener;
    struct client_call *call;
    struct loop_timer again;
    struct buffer answer; /* the beginning of it */
    uint64_t began_us;
    int64_t at_ms;
    uint32_t track, number, seq, heard_ms, after_ms;
    uint16_t status;
    uint8_t kind, tries; /* enum errand_kind; ERRAND_NONE: this place is free */
    uint32_t pass_taken; /* the session that it was asked with */
    uint8_t renewals;    /* and new proofs: at most ERRAND_RENEWALS */
    bool wants_password, wants_proof, waits_for_pass;
    bool may_be_done; /* some try ended without a word */
};

struct listener {
    struct load *load;
    struct client_pool *pool;
    struct pass *pass;
    struct chance chance; /* of what it decides: the same in every run, whatever the server does */
    struct chance luck; /* of what depends on the server: waits before a retry, words of a search */
    struct loop_timer timer;
    uint64_t due_us; /* the timer's, or UINT64_MAX */
    uint64_t arrived_us;
    struct buffer_clock clock;
    struct fetch fetches[2];
    struct errand errands[LISTENER_ERRANDS];
    uint32_t index, account, tracks_left, next_track, skip_ms, seq;
    uint8_t step, target, now; /* now: which fetch plays */
    uint8_t moves; /* in a row, from one target to the next, without a good answer between */
    bool is_player, is_impatient, is_flash, leaves_soon;
    bool has_failed, gap_is_counted, is_interrupted; /* of the present track */
    bool is_counted, has_next, next_is_fetched, stars;
};

void listener_init(struct listener *listener, struct load *load, uint32_t index);
void listener_arrive_at(struct listener *listener, uint64_t at_us);
/* Brings its clock up to date. */
void listener_look(struct listener *listener, uint64_t now_us);
/* No more music and no new errands; those under way may end. */
void listener_fall_silent(struct listener *listener, uint64_t now_us);
bool listener_has_errands(const struct listener *listener);
void listener_release(struct listener *listener); /* cuts all without a word */
/* By now, of the present gap; 0 without one that counts. */
uint32_t listener_silent_ms(const struct listener *listener, uint64_t now_us);

/* --- between the parts of a listener --- */

static inline struct load_figures *listener_figures(struct listener *listener)
{
    return &listener->load->figures;
}
static inline struct fetch *listener_playing(struct listener *listener)
{
    return &listener->fetches[listener->now];
}

/* listener.c */
void listener_wake_at(struct listener *listener, uint64_t at_us); /* UINT64_MAX: never */
void listener_errand_ended(struct listener *listener, enum errand_kind kind, bool is_good);

/* listener_ear.c */
/* Music heard since it was last looked, for the sum of all. */
void ear_look(struct listener *listener, uint64_t now_us);
void ear_count_gap(struct listener *listener); /* the one that goes on: once */
void ear_end_gap(struct listener *listener, uint32_t gap_ms);
/* Bytes of a fetch have come. */
void listener_fed(struct listener *listener, const struct fetch *fetch, uint64_t now_us);
/* Music that lies ahead of the ear, of this fetch's track. */
uint32_t listener_ahead_ms(const struct listener *listener, const struct fetch *fetch);

/* listener_target.c */
void listener_choose_target(struct listener *listener); /* the first; makes its pool */
/* A request failed on its way: where there is another target the listener moves to it. */
void listener_line_failed(struct listener *listener);
void listener_ask_of(struct listener *listener, const struct fetch *fetch, struct request_of *ret);
/* After the first failure at each of the targets it asks the next at once, then with patience. */
uint32_t listener_backoff_ms(struct listener *listener, unsigned tries);

/* listener_audio.c */
void audio_fetch_start(struct fetch *fetch, uint32_t track);
void audio_fetch_stop(struct fetch *fetch);
void fetch_pace(struct fetch *fetch); /* reads on, or stops reading */
/* Once this much lies ahead, fetch_pace() reads on. */
uint32_t fetch_low_ms(const struct listener *listener);
void fetch_go_on(struct fetch *fetch, bool is_renewed); /* if it waits for the session */
void fetch_move(struct fetch *fetch); /* the pool is about to go: asks again in the next one */

/* listener_errand.c */
void errand_run(struct listener *listener, enum errand_kind kind);
void errand_release(struct errand *errand);
void errand_move(struct errand *errand); /* as fetch_move */
/* Renews the session, unless that is under way; false when it cannot be. */
bool errand_renew(struct listener *listener) MUST_USE;
/* The same, when the session is about to end. */
void errand_renew_early(struct listener *listener);
void errand_go_on(struct errand *errand, bool is_renewed); /* if it waits for the session */
