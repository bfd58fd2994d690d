// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/carrier.h"
#include "io/server_state.h"

#include <string.h>

/*
 * server_end: answers that end because the right by which they were asked for did.  Nothing is
 * looked at while an answer is sent; when a right ends, each loop walks its exchanges once.
 */
struct ending {
    struct server *server;
    uint8_t owner[EXCHANGE_OWNER_BYTES];
    bool names_ended; /* the rights are those that ended, not those that are left */
    size_t right_count;
    uint8_t rights[][EXCHANGE_OWNER_BYTES];
};

static bool has_right(const struct ending *ending, const struct exchange *exchange)
{
    for (size_t i = 0; i < ending->right_count; i++)
        if (memcmp(ending->rights[i], exchange->owner.right, EXCHANGE_OWNER_BYTES) == 0)
            return true;
    return false;
}

static bool is_over(const struct ending *ending, const struct exchange *exchange)
{
    return exchange->is_owned && exchange->carrier && exchange->step == EXCHANGE_ANSWERING &&
           !exchange_has_events(exchange) &&
           memcmp(exchange->owner.owner, ending->owner, EXCHANGE_OWNER_BYTES) == 0 &&
           has_right(ending, exchange) == ending->names_ended;
}

/* A cut may take other exchanges along (its connection's): each time from the start. */
static void end_all(const struct ending *ending)
{
    struct exchange *exchange = ending->server->live;
    while (exchange) {
        if (!is_over(ending, exchange)) {
            exchange = exchange->next;
            continue;
        }
        counter_add(COUNTER_ANSWERS_ENDED, 1);
        exchange->is_owned = false;
        exchange->carrier->cut(exchange);
        exchange = ending->server->live;
    }
}

static void on_ending(void *context)
{
    struct ending *ending = context;
    end_all(ending);
    mem_free(ending);
}

static void tell_loops(struct server *server, bool names_ended, const uint8_t *owner,
                       const uint8_t *rights, size_t right_count)
{
    size_t size = sizeof(struct ending) + right_count * EXCHANGE_OWNER_BYTES;
    if (!guard_is_on(GUARD_ENDED_ANSWERS))
        return;
    for (size_t i = 0; i < server_loop_count(server); i++) {
        struct ending *ending = mem_zalloc(size);
        ending->server = server->all[i];
        memcpy(ending->owner, owner, EXCHANGE_OWNER_BYTES);
        ending->names_ended = names_ended;
        ending->right_count = right_count;
        bytes_copy(ending->rights, rights, right_count * EXCHANGE_OWNER_BYTES);
        if (i == 0)
            on_ending(ending);
        else
            loop_post(server_loop(server, i), on_ending, ending);
    }
}

void server_end_answers(struct server *server, const uint8_t *owner, const uint8_t *rights,
                        size_t right_count)
{
    tell_loops(server, false, owner, rights, right_count);
}

void server_end_rights(struct server *server, const uint8_t *owner, const uint8_t *rights,
                       size_t right_count)
{
    tell_loops(server, true, owner, rights, right_count);
}
