// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keyfolder.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define ROOT "root.key"
#define ROOT_PUBLIC "root.pub"
#define SIGNING "signing.key"
#define LIST "keys.signed"

struct seeds {
    size_t count;
    uint8_t seed[KEYRING_MAX_SECRETS][KEYRING_SEED_BYTES];
};

struct keyfolder {
    struct key_folder files;
    char *path, *credentials;
    uint8_t root[SIGNED_PUBLIC_BYTES];
    struct seeds *seeds; /* sodium's memory */
    uint8_t *lent_root;  /* the same; NULL: it is in a file, or away */
    struct keyring *ring;
    bool is_due; /* the root key was needed, and was away */
};

static int fail(const struct keyfolder *folder, int error, const char *name, const char *what,
                struct keys_error *ret_error)
{
    bool is_credential = key_file_is_credential(&folder->files, name);
    int failed =
        keys_fail(ret_error, error, is_credential ? folder->credentials : folder->path, name, what);
    assert(failed < 0);
    return failed;
}

/* --- the root key, for a moment --- */

static int load_root(const struct keyfolder *folder, uint8_t ret_secret[SIGNED_SECRET_BYTES],
                     uint8_t ret_public[SIGNED_PUBLIC_BYTES], struct keys_error *ret_error)
{
    uint8_t seed[KEYRING_SEED_BYTES];
    if (folder->lent_root) {
        crypto_sign_seed_keypair(ret_public, ret_secret, folder->lent_root);
        return 0;
    }
    if (!key_file_is_there(&folder->files, ROOT))
        return fail(folder, ENOKEY, ROOT, "is away: put it back to renew the signing keys",
                    ret_error);
    int size = key_file_load(&folder->files, ROOT, sizeof seed, sizeof seed, seed, ret_error);
    if (size < 0)
        return size;
    crypto_sign_seed_keypair(ret_public, ret_secret, seed);
    sodium_memzero(seed, sizeof seed);
    return 0;
}

/* The secret of the root that root.pub names. */
static int unlock_root(const struct keyfolder *folder, uint8_t ret_secret[SIGNED_SECRET_BYTES],
                       struct keys_error *ret_error)
{
    uint8_t public_key[SIGNED_PUBLIC_BYTES];
    int error = load_root(folder, ret_secret, public_key, ret_error);
    if (error || memcmp(public_key, folder->root, sizeof public_key) == 0)
        return error;
    sodium_memzero(ret_secret, SIGNED_SECRET_BYTES);
    return fail(folder, EINVAL, ROOT, "is another root key than " ROOT_PUBLIC " names", ret_error);
}

/* Makes root.key when this is a new folder; then root.pub says whose lists are believed here. */
static int settle_root(struct keyfolder *folder, bool is_new_allowed, struct keys_error *ret_error)
{
    uint8_t secret[SIGNED_SECRET_BYTES];
    if (key_file_is_there(&folder->files, ROOT_PUBLIC)) {
        int size = key_file_load(&folder->files, ROOT_PUBLIC, sizeof folder->root,
                                 sizeof folder->root, folder->root, ret_error);
        return size < 0 ? size : 0;
    }
    int error = 0;
    if (is_new_allowed && !key_file_is_there(&folder->files, ROOT) &&
        !key_file_is_there(&folder->files, LIST))
        error = key_file_create(&folder->files, ROOT, ret_error);
    if (!error)
        error = load_root(folder, secret, folder->root, ret_error);
    if (error)
        return error;
    sodium_memzero(secret, sizeof secret);
    struct text public_key = text_make((const char *)folder->root, sizeof folder->root);
    return key_file_replace(&folder->files, ROOT_PUBLIC, public_key, ret_error);
}

/* --- seeds and list --- */

static int load_seeds(struct keyfolder *folder, bool is_new_allowed, struct keys_error *ret_error)
{
    int error = 0;
    if (is_new_allowed && !key_file_is_there(&folder->files, SIGNING))
        error = key_file_create(&folder->files, SIGNING, ret_error);
    if (error)
        return error;
    int size = key_file_load(&folder->files, SIGNING, KEYRING_SEED_BYTES,
                             sizeof folder->seeds->seed, folder->seeds->seed[0], ret_error);
    if (size >= 0 && size % KEYRING_SEED_BYTES)
        return fail(folder, EINVAL, SIGNING, "is not made of keys of 32 bytes", ret_error);
    folder->seeds->count = size < 0 ? 0 : (size_t)size / KEYRING_SEED_BYTES;
    return size < 0 ? size : 0;
}

