// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "edge/peers.h"
#include "edge/state.h"

/*
 * asking_begin: what is asked for, by whom: a client of the site, of this service (then only what
 * matters to its objects counts of what the client says), or nobody but this node.
 */

enum { ASKED_LATELY_MS = 24 * 3600 * 1000 }; /* a rendition, by listeners here */

static bool has_own_conditions(struct caching_fields fields)
{
    return caching_field(fields, TEXT("If-Match")).data ||
           caching_field(fields, TEXT("If-Unmodified-Since")).data;
}

/* The form that a key and an origin take; OPTIONS * stays as it is. */
static struct text origin_form(struct arena *arena, const struct http_request *request)
{
    struct text target = request->target;
    if (text_starts(target, TEXT("/")) || text_equal(target, TEXT("*")))
        return target;
    size_t slashes = text_find_byte(target, ':');
    struct text rest = slashes == SIZE_MAX ? TEXT_NONE : text_from(target, slashes + 3);
    size_t path = 0;
    while (path < rest.size && rest.data[path] != '/' && rest.data[path] != '?')
        path++;
    rest = text_from(rest, path);
    return text_starts(rest, TEXT("/")) ? rest : arena_printf(arena, "/%.*s", TEXT_ARGS(rest));
}

static struct text key_of(struct arena *arena, struct text host, struct text target)
{
    struct buffer key;
    buffer_init(&key, CACHE_KEY_MAX);
    stored_key(host, target, &key);
    struct text own = key.overflowed ? TEXT_NONE : arena_text(arena, buffer_view(&key));
    buffer_release(&key);
    return own;
}

static void limit_asked(struct caching_asked *asked)
{
    asked->no_cache = asked->no_store = false;
    asked->max_age_s = asked->min_fresh_s = CACHING_UNSET;
}

/* What is asked for, and by which fields; the key's `place` stands for the host. */
struct wanted {
    struct text place, target;
    struct caching_fields fields;
    const struct edge_object *object; /* or NULL */
    bool is_granted;
};

/* no Host holds a space, so no other request has such a key */
static const struct text granted_place = TEXT_INIT(" granted");

static struct asking *asking_new(struct edge *edge, struct exchange *exchange,
                                 const struct wanted *wanted)
{
    const struct http_request *request = exchange_request(exchange);
    struct arena *arena = exchange_arena(exchange);
    struct asking *asking = MEM_NEW(struct asking);
    *asking = (struct asking){
        .here = &edge->loops[exchange_connection_index(exchange)],
        .answers = &answers_of_exchanges,
        .exchange = exchange,
        .arena = arena,
        .object_asked = wanted->object,
        .method = request->method == HTTP_METHOD_OTHER ? request->method_name
                                                       : http_method_name(request->method),
        .host = request->host,
        .target = wanted->target,
        .fields = wanted->fields,
        .is_granted = wanted->is_granted,
        .length = CACHE_LENGTH_UNKNOWN,
        .status = {.ttl_s = INT64_MIN},
    };
    buffer_init(&asking->head, CACHE_META_MAX);
    asking->found_key = asking->key = key_of(arena, wanted->place, asking->target);
    caching_asked_read(asking->fields, &asking->asked);
    if (edge->config.policy.edge_ignore_reload)
        limit_asked(&asking->asked);
    asking->is_read = request->method == HTTP_METHOD_GET || request->method == HTTP_METHOD_HEAD;
    asking->is_alone = request->method != HTTP_METHOD_GET || asking->asked.no_store ||
                       has_own_conditions(asking->fields);
    return asking;
}

static void begin(struct edge *edge, struct exchange *exchange, const struct wanted *wanted)
{
    struct asking *asking = asking_new(edge, exchange, wanted);
    if (!asking->key.data || !asking->target.data) {
        asking_free(asking);
        exchange_send_problem(exchange, 414, "Too long", "No key is made of so long a target.");
    } else if (asking->is_read && !has_own_conditions(asking->fields)) {
        asking_look(asking, asking->key);
    } else {
        asking->forward = asking->is_read ? CACHING_FORWARD_REQUEST : CACHING_FORWARD_METHOD;
        asking->is_alone = true;
        asking_forward(asking);
    }
}

static void ask(struct edge *edge, struct exchange *exchange, const struct edge_object *object)
{
    const struct http_request *request = exchange_request(exchange);
    struct arena *arena = exchange_arena(exchange);
    const struct wanted wanted = {
        .place = request->host,
        .target = query_normalise(&edge->config.query, origin_form(arena, request), arena),
        .fields = {request->fields, request->field_count},
        .object = object,
    };
    begin(edge, exchange, &wanted);
}

