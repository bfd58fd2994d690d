// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/follow_status.h"

#include "base/json.h"
#include "base/timestamp.h"
#include "io/server.h"
#include "programs/edge_follow.h"
#include "state/state.h"

#include <inttypes.h>

static void write_version(struct json *json, uint64_t epoch, uint64_t number)
{
    char version[48];
    int size = snprintf(version, sizeof version, "%" PRIu64 ".%" PRIu64, epoch, number);
    json_member_text(json, "version", text_make(version, (size_t)size));
}

/* What is known to be current is as old as that knowledge; before the first time there is none. */
static void write_age(struct json *json, int64_t confirmed_ms, int64_t now_ms)
{
    if (confirmed_ms > 0)
        json_member_i64(json, "age", now_ms > confirmed_ms ? (now_ms - confirmed_ms) / 1000 : 0);
}

static void write_component(struct json *json, const char *name, bool is_well, const char *why)
{
    json_begin_object(json);
    json_member_text(json, "name", text_of(name));
    json_member_text(json, "status", is_well ? TEXT("operational") : TEXT("degraded"));
    if (!is_well)
        json_member_text(json, "why", text_of(why));
    json_end_object(json);
}

static void write_replicas(struct json *json, const struct replica_status *status, int64_t now_ms)
{
    json_name(json, "replicas");
    json_begin_array(json);
    for (size_t i = 0; i < status->object_count; i++) {
        const struct replica_copy *copy = &status->objects[i];
        json_begin_object(json);
        json_member_text(json, "name", text_of(copy->name));
        write_version(json, copy->epoch, copy->number);
        json_member_i64(json, "taken", copy->taken_ms / 1000);
        write_age(json, status->confirmed_ms, now_ms);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_components(struct json *json, const struct edge_follow *follow,
                             const struct replica_status *status)
{
    const struct state_health health = state_health(follow->state);
    json_name(json, "components");
    json_begin_array(json);
    write_component(json, "origin", status->is_linked, status->trouble);
    write_component(json, "replicas", !status->trouble[0] || !status->is_linked, status->trouble);
    write_component(json, "state", !health.database_error && !health.journal_error,
                    "the state folder cannot be written");
    json_end_array(json);
    json_name(json, "journal");
    json_begin_object(json);
    json_member_u64(json, "bytes", health.journal_bytes);
    json_member_u64(json, "waiting", health.durable_lsn - health.applied_lsn);
    json_end_object(json);
}

static void handle(struct exchange *exchange, void *context)
{
    const struct edge_follow *follow = context;
    struct replica_status status = {0};
    struct json json;
    int64_t now_ms = exchange_now_ms(exchange);
    if (follow->replica)
        replica_status(follow->replica, &status);
    json_init(&json, exchange_output(exchange));
    json_begin_object(&json);
    json_member_text(&json, "role", TEXT("edge"));
    json_member_text(&json, "link", status.is_linked ? TEXT("linked") : TEXT("island"));
    json_member_u64(&json, "tier", 0); /* the shield is not built: always normal */
    json_member_i64(&json, "now", now_ms / 1000);
    write_age(&json, status.confirmed_ms, now_ms);
    json_member_u64(&json, "waiting", status.waiting);
    json_member_u64(&json, "accounts", state_account_count(follow->state));
    if (status.trouble[0])
        json_member_text(&json, "trouble", text_of(status.trouble));
    write_components(&json, follow, &status);
    write_replicas(&json, &status, now_ms);
    json_end_object(&json);
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_output(exchange, 200, "application/json");
}

void follow_status_route(struct edge_follow *follow, struct server *server)
{
    server_route(server, &(struct server_route){.methods = "GET",
                                                .path = "/status",
                                                .class = SHIELD_CLASS_NEW_VISIT,
                                                .is_shared = true,
                                                .handler = handle,
                                                .context = follow});
}
