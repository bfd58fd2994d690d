// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/relay.h"

#include "base/mem.h"
#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/*
 * A message holds the relay while it is on its way, so that both sides may leave meanwhile; what it
 * then finds of its side is looked up under no lock, for each side's members are that loop's own.
 */
struct relay {
    atomic_uint holders; /* both sides, and messages under way */
    struct loop *writes_on, *reads_on;

    struct relay_writer writer; /* the writer's loop's */
    bool has_writer;

    void (*on_ready)(void *context); /* the reader's loop's; NULL: it does not wait */
    void *ready_context;

    pthread_mutex_t lock; /* of all below */
    struct buffer bytes, note;
    size_t taken; /* off the front of bytes */
    bool is_waiting, is_full, has_ended, has_left;
    int error;
};

struct relay *relay_new(struct loop *writes_on, const struct relay_writer *writer,
                        struct loop *reads_on)
{
    struct relay *relay = MEM_NEW(struct relay);
    atomic_init(&relay->holders, 2);
    relay->writes_on = writes_on;
    relay->reads_on = reads_on;
    relay->writer = *writer;
    relay->has_writer = true;
    pthread_mutex_init(&relay->lock, NULL);
    buffer_init(&relay->note, RELAY_BYTES);
    buffer_init(&relay->bytes, SIZE_MAX / 2); /* full at RELAY_BYTES and the piece that fills it */
    return relay;
}

static void give_up(struct relay *relay)
{
    if (atomic_fetch_sub(&relay->holders, 1) > 1)
        return;
    pthread_mutex_destroy(&relay->lock);
    buffer_release(&relay->bytes);
    buffer_release(&relay->note);
    mem_free(relay);
}

static void post(struct relay *relay, struct loop *loop, loop_call *call)
{
    atomic_fetch_add(&relay->holders, 1);
    loop_post(loop, call, relay);
}

/* --- messages --- */

static void on_ready(void *context)
{
    struct relay *relay = context;
    void (*call)(void *) = relay->on_ready;
    relay->on_ready = NULL;
    if (call)
        call(relay->ready_context);
    give_up(relay);
}

static void on_room(void *context)
{
    struct relay *relay = context;
    if (relay->has_writer)
        relay->writer.on_room(relay->writer.context);
    give_up(relay);
}

static void on_leave(void *context)
{
    struct relay *relay = context;
    if (relay->has_writer)
        relay->writer.on_leave(relay->writer.context);
    give_up(relay);
}

/* --- the writer's side --- */

static void wake_reader(struct relay *relay)
{
    bool was_waiting = relay->is_waiting;
    relay->is_waiting = false;
    if (was_waiting)
        post(relay, relay->reads_on, on_ready);
}

bool relay_write(struct relay *relay, struct text bytes)
{
    pthread_mutex_lock(&relay->lock);
    if (!relay->has_left) {
        buffer_text(&relay->bytes, bytes);
        /* Full until the reader has made room and said so: who waits for that hears it once. */
        relay->is_full |= relay->bytes.size - relay->taken >= RELAY_BYTES;
        wake_reader(relay);
    }
    bool has_room = !relay->is_full;
    pthread_mutex_unlock(&relay->lock);
    return has_room;
}

void relay_note(struct relay *relay, struct text note)
{
    pthread_mutex_lock(&relay->lock);
    buffer_text(&relay->note, note);
    pthread_mutex_unlock(&relay->lock);
}

void relay_end(struct relay **relay_p, int error)
{
    struct relay *relay = *relay_p;
    if (!relay)
        return;
    *relay_p = NULL;
    relay->has_writer = false;
    pthread_mutex_lock(&relay->lock);
    relay->has_ended = true;
    relay->error = error;
    wake_reader(relay);
    pthread_mutex_unlock(&relay->lock);
    give_up(relay);
}

/* --- the reader's side --- */

static size_t take(struct relay *relay, char *room, size_t size)
{
    size_t left = relay->bytes.size - relay->taken;
    size = size < left ? size : left;
    if (size == 0)
        return 0;
    memcpy(room, relay->bytes.data + relay->taken, size);
    relay->taken += size;
    if (relay->taken == relay->bytes.size) {
        buffer_reset(&relay->bytes);
        relay->taken = 0;
    }
    return size;
}

ssize_t relay_read(struct relay *relay, char *room, size_t size, void (*ready)(void *context),
                   void *context)
{
    pthread_mutex_lock(&relay->lock);
    ssize_t got = (ssize_t)take(relay, room, size);
    size_t left = relay->bytes.size - relay->taken;
    if (relay->is_full && left < RELAY_BYTES / 2) {
        relay->is_full = false;
        post(relay, relay->writes_on, on_room);
    }
    if (got == 0 && relay->has_ended) {
        got = relay->error;
    } else if (got == 0) {
        relay->is_waiting = true;
        relay->on_ready = ready;
        relay->ready_context = context;
        got = -EAGAIN;
    }
    pthread_mutex_unlock(&relay->lock);
    return got;
}

/* No lock: the writer has ended. */
struct text relay_noted(const struct relay *relay) { return buffer_view(&relay->note); }

void relay_leave(struct relay **relay_p)
{
    struct relay *relay = *relay_p;
    if (!relay)
        return;
    *relay_p = NULL;
    relay->on_ready = NULL;
    pthread_mutex_lock(&relay->lock);
    relay->has_left = true;
    relay->is_waiting = false;
    if (!relay->has_ended)
        post(relay, relay->writes_on, on_leave);
    pthread_mutex_unlock(&relay->lock);
    give_up(relay);
}
