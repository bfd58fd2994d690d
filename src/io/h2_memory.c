// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "io/h2_state.h"

#include <assert.h>
#include <stdlib.h>

/*
 * h2_memory: nghttp2's memory.  A session is born with a buffer of 16 KiB in which it packs one
 * frame at a time.  We take every frame out of it at once, inside the call that packed it, so
 * between two calls there is nothing in it, and all sessions of a loop can pack in the same one:
 * half of what an idle connection would hold.  A second such buffer (a header that goes on in
 * CONTINUATION frames) is a session's own.
 */
static bool is_shared(const struct h2_connection *connection, const void *block)
{
    return block == connection->server->h2->frame;
}

static void *take(size_t size, void *context)
{
    struct h2_connection *connection = context;
    if (size < H2_FRAME_BYTES || size > sizeof connection->server->h2->frame ||
        connection->has_frame)
        return mem_alloc(size);
    connection->has_frame = true;
    return connection->server->h2->frame;
}

static void give_back(void *block, void *context)
{
    struct h2_connection *connection = context;
    if (is_shared(connection, block))
        connection->has_frame = false;
    else
        mem_free(block);
}

static void *take_zeroed(size_t count, size_t size, void *context UNUSED)
{
    assert(size == 0 || count <= SIZE_MAX / size);
    return mem_zalloc(count * size);
}

static void *resize(void *block, size_t size, void *context)
{
    if (!block)
        return take(size, context);     /* this is how the buffer is asked for */
    assert(!is_shared(context, block)); /* no frame of ours is larger */
    return mem_realloc(block, size);
}

nghttp2_mem h2_memory(struct h2_connection *connection)
{
    return (nghttp2_mem){.mem_user_data = connection,
                         .malloc = take,
                         .free = give_back,
                         .calloc = take_zeroed,
                         .realloc = resize};
}
