// SPDX-License-Identifier: GPL-3.0-or-later
/*
 *   IDLE ─gather─▶ ASKING ─200, receipt─▶ SETTLING ─taken─▶ IDLE
 *     ▲              │ any other answer: the next place; after the last a pause ─▶ ASKING
 *     └── nothing ───┘
 */
#include "edge/forwarder.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "edge/forwarded_mark.h"
#include "io/client.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/random.h"
#include "store/journal_tail.h"
#include "trust/signed.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    GATHER_US = 5 * 1000,
    LEAST_RETRY_MS = 1000,
    MOST_RETRY_MS = 30000,
    UNGUARDED_RETRY_MS = 1,
    DEADLINE_MS = 20000,
    CONNECT_MS = 4000,
};

enum step { STEP_IDLE, STEP_ASKING, STEP_PAUSED, STEP_SETTLING, STEP_OVER };

struct forwarder {
    struct forwarder_config config;
    char *authorization, *folder;
    pthread_t thread;
    struct loop *loop;
    atomic_bool is_woken;
    struct landing *landing; /* the home loop's thread alone */

    pthread_mutex_t lock; /* guards what follows, up to the blank line */
    struct forwarder_status shown;
    struct forwarder_place places[FORWARDER_MAX_PLACES];
    size_t place_count;

    /* the thread's own */
    enum step step;
    struct loop_timer next;
    struct journal_tail tail;
    struct buffer body; /* the parcel under way */
    struct parcel parcel;
    struct buffer sealed, answer;
    struct receipt receipt;
    struct forwarder_place place;
    size_t at;                 /* of the place */
    struct client *clients[2]; /* by is_relay */
    struct client_origin *origin;
    struct client_pool *pool; /* to `place` */
    struct client_call *call;
    enum client_outcome outcome;
    unsigned status, failures;
    char why[160]; /* a client cannot be had */
};

/* A message to the home loop; it outlives a forwarder that stops meanwhile. */
struct landing {
    struct forwarder *forwarder; /* NULL: gone */
};

static void advance(struct forwarder *forwarder);

/* --- what is said --- */

static void say(struct forwarder *forwarder, const char *why)
{
    pthread_mutex_lock(&forwarder->lock);
    bool is_new = strcmp(forwarder->shown.trouble, why) != 0;
    (void)snprintf(forwarder->shown.trouble, sizeof forwarder->shown.trouble, "%s", why);
    pthread_mutex_unlock(&forwarder->lock);
    if (is_new && *why)
        LOG(forwarder->config.logger, LOG_WARNING,
            "what was accepted here has not arrived at the origin; it is kept",
            {"why", text_of(why)}, {"at", text_of(forwarder->place.url)});
    else if (is_new)
        LOG(forwarder->config.logger, LOG_INFO, "what is accepted here arrives at the origin again",
            {"at", text_of(forwarder->place.url)});
}

void forwarder_status(struct forwarder *forwarder, struct forwarder_status *ret)
{
    pthread_mutex_lock(&forwarder->lock);
    *ret = forwarder->shown;
    pthread_mutex_unlock(&forwarder->lock);
}

/* --- waiting --- */

static void wait_us(struct forwarder *forwarder, enum step step, uint64_t us)
{
    forwarder->step = step;
    loop_timer_start(forwarder->loop, &forwarder->next, loop_now_us(forwarder->loop) + us);
}

/* Between half a minute and a second, twice as long each time, at random in the upper half. */
static uint64_t retry_us(const struct forwarder *forwarder)
{
    uint64_t most_ms = LEAST_RETRY_MS;
    if (!guard_is_on(GUARD_FORWARD_TRIES))
        return (uint64_t)UNGUARDED_RETRY_MS * 1000;
    for (unsigned i = 1; i < forwarder->failures && most_ms < MOST_RETRY_MS; i++)
        most_ms *= 2;
    most_ms = most_ms < MOST_RETRY_MS ? most_ms : MOST_RETRY_MS;
    uint64_t wait_ms = most_ms / 2 + random_u64() % (most_ms / 2 + 1);
    return (wait_ms > LEAST_RETRY_MS ? wait_ms : LEAST_RETRY_MS) * 1000;
}

/* --- where to --- */

static void leave_place(struct forwarder *forwarder)
{
    client_pool_free(&forwarder->pool);
    if (forwarder->origin)
        client_origin_free(&forwarder->origin);
    forwarder->call = NULL;
}

