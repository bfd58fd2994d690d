// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/walk.h"
#include "io/file.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- places --- */

static bool is_inside(const char *place, struct text path)
{
    struct text prefix = text_of(place);
    if (text_equal(prefix, TEXT("/")))
        return true;
    return text_starts(path, prefix) && (path.size == prefix.size || path.data[prefix.size] == '/');
}

void walk_places_add(struct walk_places *places, const char *path)
{
    char *real = realpath(path, NULL);
    if (!real)
        return;
    bool is_known = places->count == ARRAY_SIZE(places->paths);
    for (size_t i = 0; i < places->count; i++)
        is_known = is_known || strcmp(places->paths[i], real) == 0;
    if (is_known)
        free(real);
    else
        places->paths[places->count++] = real;
}

void walk_places_release(struct walk_places *places)
{
    for (size_t i = 0; i < places->count; i++)
        free(places->paths[i]);
    places->count = 0;
}

bool walk_places_hold(const struct walk_places *places, int fd)
{
    char link[40], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path);
    if (size <= 0 || (size_t)size == sizeof path)
        return false;
    for (size_t i = 0; i < places->count; i++)
        if (is_inside(places->paths[i], text_make(path, (size_t)size)))
            return true;
    return false;
}

int walk_open(int root_fd, const char *path, int flags, const struct walk_places *places)
{
    if (!*path)
        path = ".";
    flags |= O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = file_open_beneath(root_fd, path, flags);
    if (fd != -EXDEV)
        return fd;
    fd = openat(root_fd, path, flags);
    if (fd < 0)
        return -errno;
    if (walk_places_hold(places, fd))
        return fd;
    close(fd);
    return -EXDEV;
}

/* --- one folder --- */

struct lister {
    int folder_fd;
    struct arena *arena;
    struct walk_entry *entries;
    size_t count, capacity;
};

static bool grow(struct lister *lister)
{
    if (lister->count < lister->capacity)
        return true;
    size_t capacity = lister->capacity ? lister->capacity * 2 : 32;
    struct walk_entry *entries = arena_alloc(lister->arena, capacity * sizeof *entries);
    if (!entries)
        return false;
    bytes_copy(entries, lister->entries, lister->count * sizeof *entries);
    lister->entries = entries;
    lister->capacity = capacity;
    return true;
}

static unsigned char type_of(const struct lister *lister, const struct dirent64 *entry)
{
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    struct stat status;
    if (fstatat(lister->folder_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return DT_UNKNOWN;
    return (unsigned char)IFTODT(status.st_mode);
}

/* Links are decided by what they lead to: to a folder, or to something whose own name says audio.
 */
static bool take(struct lister *lister, const struct dirent64 *entry)
{
    struct text name = text_of(entry->d_name);
    enum filename_kind kind = filename_kind(name);
    if (kind == FILENAME_HIDDEN)
        return true;
    unsigned char type = type_of(lister, entry);
    bool is_folder = type == DT_DIR;
    if (type == DT_LNK) {
        struct stat target;
        is_folder =
            fstatat(lister->folder_fd, entry->d_name, &target, 0) == 0 && S_ISDIR(target.st_mode);
    } else if (!is_folder && type != DT_REG) {
        return true;
    }
    if (!is_folder && kind == FILENAME_OTHER)
        return true;
    if (!grow(lister))
        return false;
    struct text copy = arena_text(lister->arena, name);
    if (!copy.data)
        return false;
    lister->entries[lister->count++] = (struct walk_entry){copy, kind, is_folder, type == DT_LNK};
    return true;
}

static int by_name(const void *a, const void *b)
{
    return text_compare(((const struct walk_entry *)a)->name, ((const struct walk_entry *)b)->name);
}

int walk_list(int folder_fd, struct arena *arena, struct walk_listing *ret)
{
    struct lister lister = {.folder_fd = folder_fd, .arena = arena};
    _Alignas(struct dirent64) char block[32768];
    ssize_t size;
    while ((size = getdents64(folder_fd, block, sizeof block)) > 0) {
        for (ssize_t at = 0; at < size;) {
            const struct dirent64 *entry = (const struct dirent64 *)(const void *)(block + at);
            at += entry->d_reclen;
            if (!take(&lister, entry))
                return -E2BIG;
        }
    }
    if (size < 0)
        return -errno;
    if (lister.count)
        qsort(lister.entries, lister.count, sizeof *lister.entries, by_name);
    *ret = (struct walk_listing){lister.entries, lister.count};
    return 0;
}
