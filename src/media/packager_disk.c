// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/packager_state.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- what a start finds --- */

/* A file of the folder becomes a package; leftovers of an encode that was cut short go. */
static void adopt(struct packager *packager, const char *file)
{
    struct package_name name;
    struct stat status;
    char storage[17];
    if (!package_name_of_file(text_of(file), &name)) {
        if (text_ends(text_of(file), TEXT(".part")))
            (void)unlinkat(packager->folder, file, 0);
        return;
    }
    if (fstatat(packager->folder, file, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(status.st_mode))
        return;
    struct text key = package_key(name.track, name.rendition, storage);
    struct package *package = MEM_NEW(struct package);
    package->name = name;
    package->state = PACKAGE_COMPLETE;
    package->fd = package->source = -1;
    package->bytes = (uint64_t)status.st_size;
    package->used_ms = (int64_t)status.st_mtim.tv_sec * 1000;
    if (map_get(packager->packages, key) || !map_put(packager->packages, key, package)) {
        (void)unlinkat(packager->folder, file, 0); /* a second one of the same, or too many */
        mem_free(package);
        return;
    }
    packager->disk_bytes += package->bytes;
}

int packager_open_folder(struct packager *packager)
{
    int error = file_make_dirs(AT_FDCWD, packager->config.folder, 0700);
    packager->folder = error ? error : file_open_dir(AT_FDCWD, packager->config.folder);
    if (packager->folder < 0)
        return packager->folder;
    int copy = dup(packager->folder);
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);
    if (!folder)
        return -errno;
    for (struct dirent *entry; (entry = readdir(folder));)
        adopt(packager, entry->d_name);
    closedir(folder);
    counter_set(COUNTER_RENDITION_BYTES, (int64_t)packager->disk_bytes);
    return packager_make_room(packager, 0) ? 0 : -ENOSPC;
}

/* --- room --- */

/* How little it would be missed: idle time, weighed by what a byte of it cost. */
static uint64_t spareness(const struct package *package, int64_t now_ms)
{
    uint64_t idle_s = now_ms > package->used_ms ? (uint64_t)(now_ms - package->used_ms) / 1000 : 0;
    return (idle_s + 60) * 100 / rendition_cost_per_byte(package->name.rendition);
}

static struct package *least_valuable(struct packager *packager)
{
    struct package *worst = NULL;
    uint64_t most = 0;
    int64_t now_ms = clock_unix_ms();
    size_t cursor = 0;
    struct text key;
    void *value;
    while (map_next(packager->packages, &cursor, &key, &value)) {
        struct package *package = value;
        uint64_t spare = spareness(package, now_ms);
        if (package->state != PACKAGE_COMPLETE || package->users || spare <= most)
            continue;
        worst = package;
        most = spare;
    }
    return worst;
}

bool packager_evict(struct packager *packager)
{
    char file[PACKAGE_NAME_BYTES];
    struct package *package = least_valuable(packager);
    if (!package)
        return false;
    package_file_name(&package->name, file);
    (void)unlinkat(packager->folder, file, 0);
    packager->disk_bytes -= package->bytes;
    counter_add(COUNTER_RENDITIONS_EVICTED, 1);
    package_forget(packager, package);
    return true;
}

bool packager_make_room(struct packager *packager, uint64_t bytes)
{
    while (packager->disk_bytes + bytes > packager->config.max_bytes &&
           guard_is_on(GUARD_RENDITIONS_ROOM))
        if (!packager_evict(packager))
            return false;
    counter_set(COUNTER_RENDITION_BYTES, (int64_t)(packager->disk_bytes + bytes));
    return true;
}
