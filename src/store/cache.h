// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "store/disk.h"

/*
 * cache: objects that may be lost and are never wrong: bytes with metadata under a key, in memory
 * and on disk.
 *
 * An object is found again after kill -9 once it is committed; a byte that was damaged at rest is
 * never given out (the object is then absent, and counted).  Every bound holds at every moment:
 * bytes in memory, bytes and objects on disk, bytes that wait for the disk.  A disk that is full,
 * slow, dead or read-only costs what is on it and no more: the cache goes on in memory.  What is
 * stored, for how long, and under which variants, is the user's matter.
 *
 * Threads: every function may be called from any loop.  cache_get() takes one of 64 locks for some
 * ns; it never waits for a disk.  Disk work is done by threads of the cache, and what they found is
 * posted to the loop that asked.  A writer is used by one thread at a time (the key's home loop);
 * what it writes is read on any loop meanwhile.  Objects, pieces and metadata are reference
 * counted and immutable but for an object that is being written, which only grows.
 */
struct cache;
struct cache_object;
struct cache_writer;
struct loop;

enum {
    CACHE_META_MAX = 64 << 10,       /* bytes of metadata */
    CACHE_KEY_MAX = 8 << 10,         /* bytes of a key */
    CACHE_MARKS_MAX = 32,            /* of an object */
    CACHE_RANGES_MAX = 16,           /* of a partial object */
    CACHE_CONTIGUOUS_BYTES = 1 << 20 /* up to here an object of known length is one piece */
};
#define CACHE_LENGTH_UNKNOWN UINT64_MAX

struct cache_config {
    const char *folder;        /* NULL: memory only; made if missing, locked while open */
    const struct disk *disk;   /* NULL: the real one */
    uint64_t memory_bytes;     /* 0: 64 MiB */
    uint64_t disk_bytes;       /* 0: 4 GiB */
    uint64_t max_objects;      /* on disk; 0: 1,000,000 */
    uint64_t max_object_bytes; /* 0: 32 MiB; never more than a quarter of the memory or a 16th of
                                  the disk */
    uint64_t region_bytes;     /* of the disk; 0: chosen by disk_bytes */
    unsigned readers;          /* threads; 0: 2 */
};
/* 0; -EWOULDBLOCK when another process has the folder.  Other troubles of the disk are no failure:
 * the cache is one of memory then, and cache_status() says why. */
int cache_open(const struct cache_config *config, struct cache **ret) MUST_USE;
/* Writes what waits.  Objects, writers, asks and waits must be gone; loops still there. */
void cache_close(struct cache **cache);
/*
 * Gives the folder up to another process, for good: what waits is written, then nothing any more.
 * Goes on as a cache of memory; an object that is held is read to its end, from the disk too.
 * Blocks as long as that disk takes.
 */
void cache_let_go(struct cache *cache);

/* --- metadata: opaque bytes; marks by which it can be purged; the generation when it was asked
 * for --- */
struct cache_meta {
    struct text bytes;
    uint64_t generation;   /* cache_generation() before the origin was asked */
    const uint64_t *marks; /* cache_mark() of its tags, host, prefixes … */
    size_t mark_count;
};

/* --- finding --- */
enum cache_place {
    CACHE_ABSENT,
    CACHE_HERE,   /* *ret is the object, the caller's to unref */
    CACHE_ON_DISK /* likely: cache_ask() */
};
enum cache_place cache_get(struct cache *cache, struct text key,
                           struct cache_object **ret) MUST_USE;
/* Brings it from the disk.  `found` is called once on `loop` with the object, the caller's to
 * unref, or NULL: absent, damaged, or the disk does not answer.  NULL when too much waits for the
 * disk: take it as absent. */
struct cache_ask;
typedef void cache_found(void *context, struct cache_object *object);
struct cache_ask *cache_ask(struct cache *cache, struct text key, struct loop *loop,
                            cache_found *found, void *context) MUST_USE;
void cache_ask_cancel(struct cache_ask *ask); /* before `found` only; it is not called then */

/* --- an object --- */
struct cache_object *cache_object_ref(struct cache_object *object);
void cache_object_unref(struct cache_object *object); /* NULL is fine */
/* A reference to the metadata as it is now: in use until cache_meta_unref(). */
const struct cache_meta *cache_object_meta(struct cache_object *object) MUST_USE;
void cache_meta_unref(const struct cache_meta *meta);
/* Bytes of the whole; CACHE_LENGTH_UNKNOWN while nobody knows. */
uint64_t cache_object_length(struct cache_object *object);
enum cache_state {
    CACHE_WRITING, /* more will come */
    CACHE_WHOLE,
    CACHE_PARTIAL, /* ended; some ranges of it are there */
    CACHE_FAILED   /* the writer gave up, or the disk: nobody finds it any more */
};
enum cache_state cache_object_state(struct cache_object *object);
struct cache_range {
    uint64_t begin, end;
};
/* What is there, ascending, as of now: at most CACHE_RANGES_MAX. */
size_t cache_object_ranges(struct cache_object *object, struct cache_range *ret);
/* SHA-256 of a whole object; false while it is not known (it is made when the disk gets it). */
bool cache_object_digest(struct cache_object *object, uint8_t ret_sha256[32]) MUST_USE;

