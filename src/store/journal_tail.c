// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/journal_tail.h"

#include "io/file.h"

#include <errno.h>
#include <unistd.h>

enum { CHUNK_BYTES = 4 * 1024 * 1024 }; /* more than any record */

void journal_tail_init(struct journal_tail *tail, struct journal *journal, uint64_t after_lsn)
{
    *tail = (struct journal_tail){.journal = journal, .last_lsn = after_lsn, .segment.fd = -1};
    buffer_init(&tail->bytes, CHUNK_BYTES);
}

static void leave(struct journal_tail *tail)
{
    if (tail->segment.fd >= 0)
        close(tail->segment.fd);
    tail->segment.fd = -1;
}

void journal_tail_release(struct journal_tail *tail)
{
    leave(tail);
    buffer_release(&tail->bytes);
}

/* Opens the segment with the next record, or learns how far the open one has grown. */
static int enter(struct journal_tail *tail)
{
    struct journal_segment segment;
    int error = journal_segment_open(tail->journal, tail->last_lsn + 1, &segment);
    if (error)
        return error;
    bool is_same = tail->segment.fd >= 0 && segment.first_lsn == tail->segment.first_lsn;
    leave(tail);
    tail->segment = segment;
    if (!is_same)
        tail->at = SEGMENT_HEADER_BYTES;
    return 0;
}

static int read_chunk(struct journal_tail *tail)
{
    uint64_t left = tail->segment.bytes - tail->at;
    size_t size = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
    buffer_reset(&tail->bytes);
    char *room = buffer_reserve(&tail->bytes, size);
    int error = room ? file_read_at(tail->segment.fd, room, size, tail->at) : -ENOMEM;
    tail->bytes.size = error ? 0 : size;
    return error;
}

/* Whether the reader may go on with this item; moves behind it. */
static bool give(struct journal_tail *tail, enum segment_step step, const struct segment_item *item,
                 journal_take *take, void *context)
{
    if (step == SEGMENT_DAMAGED) {
        tail->skipped_bytes += item->bytes.size;
        return true;
    }
    if (item->lsn <= tail->last_lsn)
        return true;
    if (item->lsn > tail->segment.durable_lsn || !take(context, item->lsn, item->bytes))
        return false;
    tail->last_lsn = item->lsn;
    return true;
}

/* A tail at the end of a chunk is half a record; a tail that fills the segment's rest is damage. */
static void pass_tail(struct journal_tail *tail, size_t offset)
{
    bool is_rest = tail->at + tail->bytes.size == tail->segment.bytes;
    if (is_rest || offset == 0) {
        tail->skipped_bytes += tail->bytes.size - offset;
        offset = tail->bytes.size;
    }
    tail->at += offset;
}

static bool read_records(struct journal_tail *tail, journal_take *take, void *context)
{
    struct segment_reader reader = {buffer_view(&tail->bytes), 0, tail->last_lsn};
    struct segment_item item;
    if (tail->at == SEGMENT_HEADER_BYTES)
        reader.last_lsn = tail->segment.first_lsn - 1;
    for (;;) {
        enum segment_step step = segment_next(&reader, &item);
        if (step == SEGMENT_END) {
            tail->at += tail->bytes.size;
            return true;
        }
        if (step == SEGMENT_TAIL) {
            pass_tail(tail, item.offset);
            return true;
        }
        if (!give(tail, step, &item, take, context)) {
            tail->at += item.offset;
            return false;
        }
    }
}

int journal_tail_read(struct journal_tail *tail, journal_take *take, void *context, bool *ret_more)
{
    *ret_more = false;
    int error = enter(tail);
    if (error)
        return error == -ENOENT ? 0 : error;
    if (tail->at >= tail->segment.bytes) { /* its last records could not be read */
        tail->last_lsn = tail->segment.last_lsn;
        *ret_more = tail->last_lsn < tail->segment.durable_lsn;
        return 0;
    }
    error = read_chunk(tail);
    if (error)
        return error;
    (void)read_records(tail, take, context);
    *ret_more = tail->last_lsn < tail->segment.durable_lsn;
    return 0;
}
