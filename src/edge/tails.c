// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/tails.h"

#include "base/mem.h"

struct tail {
    struct tail *next, **at;
    struct tails *tails;
    struct relay *relay;
    bool is_full;
};

static void tail_free(struct tail *tail, int error)
{
    *tail->at = tail->next;
    if (tail->next)
        tail->next->at = tail->at;
    relay_end(&tail->relay, error);
    mem_free(tail);
}

static void tell_room(struct tails *tails)
{
    if (tails_have_room(tails))
        tails->on_room(tails->context);
}

static void on_room(void *context)
{
    struct tail *tail = context;
    tail->is_full = false;
    tell_room(tail->tails);
}

static void on_leave(void *context)
{
    struct tail *tail = context;
    struct tails *tails = tail->tails;
    bool was_full = tail->is_full;
    tail_free(tail, 0);
    if (!tails->first)
        tails->on_alone(tails->context);
    else if (was_full)
        tell_room(tails);
}

struct relay *tails_add(struct tails *tails, struct loop *reads_on)
{
    struct tail *tail = MEM_NEW(struct tail);
    tail->tails = tails;
    tail->next = tails->first;
    tail->at = &tails->first;
    if (tail->next)
        tail->next->at = &tail->next;
    tails->first = tail;
    tail->relay = relay_new(tails->loop, &(struct relay_writer){on_room, on_leave, tail}, reads_on);
    return tail->relay;
}

bool tails_have_room(const struct tails *tails)
{
    for (const struct tail *tail = tails->first; tail; tail = tail->next)
        if (tail->is_full)
            return false;
    return true;
}

bool tails_write(struct tails *tails, struct text bytes)
{
    for (struct tail *tail = tails->first; tail; tail = tail->next)
        tail->is_full = !relay_write(tail->relay, bytes);
    return tails_have_room(tails);
}

void tails_end(struct tails *tails, int error)
{
    while (tails->first)
        tail_free(tails->first, error);
}
