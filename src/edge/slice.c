// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/slice.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "http/caching_update.h"
#include "http/range.h"
#include "io/loop.h"

#include <assert.h>
#include <string.h>

/*
 * slice: names, and the request upstream.
 *
 *     slice_ask ─▶ on_asked (home) ─┬─ it is there ──────────────────────┐
 *                                   ├─ follow a flight ──────────────────┤
 *                                   └─ lead: fetch ─▶ on_header ─▶ … end ┴▶ on_told (back) ─▶ told
 */
enum { NAME_MAX_BYTES = 128, ARENA_BYTES = 256 << 10 };

/* --- names --- */

bool slice_may_name(struct text version)
{
    return version.size > 0 && version.size <= NAME_MAX_BYTES;
}

struct text slice_version(struct caching_fields stored)
{
    struct text tag = caching_field(stored, TEXT("ETag"));
    return tag.data ? tag : caching_field(stored, TEXT("Last-Modified"));
}

uint64_t slice_size(const struct slice_of *of, uint64_t index)
{
    uint64_t left = of->length - index * of->slice_bytes;
    return left < of->slice_bytes ? left : of->slice_bytes;
}

struct text slice_key(const struct slice_of *of, uint64_t index, struct buffer *out)
{
    buffer_text(out, of->url_key);
    buffer_text(out, TEXT("\nslice "));
    buffer_text(out, of->version);
    buffer_printf(out, " %llu %llu %llu", (unsigned long long)of->length,
                  (unsigned long long)of->slice_bytes, (unsigned long long)index);
    return out->overflowed ? TEXT_NONE : buffer_view(out);
}

static bool is_that_version(const struct slice_of *of, const struct http_response *response,
                            uint64_t length)
{
    if (!guard_is_on(GUARD_MIXED_VERSIONS))
        return true;
    struct caching_fields fields = {response->fields, response->field_count};
    return length == of->length && caching_is_version(fields, of->version);
}

bool slice_fits(const struct slice_of *of, uint64_t index, const struct http_response *response)
{
    struct http_range part;
    uint64_t length, size = slice_size(of, index);
    return response->status == 206 &&
           http_content_range_read(http_response_field(response, TEXT("Content-Range")), &part,
                                   &length) &&
           part.first == index * of->slice_bytes && part.last - part.first + 1 == size &&
           (response->content_length == UINT64_MAX || response->content_length == size) &&
           is_that_version(of, response, length);
}

/* --- what goes upstream --- */

struct slice_origin {
    atomic_uint refs;
    struct arena *arena;
    struct slice_of of;
    struct text head_key, host, target;
    struct caching_fields fields;
};

struct slice_origin *slice_origin_new(const struct slice_of *of, struct text head_key,
                                      struct text host, struct text target,
                                      struct caching_fields fields)
{
    struct slice_origin *origin = MEM_NEW(struct slice_origin);
    struct arena *arena = arena_new(ARENA_BYTES);
    struct http_field *items = arena_alloc(arena, (fields.count + 1) * sizeof *items);
    atomic_init(&origin->refs, 1);
    origin->arena = arena;
    origin->of = *of;
    origin->of.url_key = arena_text(arena, of->url_key);
    origin->of.version = arena_text(arena, of->version);
    origin->head_key = arena_text(arena, head_key);
    origin->host = arena_text(arena, host);
    origin->target = arena_text(arena, target);
    for (size_t i = 0; items && i < fields.count; i++)
        items[i] = (struct http_field){arena_text(arena, fields.items[i].name),
                                       arena_text(arena, fields.items[i].value)};
    origin->fields = (struct caching_fields){items, items ? fields.count : 0};
    return origin;
}

static struct slice_origin *origin_ref(struct slice_origin *origin)
{
    atomic_fetch_add(&origin->refs, 1);
    return origin;
}

void slice_origin_unref(struct slice_origin *origin)
{
    if (!origin || atomic_fetch_sub(&origin->refs, 1) > 1)
        return;
    arena_free(&origin->arena);
    mem_free(origin);
}

/* --- asking and being told --- */

struct slice_ask { /* of one loop at a time, but is_cancelled: always of `here` */
    struct edge_loop *here, *home;
    struct slice_origin *origin;
    uint64_t index;
    slice_told *told;
    void *context;
    bool is_cancelled;
    struct flight_waiter waiter;
    enum slice_result result;
    struct cache_object *object;
};

static void on_told(void *context)
{
    struct slice_ask *ask = context;
    if (ask->is_cancelled)
        cache_object_unref(ask->object);
    else
        ask->told(ask->context, ask->result, ask->object);
    slice_origin_unref(ask->origin);
    mem_free(ask);
}

/* With a reference to the object. */
static void tell(struct slice_ask *ask, enum slice_result result, struct cache_object *object)
{
    ask->result = result;
    ask->object = object;
    loop_post(ask->here->loop, on_told, ask);
}

