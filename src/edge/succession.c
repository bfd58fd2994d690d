// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/succession.h"

#include "base/buffer.h"
#include "base/counters.h"
#include "base/mem.h"
#include "io/client.h"
#include "io/clock.h"
#include "io/random.h"
#include "trust/keyring.h"

#include <assert.h>

enum { ANSWER_DEADLINE_MS = 10000, URL_BYTES = 300 };
#define NODES_NAME "/nodes"

struct succession {
    struct succession_config config;
    struct loop_timer timer, next; /* `next`: the step after a call's end */
    struct client *client;
    struct client_origin *origin;
    struct client_pool *pool;
    struct client_call *call;
    char url[URL_BYTES];
    size_t turn;
    bool is_asking_nodes;
    bool is_answered; /* with 200, whole */
    unsigned status;
    struct buffer body, keys;
    struct keyring *ring; /* the newer one */
};

/* --- one request --- */

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct succession *succession = context;
    succession->status = response->status;
}

static void on_body(struct client_call *call, struct text piece, void *context)
{
    struct succession *succession = context;
    buffer_text(&succession->body, piece);
    if (!succession->body.overflowed)
        return;
    succession->call = NULL;
    client_cancel(call);
    loop_timer_start(succession->config.loop, &succession->next,
                     loop_now_us(succession->config.loop));
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct succession *succession = context;
    succession->call = NULL;
    succession->is_answered = outcome == CLIENT_DONE && succession->status == 200;
    loop_timer_start(succession->config.loop, &succession->next,
                     loop_now_us(succession->config.loop));
}

static bool ask(struct succession *succession, const char *name)
{
    static const struct client_handler handler = {on_header, on_body, on_end, NULL, NULL};
    const struct client_request request = {.method = HTTP_METHOD_GET,
                                           .target = text_of(name),
                                           .deadline_ms = ANSWER_DEADLINE_MS,
                                           .may_repeat = true};
    buffer_reset(&succession->body);
    succession->status = 0;
    succession->is_answered = false;
    succession->call = client_ask(succession->pool, &request, &handler, succession);
    return succession->call;
}

/* --- rounds --- */

static void hang_up(struct succession *succession)
{
    if (succession->pool)
        client_pool_free(&succession->pool);
    if (succession->origin)
        client_origin_free(&succession->origin);
    succession->call = NULL;
    keyring_unref(&succession->ring);
}

static void rest(struct succession *succession)
{
    hang_up(succession);
    loop_timer_start(succession->config.loop, &succession->timer,
                     loop_now_us(succession->config.loop) +
                         succession->config.pause_us(succession->config.context));
}

static void on_turn(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct succession *succession = CONTAINER_OF(timer, struct succession, timer);
    const struct succession_config *config = &succession->config;
    struct text addresses[SUCCESSION_ADDRESSES_MAX];
    struct client_limits limits = client_limits_default();
    size_t count = config->addresses(config->context, addresses);
    assert(count <= SUCCESSION_ADDRESSES_MAX);
    struct text url = count ? addresses[succession->turn++ % count] : TEXT_NONE;
    if (url.size == 0 || url.size >= sizeof succession->url || !client_url_is_sound(url)) {
        rest(succession);
        return;
    }
    (void)snprintf(succession->url, sizeof succession->url, "%.*s", TEXT_ARGS(url));
    limits.max_connections = 1;
    succession->origin = client_origin_named(succession->client, text_of(succession->url),
                                             config->resolvers, &limits);
    succession->pool = succession->origin ? client_pool_new(succession->origin, NULL) : NULL;
    succession->is_asking_nodes = false;
    if (!succession->pool || !ask(succession, KEYRING_NAME))
        rest(succession);
}

/* --- what it means --- */

static bool is_newer(struct succession *succession)
{
    const struct succession_config *config = &succession->config;
    enum signed_verdict verdict;
    struct text object = buffer_view(&succession->body);
    if (object.size > KEYRING_MAX_OBJECT_BYTES)
        return false;
    succession->ring =
        keyring_open(config->root, object, (int64_t)(clock_unix_ms() / 1000), &verdict);
    return succession->ring &&
           keyring_content(succession->ring)->epoch > config->epoch(config->context);
}

static const struct node_entry *origin_of(const struct node_list *list)
{
    for (size_t i = 0; i < node_list_count(list); i++)
        if (node_list_at(list, i)->role == NODE_ENTRY_ORIGIN)
            return node_list_at(list, i);
    return NULL;
}

/* The list must be the new origin's own, not an older one that a node still passes on. */
static void tell(struct succession *succession)
{
    const struct succession_config *config = &succession->config;
    struct signed_object object;
    const char *why;
    uint64_t epoch = keyring_content(succession->ring)->epoch;
    enum signed_verdict verdict =
        keyring_check(succession->ring, buffer_view(&succession->body), TEXT(NODES_NAME),
                      (int64_t)(clock_unix_ms() / 1000), &object);
    if ((verdict != SIGNED_GOOD && verdict != SIGNED_EXPIRED) || object.epoch != epoch)
        return;
    struct node_list *list = node_list_read(object.body, &why);
    const struct node_entry *origin = list ? origin_of(list) : NULL;
    if (origin) {
        counter_add(COUNTER_SUCCESSIONS, 1);
        config->on_news(config->context,
                        &(struct succession_news){.epoch = epoch,
                                                  .keys = buffer_view(&succession->keys),
                                                  .nodes = buffer_view(&succession->body),
                                                  .list = list,
                                                  .origin = origin});
    }
    node_list_unref(&list);
}

static void on_next(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct succession *succession = CONTAINER_OF(timer, struct succession, next);
    bool is_whole = succession->is_answered && !succession->body.overflowed;
    if (is_whole && !succession->is_asking_nodes && is_newer(succession)) {
        succession->is_asking_nodes = true;
        buffer_reset(&succession->keys);
        buffer_text(&succession->keys, buffer_view(&succession->body));
        if (ask(succession, NODES_NAME))
            return;
    } else if (is_whole && succession->is_asking_nodes) {
        tell(succession);
    }
    rest(succession);
}

/* --- life --- */

struct succession *succession_start(const struct succession_config *config, char *why,
                                    size_t why_size)
{
    struct client *client = client_new(config->loop, config->ca, why, why_size);
    if (!client)
        return NULL;
    struct succession *succession = MEM_NEW(struct succession);
    succession->config = *config;
    succession->client = client;
    succession->turn =
        (size_t)(random_u64() % SUCCESSION_ADDRESSES_MAX); /* not all ask the first */
    succession->timer.on_timer = on_turn;
    succession->next.on_timer = on_next;
    buffer_init(&succession->body, SIGNED_MAX_BODY_BYTES + 2 * SIGNED_MAX_PREAMBLE_BYTES);
    buffer_init(&succession->keys, KEYRING_MAX_OBJECT_BYTES);
    loop_timer_start(config->loop, &succession->timer,
                     loop_now_us(config->loop) + config->pause_us(config->context));
    return succession;
}

void succession_stop(struct succession **succession_p)
{
    struct succession *succession = *succession_p;
    if (!succession)
        return;
    loop_timer_stop(&succession->timer);
    loop_timer_stop(&succession->next);
    hang_up(succession);
    client_free(&succession->client);
    buffer_release(&succession->body);
    buffer_release(&succession->keys);
    mem_free_p(succession_p);
}
