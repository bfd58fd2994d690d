// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_regions.h"
#include "base/mem.h"
#include "io/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_DIGITS = 16 };
static const char SUFFIX[] = ".region";

struct region_name {
    char text[NAME_DIGITS + sizeof SUFFIX];
};

static struct region_name name_of(uint64_t sequence)
{
    struct region_name name;
    snprintf(name.text, sizeof name.text, "%016llx%s", (unsigned long long)sequence, SUFFIX);
    return name;
}

static struct region *region_new(struct regions *regions, const struct region_header *header,
                                 int fd, uint64_t end)
{
    struct region *region = MEM_NEW(struct region);
    atomic_init(&region->refs, 1);
    region->slot = header->slot;
    region->sequence = header->sequence;
    region->first_serial = header->first_serial;
    region->log = header->log;
    region->fd = fd;
    atomic_init(&region->end, end);
    region->regions = regions;
    return region;
}

struct region *region_ref(struct region *region)
{
    atomic_fetch_add(&region->refs, 1);
    return region;
}

void region_unref(struct region *region)
{
    if (!region || atomic_fetch_sub(&region->refs, 1) > 1)
        return;
    struct regions *regions = region->regions;
    close(region->fd);
    if (region->is_retired)
        atomic_fetch_sub(&regions->leaving_bytes, region->end);
    pthread_mutex_lock(&regions->lock);
    regions->is_taken[region->slot] = false;
    pthread_mutex_unlock(&regions->lock);
    mem_free(region);
}

/* --- listed or not --- */
static void list(struct regions *regions, struct region *region)
{
    regions->by_slot[region->slot] = region;
    regions->is_taken[region->slot] = true;
    atomic_store(&regions->sequences[region->slot], (uint16_t)(region->sequence & 0xffff));
}

struct region *regions_get(struct regions *regions, struct where where)
{
    struct region *region = NULL;
    pthread_mutex_lock(&regions->lock);
    if (where.slot < regions->slot_count)
        region = regions->by_slot[where.slot];
    if (region && (region->sequence & 0xffff) == where.sequence16)
        region_ref(region);
    else
        region = NULL;
    pthread_mutex_unlock(&regions->lock);
    return region;
}

uint32_t regions_free(struct regions *regions)
{
    uint32_t free = 0;
    pthread_mutex_lock(&regions->lock);
    for (uint32_t slot = 0; slot < regions->slot_count; slot++)
        free += !regions->is_taken[slot];
    pthread_mutex_unlock(&regions->lock);
    return free;
}

uint64_t regions_bytes(struct regions *regions)
{
    uint64_t bytes = atomic_load(&regions->leaving_bytes);
    pthread_mutex_lock(&regions->lock);
    for (uint32_t slot = 0; slot < regions->slot_count; slot++)
        if (regions->by_slot[slot])
            bytes += atomic_load(&regions->by_slot[slot]->end);
    pthread_mutex_unlock(&regions->lock);
    return bytes;
}

static bool is_less(const struct region *a, const struct region *b)
{
    return a->stand.value < b->stand.value ||
           (!(b->stand.value < a->stand.value) && a->sequence < b->sequence);
}

struct region *regions_least(struct regions *regions)
{
    struct region *least = NULL;
    for (uint32_t slot = 0; slot < regions->slot_count; slot++) {
        struct region *region = regions->by_slot[slot];
        if (region && atomic_load(&region->end) > REGION_HEADER &&
            (!least || is_less(region, least)))
            least = region;
    }
    return least;
}

struct region *regions_open_one(struct regions *regions, unsigned log)
{
    struct region *newest = NULL;
    for (uint32_t slot = 0; slot < regions->slot_count; slot++) {
        struct region *region = regions->by_slot[slot];
        if (region && !region->is_sealed && region->log == log &&
            (!newest || region->sequence > newest->sequence))
            newest = region;
    }
    return newest;
}

