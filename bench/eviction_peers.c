// SPDX-License-Identifier: GPL-3.0-or-later
#include "eviction_trace.h"
#include "base/hash.h"
#include "base/mem.h"

static void missed(struct misses *misses, uint32_t size)
{
    misses->objects++;
    misses->bytes += size;
}

/* --- LRU and FIFO --- */
struct link {
    uint32_t next, prev; /* object + 1; 0: none */
    bool is_in;
};

struct queue {
    struct link *links; /* [0] is the ring's own: its next is the newest, its prev the oldest */
    uint64_t bytes;
};

static void unlink_object(struct queue *queue, uint32_t at)
{
    struct link *link = &queue->links[at];
    queue->links[link->prev].next = link->next;
    queue->links[link->next].prev = link->prev;
}

static void link_newest(struct queue *queue, uint32_t at)
{
    struct link *link = &queue->links[at], *ring = &queue->links[0];
    link->next = ring->next;
    link->prev = 0;
    queue->links[ring->next].prev = at;
    ring->next = at;
}

struct misses fifo_or_lru(const struct trace *trace, uint64_t limit_bytes, bool is_lru)
{
    struct misses misses = {0, 0};
    struct queue queue = {mem_zalloc((trace->objects + 1) * sizeof(struct link)), 0};
    uint32_t *sizes = mem_zalloc((trace->objects + 1) * sizeof sizes[0]);
    for (size_t i = 0; i < trace->count; i++) {
        struct ask ask = trace->asks[i];
        uint32_t at = ask.object + 1;
        if (queue.links[at].is_in) {
            if (is_lru) {
                unlink_object(&queue, at);
                link_newest(&queue, at);
            }
            continue;
        }
        missed(&misses, ask.size);
        if (ask.size > limit_bytes)
            continue;
        sizes[at] = ask.size;
        queue.bytes += ask.size;
        queue.links[at].is_in = true;
        link_newest(&queue, at);
        while (queue.bytes > limit_bytes) {
            uint32_t oldest = queue.links[0].prev;
            unlink_object(&queue, oldest);
            queue.links[oldest].is_in = false;
            queue.bytes -= sizes[oldest];
        }
    }
    mem_free(queue.links);
    mem_free(sizes);
    return misses;
}

/* --- the offline bound --- */
struct future {
    const struct trace *trace;
    uint32_t *next;     /* of each ask: when its object is asked for again; UINT32_MAX: never */
    uint32_t *held;     /* objects that are in, in no order */
    uint32_t *position; /* of an object in held, + 1; 0: not in */
    uint32_t *when;     /* of an object: its next ask */
    uint32_t *sizes;
    size_t count;
    uint64_t bytes, random;
};

static void look_ahead(struct future *future)
{
    const struct trace *trace = future->trace;
    uint32_t *last = mem_alloc((trace->objects + 1) * sizeof last[0]);
    memset(last, 0xff, (trace->objects + 1) * sizeof last[0]);
    for (size_t i = trace->count; i-- > 0;) {
        future->next[i] = last[trace->asks[i].object];
        last[trace->asks[i].object] = (uint32_t)i;
    }
    mem_free(last);
}

/* --- a heap by `when`, the latest on top, for the plain bound --- */
static bool is_later(const struct future *future, uint32_t a, uint32_t b)
{
    return future->when[a] > future->when[b];
}

static void place(struct future *future, size_t at, uint32_t object)
{
    future->held[at] = object;
    future->position[object] = (uint32_t)at + 1;
}

static void sift(struct future *future, size_t at)
{
    uint32_t object = future->held[at];
    for (; at > 0 && is_later(future, object, future->held[(at - 1) / 2]); at = (at - 1) / 2)
        place(future, at, future->held[(at - 1) / 2]);
    for (size_t child; (child = 2 * at + 1) < future->count; at = child) {
        if (child + 1 < future->count &&
            is_later(future, future->held[child + 1], future->held[child]))
            child++;
        if (!is_later(future, future->held[child], object))
            break;
        place(future, at, future->held[child]);
    }
    place(future, at, object);
}

static void take_out(struct future *future, size_t at)
{
    uint32_t object = future->held[at], last = future->held[--future->count];
    future->position[object] = 0;
    future->bytes -= future->sizes[object];
    if (at == future->count)
        return;
    place(future, at, last);
    sift(future, at);
}

/* The largest size times distance of some that are drawn. */
static size_t draw_victim(struct future *future, size_t now)
{
    size_t worst = 0;
    double most = -1;
    for (int i = 0; i < 64; i++) {
        size_t at = hash_mix(future->random++) % future->count;
        uint32_t object = future->held[at];
        double area = (double)(future->when[object] - now) * future->sizes[object];
        if (area > most) {
            most = area;
            worst = at;
        }
    }
    return worst;
}

static struct misses run(struct future *future, uint64_t limit_bytes, bool is_by_area)
{
    struct misses misses = {0, 0};
    for (size_t i = 0; i < future->trace->count; i++) {
        struct ask ask = future->trace->asks[i];
        future->when[ask.object] = future->next[i];
        if (future->position[ask.object]) {
            sift(future, future->position[ask.object] - 1);
            continue;
        }
        missed(&misses, ask.size);
        if (future->next[i] == UINT32_MAX || ask.size > limit_bytes)
            continue;
        future->sizes[ask.object] = ask.size;
        future->bytes += ask.size;
        place(future, future->count++, ask.object);
        sift(future, future->count - 1);
        while (future->bytes > limit_bytes)
            take_out(future, is_by_area ? draw_victim(future, i) : 0);
    }
    return misses;
}

static struct misses offline(const struct trace *trace, uint64_t limit_bytes, bool is_by_area)
{
    size_t objects = trace->objects + 1;
    struct future future = {.trace = trace,
                            .next = mem_alloc(trace->count * sizeof(uint32_t)),
                            .held = mem_alloc(objects * sizeof(uint32_t)),
                            .position = mem_zalloc(objects * sizeof(uint32_t)),
                            .when = mem_zalloc(objects * sizeof(uint32_t)),
                            .sizes = mem_zalloc(objects * sizeof(uint32_t))};
    look_ahead(&future);
    struct misses misses = run(&future, limit_bytes, is_by_area);
    mem_free(future.next);
    mem_free(future.held);
    mem_free(future.position);
    mem_free(future.when);
    mem_free(future.sizes);
    return misses;
}

struct misses offline_bound(const struct trace *trace, uint64_t limit_bytes)
{
    struct misses far = offline(trace, limit_bytes, false);
    if (!trace->is_sized)
        return far;
    struct misses area = offline(trace, limit_bytes, true);
    return (struct misses){far.objects < area.objects ? far.objects : area.objects,
                           far.bytes < area.bytes ? far.bytes : area.bytes};
}
