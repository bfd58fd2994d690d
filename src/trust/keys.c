// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/keys.h"

#include "base/compiler.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_BYTES = 32 };

static int fail(struct keys_error *ret_error, int error, const char *folder, const char *name,
                const char *what)
{
    snprintf(ret_error->words, sizeof ret_error->words, "%s/%s: %s", folder, name, what);
    return -error;
}

static int check(const struct stat *status, const char *folder, const char *name,
                 struct keys_error *ret_error)
{
    if (!S_ISREG(status->st_mode))
        return fail(ret_error, EINVAL, folder, name, "is not a regular file");
    if (status->st_uid != geteuid() && geteuid() != 0)
        return fail(ret_error, EPERM, folder, name,
                    "belongs to another user: chown it to the server's user");
    if (status->st_mode & (S_IRWXG | S_IRWXO))
        return fail(
            ret_error, EPERM, folder, name,
            "may be read by others: chmod 600 it, and replace the key if somebody could have");
    if (status->st_size != KEY_BYTES)
        return fail(ret_error, EINVAL, folder, name,
                    "must be 32 bytes: put the right file back from a backup");
    return 0;
}

static int load(int folder_fd, const char *folder, const char *name, uint8_t ret_key[KEY_BYTES],
                struct keys_error *ret_error)
{
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail(ret_error, errno, folder, name, "cannot be opened");
    struct stat status;
    int error = fstat(fd, &status) ? -errno : check(&status, folder, name, ret_error);
    if (!error && read(fd, ret_key, KEY_BYTES) != KEY_BYTES)
        error = fail(ret_error, EIO, folder, name, "cannot be read");
    close(fd);
    return error;
}

/* Written beside, synced, then linked: never half a key, never over an existing one. */
static int create(int folder_fd, const char *folder, const char *name, struct keys_error *ret_error)
{
    uint8_t key[KEY_BYTES];
    randombytes_buf(key, sizeof key);
    char beside[32];
    snprintf(beside, sizeof beside, "%s.new", name);
    unlinkat(folder_fd, beside, 0);
    int fd = openat(folder_fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_written = fd >= 0 && write(fd, key, sizeof key) == KEY_BYTES && fsync(fd) == 0 &&
                      linkat(folder_fd, beside, folder_fd, name, 0) == 0 && fsync(folder_fd) == 0;
    int error = is_written ? 0 : errno;
    sodium_memzero(key, sizeof key);
    if (fd >= 0)
        close(fd);
    unlinkat(folder_fd, beside, 0);
    return is_written || error == EEXIST ? 0
                                         : fail(ret_error, error, folder, name, "cannot be made");
}

static int obtain(int folder_fd, const char *folder, const char *name, bool is_new_allowed,
                  uint8_t ret_key[KEY_BYTES], struct keys_error *ret_error)
{
    if (is_new_allowed && faccessat(folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
        errno == ENOENT) {
        int error = create(folder_fd, folder, name, ret_error);
        if (error)
            return error;
    }
    return load(folder_fd, folder, name, ret_key, ret_error);
}

static struct keys *keys_alloc(void)
{
    int ready = sodium_init();
    assert(ready >= 0);
    struct keys *keys = sodium_malloc(sizeof *keys);
    assert(keys);
    sodium_memzero(keys, sizeof *keys);
    return keys;
}

static void derive(struct keys *keys, const uint8_t seed[KEY_BYTES])
{
    crypto_sign_seed_keypair(keys->signing_public, keys->signing_secret, seed);
    crypto_kdf_derive_from_key(keys->indexing, sizeof keys->indexing, 1, "sostindx", keys->sealing);
    sodium_mprotect_readonly(keys);
}

int keys_open(const char *folder, bool is_new_allowed, struct keys **ret,
              struct keys_error *ret_error)
{
    if (is_new_allowed && mkdir(folder, 0700) != 0 && errno != EEXIST)
        return fail(ret_error, errno, folder, "", "the folder for keys cannot be made");
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0)
        return fail(ret_error, errno, folder, "", "the folder for keys cannot be opened");
    struct keys *keys = keys_alloc();
    uint8_t seed[KEY_BYTES] = {0};
    int error = obtain(folder_fd, folder, "signing.key", is_new_allowed, seed, ret_error);
    if (!error)
        error = obtain(folder_fd, folder, "sealing.key", is_new_allowed, keys->sealing, ret_error);
    if (!error) {
        derive(keys, seed);
        *ret = keys;
    } else {
        keys_free(&keys);
    }
    sodium_memzero(seed, sizeof seed);
    close(folder_fd);
    return error;
}

struct keys *keys_ephemeral(void)
{
    struct keys *keys = keys_alloc();
    uint8_t seed[KEY_BYTES];
    randombytes_buf(seed, sizeof seed);
    randombytes_buf(keys->sealing, sizeof keys->sealing);
    derive(keys, seed);
    sodium_memzero(seed, sizeof seed);
    return keys;
}

void keys_free(struct keys **keys)
{
    sodium_free(*keys); /* accepts NULL; wipes */
    *keys = NULL;
}
