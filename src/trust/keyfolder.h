// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/key_file.h"
#include "trust/keyring.h"

/*
 * keyfolder: where a node's root key and signing keys live, and when the next ones are made.
 *
 *   STATE/keys/root.key      32 bytes: seed of the root key.  May be taken away (and put back when
 *                            keyfolder_status() says that it is missed): it is read for the moment
 *                            of a signature and held nowhere
 *   STATE/keys/root.pub      32 bytes: its public key, which every list here must be signed by
 *   STATE/keys/signing.key   1 to 4 seeds of 32 bytes: of the signing keys in use and next
 *   STATE/keys/keys.signed   the object /keys
 *
 * root.key and signing.key may be credentials of the service (key_file.h).  Nothing can be written
 * there: the next signing key is then the one in signing.key behind the last that the list names,
 * and when there is none that is due and said, as when the root key is away.
 *
 * A signing.key without a list (as older versions left it) becomes the first key of a new list.
 * One thread at a time; the rings it gives out are anybody's.  Blocks for moments.
 */
struct keyfolder;

/* Makes what is missing when `is_new_allowed`.  0, or -errno with *ret_error filled. */
int keyfolder_open(const struct key_place *place, bool is_new_allowed, int64_t now_s,
                   struct keyfolder **ret, struct keys_error *ret_error) MUST_USE;
void keyfolder_close(struct keyfolder **folder);

/*
 * Makes the files of a node that takes the place of another under the same root key: root.pub, one
 * new signing key that signs at once, and a list of `epoch` in which it follows those of `former`,
 * the other's /keys, so that what they signed still verifies.  The root key is the seed, or with
 * NULL the one that lies at `place`.  -EEXIST: it is an origin's already; -EPERM: `former` is of
 * another root key; else as keyfolder_open().
 */
int keyfolder_inherit(const struct key_place *place, const uint8_t *root_seed, struct text former,
                      uint64_t epoch, int64_t now_s, struct keys_error *ret_error) MUST_USE;
/* From now on the folder has this root key, until it is closed; it is written nowhere. */
void keyfolder_lend_root(struct keyfolder *folder, const uint8_t root_seed[KEYRING_SEED_BYTES]);

/* The ring in force; the caller's reference. */
struct keyring *keyfolder_ring(const struct keyfolder *folder) MUST_USE;

/*
 * Does what is due: the next key after KEYRING_ROTATE_S; a list of `epoch` when that is greater
 * than the list's (a restore raised it); a list signed again before it expires; and forgets seeds
 * of keys that have ended.  1 when there is another ring now, 0 when not, -errno with words when
 * something that is due could not be done: -ENOKEY, the root key is away.  Call it at the start and
 * each hour.
 */
int keyfolder_settle(struct keyfolder *folder, uint64_t epoch, int64_t now_s,
                     struct keys_error *ret_error) MUST_USE;
/* Makes the next key now, in use after KEYRING_LEAD_S.  0 or -errno with words. */
int keyfolder_rotate(struct keyfolder *folder, int64_t now_s,
                     struct keys_error *ret_error) MUST_USE;
/* From now on nothing that this key signed is believed; a new one signs at once. */
int keyfolder_revoke(struct keyfolder *folder, struct key_id id, int64_t now_s,
                     struct keys_error *ret_error) MUST_USE;

/* The root's public key; as long as the folder is open. */
const uint8_t *keyfolder_root(const struct keyfolder *folder);
/* The root key's seed for the moment of a signature: the caller wipes it.  0; -ENOKEY, with words:
 * it is away; else another -errno. */
int keyfolder_root_seed(const struct keyfolder *folder, uint8_t ret_seed[KEYRING_SEED_BYTES],
                        struct keys_error *ret_error) MUST_USE;

enum { ROOT_FINGERPRINT_BYTES = 43 };
struct keyfolder_status {
    char root_fingerprint[ROOT_FINGERPRINT_BYTES + 1]; /* SHA-256, base64url */
    bool has_root;                                     /* root.key is there */
    bool is_due;                                       /* something waits for it */
    int64_t next_rotation_s;
};
struct keyfolder_status keyfolder_status(const struct keyfolder *folder, int64_t now_s);