/* False when there is none. */
static bool find_place(struct forwarder *forwarder)
{
    struct forwarder_place place;
    pthread_mutex_lock(&forwarder->lock);
    bool is_there = forwarder->at < forwarder->place_count;
    if (is_there)
        place = forwarder->places[forwarder->at];
    pthread_mutex_unlock(&forwarder->lock);
    if (!is_there)
        return false;
    if (strcmp(place.url, forwarder->place.url) != 0 || place.is_relay != forwarder->place.is_relay)
        leave_place(forwarder);
    forwarder->place = place;
    return true;
}

static const char *enter_place(struct forwarder *forwarder)
{
    struct forwarder_line *line = &forwarder->config.line;
    struct client **client = &forwarder->clients[forwarder->place.is_relay];
    struct client_limits limits = client_limits_default();
    if (forwarder->pool)
        return NULL;
    (void)snprintf(forwarder->why, sizeof forwarder->why, "the address is none");
    if (!*client)
        *client = line->open(line->context, forwarder->loop, forwarder->place.is_relay,
                             forwarder->why, sizeof forwarder->why);
    limits.max_connections = 1;
    limits.connect_ms = CONNECT_MS;
    limits.first_byte_ms = DEADLINE_MS;
    if (*client)
        forwarder->origin = client_origin_named(*client, text_of(forwarder->place.url),
                                                forwarder->config.resolvers, &limits);
    if (forwarder->origin)
        forwarder->pool = client_pool_new(forwarder->origin, NULL);
    return forwarder->pool ? NULL : forwarder->why;
}

static void try_elsewhere(struct forwarder *forwarder, const char *why)
{
    say(forwarder, why);
    leave_place(forwarder);
    forwarder->at++;
    pthread_mutex_lock(&forwarder->lock);
    bool is_last = forwarder->at >= forwarder->place_count;
    pthread_mutex_unlock(&forwarder->lock);
    if (!is_last) {
        wait_us(forwarder, STEP_PAUSED, 0);
        return;
    }
    counter_add(COUNTER_FORWARD_FAILURES, 1);
    forwarder->at = 0;
    forwarder->failures++;
    wait_us(forwarder, STEP_PAUSED, retry_us(forwarder));
}

/* --- asking --- */

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct forwarder *forwarder = context;
    forwarder->status = response->status;
}

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    struct forwarder *forwarder = context;
    buffer_text(&forwarder->answer, piece);
}

/* What it means is seen in a turn of its own: nothing is freed within a call's end. */
static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct forwarder *forwarder = context;
    forwarder->call = NULL;
    forwarder->outcome = outcome;
    loop_timer_start(forwarder->loop, &forwarder->next, loop_now_us(forwarder->loop));
}

static void seal(struct forwarder *forwarder)
{
    const struct forwarder_line *line = &forwarder->config.line;
    buffer_reset(&forwarder->sealed);
    if (line->seal)
        line->seal(line->context, buffer_view(&forwarder->body), forwarder->parcel.last_lsn,
                   &forwarder->sealed);
}

static void ask(struct forwarder *forwarder)
{
    static const struct client_handler handler = {
        .on_header = on_header, .on_body = on_body, .on_end = on_end};
    bool is_sealed = forwarder->config.line.seal != NULL;
    const struct http_field fields[] = {
        {TEXT("Content-Type"), is_sealed ? TEXT(SIGNED_CONTENT_TYPE) : TEXT(PARCEL_CONTENT_TYPE)},
        {TEXT("Authorization"), text_of(forwarder->authorization)}};
    struct client_request request = {
        .method = HTTP_METHOD_POST,
        .target = TEXT(PARCEL_TARGET),
        .fields = fields,
        .field_count = forwarder->authorization[0] && !forwarder->place.is_relay ? 2 : 1,
        .deadline_ms = DEADLINE_MS,
        .may_repeat = true,
    };
    const char *why = enter_place(forwarder);
    if (why) {
        try_elsewhere(forwarder, why);
        return;
    }
    seal(forwarder);
    request.body = buffer_view(is_sealed ? &forwarder->sealed : &forwarder->body);
    forwarder->step = STEP_ASKING;
    forwarder->status = 0;
    buffer_reset(&forwarder->answer);
    counter_add(COUNTER_FORWARD_PARCELS, 1);
    forwarder->call = client_ask(forwarder->pool, &request, &handler, forwarder);
    if (!forwarder->call)
        try_elsewhere(forwarder, "the request cannot be made");
}

/* --- gathering --- */

static bool take_record(void *context, uint64_t lsn, struct text record)
{
    struct forwarder *forwarder = context;
    return parcel_add(&forwarder->body, lsn, record);
}

