// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/relay.h"
#include "io/loop.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

struct calls {
    int ready, room, left;
};
static void on_ready(void *context) { ((struct calls *)context)->ready++; }
static void on_room(void *context) { ((struct calls *)context)->room++; }
static void on_leave(void *context) { ((struct calls *)context)->left++; }

static void stop(void *context) { loop_stop(context); }
/* All messages that wait. */
static void turn(struct loop *loop)
{
    loop_post(loop, stop, loop);
    loop_run(loop);
}

static void test_order(struct loop *loop)
{
    struct calls calls = {0};
    const struct relay_writer writer = {on_room, on_leave, &calls};
    struct relay *write = relay_new(loop, &writer, loop), *read = write;
    char room[8];
    OK(relay_read(read, room, sizeof room, on_ready, &calls) == -EAGAIN, "nothing is there yet");
    OK(relay_write(write, TEXT("abcdefghij")), "bytes go in");
    turn(loop);
    OK(calls.ready == 1, "who waited is called once");
    OK(relay_read(read, room, sizeof room, on_ready, &calls) == 8 &&
           memcmp(room, "abcdefgh", 8) == 0,
       "they come out in order");
    relay_end(&write, -EIO);
    OK(relay_read(read, room, sizeof room, on_ready, &calls) == 2,
       "what was written before a failure");
    OK(relay_read(read, room, sizeof room, on_ready, &calls) == -EIO, "and then the failure");
    relay_leave(&read);
    turn(loop);
    OK(calls.left == 0, "a writer that has ended is not told that the reader left");
}

static void test_bound(struct loop *loop)
{
    static char bytes[RELAY_BYTES];
    struct calls calls = {0};
    const struct relay_writer writer = {on_room, on_leave, &calls};
    struct relay *write = relay_new(loop, &writer, loop), *read = write;
    OK(!relay_write(write, text_make(bytes, sizeof bytes)), "a full relay says so");
    OK(relay_read(read, bytes, RELAY_BYTES / 4, on_ready, &calls) == RELAY_BYTES / 4,
       "a little is read");
    turn(loop);
    OK(calls.room == 0, "which is not room enough");
    OK(!relay_write(write, TEXT("x")), "also for what was on its way when it was full");
    OK(relay_read(read, bytes, RELAY_BYTES / 2, on_ready, &calls) == RELAY_BYTES / 2,
       "more is read");
    turn(loop);
    OK(calls.room == 1, "and the writer is told once");
    relay_leave(&read);
    OK(relay_write(write, TEXT("x")), "what is written for nobody fills nothing");
    turn(loop);
    OK(calls.left == 1, "the writer is told that the reader left");
    relay_end(&write, 0);
}

int main(void)
{
    struct loop *loop = loop_new();
    test_order(loop);
    test_bound(loop);
    loop_free(&loop);
    return tap_done();
}
