// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"

/*
 * origin: the servers that an edge fetches from, and what is known of their health.
 *
 * One `struct origins` for all loops.  It holds the list (by preference), a breaker for each
 * origin, the budgets for second tries and hedges, and the recent first-byte times (edge/health.h,
 * hedge.h, allowance.h: pure); one lock, held for some ns, so that "one probe a second" and "two
 * percent more" are true of the process and not of each of its loops.  Sockets are the fetchers'
 * (edge/fetch.h).
 *
 * The operator names the origins, so any address is fine for them, and nothing else is ever asked:
 * redirects are passed on.
 */
struct origins;
struct node_tls;

enum { ORIGINS_MAX = 8 };

/* See edge/fetch.def. */
struct fetch_limits {
#define LIMIT(name, type, standard, help) type name;
#include "edge/fetch.def"
#undef LIMIT
};
struct fetch_limits fetch_limits_default(void);

struct origins_config {
    const char *const *urls; /* "http[s]://HOST[:PORT]", the preferred one first */
    size_t url_count;        /* 1 to ORIGINS_MAX; 0 with `has_none` */
    bool has_none;           /* this node is the origin: there are other edges, at most */
    const char *ca_file;     /* NULL: the system's authorities */
    struct node_tls *nodes;  /* mutual TLS with them (edge/member.h), borrowed; NULL: ca_file's */
    bool may_have_nothing;   /* other edges: no status says that they are ill */
    struct fetch_limits limits;
    uint64_t seed; /* of back-off and hedging's jitter; 0: drawn */
};

/* NULL, with what is wrong and where in `why`. */
struct origins *origins_new(const struct origins_config *config, char *why,
                            size_t why_size) MUST_USE;
void origins_free(struct origins **origins); /* after its fetchers */
const struct fetch_limits *origins_limits(const struct origins *origins);

/* Any thread: whether some origin is not taken for dead.  While this is false, what is held may be
 * answered without asking first. */
bool origins_are_alive(struct origins *origins);

/* --- what a fetcher asks and reports; any thread --- */

enum { ORIGIN_NONE = ORIGINS_MAX };

size_t origins_count(const struct origins *origins);
struct text origins_url(const struct origins *origins, size_t i);
const char *origins_ca_file(const struct origins *origins); /* may be NULL */
bool origins_may_have_nothing(const struct origins *origins);
struct node_tls *origins_nodes(const struct origins *origins); /* may be NULL */

/*
 * The most preferred one that is alive and not among the bits of `avoid`; else an alive one that
 * is; else a dead one whose probe is due.  Else ORIGIN_NONE.  What was chosen must be reported by
 * one of the next three.
 */
size_t origins_choose(struct origins *origins, uint32_t avoid, uint64_t now_us,
                      bool *ret_is_probe) MUST_USE;
/* Whether one is alive that is not among the bits of `tried`. */
bool origins_have_other(struct origins *origins, uint32_t tried);
void origins_succeeded(struct origins *origins, size_t origin, uint64_t now_us);
/* `known_us`: see health_fail(). */
void origins_failed(struct origins *origins, size_t origin, uint64_t known_us, uint64_t now_us);
void origins_gave_up(struct origins *origins, bool is_probe, size_t origin, uint64_t now_us);

/* --- probes (edge/probe.h) --- */

/* Whether this one may be asked now: a live one always, a dead one when its probe is due.  To be
 * reported as what was chosen. */
bool origins_may_probe(struct origins *origins, size_t origin, uint64_t now_us,
                       bool *ret_is_probe) MUST_USE;
/* `status` 0: there was no answer. */
void origins_probed(struct origins *origins, size_t origin, unsigned status, uint64_t took_us);

struct origin_view {
    struct text url;
    bool is_alive;
    uint32_t failures;         /* in a row */
    unsigned probe_status;     /* of the last probe; 0: no answer, or none was made */
    uint64_t probes, probe_us; /* how many were answered or not; how long the last one took */
};
void origins_look(struct origins *origins, size_t origin, struct origin_view *ret);
/* Lines of Prometheus' text format, a label for each origin. */
struct buffer;
void origins_write_prometheus(struct origins *origins, struct buffer *out);

void origins_earn(struct origins *origins); /* one request more */
bool origins_may_retry(struct origins *origins) MUST_USE;
bool origins_may_hedge(struct origins *origins) MUST_USE;
uint64_t origins_hedge_delay_us(struct origins *origins); /* 0: none */
void origins_first_byte(struct origins *origins, uint64_t us);
/* Something came from one of them, whatever it says. */
void origins_spoke(struct origins *origins, uint64_t now_us);
/* How long a request waits for its header before others are asked beside them, at most `most_us`:
 * what it usually takes; 0 while they are silent or ill. */
uint64_t origins_patience_us(struct origins *origins, uint64_t most_us);
/* Whether others may be asked beside them for one that has waited so long.  With as much as
 * `most_us` a silence is noted, which costs nothing; they are slow: as for a hedge. */
bool origins_may_ask_beside(struct origins *origins, uint64_t waited_us, uint64_t most_us,
                            uint64_t now_us) MUST_USE;
bool origins_are_silent(struct origins *origins);
/* Between half of it and all, drawn. */
uint64_t origins_jittered_us(struct origins *origins, uint64_t us);
