// SPDX-License-Identifier: GPL-3.0-or-later
/*
 *     handle ──here──> sent
 *        │ home: proof, track
 *        ▼
 *       step ──here──> sent    ──not there, broken──> 404    ──busy, too long──> 503
 *        │ cold: a worker reads the index ─┐
 *        │ unbegun: begin the encode ──────┤
 *        │ coming: wait ───────────────────┴──> step
 *
 * A player of HLS reads its playlist once.  So what that lists says "renew": when its generation is
 * lost, the answer is a redirection to the one that there is now, and when its worker has just
 * died, it waits until there is one.
 */
#include "api/segments.h"

#include "api/hots.h"
#include "api/inside.h"
#include "api/kept.h"
#include "api/object_classes.h"
#include "api/proof.h"
#include "base/counters.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "io/workers.h"
#include "trust/grant.h"

#include <unistd.h>

enum { MAX_STEPS = 8, REST_US = 1600 * 1000 /* packager.h: how long a death is remembered */ };

/* --- names --- */

static bool parse_number(struct text digits, uint32_t *ret)
{
    uint64_t number;
    if (!text_to_u64(digits, &number) || number > SEGMENTER_MAX_SEGMENTS ||
        (digits.size > 1 && digits.data[0] == '0'))
        return false;
    *ret = (uint32_t)number;
    return true;
}

/* "init.mp4", "12.m4s", "12.lead.m4s" */
static bool parse_object(struct text name, struct package_request *ret)
{
    struct text rest = name, digits;
    ret->number = 0;
    ret->kind = SEGMENTER_INIT;
    if (text_equal(name, TEXT("init.mp4")))
        return true;
    if (!text_split(&rest, '.', &digits) || !parse_number(digits, &ret->number))
        return false;
    ret->kind = text_equal(rest, TEXT("lead.m4s")) ? SEGMENTER_LEAD : SEGMENTER_SEGMENT;
    return ret->kind == SEGMENTER_LEAD || text_equal(rest, TEXT("m4s"));
}

