// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/parcels.h"

#include "api/audit.h"
#include "api/credentials.h"
#include "api/decide.h"
#include "api/inside.h"
#include "api/requests.h"
#include "api/speaks.h"
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/exchange.h"
#include "io/server.h"
#include "state/batch.h"
#include "state/copy.h"
#include "trust/parcel.h"

enum {
    RETRY_S = 5,
    RECEIPT_LIFE_S = 24 * 3600,
    MOST_AHEAD_MS = 24 * 3600 * 1000, /* of an edge's clock: what is later waits there */
};

/* One parcel on its way, in its exchange's arena. */
struct delivery {
    struct api *api;
    struct exchange *exchange;
    bool is_signed;
    struct node_seat seat; /* whose it is, when it is signed */
    struct parcel parcel;
    uint64_t lsns[PARCEL_MAX_OPERATIONS];
    struct receipt receipt;
    struct speaks_memo memo;
    size_t requests; /* among the operations that it may bring */
};

static void problem(struct exchange *exchange, unsigned status, const char *title,
                    const char *detail)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_problem(exchange, status, title, detail);
}

static void busy(struct exchange *exchange, const char *detail)
{
    char digits[16];
    int size = snprintf(digits, sizeof digits, "%d", RETRY_S);
    exchange_field(exchange, "Retry-After", text_make(digits, (size_t)size));
    problem(exchange, 503, "Not now", detail);
}

static void audit(const struct delivery *delivery, enum audit_event event, struct uid account,
                  const char *why)
{
    struct uid_text storage;
    const struct account *whose = state_account(delivery->api->config.state, account);
    audit_write(delivery->api->config.audit, event,
                &(struct audit_entry){.account = whose ? whose->name : uid_text(&storage, account),
                                      .by = text_of(delivery->seat.name),
                                      .what = text_of(why)});
}

/* --- whose parcel it is --- */

static bool find_seat(const struct api *api, struct key_id id, struct node_seat *ret)
{
    struct node_book *book = api->config.book;
    for (size_t i = 0; book && i < node_book_count(book); i++) {
        node_book_at(book, i, ret);
        if (key_id_equal(key_id_of(ret->key), id))
            return true;
    }
    return false;
}

/* However old it is: what is in it may be delivered at any time. */
static bool open_object(struct delivery *delivery, struct text bytes, struct text *ret_body)
{
    struct signed_object object;
    char name[PARCEL_NAME_BYTES];
    enum signed_verdict verdict;
    parcel_name(delivery->seat.id, name);
    verdict = signed_open(delivery->seat.key, bytes, text_of(name), INT64_MAX / 2, &object);
    if (verdict != SIGNED_GOOD && verdict != SIGNED_EXPIRED) {
        problem(delivery->exchange, 400, "Not a parcel", signed_verdict_words(verdict));
        return false;
    }
    *ret_body = object.body;
    return true;
}

/* False after answering. */
static bool prove_signed(struct delivery *delivery, struct text *ret_body)
{
    struct key_id id;
    struct text bytes = exchange_body(delivery->exchange);
    if (!exchange_peer(delivery->exchange)->is_node) {
        problem(delivery->exchange, 403, "For nodes", "This is for edges that have joined.");
        return false;
    }
    if (!signed_names_key(bytes, &id) || !find_seat(delivery->api, id, &delivery->seat)) {
        problem(delivery->exchange, 403, "Not a node", "No edge of this origin signed it.");
        return false;
    }
    if (delivery->seat.revoked_s && guard_is_on(GUARD_NODE_REVOKED)) {
        audit(delivery, AUDIT_EDGE_OVERREACHED, (struct uid){{0}}, "a parcel of a revoked edge");
        problem(delivery->exchange, 403, "Revoked", "The edge that signed it was revoked.");
        return false;
    }
    return open_object(delivery, bytes, ret_body);
}

static bool prove_admin(struct delivery *delivery, struct text *ret_body)
{
    struct api *api = delivery->api;
    const struct session *session = credentials_bearer(api, delivery->exchange);
    const struct account *account =
        session ? state_account(api->config.state, session->account) : NULL;
    if (!account || !account->is_admin) {
        problem(delivery->exchange, account ? 403 : 401, "For nodes",
                "Operations of other listeners come from nodes, or from an admin.");
        return false;
    }
    exchange_set_user(delivery->exchange, account->name);
    *ret_body = exchange_body(delivery->exchange);
    return true;
}

/* --- judging --- */

static void add(struct delivery *delivery, struct batch *batch, struct text bytes, bool *ret_waits)
{
    struct operation operation;
    const char *why = NULL;
    if (!operation_decode(bytes, &operation, &why)) {
        operation = (struct operation){.seq = 1};
        batch_forwarded(batch, &operation, OUTCOME_REFUSED, why);
        return;
    }
    *ret_waits |= operation.accepted_ms > exchange_now_ms(delivery->exchange) + MOST_AHEAD_MS;
    if (delivery->is_signed)
        why = speaks_why_not(delivery->api, &delivery->seat, &operation, &delivery->memo);
    if (!why && operation_kind_from(operation.kind) == KIND_REQUEST &&
        !requests_has_room(delivery->api, operation.account, delivery->requests++))
        why = "as many requests as may wait were kept before it";
    if (why)
        audit(delivery, AUDIT_EDGE_OVERREACHED, operation.account, why);
    batch_forwarded(batch, &operation, why ? OUTCOME_FORBIDDEN : OUTCOME_ACCEPTED, why);
}

