// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/promotion.h"

#include "base/encode.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "edge/member.h"
#include "io/clock.h"
#include "io/file.h"
#include "library/inherit.h"
#include "programs/edges_desk.h"
#include "programs/libraries.h"
#include "programs/promotion_accounts.h"
#include "programs/promotion_edges.h"
#include "programs/settings.h"
#include "programs/taken_place.h"
#include "replica/catalogs.h"
#include "replica/copies.h"
#include "state/backup.h"
#include "state/state.h"
#include "trust/keyfolder.h"
#include "trust/keys.h"
#include "trust/node_authority.h"
#include "trust/node_book.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#define PROMOTED_FILE "promoted"
#define ROOT_KEY_FILE "root.key"

struct promotion {
    struct promotion_config config;
    char data[PATH_MAX / 2], keys[PATH_MAX];
    struct key_place place;
    int folder, lock;
    bool is_origin;     /* the keys are there: only the rest is missing */
    uint8_t *root_seed; /* sodium's memory; NULL: the root key is away */
    struct copies *copies;
    struct catalogs *catalogs;
    struct catalog *catalog;
    struct promotion_findings found;
    uint64_t epoch;
};

static int64_t now_s(void) { return clock_unix_ms() / 1000; }

static void path_of(const struct promotion *promotion, const char *name, char ret[PATH_MAX])
{
    (void)snprintf(ret, PATH_MAX, "%s/%s", promotion->data, name);
}

static bool is_there(const struct promotion *promotion, const char *name)
{
    return faccessat(promotion->folder, name, F_OK, 0) == 0;
}

/* --- the folder --- */

static bool open_folder(struct promotion *promotion, struct buffer *why)
{
    pid_t holder = 0;
    promotion->folder = file_open_dir(AT_FDCWD, promotion->data);
    int error = promotion->folder;
    if (error >= 0)
        error = promotion->lock = file_lock(promotion->folder, "lock", &holder);
    if (error == -EWOULDBLOCK)
        buffer_printf(why, "process %d serves %s; stop it first", (int)holder, promotion->data);
    else if (error < 0)
        buffer_printf(why, "%s: %.*s", promotion->data, TEXT_ARGS(log_errno(error)));
    return error >= 0;
}

static bool check_role(struct promotion *promotion, struct buffer *why)
{
    promotion->is_origin = is_there(promotion, "keys/root.pub");
    if (is_there(promotion, PROMOTED_FILE)) {
        buffer_printf(why, "%s was promoted already: sostenuto serve --data %s", promotion->data,
                      promotion->data);
        return false;
    }
    if (is_there(promotion, "replica/keys"))
        return true;
    buffer_printf(why,
                  "%s holds no copy of an origin: it must be the folder of an edge that followed "
                  "one",
                  promotion->data);
    return false;
}

/* --- the root key --- */

/* `path` may lie anywhere, such as on a stick; the same care is asked of it as of our own files. */
static int load_key(const char *path, uint8_t ret[KEYRING_SEED_BYTES], struct keys_error *ret_error)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    struct key_folder files = {.fd = -1, .credentials_fd = -1};
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1,
                   slash ? path : ".");
    const struct key_place place = {folder[0] ? folder : "/", NULL};
    int error = key_folder_open(&place, false, &files, ret_error);
    if (!error)
        error = key_file_load(&files, slash ? slash + 1 : path, KEYRING_SEED_BYTES,
                              KEYRING_SEED_BYTES, ret, ret_error);
    key_folder_close(&files);
    return error < 0 ? error : 0;
}

static int load_own_key(const struct promotion *promotion, uint8_t ret[KEYRING_SEED_BYTES],
                        struct keys_error *ret_error)
{
    struct key_folder files = {.fd = -1, .credentials_fd = -1};
    int error = key_folder_open(&promotion->place, false, &files, ret_error);
    if (!error && !key_file_is_there(&files, ROOT_KEY_FILE))
        error = -ENOENT;
    if (!error)
        error = key_file_load(&files, ROOT_KEY_FILE, KEYRING_SEED_BYTES, KEYRING_SEED_BYTES, ret,
                              ret_error);
    key_folder_close(&files);
    return error < 0 ? error : 0;
}

