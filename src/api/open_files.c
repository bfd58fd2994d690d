// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/open_files.h"

#include "base/counters.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/exchange.h"
#include "io/file.h"

#include <assert.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sets of four places: the one that was opened longest ago makes room. */
enum { WAYS = 4, SETTLED_MS = 2000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

struct open_files {
    struct loop *loop;
    struct open_files_limits limits;
    size_t held_bytes;
    struct loop_timer tidy; /* runs while something is open */
    size_t set_count, count;
    struct open_file *places[]; /* set_count * WAYS */
};

struct open_files *open_files_new(struct loop *loop, const struct open_files_limits *limits)
{
    size_t sets = limits->max_files < WAYS ? 1 : limits->max_files / WAYS;
    struct open_files *files = mem_zalloc(sizeof *files + sets * WAYS * sizeof files->places[0]);
    files->loop = loop;
    files->set_count = sets;
    files->limits = *limits;
    return files;
}

static void close_file(struct open_file *file)
{
    close(file->fd);
    mem_free(file->bytes);
    mem_free(file);
}

static void give_up(struct open_files *files, struct open_file **place)
{
    struct open_file *file = *place;
    if (!file)
        return;
    *place = NULL;
    files->count--;
    files->held_bytes -= file->bytes ? file->size_bytes : 0;
    file->is_kept = false;
    if (file->lent == 0)
        close_file(file);
}

void open_files_free(struct open_files **files_at)
{
    struct open_files *files = *files_at;
    if (!files)
        return;
    loop_timer_stop(&files->tidy);
    for (size_t i = 0; i < files->set_count * WAYS; i++)
        give_up(files, &files->places[i]);
    mem_free_p(files_at);
}

void open_file_back(void *context)
{
    struct open_file *file = context;
    if (--file->lent == 0 && !file->is_kept)
        close_file(file);
}

/* --- freshness --- */

static int64_t ns_of(struct timespec time)
{
    return (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
}

static bool is_old(const struct open_files *files, const struct open_file *file)
{
    return loop_now_us(files->loop) - file->opened_us >= files->limits.fresh_us;
}

static bool is_as_opened(const struct open_file *file)
{
    struct stat status;
    return fstat(file->fd, &status) == 0 && status.st_nlink > 0 &&
           (uint64_t)status.st_size == file->size_bytes + file->trailer_bytes &&
           ns_of(status.st_mtim) == file->mtime_ns && ns_of(status.st_ctim) == file->changed_ns;
}

/* Not replaced, removed or written to since it was opened. */
static bool is_unchanged(const struct open_files *files, struct open_file *file)
{
    uint64_t now_us = loop_now_us(files->loop);
    if (now_us - file->looked_us < files->limits.recheck_us)
        return true;
    file->looked_us = now_us;
    return is_as_opened(file);
}

static void on_tidy(struct loop_timer *timer, uint64_t now_us)
{
    struct open_files *files = CONTAINER_OF(timer, struct open_files, tidy);
    for (size_t i = 0; i < files->set_count * WAYS; i++)
        if (files->places[i] && is_old(files, files->places[i]))
            give_up(files, &files->places[i]);
    if (files->count > 0)
        loop_timer_start(files->loop, timer, now_us + files->limits.fresh_us);
}

/* --- bytes --- */

/* A file that is written to twice within the grain of the kernel's clock looks the same after it.
 */
static bool is_settled(const struct open_file *file)
{
    int64_t age_ms = clock_unix_ms() - file->mtime_ns / NS_PER_MS;
    return age_ms >= SETTLED_MS || age_ms < 0;
}

static void hold(struct open_files *files, struct open_file *file)
{
    size_t size = (size_t)file->size_bytes;
    if (file->size_bytes == 0 || file->size_bytes > files->limits.object_bytes || !is_settled(file))
        return;
    if (!resident_has(&file->resident, file->fd, 0, size, loop_now_us(files->loop)))
        return; /* a loop does not wait for a disk */
    if (files->held_bytes + size > files->limits.memory_bytes) {
        counter_add(COUNTER_OBJECTS_NOT_HELD, 1);
        return;
    }
    file->bytes = mem_alloc(size);
    if (file_read_at(file->fd, file->bytes, size, 0) || !is_as_opened(file))
        mem_free_p(&file->bytes);
    else
        files->held_bytes += size;
}

void open_file_tag(struct open_file *file, struct text tag, bool has_time)
{
    assert(tag.size > 0 && tag.size + 2 < sizeof file->etag_text);
    file->etag_text[0] = file->etag_text[tag.size + 1] = '"';
    memcpy(file->etag_text + 1, tag.data, tag.size);
    file->etag = text_make(file->etag_text, tag.size + 2);
    if (has_time)
        file->modified = http_date_write(&file->modified_text, file->mtime_ns / NS_PER_S);
}

void open_file_digest(struct open_file *file, const uint8_t sha256[OBJECT_DIGEST_BYTES])
{
    file->digest = text_make(file->digest_text, object_digest_text(sha256, file->digest_text));
}

void open_file_send(struct exchange *exchange, struct open_file *lent)
{
    exchange_lent_validators(exchange, lent->etag, lent->mtime_ns / NS_PER_S, lent->modified);
    exchange_set_resident(exchange, &lent->resident);
    if (lent->digest.size) {
        exchange_lent_field(exchange, TEXT("Repr-Digest"), lent->digest);
        exchange_keep_identity(exchange);
    }
    if (lent->bytes) {
        counter_add(COUNTER_OBJECTS_FROM_MEMORY, 1);
        exchange_send_lent_bytes(exchange, lent->content_type, lent->fd,
                                 text_make(lent->bytes, lent->size_bytes), open_file_back, lent);
    } else {
        exchange_send_lent_file(exchange, lent->content_type, lent->fd, lent->size_bytes,
                                open_file_back, lent);
    }
}

/* --- look-up --- */

static struct open_file **set_of(struct open_files *files, const struct open_file_key *key)
{
    uint64_t id;
    memcpy(&id, key->id, sizeof id); /* ids are digests: any bytes of them are as good as a hash */
    return &files->places[hash_mix(id ^ key->version) % files->set_count * WAYS];
}

static bool is_same(const struct open_file_key *a, const struct open_file_key *b)
{
    return a->version == b->version && memcmp(a->id, b->id, sizeof a->id) == 0;
}

struct open_file *open_files_lend(struct open_files *files, const struct open_file_key *key)
{
    struct open_file **set = set_of(files, key);
    for (size_t i = 0; i < WAYS; i++) {
        if (!set[i] || !is_same(&set[i]->key, key))
            continue;
        if (is_old(files, set[i]) || !is_unchanged(files, set[i])) {
            give_up(files, &set[i]);
            return NULL;
        }
        set[i]->lent++;
        return set[i];
    }
    return NULL;
}

static struct open_file **place_for(struct open_files *files, const struct open_file_key *key)
{
    struct open_file **set = set_of(files, key), **oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (!set[i] || is_same(&set[i]->key, key))
            return &set[i];
        if (set[i]->opened_us < (*oldest)->opened_us)
            oldest = &set[i];
    }
    return oldest;
}

struct open_file *open_files_keep(struct open_files *files, const struct open_file_key *key, int fd,
                                  struct text content_type, uint64_t trailer_bytes)
{
    struct stat status;
    if (fstat(fd, &status) < 0 || (uint64_t)status.st_size < trailer_bytes) {
        close(fd);
        return NULL;
    }
    struct open_file **place = place_for(files, key);
    struct open_file *kept = MEM_NEW(struct open_file);
    give_up(files, place);
    *kept = (struct open_file){.fd = fd,
                               .size_bytes = (uint64_t)status.st_size - trailer_bytes,
                               .trailer_bytes = trailer_bytes,
                               .mtime_ns = ns_of(status.st_mtim),
                               .changed_ns = ns_of(status.st_ctim),
                               .key = *key,
                               .opened_us = loop_now_us(files->loop),
                               .looked_us = loop_now_us(files->loop),
                               .lent = 1,
                               .is_kept = true};
    size_t size = content_type.size < sizeof kept->content_type ? content_type.size
                                                                : sizeof kept->content_type - 1;
    bytes_copy(kept->content_type, content_type.data, size);
    resident_init(&kept->resident, kept->size_bytes);
    hold(files, kept);
    *place = kept;
    files->tidy.on_timer = on_tidy;
    if (files->count++ == 0)
        loop_timer_start(files->loop, &files->tidy, kept->opened_us + files->limits.fresh_us);
    return kept;
}
