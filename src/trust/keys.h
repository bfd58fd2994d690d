// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/key_file.h"

/*
 * keys: what a node keeps to itself, in a file of mode 0600 in STATE/keys, never in the database.
 *
 *   sealing.key   32 bytes: seals app secrets at rest; derived from it are the keys of what finds
 *                 them, of device cookies and of nonces
 *
 * When it is a credential of the service (key_file.h) a file sealing.id says which key it was, so
 * that a command that runs without the credential makes no other.
 *
 * What others verify by is in trust/keyring.h.  Immutable after keys_open(); any thread may use it.
 * Memory is locked and wiped by libsodium.
 */
struct keys {
    uint8_t sealing[32];
    uint8_t indexing[32]; /* derived: crypto_kdf(sealing, 1, "sostindx") */
    uint8_t devices[32];  /* derived: crypto_kdf(sealing, 2, "sostdevi") */
    uint8_t nonces[32];   /* derived: crypto_kdf(sealing, 3, "sostnonc") */
};

/* Opens the folder, making folder and missing keys when `is_new_allowed`.  0, or -errno with
 * *ret_error filled. */
int keys_open(const struct key_place *place, bool is_new_allowed, struct keys **ret,
              struct keys_error *ret_error) MUST_USE;
/* Keys that live in memory only: for tests and fuzzers. */
struct keys *keys_ephemeral(void) MUST_USE;
void keys_free(struct keys **keys);
