// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "base/json.h"
#include "programs/edge_service.h"

#include <unistd.h>

/* edge_status: {"ok", "version", "serving", "pid", …, "origins": [{"url", "alive", …}]} */

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
