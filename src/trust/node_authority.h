// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/keyfolder.h"
#include "trust/node_certificate.h"

/*
 * node_authority: the key with which an origin certifies nodes, under the root key.
 *
 *   STATE/keys/nodes.authority   32 bytes: the authority's seed; then PEM: its certificate, the
 *                                root's
 *
 * Made, and made anew with another key after three of its five years, when the root key is there;
 * certificates of the former one stay good, since each is shown with its whole chain.  One thread
 * at a time; blocks for moments.
 */
struct node_authority;

/* Makes the file when there is none.  0, or -errno with words; -ENOKEY: that needs the root key. */
int node_authority_open(const struct key_place *place, const struct keyfolder *keyfolder,
                        int64_t now_s, struct node_authority **ret,
                        struct keys_error *ret_error) MUST_USE;
void node_authority_close(struct node_authority **authority);

/* Once a day: 1 when there is a new one, 0 when none was due, else -errno with words. */
int node_authority_settle(struct node_authority *authority, const struct keyfolder *keyfolder,
                          int64_t now_s, struct keys_error *ret_error) MUST_USE;

/* The whole chain in PEM: a leaf for `key`, the authority, the root.  False: libcrypto failed. */
bool node_authority_issue(const struct node_authority *authority, enum node_role role,
                          const uint8_t key[SIGNED_PUBLIC_BYTES], int64_t now_s,
                          struct buffer *out) MUST_USE;
