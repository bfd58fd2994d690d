// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/health.h"

#include "base/counters.h"
#include "base/json.h"
#include "io/server.h"
#include "programs/process_metrics.h"
#include "state/state.h"

struct check {
    const char *name, *fault; /* fault NULL: it is well */
};

enum { CHECKS = 4 };

static void make_checks(const struct health *health, struct check checks[CHECKS])
{
    const struct node *node = health->node;
    bool is_open = node && node->state && node->library;
    struct state_health state = {0};
    if (is_open)
        state = state_health(node->state);
    checks[0] = (struct check){"open", is_open ? NULL : "still opening the state folder"};
    checks[1] = (struct check){"serving", health->is_draining     ? "shutting down"
                                          : health->is_leaving    ? "draining"
                                          : health->is_superseded ? "another origin was promoted"
                                                                  : NULL};
    checks[2] =
        (struct check){"journal", state.journal_error ? "writes cannot be made durable" : NULL};
    checks[3] = (struct check){
        "database", state.database_error ? "the database does not take the journal" : NULL};
}

static void livez(struct exchange *exchange, void *context)
{
    (void)context;
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_text(exchange, 200, "text/plain; charset=utf-8", TEXT("ok\n"));
}

static void readyz(struct exchange *exchange, void *context)
{
    const struct health *health = context;
    struct check checks[CHECKS];
    struct json json;
    bool is_ready = true;
    make_checks(health, checks);
    json_init(&json, exchange_output(exchange));
    json_begin_object(&json);
    for (size_t i = 0; i < CHECKS; i++) {
        is_ready = is_ready && !checks[i].fault;
        json_member_text(&json, checks[i].name, text_of(checks[i].fault ? checks[i].fault : "ok"));
    }
    json_member_bool(&json, "ready", is_ready);
    json_end_object(&json);
    counter_set(COUNTER_READY, is_ready);
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    if (!is_ready)
        exchange_field(exchange, "Retry-After", TEXT("1"));
    exchange_send_output(exchange, is_ready ? 200 : 503, "application/json");
}

static void measure(const struct health *health)
{
    const struct node *node = health->node;
    struct check checks[CHECKS];
    bool is_ready = true;
    make_checks(health, checks);
    for (size_t i = 0; i < CHECKS; i++)
        is_ready = is_ready && !checks[i].fault;
    counter_set(COUNTER_READY, is_ready);
    if (node && node->library) {
        struct library_status status;
        library_status(node->library, &status);
        counter_set(COUNTER_LIBRARY_TRACKS, (int64_t)status.tracks);
        counter_set(COUNTER_LIBRARY_PROBLEMS, (int64_t)status.files_failed);
        counter_set(COUNTER_LIBRARY_SCANNING, status.phase != LIBRARY_IDLE);
    }
    if (node && node->state) {
        struct state_health state = state_health(node->state);
        counter_set(COUNTER_JOURNAL_SIZE, (int64_t)state.journal_bytes);
        counter_set(COUNTER_JOURNAL_UNAPPLIED, (int64_t)(state.durable_lsn - state.applied_lsn));
        counter_set(COUNTER_RECORD_AWAY, state.record_error != 0);
        counter_set(COUNTER_RECORD_UNPUSHED,
                    state.has_record ? (int64_t)(state.durable_lsn - state.pushed_lsn) : 0);
    }
}

static void metrics(struct exchange *exchange, void *context)
{
    const struct health *health = context;
    if (!exchange_peer(exchange)->is_private) {
        exchange_send_problem(exchange, 403, "Metrics are for private addresses",
                              "Ask from the server's own network, or through a tunnel.");
        return;
    }
    measure(health);
    struct buffer *out = exchange_output(exchange);
    counters_write_prometheus(out);
    process_metrics_write(out);
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_output(exchange, 200, "text/plain; version=0.0.4; charset=utf-8");
}

void health_routes(struct health *health, struct server *server)
{
    static const struct {
        const char *path;
        server_handler *handler;
        bool runs_anywhere;
    } rows[] = {{"/livez", livez, true}, {"/readyz", readyz, false}, {"/metrics", metrics, false}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct server_route route = {.methods = "GET",
                                           .path = rows[i].path,
                                           .class = SHIELD_CLASS_CONTROL,
                                           .handler = rows[i].handler,
                                           .context = health,
                                           .runs_anywhere = rows[i].runs_anywhere};
        server_route(server, &route);
    }
}
