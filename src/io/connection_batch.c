// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "io/connection_state.h"

#include <errno.h>

/*
 * connection_batch: answers to a pipeline leave together.
 *
 * While the next request is already here, a small answer is not sent but copied to `batch`, which
 * goes out before the first answer that is too large to wait, or when there is nothing left to do
 * but wait: one write for as many answers as one read brought requests.  Order is that of the
 * requests, since nothing is sent past a batch.
 */
enum { BATCH_MAX_BYTES = 64 << 10 };

bool connection_has_batch(const struct connection *connection)
{
    return connection->progress && connection->progress->batch.size > 0;
}

/* All of it is in memory, its end is known, and it fits. */
static bool is_small(const struct connection *connection)
{
    const struct answer *answer = &connection->exchange->answer;
    const struct connection_progress *progress = connection->progress;
    uint64_t size = connection->exchange->wire.size + progress->batch.size;
    if (answer->is_stream || answer->unlent > 0 || progress->wire_sent > 0)
        return false;
    for (size_t i = progress->piece; i < answer->piece_count; i++) {
        if (!answer->pieces[i].data)
            return false;
        size += answer->pieces[i].size;
    }
    return size <= BATCH_MAX_BYTES;
}

bool connection_join_batch(struct connection *connection)
{
    struct connection_progress *progress = connection->progress;
    struct exchange *exchange = connection->exchange;
    const struct answer *answer = &exchange->answer;
    if (progress->in.size == 0 || connection->will_close || exchange->closes ||
        !is_small(connection))
        return false;
    progress->batch.ceiling = BATCH_MAX_BYTES;
    buffer_text(&progress->batch, buffer_view(&exchange->wire));
    for (size_t i = progress->piece; i < answer->piece_count; i++) {
        buffer_append(&progress->batch, answer->pieces[i].data, (size_t)answer->pieces[i].size);
        exchange->sent_bytes += answer->pieces[i].size;
    }
    return true;
}

enum step_result connection_flush_batch(struct connection *connection)
{
    struct buffer *batch = &connection->progress->batch;
    size_t sent = 0;
    while (sent < batch->size) {
        struct iovec run = {batch->data + sent, batch->size - sent};
        ssize_t put = stream_write(&connection->stream, &run, 1, false);
        if (put == -EAGAIN) {
            buffer_consume(batch, sent);
            return connection_wait_to_write(connection);
        }
        if (put < 0)
            return STEP_CLOSES;
        counter_add(COUNTER_BYTES_SENT, (int64_t)put);
        connection->progress->put += (uint64_t)put;
        sent += (size_t)put;
    }
    buffer_release(batch);
    return STEP_GOES_ON;
}