static int take_list(struct keyfolder *folder, struct text object, int64_t now_s,
                     struct keys_error *ret_error)
{
    enum signed_verdict verdict;
    struct key_id id;
    struct keyring *ring = keyring_open_signing(
        folder->root, object, now_s, (const uint8_t(*)[KEYRING_SEED_BYTES])folder->seeds->seed,
        folder->seeds->count, &verdict);
    if (!ring)
        return fail(folder, EBADMSG, LIST, signed_verdict_words(verdict), ret_error);
    if (!keyring_signing(ring, now_s, &id)) {
        keyring_unref(&ring);
        return fail(folder, EBADMSG, SIGNING,
                    "holds no key of " LIST ": put both back from one backup", ret_error);
    }
    keyring_unref(&folder->ring);
    folder->ring = ring;
    return 0;
}

static int load_list(struct keyfolder *folder, int64_t now_s, struct keys_error *ret_error)
{
    uint8_t *bytes = mem_alloc(KEYRING_MAX_OBJECT_BYTES);
    int size = key_file_load(&folder->files, LIST, 1, KEYRING_MAX_OBJECT_BYTES, bytes, ret_error);
    int error = size < 0
                    ? size
                    : take_list(folder, text_make((char *)bytes, (size_t)size), now_s, ret_error);
    mem_free(bytes);
    return error;
}

/* The signing keys that still sign, or will: all from the one in use on. */
static void drop_old_seeds(struct seeds *seeds, const struct keyring_content *content,
                           int64_t now_s)
{
    struct seeds kept = {0};
    size_t in_use = 0;
    for (size_t i = 0; i < content->key_count; i++)
        if (content->keys[i].from_s <= now_s)
            in_use = i;
    for (size_t i = in_use; i < content->key_count; i++)
        for (size_t k = 0; k < seeds->count; k++)
            if (key_id_equal(keyring_id_of_seed(seeds->seed[k]), content->keys[i].id))
                memcpy(kept.seed[kept.count++], seeds->seed[k], KEYRING_SEED_BYTES);
    *seeds = kept;
    sodium_memzero(&kept, sizeof kept);
}

static int write_seeds(const struct keyfolder *folder, struct keys_error *ret_error)
{
    if (key_file_is_credential(&folder->files, SIGNING))
        return 0;
    struct text bytes =
        text_make((const char *)folder->seeds->seed, folder->seeds->count * KEYRING_SEED_BYTES);
    return key_file_replace(&folder->files, SIGNING, bytes, ret_error);
}

/* Signs and keeps `content`; seeds first, so that a list never names a key that is lost. */
static int publish(struct keyfolder *folder, struct keyring_content *content, int64_t now_s,
                   struct keys_error *ret_error)
{
    uint8_t secret[SIGNED_SECRET_BYTES];
    struct buffer object;
    int error = unlock_root(folder, secret, ret_error);
    if (error)
        return error;
    memcpy(content->root, folder->root, sizeof content->root);
    content->number++;
    content->issued_s = now_s;
    content->expires_s = content->keys[content->key_count - 1].until_s;
    buffer_init(&object, KEYRING_MAX_OBJECT_BYTES);
    keyring_seal_content(secret, content, &object);
    sodium_memzero(secret, sizeof secret);
    assert(!object.overflowed);
    error = write_seeds(folder, ret_error);
    if (!error)
        error = key_file_replace(&folder->files, LIST, buffer_view(&object), ret_error);
    if (!error)
        error = take_list(folder, buffer_view(&object), now_s, ret_error);
    buffer_release(&object);
    return error;
}

/* A new folder, or one of an older version: its signing key becomes the first of a list. */
static int begin_list(struct keyfolder *folder, int64_t now_s, struct keys_error *ret_error)
{
    struct keyring_content content = {0};
    folder->seeds->count = folder->seeds->count > 0; /* a credential may hold the next ones too */
    keyring_content_add(&content, folder->seeds->seed[0], now_s);
    return publish(folder, &content, now_s, ret_error);
}

/* --- life --- */

static struct keyfolder *new_folder(const struct key_place *place)
{
    int ready = sodium_init();
    assert(ready >= 0);
    struct keyfolder *folder = MEM_NEW(struct keyfolder);
    folder->path = mem_strdup(place->folder);
    folder->credentials = place->credentials ? mem_strdup(place->credentials) : NULL;
    folder->files.fd = folder->files.credentials_fd = -1;
    folder->seeds = sodium_malloc(sizeof *folder->seeds);
    assert(folder->seeds);
    sodium_memzero(folder->seeds, sizeof *folder->seeds);
    return folder;
}

int keyfolder_open(const struct key_place *place, bool is_new_allowed, int64_t now_s,
                   struct keyfolder **ret, struct keys_error *ret_error)
{
    struct keyfolder *folder = new_folder(place);
    const struct key_place own = {folder->path, folder->credentials};
    int error = key_folder_open(&own, is_new_allowed, &folder->files, ret_error);
    if (!error)
        error = settle_root(folder, is_new_allowed, ret_error);
    if (!error)
        error = load_seeds(folder, is_new_allowed, ret_error);
    if (!error)
        error = key_file_is_there(&folder->files, LIST) ? load_list(folder, now_s, ret_error)
                                                        : begin_list(folder, now_s, ret_error);
    if (error)
        keyfolder_close(&folder);
    else
        *ret = folder;
    return error;
}

