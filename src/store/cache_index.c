// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_index.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/file.h"
#include "store/cache_volume.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * tag:    63..32 print   31..16 sequence   15..10 asked at   9..4 asked
 *         3 taken   2 pinned   1..0 hit
 * place:  63..48 slot    47..24 offset     23..0 size
 */
enum { TAG_HIT = 1, TAG_HIT_BITS = 3, TAG_PINNED = 4, TAG_TAKEN = 8 };
enum { TAG_ASKED_AT = 4, TAG_STAMP_AT = 10, TAG_SIX_BITS = 63, TAG_MARK = 0xfff3 };
enum { HEADER_BYTES = 4096, BUCKET_BYTES = INDEX_WAYS * (int)sizeof(struct index_entry) };
enum { GROUP_BYTES = INDEX_GROUP_BUCKETS * BUCKET_BYTES };

struct index_header {
    char magic[8];
    uint64_t sum; /* of what follows */
    uint64_t bucket_count;
    uint8_t boot[16];
    uint8_t is_clean, major, spare[6];
};

static uint64_t tag_of_mark(struct log_mark mark)
{
    return (uint64_t)(mark.asked_at & TAG_SIX_BITS) << TAG_STAMP_AT |
           (uint64_t)(mark.asked & TAG_SIX_BITS) << TAG_ASKED_AT | (mark.is_hit ? TAG_HIT : 0);
}

static struct log_mark mark_of(uint64_t tag)
{
    return (struct log_mark){(uint8_t)(tag >> TAG_ASKED_AT & TAG_SIX_BITS),
                             (uint8_t)(tag >> TAG_STAMP_AT & TAG_SIX_BITS), tag & TAG_HIT_BITS};
}

static uint64_t tag_of(struct cache_hash hash, struct where where, struct log_mark mark,
                       bool is_pinned)
{
    return hash.high << 32 | (uint64_t)(where.sequence16 & 0xffff) << 16 | TAG_TAKEN |
           (is_pinned ? TAG_PINNED : 0) | tag_of_mark(mark);
}

static uint64_t place_of(struct where where)
{
    return (uint64_t)where.slot << 48 | (uint64_t)(where.offset_units & 0xffffff) << 24 |
           (where.size_units & 0xffffff);
}

static struct where where_of(uint64_t tag, uint64_t place)
{
    return (struct where){(uint32_t)(place >> 48), (uint32_t)(tag >> 16 & 0xffff),
                          (uint32_t)(place >> 24 & 0xffffff), (uint32_t)(place & 0xffffff)};
}

static bool is_same(struct where a, struct where b)
{
    return a.slot == b.slot && a.sequence16 == b.sequence16 && a.offset_units == b.offset_units;
}

/* Whether the region it points into is still there. */
static bool is_current(const struct cache_index *index, struct where where)
{
    return where.slot < index->slot_count && where.sequence16 != 0 &&
           atomic_load_explicit(&index->sequences[where.slot], memory_order_relaxed) ==
               where.sequence16;
}

/* --- the file --- */
static uint64_t sum_of(const struct index_header *header)
{
    size_t skip = offsetof(struct index_header, bucket_count);
    return cache_sum((const char *)header + skip, sizeof *header - skip);
}

static int write_header(struct cache_index *index, bool is_clean)
{
    struct index_header header = {
        .magic = "sostindx", .bucket_count = index->bucket_count, .is_clean = is_clean, .major = 1};
    if (index->is_whole)
        memcpy(header.boot, index->boot, sizeof header.boot);
    header.sum = sum_of(&header);
    return index->disk->write_at(index->disk, index->fd, &header, sizeof header, 0);
}

static void read_boot(uint8_t ret[16])
{
    struct buffer words;
    buffer_init(&words, 64);
    memset(ret, 0, 16);
    if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &words) == 0)
        (void)crypto_generichash(ret, 16, (const uint8_t *)buffer_view(&words).data,
                                 buffer_view(&words).size, NULL, 0);
    buffer_release(&words);
}

static bool read_header(struct cache_index *index, bool *ret_is_trusted)
{
    struct index_header header;
    if (index->disk->read_at(index->disk, index->fd, &header, sizeof header, 0) ||
        memcmp(header.magic, "sostindx", 8) != 0 || header.sum != sum_of(&header) ||
        header.major != 1 || header.bucket_count != index->bucket_count)
        return false;
    *ret_is_trusted = header.is_clean || memcmp(header.boot, index->boot, sizeof index->boot) == 0;
    return true;
}

