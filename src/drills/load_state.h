// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/browser_key.h"
#include "drills/ledger.h"
#include "drills/load.h"
#include "drills/people.h"
#include "drills/shelf.h"
#include "io/client.h"

/*
 * load_state: what a load's parts share.  Internal to the load: load.c (life, figures),
 * load_accounts.c (preparing, reading back), listener*.c, attacker.c.
 */
enum {
    LOAD_TARGET_BYTES = 128,
    PASS_NAME_BYTES = 128,
    PASS_TOKEN_BYTES = 1024,
    PASS_SECRET_BYTES = 256
};

struct errand;

/* An account in use: what signs requests. */
struct pass {
    char name[PASS_NAME_BYTES], password[PASS_SECRET_BYTES], secret[PASS_SECRET_BYTES];
    char token[PASS_TOKEN_BYTES], grant[PASS_TOKEN_BYTES]; /* empty: no session */
    char playlist[SHELF_ID_BYTES];                         /* one to open; empty: none known */
    int64_t expires_ms;                                    /* the token's, Unix */
    uint32_t taken;          /* how many sessions it had: which one a request was asked with */
    int64_t asked_early_ms;  /* when somebody last renewed it before its end */
    struct errand *typist;   /* types its password anew just now, or NULL */
    struct browser_key *key; /* its sessions are bound to it; NULL without a password */
    char nonce[BROWSER_NONCE_BYTES]; /* for the next proof, by the last node that wanted one */
};

struct listener;
struct attacker;
struct accounts_visit;

struct load {
    struct loop *loop;
    struct load_profile profile; /* of its texts the targets alone are kept */
    char target_texts[LOAD_MAX_TARGETS][LOAD_TARGET_BYTES];
    enum load_state state;
    load_on_state *on_state;
    void *context;
    char why[256];

    struct client *client;
    struct client_origin *origins[LOAD_MAX_TARGETS];
    struct pass *passes;
    struct shelf shelf;
    struct popularity popularity;
    struct ledger *ledger;
    struct cutting *cutting;      /* under way, or NULL */
    struct warming *warming;      /* under way, or NULL */
    struct accounts_visit *visit; /* preparing or reading back; NULL otherwise */

    struct listener *listeners;
    struct attacker *attackers;
    uint32_t attacker_count;

    uint64_t run;        /* drawn anew each time: makes names of this load's own */
    uint64_t running_us; /* when LOAD_RUNNING began */
    struct load_figures figures;
    struct client_counts counts_before; /* the client's, at LOAD_RUNNING */

    struct loop_timer second; /* each second of RUNNING; the grace of STOPPING */
    uint64_t second_due_us, stop_by_us, late_ms_of_second;
    struct load_second *seconds;
    size_t second_count;
    struct load_figures last_second;

    load_on_readback *on_readback;
    void *readback_context;
};

/* load_accounts.c: signs the accounts in and fills shelf and ledger, or reads all of it again. */
typedef void accounts_on_end(struct load *load, const char *why); /* why NULL: all is well */
void load_accounts_prepare(struct load *load, accounts_on_end *on_end);
/* Fills the ledger with what is there; accounts that do not answer are marked so. */
void load_accounts_read_back(struct load *load, accounts_on_end *on_end);
void load_accounts_cancel(struct load *load);
/* load_segments.c: the first target is asked to cut each track; its manifest says into what. */
void load_segments(struct load *load, accounts_on_end *on_end);
void load_segments_cancel(struct load *load);
/* load_warm.c: every target but the first and the cold ones is asked for all music of the shelf. */
void load_warm(struct load *load, accounts_on_end *on_end);
void load_warm_cancel(struct load *load);
/* The session object of a sign-in or a renewal; false when it is none. */
bool pass_take_session(struct pass *pass, struct text json) MUST_USE;
/* The node wants another proof, with its nonce: true, and the nonce is the next one's. */
bool pass_take_nonce(struct pass *pass, const struct http_response *response) MUST_USE;

/* load.c */
enum { LOAD_MOST_WAIT_MS = 60000 };
/* Retry-After of a refusal (RFC 9110 10.2.3, seconds only), at most LOAD_MOST_WAIT_MS; 0 without.
 */
uint32_t load_retry_after_ms(const struct http_response *response);
static inline void load_tell_choice(const struct load *load, uint32_t listener, const char *what,
                                    uint64_t value)
{
    if (load->profile.on_choice)
        load->profile.on_choice(load->profile.choice_context, listener, what, value);
}
void load_count_outcome(struct load *load, enum client_outcome outcome, unsigned status);
static inline uint32_t load_ms_since(uint64_t from_us, uint64_t now_us)
{
    return now_us > from_us ? (uint32_t)((now_us - from_us) / 1000) : 0;
}
