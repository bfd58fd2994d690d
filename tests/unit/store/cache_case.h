// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
/* cache_case: a cache in a temporary folder, and objects whose bytes follow from a seed. */
#include "base/hash.h"
#include "io/loop.h"
#include "store/cache.h"
#include "tap.h"
#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>

static struct cache *cache;
static struct loop *loop;
static char folder[64];

static int case_remove(const char *path, const struct stat *status UNUSED, int type UNUSED,
                       struct FTW *ftw UNUSED)
{
    return remove(path);
}

static inline void case_begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/test_cache.XXXXXX");
    if (!mkdtemp(folder))
        abort();
    loop = loop_new();
}

/* In a child that was forked before it had one of its own. */
static inline void case_open_loop(void) { loop = loop_new(); }

static inline void case_end(void)
{
    cache_close(&cache); /* accepts NULL inside */
    loop_free(&loop);
    nftw(folder, case_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct text bytes_of(size_t size, uint8_t seed)
{
    static uint64_t words[(2 << 20) / sizeof(uint64_t)];
    for (size_t i = 0; i < size / sizeof words[0] + 1; i++)
        words[i] = hash_mix(i + ((uint64_t)seed << 40));
    return text_make((const char *)words, size);
}

static inline int put(const char *key, size_t size, uint8_t seed)
{
    struct cache_writer *writer;
    struct cache_draft draft = {
        .key = text_of(key), .meta = {.bytes = TEXT("meta")}, .length = size};
    int error = cache_write_begin(cache, &draft, &writer, NULL);
    if (!error)
        error = cache_write(writer, bytes_of(size, seed));
    if (!error)
        return cache_write_end(&writer, NULL);
    cache_write_abort(&writer);
    return error;
}

static inline void case_found(void *context, struct cache_object *object)
{
    *(struct cache_object **)context = object;
    loop_stop(loop);
}

/* In memory or on the disk, with a reference; NULL: absent. */
static inline struct cache_object *find(const char *key)
{
    struct cache_object *object = NULL;
    enum cache_place place = cache_get(cache, text_of(key), &object);
    if (place == CACHE_ON_DISK && cache_ask(cache, text_of(key), loop, case_found, &object))
        loop_run(loop);
    return object;
}

static inline bool find_and_forget(const char *key)
{
    struct cache_object *object = find(key);
    cache_object_unref(object);
    return object;
}

static inline void case_woken(void *context UNUSED) { loop_stop(loop); }

static inline bool reads_as(struct cache_object *object, uint64_t offset, struct text expected)
{
    while (expected.size > 0) {
        struct cache_piece piece;
        enum cache_read what = cache_read(object, offset, &piece);
        if (what == CACHE_READ_WAIT) {
            if (cache_wait(object, offset, loop, case_woken, NULL))
                loop_run(loop);
            continue;
        }
        if (what != CACHE_READ_PIECE)
            return false;
        size_t size = piece.bytes.size < expected.size ? piece.bytes.size : expected.size;
        bool is_same = memcmp(piece.bytes.data, expected.data, size) == 0;
        cache_piece_release(&piece);
        if (!is_same)
            return false;
        offset += size;
        expected = text_from(expected, size);
    }
    return true;
}

static inline bool is_found(const char *key, size_t size, uint8_t seed)
{
    struct cache_object *object = find(key);
    if (!object)
        return false;
    bool is_it = cache_object_length(object) == size && reads_as(object, 0, bytes_of(size, seed));
    cache_object_unref(object);
    return is_it;
}
