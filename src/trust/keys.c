// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keys.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

#define SEALING "sealing.key"
#define SEALING_ID "sealing.id"

static struct keys *keys_alloc(void)
{
    int ready = sodium_init();
    assert(ready >= 0);
    struct keys *keys = sodium_malloc(sizeof *keys);
    assert(keys);
    sodium_memzero(keys, sizeof *keys);
    return keys;
}

static void derive(struct keys *keys)
{
    crypto_kdf_derive_from_key(keys->indexing, sizeof keys->indexing, 1, "sostindx", keys->sealing);
    crypto_kdf_derive_from_key(keys->devices, sizeof keys->devices, 2, "sostdevi", keys->sealing);
    crypto_kdf_derive_from_key(keys->nonces, sizeof keys->nonces, 3, "sostnonc", keys->sealing);
    sodium_mprotect_readonly(keys);
}

enum { ID_BYTES = 32 };

/* What can be told of the key to anybody. */
static void id_of(const struct keys *keys, uint8_t ret[ID_BYTES])
{
    crypto_kdf_derive_from_key(ret, ID_BYTES, 4, "sostseid", keys->sealing);
}

/* sealing.id names this key, or is made when the key is a credential. */
static int check_id(const struct key_folder *folder, const struct keys *keys,
                    struct keys_error *ret_error)
{
    uint8_t id[ID_BYTES], held[ID_BYTES];
    id_of(keys, id);
    if (!key_file_is_there(folder, SEALING_ID))
        return key_file_is_credential(folder, SEALING)
                   ? key_file_replace(folder, SEALING_ID, text_make((char *)id, sizeof id),
                                      ret_error)
                   : 0;
    int size = key_file_load(folder, SEALING_ID, sizeof held, sizeof held, held, ret_error);
    if (size < 0)
        return size;
    return memcmp(id, held, sizeof id) == 0
               ? 0
               : keys_fail(ret_error, EINVAL, folder->place.folder, SEALING,
                           "is another key than the one that sealed what is here (" SEALING_ID ")");
}

static int load_sealing(const struct key_folder *folder, bool is_new_allowed, struct keys *keys,
                        struct keys_error *ret_error)
{
    int error = 0;
    bool is_away = !key_file_is_there(folder, SEALING);
    if (is_away && key_file_is_there(folder, SEALING_ID))
        return keys_fail(ret_error, ENOKEY, folder->place.folder, SEALING,
                         "is a credential of the service, which is not here: ask the running "
                         "server, or set CREDENTIALS_DIRECTORY");
    if (is_new_allowed && is_away)
        error = key_file_create(folder, SEALING, ret_error);
    if (!error)
        error = key_file_load(folder, SEALING, KEY_FILE_KEY_BYTES, KEY_FILE_KEY_BYTES,
                              keys->sealing, ret_error);
    return error < 0 ? error : check_id(folder, keys, ret_error);
}

int keys_open(const struct key_place *place, bool is_new_allowed, struct keys **ret,
              struct keys_error *ret_error)
{
    struct key_folder folder;
    int error = key_folder_open(place, is_new_allowed, &folder, ret_error);
    if (error)
        return error;
    struct keys *keys = keys_alloc();
    error = load_sealing(&folder, is_new_allowed, keys, ret_error);
    key_folder_close(&folder);
    if (error < 0) {
        keys_free(&keys);
        return error;
    }
    derive(keys);
    *ret = keys;
    return 0;
}

struct keys *keys_ephemeral(void)
{
    struct keys *keys = keys_alloc();
    randombytes_buf(keys->sealing, sizeof keys->sealing);
    derive(keys);
    return keys;
}

void keys_free(struct keys **keys)
{
    sodium_free(*keys); /* accepts NULL; wipes */
    *keys = NULL;
}