void edge_handle(struct exchange *exchange, void *context) { ask(context, exchange, NULL); }

void edge_ask(struct edge *edge, struct exchange *exchange, exchange_handler *otherwise,
              void *context)
{
    struct edge_object *object = arena_zalloc(exchange_arena(exchange), sizeof *object);
    if (object)
        *object = (struct edge_object){.otherwise = otherwise, .context = context};
    ask(edge, exchange, object);
}

/* Of what a client says only this matters to an object of ours; one of several who ask may give its
 * grant for all. */
static bool granted_fields(const struct http_request *request, struct arena *arena,
                           struct text grant, struct caching_fields *ret)
{
    static const struct text names[] = {
        TEXT_INIT("Range"),
        TEXT_INIT("If-Range"),
        TEXT_INIT("If-None-Match"),
        TEXT_INIT("If-Match"),
        TEXT_INIT("If-Modified-Since"),
        TEXT_INIT("If-Unmodified-Since"),
        TEXT_INIT("Cache-Control"),
        TEXT_INIT("Pragma"),
        TEXT_INIT("TE"),
    };
    struct http_field *items = arena_alloc(arena, (request->field_count + 1) * sizeof *items);
    *ret = (struct caching_fields){items, 0};
    if (!items)
        return false;
    for (size_t i = 0; i < request->field_count; i++) {
        bool is_kept = false;
        for (size_t k = 0; k < ARRAY_SIZE(names); k++)
            is_kept |= text_equal_nocase(request->fields[i].name, names[k]);
        if (is_kept)
            items[ret->count++] = request->fields[i];
    }
    if (grant.size)
        items[ret->count++] = (struct http_field){TEXT("Sostenuto-Grant"), grant};
    return true;
}

/* Whoever begins to play one; other edges ask only-if-cached. */
static void note_rendition(struct edge *edge, const struct http_request *request,
                           struct text target)
{
    enum rendition rendition;
    if (text_ends(target, TEXT("/init.mp4")) && peer_rendition_of(target, &rendition) &&
        !http_request_field(request, TEXT("Cache-Control")).size)
        atomic_store(&edge->asked_ms[rendition], edge_now_ms());
}

uint32_t edge_renditions_asked(const struct edge *edge, int64_t now_ms)
{
    uint32_t asked = 0;
    for (unsigned i = 0; i < RENDITION_COUNT; i++) {
        int64_t at_ms = atomic_load(&edge->asked_ms[i]);
        asked |= (uint32_t)(at_ms && now_ms - at_ms < ASKED_LATELY_MS) << i;
    }
    return asked;
}

void edge_ask_object(struct edge *edge, struct exchange *exchange, const struct edge_object *object)
{
    const struct http_request *request = exchange_request(exchange);
    struct arena *arena = exchange_arena(exchange);
    struct edge_object *own = arena_alloc(arena, sizeof *own);
    struct wanted wanted = {
        .place = granted_place, .target = object->target, .object = own, .is_granted = true};
    if (own && granted_fields(request, arena, object->grant, &wanted.fields)) {
        *own = *object;
        note_rendition(edge, request, object->target);
        begin(edge, exchange, &wanted);
    } else {
        exchange_send_empty(exchange, 503);
    }
}

bool edge_holds(const struct edge *edge, struct text target)
{
    struct cache_object *object = NULL;
    struct buffer key;
    buffer_init(&key, CACHE_KEY_MAX);
    stored_key(granted_place, target, &key);
    enum cache_place place =
        key.overflowed ? CACHE_ABSENT : cache_get(edge->config.cache, buffer_view(&key), &object);
    cache_object_unref(object);
    buffer_release(&key);
    return place != CACHE_ABSENT;
}

/* --- nobody's connection --- */

struct asking *asking_own(struct edge_loop *here, struct arena *arena, struct text target,
                          const struct answers *answers)
{
    struct asking *asking = MEM_NEW(struct asking);
    *asking = (struct asking){
        .here = here,
        .answers = answers,
        .arena = arena,
        .method = TEXT("GET"),
        .host = TEXT("sostenuto"),
        .target = arena_text(arena, target),
        .is_granted = true,
        .is_read = true,
        .length = CACHE_LENGTH_UNKNOWN,
        .status = {.ttl_s = INT64_MIN},
    };
    buffer_init(&asking->head, CACHE_META_MAX);
    asking->found_key = asking->key = key_of(arena, granted_place, asking->target);
    caching_asked_read(asking->fields, &asking->asked);
    return asking;
}

void asking_begin(struct asking *asking)
{
    if (asking->key.data && asking->target.data) {
        asking_look(asking, asking->key);
        return;
    }
    asking->outcome = FETCH_FULL;
    asking->answers->failed(asking);
}
