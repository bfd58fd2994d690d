// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/origin_status.h"

#include "api/api.h"
#include "programs/service.h"
#include "state/state.h"
#include "trust/node_book.h"

static void add_state(struct node_status *status, const struct state_health *health)
{
    status_add(status, "state", "Listeners' state",
               health->journal_error    ? STATUS_PARTIAL
               : health->database_error ? STATUS_DEGRADED
                                        : STATUS_OPERATIONAL,
               health->journal_error ? "writes cannot be made durable"
                                     : "the database does not take the journal");
    if (health->has_record)
        status_add(status, "record", "Shared database",
                   health->record_error ? STATUS_DEGRADED : STATUS_OPERATIONAL,
                   "it cannot be reached; what is written waits here");
}

static void add_library(struct node_status *status, const struct node *node)
{
    struct library_status library;
    library_status(node->library, &library);
    bool is_empty = library.tracks == 0 && library.phase != LIBRARY_IDLE;
    status_add(status, "library", "Music library", is_empty ? STATUS_DEGRADED : STATUS_OPERATIONAL,
               "the first scan is under way");
}

/* Who is gone for good is waited for until it is revoked. */
static void add_rebuild(struct node_status *status, const struct api *api)
{
    struct api_rebuild rebuild;
    char why[STATUS_WHY_BYTES];
    if (!api_rebuild(api, &rebuild) || rebuild.edges == 0)
        return;
    (void)snprintf(why, sizeof why, "rebuilding: %zu of %zu edges heard", rebuild.heard,
                   rebuild.edges);
    status_add(status, "rebuild", "What other edges hold",
               rebuild.heard < rebuild.edges ? STATUS_DEGRADED : STATUS_OPERATIONAL, why);
}

void origin_status_fill(void *context, struct node_status *status)
{
    const struct service *service = context;
    const struct node *node = &service->node;
    const struct state_health health = state_health(node->state);
    status->id = health.device;
    status->node_name =
        text_of(service->settings.node_name[0] ? service->settings.node_name : service->machine);
    status->url = text_of(service->status_url);
    status->accounts = state_account_count(node->state);
    status->journal_bytes = health.journal_bytes;
    status->journal_waiting = health.durable_lsn - health.applied_lsn;
    add_state(status, &health);
    add_library(status, node);
    if (node_book_door(node->book).size > 0)
        status_add(status, "nodes", "Address for edges",
                   service->nodes.is_listening ? STATUS_OPERATIONAL : STATUS_DEGRADED,
                   "edges cannot reach this origin: its log says why");
    add_rebuild(status, service->api);
}
