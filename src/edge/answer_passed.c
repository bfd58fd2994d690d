// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/mem.h"
#include "edge/answer.h"

/*
 * answer_passed: answers that come from no store: a response that is passed on as it arrives, and a
 * problem.
 */

struct passing {
    struct exchange *exchange;
    struct relay *relay;
    struct buffer head;
};

static void on_passed(void *context, int error UNUSED)
{
    struct passing *passing = context;
    relay_leave(&passing->relay);
    buffer_release(&passing->head);
    mem_free(passing);
}

static void on_relay_ready(void *context)
{
    struct passing *passing = context;
    exchange_source_ready(passing->exchange);
}

static void pass_trailers(struct passing *passing)
{
    struct text note = relay_noted(passing->relay);
    struct stored trailers;
    if (note.size > 0 && stored_read(note, exchange_arena(passing->exchange), &trailers))
        exchange_trailers(passing->exchange, trailers.fields.items, trailers.fields.count);
}

static ssize_t read_relay(void *context, char *room, size_t size)
{
    struct passing *passing = context;
    ssize_t got = relay_read(passing->relay, room, size, on_relay_ready, passing);
    if (got > 0)
        counter_add(COUNTER_EDGE_PASS_BYTES, got);
    if (got == 0)
        pass_trailers(passing);
    return got;
}

void answer_relayed(struct asking *asking)
{
    struct exchange *exchange = asking->exchange;
    struct passing *passing = MEM_NEW(struct passing);
    struct stored head;
    uint64_t length = asking->length;
    *passing = (struct passing){exchange, asking->relay, asking->head};
    asking->relay = NULL;
    buffer_init(&asking->head, CACHE_META_MAX);
    if (!stored_read(buffer_view(&passing->head), exchange_arena(exchange), &head)) {
        on_passed(passing, 0);
        asking->outcome = FETCH_FULL;
        answer_failed(asking);
        return;
    }
    answer_add_status(asking);
    counter_add(COUNTER_EDGE_PASSES, 1);
    answer_add_fields(exchange, asking->object_asked, head.fields, true, true);
    asking_free(asking);
    if (head.status == 204 || head.status == 304 || head.status == 205)
        length = 0;
    exchange_send_source(exchange, head.status, length, read_relay, on_passed, passing);
}

/* --- problems --- */

static unsigned status_of(const struct asking *asking)
{
    if (asking->asked.only_if_cached || asking->object)
        return 504; /* RFC 9111 5.2.1.7, 5.2.2.2 */
    if (asking->outcome == FETCH_LATE)
        return 504;
    return asking->outcome == FETCH_FULL ? 503 : 502;
}

void answer_failed(struct asking *asking)
{
    struct exchange *exchange = asking->exchange;
    const struct edge_object *object = asking->object_asked;
    unsigned status = status_of(asking);
    if (object && object->otherwise) {
        asking_free(asking);
        object->otherwise(exchange, object->context);
        return;
    }
    answer_add_status(asking);
    counter_add(COUNTER_EDGE_REFUSED, 1);
    asking_free(asking);
    if (status == 503)
        exchange_field(exchange, "Retry-After", TEXT("1"));
    exchange_send_problem(
        exchange, status, http_reason(status),
        status == 503 ? "Too much is asked of the origin at once. Try again in a moment."
                      : "The origin does not answer, and nothing that may be used is held.");
}
