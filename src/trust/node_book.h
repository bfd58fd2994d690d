// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/joining.h"
#include "trust/key_file.h"

/*
 * node_book: which edges an origin has, and whom it has invited: STATE/keys/edges, JSON, 0600.
 *
 * Changes are made on the home loop, one at a time; each is on the disk before it is answered, and
 * a change that could not be written was not made.  Looking somebody up is for any thread: a lock
 * and a short table.  Both tables are bounded at birth.
 *
 * An edge that is revoked stays listed until nothing that was signed for it could be good anyway,
 * so that /revoked can name it.
 */
struct node_book;

struct node_book_limits {
    uint32_t max_edges, max_invites;
};

/* One edge: a copy, as long as the caller likes. */
struct node_seat {
    struct uid id; /* node_id_of(key) */
    char name[DELEGATION_NAME_MAX_BYTES + 1];
    uint8_t key[SIGNED_PUBLIC_BYTES];
    uint32_t may;              /* enum delegated */
    int64_t joined_s, until_s; /* until_s: of its newest certificate and delegation */
    int64_t revoked_s;         /* 0: it is not */
    int64_t seen_s;            /* by this process; 0: not yet */
};

/* False: it was revoked by the origin before this one, and nothing but its id is known. */
bool node_seat_has_key(const struct node_seat *seat);

int node_book_open(const struct key_place *place, const struct node_book_limits *limits,
                   struct node_book **ret, struct keys_error *ret_error) MUST_USE;
void node_book_close(struct node_book **book);

/* --- any thread --- */
/* The edge that has this key now; false when none has, or it is revoked.  `now_s` is noted. */
bool node_book_seat(struct node_book *book, const uint8_t key[SIGNED_PUBLIC_BYTES], int64_t now_s,
                    struct node_seat *ret) MUST_USE;
bool node_book_admits(struct node_book *book, const uint8_t key[SIGNED_PUBLIC_BYTES],
                      int64_t now_s) MUST_USE;

/* --- on the home loop --- */
enum node_book_verdict {
    NODE_BOOK_DONE,
    NODE_BOOK_TAKEN,    /* another edge has that name */
    NODE_BOOK_FULL,     /* max_edges or max_invites */
    NODE_BOOK_UNKNOWN,  /* no such edge, no such invitation: also one long over */
    NODE_BOOK_STRANGER, /* who asks for another certificate, and never joined here */
    NODE_BOOK_EXPIRED,  /* the invitation */
    NODE_BOOK_USED,     /* the invitation, by another key */
    NODE_BOOK_REVOKED,  /* that key */
    NODE_BOOK_UNWRITTEN,
};
const char *node_book_words(enum node_book_verdict verdict); /* static, for a person */

/* A second invitation for the same name takes the place of the first. */
enum node_book_verdict node_book_invite(struct node_book *book, struct text name,
                                        const uint8_t digest[INVITATION_DIGEST_BYTES],
                                        int64_t expires_s, int64_t now_s) MUST_USE;
/* The same key may come again with the same invitation: its first answer may have been lost. */
enum node_book_verdict node_book_join(struct node_book *book, const struct joining_request *request,
                                      int64_t until_s, int64_t now_s,
                                      struct node_seat *ret) MUST_USE;
/* What follows soon after another is granted and not written down, unless its urls differ. */
enum node_book_verdict node_book_renew(struct node_book *book,
                                       const struct joining_request *request, int64_t until_s,
                                       struct node_seat *ret) MUST_USE;
enum node_book_verdict node_book_revoke(struct node_book *book, struct text name,
                                        int64_t now_s) MUST_USE;

/* An edge of the origin whose place this one has taken, as that origin's list names it; one that is
 * known here is done. */
enum node_book_verdict node_book_readmit(struct node_book *book,
                                         const struct delegation *delegation,
                                         const struct text *urls, size_t url_count) MUST_USE;
/* An edge that was revoked there: nothing but its id is known, and it is never taken back. */
enum node_book_verdict node_book_banish(struct node_book *book, struct uid id, int64_t until_s,
                                        int64_t now_s) MUST_USE;

/* Where the origin listens for nodes: "ADDRESS:PORT", or empty while nobody was invited. */
struct text node_book_door(const struct node_book *book);
enum node_book_verdict node_book_set_door(struct node_book *book, struct text address) MUST_USE;

size_t node_book_count(const struct node_book *book); /* revoked ones among them */
void node_book_at(struct node_book *book, size_t i, struct node_seat *ret);
/* Where its listeners reach it, as it says; borrowed until the next change. */
size_t node_book_urls(const struct node_book *book, size_t i, struct text ret[JOINING_URLS_MAX]);
size_t node_book_invited(struct node_book *book, int64_t now_s);
/* The next invitation behind *cursor (0 to begin) that is not over yet; false: there is none.  The
 * name is borrowed until the next change. */
bool node_book_next_invited(const struct node_book *book, int64_t now_s, size_t *cursor,
                            struct text *ret_name, int64_t *ret_expires_s);
/* Grows with everything that was written. */
uint64_t node_book_changes(const struct node_book *book);
/* Grows with each revocation. */
uint64_t node_book_revocations(const struct node_book *book);
