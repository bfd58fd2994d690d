// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int keys_fail(struct keys_error *ret_error, int error, const char *folder, const char *name,
              const char *what)
{
    snprintf(ret_error->words, sizeof ret_error->words, "%s/%s: %s", folder, name, what);
    return -error;
}

int key_folder_open(const struct key_place *place, bool is_new_allowed, struct key_folder *ret,
                    struct keys_error *ret_error)
{
    const char *path = place->folder;
    if (is_new_allowed && mkdir(path, 0700) != 0 && errno != EEXIST)
        return keys_fail(ret_error, errno, path, "", "the folder for keys cannot be made");
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return keys_fail(ret_error, errno, path, "", "the folder for keys cannot be opened");
    *ret = (struct key_folder){.fd = fd, .credentials_fd = -1, .place = *place};
    if (place->credentials)
        ret->credentials_fd = open(place->credentials, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!place->credentials || ret->credentials_fd >= 0)
        return 0;
    int error = errno;
    key_folder_close(ret);
    return keys_fail(ret_error, error, place->credentials, "",
                     "the folder of credentials cannot be opened");
}

void key_folder_close(struct key_folder *folder)
{
    if (folder->fd >= 0)
        close(folder->fd);
    if (folder->credentials_fd >= 0)
        close(folder->credentials_fd);
    folder->fd = folder->credentials_fd = -1;
}

static bool is_key(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".key") == 0;
}

bool key_file_is_credential(const struct key_folder *folder, const char *name)
{
    return folder->credentials_fd >= 0 && is_key(name) &&
           faccessat(folder->credentials_fd, name, F_OK, 0) == 0;
}

bool key_file_is_there(const struct key_folder *folder, const char *name)
{
    return key_file_is_credential(folder, name) ||
           faccessat(folder->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static int check_size(const struct stat *status, size_t min, size_t max, const char *path,
                      const char *name, struct keys_error *ret_error)
{
    if (!S_ISREG(status->st_mode))
        return keys_fail(ret_error, EINVAL, path, name, "is not a regular file");
    if (status->st_size < (off_t)min || status->st_size > (off_t)max)
        return keys_fail(ret_error, EINVAL, path, name,
                         "has not the size of such a file: put the right one back from a backup");
    return 0;
}

static int check_rights(const struct stat *status, const char *path, const char *name,
                        struct keys_error *ret_error)
{
    if (status->st_uid != geteuid() && geteuid() != 0)
        return keys_fail(ret_error, EPERM, path, name,
                         "belongs to another user: chown it to the server's user");
    if (status->st_mode & (S_IRWXG | S_IRWXO))
        return keys_fail(
            ret_error, EPERM, path, name,
            "may be read by others: chmod 600 it, and replace the key if somebody could have");
    return 0;
}

int key_file_load(const struct key_folder *folder, const char *name, size_t min, size_t max,
                  uint8_t *ret, struct keys_error *ret_error)
{
    bool is_credential = key_file_is_credential(folder, name);
    const char *path = is_credential ? folder->place.credentials : folder->place.folder;
    int fd = is_credential ? openat(folder->credentials_fd, name, O_RDONLY | O_CLOEXEC)
                           : openat(folder->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return keys_fail(ret_error, errno, path, name, "cannot be opened");
    struct stat status;
    int result = fstat(fd, &status) ? keys_fail(ret_error, errno, path, name, "cannot be looked at")
                                    : check_size(&status, min, max, path, name, ret_error);
    if (!result && !is_credential)
        result = check_rights(&status, path, name, ret_error);
    if (!result) {
        result = (int)status.st_size;
        if (read(fd, ret, (size_t)status.st_size) != status.st_size)
            result = keys_fail(ret_error, EIO, path, name, "cannot be read");
    }
    close(fd);
    return result;
}

/* Writes NAME.new, synced; the file's descriptor is closed. */
static int write_beside(const struct key_folder *folder, const char *beside, struct text content)
{
    unlinkat(folder->fd, beside, 0);
    int fd = openat(folder->fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    ssize_t size = write(fd, content.data, content.size);
    int error = size < 0 ? -errno : size != (ssize_t)content.size ? -ENOSPC : 0;
    if (!error && fsync(fd) != 0)
        error = -errno;
    close(fd);
    return error;
}

/* Linked, so that an existing key is never replaced. */
int key_file_create(const struct key_folder *folder, const char *name, struct keys_error *ret_error)
{
    uint8_t key[KEY_FILE_KEY_BYTES];
    char beside[64];
    randombytes_buf(key, sizeof key);
    snprintf(beside, sizeof beside, "%s.new", name);
    int error = write_beside(folder, beside, text_make((const char *)key, sizeof key));
    sodium_memzero(key, sizeof key);
    if (!error && linkat(folder->fd, beside, folder->fd, name, 0) != 0 && errno != EEXIST)
        error = -errno;
    if (!error && fsync(folder->fd) != 0)
        error = -errno;
    unlinkat(folder->fd, beside, 0);
    return error ? keys_fail(ret_error, -error, folder->place.folder, name, "cannot be made") : 0;
}

int key_file_replace(const struct key_folder *folder, const char *name, struct text content,
                     struct keys_error *ret_error)
{
    char beside[64];
    snprintf(beside, sizeof beside, "%s.new", name);
    int error = write_beside(folder, beside, content);
    if (!error && renameat(folder->fd, beside, folder->fd, name) != 0)
        error = -errno;
    if (!error && fsync(folder->fd) != 0)
        error = -errno;
    if (error)
        unlinkat(folder->fd, beside, 0);
    return error ? keys_fail(ret_error, -error, folder->place.folder, name, "cannot be written")
                 : 0;
}
