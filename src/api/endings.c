// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/endings.h"

#include "api/inside.h"
#include "base/mem.h"
#include "io/exchange.h"
#include "io/server.h"
#include "state/state.h"

#include <assert.h>
#include <string.h>

/* Of one turn; of more accounts that lose something at once the answers go on to their end. */
enum { NOTED_MAX_BYTES = 16 << 20, RIGHTS_MAX_BYTES = 1 << 20 };
/* Looks for sessions that were believed, in one turn: some ten milliseconds. */
enum { MOST_LOOKS = 1 << 17, WAYS = 4, SETS = ENDINGS_UNHEARD / WAYS };
static_assert((int)UID_BYTES == (int)EXCHANGE_OWNER_BYTES, "accounts own answers");

struct endings {
    struct api *api;
    uint64_t version; /* of the state's revocations that were seen to, with all whom they concern */
    struct buffer noted;
    struct loop_timer timer;
    struct believed_set {
        struct believed {
            struct uid session, account; /* session none: free */
        } ways[WAYS];
        uint32_t next; /* that gives way */
    } believed[SETS];
    size_t believed_count;
};

void endings_own(struct exchange *exchange, struct uid account, struct uid right)
{
    struct exchange_owner owner;
    memcpy(owner.owner, account.bytes, UID_BYTES);
    memcpy(owner.right, right.bytes, UID_BYTES);
    exchange_set_owner(exchange, &owner);
}

/* What the account may still be sent answers by. */
static void gather_rights(const struct state *state, struct uid account, struct buffer *out)
{
    const struct account *alive = state_account(state, account);
    size_t cursor = 0;
    if (!alive || alive->is_disabled)
        return;
    buffer_append(out, account.bytes, UID_BYTES);
    for (const struct session *session; (session = state_session_next(state, account, &cursor));)
        buffer_append(out, session->id.bytes, UID_BYTES);
    cursor = 0;
    for (const struct app *app; (app = state_app_next(state, account, &cursor));)
        buffer_append(out, app->id.bytes, UID_BYTES);
}

static void end_answers(const struct api *api, struct uid account)
{
    struct buffer rights;
    buffer_init(&rights, RIGHTS_MAX_BYTES);
    gather_rights(api->config.state, account, &rights);
    if (api->server && !rights.overflowed)
        server_end_answers(api->server, account.bytes, (const uint8_t *)rights.data,
                           rights.size / UID_BYTES);
    buffer_release(&rights);
}

/* --- sessions that are not known here --- */

void endings_believed(struct endings *endings, struct uid session, struct uid account)
{
    uint32_t hash;
    memcpy(&hash, session.bytes, sizeof hash); /* random, and signed by the origin */
    struct believed_set *set = &endings->believed[hash % SETS];
    for (size_t i = 0; i < WAYS; i++)
        if (uid_equal(set->ways[i].session, session))
            return;
    struct believed *place = &set->ways[set->next++ % WAYS];
    endings->believed_count += uid_is_none(place->session);
    *place = (struct believed){session, account};
}

static bool is_over(const struct state *state, const struct believed *believed,
                    const struct buffer *noted)
{
    const struct session *known = state_session(state, believed->session, 0);
    struct uid whose = known ? known->account : believed->account;
    const struct account *account = state_account(state, whose);
    if (!uid_is_none(whose) && (!account || account->is_disabled))
        return true;
    for (size_t at = 0; !known && at < noted->size; at += UID_BYTES) {
        memcpy(whose.bytes, noted->data + at, UID_BYTES);
        if (state_session_ended_ms(state, whose, believed->session))
            return true;
    }
    return false;
}

static void gather_over(struct endings *endings, const struct buffer *noted, struct buffer *out)
{
    for (size_t i = 0; i < ENDINGS_UNHEARD; i++) {
        struct believed *believed = &endings->believed[i / WAYS].ways[i % WAYS];
        if (uid_is_none(believed->session) || !is_over(endings->api->config.state, believed, noted))
            continue;
        buffer_append(out, believed->session.bytes, UID_BYTES);
        *believed = (struct believed){0};
        endings->believed_count--;
    }
}

static void end_believed(struct endings *endings, const struct buffer *noted)
{
    const struct uid nobody = {{0}};
    struct buffer over;
    if (!endings->api->server || endings->believed_count == 0 ||
        endings->believed_count * (noted->size / UID_BYTES) > MOST_LOOKS)
        return;
    buffer_init(&over, (size_t)ENDINGS_UNHEARD * UID_BYTES);
    gather_over(endings, noted, &over);
    if (over.size > 0)
        server_end_rights(endings->api->server, nobody.bytes, (const uint8_t *)over.data,
                          over.size / UID_BYTES);
    buffer_release(&over);
}

/* --- in a turn of its own --- */

static void on_turn(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct endings *endings = CONTAINER_OF(timer, struct endings, timer);
    struct buffer noted = endings->noted;
    endings->version = state_revocations_version(endings->api->config.state);
    buffer_init(&endings->noted, NOTED_MAX_BYTES);
    for (size_t at = 0; at < noted.size; at += UID_BYTES) {
        struct uid account;
        memcpy(account.bytes, noted.data + at, UID_BYTES);
        end_answers(endings->api, account);
    }
    end_believed(endings, &noted);
    buffer_release(&noted);
}

void endings_note(struct endings *endings, struct uid account)
{
    const struct api_config *config = &endings->api->config;
    struct buffer *noted = &endings->noted;
    if (state_revocations_version(config->state) == endings->version)
        return;
    if (noted->size == 0 ||
        memcmp(noted->data + noted->size - UID_BYTES, account.bytes, UID_BYTES) != 0)
        buffer_append(noted, account.bytes, UID_BYTES);
    noted->overflowed = false;
    loop_timer_start(config->loop, &endings->timer, loop_now_us(config->loop));
}

struct endings *endings_new(struct api *api)
{
    struct endings *endings = MEM_NEW(struct endings);
    endings->api = api;
    endings->version = state_revocations_version(api->config.state);
    endings->timer.on_timer = on_turn;
    buffer_init(&endings->noted, NOTED_MAX_BYTES);
    return endings;
}

void endings_free(struct endings **endings)
{
    if (!*endings)
        return;
    loop_timer_stop(&(*endings)->timer);
    buffer_release(&(*endings)->noted);
    mem_free_p(endings);
}