void keyfolder_close(struct keyfolder **folder)
{
    if (!*folder)
        return;
    keyring_unref(&(*folder)->ring);
    sodium_free((*folder)->seeds); /* wipes */
    sodium_free((*folder)->lent_root);
    key_folder_close(&(*folder)->files);
    mem_free((*folder)->path);
    mem_free((*folder)->credentials);
    mem_free_p(folder);
}

struct keyring *keyfolder_ring(const struct keyfolder *folder) { return keyring_ref(folder->ring); }

void keyfolder_lend_root(struct keyfolder *folder, const uint8_t root_seed[KEYRING_SEED_BYTES])
{
    if (!folder->lent_root)
        folder->lent_root = sodium_malloc(KEYRING_SEED_BYTES);
    assert(folder->lent_root);
    memcpy(folder->lent_root, root_seed, KEYRING_SEED_BYTES);
}

/* --- what is due --- */

/* One more seed behind those held: new, or the one behind the last of the credential's that was
 * used. */
static int add_seed(struct keyfolder *folder, const struct keyring_content *content,
                    struct keys_error *ret_error)
{
    struct seeds *seeds = folder->seeds;
    uint8_t offered[KEYRING_MAX_SECRETS][KEYRING_SEED_BYTES], *next = seeds->seed[seeds->count];
    if (!key_file_is_credential(&folder->files, SIGNING)) {
        randombytes_buf(next, KEYRING_SEED_BYTES);
        seeds->count++;
        return 0;
    }
    int size = key_file_load(&folder->files, SIGNING, KEYRING_SEED_BYTES, sizeof offered,
                             offered[0], ret_error);
    int count = size < 0 ? 0 : size / KEYRING_SEED_BYTES, at = count;
    while (at > 0 && !keyring_content_names(content, keyring_id_of_seed(offered[at - 1])))
        at--;
    bool is_found = at < count;
    if (is_found)
        memcpy(next, offered[at], KEYRING_SEED_BYTES);
    sodium_memzero(offered, sizeof offered);
    seeds->count += is_found;
    if (size >= 0 && !is_found)
        return fail(folder, ENOKEY, SIGNING,
                    "holds no next key: put 32 random bytes behind those in this credential",
                    ret_error);
    return size < 0 ? size : 0;
}

static int add_key(struct keyfolder *folder, struct keyring_content *content, int64_t now_s,
                   int64_t from_s, struct keys_error *ret_error)
{
    struct seeds *seeds = folder->seeds;
    keyring_content_forget(content, now_s);
    drop_old_seeds(seeds, content, now_s);
    if (content->key_count == KEYRING_MAX_KEYS || seeds->count == KEYRING_MAX_SECRETS)
        return fail(folder, EBUSY, LIST, "holds as many keys as it may: wait until one has ended",
                    ret_error);
    int error = add_seed(folder, content, ret_error);
    if (error)
        return error;
    keyring_content_add(content, seeds->seed[seeds->count - 1], from_s);
    return publish(folder, content, now_s, ret_error);
}

/* The seeds on the disk are those of a key that goes on signing when publishing failed. */
static int put_back(struct keyfolder *folder, int error)
{
    struct keys_error ignored;
    if (error && load_seeds(folder, false, &ignored) != 0)
        folder->seeds->count = 0;
    folder->is_due = error == -ENOKEY;
    return error;
}

int keyfolder_rotate(struct keyfolder *folder, int64_t now_s, struct keys_error *ret_error)
{
    struct keyring_content content = *keyring_content(folder->ring);
    if (keyring_content_newest(&content)->from_s > now_s)
        return fail(folder, EALREADY, LIST, "holds the next key already; it signs within a day",
                    ret_error);
    return put_back(folder, add_key(folder, &content, now_s, now_s + KEYRING_LEAD_S, ret_error));
}

int keyfolder_revoke(struct keyfolder *folder, struct key_id id, int64_t now_s,
                     struct keys_error *ret_error)
{
    struct keyring_content content = *keyring_content(folder->ring);
    if (!keyring_content_key(&content, id))
        return fail(folder, ENOENT, LIST, "holds no such key", ret_error);
    if (content.revoked_count == KEYRING_MAX_REVOKED)
        return fail(folder, EBUSY, LIST, "holds as many revoked keys as it may", ret_error);
    keyring_content_revoke(&content, id);
    return put_back(folder, add_key(folder, &content, now_s, now_s, ret_error));
}