/* --- made and retired --- */
static int create_file(struct regions *regions, const struct region_header *header, int *ret_fd)
{
    uint8_t bytes[REGION_HEADER];
    struct region_name name = name_of(header->sequence);
    int fd = regions->disk->create(regions->disk, regions->dir_fd, name.text);
    if (fd < 0)
        return fd;
    close(fd);
    fd = file_open_beneath(regions->dir_fd, name.text, O_RDWR);
    int error = fd < 0 ? fd : 0;
    region_encode(header, bytes);
    if (!error)
        error = regions->disk->write_at(regions->disk, fd, bytes, sizeof bytes, 0);
    if (error) {
        if (fd >= 0)
            close(fd);
        (void)regions->disk->unlink(regions->disk, regions->dir_fd, name.text);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

int regions_create(struct regions *regions, struct region_header header, struct region **ret)
{
    uint32_t slot = 0;
    pthread_mutex_lock(&regions->lock);
    while (slot < regions->slot_count && regions->is_taken[slot])
        slot++;
    pthread_mutex_unlock(&regions->lock);
    if (slot == regions->slot_count)
        return -ENOBUFS;
    uint64_t sequence = regions->next_sequence++;
    if ((sequence & 0xffff) == 0) /* an index entry of sequence 0 is none */
        sequence = regions->next_sequence++;
    header.sequence = sequence;
    header.slot = slot;
    int fd, error = create_file(regions, &header, &fd);
    if (error)
        return error;
    *ret = region_new(regions, &header, fd, REGION_HEADER);
    pthread_mutex_lock(&regions->lock);
    list(regions, *ret);
    pthread_mutex_unlock(&regions->lock);
    return 0;
}

void regions_retire(struct region *region)
{
    struct regions *regions = region->regions;
    struct region_name name = name_of(region->sequence);
    pthread_mutex_lock(&regions->lock);
    atomic_fetch_add(&regions->leaving_bytes, region->end);
    region->is_retired = true;
    regions->by_slot[region->slot] = NULL;
    atomic_store(&regions->sequences[region->slot], 0);
    pthread_mutex_unlock(&regions->lock);
    (void)regions->disk->unlink(regions->disk, regions->dir_fd, name.text);
    region_unref(region);
}

/* --- what is there --- */
static bool sequence_of(const char *name, uint64_t *ret)
{
    char *end;
    if (strlen(name) != NAME_DIGITS + sizeof SUFFIX - 1 || strcmp(name + NAME_DIGITS, SUFFIX) != 0)
        return false;
    errno = 0;
    *ret = strtoull(name, &end, 16);
    return end == name + NAME_DIGITS && errno == 0;
}

static bool take(struct regions *regions, const struct region_header *header, int fd)
{
    struct stat status;
    if (header->slot >= regions->slot_count || (header->sequence & 0xffff) == 0 ||
        fstat(fd, &status) ||
        ((uint64_t)status.st_size > regions->region_bytes &&
         (uint64_t)status.st_size > regions->record_most + REGION_HEADER))
        return false;
    struct region *there = regions->by_slot[header->slot];
    if (there && there->sequence > header->sequence)
        return false;
    struct region *region = region_new(regions, header, fd, (uint64_t)status.st_size);
    if (there)
        regions_retire(there);
    list(regions, region);
    if (header->sequence > regions->newest.sequence)
        regions->newest = *header;
    region->stand.asked = (double)header->asked / 4;
    region->stand.size = (double)header->size / 4;
    region->stand.value = header->level; /* and what its log reaches: the disk's to add */
    region->stand.bytes = (uint64_t)status.st_size;
    return true;
}

static void adopt(struct regions *regions, const char *name, uint64_t sequence)
{
    uint8_t bytes[REGION_HEADER];
    struct region_header header;
    int fd = file_open_beneath(regions->dir_fd, name, O_RDWR);
    if (fd < 0)
        return;
    bool is_ours = regions->disk->read_at(regions->disk, fd, bytes, sizeof bytes, 0) == 0 &&
                   region_decode(text_make((const char *)bytes, sizeof bytes), &header) &&
                   header.sequence == sequence && take(regions, &header, fd);
    if (!is_ours) {
        close(fd);
        (void)regions->disk->unlink(regions->disk, regions->dir_fd, name);
        return;
    }
    if (sequence >= regions->next_sequence)
        regions->next_sequence = sequence + 1;
    if (header.first_serial > regions->last_serial)
        regions->last_serial = header.first_serial;
}

int regions_open(struct regions *regions, const struct disk *disk, int dir_fd,
                 uint64_t region_bytes, uint64_t record_most, uint32_t slot_count)
{
    *regions = (struct regions){.disk = disk,
                                .dir_fd = dir_fd,
                                .region_bytes = region_bytes,
                                .record_most = record_most,
                                .slot_count = slot_count,
                                .next_sequence = 1};
    pthread_mutex_init(&regions->lock, NULL);
    regions->by_slot = mem_zalloc(slot_count * sizeof(struct region *));
    regions->is_taken = mem_zalloc(slot_count * sizeof(bool));
    regions->sequences = mem_zalloc(slot_count * sizeof regions->sequences[0]);
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        int error = -errno;
        if (fd >= 0)
            close(fd);
        return error;
    }
    uint64_t sequence;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (sequence_of(entry->d_name, &sequence))
            adopt(regions, entry->d_name, sequence);
    closedir(folder);
    return 0;
}

void regions_let_go(struct regions *regions)
{
    for (uint32_t slot = 0; slot < regions->slot_count; slot++) {
        pthread_mutex_lock(&regions->lock);
        struct region *region = regions->by_slot[slot];
        regions->by_slot[slot] = NULL;
        atomic_store(&regions->sequences[slot], 0);
        pthread_mutex_unlock(&regions->lock);
        region_unref(region);
    }
}

void regions_close(struct regions *regions)
{
    for (uint32_t slot = 0; slot < regions->slot_count; slot++)
        region_unref(regions->by_slot[slot]);
    mem_free(regions->by_slot);
    mem_free(regions->is_taken);
    mem_free((void *)(uintptr_t)regions->sequences);
    pthread_mutex_destroy(&regions->lock);
}

/* The first record behind `at` that can be read: one was damaged, or nothing follows (0). */
static int resync(const struct region *region, uint64_t limit, uint64_t *at, struct record *ret)
{
    const struct disk *disk = region->regions->disk;
    enum { WINDOW = 64 << 10 };
    uint8_t *bytes = mem_alloc(WINDOW);
    int result = 0;
    for (uint64_t from = *at + CACHE_UNIT; result == 0 && from + RECORD_FIXED <= limit;
         from += WINDOW - RECORD_FIXED) {
        size_t size = (size_t)(limit - from < WINDOW ? limit - from : WINDOW);
        result = disk->read_at(disk, region->fd, bytes, size, from);
        for (size_t i = 0; result == 0 && i + RECORD_FIXED <= size; i += CACHE_UNIT) {
            struct text fixed = text_make((const char *)bytes + i, RECORD_FIXED);
            if (record_decode(fixed, region->sequence, ret) == RECORD_BAD ||
                record_bytes(ret) > limit - from - i)
                continue;
            result = 1;
            *at = from + i;
        }
    }
    mem_free(bytes);
    return result;
}

int region_walk(struct region *region, uint64_t limit, uint64_t *at, struct record *ret)
{
    const struct disk *disk = region->regions->disk;
    uint8_t bytes[RECORD_FIXED];
    while (*at + RECORD_FIXED <= limit) {
        int result = disk->read_at(disk, region->fd, bytes, sizeof bytes, *at);
        if (result < 0)
            return result;
        enum record_kind kind =
            record_decode(text_make((const char *)bytes, sizeof bytes), region->sequence, ret);
        if (kind == RECORD_BAD || record_bytes(ret) > limit - *at) {
            result = resync(region, limit, at, ret);
            if (result != 1)
                return result;
        } else if (kind == RECORD_LIVE) {
            return 1;
        } else {
            *at += record_bytes(ret);
        }
    }
    return 0;
}
