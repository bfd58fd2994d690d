// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/status_pages.h"

#include "base/json.h"
#include "base/timestamp.h"

#include <inttypes.h>
#include <stdio.h>

void status_add(struct node_status *status, const char *name, const char *label,
                enum status_level level, const char *why)
{
    struct status_component *component = &status->components[status->component_count];
    if (status->component_count == STATUS_COMPONENTS_MAX)
        return;
    status->component_count++;
    *component = (struct status_component){.name = name, .label = label, .level = level};
    (void)snprintf(component->why, sizeof component->why, "%s",
                   level == STATUS_OPERATIONAL ? "" : why);
}

static enum status_level worst(const struct node_status *status)
{
    enum status_level level = STATUS_OPERATIONAL;
    for (size_t i = 0; i < status->component_count; i++)
        if (status->components[i].level > level)
            level = status->components[i].level;
    return level;
}

static void member_uid(struct json *json, const char *name, struct uid uid)
{
    struct uid_text storage;
    json_member_text(json, name, uid_text(&storage, uid));
}

/* --- in our own words --- */

/* What is known to be current is as old as that knowledge; before the first time there is none. */
static void write_age(struct json *json, int64_t confirmed_ms, int64_t now_ms)
{
    if (confirmed_ms > 0)
        json_member_i64(json, "age", now_ms > confirmed_ms ? (now_ms - confirmed_ms) / 1000 : 0);
}

