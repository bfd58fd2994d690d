// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/foreign.h"

#include "base/counters.h"
#include "base/mem.h"
#include "io/client.h"
#include "io/clock.h"
#include "io/workers.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { RESOLVER_QUEUE = 8, TARGET_BYTES = (4 << 20) + (8 << 10) };

struct foreign {
    struct foreign_config config;
    struct loop *loop;
    struct workers *resolvers;
    struct client *client;
    struct client_origin *origin;
    struct client_pool *pool;
    struct buffer body, target;
    enum client_outcome outcome;
    unsigned status;
    bool has_ended;
    atomic_bool is_stopped;
    uint64_t paced_us;
};

/* --- what an answer says --- */

enum foreign_end foreign_read(struct text body, json_t **ret_response, int *ret_code)
{
    json_t *whole =
        body.size ? json_loadb(body.data, body.size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    json_t *response = json_object_get(whole, "subsonic-response");
    const char *status = json_string_value(json_object_get(response, "status"));
    if (!status) {
        json_decref(whole);
        return FOREIGN_NONSENSE;
    }
    bool is_ok = text_equal(text_of(status), TEXT("ok"));
    const json_t *code = json_object_get(json_object_get(response, "error"), "code");
    *ret_code = (int)json_integer_value(code);
    *ret_response = json_incref(response);
    json_decref(whole);
    return is_ok ? FOREIGN_OK : FOREIGN_ERROR;
}

/* --- the line --- */

struct foreign *foreign_new(const struct foreign_config *config, char *why, size_t why_size)
{
    struct foreign *foreign = MEM_NEW(struct foreign);
    struct client_limits limits = client_limits_default();
    *foreign = (struct foreign){.config = *config, .loop = loop_new()};
    buffer_init(&foreign->body, config->max_answer_bytes);
    buffer_init(&foreign->target, TARGET_BYTES);
    limits.max_connections = 1;
    limits.first_byte_ms = config->answer_ms;
    foreign->resolvers = workers_start("adopt-names", 1, RESOLVER_QUEUE);
    foreign->client = client_new(foreign->loop, config->ca_file, why, why_size);
    if (foreign->client)
        foreign->origin =
            client_origin_named(foreign->client, text_of(config->url), foreign->resolvers, &limits);
    if (foreign->origin) {
        foreign->pool = client_pool_new(foreign->origin, NULL);
    } else {
        if (foreign->client)
            (void)snprintf(why, why_size, "%s is no URL of a server", config->url);
        foreign_free(&foreign);
    }
    return foreign;
}

void foreign_free(struct foreign **at)
{
    struct foreign *foreign = *at;
    if (!foreign)
        return;
    client_pool_free(&foreign->pool);
    workers_stop(&foreign->resolvers);
    client_origin_free(&foreign->origin);
    client_free(&foreign->client);
    loop_free(&foreign->loop);
    buffer_release(&foreign->body);
    buffer_release(&foreign->target);
    mem_free(foreign);
    *at = NULL;
}

void foreign_stop(struct foreign *foreign)
{
    atomic_store(&foreign->is_stopped, true);
    loop_stop(foreign->loop);
}

bool foreign_is_stopped(const struct foreign *foreign) { return atomic_load(&foreign->is_stopped); }

void foreign_pace(struct foreign *foreign)
{
    uint64_t now_us = clock_monotonic_us(), step_us = 1000000 / foreign->config.requests_s;
    if (foreign->paced_us > now_us)
        (void)usleep((useconds_t)(foreign->paced_us - now_us));
    foreign->paced_us = clock_monotonic_us() + step_us;
}

/* --- one question --- */

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct foreign *foreign = context;
    foreign->status = response->status;
}

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    struct foreign *foreign = context;
    buffer_text(&foreign->body, piece);
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct foreign *foreign = context;
    foreign->outcome = outcome;
    foreign->has_ended = true;
    loop_stop(foreign->loop);
}

static struct client_call *begin(struct foreign *foreign, const char *endpoint, struct text query,
                                 struct text credentials, bool is_post)
{
    static const struct client_handler handler = {
        .on_header = on_header, .on_body = on_body, .on_end = on_end};
    const struct http_field fields[] = {
        {TEXT("Accept"), TEXT("application/json")},
        {TEXT("Content-Type"), TEXT("application/x-www-form-urlencoded")}};
    buffer_reset(&foreign->target);
    buffer_printf(&foreign->target, "/rest/%s?", endpoint);
    size_t path = foreign->target.size;
    buffer_printf(&foreign->target, "%.*s&c=sostenuto&v=1.13.0&f=json", TEXT_ARGS(credentials));
    if (query.size) {
        buffer_text(&foreign->target, TEXT("&"));
        buffer_text(&foreign->target, query);
    }
    struct text whole = buffer_view(&foreign->target);
    const struct client_request request = {
        .method = is_post ? HTTP_METHOD_POST : HTTP_METHOD_GET,
        .target = is_post ? text_make(whole.data, path - 1) : whole,
        .fields = fields,
        .field_count = is_post ? 2 : 1,
        .body = is_post ? text_from(whole, path) : TEXT_NONE,
        .deadline_ms = foreign->config.answer_ms,
    };
    return foreign->target.overflowed ? NULL
                                      : client_ask(foreign->pool, &request, &handler, foreign);
}

static enum foreign_end ask(struct foreign *foreign, const char *endpoint, struct text query,
                            struct text credentials, bool is_post, json_t **ret, int *ret_code)
{
    *ret = NULL;
    *ret_code = 0;
    buffer_reset(&foreign->body);
    foreign->has_ended = false;
    struct client_call *call = begin(foreign, endpoint, query, credentials, is_post);
    counter_add(COUNTER_ADOPT_REQUESTS, 1);
    while (call && !foreign->has_ended && !foreign_is_stopped(foreign))
        loop_run(foreign->loop);
    if (call && !foreign->has_ended)
        client_cancel(call);
    if (!call)
        return FOREIGN_UNSENT;
    if (!foreign->has_ended)
        return FOREIGN_AWAY;
    if (foreign->outcome == CLIENT_UNREACHABLE || foreign->outcome == CLIENT_NO_TLS)
        return FOREIGN_UNSENT;
    if (foreign->outcome != CLIENT_DONE || foreign->body.overflowed || foreign->status >= 500)
        return FOREIGN_AWAY;
    return foreign_read(buffer_view(&foreign->body), ret, ret_code);
}

enum foreign_end foreign_ask(struct foreign *foreign, const char *endpoint, struct text query,
                             struct text credentials, json_t **ret_response, int *ret_code)
{
    return ask(foreign, endpoint, query, credentials, false, ret_response, ret_code);
}

enum foreign_end foreign_tell(struct foreign *foreign, const char *endpoint, struct text query,
                              struct text credentials, json_t **ret_response, int *ret_code)
{
    return ask(foreign, endpoint, query, credentials, true, ret_response, ret_code);
}
