// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/held.h"

#include "api/inside.h"
#include "api/kept.h"
#include "api/object_classes.h"
#include "api/track.h"
#include "base/mem.h"
#include "io/clock.h"
#include "media/manifest_read.h"
#include "trust/keyring.h"

#include <inttypes.h>

enum { FIELDS_MAX = 3 };

/* In the exchange's arena. */
struct held {
    struct api *api;
    struct exchange *exchange;
    struct catalog_id track; /* of a song */
    struct api_part *parts;  /* of a rendition, when there is no original to be had */
    size_t part_count;
    struct api_object object, second; /* second: when nobody has the first; no target: none */
    struct http_field fields[FIELDS_MAX];
    size_t field_count;
    bool is_second;
};

static struct held *held_new(struct call *call)
{
    struct held *held = arena_zalloc(exchange_arena(call->exchange), sizeof *held);
    if (!held)
        return NULL;
    held->api = call->api;
    held->exchange = call->exchange;
    held->fields[held->field_count++] =
        (struct http_field){TEXT("Access-Control-Allow-Origin"), TEXT("*")};
    return held;
}

/* --- on the connection's loop --- */

static void fetch(struct exchange *exchange, void *context)
{
    struct held *held = context;
    const struct api_elsewhere *elsewhere = &held->api->config.elsewhere;
    exchange_forget_fields(exchange);
    for (size_t i = 0; i < held->field_count; i++)
        exchange_lent_field(exchange, held->fields[i].name, held->fields[i].value);
    elsewhere->fetch(exchange, held->is_second ? &held->second : &held->object, elsewhere->objects);
}

static void fetch_second(struct exchange *exchange, void *context)
{
    struct held *held = context;
    held->is_second = true;
    fetch(exchange, held);
}

static void ask(struct exchange *exchange, void *context)
{
    struct held *held = context;
    const struct api_elsewhere *elsewhere = &held->api->config.elsewhere;
    exchange_forget_fields(exchange);
    elsewhere->ask(exchange, fetch, held, elsewhere->context);
}

/* The call ends here: nothing of it may be touched afterwards. */
static enum call_end go(struct call *call, struct held *held, exchange_handler *handler)
{
    struct exchange *exchange = call->exchange;
    if (!held || arena_overflowed(exchange_arena(exchange)))
        return call_fail_busy(call, 1, "This request needs more memory than one may have.");
    if (held->second.target.data) {
        held->object.otherwise = fetch_second;
        held->object.context = held;
    }
    call_finish(call, CALL_SENT);
    exchange_go_back(exchange, handler, held);
    return CALL_LATER;
}

/* --- a song whose original nobody gives: the segments of a rendition --- */

static const enum rendition preferred[] = {RENDITION_AAC_256, RENDITION_AAC_128, RENDITION_FLAC,
                                           RENDITION_OPUS_128, RENDITION_AAC_64};

static struct text part_target(const struct held *held, enum rendition rendition,
                               uint64_t generation, const char *object)
{
    struct catalog_id_text id;
    return arena_printf(exchange_arena(held->exchange), "/m/%.*s/%s.%016" PRIx64 "/%s",
                        TEXT_ARGS(catalog_id_print(&id, CATALOG_TRACK, &held->track)),
                        rendition_word(rendition), generation, object);
}

/* False when the arena is full. */
static bool list_parts(struct held *held, enum rendition rendition,
                       const struct manifest_rendition *from)
{
    char object[32];
    struct arena *arena = exchange_arena(held->exchange);
    held->parts = arena_alloc(arena, (from->count + 1) * sizeof *held->parts);
    held->part_count = 0;
    if (!held->parts)
        return false;
    held->parts[held->part_count++] = (struct api_part){
        part_target(held, rendition, from->generation, "init.mp4"), from->init.bytes};
    for (uint32_t i = 0; i < from->count; i++) {
        (void)snprintf(object, sizeof object, "%" PRIu32 ".m4s", i);
        held->parts[held->part_count++] =
            (struct api_part){part_target(held, rendition, from->generation, object),
                              from->segments[i].segment.bytes};
    }
    return !arena_overflowed(arena);
}