/* Secrets that are not needed any more are forgotten at once. */
static int forget_seeds(struct keyfolder *folder, int64_t now_s, struct keys_error *ret_error)
{
    size_t before = folder->seeds->count;
    drop_old_seeds(folder->seeds, keyring_content(folder->ring), now_s);
    return folder->seeds->count == before ? 0 : write_seeds(folder, ret_error);
}

int keyfolder_settle(struct keyfolder *folder, uint64_t epoch, int64_t now_s,
                     struct keys_error *ret_error)
{
    struct keyring_content content = *keyring_content(folder->ring);
    bool is_raised = epoch > content.epoch;
    if (is_raised)
        content.epoch = epoch;
    folder->is_due = false;
    int error = 0;
    if (keyring_content_is_due(&content, now_s))
        error = add_key(folder, &content, now_s, now_s + KEYRING_LEAD_S, ret_error);
    else if (is_raised)
        error = publish(folder, &content, now_s, ret_error);
    else
        return forget_seeds(folder, now_s, ret_error);
    return put_back(folder, error) ? error : 1;
}

/* --- in another's place --- */

/* Whose list `former` is, and what it says; an expired one says it still. */
static int read_former(const struct keyfolder *folder, struct text former, int64_t now_s,
                       struct keyring_content *ret, struct keys_error *ret_error)
{
    enum signed_verdict verdict;
    struct keyring *ring = keyring_open(folder->root, former, now_s, &verdict);
    if (!ring)
        return fail(folder, EPERM, ROOT,
                    "is not the root key of the origin that this node belongs to", ret_error);
    *ret = *keyring_content(ring);
    keyring_unref(&ring);
    return 0;
}

/* root.pub comes last: a folder without it holds nothing yet. */
static int inherit(struct keyfolder *folder, struct text former, uint64_t epoch, int64_t now_s,
                   struct keys_error *ret_error)
{
    uint8_t secret[SIGNED_SECRET_BYTES];
    struct keyring_content content;
    if (key_file_is_there(&folder->files, ROOT_PUBLIC))
        return fail(folder, EEXIST, ROOT_PUBLIC, "is there: this node is an origin", ret_error);
    int error = load_root(folder, secret, folder->root, ret_error);
    sodium_memzero(secret, sizeof secret);
    if (!error)
        error = read_former(folder, former, now_s, &content, ret_error);
    if (error)
        return error;
    keyring_content_make_room(&content, now_s);
    content.epoch = epoch;
    folder->seeds->count = 0;
    error = add_seed(folder, &content, ret_error);
    if (error)
        return error;
    keyring_content_add(&content, folder->seeds->seed[0], now_s);
    error = publish(folder, &content, now_s, ret_error);
    struct text public_key = text_make((const char *)folder->root, sizeof folder->root);
    return error ? error : key_file_replace(&folder->files, ROOT_PUBLIC, public_key, ret_error);
}

int keyfolder_inherit(const struct key_place *place, const uint8_t *root_seed, struct text former,
                      uint64_t epoch, int64_t now_s, struct keys_error *ret_error)
{
    struct keyfolder *folder = new_folder(place);
    const struct key_place own = {folder->path, folder->credentials};
    int error = key_folder_open(&own, false, &folder->files, ret_error);
    if (!error && root_seed)
        keyfolder_lend_root(folder, root_seed);
    if (!error)
        error = inherit(folder, former, epoch, now_s, ret_error);
    keyfolder_close(&folder);
    return error;
}

struct keyfolder_status keyfolder_status(const struct keyfolder *folder, int64_t now_s)
{
    const struct keyring_content *content = keyring_content(folder->ring);
    uint8_t digest[crypto_hash_sha256_BYTES];
    struct keyfolder_status status = {
        .has_root = folder->lent_root || key_file_is_there(&folder->files, ROOT),
        .is_due = folder->is_due || keyring_content_is_due(content, now_s),
        .next_rotation_s = keyring_content_newest(content)->from_s + KEYRING_ROTATE_S,
    };
    crypto_hash_sha256(digest, folder->root, sizeof folder->root);
    sodium_bin2base64(status.root_fingerprint, sizeof status.root_fingerprint, digest,
                      sizeof digest, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return status;
}

const uint8_t *keyfolder_root(const struct keyfolder *folder) { return folder->root; }

/* libsodium's secret key is the seed and the public key (RFC 8032 5.1.5). */
int keyfolder_root_seed(const struct keyfolder *folder, uint8_t ret_seed[KEYRING_SEED_BYTES],
                        struct keys_error *ret_error)
{
    uint8_t secret[SIGNED_SECRET_BYTES];
    int error = unlock_root(folder, secret, ret_error);
    if (error)
        return error;
    memcpy(ret_seed, secret, KEYRING_SEED_BYTES);
    sodium_memzero(secret, sizeof secret);
    return 0;
}