static void write_own_components(struct json *json, const struct node_status *status)
{
    json_name(json, "components");
    json_begin_array(json);
    for (size_t i = 0; i < status->component_count; i++) {
        const struct status_component *component = &status->components[i];
        json_begin_object(json);
        json_member_text(json, "name", text_of(component->name));
        json_member_text(json, "status",
                         component->level == STATUS_OPERATIONAL ? TEXT("operational")
                                                                : TEXT("degraded"));
        if (component->level != STATUS_OPERATIONAL)
            json_member_text(json, "why", text_of(component->why));
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_replicas(struct json *json, const struct node_status *status)
{
    json_name(json, "replicas");
    json_begin_array(json);
    for (size_t i = 0; i < status->replica.object_count; i++) {
        const struct replica_copy *copy = &status->replica.objects[i];
        char version[48];
        (void)snprintf(version, sizeof version, "%" PRIu64 ".%" PRIu64, copy->epoch, copy->number);
        json_begin_object(json);
        json_member_text(json, "name", text_of(copy->name));
        json_member_text(json, "version", text_of(version));
        json_member_i64(json, "taken", copy->taken_ms / 1000);
        write_age(json, status->replica.confirmed_ms, status->now_ms);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_following(struct json *json, const struct node_status *status)
{
    write_age(json, status->replica.confirmed_ms, status->now_ms);
    json_member_u64(json, "waiting", status->replica.waiting);
    if (status->replica.trouble[0])
        json_member_text(json, "trouble", text_of(status->replica.trouble));
    json_name(json, "forward");
    json_begin_object(json);
    json_member_u64(json, "waiting", status->forward_waiting);
    if (status->forward_since_ms > 0)
        json_member_i64(json, "since", status->forward_since_ms / 1000);
    json_end_object(json);
    write_replicas(json, status);
    if (status->write_more)
        status->write_more(status->more, json);
}

static void write_node(struct json *json, const struct node_status *status)
{
    json_begin_object(json);
    json_member_text(json, "role", status->is_edge ? TEXT("edge") : TEXT("origin"));
    member_uid(json, "id", status->id);
    json_member_text(json, "name", status->node_name);
    json_member_text(json, "link",
                     !status->is_edge || status->is_linked ? TEXT("linked") : TEXT("island"));
    if (status->is_draining)
        json_member_bool(json, "draining", true);
    json_member_u64(json, "tier", status->tier);
    json_member_i64(json, "now", status->now_ms / 1000);
    json_member_u64(json, "accounts", status->accounts);
    write_own_components(json, status);
    json_name(json, "journal");
    json_begin_object(json);
    json_member_u64(json, "bytes", status->journal_bytes);
    json_member_u64(json, "waiting", status->journal_waiting);
    json_end_object(json);
    if (status->is_edge)
        write_following(json, status);
    json_end_object(json);
}

/* --- in Statuspage's --- */

static void member_time(struct json *json, const char *name, int64_t unix_ms)
{
    struct timestamp_text storage;
    json_member_text(json, name, timestamp_rfc3339(&storage, unix_ms));
}

static void write_page(struct json *json, const struct node_status *status)
{
    json_name(json, "page");
    json_begin_object(json);
    member_uid(json, "id", status->id);
    json_member_text(json, "name", status->node_name);
    json_member_text(json, "url", status->url);
    json_member_text(json, "time_zone", TEXT("Etc/UTC"));
    member_time(json, "updated_at", status->now_ms);
    json_end_object(json);
}

static struct text describe(const struct node_status *status)
{
    if (status->is_edge && !status->is_linked)
        return TEXT("The origin does not answer: what this node holds plays on");
    return worst(status) == STATUS_OPERATIONAL ? TEXT("All systems operational")
           : worst(status) == STATUS_DEGRADED  ? TEXT("Something is later than usual")
                                               : TEXT("Something does not work");
}

static void write_indicator(struct json *json, const struct node_status *status)
{
    static const struct text indicators[] = {[STATUS_OPERATIONAL] = TEXT_INIT("none"),
                                             [STATUS_DEGRADED] = TEXT_INIT("minor"),
                                             [STATUS_PARTIAL] = TEXT_INIT("major")};
    json_name(json, "status");
    json_begin_object(json);
    json_member_text(json, "indicator", indicators[worst(status)]);
    json_member_text(json, "description", describe(status));
    json_end_object(json);
}

static void write_component(struct json *json, const struct node_status *status, size_t i)
{
    static const struct text words[] = {[STATUS_OPERATIONAL] = TEXT_INIT("operational"),
                                        [STATUS_DEGRADED] = TEXT_INIT("degraded_performance"),
                                        [STATUS_PARTIAL] = TEXT_INIT("partial_outage")};
    const struct status_component *component = &status->components[i];
    json_begin_object(json);
    json_member_text(json, "id", text_of(component->name));
    member_uid(json, "page_id", status->id);
    json_name(json, "group_id");
    json_write_null(json);
    json_member_text(json, "name", text_of(component->label));
    json_name(json, "description");
    if (component->why[0])
        json_text(json, text_of(component->why));
    else
        json_write_null(json);
    json_member_u64(json, "position", i + 1);
    json_member_text(json, "status", words[component->level]);
    json_member_bool(json, "showcase", true);
    json_member_bool(json, "only_show_if_degraded", false);
    json_member_bool(json, "group", false);
    json_name(json, "start_date");
    json_write_null(json);
    member_time(json, "created_at", status->started_ms);
    member_time(json, "updated_at", component->changed_ms);
    json_end_object(json);
}

static void write_components(struct json *json, const struct node_status *status)
{
    json_name(json, "components");
    json_begin_array(json);
    for (size_t i = 0; i < status->component_count; i++)
        write_component(json, status, i);
    json_end_array(json);
}

/* A node has faults, not incidents with a history: the merged page will (src/transparency). */
static void write_none(struct json *json, const char *name)
{
    json_name(json, name);
    json_begin_array(json);
    json_end_array(json);
}

static void write_v2(struct json *json, const struct node_status *status, enum status_body body)
{
    bool is_summary = body == STATUS_V2_SUMMARY;
    json_begin_object(json);
    write_page(json, status);
    if (is_summary || body == STATUS_V2_STATUS)
        write_indicator(json, status);
    if (is_summary || body == STATUS_V2_COMPONENTS)
        write_components(json, status);
    if (is_summary || body == STATUS_V2_INCIDENTS)
        write_none(json, "incidents");
    if (is_summary || body == STATUS_V2_MAINTENANCES)
        write_none(json, "scheduled_maintenances");
    json_end_object(json);
}

void status_write(const struct node_status *status, enum status_body body, struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    if (body == STATUS_NODE)
        write_node(&json, status);
    else
        write_v2(&json, status, body);
}