static bool holds_parts(const struct held *held)
{
    const struct api_elsewhere *elsewhere = &held->api->config.elsewhere;
    bool holds = true;
    for (size_t i = 0; i < held->part_count && holds; i++)
        holds = elsewhere->holds(held->parts[i].target, elsewhere->objects);
    return holds;
}

/* Of those that are complete the best that is held here; else another node may have one. */
static bool choose_parts(struct held *held, const struct manifest_body *body)
{
    enum rendition any = RENDITION_COUNT;
    for (size_t i = 0; i < ARRAY_SIZE(preferred); i++) {
        const struct manifest_rendition *one = &body->renditions[preferred[i]];
        if (!one->is_there || one->state != MANIFEST_COMPLETE)
            continue;
        any = any == RENDITION_COUNT ? preferred[i] : any;
        if (!list_parts(held, preferred[i], one))
            return false;
        if (holds_parts(held))
            return true;
    }
    return any != RENDITION_COUNT && list_parts(held, any, &body->renditions[any]);
}

static void join(struct exchange *exchange, void *context)
{
    struct held *held = context;
    const struct api_elsewhere *elsewhere = &held->api->config.elsewhere;
    exchange_forget_fields(exchange);
    for (size_t i = 0; i < held->field_count; i++)
        exchange_lent_field(exchange, held->fields[i].name, held->fields[i].value);
    exchange_lent_field(exchange, TEXT("Content-Type"), TEXT("audio/mp4"));
    exchange_lent_field(exchange, TEXT("Cache-Control"), TEXT("no-store"));
    exchange_lent_field(exchange, TEXT("Accept-Ranges"), TEXT("none"));
    elsewhere->join(exchange, held->parts, held->part_count, elsewhere->objects);
}

static void give_up(struct exchange *exchange, void *context)
{
    const struct held *held = context;
    exchange_forget_fields(exchange);
    if (api_keeps(held->api)) {
        kept_refuse(exchange);
        return;
    }
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_field(exchange, "Retry-After", TEXT("5"));
    exchange_send_problem(exchange, 503, "Not here just now",
                          "The origin does not answer, and no node has this song.");
}

static void on_manifest(void *context, struct text body)
{
    struct held *held = context;
    struct manifest_body manifest = {0};
    char why[MANIFEST_WHY_BYTES];
    bool can_join =
        body.data && manifest_read(body, &manifest, why) && choose_parts(held, &manifest);
    manifest_body_release(&manifest);
    exchange_go_back(held->exchange, can_join ? join : give_up, held);
}

static void read_manifest(struct exchange *exchange UNUSED, void *context)
{
    struct held *held = context;
    held_read(held->api, &held->track, "manifest", on_manifest, held);
}

/* On the connection's loop, when nobody gave the original. */
static void without_original(struct exchange *exchange, void *context)
{
    exchange_go_home(exchange, read_manifest, context);
}

/* --- songs --- */

struct text held_original_name(struct arena *arena, const struct track_row *row)
{
    struct catalog_id_text id;
    return arena_printf(arena, "/m/%.*s/original.%" PRIx64 ".%.*s",
                        TEXT_ARGS(catalog_id_print(&id, CATALOG_TRACK, &row->id)), row->version,
                        TEXT_ARGS(row->suffix));
}

static struct held *original(struct call *call, const struct track_row *row)
{
    struct held *held = held_new(call);
    if (!held)
        return NULL;
    held->track = row->id;
    held->object.target = held_original_name(exchange_arena(call->exchange), row);
    held->object.otherwise = without_original;
    held->object.context = held;
    held->object.each =
        (struct http_field){TEXT("Cache-Control"), object_cache_control(OBJECT_ORIGINAL_NOW)};
    exchange_set_class(call->exchange, SHIELD_CLASS_RUNNING);
    return held;
}

enum call_end held_original(struct call *call, const struct track_row *row, bool is_download)
{
    struct held *held = original(call, row);
    if (held && is_download)
        held->fields[held->field_count++] =
            (struct http_field){TEXT("Content-Disposition"),
                                track_attachment(exchange_arena(call->exchange), row->path)};
    return go(call, held, fetch);
}

