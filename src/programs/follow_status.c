// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/follow_status.h"

#include "programs/edge_follow.h"
#include "programs/edge_place.h"
#include "state/state.h"

static void add_components(struct node_status *status, const struct edge_writes_status *writes,
                           const struct state_health *health)
{
    const struct replica_status *replica = &status->replica;
    bool follows = !replica->trouble[0] || !replica->is_linked;
    status_add(status, "origin", "Origin",
               replica->is_linked ? STATUS_OPERATIONAL : STATUS_DEGRADED, replica->trouble);
    status_add(status, "replicas", "Copies of the origin",
               follows ? STATUS_OPERATIONAL : STATUS_DEGRADED, replica->trouble);
    status_add(status, "state", "Listeners' state",
               health->database_error || health->journal_error ? STATUS_PARTIAL
                                                               : STATUS_OPERATIONAL,
               "the state folder cannot be written");
    status_add(status, "forward", "On the way to the origin",
               writes->trouble[0] ? STATUS_DEGRADED : STATUS_OPERATIONAL, writes->trouble);
}

static void write_placing(const void *place, struct json *json) { edge_place_write(place, json); }

void follow_status_fill(const struct edge_follow *follow, struct node_status *status)
{
    const struct state_health health = state_health(follow->state);
    struct edge_writes_status writes;
    edge_writes_status(&follow->writes, &writes);
    if (follow->replica)
        replica_status(follow->replica, &status->replica);
    status->is_edge = true;
    status->is_draining = follow->is_leaving;
    status->id = follow->own;
    status->node_name = text_of(member_delegation(follow->member)->name);
    status->url = text_of(follow->url);
    status->is_linked = status->replica.is_linked;
    status->accounts = state_account_count(follow->state);
    status->journal_bytes = health.journal_bytes;
    status->journal_waiting = health.durable_lsn - health.applied_lsn;
    status->forward_waiting = writes.waiting;
    status->forward_since_ms = writes.since_ms;
    add_components(status, &writes, &health);
    if (follow->place) {
        status->write_more = write_placing;
        status->more = follow->place;
    }
}