int index_open(struct cache_index *index, const struct disk *disk, int dir_fd, uint64_t max_objects,
               bool *ret_is_trusted)
{
    uint64_t buckets = max_objects * 100 / INDEX_LOAD_PERCENT / INDEX_WAYS + 2;
    index->disk = disk;
    index->max_objects = max_objects;
    index->group_count = (buckets + INDEX_GROUP_BUCKETS - 1) / INDEX_GROUP_BUCKETS;
    index->bucket_count = buckets;
    pthread_mutex_init(&index->lock, NULL);
    pthread_mutex_init(&index->loading, NULL);
    read_boot(index->boot);
    index->fd = file_open_beneath(dir_fd, "index", O_RDWR | O_CREAT);
    if (index->fd < 0)
        return index->fd;
    index->entries = mem_zalloc(buckets * BUCKET_BYTES);
    index->is_loaded = mem_zalloc(index->group_count);
    *ret_is_trusted = false;
    if (!read_header(index, ret_is_trusted)) { /* begun anew: all zero */
        int error = disk->truncate(disk, index->fd, 0);
        if (!error)
            error = disk->truncate(disk, index->fd, HEADER_BYTES + buckets * BUCKET_BYTES);
        if (error)
            return error;
        memset((void *)(uintptr_t)index->is_loaded, 1, index->group_count);
    }
    index->is_whole = *ret_is_trusted;
    return write_header(index, false);
}

void index_is_whole(struct cache_index *index)
{
    index->is_whole = true;
    (void)!write_header(index, false);
}

static size_t group_bytes(const struct cache_index *index, uint64_t group)
{
    uint64_t first = group * INDEX_GROUP_BUCKETS, left = index->bucket_count - first;
    return (size_t)(left < INDEX_GROUP_BUCKETS ? left : INDEX_GROUP_BUCKETS) * BUCKET_BYTES;
}

static void account(struct cache_index *index, uint64_t tag, uint64_t place, bool is_more)
{
    uint64_t units = tag & TAG_PINNED ? place & 0xffffff : 0;
    if (is_more) {
        atomic_fetch_add(&index->count, 1);
        atomic_fetch_add(&index->pinned_units, units);
    } else {
        atomic_fetch_sub(&index->count, 1);
        atomic_fetch_sub(&index->pinned_units, units);
    }
}

/* Its words become entries; nobody changes those of a group that is not loaded. */
static void publish(struct cache_index *index, struct index_entry *entries, const uint64_t *words,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t tag = words[2 * i], at = words[2 * i + 1];
        if (!(tag & TAG_TAKEN) || !is_current(index, where_of(tag, at)))
            continue;
        account(index, tag, at, true);
        atomic_store_explicit(&entries[i].place, at, memory_order_relaxed);
        atomic_store_explicit(&entries[i].tag, tag, memory_order_relaxed);
    }
}

/* A group that cannot be read now is asked for again: its objects are absent until then. */
static void load_group(struct cache_index *index, uint64_t group)
{
    pthread_mutex_lock(&index->loading);
    if (!atomic_load_explicit(&index->is_loaded[group], memory_order_acquire)) {
        size_t size = group_bytes(index, group);
        uint64_t *words = mem_alloc(size);
        if (index->disk->read_at(index->disk, index->fd, words, size,
                                 HEADER_BYTES + group * GROUP_BYTES) == 0) {
            publish(index, index->entries + group * INDEX_GROUP_BUCKETS * INDEX_WAYS, words,
                    size / sizeof(struct index_entry));
            atomic_store_explicit(&index->is_loaded[group], 1, memory_order_release);
        }
        mem_free(words);
    }
    pthread_mutex_unlock(&index->loading);
}

void index_load_all(struct cache_index *index)
{
    for (uint64_t group = 0; group < index->group_count; group++)
        load_group(index, group);
}

void index_close(struct cache_index *index)
{
    bool is_well = index->entries && index->fd >= 0 && index->is_whole;
    for (uint64_t group = 0; is_well && group < index->group_count; group++)
        if (index->is_loaded[group])
            is_well = index->disk->write_at(
                          index->disk, index->fd,
                          (const void *)(index->entries + group * INDEX_GROUP_BUCKETS * INDEX_WAYS),
                          group_bytes(index, group), HEADER_BYTES + group * GROUP_BYTES) == 0;
    if (is_well && index->disk->sync(index->disk, index->fd) == 0)
        (void)!write_header(index, true);
    if (index->fd >= 0)
        close(index->fd);
    mem_free(index->entries);
    mem_free((void *)(uintptr_t)index->is_loaded);
    pthread_mutex_destroy(&index->lock);
    pthread_mutex_destroy(&index->loading);
}

