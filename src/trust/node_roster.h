// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/node_book.h"

/*
 * node_roster: what a node_book says, as it is in memory and as JSON: edges with their seats,
 * invitations, and the door.
 *
 * Plain data, with neither lock nor file: the book changes a copy, writes it down and then takes it
 * over.  Found ones are borrowed until the roster changes.  Its lists have the size of their limits
 * at birth.
 */
struct roster_edge {
    struct node_seat seat;
    uint8_t digest[INVITATION_DIGEST_BYTES]; /* of the invitation it came with */
    size_t url_count;
    char urls[JOINING_URLS_MAX][JOINING_URL_MAX_BYTES + 1];
};

struct roster_invited {
    char name[DELEGATION_NAME_MAX_BYTES + 1];
    uint8_t digest[INVITATION_DIGEST_BYTES];
    int64_t expires_s;
};

struct node_roster {
    struct node_book_limits limits;
    char door[INVITATION_ADDRESSES_BYTES];
    size_t edge_count, invited_count;
    struct roster_edge *edges;
    struct roster_invited *invited;
};

enum { NODE_ROSTER_MOST = 1024 }; /* of either; the limits are at most that */

void node_roster_init(struct node_roster *roster, const struct node_book_limits *limits);
struct node_roster node_roster_copy(const struct node_roster *roster) MUST_USE;
void node_roster_release(struct node_roster *roster);

/* --- edges; NULL: there is none --- */
struct roster_edge *node_roster_by_key(const struct node_roster *roster,
                                       const uint8_t key[SIGNED_PUBLIC_BYTES]);
struct roster_edge *node_roster_by_id(const struct node_roster *roster, struct uid id);
/* One that is not revoked: of those, each has a name of its own. */
struct roster_edge *node_roster_by_name(const struct node_roster *roster, struct text name);
/* The one that came with it. */
struct roster_edge *node_roster_by_invitation(const struct node_roster *roster,
                                              const uint8_t digest[INVITATION_DIGEST_BYTES]);
/* A copy of `edge` at the end; NULL when there is no room. */
struct roster_edge *node_roster_add(struct node_roster *roster,
                                    const struct roster_edge *edge) MUST_USE;

/* --- invitations --- */
struct roster_invited *node_roster_invited(const struct node_roster *roster,
                                           const uint8_t digest[INVITATION_DIGEST_BYTES]);
/* False when there is no room. */
bool node_roster_invite(struct node_roster *roster, struct text name,
                        const uint8_t digest[INVITATION_DIGEST_BYTES], int64_t expires_s) MUST_USE;
/* Drops one that was found, or those of a name; false: there were none. */
void node_roster_drop(struct node_roster *roster, const struct roster_invited *invited);
bool node_roster_uninvite(struct node_roster *roster, struct text name);

/* Drops invitations that are over, and revoked edges for which nothing that was signed could be
 * good any more. */
void node_roster_forget(struct node_roster *roster, int64_t now_s);

/* --- as bytes --- */
/* {"door":"HOST:PORT","invited":[{"name","digest","expires"}...],"edges":[{"name","public","id"
 * (one without a key only),"invitation","may","joined","until","revoked","urls":[...]}...]}: bytes
 * in base64url, times in Unix seconds.  When an edge was seen is not written. */
void node_roster_write(const struct node_roster *roster, struct buffer *out);
/* Into one that is empty.  Who lowered a limit keeps what there is: the lists grow to it.  False:
 * these are not a roster's bytes; release it all the same. */
bool node_roster_read(struct node_roster *roster, struct text bytes) MUST_USE;
