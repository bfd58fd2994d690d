// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "io/loop.h"
#include "store/cache.h"
#include "tap.h"
#include <errno.h>

static struct cache *cache;

static struct cache_draft draft_of(const char *key, uint64_t length)
{
    return (struct cache_draft){
        .key = text_of(key), .meta = {.bytes = TEXT("meta")}, .length = length};
}

static struct text bytes_of(size_t size)
{
    static char bytes[4 << 20];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    return text_make(bytes, size);
}

static int put(const char *key, size_t size)
{
    struct cache_writer *writer;
    struct cache_draft draft = draft_of(key, size);
    int error = cache_write_begin(cache, &draft, &writer, NULL);
    if (error)
        return error;
    error = cache_write(writer, bytes_of(size));
    if (error)
        cache_write_abort(&writer);
    return error ? error : cache_write_end(&writer, NULL);
}

static bool reads_as(struct cache_object *object, uint64_t offset, struct text expected)
{
    struct cache_piece piece = {TEXT_NONE, false, NULL};
    while (expected.size > 0) {
        if (cache_read(object, offset, &piece) != CACHE_READ_PIECE)
            return false;
        size_t size = piece.bytes.size < expected.size ? piece.bytes.size : expected.size;
        bool same = memcmp(piece.bytes.data, expected.data, size) == 0;
        cache_piece_release(&piece);
        if (!same)
            return false;
        offset += size;
        expected = text_from(expected, size);
    }
    return true;
}

static bool is_here(const char *key)
{
    struct cache_object *object;
    if (cache_get(cache, text_of(key), &object) != CACHE_HERE)
        return false;
    cache_object_unref(object);
    return true;
}

static void begin(uint64_t memory_bytes)
{
    struct cache_config config = {.memory_bytes = memory_bytes};
    OK(cache_open(&config, &cache) == 0, "a cache of memory opens");
}

static void whole_objects(void)
{
    begin(8 << 20);
    struct cache_object *object = NULL;
    OK(cache_get(cache, TEXT("/a"), &object) == CACHE_ABSENT, "what was never put is absent");
    OK(put("/a", 160000) == 0, "an object is written");
    OK(cache_get(cache, TEXT("/a"), &object) == CACHE_HERE, "and found");
    OK(cache_object_state(object) == CACHE_WHOLE && cache_object_length(object) == 160000,
       "whole, with its length");
    struct cache_piece piece;
    OK(cache_read(object, 0, &piece) == CACHE_READ_PIECE && piece.bytes.size == 160000,
       "one of known length is one piece");
    OK(piece.is_lasting, "a large one, and may be sent by reference");
    OK(reads_as(object, 1000, text_from(bytes_of(160000), 1000)), "with its bytes from anywhere");
    OK(cache_read(object, 160000, &piece) == CACHE_READ_END, "and an end");
    const struct cache_meta *meta = cache_object_meta(object);
    OK_TEXT(meta->bytes, TEXT("meta"), "its metadata is kept");
    struct cache_meta newer = {.bytes = TEXT("newer"), .generation = 7};
    OK(cache_replace_meta(cache, object, &newer) == 0, "metadata is replaced");
    OK_TEXT(meta->bytes, TEXT("meta"), "who reads the old keeps it");
    cache_meta_unref(meta);
    meta = cache_object_meta(object);
    OK_TEXT(meta->bytes, TEXT("newer"), "the next gets the new");
    cache_meta_unref(meta);
    cache_remove(cache, TEXT("/a"));
    OK(!is_here("/a"), "a removed object is absent");
    OK(piece.bytes.size == 160000 && memcmp(piece.bytes.data, bytes_of(160000).data, 160000) == 0,
       "a lent piece outlives it");
    cache_piece_release(&piece);
    cache_object_unref(object);
    cache_close(&cache);
}

/* --- reading along --- */
static unsigned wakes;
static struct loop *loop;
static void woken(void *context)
{
    (void)context;
    wakes++;
}
static void stop(void *context) { loop_stop(context); }
static void turn(void)
{
    loop_post(loop, stop, loop);
    loop_run(loop);
}

static void growing_objects(void)
{
    begin(8 << 20);
    loop = loop_new();
    struct cache_writer *writer;
    struct cache_object *object;
    struct cache_piece piece;
    struct cache_draft draft = draft_of("/grows", CACHE_LENGTH_UNKNOWN);
    OK(cache_write_begin(cache, &draft, &writer, &object) == 0, "one of unknown length begins");
    OK(!is_here("/grows"), "nobody else finds it yet");
    OK(cache_read(object, 0, &piece) == CACHE_READ_WAIT, "a reader waits for its first byte");
    (void)!cache_wait(object, 0, loop, woken, NULL);
    struct cache_wait *later = cache_wait(object, 5000, loop, woken, NULL);
    OK(cache_write(writer, bytes_of(3000)) == 0, "bytes come");
    turn();
    OK(wakes == 1, "who waited for them is woken, once; who waits for later ones is not");
    cache_wait_cancel(later);
    OK(reads_as(object, 0, bytes_of(3000)), "and reads them");
    OK(cache_read(object, 3000, &piece) == CACHE_READ_WAIT, "then waits again");
    (void)!cache_wait(object, 3000, loop, woken, NULL);
    OK(cache_write_end(&writer, NULL) == 0, "it ends");
    turn();
    OK(wakes == 2 && cache_read(object, 3000, &piece) == CACHE_READ_END, "the end wakes, too");
    OK(is_here("/grows"), "now it is found");
    OK(cache_status(cache).memory_bytes < 5000, "and takes no more memory than it has bytes");
    cache_object_unref(object);

    OK(cache_write_begin(cache, &draft, &writer, &object) == 0, "it is written anew");
    OK(cache_write(writer, bytes_of(10)) == 0, "a little");
    struct cache_wait *wait = cache_wait(object, 10, loop, woken, NULL);
    cache_write_abort(&writer);
    cache_wait_cancel(wait);
    turn();
    OK(wakes == 2, "a wait that was cancelled after its wake was posted calls nobody");
    OK(cache_read(object, 10, &piece) == CACHE_READ_FAILED, "an aborted object ends as failed");
    OK(is_here("/grows"), "the older one is still found");
    cache_object_unref(object);
    cache_close(&cache);
    loop_free(&loop);
}

