// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "base/json.h"
#include "replica/replica.h"
#include "trust/uid.h"

/*
 * status_pages: what a node says of itself, in its own words (/status, docs/formats/status.md) and
 * in those of Atlassian's Statuspage API v2 (/api/v2/…), which monitors and other status pages
 * read.  Pure: from facts to bytes.
 *
 * Automatic: no person stands between a fault and the page.
 */
enum status_level {
    STATUS_OPERATIONAL,
    STATUS_DEGRADED, /* something is older or later than usual; nothing that listeners do fails */
    STATUS_PARTIAL,  /* something that listeners do fails */
};

enum { STATUS_COMPONENTS_MAX = 8, STATUS_WHY_BYTES = 200 };

struct status_component {
    const char *name;  /* static: its id */
    const char *label; /* static: for people */
    enum status_level level;
    char why[STATUS_WHY_BYTES]; /* when it is not operational */
    int64_t changed_ms;         /* of the level; the board's to say */
};

struct node_status {
    struct uid id;
    struct text node_name, url; /* borrowed; url absolute */
    int64_t now_ms, started_ms;
    unsigned tier; /* of the ladder of degradation */
    size_t component_count;
    struct status_component components[STATUS_COMPONENTS_MAX];
    uint64_t accounts, journal_bytes, journal_waiting;
    bool is_edge; /* then the next, too */
    bool is_linked;
    bool is_draining;         /* about to be stopped: listeners go elsewhere */
    uint64_t forward_waiting; /* accepted here, and not at the origin yet */
    int64_t forward_since_ms; /* the oldest of them; 0: none */
    struct replica_status replica;
    /* More members of /status, by who knows of them; NULL: none. */
    void (*write_more)(const void *more, struct json *json);
    const void *more;
};

void status_add(struct node_status *status, const char *name, const char *label,
                enum status_level level, const char *why);

enum status_body {
    STATUS_NODE, /* /status */
    STATUS_V2_SUMMARY,
    STATUS_V2_STATUS,
    STATUS_V2_COMPONENTS,
    STATUS_V2_INCIDENTS,    /* also those unresolved: a node keeps no history */
    STATUS_V2_MAINTENANCES, /* also those that come or are on */
    STATUS_BODIES,
};
void status_write(const struct node_status *status, enum status_body body, struct buffer *out);