/* --- answering --- */

static enum receipt_word word_of(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_ACCEPTED:
        return RECEIPT_TAKEN;
    case OUTCOME_DUPLICATE:
        return RECEIPT_DUPLICATE;
    case OUTCOME_CONFLICT:
        return RECEIPT_CONFLICT;
    default:
        return RECEIPT_REFUSED;
    }
}

static void fill_receipt(struct delivery *delivery, const struct batch_result *result)
{
    static const enum counter counters[] = {[RECEIPT_TAKEN] = COUNTER_PARCELS_TAKEN,
                                            [RECEIPT_DUPLICATE] = COUNTER_PARCELS_AGAIN,
                                            [RECEIPT_CONFLICT] = COUNTER_PARCELS_AGAIN,
                                            [RECEIPT_REFUSED] = COUNTER_PARCELS_REFUSED};
    struct receipt *receipt = &delivery->receipt;
    receipt->journal = delivery->parcel.journal;
    receipt->first_lsn = delivery->parcel.first_lsn;
    receipt->last_lsn = delivery->parcel.last_lsn;
    receipt->at_ms =
        state_receipt_stamp(delivery->api->config.state); /* copies from now on have it */
    for (size_t i = 0; i < result->count; i++) {
        enum receipt_word word = word_of(result->outcomes[i].outcome);
        counter_add(counters[word], 1);
        if (word == RECEIPT_TAKEN)
            continue;
        struct receipt_item *item = &receipt->items[receipt->count++];
        *item = (struct receipt_item){.lsn = delivery->lsns[i], .word = word};
        if (result->outcomes[i].why)
            (void)snprintf(item->why, sizeof item->why, "%s", result->outcomes[i].why);
    }
}

static bool seal_receipt(struct delivery *delivery, struct text body)
{
    char name[PARCEL_NAME_BYTES];
    int64_t now_s = clock_unix_ms() / 1000;
    parcel_receipt_name(delivery->seat.id, name);
    const struct signed_object object = {.name = text_of(name),
                                         .epoch = state_health(delivery->api->config.state).epoch,
                                         .number = delivery->parcel.last_lsn,
                                         .issued_s = now_s,
                                         .expires_s = now_s + RECEIPT_LIFE_S,
                                         .body = body};
    return keyring_seal(delivery->api->ring, &object, now_s, exchange_output(delivery->exchange));
}

static void on_submitted(void *context, const struct batch_result *result)
{
    struct delivery *delivery = context;
    struct buffer body;
    if (outcome_status(result->whole) == 503) {
        busy(delivery->exchange, outcome_help(result->whole));
        return;
    }
    if (delivery->requests)
        decider_look(delivery->api->decider);
    fill_receipt(delivery, result);
    buffer_init(&body, RECEIPT_MAX_BYTES);
    receipt_write(&delivery->receipt, &body);
    if (!delivery->is_signed)
        buffer_text(exchange_output(delivery->exchange), buffer_view(&body));
    if (delivery->is_signed && !seal_receipt(delivery, buffer_view(&body))) {
        busy(delivery->exchange, "This node cannot sign just now.");
    } else {
        exchange_field(delivery->exchange, "Cache-Control", TEXT("no-store"));
        exchange_send_output(delivery->exchange, 200,
                             delivery->is_signed ? SIGNED_CONTENT_TYPE : "application/json");
    }
    buffer_release(&body);
}

static void take(struct delivery *delivery)
{
    bool waits = false;
    size_t cursor = 0, count = 0;
    struct parcel_record record;
    struct batch *batch =
        batch_new(delivery->api->config.state,
                  &(struct batch_author){.now_ms = exchange_now_ms(delivery->exchange)});
    while (parcel_next(&delivery->parcel, &cursor, &record)) {
        delivery->lsns[count++] = record.lsn;
        add(delivery, batch, record.bytes, &waits);
    }
    if (waits) {
        batch_free(&batch);
        busy(delivery->exchange,
             "The clock of the edge that accepted this is more than a day ahead.");
        return;
    }
    batch_submit(&batch, on_submitted, delivery);
}

static void handle(struct exchange *exchange, void *context)
{
    struct delivery *delivery = arena_zalloc(exchange_arena(exchange), sizeof *delivery);
    struct text body, type;
    const char *why;
    if (!delivery) {
        exchange_send_empty(exchange, 503);
        return;
    }
    delivery->api = context;
    delivery->exchange = exchange;
    type = http_request_field(exchange_request(exchange), TEXT("Content-Type"));
    delivery->is_signed = !text_equal_nocase(type, TEXT(PARCEL_CONTENT_TYPE));
    exchange_set_class(exchange, SHIELD_CLASS_BACKGROUND);
    if (!(delivery->is_signed ? prove_signed(delivery, &body) : prove_admin(delivery, &body)))
        return;
    if (parcel_read(body, &delivery->parcel, &why))
        take(delivery);
    else
        problem(exchange, 400, "Not a parcel", why);
}

void parcel_routes(struct api *api, struct server *server)
{
    server_route(server, &(struct server_route){.methods = "POST",
                                                .path = PARCEL_TARGET,
                                                .max_body_bytes = PARCEL_OBJECT_MAX_BYTES,
                                                .class = SHIELD_CLASS_SIGNED_IN,
                                                .handler = handle,
                                                .context = api});
}