static bool find_root_key(struct promotion *promotion, struct buffer *why)
{
    struct keys_error error = {""};
    promotion->root_seed = sodium_malloc(KEYRING_SEED_BYTES);
    int result = !promotion->root_seed ? -ENOMEM
                 : promotion->config.root_key
                     ? load_key(promotion->config.root_key, promotion->root_seed, &error)
                     : load_own_key(promotion, promotion->root_seed, &error);
    if (result == 0)
        return true;
    sodium_free(promotion->root_seed);
    promotion->root_seed = NULL;
    if (result != -ENOENT || promotion->config.root_key)
        buffer_printf(why, "the root key: %s", error.words);
    return result == -ENOENT && !promotion->config.root_key;
}

/* --- what it holds --- */

/* Of the origin that was joined; without the root key and without that nobody can say whose copies
 * these are. */
static bool find_fingerprint(struct promotion *promotion, uint8_t ret[crypto_hash_sha256_BYTES],
                             struct buffer *why)
{
    uint8_t root[SIGNED_PUBLIC_BYTES], secret[SIGNED_SECRET_BYTES];
    struct keys_error error = {""};
    struct member *member = NULL;
    if (promotion->root_seed) {
        crypto_sign_seed_keypair(root, secret, promotion->root_seed);
        sodium_memzero(secret, sizeof secret);
    } else if (member_open(&promotion->place, &member, &error) == 0) {
        memcpy(root, member_root(member), sizeof root);
    } else {
        buffer_printf(why, "the root key is needed: --root-key FILE (docs/edge.md says how to get "
                           "it)");
        return false;
    }
    member_close(&member);
    crypto_hash_sha256(ret, root, sizeof root);
    return true;
}

static void note_version(struct promotion *promotion, const struct copy *copy)
{
    if (!copy)
        return;
    if (copy->object.epoch > promotion->found.epoch)
        promotion->found.epoch = copy->object.epoch;
    if (copy->taken_ms > promotion->found.confirmed_ms)
        promotion->found.confirmed_ms = copy->taken_ms;
}

