// SPDX-License-Identifier: GPL-3.0-or-later
#include "replica/copies.h"

#include "base/encode.h"
#include "base/json_tree.h"
#include "base/map.h"
#include "base/mem.h"
#include "io/file.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OBJECT_MAX_BYTES = SIGNED_MAX_BODY_BYTES + 2 * SIGNED_MAX_PREAMBLE_BYTES,
    FILE_NAME_BYTES = 64,
    MOST_COPIES = 64,
    KEYS_ARENA_BYTES = 256 * 1024,
};

struct held {
    struct buffer bytes;
    struct copy copy;
};

struct copies {
    int folder;
    uint8_t fingerprint[crypto_hash_sha256_BYTES];
    struct keyring *ring;
    struct map *held; /* name → struct held */
};

/* --- life --- */

int copies_open(const char *folder, const uint8_t fingerprint[32], struct copies **ret)
{
    int error = file_make_dirs(AT_FDCWD, folder, 0700);
    int fd = error ? error : file_open_dir(AT_FDCWD, folder);
    if (fd < 0)
        return fd;
    struct copies *copies = MEM_NEW(struct copies);
    copies->folder = fd;
    copies->held = map_new(0, MOST_COPIES); /* names are ours */
    memcpy(copies->fingerprint, fingerprint, sizeof copies->fingerprint);
    *ret = copies;
    return 0;
}

void copies_close(struct copies **copies_p)
{
    struct copies *copies = *copies_p;
    struct text key;
    void *value;
    if (!copies)
        return;
    for (size_t cursor = 0; map_next(copies->held, &cursor, &key, &value);) {
        buffer_release(&((struct held *)value)->bytes);
        mem_free(value);
    }
    map_free(&copies->held);
    keyring_unref(&copies->ring);
    (void)close(copies->folder);
    mem_free_p(copies_p);
}

const struct copy *copies_get(const struct copies *copies, const char *name)
{
    const struct held *held = map_get(copies->held, text_of(name));
    return held ? &held->copy : NULL;
}

struct keyring *copies_ring(const struct copies *copies) { return copies->ring; }

/* --- verifying --- */

/* The root key that the list names of itself, when it is the one whose fingerprint we were given.
 */
static bool find_root(const struct copies *copies, struct text bytes,
                      uint8_t ret[SIGNED_PUBLIC_BYTES])
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    const char *why;
    size_t head = text_find(bytes, TEXT("\n\n"));
    struct arena *arena = arena_new(KEYS_ARENA_BYTES);
    struct text json = head == SIZE_MAX ? TEXT_NONE : text_from(bytes, head + 2);
    const struct json_node *root =
        json.size ? json_tree_member(json_tree_read(arena, json, &why), TEXT("root")) : NULL;
    bool is_root = json_tree_is(root, JSON_NODE_TEXT) &&
                   decode_base64url(root->text, ret, SIGNED_PUBLIC_BYTES) == SIGNED_PUBLIC_BYTES;
    arena_free(&arena);
    if (!is_root)
        return false;
    crypto_hash_sha256(digest, ret, SIGNED_PUBLIC_BYTES);
    return memcmp(digest, copies->fingerprint, sizeof digest) == 0;
}

static struct keyring *open_keys(const struct copies *copies, struct text bytes, int64_t now_s,
                                 struct signed_object *ret, const char **ret_why)
{
    uint8_t root[SIGNED_PUBLIC_BYTES];
    enum signed_verdict verdict;
    if (bytes.size > KEYRING_MAX_OBJECT_BYTES || !find_root(copies, bytes, root)) {
        *ret_why = "it is not a list of keys of the root key that this node was joined with";
        return NULL;
    }
    struct keyring *ring = keyring_open(root, bytes, now_s, &verdict);
    if (!ring) {
        *ret_why = signed_verdict_words(verdict);
        return NULL;
    }
    verdict = signed_open(root, bytes, TEXT(KEYRING_NAME), now_s, ret);
    if (verdict == SIGNED_GOOD || verdict == SIGNED_EXPIRED)
        return ring;
    *ret_why = signed_verdict_words(verdict);
    keyring_unref(&ring);
    return NULL;
}

enum copies_verdict copies_check(const struct copies *copies, struct text name, struct text bytes,
                                 int64_t now_ms, struct signed_object *ret, const char **ret_why)
{
    *ret_why = "no keys are known yet";
    if (!copies->ring)
        return COPIES_UNKNOWN;
    enum signed_verdict verdict = keyring_check(copies->ring, bytes, name, now_ms / 1000, ret);
    *ret_why = signed_verdict_words(verdict);
    if (verdict == SIGNED_GOOD || verdict == SIGNED_EXPIRED)
        return COPIES_TAKEN;
    return verdict == SIGNED_UNKNOWN_KEY ? COPIES_UNKNOWN : COPIES_BAD;
}

