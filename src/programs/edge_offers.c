// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_offers.h"

#include "base/buffer.h"
#include "base/counters.h"
#include "base/mem.h"
#include "edge/member.h"
#include "io/client.h"
#include "io/clock.h"
#include "io/file.h"
#include "programs/edge_writes.h"
#include "programs/offer_word.h"
#include "state/offer.h"
#include "state/state.h"
#include "trust/keyring.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGET "/nodes/rebuild"
#define OFFERED_FILE "offered"

enum {
    FIRST_PAUSE_MS = 1000,
    PAUSE_MS = 2000,
    LONGEST_PAUSE_MS = 30000,
    DEADLINE_MS = 30000,
    MOST_WAITS = 60,     /* for the journal to be empty */
    STEP_ACCOUNTS = 300, /* that are looked at in one turn of the loop */
    MARK_EVERY = 100,
    STRANGE_TRIES = 2, /* of one account, before others come first */
    FILE_MAX_BYTES = 128,
};

enum step { STEP_ASK, STEP_OFFER, STEP_TELL, STEP_DONE };

struct edge_offers {
    struct edge_offers_config config;
    enum step step;
    uint64_t epoch; /* of the origin */
    struct uid own, *accounts;
    size_t count, at, offered;
    size_t deferred; /* the first of `accounts`: those that come again behind the last */
    bool is_again;   /* the second time or later: no mark can say who is left */
    unsigned failures, waits, strange;
    unsigned said; /* the last strange status that the log has */
    size_t turn;   /* of the origin's addresses */
    struct client *client;
    struct client_origin *origin;
    struct client_pool *pool;
    unsigned status;
    bool is_answered;
    struct buffer offer, answer;
    struct loop_timer timer, next; /* `next`: the step after a call's end */
};

/* --- STATE/offered: "EPOCH none\n", begun; "EPOCH ACCOUNT\n", the last account that was offered;
 * "EPOCH all\n" --- */

static bool write_mark(const struct edge_offers *offers, bool is_all)
{
    char path[PATH_MAX];
    struct uid_text storage;
    struct buffer line;
    struct text last =
        offers->at ? uid_text(&storage, offers->accounts[offers->at - 1]) : TEXT("none");
    if (snprintf(path, sizeof path, "%s/" OFFERED_FILE, offers->config.folder) >= PATH_MAX)
        return false;
    buffer_init(&line, FILE_MAX_BYTES);
    buffer_printf(&line, "%" PRIu64 " %.*s\n", offers->epoch,
                  TEXT_ARGS(is_all ? TEXT("all") : last));
    int error = file_write_atomic(AT_FDCWD, path, buffer_view(&line), 0600);
    buffer_release(&line);
    if (error)
        LOG(offers->config.logger, LOG_WARNING, "how much was offered could not be written down",
            {"why", log_errno(error)});
    return error == 0;
}

/* Whether all was told; else *ret_last is the last account that was, or none.  *ret_is_begun: to
 * this origin, by this process or one before. */
static bool read_mark(const struct edge_offers *offers, struct uid *ret_last, bool *ret_is_begun)
{
    char path[PATH_MAX];
    uint64_t epoch;
    struct buffer line;
    struct text first = TEXT_NONE, rest;
    bool is_all = false;
    *ret_is_begun = false;
    *ret_last = (struct uid){{0}};
    buffer_init(&line, FILE_MAX_BYTES);
    if (snprintf(path, sizeof path, "%s/" OFFERED_FILE, offers->config.folder) < PATH_MAX &&
        file_read(AT_FDCWD, path, &line) == 0) {
        rest = text_trim(buffer_view(&line));
        bool is_same =
            text_split(&rest, ' ', &first) && text_to_u64(first, &epoch) && epoch == offers->epoch;
        is_all = is_same && text_equal(rest, TEXT("all"));
        *ret_is_begun = is_same;
        if (is_same && !is_all && !uid_from_text(rest, ret_last))
            *ret_last = (struct uid){{0}};
    }
    buffer_release(&line);
    return is_all;
}

/* --- one request --- */

static void hang_up(struct edge_offers *offers)
{
    if (offers->pool)
        client_pool_free(&offers->pool);
    if (offers->origin)
        client_origin_free(&offers->origin);
}

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    ((struct edge_offers *)context)->status = response->status;
}

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    buffer_text(&((struct edge_offers *)context)->answer, piece);
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct edge_offers *offers = context;
    offers->is_answered = outcome == CLIENT_DONE;
    loop_timer_start(offers->config.loop, &offers->next, loop_now_us(offers->config.loop));
}

static bool dial(struct edge_offers *offers)
{
    struct member *member = offers->config.member;
    struct client_limits limits = client_limits_default();
    limits.max_connections = 1;
    if (offers->pool)
        return true;
    size_t turn = offers->turn % member_url_count(member);
    offers->origin = client_origin_named(offers->client, text_of(member_url(member, turn)),
                                         offers->config.resolvers, &limits);
    offers->pool = offers->origin ? client_pool_new(offers->origin, NULL) : NULL;
    return offers->pool;
}

