// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/delegation.h"
#include "trust/homes.h"
#include "trust/party.h"

/*
 * node_list: what the object /nodes says (docs/formats/nodes.md): the origin, and the edges that
 * joined it with their keys.  Read from the body of a verified object, or of the list that an
 * origin is about to sign.
 *
 * Immutable and counted: any thread may use one that it holds a reference to.  Pure.
 */
struct node_list;

enum {
    NODE_LIST_MAX = 2048, /* nodes */
    NODE_LIST_URLS_MAX = 16,
    NODE_LIST_DOORS_MAX = 8,
};

enum node_entry_role {
    NODE_ENTRY_OTHER, /* a word that we do not know: such a node is passed over */
    NODE_ENTRY_ORIGIN,
    NODE_ENTRY_EDGE,
};

struct node_entry { /* texts belong to the list */
    struct uid id;
    struct text name;
    enum node_entry_role role;
    size_t url_count;
    struct text urls[NODE_LIST_URLS_MAX]; /* where listeners reach it, best first; may be none */
    size_t door_count;
    struct text doors[NODE_LIST_DOORS_MAX]; /* of an origin: "HOST:PORT" where nodes reach it */
    bool is_welcome;              /* false: it is revoked, or was not heard for too long */
    bool is_delegate;             /* an edge, and the next is good: */
    struct delegation delegation; /* issued_s: since_s */
};

/* NULL with static words in *ret_why. */
struct node_list *node_list_read(struct text body, const char **ret_why) MUST_USE;
struct node_list *node_list_ref(struct node_list *list) MUST_USE;
void node_list_unref(struct node_list **list); /* accepts NULL inside */

/* What the service's passkeys are for: what the list says, else the host of the first address of an
 * origin.  The list may be NULL: nothing. */
struct party node_list_party(const struct node_list *list);

size_t node_list_count(const struct node_list *list);
const struct node_entry *node_list_at(const struct node_list *list, size_t i);
const struct node_entry *node_list_find(const struct node_list *list, struct uid id); /* or NULL */
/* The edge whose own key this names (token's kid, signed object's key), or NULL. */
const struct node_entry *node_list_by_key(const struct node_list *list, struct key_id key);

/* Over the welcome edges.  The list may be NULL: no homes. */
struct homes node_list_homes(const struct node_list *list, struct uid account);
