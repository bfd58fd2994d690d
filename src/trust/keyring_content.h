// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "trust/signed.h"

/*
 * keyring_content: what the signed object /keys says (docs/formats/keys.md): the signing keys that
 * a root key vouches for, and those it does not any more.
 *
 * A plain value; who changes one signs it anew (trust/keyfolder.h).  It has at least one key, but
 * while it is being made.
 */
enum {
    KEYRING_MAX_KEYS = 8,
    KEYRING_MAX_REVOKED = 32,
    KEYRING_SEED_BYTES = 32,
    KEYRING_MAX_OBJECT_BYTES = 16 << 10,
};
#define KEYRING_NAME "/keys"
#define KEYRING_KEY_LIFE_S (90LL * 24 * 60 * 60) /* of a signing key, from its first use */
#define KEYRING_ROTATE_S (60LL * 24 * 60 * 60)   /* then the next one is made */
#define KEYRING_LEAD_S (24LL * 60 * 60)          /* between publishing a key and its first use */

struct ring_key {
    struct key_id id;
    uint8_t public_key[SIGNED_PUBLIC_BYTES];
    int64_t from_s, until_s; /* signs from; verifies until */
};
struct revoked_key {
    struct key_id id;
    int64_t until_s; /* nothing it signed could be good after */
};

/* Everything that /keys says; keys oldest first. */
struct keyring_content {
    uint64_t epoch, number;
    int64_t issued_s, expires_s;
    uint8_t root[SIGNED_PUBLIC_BYTES];
    size_t key_count, revoked_count;
    struct ring_key keys[KEYRING_MAX_KEYS];
    struct revoked_key revoked[KEYRING_MAX_REVOKED];
};

/* Signs `content` as /keys: by the root key's secret alone. */
void keyring_seal_content(const uint8_t root_secret[SIGNED_SECRET_BYTES],
                          const struct keyring_content *content, struct buffer *out);
/* False for a body that is not a list of keys, oldest first, with the ids that are theirs. */
bool keyring_content_read(const struct signed_object *object, struct keyring_content *ret) MUST_USE;

struct key_id keyring_id_of_seed(const uint8_t seed[KEYRING_SEED_BYTES]);
/* The first key, or another beside those there are, which goes out of use when this one begins. */
void keyring_content_add(struct keyring_content *content, const uint8_t seed[KEYRING_SEED_BYTES],
                         int64_t from_s);
/* NULL: there is none; a revoked one is none. */
const struct ring_key *keyring_content_key(const struct keyring_content *content, struct key_id id);
const struct ring_key *keyring_content_newest(const struct keyring_content *content);
bool keyring_content_names(const struct keyring_content *content, struct key_id id); /* either */
/* One that is there, while there is room: what it signed is not believed from now on. */
void keyring_content_revoke(struct keyring_content *content, struct key_id id);
/* Keys that are over, but for the newest, and revoked ones of which nothing could be good. */
void keyring_content_forget(struct keyring_content *content, int64_t now_s);
/* The same; and the oldest gives way, where there is no room for a new one. */
void keyring_content_make_room(struct keyring_content *content, int64_t now_s);
bool keyring_content_is_due(const struct keyring_content *content, int64_t now_s); /* a new key */
