// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/bring.h"

#include "base/arena.h"
#include "base/mem.h"
#include "edge/state.h"
#include "io/loop.h"

#include <assert.h>
#include <string.h>

enum { ARENA_BYTES = 256 << 10 };

struct bring {
    struct edge_loop *here;
    struct bring *next, **at; /* among those of its loop */
    struct arena *arena;
    struct asking *asking; /* NULL: answered */
    size_t most_bytes;
    edge_brought *told;
    void *context;
    struct cache_object *object; /* that is read */
    struct cache_wait *wait;
    uint64_t offset;
    struct buffer bytes;
    struct brought brought;
};

static void unlist(struct bring *bring)
{
    if (bring->at)
        *bring->at = bring->next;
    if (bring->next)
        bring->next->at = bring->at;
    bring->at = NULL;
    bring->next = NULL;
}

static void bring_free(struct bring *bring)
{
    unlist(bring);
    if (bring->wait)
        cache_wait_cancel(bring->wait);
    cache_object_unref(bring->object);
    buffer_release(&bring->bytes);
    arena_free(&bring->arena);
    mem_free(bring);
}

static void end(struct bring *bring, enum bring_result result)
{
    bring->brought.result = result;
    bring->brought.bytes = buffer_view(&bring->bytes);
    if (bring->told)
        bring->told(bring->context, &bring->brought);
    bring_free(bring);
}

/* --- reading along --- */

static void read_on(struct bring *bring);

static void on_wake(void *context)
{
    struct bring *bring = context;
    bring->wait = NULL;
    read_on(bring);
}

/* False: it is more than is wanted. */
static bool take(struct bring *bring, struct text piece)
{
    bring->offset += piece.size;
    if (!bring->most_bytes)
        return true;
    if (piece.size > bring->most_bytes - bring->bytes.size)
        return false;
    buffer_text(&bring->bytes, piece);
    return true;
}

/* What nobody wants to see is only waited for; a whole one need not come from the disk. */
static bool is_there(const struct bring *bring)
{
    return !bring->most_bytes && cache_object_state(bring->object) == CACHE_WHOLE;
}

static void read_on(struct bring *bring)
{
    struct cache_piece piece;
    enum cache_read what = CACHE_READ_END;
    bool fits = true;
    while (fits && !is_there(bring) &&
           (what = cache_read(bring->object, bring->offset, &piece)) == CACHE_READ_PIECE) {
        fits = take(bring, piece.bytes);
        cache_piece_release(&piece);
    }
    if (fits && what == CACHE_READ_WAIT) {
        bring->wait = cache_wait(bring->object, bring->offset, bring->here->loop, on_wake, bring);
        return;
    }
    bring->brought.size = cache_object_length(bring->object);
    end(bring, fits && what != CACHE_READ_FAILED ? BRING_HERE : BRING_FAILED);
}

/* --- what is answered --- */

static void on_stored(struct asking *asking, struct cache_object *object,
                      const struct cache_meta *meta, const struct stored *stored)
{
    struct bring *bring = asking->bring;
    bool is_whole = stored->kind == STORED_RESPONSE;
    bring->brought.status = stored->status;
    bring->brought.was_held = asking->status.is_hit;
    cache_meta_unref(meta);
    asking_free(asking); /* with its tail: what the store gives up is not held */
    bring->asking = NULL;
    bring->object = object;
    if (bring->brought.status == 200 && is_whole)
        read_on(bring);
    else
        end(bring, bring->brought.status == 200 ? BRING_FAILED : BRING_NOT_SO);
}

/* Nothing that is kept. */
static void on_relayed(struct asking *asking)
{
    struct bring *bring = asking->bring;
    struct stored head;
    bool is_read = stored_read(buffer_view(&asking->head), bring->arena, &head);
    bring->brought.status = is_read ? head.status : 0;
    asking_free(asking);
    bring->asking = NULL;
    end(bring, bring->brought.status == 200 || !is_read ? BRING_FAILED : BRING_NOT_SO);
}

static void on_failed(struct asking *asking)
{
    struct bring *bring = asking->bring;
    asking_free(asking);
    bring->asking = NULL;
    end(bring, BRING_FAILED);
}

/* --- beginning --- */

static void begin(void *context)
{
    struct bring *bring = context;
    if (bring->told) {
        asking_begin(bring->asking);
        return;
    }
    asking_free(bring->asking); /* its loop has ended meanwhile */
    bring_free(bring);
}

void edge_bring(struct edge *edge, size_t loop_index, struct text target, size_t most_bytes,
                edge_brought *told, void *context)
{
    static const struct answers answers = {on_stored, on_relayed, on_failed};
    struct edge_loop *here = &edge->loops[loop_index];
    if (here->has_ended) {
        told(context, &(struct brought){.result = BRING_FAILED});
        return;
    }
    struct bring *bring = MEM_NEW(struct bring);
    *bring = (struct bring){.here = here,
                            .next = here->brings,
                            .at = &here->brings,
                            .arena = arena_new(ARENA_BYTES),
                            .most_bytes = most_bytes,
                            .told = told,
                            .context = context};
    if (bring->next)
        bring->next->at = &bring->next;
    here->brings = bring;
    buffer_init(&bring->bytes, most_bytes ? most_bytes : 1);
    bring->asking = asking_own(here, bring->arena, target, &answers);
    bring->asking->bring = bring;
    loop_post(here->loop, begin, bring);
}

/* What still waits for an answer is told now, for edge and tellers may be gone when that comes. */
static void cut(struct bring *bring)
{
    const struct brought brought = {.result = BRING_FAILED};
    unlist(bring);
    assert(bring->told); /* once it was told it is in no list */
    bring->told(bring->context, &brought);
    bring->told = NULL;
}

void bring_cut_all(struct edge_loop *here)
{
    while (here->brings) {
        if (here->brings->asking)
            cut(here->brings);
        else
            end(here->brings, BRING_FAILED);
    }
}