enum call_end held_converted(struct call *call, const struct track_row *row)
{
    const struct api_elsewhere *elsewhere = &call->api->config.elsewhere;
    return go(call, original(call, row), elsewhere->is_linked(elsewhere->context) ? ask : fetch);
}

/* --- pictures --- */

static struct text picture_target(struct call *call, const struct catalog_id *picture,
                                  uint32_t size_px, enum library_art_format format)
{
    struct catalog_id_text id;
    return arena_printf(exchange_arena(call->exchange), "/art/%.*s/%" PRIu32 ".%s",
                        TEXT_ARGS(catalog_id_print(&id, CATALOG_ARTWORK, picture)), size_px,
                        format == LIBRARY_ART_WEBP ? "webp" : "jpg");
}

static const uint32_t ladder[] = {64, 128, 300, 600, 1200};

static size_t rung_of(uint32_t size_px)
{
    size_t rung = 0;
    while (rung + 1 < ARRAY_SIZE(ladder) && (!size_px || ladder[rung] < size_px))
        rung++;
    return rung;
}

/* The nearest size above, else below, in a format that everybody reads. */
static struct text any_held(struct call *call, const struct art_request *request, size_t rung)
{
    const struct api_elsewhere *elsewhere = &call->api->config.elsewhere;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(ladder); i++) {
        size_t step = i / 2, up = rung + step;
        size_t at = up < ARRAY_SIZE(ladder) ? up : ARRAY_SIZE(ladder) - 1 - step;
        struct text target = picture_target(call, &request->picture, ladder[at],
                                            i % 2 ? LIBRARY_ART_JPEG : request->format);
        if (target.data && elsewhere->holds(target, elsewhere->objects))
            return target;
    }
    return TEXT_NONE;
}

bool held_has_picture(struct call *call, const struct art_request *request)
{
    return any_held(call, request, rung_of(request->size_px)).data;
}

enum call_end held_picture(struct call *call, const struct art_request *request)
{
    const struct api_elsewhere *elsewhere = &call->api->config.elsewhere;
    struct held *held = held_new(call);
    size_t rung = rung_of(request->size_px);
    if (!held)
        return go(call, held, fetch);
    held->fields[held->field_count++] = (struct http_field){TEXT("Vary"), TEXT("Accept")};
    held->object.each = (struct http_field){TEXT("Cache-Control"), text_of(request->cache_control)};
    held->object.target = picture_target(call, &request->picture, ladder[rung], request->format);
    if (elsewhere->holds(held->object.target, elsewhere->objects))
        return go(call, held, fetch);
    held->second = held->object;
    held->second.target = any_held(call, request, rung);
    held->is_second = held->second.target.data && !elsewhere->is_linked(elsewhere->context);
    return go(call, held, fetch);
}

/* --- signed objects of a track --- */

struct held_reading {
    struct api *api;
    held_told *told;
    void *context;
    char name[64];
};

static void on_read(void *context, struct text bytes)
{
    struct held_reading *reading = context;
    struct signed_object object;
    enum signed_verdict verdict = SIGNED_MALFORMED;
    if (bytes.data)
        verdict = keyring_check(reading->api->ring, bytes, text_of(reading->name),
                                clock_unix_ms() / 1000, &object);
    bool is_good = verdict == SIGNED_GOOD || verdict == SIGNED_EXPIRED; /* older, never absent */
    reading->told(reading->context, is_good ? object.body : TEXT_NONE);
    mem_free(reading);
}

void held_read(struct api *api, const struct catalog_id *track, const char *what, held_told *told,
               void *context)
{
    const struct api_elsewhere *elsewhere = &api->config.elsewhere;
    struct held_reading *reading = MEM_NEW(struct held_reading);
    struct catalog_id_text id;
    *reading = (struct held_reading){.api = api, .told = told, .context = context};
    (void)snprintf(reading->name, sizeof reading->name, "/m/%.*s/%s",
                   TEXT_ARGS(catalog_id_print(&id, CATALOG_TRACK, track)), what);
    elsewhere->read(text_of(reading->name), SIGNED_MAX_BODY_BYTES + SIGNED_MAX_PREAMBLE_BYTES,
                    on_read, reading, elsewhere->objects);
}
