// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keys.h"

#include <assert.h>
#include <sodium.h>

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

int keys_open(const char *path, bool is_new_allowed, struct keys **ret,
              struct keys_error *ret_error)
{
    struct key_folder folder;
    int error = key_folder_open(path, is_new_allowed, &folder, ret_error);
    if (error)
        return error;
    struct keys *keys = keys_alloc();
    if (is_new_allowed && !key_file_is_there(&folder, "sealing.key"))
        error = key_file_create(&folder, "sealing.key", ret_error);
    if (!error)
        error = key_file_load(&folder, "sealing.key", KEY_FILE_KEY_BYTES, KEY_FILE_KEY_BYTES,
                              keys->sealing, ret_error);
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
