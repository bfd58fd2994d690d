// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_writes.h"

#include "base/counters.h"
#include "edge/forwarded_mark.h"
#include "io/client.h"
#include "io/clock.h"

#include <string.h>

static const int64_t day_ms = 24LL * 60 * 60 * 1000;

void edge_writes_prepare(struct edge_writes *writes, const struct settings *settings,
                         struct loop *loop, const struct logger *logger)
{
    *writes = (struct edge_writes){.logger = logger, .loop = loop, .settings = settings};
    forwarded_mark_read(settings->data, &writes->left.journal, &writes->left.lsn);
    writes->left.max_waiting_ms = settings->edge_journal_days * day_ms;
}

/* --- what the origin said --- */

static void on_taken(void *context, bool is_durable)
{
    struct edge_writes *writes = context;
    if (writes->forwarder)
        forwarder_taken(writes->forwarder, is_durable);
}

static enum outcome outcome_of(enum receipt_word word)
{
    static const enum outcome outcomes[] = {[RECEIPT_TAKEN] = OUTCOME_ACCEPTED,
                                            [RECEIPT_DUPLICATE] = OUTCOME_DUPLICATE,
                                            [RECEIPT_CONFLICT] = OUTCOME_CONFLICT,
                                            [RECEIPT_REFUSED] = OUTCOME_REFUSED};
    return outcomes[word];
}

static void tell_refused(const struct edge_writes *writes, const struct receipt *receipt)
{
    for (size_t i = 0; i < receipt->count; i++) {
        if (receipt->items[i].word != RECEIPT_REFUSED)
            continue;
        counter_add(COUNTER_FORWARD_REFUSED, 1);
        LOG(writes->logger, LOG_WARNING, "the origin refused an operation that was accepted here",
            {"lsn", LOG_NUMBER(receipt->items[i].lsn)}, {"why", text_of(receipt->items[i].why)});
    }
}

static void on_receipt(void *context, const struct parcel *parcel, const struct receipt *receipt)
{
    struct edge_writes *writes = context;
    struct arrival arrivals[PARCEL_MAX_OPERATIONS];
    struct parcel_record record;
    size_t count = 0, cursor = 0, at = 0;
    while (count < PARCEL_MAX_OPERATIONS && parcel_next(parcel, &cursor, &record))
        arrivals[count++] =
            (struct arrival){record.bytes, outcome_of(receipt_of(receipt, record.lsn, &at))};
    tell_refused(writes, receipt);
    state_arrived(writes->state, arrivals, count, parcel->last_lsn, receipt->at_ms, on_taken,
                  writes);
}

/* --- life --- */

static void on_grown(void *context)
{
    struct edge_writes *writes = context;
    if (writes->forwarder)
        forwarder_wake(writes->forwarder);
}

void edge_writes_start(struct edge_writes *writes, struct state *state,
                       const struct edge_writes_line *line)
{
    struct state_outbox outbox = state_outbox(state);
    bool is_same = uid_equal(writes->left.journal, outbox.journal_id);
    const struct forwarder_config config = {
        .folder = writes->settings->data,
        .journal = outbox.journal,
        .journal_id = outbox.journal_id,
        .forwarded_lsn = is_same ? writes->left.lsn : 0,
        .line = line->line,
        .home = writes->loop,
        .on_receipt = on_receipt,
        .context = writes,
        .logger = writes->logger,
        .resolvers = line->resolvers,
    };
    writes->state = state;
    writes->forwarder = forwarder_start(&config);
    forwarder_set_places(writes->forwarder, line->places, line->place_count);
    state_on_journalled(state, on_grown, writes);
}

/* --- of an edge that joined; these are called on the forwarder's thread --- */

enum { PARCEL_LIFE_S = 365 * 24 * 3600, MOST_SKEW_S = 24 * 3600 };

static struct client *open_client(void *context, struct loop *loop, bool is_relay, char *why,
                                  size_t why_size)
{
    const struct edge_writes *writes = context;
    const char *ca = writes->settings->origin_ca;
    return is_relay ? client_new(loop, ca[0] ? ca : NULL, why, why_size)
                    : client_new_between_nodes(loop, member_tls(writes->member));
}