static bool look_at_copies(struct promotion *promotion, struct buffer *why)
{
    static const char *const names[] = {"/keys", "/revoked", "/nodes"};
    uint8_t fingerprint[crypto_hash_sha256_BYTES];
    char path[PATH_MAX], name[32];
    if (!find_fingerprint(promotion, fingerprint, why))
        return false;
    (void)sodium_bin2base64(promotion->found.root_fingerprint,
                            sizeof promotion->found.root_fingerprint, fingerprint,
                            sizeof fingerprint, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    path_of(promotion, "replica", path);
    int error = copies_open(path, fingerprint, &promotion->copies);
    if (error) {
        buffer_printf(why, "%s: %.*s", path, TEXT_ARGS(log_errno(error)));
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (copies_load(promotion->copies, names[i], now_s()))
            note_version(promotion, copies_get(promotion->copies, names[i]));
    for (int library = 1; library <= CATALOGS_MOST; library++) {
        (void)snprintf(name, sizeof name, "/catalog/%d", library);
        if (copies_load(promotion->copies, name, now_s()))
            note_version(promotion, copies_get(promotion->copies, name));
    }
    if (copies_get(promotion->copies, KEYRING_NAME))
        return true;
    buffer_printf(why, "%s",
                  promotion->root_seed
                      ? "that root key is not the one of the origin that this edge followed"
                      : "the copy of /keys does not verify");
    return false;
}

static bool look_at_catalogs(struct promotion *promotion, struct buffer *why)
{
    char path[PATH_MAX];
    path_of(promotion, "catalog", path);
    int error = catalogs_open(path, &promotion->catalogs);
    if (error) {
        buffer_printf(why, "%s: %.*s", path, TEXT_ARGS(log_errno(error)));
        return false;
    }
    promotion->catalog = catalogs_snapshot(promotion->catalogs);
    struct catalog_view all = {promotion->catalog, CATALOG_ALL_LIBRARIES};
    promotion->found.tracks = catalog_count(all, CATALOG_TRACK);
    promotion->found.albums = catalog_count(all, CATALOG_ALBUM);
    promotion->found.artists = catalog_count(all, CATALOG_ARTIST);
    for (int library = 1; library <= CATALOGS_MOST; library++)
        promotion->found.libraries += catalogs_held(promotion->catalogs, library) != NULL;
    return true;
}

bool promotion_open(const struct promotion_config *config, struct promotion **ret,
                    struct buffer *why)
{
    struct promotion *promotion = MEM_NEW(struct promotion);
    int ready = sodium_init();
    *ret = promotion;
    promotion->config = *config;
    promotion->folder = promotion->lock = -1;
    (void)snprintf(promotion->data, sizeof promotion->data, "%s", config->settings->data);
    (void)snprintf(promotion->keys, sizeof promotion->keys, "%s/keys", promotion->data);
    promotion->place = (struct key_place){promotion->keys, getenv("CREDENTIALS_DIRECTORY")};
    if (ready < 0 || !open_folder(promotion, why) || !check_role(promotion, why) ||
        !find_root_key(promotion, why) || !look_at_copies(promotion, why) ||
        !look_at_catalogs(promotion, why) ||
        !promotion_accounts_look(config, &promotion->place, copies_get(promotion->copies, "/nodes"),
                                 &promotion->found, why))
        return false;
    promotion->found.has_root_key = promotion->root_seed != NULL;
    promotion->found.edges =
        promotion_edges_count(copies_get(promotion->copies, "/nodes"),
                              copies_get(promotion->copies, "/revoked"), &promotion->place);
    return true;
}

const struct promotion_findings *promotion_findings(const struct promotion *promotion)
{
    return &promotion->found;
}

uint64_t promotion_epoch(const struct promotion *promotion) { return promotion->epoch; }

/* --- doing it --- */

/* An edge has no library.db of its own: one that is there was begun by us. */
static bool take_library(struct promotion *promotion, struct buffer *why)
{
    static const char *const leftovers[] = {"library.db", "library.db-wal", "library.db-shm"};
    struct inherited_library counts;
    char words[256] = "";
    for (size_t i = 0; i < ARRAY_SIZE(leftovers); i++)
        (void)unlinkat(promotion->folder, leftovers[i], 0);
    int error =
        library_inherit(promotion->data, promotion->catalog, clock_unix_ms(), &counts, words);
    if (error)
        buffer_printf(why, "%s", words);
    return error == 0;
}

/* A library is called as the folder at the top of its tree. */
static void name_library(const struct catalog *catalog, int library, char ret[256])
{
    struct catalog_view all = {catalog, CATALOG_ALL_LIBRARIES};
    uint32_t count = catalog_count(all, CATALOG_FOLDER);
    (void)snprintf(ret, 256, "Library %d", library);
    for (uint32_t i = 0; i < count; i++) {
        struct folder_row folder;
        catalog_folder(catalog, i, &folder);
        if (folder.library == library && folder.parent_number == (uint32_t)CATALOG_NONE &&
            folder.name.size > 0 && folder.name.size < 256) {
            (void)snprintf(ret, 256, "%.*s", TEXT_ARGS(folder.name));
            return;
        }
    }
}

static bool take_libraries(struct promotion *promotion, struct buffer *why)
{
    struct library_inherited inherited[CATALOGS_MOST];
    size_t count = 0, absent;
    for (int library = 1; library <= CATALOGS_MOST; library++) {
        if (!catalogs_held(promotion->catalogs, library))
            continue;
        inherited[count].id = library;
        name_library(promotion->catalog, library, inherited[count++].name);
    }
    int error = libraries_inherit(inherited, count, promotion->config.settings, &absent, why);
    promotion->found.libraries_absent = absent;
    return error == 0;
}

static bool raise_epoch(struct promotion *promotion, struct buffer *why)
{
    struct state_error error = {""};
    uint64_t next = promotion->found.epoch + 1, now_ms = (uint64_t)clock_unix_ms();
    int result = state_raise_epoch(promotion->data, next > now_ms ? next : now_ms,
                                   &promotion->epoch, &error);
    if (result)
        buffer_printf(why, "%s", error.words);
    return result == 0;
}

static bool take_keys(struct promotion *promotion, struct buffer *why)
{
    struct keys_error error = {""};
    struct text former = copies_get(promotion->copies, KEYRING_NAME)->bytes;
    int result = promotion->is_origin
                     ? 0
                     : keyfolder_inherit(&promotion->place, promotion->root_seed, former,
                                         promotion->epoch, now_s(), &error);
    if (result)
        buffer_printf(why, "%s", error.words);
    return result == 0;
}

static bool take_edges(struct promotion *promotion, struct buffer *why)
{
    struct keys_error error = {""};
    struct keyfolder *keyfolder = NULL;
    struct node_authority *authority = NULL;
    int result = keyfolder_open(&promotion->place, false, now_s(), &keyfolder, &error);
    if (result == 0) {
        keyfolder_lend_root(keyfolder, promotion->root_seed);
        /* a list that was begun before a crash may be of an epoch that is behind by now */
        result = keyfolder_settle(keyfolder, promotion->epoch, now_s(), &error);
        result = result < 0 ? result
                            : node_authority_open(&promotion->place, keyfolder, now_s(), &authority,
                                                  &error);
    }
    node_authority_close(&authority);
    keyfolder_close(&keyfolder);
    if (result == 0)
        return promotion_edges_take(promotion->config.settings, &promotion->place,
                                    copies_get(promotion->copies, "/nodes"),
                                    copies_get(promotion->copies, "/revoked"), why);
    buffer_printf(why, "%s", error.words);
    return false;
}

/* It belongs to nobody any more; what it was is kept for whoever wants it back. */
static bool finish(struct promotion *promotion, struct buffer *why)
{
    int error = renameat(promotion->folder, "keys/joined", promotion->folder,
                         "keys/joined.before-promote") != 0 &&
                        errno != ENOENT
                    ? -errno
                    : 0;
    if (!error)
        error = taken_place_write(promotion->folder, promotion->epoch, clock_unix_ms());
    if (error)
        buffer_printf(why, "%s: %.*s", promotion->data, TEXT_ARGS(log_errno(error)));
    return error == 0;
}

bool promotion_carry_out(struct promotion *promotion, promotion_tell *tell, void *context,
                         struct buffer *why)
{
    static const struct {
        const char *words;
        bool (*run)(struct promotion *promotion, struct buffer *why);
    } steps[] = {
        {"tracks, albums and artists keep their ids", take_library},
        {"libraries keep their numbers", take_libraries},
        {"a greater epoch", raise_epoch},
        {"a signing key, vouched for by the root key", take_keys},
        {"the edges' new origin", take_edges},
        {"done", finish},
    };
    if (!promotion->root_seed) {
        buffer_printf(why, "the root key is needed: --root-key FILE (docs/edge.md says how to get "
                           "it)");
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        tell(context, steps[i].words);
        if (!steps[i].run(promotion, why))
            return false;
    }
    return true;
}

void promotion_close(struct promotion **promotion_p)
{
    struct promotion *promotion = *promotion_p;
    if (!promotion)
        return;
    catalog_unref(&promotion->catalog);
    catalogs_close(&promotion->catalogs);
    copies_close(&promotion->copies);
    sodium_free(promotion->root_seed); /* wipes */
    if (promotion->lock >= 0)
        (void)close(promotion->lock);
    if (promotion->folder >= 0)
        (void)close(promotion->folder);
    mem_free_p(promotion_p);
}
