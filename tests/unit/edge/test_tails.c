// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/tails.h"
#include "io/loop.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

struct calls {
    int room, alone, ready;
};
static void on_room(void *context) { ((struct calls *)context)->room++; }
static void on_alone(void *context) { ((struct calls *)context)->alone++; }
static void on_ready(void *context) { ((struct calls *)context)->ready++; }

static void stop(void *context) { loop_stop(context); }
static void turn(struct loop *loop)
{
    loop_post(loop, stop, loop);
    loop_run(loop);
}

static void test_pace(struct loop *loop)
{
    static char bytes[RELAY_BYTES];
    struct calls calls = {0};
    struct tails tails = {NULL, loop, on_room, on_alone, &calls};
    struct relay *quick = tails_add(&tails, loop), *slow = tails_add(&tails, loop);
    OK(!tails_write(&tails, text_make(bytes, sizeof bytes)), "all are full");
    OK(relay_read(quick, bytes, sizeof bytes, on_ready, &calls) == RELAY_BYTES, "one reads all");
    turn(loop);
    OK(calls.room == 0, "which is not enough: the slowest has not");
    OK(relay_read(slow, bytes, sizeof bytes, on_ready, &calls) == RELAY_BYTES,
       "until it reads too");
    turn(loop);
    OK(calls.room == 1, "and there is room for more");
    OK(!tails_write(&tails, text_make(bytes, sizeof bytes)) &&
           relay_read(quick, bytes, sizeof bytes, on_ready, &calls) > 0,
       "again one is behind");
    turn(loop);
    relay_leave(&slow);
    turn(loop);
    OK(calls.room == 2 && calls.alone == 0, "a slow one that leaves is waited for no more");
    relay_leave(&quick);
    turn(loop);
    OK(calls.alone == 1 && !tails.first, "the last one's leaving is told");
}

static void test_end(struct loop *loop)
{
    struct calls calls = {0};
    char room[8];
    struct tails tails = {NULL, loop, on_room, on_alone, &calls};
    struct relay *reader = tails_add(&tails, loop);
    OK(tails_write(&tails, TEXT("abc")), "bytes go in");
    tails_end(&tails, -EIO);
    OK(relay_read(reader, room, sizeof room, on_ready, &calls) == 3 &&
           relay_read(reader, room, sizeof room, on_ready, &calls) == -EIO,
       "the end is told behind the bytes");
    relay_leave(&reader);
    turn(loop);
    OK(calls.alone == 0, "after it nobody is missed");
}

int main(void)
{
    struct loop *loop = loop_new();
    test_pace(loop);
    test_end(loop);
    loop_free(&loop);
    return tap_done();
}
