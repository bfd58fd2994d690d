// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/sliced.h"

#include "base/mem.h"
#include "edge/forward.h"

#include <errno.h>
#include <string.h>

/*
 * sliced: at most two parts, the one that is read and the one that follows.
 *
 *     part: looked for ─┬─ in memory ──────────────────────────────┬─▶ object: read, waited for
 *                       ├─ on the disk ─┬──────────────────────────┤
 *                       └─ nowhere ─────┴─▶ asked for upstream ────┴─▶ error
 */
struct part {
    struct sliced *sliced;
    uint64_t index;
    struct cache_object *object;
    struct cache_ask *disk;
    struct slice_ask *upstream;
    int error;
    bool was_fetched, was_tried_again;
};

struct sliced {
    struct edge_loop *here;
    struct exchange *exchange;
    struct caching_fields fields; /* of the request, as they may go upstream */
    bool is_granted;
    struct slice_of of;
    struct text head_key, host, target;
    struct slice_origin *origin; /* made when it is first needed */
    uint64_t at, end;
    struct part *now, *next;
    struct cache_wait *wait;
    sliced_ready *ready; /* NULL: nobody waits */
    void *context;
};

static void tell(struct sliced *sliced)
{
    sliced_ready *ready = sliced->ready;
    sliced->ready = NULL;
    if (ready)
        ready(sliced->context);
}

/* --- one part --- */

static void part_free(struct part **part)
{
    if (!*part)
        return;
    if ((*part)->disk)
        cache_ask_cancel((*part)->disk);
    if ((*part)->upstream)
        slice_ask_cancel((*part)->upstream);
    cache_object_unref((*part)->object);
    mem_free_p(part);
}

static void on_told(void *context, enum slice_result result, struct cache_object *object)
{
    struct part *part = context;
    part->upstream = NULL;
    part->object = object;
    part->was_fetched = true;
    part->error = result == SLICE_COMES ? 0 : result == SLICE_CHANGED ? -ESTALE : -EIO;
    if (part == part->sliced->now)
        tell(part->sliced);
}

static struct slice_origin *make_origin(struct sliced *sliced)
{
    struct exchange *exchange = sliced->exchange;
    bool is_own = sliced->is_granted && edge_is_node(sliced->here->edge);
    bool tells = !sliced->here->edge->config.policy.edge_hide_clients && !is_own;
    const struct exchange_peer *peer = exchange_peer(exchange);
    struct caching_fields fields;
    if (!forward_request(&(struct forward){.asked = sliced->fields,
                                           .conditions = FORWARD_WHOLE,
                                           .is_own = is_own,
                                           .client = tells ? text_of(peer->address) : TEXT_NONE,
                                           .is_secure = peer->is_secure},
                         exchange_arena(exchange), &fields))
        return NULL;
    return slice_origin_new(&sliced->of, sliced->head_key, sliced->host, sliced->target, fields);
}

static void ask_upstream(struct part *part)
{
    struct sliced *sliced = part->sliced;
    if (!sliced->origin)
        sliced->origin = make_origin(sliced);
    if (sliced->origin)
        part->upstream = slice_ask(sliced->here, sliced->origin, part->index, on_told, part);
    else
        part->error = -EIO;
}

static void on_found(void *context, struct cache_object *object)
{
    struct part *part = context;
    part->disk = NULL;
    part->object = object;
    if (!object)
        ask_upstream(part);
    if (part == part->sliced->now && (part->object || part->error))
        tell(part->sliced);
}

static struct part *part_new(struct sliced *sliced, uint64_t index)
{
    struct part *part = MEM_NEW(struct part);
    struct cache *cache = sliced->here->edge->config.cache;
    struct buffer name;
    part->sliced = sliced;
    part->index = index;
    buffer_init(&name, CACHE_KEY_MAX);
    struct text key = slice_key(&sliced->of, index, &name);
    enum cache_place place = key.data ? cache_get(cache, key, &part->object) : CACHE_ABSENT;
    if (place == CACHE_ON_DISK)
        part->disk = cache_ask(cache, key, sliced->here->loop, on_found, part);
    if (place != CACHE_HERE && !part->disk)
        ask_upstream(part);
    buffer_release(&name);
    return part;
}

/* --- which part --- */