static void send(struct edge_offers *offers, enum http_method method, const char *target,
                 struct text body)
{
    static const struct client_handler handler = {
        .on_header = on_header, .on_body = on_body, .on_end = on_end};
    static const struct http_field fields[] = {
        {TEXT_INIT("Content-Type"), TEXT_INIT("application/octet-stream")}};
    const struct client_request request = {
        .method = method,
        .target = text_of(target),
        .fields = fields,
        .field_count = body.size ? 1 : 0,
        .body = body,
        .deadline_ms = DEADLINE_MS,
        .may_repeat = true,
    };
    offers->status = 0;
    offers->is_answered = false;
    buffer_reset(&offers->answer);
    if (!dial(offers) || !client_ask(offers->pool, &request, &handler, offers))
        loop_timer_start(offers->config.loop, &offers->next, loop_now_us(offers->config.loop));
}

/* --- the steps --- */

static void pause_for(struct edge_offers *offers, uint64_t pause_ms)
{
    loop_timer_start(offers->config.loop, &offers->timer,
                     loop_now_us(offers->config.loop) + pause_ms * 1000);
}

static int compare_ids(const void *a, const void *b) { return memcmp(a, b, sizeof(struct uid)); }

static void gather(struct edge_offers *offers)
{
    const struct state *state = offers->config.state;
    const struct account *account;
    struct uid last;
    bool is_begun;
    size_t capacity = state_account_count(state);
    (void)!read_mark(offers, &last, &is_begun);
    mem_free(offers->accounts);
    offers->accounts = mem_realloc_array(NULL, capacity + 1, sizeof *offers->accounts);
    offers->count = offers->at = offers->deferred = 0;
    offers->is_again = false;
    for (size_t cursor = 0;
         offers->count < capacity && (account = state_account_next(state, &cursor));)
        if (memcmp(account->id.bytes, last.bytes, UID_BYTES) > 0)
            offers->accounts[offers->count++] = account->id;
    qsort(offers->accounts, offers->count, sizeof *offers->accounts, compare_ids);
}

/* What it holds a box of, or would: others' listeners are others' to offer. */
static bool is_own(const struct edge_offers *offers, struct uid id)
{
    const struct account *account = state_account(offers->config.state, id);
    const struct homes homes = node_list_homes(offers->config.nodes(offers->config.context), id);
    return account && (account->password_hash.size > 0 || homes_has(&homes, offers->own));
}

static void finish(struct edge_offers *offers)
{
    offers->step = STEP_DONE;
    state_offers_end(offers->config.state);
    (void)write_mark(offers, true);
    hang_up(offers);
    if (offers->offered)
        LOG(offers->config.logger, LOG_INFO, "the new origin was told what this edge holds",
            {"accounts", LOG_NUMBER(offers->offered)});
}

/* Those that were not answered. */
static void begin_again(struct edge_offers *offers)
{
    offers->count = offers->deferred;
    offers->at = offers->deferred = 0;
    offers->is_again = true;
    pause_for(offers, LONGEST_PAUSE_MS);
}

static void offer_next(struct edge_offers *offers)
{
    char target[sizeof TARGET + 32];
    struct uid_text storage;
    for (size_t i = 0; offers->at < offers->count && !is_own(offers, offers->accounts[offers->at]);
         i++, offers->at++)
        if (i == STEP_ACCOUNTS) {
            pause_for(offers, 1);
            return;
        }
    if (offers->at == offers->count && offers->deferred) {
        begin_again(offers);
        return;
    }
    if (offers->at == offers->count) {
        offers->step = STEP_TELL;
        send(offers, HTTP_METHOD_POST, TARGET, TEXT_NONE);
        return;
    }
    struct uid account = offers->accounts[offers->at];
    buffer_reset(&offers->offer);
    state_offer_write(offers->config.state, account, clock_unix_ms(), &offers->offer);
    if (offers->offer.overflowed) {
        LOG(offers->config.logger, LOG_WARNING, "a listener's state is too large to be offered",
            {"account", uid_text(&storage, account)});
        offers->at++;
        pause_for(offers, 0);
        return;
    }
    (void)snprintf(target, sizeof target, TARGET "/%.*s", TEXT_ARGS(uid_text(&storage, account)));
    send(offers, HTTP_METHOD_POST, target, buffer_view(&offers->offer));
}

static bool is_too_early(struct edge_offers *offers)
{
    struct edge_writes_status writes;
    edge_writes_status(offers->config.writes, &writes);
    if (!offers->config.nodes(offers->config.context))
        return true;
    return writes.waiting > 0 && offers->waits++ < MOST_WAITS;
}

static void on_timer(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct edge_offers *offers = CONTAINER_OF(timer, struct edge_offers, timer);
    if (offers->step == STEP_ASK && is_too_early(offers))
        pause_for(offers, FIRST_PAUSE_MS);
    else if (offers->step == STEP_ASK)
        send(offers, HTTP_METHOD_GET, TARGET, TEXT_NONE);
    else if (offers->step == STEP_OFFER)
        offer_next(offers);
    else if (offers->step == STEP_TELL)
        send(offers, HTTP_METHOD_POST, TARGET, TEXT_NONE);
}