static void on_landing(struct flight_waiter *waiter, enum flight_result result, void *object)
{
    struct slice_ask *ask = CONTAINER_OF(waiter, struct slice_ask, waiter);
    if (result == FLIGHT_SHOWN)
        tell(ask, SLICE_COMES, cache_object_ref(object));
    else
        tell(ask, result == FLIGHT_RELEASED ? SLICE_CHANGED : SLICE_FAILED, NULL);
}

/* --- the one request --- */

struct slice_fetch {
    struct edge_loop *home;
    struct slice_fetch *next, **at;
    struct slice_origin *origin;
    uint64_t index;
    struct text key; /* in the arena */
    struct arena *arena;
    struct slice_ask *asker;
    struct flight *flight; /* NULL: it is nobody's but the asker's */
    struct fetch *fetch;
    struct cache_writer *writer;
};

static void land(struct slice_fetch *work, enum slice_result result)
{
    struct slice_ask *asker = work->asker;
    work->asker = NULL;
    if (asker)
        tell(asker, result, NULL);
    if (work->flight)
        (void)flight_land(&work->flight, result == SLICE_CHANGED ? FLIGHT_RELEASED : FLIGHT_FAILED,
                          loop_now_us(work->home->loop));
}

/* Who still waits hears `result`; who reads what was not ended sees it fail. */
static void end(struct slice_fetch *work, enum slice_result result)
{
    cache_write_abort(&work->writer);
    land(work, result);
    *work->at = work->next;
    if (work->next)
        work->next->at = work->at;
    slice_origin_unref(work->origin);
    arena_free(&work->arena);
    mem_free(work);
}

bool slice_write_begin(struct edge *edge, struct text key, uint64_t size,
                       struct cache_writer **ret_writer, struct cache_object **ret)
{
    struct cache *cache = edge->config.cache;
    const struct stored stored = {.kind = STORED_RESPONSE, .status = 206};
    struct buffer meta;
    buffer_init(&meta, CACHE_META_MAX);
    bool is_written = stored_write(&stored, &meta);
    const struct cache_draft draft = {
        .key = key,
        .meta = {.bytes = buffer_view(&meta), .generation = cache_generation(cache)},
        .length = size};
    is_written = is_written && cache_write_begin(cache, &draft, ret_writer, ret) == 0;
    buffer_release(&meta);
    return is_written;
}

static void show(struct slice_fetch *work, struct cache_object *object)
{
    struct slice_ask *asker = work->asker;
    work->asker = NULL;
    if (asker)
        tell(asker, SLICE_COMES, cache_object_ref(object));
    if (work->flight)
        (void)flight_show(work->flight, object);
    cache_object_unref(object); /* the writer has one for as long as the flight */
}

/* Whole, gone, or shorter; what an origin says of itself (5xx) or of who asks (401) is no news. */
static bool is_about_another(unsigned status)
{
    return status == 200 || status == 206 || status == 404 || status == 410 || status == 416;
}

static void on_header(struct fetch *fetch, const struct http_response *response, void *context)
{
    struct slice_fetch *work = context;
    struct cache_object *object = NULL;
    bool fits = slice_fits(&work->origin->of, work->index, response);
    if (fits &&
        slice_write_begin(work->home->edge, work->key, slice_size(&work->origin->of, work->index),
                          &work->writer, &object)) {
        show(work, object);
        return;
    }
    bool is_changed = !fits && is_about_another(response->status);
    if (is_changed) {
        counter_add(COUNTER_EDGE_SLICES_CHANGED, 1);
        cache_remove(work->home->edge->config.cache, work->origin->head_key);
    }
    fetch_cancel(fetch);
    end(work, is_changed ? SLICE_CHANGED : SLICE_FAILED);
}

static void on_body(struct fetch *fetch, struct text piece, void *context)
{
    struct slice_fetch *work = context;
    if (cache_write(work->writer, piece) == 0)
        return;
    fetch_cancel(fetch);
    end(work, SLICE_FAILED);
}

static void on_end(struct fetch *fetch UNUSED, const struct fetch_end *fetched, void *context)
{
    struct slice_fetch *work = context;
    work->fetch = NULL;
    if (fetched->outcome == FETCH_DONE && work->writer)
        (void)!cache_write_end(&work->writer, NULL); /* too short: its readers see it fail */
    end(work, SLICE_FAILED);
}

static const struct fetch_handler handler = {NULL, on_header, on_body, NULL, on_end};