/* False when there is nothing to send, or it cannot be read. */
static bool gather(struct forwarder *forwarder)
{
    const char *why;
    bool has_more = true;
    int error = 0;
    buffer_reset(&forwarder->body);
    parcel_begin(&forwarder->body, forwarder->config.journal_id);
    uint64_t before;
    do {
        before = forwarder->tail.last_lsn;
        error = journal_tail_read(&forwarder->tail, take_record, forwarder, &has_more);
    } while (!error && has_more && forwarder->tail.last_lsn != before);
    if (error)
        LOG(forwarder->config.logger, LOG_ERROR, "the journal cannot be read",
            {"error", log_errno(error)});
    return parcel_read(buffer_view(&forwarder->body), &forwarder->parcel, &why);
}

static void advance(struct forwarder *forwarder)
{
    if (forwarder->step != STEP_IDLE || !gather(forwarder))
        return;
    forwarder->failures = 0;
    forwarder->at = 0;
    wait_us(forwarder, STEP_PAUSED, 0);
}

/* --- the answer --- */

static void land(void *context)
{
    struct landing *landing = context;
    struct forwarder *forwarder = landing->forwarder;
    mem_free(landing);
    if (!forwarder)
        return;
    forwarder->landing = NULL;
    forwarder->config.on_receipt(forwarder->config.context, &forwarder->parcel,
                                 &forwarder->receipt);
}

static void settle(struct forwarder *forwarder)
{
    struct landing *landing = MEM_NEW(struct landing);
    landing->forwarder = forwarder;
    forwarder->step = STEP_SETTLING;
    pthread_mutex_lock(&forwarder->lock);
    forwarder->landing = landing;
    pthread_mutex_unlock(&forwarder->lock);
    loop_post(forwarder->config.home, land, landing);
}

/* What a drill does without GUARD_RECEIPTS: whoever answers has taken all of it. */
static void believe(struct forwarder *forwarder)
{
    const struct parcel *parcel = &forwarder->parcel;
    forwarder->receipt = (struct receipt){.journal = parcel->journal,
                                          .first_lsn = parcel->first_lsn,
                                          .last_lsn = parcel->last_lsn,
                                          .at_ms = clock_unix_ms()};
}

static const char *read_answer(struct forwarder *forwarder)
{
    const struct forwarder_line *line = &forwarder->config.line;
    struct text body = buffer_view(&forwarder->answer);
    const char *why = "";
    if (!guard_is_on(GUARD_RECEIPTS)) {
        believe(forwarder);
        return NULL;
    }
    if (line->open_receipt && !line->open_receipt(line->context, body, &body))
        return "the answer is no receipt that the origin signed";
    if (forwarder->answer.overflowed || !receipt_read(body, &forwarder->receipt, &why))
        return "the answer is no receipt";
    if (!uid_equal(forwarder->receipt.journal, forwarder->parcel.journal) ||
        forwarder->receipt.first_lsn != forwarder->parcel.first_lsn ||
        forwarder->receipt.last_lsn != forwarder->parcel.last_lsn)
        return "the receipt is for something else";
    return NULL;
}

static void on_answer(struct forwarder *forwarder)
{
    const char *why = NULL;
    if (forwarder->outcome != CLIENT_DONE)
        why = client_outcome_word(forwarder->outcome);
    else if (forwarder->status == 401 || forwarder->status == 403)
        why = "the origin takes nothing from this node";
    else if (forwarder->status != 200)
        why = "the answer is an error";
    else
        why = read_answer(forwarder);
    if (why)
        try_elsewhere(forwarder, why);
    else
        settle(forwarder);
}

static void on_next(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct forwarder *forwarder = CONTAINER_OF(timer, struct forwarder, next);
    if (forwarder->step == STEP_ASKING)
        on_answer(forwarder);
    else if (forwarder->step == STEP_IDLE)
        advance(forwarder);
    else if (forwarder->step == STEP_PAUSED && find_place(forwarder))
        ask(forwarder);
    else if (forwarder->step == STEP_PAUSED) {
        forwarder->at = 0;
        wait_us(forwarder, STEP_PAUSED, retry_us(forwarder));
    }
}

/* --- afterwards --- */

static void finish(struct forwarder *forwarder)
{
    uint64_t lsn = forwarder->parcel.last_lsn;
    if (!forwarded_mark_write(forwarder->folder, forwarder->config.journal_id, lsn)) {
        say(forwarder, "the state folder takes no mark");
        forwarder->failures++;
        wait_us(forwarder, STEP_PAUSED, retry_us(forwarder));
        return;
    }
    journal_hold(forwarder->config.journal, lsn);
    counter_add(COUNTER_FORWARD_OPERATIONS, (int64_t)forwarder->parcel.count);
    pthread_mutex_lock(&forwarder->lock);
    forwarder->shown.forwarded_lsn = lsn;
    forwarder->shown.answered_ms = clock_unix_ms();
    pthread_mutex_unlock(&forwarder->lock);
    say(forwarder, "");
    forwarder->step = STEP_IDLE;
    advance(forwarder);
}