uint64_t index_file_bytes(const struct cache_index *index)
{
    return HEADER_BYTES + index->bucket_count * BUCKET_BYTES;
}

/* --- looking --- */
struct buckets {
    uint64_t at[2];
};

static struct buckets buckets_of(const struct cache_index *index, struct cache_hash hash)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t other = hash_mix(hash.low);
    return (struct buckets){{(uint64_t)((wide)hash.low * index->bucket_count >> 64),
                             (uint64_t)((wide)other * index->bucket_count >> 64)}};
}

bool index_is_loaded(const struct cache_index *index, struct cache_hash hash)
{
    struct buckets buckets = buckets_of(index, hash);
    for (size_t b = 0; b < 2; b++)
        if (!atomic_load_explicit(&index->is_loaded[buckets.at[b] / INDEX_GROUP_BUCKETS],
                                  memory_order_acquire))
            return false;
    return true;
}

void index_load(struct cache_index *index, struct cache_hash hash)
{
    if (index_is_loaded(index, hash))
        return;
    struct buckets buckets = buckets_of(index, hash);
    for (size_t b = 0; b < 2; b++)
        load_group(index, buckets.at[b] / INDEX_GROUP_BUCKETS);
}

/* The i-th of the 16 entries a hash may be in; the buckets may be one. */
static struct index_entry *entry_at(const struct cache_index *index, struct buckets buckets,
                                    size_t i)
{
    return &index->entries[buckets.at[i / INDEX_WAYS] * INDEX_WAYS + i % INDEX_WAYS];
}

/* The entry if it may be that hash's and points to a region that is there. */
static bool is_match(const struct cache_index *index, struct cache_hash hash,
                     const struct index_entry *entry, uint64_t *ret_tag, struct where *ret)
{
    uint64_t tag = atomic_load_explicit(&entry->tag, memory_order_acquire);
    if (!(tag & TAG_TAKEN) || tag >> 32 != (hash.high & 0xffffffff))
        return false;
    *ret_tag = tag;
    *ret = where_of(tag, atomic_load_explicit(&entry->place, memory_order_acquire));
    return is_current(index, *ret);
}

static size_t ways(struct buckets buckets)
{
    return buckets.at[0] == buckets.at[1] ? INDEX_WAYS : 2 * INDEX_WAYS;
}

size_t index_find(const struct cache_index *index, struct cache_hash hash, struct where *ret)
{
    struct buckets buckets = buckets_of(index, hash);
    size_t count = 0;
    uint64_t tag;
    uint32_t before;
    do {
        before = atomic_load(&index->changes);
        for (size_t i = 0; i < ways(buckets); i++)
            if (is_match(index, hash, entry_at(index, buckets, i), &tag, &ret[count]))
                count++;
    } while (count == 0 && (before % 2 || before != atomic_load(&index->changes)));
    return count;
}

static struct index_entry *entry_of(const struct cache_index *index, struct cache_hash hash,
                                    struct where where, uint64_t *ret_tag)
{
    struct buckets buckets = buckets_of(index, hash);
    struct where found;
    for (size_t i = 0; i < ways(buckets); i++) {
        struct index_entry *entry = entry_at(index, buckets, i);
        if (is_match(index, hash, entry, ret_tag, &found) && is_same(found, where))
            return entry;
    }
    return NULL;
}

void index_hit(struct cache_index *index, struct cache_hash hash, struct where where)
{
    uint64_t tag;
    struct index_entry *entry = entry_of(index, hash, where, &tag);
    uint32_t count = atomic_fetch_add_explicit(&index->hit_count, 1, memory_order_relaxed);
    if (!entry)
        return;
    uint8_t stamp = atomic_load_explicit(&index->stamp, memory_order_relaxed);
    struct log_mark mark = log_mark_hit(mark_of(tag), stamp, (uint32_t)hash_mix(count));
    uint64_t other = (tag & ~(uint64_t)TAG_MARK) | tag_of_mark(mark);
    atomic_compare_exchange_strong(&entry->tag, &tag,
                                   other); /* lost when it is changed: no matter */
}