static void seal(void *context, struct text parcel, uint64_t last_lsn, struct buffer *out)
{
    const struct edge_writes *writes = context;
    char name[PARCEL_NAME_BYTES];
    int64_t now_s = clock_unix_ms() / 1000;
    parcel_name(member_delegation(writes->member)->id, name);
    const struct signed_object object = {.name = text_of(name),
                                         .epoch = 1,
                                         .number = last_lsn,
                                         .issued_s = now_s,
                                         .expires_s = now_s + PARCEL_LIFE_S,
                                         .body = parcel};
    member_sign(writes->member, &object, out);
}

/* The origin's clock may be ahead of ours, or ours of it. */
static bool open_receipt(void *context, struct text bytes, struct text *ret_body)
{
    struct edge_writes *writes = context;
    struct signed_object object;
    char name[PARCEL_NAME_BYTES];
    int64_t now_s = clock_unix_ms() / 1000;
    struct keyring *ring = member_ring(writes->member);
    parcel_receipt_name(member_delegation(writes->member)->id, name);
    enum signed_verdict verdict = keyring_check(ring, bytes, text_of(name), now_s, &object);
    if (verdict == SIGNED_EARLY)
        verdict = keyring_check(ring, bytes, text_of(name), now_s + MOST_SKEW_S, &object);
    keyring_unref(&ring);
    if (verdict != SIGNED_GOOD && verdict != SIGNED_EXPIRED)
        return false;
    *ret_body = object.body;
    return true;
}

/* --- where to: the origin's addresses, then other edges --- */

static size_t origin_places(const struct edge_writes *writes, struct forwarder_place *places)
{
    size_t count = 0;
    for (; count < member_url_count(writes->member) && count < FORWARDER_MAX_PLACES; count++) {
        places[count] = (struct forwarder_place){.is_relay = false};
        (void)snprintf(places[count].url, sizeof places[count].url, "%s",
                       member_url(writes->member, count));
    }
    return count;
}

void edge_writes_look(struct edge_writes *writes, const struct node_list *list)
{
    struct forwarder_place places[FORWARDER_MAX_PLACES];
    if (!writes->forwarder || !writes->member)
        return;
    size_t count = origin_places(writes, places);
    for (size_t i = 0; list && i < node_list_count(list) && count < FORWARDER_MAX_PLACES; i++) {
        const struct node_entry *entry = node_list_at(list, i);
        if (entry->role != NODE_ENTRY_EDGE || !entry->is_welcome || entry->url_count == 0 ||
            uid_equal(entry->id, member_delegation(writes->member)->id))
            continue;
        places[count] = (struct forwarder_place){.is_relay = true};
        (void)snprintf(places[count++].url, sizeof places[0].url, "%.*s",
                       TEXT_ARGS(entry->urls[0]));
    }
    forwarder_set_places(writes->forwarder, places, count);
}

void edge_writes_start_joined(struct edge_writes *writes, struct state *state,
                              struct member *member, struct workers *resolvers)
{
    struct forwarder_place places[FORWARDER_MAX_PLACES];
    writes->member = member;
    edge_writes_start(writes, state,
                      &(struct edge_writes_line){
                          .line = {.open = open_client,
                                   .seal = seal,
                                   .open_receipt = open_receipt,
                                   .context = writes},
                          .places = places,
                          .place_count = origin_places(writes, places),
                          .resolvers = resolvers,
                      });
}

void edge_writes_stop(struct edge_writes *writes)
{
    if (writes->forwarder)
        state_on_journalled(writes->state, NULL, NULL);
    forwarder_stop(&writes->forwarder);
}

void edge_writes_status(const struct edge_writes *writes, struct edge_writes_status *ret)
{
    struct forwarder_status status;
    *ret = (struct edge_writes_status){0};
    if (!writes->forwarder)
        return;
    forwarder_status(writes->forwarder, &status);
    uint64_t durable = state_health(writes->state).durable_lsn;
    ret->waiting = durable > status.forwarded_lsn ? durable - status.forwarded_lsn : 0;
    ret->since_ms = state_waiting_since_ms(writes->state);
    ret->answered_ms = status.answered_ms;
    memcpy(ret->trouble, status.trouble, sizeof ret->trouble);
}
