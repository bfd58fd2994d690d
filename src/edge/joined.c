// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/joined.h"

#include "base/counters.h"
#include "base/mem.h"
#include "edge/bring.h"

#include <errno.h>
#include <string.h>

/* One object on its way; outlives an answer that ends. */
struct coming {
    struct joined *joined; /* NULL: nobody waits any more */
    size_t index;
    bool has_come, has_failed;
    struct buffer bytes;
};

struct joined {
    struct edge *edge;
    struct exchange *exchange;
    size_t loop_index;
    const struct edge_part *parts;
    size_t count, at; /* which is sent */
    size_t offset;    /* in it */
    struct coming *now, *next;
    bool waits; /* the exchange is to be told */
};

static void coming_free(struct coming *coming)
{
    buffer_release(&coming->bytes);
    mem_free(coming);
}

static void on_brought(void *context, const struct brought *brought)
{
    struct coming *coming = context;
    struct joined *joined = coming->joined;
    if (!joined) {
        coming_free(coming);
        return;
    }
    coming->has_come = true;
    coming->has_failed =
        brought->result != BRING_HERE || brought->bytes.size != joined->parts[coming->index].bytes;
    if (!coming->has_failed)
        buffer_text(&coming->bytes, brought->bytes);
    if (coming != joined->now || !joined->waits)
        return;
    joined->waits = false;
    exchange_source_ready(joined->exchange); /* the answer may be gone */
}

static struct coming *begin(struct joined *joined, size_t index)
{
    const struct edge_part *part = &joined->parts[index];
    struct coming *coming = MEM_NEW(struct coming);
    coming->joined = joined;
    coming->index = index;
    buffer_init(&coming->bytes, part->bytes);
    edge_bring(joined->edge, joined->loop_index, part->target, part->bytes, on_brought, coming);
    return coming;
}

static void leave(struct coming **coming)
{
    if (*coming && (*coming)->has_come)
        coming_free(*coming);
    else if (*coming)
        (*coming)->joined = NULL;
    *coming = NULL;
}

/* Behind the last byte of one. */
static void go_on(struct joined *joined)
{
    leave(&joined->now);
    joined->at++;
    joined->offset = 0;
    joined->now = joined->next;
    joined->next = NULL;
}

static ssize_t read_parts(void *context, char *room, size_t size)
{
    struct joined *joined = context;
    while (joined->now && joined->now->has_come && !joined->now->has_failed &&
           joined->offset == joined->now->bytes.size)
        go_on(joined);
    if (joined->at == joined->count)
        return 0;
    if (!joined->now)
        joined->now = begin(joined, joined->at);
    if (joined->now->has_failed)
        return -EIO;
    if (!joined->now->has_come) {
        joined->waits = true;
        return -EAGAIN;
    }
    if (!joined->next && joined->at + 1 < joined->count)
        joined->next = begin(joined, joined->at + 1);
    size_t left = joined->now->bytes.size - joined->offset;
    size = size < left ? size : left;
    if (size > 0)
        memcpy(room, joined->now->bytes.data + joined->offset, size);
    joined->offset += size;
    return (ssize_t)size;
}

static void on_end(void *context, int error UNUSED)
{
    struct joined *joined = context;
    leave(&joined->now);
    leave(&joined->next);
    mem_free(joined);
}

void edge_send_joined(struct edge *edge, struct exchange *exchange, const struct edge_part *parts,
                      size_t count)
{
    struct joined *joined = MEM_NEW(struct joined);
    uint64_t length = 0;
    *joined = (struct joined){.edge = edge,
                              .exchange = exchange,
                              .loop_index = exchange_connection_index(exchange),
                              .parts = parts,
                              .count = count};
    for (size_t i = 0; i < count; i++)
        length += parts[i].bytes;
    counter_add(COUNTER_EDGE_JOINED, 1);
    exchange_send_source(exchange, 200, length, read_parts, on_end, joined);
}