bool index_mark(const struct cache_index *index, struct cache_hash hash, struct where where,
                struct log_mark *ret)
{
    uint64_t tag;
    if (!entry_of(index, hash, where, &tag))
        return false;
    *ret = mark_of(tag);
    return true;
}

/* --- changing, under the lock --- */
/* In an order in which a reader, who asks the record itself, never takes one for the other. */
static void set_entry(struct cache_index *index, struct index_entry *entry, uint64_t tag,
                      uint64_t place)
{
    uint64_t old = atomic_load(&entry->tag);
    if (old & TAG_TAKEN)
        account(index, old, atomic_load(&entry->place), false);
    atomic_fetch_add(&index->changes, 1);
    atomic_store(&entry->tag, 0);
    atomic_store(&entry->place, place);
    atomic_store(&entry->tag, tag);
    atomic_fetch_add(&index->changes, 1);
    if (tag & TAG_TAKEN)
        account(index, tag, place, true);
}

static uint64_t wanted(uint64_t tag)
{
    struct log_mark mark = mark_of(tag);
    return mark.asked + (mark.is_hit ? LOG_ASKED_MOST + 1U : 0U);
}

/* A free one, else the least wanted that is not pinned; NULL: all are. */
static struct index_entry *room_for(const struct cache_index *index, struct cache_hash hash)
{
    struct buckets buckets = buckets_of(index, hash);
    struct index_entry *best = NULL;
    bool is_full = atomic_load(&index->count) >= index->max_objects;
    uint64_t least = UINT64_MAX;
    size_t free_in[2] = {0, 0};
    struct index_entry *empty[2] = {NULL, NULL};
    for (size_t i = 0; i < ways(buckets); i++) {
        struct index_entry *entry = entry_at(index, buckets, i);
        uint64_t tag = atomic_load(&entry->tag);
        bool is_taken = tag & TAG_TAKEN;
        if (is_taken && !is_current(index, where_of(tag, atomic_load(&entry->place))))
            return entry;
        if (!is_taken) {
            empty[i / INDEX_WAYS] = entry;
            free_in[i / INDEX_WAYS]++;
        } else if (!(tag & TAG_PINNED) && wanted(tag) < least) {
            least = wanted(tag);
            best = entry;
        }
    }
    if (is_full)
        return best;
    struct index_entry *roomier = empty[free_in[1] > free_in[0]];
    return roomier ? roomier : best;
}

void index_write(struct cache_index *index, struct cache_hash hash)
{
    struct buckets buckets = buckets_of(index, hash);
    if (!index_is_loaded(index, hash))
        return;
    for (size_t b = 0; b < 2; b++) {
        const struct index_entry *bucket = &index->entries[buckets.at[b] * INDEX_WAYS];
        uint64_t words[2 * INDEX_WAYS];
        for (size_t i = 0; i < INDEX_WAYS; i++) {
            words[2 * i] = atomic_load(&bucket[i].tag);
            words[2 * i + 1] = atomic_load(&bucket[i].place);
        }
        (void)!index->disk->write_at(index->disk, index->fd, words, sizeof words,
                                     HEADER_BYTES + buckets.at[b] * BUCKET_BYTES);
    }
}

bool index_put(struct cache_index *index, struct cache_hash hash, struct where where,
               struct log_mark mark, bool is_pinned, const struct where *old)
{
    uint64_t tag;
    index_load(index, hash);
    if (!index_is_loaded(index, hash))
        return false;
    pthread_mutex_lock(&index->lock);
    struct index_entry *entry = old ? entry_of(index, hash, *old, &tag) : room_for(index, hash);
    if (entry)
        set_entry(index, entry, tag_of(hash, where, mark, is_pinned), place_of(where));
    pthread_mutex_unlock(&index->lock);
    if (entry)
        index_write(index, hash);
    return entry;
}

void index_drop(struct cache_index *index, struct cache_hash hash, const struct where *where)
{
    struct buckets buckets = buckets_of(index, hash);
    pthread_mutex_lock(&index->lock);
    for (size_t i = 0; i < ways(buckets); i++) {
        struct index_entry *entry = entry_at(index, buckets, i);
        uint64_t tag;
        struct where found;
        if (is_match(index, hash, entry, &tag, &found) && (!where || is_same(found, *where)))
            set_entry(index, entry, 0, 0);
    }
    pthread_mutex_unlock(&index->lock);
}