static bool is_keys(const char *name) { return strcmp(name, KEYRING_NAME) == 0; }

/* COPIES_TAKEN: it verifies; *ret_ring is the caller's, NULL for all but keys. */
static enum copies_verdict verify(const struct copies *copies, const char *name, struct text bytes,
                                  int64_t now_ms, struct signed_object *ret,
                                  struct keyring **ret_ring, const char **ret_why)
{
    *ret_ring = NULL;
    if (!is_keys(name))
        return copies_check(copies, text_of(name), bytes, now_ms, ret, ret_why);
    *ret_ring = open_keys(copies, bytes, now_ms / 1000, ret, ret_why);
    return *ret_ring ? COPIES_TAKEN : COPIES_BAD;
}

/* --- holding --- */

static void hold(struct copies *copies, const char *name, struct text bytes,
                 const struct signed_object *object, int64_t taken_ms)
{
    struct held *held = map_get(copies->held, text_of(name));
    if (!held) {
        held = MEM_NEW(struct held);
        buffer_init(&held->bytes, OBJECT_MAX_BYTES);
        if (!map_put(copies->held, text_of(name), held)) {
            mem_free(held);
            return;
        }
    }
    buffer_reset(&held->bytes);
    buffer_text(&held->bytes, bytes);
    held->copy.object = *object;
    held->copy.taken_ms = taken_ms;
    held->copy.bytes = buffer_view(&held->bytes);
    held->copy.object.name =
        text_make(held->bytes.data + (object->name.data - bytes.data), object->name.size);
    held->copy.object.body =
        text_make(held->bytes.data + (object->body.data - bytes.data), object->body.size);
}

static void take_ring(struct copies *copies, struct keyring **ring)
{
    if (!*ring)
        return;
    keyring_unref(&copies->ring);
    copies->ring = *ring;
    *ring = NULL;
}

/* "/catalog/1" lies in the file "catalog-1". */
static void file_of(const char *name, char ret[FILE_NAME_BYTES])
{
    (void)snprintf(ret, FILE_NAME_BYTES, "%s", name + 1);
    for (char *at = ret; *at; at++)
        if (*at == '/')
            *at = '-';
}

static int64_t written_ms(const struct copies *copies, const char *file)
{
    struct stat status;
    return fstatat(copies->folder, file, &status, 0) == 0
               ? (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000
               : 0;
}

bool copies_load(struct copies *copies, const char *name, int64_t now_s)
{
    char file[FILE_NAME_BYTES];
    struct signed_object object;
    struct keyring *ring = NULL;
    struct buffer bytes;
    const char *why;
    file_of(name, file);
    buffer_init(&bytes, OBJECT_MAX_BYTES);
    bool is_good = file_read(copies->folder, file, &bytes) == 0 &&
                   verify(copies, name, buffer_view(&bytes), now_s * 1000, &object, &ring, &why) ==
                       COPIES_TAKEN;
    if (is_good) {
        hold(copies, name, buffer_view(&bytes), &object, written_ms(copies, file));
        take_ring(copies, &ring);
    }
    buffer_release(&bytes);
    return is_good;
}

static bool is_same_version(const struct signed_object *a, const struct signed_object *b)
{
    return a->epoch == b->epoch && a->number == b->number;
}

/* What is signed anew keeps the date at which its content came. */
static enum copies_verdict keep(struct copies *copies, const char *name, struct text bytes,
                                const struct signed_object *object, int64_t now_ms,
                                const char **ret_why)
{
    char file[FILE_NAME_BYTES];
    const struct copy *before = copies_get(copies, name);
    bool is_same = before && is_same_version(&before->object, object);
    if (before && !signed_is_newer(object, &before->object))
        return is_same ? COPIES_SAME : COPIES_OLDER;
    int64_t taken_ms = is_same ? before->taken_ms : now_ms;
    file_of(name, file);
    if (file_write_atomic(copies->folder, file, bytes, 0600) != 0) {
        *ret_why = "it cannot be written to the state folder";
        return COPIES_DISK;
    }
    hold(copies, name, bytes, object, taken_ms);
    return is_same ? COPIES_SAME : COPIES_TAKEN;
}

enum copies_verdict copies_offer(struct copies *copies, const char *name, struct text bytes,
                                 int64_t now_ms, const char **ret_why)
{
    struct signed_object object;
    struct keyring *ring;
    enum copies_verdict verdict = verify(copies, name, bytes, now_ms, &object, &ring, ret_why);
    if (verdict != COPIES_TAKEN)
        return verdict;
    verdict = keep(copies, name, bytes, &object, now_ms, ret_why);
    if (verdict == COPIES_TAKEN)
        take_ring(copies, &ring);
    keyring_unref(&ring);
    return verdict;
}