/* "aac-128.9f2c11d07ae35b60" */
static bool parse_rendition(struct text part, struct package_name *ret)
{
    struct text rest = part, word;
    ret->generation = 0;
    if (!text_split(&rest, '.', &word) || !rendition_from(word, &ret->rendition) || rest.size != 16)
        return false;
    for (size_t i = 0; i < rest.size; i++) {
        char c = rest.data[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
        ret->generation = ret->generation << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return true;
}

static bool parse(const struct exchange *exchange, struct package_request *ret)
{
    struct text rest = text_from(exchange_request(exchange)->path, sizeof("/m/") - 1);
    struct text track, rendition;
    enum catalog_kind kind;
    struct catalog_id id;
    if (!text_split(&rest, '/', &track) || !text_split(&rest, '/', &rendition) || !rest.data ||
        !catalog_id_parse(track, &kind, &id) || kind != CATALOG_TRACK ||
        !parse_rendition(rendition, &ret->name) || !parse_object(rest, ret))
        return false;
    memcpy(ret->name.track, id.bytes, sizeof ret->name.track);
    return true;
}

/* --- sending --- */

static void give_back(void *context)
{
    struct package_loan *loan = context;
    packager_give_back(loan);
    mem_free(loan);
}

static void send_loan(struct exchange *exchange, const struct package_loan *lent)
{
    struct package_loan *loan = MEM_NEW(struct package_loan);
    *loan = *lent;
    exchange_set_class(exchange, SHIELD_CLASS_RUNNING);
    object_fields(exchange, OBJECT_SEGMENT, &(struct object_facts){.digest = loan->object.sha256});
    exchange_send_lent_part(exchange, "audio/mp4", loan->fd, loan->object.offset,
                            loan->object.bytes, give_back, loan);
}

static void refuse(struct exchange *exchange, unsigned status, const char *title,
                   const char *detail)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    if (status == 503) {
        counter_add(COUNTER_RENDITIONS_BUSY, 1);
        exchange_field(exchange, "Retry-After", TEXT("2"));
    }
    exchange_send_problem(exchange, status, title, detail);
}

/* --- on the home loop --- */

/* Its own memory: it outlives the exchange when the server ends. */
struct segment_call {
    struct segment_call *next, **previous_next;
    struct api *api;
    struct exchange *exchange; /* NULL: answered, and only a message is still under way */
    struct package_request request;
    struct packager_wait wait;
    struct loop_timer patience;
    uint64_t until_us, listener;
    unsigned steps;
    bool renews, is_resting;
    char grant[GRANT_TEXT_BYTES]; /* of who renews */
};

static void step(struct segment_call *call);

static void leave_list(struct segment_call *call)
{
    if (!call->previous_next)
        return;
    *call->previous_next = call->next;
    if (call->next)
        call->next->previous_next = call->previous_next;
    call->previous_next = NULL;
}

static void call_free(struct segment_call *call)
{
    loop_timer_stop(&call->patience);
    leave_list(call);
    mem_free(call);
}

static void fail(struct segment_call *call, enum media_outcome why)
{
    struct exchange *exchange = call->exchange;
    bool keeps = api_keeps(call->api);
    call_free(call);
    switch (why) {
    case MEDIA_UNREADABLE:
        if (keeps)
            kept_refuse(exchange);
        else
            refuse(exchange, 404, "Cannot be converted", media_outcome_sentence(why));
        break;
    case MEDIA_BUSY:
        refuse(exchange, 503, "Not now", "Too many songs are being converted just now.");
        break;
    case MEDIA_NO_ROOM:
        refuse(exchange, 503, "Not now", "There is no room on the disk for converted songs.");
        break;
    case MEDIA_CRASHED:
    case MEDIA_TIMEOUT:
    case MEDIA_NO_WORKER:
        refuse(exchange, 503, "Not now", "The process that converted this song is gone.");
        break;
    default:
        refuse(exchange, 404, "Cannot be converted", media_outcome_sentence(why));
    }
}

static void on_ready(void *context)
{
    struct packager_wait *wait = context;
    struct segment_call *call = CONTAINER_OF(wait, struct segment_call, wait);
    loop_timer_stop(&call->patience);
    if (call->exchange)
        step(call);
    else
        call_free(call);
}

static void on_patience(struct loop_timer *timer, uint64_t now_us)
{
    struct segment_call *call = CONTAINER_OF(timer, struct segment_call, patience);
    (void)now_us;
    if (packager_forget(call->api->config.packager, &call->wait))
        fail(call, MEDIA_BUSY);
}

static void await(struct segment_call *call)
{
    struct loop *loop = call->api->config.loop;
    call->wait =
        (struct packager_wait){.request = call->request, .loop = loop, .on_ready = on_ready};
    call->patience.on_timer = on_patience;
    if (packager_wait(call->api->config.packager, &call->wait))
        loop_timer_start(loop, &call->patience, call->until_us);
    else
        step(call);
}

static void load(void *context)
{
    struct segment_call *call = context;
    (void)!packager_load(call->api->config.packager, call->request.name.track,
                         call->request.name.rendition);
}

static void on_loaded(void *context)
{
    struct segment_call *call = context;
    if (call->exchange)
        step(call);
    else
        call_free(call);
}

static enum media_outcome begin(struct segment_call *call)
{
    struct library_file file;
    struct api *api = call->api;
    if (library_open_track(api->config.library, call->request.name.track, &file))
        return MEDIA_UNREADABLE;
    return packager_begin(api->config.packager, &call->request.name, file.fd, call->listener, true);
}

/* --- another generation --- */

static void send_elsewhere(struct segment_call *call, uint64_t generation)
{
    struct exchange *exchange = call->exchange;
    const struct package_request *request = &call->request;
    const char *suffix = request->kind == SEGMENTER_LEAD ? ".lead.m4s" : ".m4s";
    char object[32] = "init.mp4";
    if (request->kind != SEGMENTER_INIT)
        snprintf(object, sizeof object, "%u%s", request->number, suffix);
    struct text where =
        arena_printf(exchange_arena(exchange), "../%s.%016llx/%s?g=%.*s&renew=1",
                     rendition_word(request->name.rendition), (unsigned long long)generation,
                     object, (int)sizeof call->grant, call->grant);
    call_free(call);
    exchange_field(exchange, "Location", where);
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_empty(exchange, 307);
}

/* True when it was answered. */
static bool renew(struct segment_call *call)
{
    struct package_view view = {.state = PACKAGE_FAILED};
    const struct package_name *name = &call->request.name;
    bool is_other =
        call->renews &&
        packager_view(call->api->config.packager, name->track, name->rendition, &view) &&
        view.state != PACKAGE_FAILED && view.generation != name->generation;
    uint64_t generation = view.generation;
    package_view_release(&view);
    if (is_other)
        send_elsewhere(call, generation);
    return is_other;
}

static void on_rested(struct loop_timer *timer, uint64_t now_us)
{
    struct segment_call *call = CONTAINER_OF(timer, struct segment_call, patience);
    (void)now_us;
    call->is_resting = false;
    step(call);
}

/* True when it waits for a worker's death to be forgotten: once. */
static bool rest(struct segment_call *call, enum media_outcome why)
{
    struct loop *loop = call->api->config.loop;
    if (!call->renews || call->steps >= MAX_STEPS ||
        (why != MEDIA_CRASHED && why != MEDIA_NO_WORKER))
        return false;
    call->is_resting = true;
    call->steps = MAX_STEPS - 1;
    call->patience.on_timer = on_rested;
    loop_timer_start(loop, &call->patience, loop_now_us(loop) + REST_US);
    return true;
}

/* --- no such generation --- */

static void no_segment(struct exchange *exchange, void *context UNUSED)
{
    refuse(exchange, 404, "Not found",
           "There is no such segment: read the track's manifest again.");
}

/* Who began it at another node, before this one took that one's place, goes on to its end. */
static void end_without(struct segment_call *call)
{
    struct exchange *exchange = call->exchange;
    struct api *api = call->api;
    call_free(call);
    if (!kept_object(api, exchange, no_segment))
        no_segment(exchange, api);
}

static void step(struct segment_call *call)
{
    struct package_loan loan;
    struct exchange *exchange = call->exchange;
    enum media_outcome why = MEDIA_BUSY;
    enum package_found found =
        call->steps++ < MAX_STEPS
            ? packager_lend(call->api->config.packager, &call->request, &loan, &why)
            : PACKAGE_BROKEN;
    switch (found) {
    case PACKAGE_HERE:
        call_free(call);
        send_loan(exchange, &loan);
        break;
    case PACKAGE_COLD:
        if (!workers_submit(call->api->config.workers, call->api->config.loop, load, on_loaded,
                            call))
            fail(call, MEDIA_BUSY);
        break;
    case PACKAGE_UNBEGUN:
        why = begin(call);
        if (why == MEDIA_OK)
            await(call);
        else
            fail(call, why);
        break;
    case PACKAGE_COMING:
        await(call);
        break;
    case PACKAGE_NOT_THERE:
        if (renew(call))
            break;
        end_without(call);
        break;
    case PACKAGE_BROKEN:
        if (!rest(call, why))
            fail(call, why);
    }
}

void segment_calls_end(struct api *api)
{
    for (struct segment_call *call = api->segment_calls, *next; call; call = next) {
        struct exchange *exchange = call->exchange;
        next = call->next;
        call->exchange = NULL;
        loop_timer_stop(&call->patience);
        leave_list(call);
        if (exchange && (call->is_resting || packager_forget(api->config.packager, &call->wait)))
            call_free(call); /* else its message frees it */
        if (exchange)
            refuse(exchange, 503, "Not now", "The server is ending.");
    }
}

static void start_call(struct api *api, struct exchange *exchange,
                       const struct package_request *request, const struct hot_proof *proof)
{
    struct segment_call *call = MEM_NEW(struct segment_call);
    call->api = api;
    call->exchange = exchange;
    call->request = *request;
    call->listener = hash_bytes(api->seed, proof->user.name, proof->user.size);
    call->renews = exchange_parameter(exchange, TEXT("renew")).size > 0;
    memcpy(call->grant, proof->grant, sizeof call->grant);
    call->until_us = loop_now_us(api->config.loop) + (uint64_t)api->config.segment_wait_s * 1000000;
    call->next = api->segment_calls;
    call->previous_next = &api->segment_calls;
    if (call->next)
        call->next->previous_next = &call->next;
    api->segment_calls = call;
    step(call);
}

static bool sees_track(const struct catalog *catalog, const struct hot_proof *proof,
                       const uint8_t track[16])
{
    struct catalog_view view = {catalog, (uint32_t)proof->libraries};
    struct catalog_id id;
    memcpy(id.bytes, track, sizeof id.bytes);
    return hot_proof_opens(proof, track) &&
           catalog_find(view, CATALOG_TRACK, &id) != (uint32_t)CATALOG_NONE;
}

static void segment_at_home(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct package_request request;
    struct hot_proof proof;
    bool is_name = parse(exchange, &request);
    if (!proof_at_home(api, exchange, &proof))
        return;
    struct catalog *catalog = library_catalog(api->config.library);
    bool is_seen = is_name && sees_track(catalog, &proof, request.name.track);
    catalog_unref(&catalog);
    if (is_seen)
        start_call(api, exchange, &request, &proof);
    else
        refuse(exchange, 404, "Not found",
               "There is nothing of this name, or not for this listener.");
}

bool segments_handle(struct api *api, struct exchange *exchange)
{
    struct package_request request;
    struct package_loan loan;
    enum media_outcome why;
    if (!api->config.packager || !parse(exchange, &request))
        return false;
    const struct hot_proof *proof = proof_recall(api, exchange);
    const struct hot *hot = api->hots[exchange_connection_index(exchange)];
    if (proof && sees_track(hot_catalog(hot), proof, request.name.track) &&
        packager_lend(api->config.packager, &request, &loan, &why) == PACKAGE_HERE) {
        proof_show(exchange, proof);
        send_loan(exchange, &loan);
    } else {
        exchange_go_home(exchange, segment_at_home, api);
    }
    return true;
}
