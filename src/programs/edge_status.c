// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/json.h"
#include "io/clock.h"
#include "programs/edge_service.h"
#include "programs/follow_status.h"

#include <unistd.h>

/* edge_status: {"ok", "version", "serving", "pid", …, "origins": [{"url", "alive", …}]}, and of one
 * that joined an origin "name", "linked", "draining", "accounts", "forward_waiting", "age_s",
 * "trouble". */

static void write_origin(struct json *json, const struct origin_view *view)
{
    json_begin_object(json);
    json_member_text(json, "url", view->url);
    json_member_bool(json, "alive", view->is_alive);
    json_member_u64(json, "failures", view->failures);
    json_member_u64(json, "probes", view->probes);
    if (view->probes) {
        json_member_u64(json, "probe_status", view->probe_status);
        json_member_u64(json, "probe_us", view->probe_us);
    }
    json_end_object(json);
}

/* Of one that joined an origin: what /status says, as far as an owner on this machine asks. */
static void write_followed(struct json *json, const struct edge_service *service)
{
    struct node_status status = {.now_ms = clock_unix_ms()};
    if (!service->joined.member)
        return;
    follow_status_fill(&service->follow, &status);
    json_member_text(json, "name", status.node_name);
    json_member_bool(json, "linked", status.is_linked);
    json_member_bool(json, "draining", status.is_draining);
    json_member_u64(json, "accounts", status.accounts);
    json_member_u64(json, "forward_waiting", status.forward_waiting);
    if (status.replica.confirmed_ms > 0)
        json_member_i64(json, "age_s", (status.now_ms - status.replica.confirmed_ms) / 1000);
    json_member_text(json, "trouble", text_of(status.replica.trouble));
}

void edge_service_write_status(struct edge_service *service, struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_bool(&json, "ok", true);
    json_member_text(&json, "version", TEXT(SOSTENUTO_VERSION));
    json_member_bool(&json, "serving", !service->is_stopping);
    json_member_i64(&json, "pid", getpid());
    json_member_i64(&json, "restarts", counter_get(COUNTER_RESTARTS));
    json_member_i64(&json, "start_time_s", counter_get(COUNTER_START_TIME));
    json_member_i64(&json, "connections", counter_get(COUNTER_CONNECTIONS_OPEN));
    json_member_i64(&json, "requests", counter_get(COUNTER_REQUESTS));
    write_followed(&json, service);
    json_name(&json, "origins");
    json_begin_array(&json);
    for (size_t i = 0; i < origins_count(service->origins); i++) {
        struct origin_view view;
        origins_look(service->origins, i, &view);
        write_origin(&json, &view);
    }
    json_end_array(&json);
    json_end_object(&json);
}
