// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/answer.h"
#include "api/gain.h"
#include "api/parameters.h"
#include "catalog/catalog.h"
#include "io/exchange.h"
#include "state/state.h"

/*
 * call: one request under /rest, from its parameters to its answer.
 *
 * The router (rest.c) finds the endpoint, proves who asks, checks the parameters and opens the
 * envelope; the endpoint's handler writes what it has to say into `answer` and says how it ended.
 * A handler that must wait (for durability, for a worker) returns CALL_LATER and calls
 * call_finish() on the loop when it knows. A handler that answers with bytes of its own (stream,
 * getCoverArt) lets go of the call by call_finish(CALL_SENT), then finishes the exchange, with
 * which the call goes, and returns CALL_LATER, too. A call lives in its exchange's arena and holds
 * one reference on the catalogue's snapshot until it ends.
 */
struct api;
struct batch;
struct call;

enum call_end {
    CALL_OK,        /* the envelope is complete but for its end */
    CALL_FAILED,    /* call_fail() said why */
    CALL_LATER,     /* call_finish() will follow */
    CALL_SENT,      /* to call_finish() alone: others finish the exchange */
    CALL_ELSEWHERE, /* of a node that follows: nothing was done, and its origin may know better */
};
typedef enum call_end endpoint_handler(struct call *call);

enum endpoint_role {
    ENDPOINT_ANYBODY, /* no credentials are looked at */
    ENDPOINT_LISTENER,
    ENDPOINT_ADMIN,
};

/* One row of endpoints.def. */
struct endpoint {
    struct text name;
    endpoint_handler *handler;
    enum endpoint_role role;
    const char *parameters; /* parameters.h */
};
extern const struct endpoint endpoints[];
extern const size_t endpoint_count;
const struct endpoint *endpoint_find(struct text name); /* NULL for one that we do not have */

enum api_error {
#define API_ERROR(id, code, message) API_ERROR_##id = (code),
#include "api/errors.def"
#undef API_ERROR
};

struct call {
    struct api *api;
    struct exchange *exchange;
    const struct endpoint *endpoint;
    const struct http_parameters *parameters;
    struct answer answer;
    bool is_unheard; /* by the origin's signature alone, for a session that is not known here */
    bool is_alone;   /* an edge, and its origin was asked and does not answer */
    struct text callback; /* JSONP */
    struct text client;   /* `c`, as the client calls itself; "" when it does not */

    /* who asks; pointers are looked up again by call_refresh() after the loop has turned */
    struct uid account_id;
    struct uid proven_by; /* session, app, or the account itself by its password */
    const struct account *account;
    const struct listener *listener;
    struct catalog *catalog;
    struct catalog_view view; /* with the listener's rights, within musicFolderId if given */
    struct gain_memo gains;

    struct uid made; /* what a handler made, for its answer once that is durable */

    /* set by call_fail() */
    enum api_error error;
    struct text error_message;
    unsigned http_status;   /* 0 is 200 */
    unsigned retry_after_s; /* 0: no such field */
};

/* Says why; the router sends the error instead of what was written.  NULL is the code's own text.
 */
enum call_end call_fail(struct call *call, enum api_error error, const char *message);
enum call_end call_fail_not_found(struct call *call);
/* Not now: HTTP 503 with Retry-After. */
enum call_end call_fail_busy(struct call *call, unsigned retry_after_s, const char *message);
/* CALL_OK or CALL_FAILED: sends, FINISHES the exchange.  CALL_SENT: only lets go of what the call
 * holds. */
void call_finish(struct call *call, enum call_end end);
/* Looks up account and listener again, after the loop has turned; false when the account is gone.
 */
bool call_refresh(struct call *call) MUST_USE;

static inline struct text call_text(const struct call *call, const char *name)
{
    return parameter_text(call->parameters, name);
}
static inline uint64_t call_number(const struct call *call, const char *name, uint64_t otherwise)
{
    return parameter_number(call->parameters, name, otherwise);
}

/* The entity that parameter `name` names, if this listener may see it; false leaves *ret untouched.
 */
bool call_find(const struct call *call, const char *name, enum catalog_kind kind,
               uint32_t *ret) MUST_USE;
bool call_find_text(const struct call *call, struct text id, enum catalog_kind kind,
                    uint32_t *ret) MUST_USE;

/* --- writing --- */
struct batch *call_batch(const struct call *call) MUST_USE;
/*
 * Submits; when everything is durable answers by `then` (which may write to the answer; NULL: an
 * empty answer), else with the reason.  Returns CALL_LATER.
 */
enum call_end call_submit(struct call *call, struct batch *batch, endpoint_handler *then) MUST_USE;

/* Room for a page of numbers in the call's arena; `max` is cut to what fits. */
struct page {
    uint32_t *numbers;
    size_t max, count;
};
struct page call_page(const struct call *call, uint64_t max);

/* --- ids of the catalogue and of the state are the same bytes --- */
struct subject subject_of(enum catalog_kind kind, const struct catalog_id *id);
