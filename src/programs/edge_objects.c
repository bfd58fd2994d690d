// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_objects.h"

#include "base/mem.h"
#include "edge/bring.h"
#include "edge/joined.h"

static void fetch(struct exchange *exchange, const struct api_object *object, void *context)
{
    struct edge **edge = context;
    edge_ask_object(*edge, exchange,
                    &(struct edge_object){.target = object->target,
                                          .grant = object->grant,
                                          .each = object->each,
                                          .otherwise = object->otherwise,
                                          .context = object->context});
}

struct reading {
    api_object_read *told;
    void *context;
};

static void on_brought(void *context, const struct brought *brought)
{
    struct reading *reading = context;
    reading->told(reading->context, brought->result == BRING_HERE ? brought->bytes : TEXT_NONE);
    mem_free(reading);
}

static void read_object(struct text target, size_t most_bytes, api_object_read *told,
                        void *told_context, void *context)
{
    struct edge **edge = context;
    struct reading *reading = MEM_NEW(struct reading);
    *reading = (struct reading){told, told_context};
    edge_bring(*edge, 0, target, most_bytes, on_brought, reading);
}

static bool holds(struct text target, void *context)
{
    struct edge **edge = context;
    return edge_holds(*edge, target);
}

static void join_parts(struct exchange *exchange, const struct api_part *parts, size_t count,
                       void *context)
{
    struct edge **edge = context;
    struct edge_part *own = arena_alloc(exchange_arena(exchange), (count + 1) * sizeof *own);
    for (size_t i = 0; own && i < count; i++)
        own[i] = (struct edge_part){parts[i].target, parts[i].bytes};
    if (own)
        edge_send_joined(*edge, exchange, own, count);
    else
        exchange_send_empty(exchange, 503);
}

void edge_objects_fill(struct api_elsewhere *elsewhere, struct edge **edge)
{
    elsewhere->fetch = fetch;
    elsewhere->read = read_object;
    elsewhere->holds = holds;
    elsewhere->join = join_parts;
    elsewhere->objects = edge;
}
