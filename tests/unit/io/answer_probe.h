// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/parser.h"
#include "io/server_state.h"

#include <assert.h>

/*
 * answer_probe: an exchange without a network.  A request's text goes in, and what a carrier would
 * send stays in the exchange to be looked at, until probe_end().
 */
struct probe {
    struct loop *loop;
    struct server *server;
    struct exchange *exchange;
    int answered;
};

static void probe_on_answer(struct exchange *exchange)
{
    struct probe *probe = exchange->carrier_context;
    probe->answered++;
}

static const struct exchange_carrier probe_carrier = {probe_on_answer, probe_on_answer,
                                                      probe_on_answer};

static inline void probe_start(struct probe *probe)
{
    const struct server_config config = server_config_default();
    *probe = (struct probe){.loop = loop_new()};
    probe->server = server_new(probe->loop, &config);
}

static inline void probe_stop(struct probe *probe)
{
    server_free(&probe->server);
    loop_free(&probe->loop);
}

/* A request's header, read as a connection reads it. */
static inline struct exchange *probe_read(struct probe *probe, const char *header)
{
    const struct http_limits limits = {16384, 100, 8192};
    struct http_parser parser;
    struct http_refusal why;
    size_t consumed;
    struct exchange *exchange = exchange_take(probe->server, &probe_carrier, probe);
    http_parser_init(&parser);
    int result = http_parser_read(&parser, text_of(header), &limits, exchange->arena,
                                  &exchange->request, &consumed, &why);
    assert(result == 1);
    probe->exchange = exchange;
    probe->answered = 0;
    return exchange;
}

/* The same, given to a handler. */
static inline struct exchange *probe_handle(struct probe *probe, const char *header)
{
    struct exchange *exchange = probe_read(probe, header);
    exchange->step = EXCHANGE_HANDLING;
    return exchange;
}

static inline void probe_end(struct probe *probe)
{
    exchange_release(probe->exchange, 0);
    probe->exchange = NULL;
}

/* A field of the answer, TEXT_NONE when absent. */
static inline struct text probe_field(const struct probe *probe, const char *name)
{
    const struct answer *answer = &probe->exchange->answer;
    for (size_t i = 0; i < answer->field_count; i++)
        if (text_equal_nocase(answer->fields[i].name, text_of(name)))
            return answer->fields[i].value;
    return TEXT_NONE;
}
