// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "programs/operator_request.h"

/*
 * edges_desk: what the owner of an origin does about its edges: invite, list, revoke; with a server
 * or on a state folder that nobody serves.
 *
 *   edge.invite  name, expires (seconds)  → token, addresses, root, expires_s
 *   edge.list                             → edges, invited
 *   edge.revoke  name
 *
 * The token is in the answer and nowhere else.
 */
struct keyfolder;
struct logger;
struct node_book;
struct settings;

struct edges_desk { /* all borrowed */
    struct keyfolder *keyfolder;
    struct node_book *book;
    const struct settings *settings;
    const struct logger *audit; /* may be NULL */
    /* Listens for nodes from now on, and notes where in the book; NULL: no server runs, and the
     * address is only chosen.  False with words in `why`. */
    bool (*open_door)(void *context, struct buffer *why);
    void *context;
};

enum { EDGES_INVITE_S = 60 * 60, EDGES_INVITE_MAX_S = 30 * 24 * 60 * 60 };

/* True when the request is one for this desk; then one line of JSON is in `answer`. */
bool edges_desk_ask(const struct edges_desk *desk, const struct operator_request *request,
                    int64_t now_s, struct buffer *answer) MUST_USE;

/* The address for nodes when nobody has chosen one: the host of `listen` and the next port, or port
 * 0 when that is taken. */
void edges_desk_choose(struct text listen, char *ret, size_t capacity);
/* By what edges reach an origin that listens for nodes at `door`: "HOST:PORT", commas between. */
void edges_desk_addresses(const struct settings *settings, struct text door, struct buffer *out);
