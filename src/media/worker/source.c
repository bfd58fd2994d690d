// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/source.h"

#include "base/mem.h"

void source_init(struct source *source)
{
    *source = (struct source){0};
    source->head.bytes = mem_alloc(SOURCE_HEAD_BYTES);
    source->window.bytes = mem_alloc(SOURCE_WINDOW_BYTES);
    source->tail.bytes = mem_alloc(SOURCE_TAIL_BYTES);
}

void source_release(struct source *source)
{
    mem_free_p(&source->head.bytes);
    mem_free_p(&source->window.bytes);
    mem_free_p(&source->tail.bytes);
}

static bool fetch(struct source *source, uint64_t offset, void *into, size_t size)
{
    if (source->has_failed || source->is_over_budget)
        return false;
    if (size > source->budget) {
        source->is_over_budget = true;
        return false;
    }
    source->budget -= size;
    if (source->read(source->context, offset, into, size))
        return true;
    source->has_failed = true;
    return false;
}

static size_t least(uint64_t a, uint64_t b) { return (size_t)(a < b ? a : b); }

static bool fill(struct source *source, struct source_window *window, uint64_t offset, size_t size)
{
    window->size = 0;
    if (!fetch(source, offset, window->bytes, size))
        return false;
    window->offset = offset;
    window->size = size;
    return true;
}

void source_open(struct source *source, media_read *read, void *context, uint64_t size,
                 uint64_t budget)
{
    source->read = read;
    source->context = context;
    source->size = size;
    source->budget = budget;
    source->hole_count = source->window.size = source->tail.size = 0;
    source->is_over_budget = source->has_failed = source->sees_holes = false;
    (void)fill(source, &source->head, 0,
               least(size, SOURCE_HEAD_BYTES)); /* a failure shows at the first read */
}

struct text source_tail(struct source *source, size_t size)
{
    size = least(least(size, SOURCE_TAIL_BYTES), source->size);
    if (source->head.size == source->size && !source->has_failed)
        return text_make((char *)source->head.bytes + (source->head.size - size), size);
    if (source->tail.size < size && !fill(source, &source->tail, source->size - size, size))
        return TEXT_NONE;
    return text_make((char *)source->tail.bytes + (source->tail.size - size), size);
}

/* The first hole that ends behind `offset`, or the count. */
static size_t hole_at(const struct source *source, uint64_t offset)
{
    size_t low = 0, high = source->hole_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (source->holes[middle].end <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void source_add_hole(struct source *source, uint64_t begin, uint64_t end)
{
    if (source->hole_count == SOURCE_MAX_HOLES || begin >= end || end > source->size)
        return;
    if (source->hole_count && source->holes[source->hole_count - 1].end > begin)
        return;
    source->holes[source->hole_count++] = (struct source_hole){begin, end};
}

static size_t copy_from(const struct source_window *window, uint64_t offset, void *into,
                        size_t size)
{
    if (offset < window->offset || offset >= window->offset + window->size)
        return 0;
    size_t at = (size_t)(offset - window->offset);
    size = least(size, window->size - at);
    memcpy(into, window->bytes + at, size);
    return size;
}

/* One step of a read that stays below `limit`, where the next hole or the file ends.  0 when it
 * failed. */
static size_t read_step(struct source *source, uint64_t offset, void *into, size_t size,
                        uint64_t limit)
{
    size_t got = copy_from(&source->head, offset, into, size);
    if (!got)
        got = copy_from(&source->window, offset, into, size);
    if (!got)
        got = copy_from(&source->tail, offset, into, size);
    if (got)
        return got;
    if (size >= SOURCE_WINDOW_BYTES / 2)
        return fetch(source, offset, into, size) ? size : 0;
    uint64_t from = offset;
    if (limit == source->size && limit > SOURCE_WINDOW_BYTES &&
        offset > limit - SOURCE_WINDOW_BYTES) {
        from = limit - SOURCE_WINDOW_BYTES; /* readers of the end walk backwards */
        if (source->hole_count && !source->sees_holes &&
            from < source->holes[source->hole_count - 1].end)
            from = source->holes[source->hole_count - 1].end;
    }
    if (!fill(source, &source->window, from, least(SOURCE_WINDOW_BYTES, limit - from)))
        return 0;
    return copy_from(&source->window, offset, into, size);
}

size_t source_read_some(struct source *source, uint64_t offset, void *into, size_t size)
{
    if (offset >= source->size)
        return 0;
    size = least(size, source->size - offset);
    size_t done = 0;
    while (done < size) {
        uint64_t at = offset + done;
        size_t hole = source->sees_holes ? source->hole_count : hole_at(source, at), got;
        uint64_t limit = hole < source->hole_count ? source->holes[hole].begin : source->size;
        if (limit <= at) {
            got = least(size - done, source->holes[hole].end - at);
            memset((uint8_t *)into + done, 0, got);
        } else {
            got = read_step(source, at, (uint8_t *)into + done, least(size - done, limit - at),
                            limit);
        }
        if (!got)
            break;
        done += got;
    }
    return done;
}

bool source_read(struct source *source, uint64_t offset, void *into, size_t size)
{
    return source_read_some(source, offset, into, size) == size;
}

bool source_peek(struct source *source, uint64_t offset, void *into, size_t size)
{
    const struct source_window *windows[] = {&source->head, &source->window, &source->tail};
    if (offset > source->size || size > source->size - offset)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(windows); i++)
        if (copy_from(windows[i], offset, into, size) == size)
            return true;
    return fetch(source, offset, into, size);
}