static void parts_and_promises(void)
{
    begin(8 << 20);
    struct cache_writer *writer;
    struct cache_object *object;
    struct cache_piece piece;
    struct cache_range ranges[CACHE_RANGES_MAX];
    struct cache_draft draft = draft_of("/part", 1000000);
    draft.is_partial = true;
    OK(cache_write_begin(cache, &draft, &writer, NULL) == 0, "a part begins");
    OK(cache_write_seek(writer, 1000) == 0 &&
           cache_write(writer, text_from(bytes_of(3000), 1000)) == 0,
       "a range is written");
    OK(cache_write_seek(writer, 500) == -EINVAL, "not backwards");
    OK(cache_write_seek(writer, 8000) == 0 &&
           cache_write(writer, text_from(bytes_of(9000), 8000)) == 0,
       "and another");
    OK(cache_write_end(&writer, NULL) == 0, "it ends");
    OK(cache_get(cache, TEXT("/part"), &object) == CACHE_HERE &&
           cache_object_state(object) == CACHE_PARTIAL,
       "it is found as partial");
    OK(cache_object_ranges(object, ranges) == 2 && ranges[0].begin == 1000 &&
           ranges[0].end == 3000 && ranges[1].begin == 8000 && ranges[1].end == 9000,
       "with its ranges");
    OK(reads_as(object, 1500, text_from(bytes_of(3000), 1500)) &&
           reads_as(object, 8000, text_from(bytes_of(9000), 8000)),
       "which read as written");
    OK(cache_read(object, 3000, &piece) == CACHE_READ_END, "a hole is an end");
    cache_object_unref(object);

    uint8_t wrong[32] = {1};
    draft = draft_of("/promise", 10);
    draft.expect_sha256 = wrong;
    OK(cache_write_begin(cache, &draft, &writer, NULL) == 0 &&
           cache_write(writer, bytes_of(10)) == 0 && cache_write_end(&writer, NULL) == -EBADMSG,
       "what does not have the expected digest is not stored");
    draft = draft_of("/short", 10);
    OK(cache_write_begin(cache, &draft, &writer, NULL) == 0 &&
           cache_write(writer, bytes_of(9)) == 0 && cache_write_end(&writer, NULL) == -EBADMSG,
       "nor what is too short");
    OK(cache_write_begin(cache, &draft, &writer, NULL) == 0 &&
           cache_write(writer, bytes_of(11)) == -EFBIG,
       "nor what is too long");
    cache_write_abort(&writer);
    OK(!is_here("/promise") && !is_here("/short"), "nothing of it is found");
    cache_close(&cache);
}

static void bounds(void)
{
    begin(1 << 20);
    OK(put("/large", 300000) == -EFBIG, "an object over a quarter of the memory is refused");
    char key[32];
    bool is_within = true;
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "/%d", i);
        if (put(key, (size_t)(i * 37 % 20000)))
            is_within = false;
        is_within = is_within && cache_status(cache).memory_bytes <= 1 << 20;
    }
    OK(is_within, "2,000 objects in a megabyte are never over it");
    OK(cache_status(cache).memory_objects > 20, "and it is well filled");
    OK(is_here("/1999"), "with what came last");

    struct cache_writer *writers[8];
    unsigned began = 0;
    struct cache_draft draft = draft_of("/held", 200000);
    while (began < 8 && cache_write_begin(cache, &draft, &writers[began], NULL) == 0 &&
           cache_write(writers[began], bytes_of(100)) == 0)
        began++;
    OK(began == 5, "what is being written cannot be evicted: the next one is refused");
    OK(cache_status(cache).memory_bytes <= 1 << 20, "and the bound holds");
    for (unsigned i = 0; i <= began; i++)
        cache_write_abort(&writers[i]);
    cache_close(&cache);
}

static void purges(void)
{
    begin(1 << 20);
    uint64_t album = cache_mark(cache, TEXT("album-1")), song = cache_mark(cache, TEXT("song-9"));
    struct cache_meta meta = {
        .generation = cache_generation(cache), .marks = &album, .mark_count = 1};
    OK(!cache_is_purged(cache, &meta), "nothing is purged");
    cache_purge(cache, song);
    OK(!cache_is_purged(cache, &meta), "another mark's purge is not its own");
    cache_purge(cache, album);
    OK(cache_is_purged(cache, &meta), "its own is");
    meta.generation = cache_generation(cache);
    OK(!cache_is_purged(cache, &meta), "what was asked for since is not");
    cache_purge(cache, CACHE_MARK_ALL);
    OK(cache_is_purged(cache, &meta), "everything can be purged at once");
    meta.generation = cache_generation(cache);
    for (uint64_t i = 1; i <= 70000; i++)
        cache_purge(cache, i);
    OK(cache_is_purged(cache, &meta), "more marks than are remembered purge what is older");
    meta.generation = cache_generation(cache);
    OK(!cache_is_purged(cache, &meta), "and nothing newer");
    cache_close(&cache);
}

int main(void)
{
    whole_objects();
    growing_objects();
    parts_and_promises();
    bounds();
    purges();
    return tap_done();
}