static void go_to(struct sliced *sliced, uint64_t index)
{
    if (sliced->now && sliced->now->index == index)
        return;
    part_free(&sliced->now);
    if (sliced->next && sliced->next->index == index) {
        sliced->now = sliced->next;
        sliced->next = NULL;
    } else {
        sliced->now = part_new(sliced, index);
    }
}

static void look_ahead(struct sliced *sliced)
{
    uint64_t size = sliced->of.slice_bytes, index = sliced->at / size + 1;
    if (!sliced->next && sliced->at % size >= size / 2 && index * size < sliced->end)
        sliced->next = part_new(sliced, index);
}

/* Once more, past what failed; the store has it no more. */
static bool try_again(struct sliced *sliced)
{
    struct part *part = sliced->now;
    if (part->was_tried_again)
        return false;
    cache_object_unref(part->object);
    part->object = NULL;
    part->was_tried_again = true;
    ask_upstream(part);
    return true;
}

/* --- reading --- */

int sliced_state(const struct sliced *sliced)
{
    if (sliced->now->error)
        return sliced->now->error;
    return sliced->now->object ? 0 : -EAGAIN;
}

bool sliced_was_fetched(const struct sliced *sliced) { return sliced->now->was_fetched; }

static int wait_for(struct sliced *sliced, int state, sliced_ready *ready, void *context)
{
    if (state == -EAGAIN) {
        sliced->ready = ready;
        sliced->context = context;
    }
    return state;
}

int sliced_begin(struct sliced *sliced, uint64_t at, uint64_t end, sliced_ready *ready,
                 void *context)
{
    sliced->at = at;
    sliced->end = end;
    go_to(sliced, at / sliced->of.slice_bytes);
    return wait_for(sliced, sliced_state(sliced), ready, context);
}

static void on_wake(void *context)
{
    struct sliced *sliced = context;
    sliced->wait = NULL;
    tell(sliced);
}

static ssize_t read_slice(struct sliced *sliced, char *room, size_t size)
{
    uint64_t in_slice = sliced->at % sliced->of.slice_bytes;
    struct cache_piece piece;
    switch (cache_read(sliced->now->object, in_slice, &piece)) {
    case CACHE_READ_PIECE:
        size = piece.bytes.size < size ? piece.bytes.size : size;
        memcpy(room, piece.bytes.data, size);
        cache_piece_release(&piece);
        sliced->at += size;
        look_ahead(sliced);
        return (ssize_t)size;
    case CACHE_READ_WAIT:
        if (!sliced->wait)
            sliced->wait =
                cache_wait(sliced->now->object, in_slice, sliced->here->loop, on_wake, sliced);
        return -EAGAIN;
    case CACHE_READ_FAILED:
        return try_again(sliced) ? -EAGAIN : -EIO;
    case CACHE_READ_END:
        break;
    }
    return -EIO; /* shorter than its name says */
}

ssize_t sliced_read(struct sliced *sliced, char *room, size_t size, sliced_ready *ready,
                    void *context)
{
    if (sliced->at == sliced->end)
        return 0;
    size = size < sliced->end - sliced->at ? size : (size_t)(sliced->end - sliced->at);
    go_to(sliced, sliced->at / sliced->of.slice_bytes);
    int state = sliced_state(sliced);
    ssize_t got = state == 0 ? read_slice(sliced, room, size) : state;
    if (got == -EAGAIN) /* or what it tried again has failed at once */
        got = wait_for(sliced, sliced->now->error ? sliced->now->error : -EAGAIN, ready, context);
    return got;
}

/* --- life --- */

struct sliced *sliced_new(const struct asking *asking, const struct slice_of *of)
{
    struct sliced *sliced = MEM_NEW(struct sliced);
    sliced->here = asking->here;
    sliced->exchange = asking->exchange;
    sliced->fields = asking->fields;
    sliced->is_granted = asking->is_granted;
    sliced->of = *of;
    sliced->of.version = arena_text(asking->arena, of->version);
    sliced->head_key = asking->found_key;
    sliced->host = asking->host;
    sliced->target = asking->target;
    return sliced;
}

void sliced_free(struct sliced **sliced)
{
    if (!*sliced)
        return;
    if ((*sliced)->wait)
        cache_wait_cancel((*sliced)->wait);
    part_free(&(*sliced)->now);
    part_free(&(*sliced)->next);
    slice_origin_unref((*sliced)->origin);
    mem_free_p(sliced);
}
