// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/adopt_state.h"
#include "adopt/island.h"
#include "adopt/writes.h"

/*
 * visit: one request under /rest on its way through the gate; on the home loop, but while a worker
 * has it.  It is in adopt->visits until it is finished.
 */
typedef void visit_step(struct visit *visit);

enum pass_says {
    PASS_OK,     /* an answer with status ok: who asked is who they say */
    PASS_FAILED, /* an answer with an error */
    PASS_BYTES,  /* no such answer, but one that was meant: a picture, a 404 */
    PASS_SLOW,   /* nothing in time */
    PASS_AWAY,   /* nothing, or an error page */
};

struct visit {
    struct adopt *adopt;
    struct exchange *exchange;
    struct visit *next, **at;
    struct text endpoint; /* the exchange's arena's */
    struct credentials credentials;
    struct credentials_digest digest;
    visit_step *then; /* when who asks is proven, or a job is done */
    visit_step *proven;

    /* pass */
    struct client_call *passing;
    struct buffer body;
    enum pass_says says;
    int code; /* of PASS_FAILED */
    unsigned status;
    char type[128];

    /* a worker's */
    json_t *parameters; /* {name: [value …]}, without credentials, c, v, f */
    json_t *envelope;
    struct island_answer answer;
    enum verifier verifier;
    enum write_end taken;
    bool is_whole, is_remembered;

    int64_t number; /* the write that it waits to be told; 0 none */
    struct loop_timer timer;
};

/* NULL: too many wait; the exchange is answered. */
struct visit *visit_begin(struct adopt *adopt, struct exchange *exchange) MUST_USE;
/* {name: [value …]} without credentials, c, v, f; what is not UTF-8 is left out, for nothing of the
 * server's has such an id.  A new reference. */
json_t *visit_read_parameters(const struct http_parameters *parameters) MUST_USE;
struct text visit_parameter(const struct visit *visit, const char *name);
/* All FINISH the exchange and free the visit. */
void visit_fail(struct visit *visit, int code, const char *message);
void visit_busy(struct visit *visit, unsigned retry_after_s);
void visit_answer(struct visit *visit, const char *name, const json_t *body, const char *detail);
void visit_send_passed(struct visit *visit, const char *detail); /* what came, as it came */
void visit_release(struct visit *visit);                         /* without an answer */

/* --- pass: to the foreign server, for at most `deadline_ms`; then `then` --- */
void pass_on(struct visit *visit, unsigned deadline_ms, visit_step *then);
/* The same for a ping with the visit's credentials. */
void pass_ping(struct visit *visit, unsigned deadline_ms, visit_step *then);
void pass_cancel(struct visit *visit);
/* Whether a good answer to it proves who asked: some endpoints are open to everybody
 * (getOpenSubsonicExtensions), and what a server has beside the known ones nobody knows. */
bool pass_proves(struct text endpoint) MUST_USE;
/* What bytes say, pure. */
enum pass_says pass_read(unsigned status, struct text type, struct text body, int *ret_code);

/* --- jobs: on a worker, then `then`.  A full queue answers 503. --- */
void job_answer(struct visit *visit,
                visit_step *then); /* `answer`, else is_remembered: body, type */
void job_verify(struct visit *visit, visit_step *then);     /* `verifier` */
void job_is_whole(struct visit *visit, visit_step *then);   /* `is_whole` */
void job_take_write(struct visit *visit, visit_step *then); /* `taken`, `number`, `answer` */
/* Without waiting; when it cannot be kept now, its proof says so and the next request tries again.
 */
void job_keep_verifier(struct visit *visit);
void job_forget_verifier(struct visit *visit);
void job_remember(struct visit *visit); /* the body that came */