/* --- reading: a piece is lent until it is given back, whatever happens to the object --- */
struct cache_piece {
    struct text bytes;
    bool is_lasting; /* a reference to its pages (vmsplice(2)) shows these bytes even longer */
    void *_chunk;
};
enum cache_read {
    CACHE_READ_PIECE, /* *ret: at least one byte from `offset` on, as much as lies in one piece */
    CACHE_READ_WAIT,  /* not yet: cache_wait() */
    CACHE_READ_END,   /* offset is the end; or nothing is there in a partial object */
    CACHE_READ_FAILED /* never */
};
enum cache_read cache_read(struct cache_object *object, uint64_t offset,
                           struct cache_piece *ret) MUST_USE;
void cache_piece_release(struct cache_piece *piece); /* an empty one too */
/* `wake` is called once on `loop` when cache_read() of that offset has something else to say (at
 * once if so already).  Never polls. */
struct cache_wait;
typedef void cache_wake(void *context);
struct cache_wait *cache_wait(struct cache_object *object, uint64_t offset, struct loop *loop,
                              cache_wake *wake, void *context) MUST_USE;
void cache_wait_cancel(struct cache_wait *wait); /* on its loop, before `wake` only */

/* --- writing --- */
struct cache_draft {
    struct text key;
    struct cache_meta meta;
    uint64_t length; /* of the whole, or CACHE_LENGTH_UNKNOWN */
    bool is_partial; /* ranges will be written; `length` is known */
    bool is_pinned;  /* not evicted, up to a tenth of the memory; the disk carries it along */
    const uint8_t *expect_sha256; /* or NULL; checked at the end */
};
/* 0, and *ret_object is a second reference for those who read along (or pass NULL); nobody else
 * finds it before the end, and an older object of the key stays until then.  -EFBIG: too large
 * ever; -ENOBUFS: no memory now; -EINVAL: a bound above. Then pass the bytes on without the
 * cache. */
int cache_write_begin(struct cache *cache, const struct cache_draft *draft,
                      struct cache_writer **ret, struct cache_object **ret_object) MUST_USE;
/* Appends a copy; -EFBIG or -ENOBUFS as above: abort, or go on without: those who read along fail
 * at the end of what is there. */
int cache_write(struct cache_writer *writer, struct text bytes) MUST_USE;
/* Partial objects: the next byte is that of `offset`, which lies behind all that is written. */
int cache_write_seek(struct cache_writer *writer, uint64_t offset) MUST_USE;
/* `meta` may be NULL (as begun).  Afterwards it is found, and on its way to the disk.  -EBADMSG:
 * not the expected digest or length; then it is as aborted.  The writer is gone either way. */
int cache_write_end(struct cache_writer **writer, const struct cache_meta *meta) MUST_USE;
void cache_write_abort(struct cache_writer **writer); /* NULL inside is fine */

/* Replaces metadata without the body: at once for who looks, soon on the disk. */
int cache_replace_meta(struct cache *cache, struct cache_object *object,
                       const struct cache_meta *meta) MUST_USE;
void cache_remove(struct cache *cache, struct text key);
/* Waits until all that was ended before is on the disk, or will not be.  For tests and shutdown:
 * blocks. */
void cache_settle(struct cache *cache);

#define CACHE_MARK_ALL ((uint64_t)0) /* every object's; to purge it purges all */

/* --- soft purge in constant time: an object is purged when one of its marks was purged in a later
 * generation than its own.  It stays readable: the user revalidates. --- */
uint64_t cache_mark(const struct cache *cache, struct text tag);
uint64_t cache_generation(const struct cache *cache);
/* On any thread, at once, never waiting for the disk, which has it some moments later. */
void cache_purge(struct cache *cache, uint64_t mark);
/* The same; `kept` is told, on any thread, when no power cut undoes it (0), or why one would
 * (-errno: it is tried again until the disk takes it, or the process ends). */
typedef void cache_purged(void *context, int error);
void cache_purge_kept(struct cache *cache, uint64_t mark, cache_purged *kept, void *context);
bool cache_is_purged(const struct cache *cache, const struct cache_meta *meta);

struct cache_status {
    uint64_t memory_bytes, disk_bytes, disk_objects, waiting_bytes;
    size_t memory_objects;
    int disk_error; /* why nothing is written now: 0, or -errno; -ENOTSUP: no folder given */
};
struct cache_status cache_status(const struct cache *cache); /* from any thread */
