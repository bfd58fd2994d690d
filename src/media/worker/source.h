// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/info.h"

/*
 * source: a sound file as the worker sees it: bytes at offsets, a read budget, and holes.
 *
 * The first 64 KiB are read once; later reads go through one window and, for the end of the file, a
 * tail.  A *hole* is a stretch that nobody needs (the inside of a picture): it reads as zeros and
 * costs nothing, so that a tag reader which insists on loading a cover of 5 MB loads air.  Past the
 * budget every new read fails and `is_over_budget` stays true.
 */
enum {
    SOURCE_HEAD_BYTES = 64 * 1024,
    SOURCE_WINDOW_BYTES = 16 * 1024,
    SOURCE_TAIL_BYTES = 80 * 1024,
    SOURCE_MAX_HOLES = 800
};

struct source_hole {
    uint64_t begin, end;
};

struct source_window {
    uint64_t offset;
    size_t size;
    uint8_t *bytes;
};

struct source {
    media_read *read; /* exact reads below `size`; false is an I/O error */
    void *context;
    uint64_t size, budget;
    struct source_window head, window, tail;
    size_t hole_count;
    bool is_over_budget, has_failed,
        sees_holes; /* sees_holes: reads what lies in them, for the one who wants that */
    struct source_hole holes[SOURCE_MAX_HOLES]; /* ascending, apart */
};

/* Keeps its memory from file to file: init once, open often. */
void source_init(struct source *source);
void source_release(struct source *source);
void source_open(struct source *source, media_read *read, void *context, uint64_t size,
                 uint64_t budget);

/* All `size` bytes, or false (past the end, over budget, unreadable). */
bool source_read(struct source *source, uint64_t offset, void *into, size_t size) MUST_USE;
/* As many as there are, at most `size`. */
size_t source_read_some(struct source *source, uint64_t offset, void *into, size_t size);
/* All of it without reading ahead: for a header far away whose surroundings nobody needs. */
bool source_peek(struct source *source, uint64_t offset, void *into, size_t size) MUST_USE;
/* The last min(size, file, SOURCE_TAIL_BYTES) bytes in one read; data NULL when it failed.  Valid
 * until the next call. */
struct text source_tail(struct source *source, size_t size);
/* Makes [begin, end) a hole; ignored when it does not lie behind all earlier ones or the table is
 * full. */
void source_add_hole(struct source *source, uint64_t begin, uint64_t end);