static void on_taken(void *context)
{
    struct forwarder *forwarder = context;
    if (forwarder->step == STEP_SETTLING)
        finish(forwarder);
}

static void on_not_taken(void *context)
{
    struct forwarder *forwarder = context;
    if (forwarder->step != STEP_SETTLING)
        return;
    say(forwarder, "what the origin said cannot be written down here");
    forwarder->failures++;
    wait_us(forwarder, STEP_PAUSED, retry_us(forwarder));
}

void forwarder_taken(struct forwarder *forwarder, bool is_durable)
{
    loop_post(forwarder->loop, is_durable ? on_taken : on_not_taken, forwarder);
}

static void on_wake(void *context)
{
    struct forwarder *forwarder = context;
    atomic_store(&forwarder->is_woken, false);
    if (forwarder->step == STEP_IDLE) /* what comes together goes together */
        wait_us(forwarder, STEP_IDLE, GATHER_US);
}

void forwarder_wake(struct forwarder *forwarder)
{
    if (!atomic_exchange(&forwarder->is_woken, true))
        loop_post(forwarder->loop, on_wake, forwarder);
}

static void on_places(void *context)
{
    struct forwarder *forwarder = context;
    if (forwarder->step == STEP_PAUSED) /* there may be a way again */
        wait_us(forwarder, STEP_PAUSED, (uint64_t)LEAST_RETRY_MS * 1000);
}

void forwarder_set_places(struct forwarder *forwarder, const struct forwarder_place *places,
                          size_t count)
{
    count = count < FORWARDER_MAX_PLACES ? count : FORWARDER_MAX_PLACES;
    pthread_mutex_lock(&forwarder->lock);
    bool is_new = count != forwarder->place_count ||
                  memcmp(forwarder->places, places, count * sizeof *places) != 0;
    memcpy(forwarder->places, places, count * sizeof *places);
    forwarder->place_count = count;
    pthread_mutex_unlock(&forwarder->lock);
    if (is_new)
        loop_post(forwarder->loop, on_places, forwarder);
}

/* --- life --- */

static void *run(void *context)
{
    struct forwarder *forwarder = context;
    (void)pthread_setname_np(pthread_self(), "forwarder");
    advance(forwarder);
    loop_run(forwarder->loop);
    forwarder->step = STEP_OVER; /* messages that still wait start nothing */
    loop_timer_stop(&forwarder->next);
    leave_place(forwarder);
    for (size_t i = 0; i < ARRAY_SIZE(forwarder->clients); i++)
        client_free(&forwarder->clients[i]);
    return NULL;
}

struct forwarder *forwarder_start(const struct forwarder_config *config)
{
    sigset_t all, before;
    struct forwarder *forwarder = MEM_NEW(struct forwarder);
    forwarder->config = *config;
    forwarder->authorization = text_dup(config->line.authorization);
    forwarder->folder = mem_strdup(config->folder);
    forwarder->shown.forwarded_lsn = config->forwarded_lsn;
    forwarder->next.on_timer = on_next;
    journal_tail_init(&forwarder->tail, config->journal, config->forwarded_lsn);
    buffer_init(&forwarder->body, PARCEL_MAX_BYTES);
    buffer_init(&forwarder->sealed, PARCEL_OBJECT_MAX_BYTES);
    buffer_init(&forwarder->answer, RECEIPT_MAX_BYTES + SIGNED_MAX_PREAMBLE_BYTES);
    (void)pthread_mutex_init(&forwarder->lock, NULL);
    forwarder->loop = loop_new();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the home loop */
    int failed = pthread_create(&forwarder->thread, NULL, run, forwarder);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(!failed);
    return forwarder;
}

void forwarder_stop(struct forwarder **forwarder_at)
{
    struct forwarder *forwarder = *forwarder_at;
    if (!forwarder)
        return;
    loop_stop(forwarder->loop);
    (void)pthread_join(forwarder->thread, NULL);
    if (forwarder->landing)
        forwarder->landing->forwarder = NULL;
    loop_free(&forwarder->loop);
    journal_tail_release(&forwarder->tail);
    buffer_release(&forwarder->body);
    buffer_release(&forwarder->sealed);
    buffer_release(&forwarder->answer);
    (void)pthread_mutex_destroy(&forwarder->lock);
    mem_free(forwarder->authorization);
    mem_free(forwarder->folder);
    mem_free_p(forwarder_at);
}