/* --- what was answered --- */

static void try_again(struct edge_offers *offers)
{
    uint64_t pause_ms = (uint64_t)PAUSE_MS << (offers->failures < 4 ? offers->failures : 4);
    offers->failures++;
    offers->turn++;
    hang_up(offers);
    pause_for(offers, pause_ms < LONGEST_PAUSE_MS ? pause_ms : LONGEST_PAUSE_MS);
}

/* Somebody between answers in the origin's place, or another server at its address. */
static void on_strange(struct edge_offers *offers)
{
    if (offers->said != offers->status)
        LOG(offers->config.logger, LOG_WARNING,
            "what answers an offer is not the origin: what is held here is kept, and offered again",
            {"status", LOG_NUMBER(offers->status)},
            {"at", text_of(member_url(offers->config.member,
                                      offers->turn % member_url_count(offers->config.member)))});
    offers->said = offers->status;
    if (offers->step == STEP_OFFER && ++offers->strange >= STRANGE_TRIES) {
        offers->strange = 0;
        offers->accounts[offers->deferred++] = offers->accounts[offers->at++];
    }
    try_again(offers);
}

static void on_offered(struct edge_offers *offers, enum offer_word word)
{
    struct uid_text storage;
    offers->strange = 0;
    if (word == OFFER_TAKEN)
        offers->offered++;
    else
        LOG(offers->config.logger, LOG_WARNING, "the new origin did not take a listener's state",
            {"account", uid_text(&storage, offers->accounts[offers->at])},
            {"status", LOG_NUMBER(offers->status)});
    offers->at++;
    if (offers->at % MARK_EVERY == 0 && !offers->deferred && !offers->is_again)
        (void)write_mark(offers, false);
    offer_next(offers);
}

static void on_next(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct edge_offers *offers = CONTAINER_OF(timer, struct edge_offers, next);
    enum offer_word word = OFFER_BUSY;
    if (offers->is_answered)
        word = offers->answer.overflowed ? OFFER_STRANGE
                                         : offer_word_of(offers->step == STEP_ASK, offers->status,
                                                         buffer_view(&offers->answer));
    if (word == OFFER_BUSY) {
        try_again(offers);
        return;
    }
    if (word == OFFER_STRANGE || (word == OFFER_REFUSED && offers->step != STEP_OFFER)) {
        on_strange(offers);
        return;
    }
    offers->failures = offers->said = 0;
    if (word == OFFER_TOLD || offers->step == STEP_TELL) {
        finish(offers);
    } else if (offers->step == STEP_OFFER) {
        on_offered(offers, word);
    } else {
        gather(offers);
        offers->step = STEP_OFFER;
        offer_next(offers);
    }
}

static void begin(struct edge_offers *offers)
{
    struct uid last;
    bool is_begun;
    offers->step = read_mark(offers, &last, &is_begun) ? STEP_DONE : STEP_ASK;
    offers->at = offers->count = offers->offered = 0;
    /* nothing came of this origin yet; a process after this one will not know that of itself */
    state_offers_end(offers->config.state);
    if (!is_begun && write_mark(offers, false))
        state_offers_begin(offers->config.state);
    offers->waits = offers->failures = offers->strange = offers->said = 0;
    if (offers->step == STEP_ASK)
        pause_for(offers, FIRST_PAUSE_MS);
}

struct edge_offers *edge_offers_start(const struct edge_offers_config *config)
{
    struct keyring *ring = member_ring(config->member);
    struct edge_offers *offers = MEM_NEW(struct edge_offers);
    *offers = (struct edge_offers){.config = *config,
                                   .epoch = keyring_content(ring)->epoch,
                                   .own = member_delegation(config->member)->id,
                                   .timer.on_timer = on_timer,
                                   .next.on_timer = on_next};
    keyring_unref(&ring);
    buffer_init(&offers->offer, OFFER_MAX_BYTES);
    buffer_init(&offers->answer, OFFER_WORD_MAX_BYTES);
    offers->client = client_new_between_nodes(config->loop, member_tls(config->member));
    begin(offers);
    return offers;
}

void edge_offers_look(struct edge_offers *offers, uint64_t epoch)
{
    if (!offers || epoch <= offers->epoch)
        return;
    offers->epoch = epoch;
    loop_timer_stop(&offers->timer);
    loop_timer_stop(&offers->next);
    hang_up(offers); /* with what is under way */
    begin(offers);
}

void edge_offers_stop(struct edge_offers **offers_at)
{
    struct edge_offers *offers = *offers_at;
    if (!offers)
        return;
    loop_timer_stop(&offers->timer);
    loop_timer_stop(&offers->next);
    hang_up(offers);
    client_free(&offers->client);
    if (offers->offer.data)
        explicit_bzero(offers->offer.data, offers->offer.capacity);
    buffer_release(&offers->offer);
    buffer_release(&offers->answer);
    mem_free(offers->accounts);
    mem_free_p(offers_at);
}