static bool write_fields(struct slice_fetch *work, struct http_field *fields)
{
    const struct slice_origin *origin = work->origin;
    uint64_t first = work->index * origin->of.slice_bytes;
    uint64_t last = first + slice_size(&origin->of, work->index) - 1;
    struct text range = arena_printf(work->arena, "bytes=%llu-%llu", (unsigned long long)first,
                                     (unsigned long long)last);
    if (!fields || !range.data)
        return false;
    memcpy(fields, origin->fields.items, origin->fields.count * sizeof *fields);
    fields[origin->fields.count] = (struct http_field){TEXT("Range"), range};
    fields[origin->fields.count + 1] = (struct http_field){TEXT("If-Range"), origin->of.version};
    return true;
}

/* Owns the work from here on. */
static void begin(struct slice_fetch *work)
{
    const struct slice_origin *origin = work->origin;
    const struct edge_config *config = &work->home->edge->config;
    struct http_field *fields =
        arena_alloc(work->arena, (origin->fields.count + 2) * sizeof *fields);
    if (write_fields(work, fields)) {
        const struct fetch_request request = {
            .method = TEXT("GET"),
            .target = origin->target,
            .host = origin->host,
            .fields = fields,
            .field_count = origin->fields.count + 2,
            .expects = expect_for(config->expects, config->expect_count, origin->target),
        };
        work->fetch = fetch_start(work->home->fetcher, &request, &handler, work);
    }
    if (work->fetch)
        counter_add(COUNTER_EDGE_SLICES, 1);
    else
        end(work, SLICE_FAILED);
}

static struct slice_fetch *work_new(struct slice_ask *ask, struct text key, struct flight *flight)
{
    struct slice_fetch *work = MEM_NEW(struct slice_fetch);
    struct edge_loop *home = ask->home;
    work->home = home;
    work->origin = origin_ref(ask->origin);
    work->index = ask->index;
    work->arena = arena_new(ARENA_BYTES);
    work->key = arena_text(work->arena, key);
    work->asker = ask;
    work->flight = flight;
    work->next = home->slices;
    work->at = &home->slices;
    if (work->next)
        work->next->at = &work->next;
    home->slices = work;
    return work;
}

/* --- on the home loop --- */

static void ask_under(struct slice_ask *ask, struct text key)
{
    struct edge_loop *home = ask->home;
    struct cache_object *object = NULL;
    struct flight *flight = NULL;
    if (!key.data || !edge_loop_is_ready(home)) {
        tell(ask, SLICE_FAILED, NULL);
        return;
    }
    if (cache_get(home->edge->config.cache, key, &object) == CACHE_HERE) {
        tell(ask, SLICE_COMES, object); /* it has come meanwhile */
        return;
    }
    ask->waiter.on_landing = on_landing;
    switch (flight_join(home->flights, key, loop_now_us(home->loop), &ask->waiter, &flight)) {
    case FLIGHT_READ:
        tell(ask, SLICE_COMES, cache_object_ref(flight_object(flight)));
        return;
    case FLIGHT_LEAD:
    case FLIGHT_ALONE:
        begin(work_new(ask, key, flight));
        return;
    case FLIGHT_FULL:
        tell(ask, SLICE_FAILED, NULL);
        return;
    case FLIGHT_FOLLOW:
        return;
    }
}

static void on_asked(void *context)
{
    struct slice_ask *ask = context;
    struct buffer key;
    buffer_init(&key, CACHE_KEY_MAX);
    ask_under(ask, slice_key(&ask->origin->of, ask->index, &key));
    buffer_release(&key);
}

struct slice_ask *slice_ask(struct edge_loop *here, struct slice_origin *origin, uint64_t index,
                            slice_told *told, void *context)
{
    struct slice_ask *ask = MEM_NEW(struct slice_ask);
    ask->here = here;
    ask->home = edge_home(here->edge, origin->of.url_key);
    ask->origin = origin_ref(origin);
    ask->index = index;
    ask->told = told;
    ask->context = context;
    loop_post(ask->home->loop, on_asked, ask);
    return ask;
}

void slice_ask_cancel(struct slice_ask *ask) { ask->is_cancelled = true; }

struct flight *slice_flight_begin(struct edge_loop *home, struct text key,
                                  struct cache_object *object)
{
    struct flight_waiter nobody = {0};
    struct flight *flight = NULL;
    if (flight_of(home->flights, key) ||
        flight_join(home->flights, key, loop_now_us(home->loop), &nobody, &flight) != FLIGHT_LEAD)
        return NULL;
    (void)flight_show(flight, object);
    return flight;
}

void slice_flight_end(struct edge_loop *home, struct flight **flight)
{
    if (*flight)
        (void)flight_land(flight, FLIGHT_OVER, loop_now_us(home->loop));
}

void slice_cut_all(struct edge_loop *home)
{
    while (home->slices) {
        struct slice_fetch *work = home->slices;
        if (work->fetch)
            fetch_cancel(work->fetch);
        end(work, SLICE_FAILED);
    }
}
