// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "http/message.h"

/*
 * caching: what a shared cache may do with a response (RFC 9111), and with which stale one it may
 * help itself (RFC 5861).  Pure: fields and times in, decisions out.  Times are Unix milliseconds.
 *
 *     response ── caching_control_read() ─▶ control ─┬─ caching_may_store()   is it kept?
 *                                                    └─ caching_freshness_of() how long is it good?
 *     request ─── caching_asked_read() ───▶ asked ──── caching_use_of()        hit, stale,
 * validate?
 *
 * What selects among several responses to one URL is http/caching_vary.h; what changes a stored
 * response is http/caching_update.h; targeted fields are read by http/caching_targeted.h.
 */
struct caching_fields { /* of one message, in order, as received */
    const struct http_field *items;
    size_t count;
};
/* The first of that name from *at on, whose place is left in *at; TEXT_NONE after the last. */
struct text caching_field_next(struct caching_fields fields, struct text name, size_t *at);
struct text caching_field(struct caching_fields fields, struct text name); /* the first */
size_t caching_field_count(struct caching_fields fields, struct text name);

enum { CACHING_UNSET = -1 }; /* a directive that is absent, or whose argument is none */
#define CACHING_SECONDS_MAX (INT64_C(1) << 31) /* larger is this (1.2.2) */

/* Digits only, capped; CACHING_UNSET for anything else. */
int64_t caching_seconds(struct text digits);

/* Cache-Control of a response (5.2.2), or the targeted field that takes its place (RFC 9213). */
struct caching_control {
    int64_t max_age_s, s_maxage_s;
    int64_t stale_while_revalidate_s, stale_if_error_s; /* RFC 5861 */
    bool is_present;                                    /* some directive was there */
    bool is_targeted; /* Cache-Control and Expires are then not looked at (RFC 9213 2.2) */
    bool no_store, no_cache, is_private, is_public;
    bool must_revalidate, proxy_revalidate, must_understand, immutable;
    /* "field, field" of the qualified forms of no-cache and private; borrowed.  Such a directive is
     * about these fields and not about the response, so the flag above stays false. */
    struct text no_cache_fields, private_fields;
};
void caching_control_read(struct caching_fields response, struct caching_control *ret);

/* Cache-Control of a request (5.2.1) and what else of it matters to a cache. */
struct caching_asked {
    int64_t max_age_s, min_fresh_s;
    int64_t max_stale_s; /* INT64_MAX: however stale */
    bool no_cache;       /* also Pragma, without Cache-Control (5.4) */
    bool no_store, only_if_cached, is_authorized, has_range;
};
void caching_asked_read(struct caching_fields request, struct caching_asked *ret);

/* --- storing (3) --- */

enum caching_store {
    CACHING_STORE_YES,
    CACHING_STORE_NOT_METHOD, /* neither GET, nor POST with what 9110 9.3.3 asks for */
    CACHING_STORE_NOT_STATUS, /* interim, 304, or not understood where must-understand is */
    CACHING_STORE_NO_STORE,   /* either side said so */
    CACHING_STORE_PRIVATE,
    CACHING_STORE_AUTHORIZED,    /* 3.5 */
    CACHING_STORE_NOT_EXPLICIT,  /* no lifetime, no validator to keep it for */
    CACHING_STORE_VARIES_BY_ALL, /* Vary: * never matches (4.1) */
};
const char *caching_store_word(enum caching_store store);
/* `method` as it was sent (HEAD's answers are not stored: they update, caching_update.h). */
enum caching_store caching_may_store(struct text method, const struct caching_asked *asked,
                                     unsigned status, struct caching_fields response,
                                     const struct caching_control *control) MUST_USE;

/* --- freshness (4.2) --- */

struct caching_times {
    int64_t request_ms, response_ms; /* when it was asked for, when its header came */
};

struct caching_freshness {
    int64_t response_ms;
    int64_t age_at_response_ms;                           /* corrected_initial_age (4.2.3) */
    int64_t lifetime_ms;                                  /* 0 or more (4.2.1, 4.2.2) */
    int64_t stale_while_revalidate_ms, stale_if_error_ms; /* CACHING_UNSET: not said */
    bool is_heuristic;
    bool needs_validation; /* no-cache: however fresh (5.2.2.4) */
    bool forbids_stale;    /* must-revalidate, proxy-revalidate, s-maxage: not even on error */
    bool is_immutable;     /* RFC 8246 */
};
/*
 * `distrusts_age`: an Age that is no single number of seconds makes the response stale.  Otherwise
 * it is ignored, and of a list the first member counts, as 5.1 says.
 */
void caching_freshness_of(unsigned status, struct caching_fields response,
                          const struct caching_control *control, struct caching_times times,
                          bool distrusts_age, struct caching_freshness *ret);
int64_t caching_age_ms(const struct caching_freshness *freshness, int64_t now_ms); /* 4.2.3 */

/* --- using (4) --- */

enum caching_use {
    CACHING_USE_FRESH,      /* answer with it */
    CACHING_USE_STALE,      /* answer with it: the client allows it (max-stale) */
    CACHING_USE_REVALIDATE, /* answer with it, and validate it behind the answer (RFC 5861 3) */
    CACHING_USE_NOT,        /* ask the origin, with its validators */
};
enum caching_use caching_use_of(const struct caching_freshness *freshness,
                                const struct caching_asked *asked, int64_t now_ms) MUST_USE;
/*
 * Whether it may answer where the origin did not (`was_answered` false: RFC 9111 4.2.4), or
 * answered 500, 502, 503 or 504 (RFC 5861 4).  Without stale-if-error, and when there was no
 * answer, that is for `unsaid_ms` after it went stale.
 */
bool caching_may_help(const struct caching_freshness *freshness, bool was_answered, int64_t now_ms,
                      int64_t unsaid_ms) MUST_USE;

/* --- invalidating (4.4) --- */

/* Whether an answer of `status` to that unsafe method makes what is stored for its target stale. */
bool caching_invalidates(struct text method, unsigned status) MUST_USE;
bool caching_is_safe(struct text method) MUST_USE; /* GET, HEAD, OPTIONS, TRACE */
/*
 * Appends the target (origin-form) that a Location or Content-Location means, seen from `target` at
 * `host`; false when it is another origin's, or not a reference.
 */
bool caching_same_origin(struct text host, struct text target, struct text location,
                         struct buffer *out) MUST_USE;

/* --- telling (RFC 9211) --- */

enum caching_forward { /* why it went forward */
                       CACHING_FORWARD_NOT,
                       CACHING_FORWARD_BYPASS,
                       CACHING_FORWARD_METHOD,
                       CACHING_FORWARD_URI_MISS,
                       CACHING_FORWARD_VARY_MISS,
                       CACHING_FORWARD_MISS,
                       CACHING_FORWARD_REQUEST,
                       CACHING_FORWARD_STALE,
                       CACHING_FORWARD_PARTIAL,
};
struct caching_status {
    bool is_hit, is_stored, is_collapsed;
    enum caching_forward forward;
    unsigned forward_status; /* 0: none came, or the same as is answered */
    int64_t ttl_s;           /* INT64_MIN: unknown */
    const char *detail;      /* a token of ours, or NULL */
};
void caching_status_write(struct buffer *out, const char *cache,
                          const struct caching_status *status);
