// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/guard.h"
#include "base/counters.h"
#include "edge/forward.h"
#include "edge/lead_state.h"
#include "edge/slice.h"
#include "edge/variants.h"
#include "http/caching_update.h"
#include "http/caching_vary.h"
#include "http/range.h"

#include <string.h>

/*
 * lead_store: what an answer's header means for the store: a new object, an update of the stale one
 * (RFC 9111 4.3.4), of what a HEAD was about (4.3.5), or nothing.
 */

enum { GRANTED_FRESH_S = 24 * 3600 };

static struct caching_fields fields_of(const struct http_response *response)
{
    return (struct caching_fields){response->fields, response->field_count};
}

/* A foreign server's word on keeping is about browsers: many say no-cache of songs that never
 * change.  Its errors come as 200, in types of their own. */
static void read_control(const struct lead *lead, struct caching_fields fields,
                         struct caching_control *ret)
{
    static const struct text media[] = {TEXT_INIT("audio/"), TEXT_INIT("image/"),
                                        TEXT_INIT("video/"), TEXT_INIT("application/ogg"),
                                        TEXT_INIT("application/octet-stream")};
    struct text type = caching_field(fields, TEXT("Content-Type"));
    caching_control_read(fields, ret);
    if (!lead->is_granted || !lead->home->edge->config.granted_query.size)
        return;
    *ret = (struct caching_control){.max_age_s = GRANTED_FRESH_S,
                                    .s_maxage_s = CACHING_UNSET,
                                    .stale_while_revalidate_s = CACHING_UNSET,
                                    .stale_if_error_s = CACHING_UNSET,
                                    .is_present = true,
                                    .is_targeted = true,
                                    .no_store = true};
    for (size_t i = 0; i < ARRAY_SIZE(media); i++)
        ret->no_store = ret->no_store && !text_starts_nocase(type, media[i]);
}

static struct caching_times times_of(const struct lead *lead)
{
    return (struct caching_times){lead->request_ms, lead->response_ms};
}

static bool is_usable_by_others(const struct lead *lead, const struct caching_freshness *freshness)
{
    static const struct caching_asked nothing = {CACHING_UNSET, CACHING_UNSET, CACHING_UNSET};
    return caching_use_of(freshness, &nothing, lead->response_ms) != CACHING_USE_NOT;
}

/* --- metadata --- */

struct metadata {
    struct buffer bytes;
    uint64_t marks[CACHE_MARKS_MAX];
    struct cache_meta meta;
};

static bool metadata_write(struct lead *lead, const struct stored *stored, struct metadata *ret)
{
    struct edge *edge = lead->home->edge;
    buffer_init(&ret->bytes, CACHE_META_MAX);
    if (!stored_write(stored, &ret->bytes))
        return false;
    ret->meta = (struct cache_meta){
        .bytes = buffer_view(&ret->bytes),
        .generation = lead->generation,
        .marks = ret->marks,
        .mark_count = edge_marks(edge, lead->host, lead->target, stored->fields, ret->marks),
    };
    return true;
}

/* --- updating --- */

/* Slices that are held have their name by it. */
static size_t keep_version(struct caching_fields stored, struct http_field *fields, size_t count)
{
    struct text tag = caching_field(stored, TEXT("ETag"));
    struct text modified = caching_field(stored, TEXT("Last-Modified"));
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!tag.data && text_equal_nocase(fields[i].name, TEXT("ETag")))
            continue;
        fields[kept] = fields[i];
        if (!tag.data && text_equal_nocase(fields[i].name, TEXT("Last-Modified")))
            fields[kept].value = modified;
        kept++;
    }
    return kept;
}

static bool update_stale(struct lead *lead, struct caching_fields update)
{
    struct edge *edge = lead->home->edge;
    struct http_field merged[STORED_FIELDS_MAX];
    struct caching_control control;
    struct metadata metadata;
    struct stored stored = lead->stale_stored;
    size_t count = caching_update(stored.fields, update, merged, STORED_FIELDS_MAX);
    if (count == SIZE_MAX)
        return false;
    if (stored.kind == STORED_SLICED)
        count = keep_version(stored.fields, merged, count);
    stored.fields = (struct caching_fields){merged, count};
    read_control(lead, stored.fields, &control);
    /* an Age counts where it came with the update, not from before */
    caching_freshness_of(stored.status, stored.fields, &control, times_of(lead),
                         edge->config.policy.edge_strict_age, &stored.freshness);
    lead->is_shareable = is_usable_by_others(lead, &stored.freshness);
    bool is_done = metadata_write(lead, &stored, &metadata) &&
                   cache_replace_meta(edge->config.cache, lead->stale, &metadata.meta) == 0;
    buffer_release(&metadata.bytes);
    return is_done;
}

/* It can only be about the one that was named in the request (4.3.3). */
static enum lead_kept freshen(struct lead *lead, struct caching_fields update)
{
    if (!update_stale(lead, update)) {
        cache_remove(lead->home->edge->config.cache, lead->found_key);
        return LEAD_WRONG;
    }
    cache_object_unref(lead->shown);
    lead->shown = cache_object_ref(lead->stale);
    lead->shown_key = lead->found_key;
    return LEAD_SHOWN;
}

static uint64_t stale_length(const struct lead *lead)
{
    return lead->stale_stored.kind == STORED_SLICED ? lead->stale_stored.sliced_bytes
                                                    : cache_object_length(lead->stale);
}

/* Of a body that is another one now, nothing is good any more. */
static void learn_from_head(struct lead *lead, const struct http_response *response)
{
    struct caching_fields update = fields_of(response);
    struct text length = caching_field(update, TEXT("Content-Length"));
    uint64_t bytes;
    if (!lead->stale || response->status != lead->stale_stored.status)
        return;
    bool is_other_length =
        length.data && text_to_u64(length, &bytes) && bytes != stale_length(lead);
    if (is_other_length || !caching_update_matches(lead->stale_stored.fields, update))
        edge_invalidate(lead->home->edge, lead->host, lead->target);
    else
        (void)update_stale(lead, update);
}

/* --- storing --- */

/* The part that a 206 brings, which its length does not contradict. */
static bool read_part(const struct http_response *response, struct cache_range *ret,
                      uint64_t *ret_length)
{
    struct http_range part;
    if (!http_content_range_read(http_response_field(response, TEXT("Content-Range")), &part,
                                 ret_length))
        return false;
    *ret = (struct cache_range){part.first, part.last + 1};
    return response->content_length == UINT64_MAX ||
           response->content_length == ret->end - ret->begin;
}

/* Whether the part is what was asked for: a client that wanted all, or more, is not told half. */
static bool is_what_was_asked(const struct lead *lead, const struct cache_range *part,
                              uint64_t length)
{
    struct http_ranges ranges;
    struct text value = caching_field(lead->fields, TEXT("Range"));
    return value.data && !caching_field(lead->fields, TEXT("If-Range")).data &&
           http_range_parse(value, length, &ranges) == HTTP_RANGE_PARTIAL && ranges.count == 1 &&
           part->begin <= ranges.items[0].first && ranges.items[0].last < part->end;
}

/* Whether the part is what follows a beginning that we hold: strong validators say so (3.4). */
static bool is_the_rest(const struct lead *lead, struct caching_fields received,
                        const struct cache_range *part, uint64_t length)
{
    return lead->rest_from > 0 && part->begin == lead->rest_from && part->end == length &&
           length == cache_object_length(lead->stale) &&
           caching_is_version(received, caching_version_of(lead->stale_stored.fields, 0));
}

/* False when it is not in memory any more. */
static bool write_beginning(struct lead *lead)
{
    for (uint64_t at = 0; at < lead->rest_from;) {
        struct cache_piece piece;
        if (cache_read(lead->stale, at, &piece) != CACHE_READ_PIECE)
            return false;
        if (piece.bytes.size > lead->rest_from - at)
            piece.bytes.size = (size_t)(lead->rest_from - at);
        at += piece.bytes.size;
        int error = cache_write(lead->writer, piece.bytes);
        cache_piece_release(&piece);
        if (error)
            return false;
    }
    return true;
}

static struct caching_fields without(struct caching_fields fields, struct text name)
{
    struct http_field *items = (struct http_field *)(uintptr_t)fields.items; /* the arena's, ours */
    size_t count = 0;
    for (size_t i = 0; i < fields.count; i++)
        if (!text_equal_nocase(items[i].name, name))
            items[count++] = items[i];
    return (struct caching_fields){items, count};
}

/*
 * A part that cannot be joined with others: of a whole of unknown length, or with a body of another
 * length than its place.  To the very same question it is the very same answer, for as long as the
 * origin says; nothing is taken from it, nor added (RFC 9110 14.4, RFC 9111 3.3).  What else is
 * held of that URL is worth more.
 */
static bool may_stand_alone(const struct lead *lead, const struct http_response *response)
{
    struct caching_fields received = fields_of(response);
    return !lead->is_slicing && lead->rest_from == 0 &&
           (!lead->stale || lead->stale_stored.status == 206) &&
           caching_field(lead->fields, TEXT("Range")).data &&
           !caching_field(lead->fields, TEXT("If-Range")).data &&
           !caching_field(received, TEXT("Vary")).data &&
           caching_field_count(received, TEXT("Content-Range")) == 1 &&
           http_content_range_is_valid(caching_field(received, TEXT("Content-Range")));
}

static bool make_key(struct lead *lead, struct caching_fields response, bool is_lone)
{
    struct buffer names, key;
    buffer_init(&names, CACHE_KEY_MAX);
    buffer_init(&key, CACHE_KEY_MAX);
    bool can_vary = caching_vary_names(response, &names);
    if (is_lone)
        buffer_text(&names, TEXT("range"));
    lead->names = names.size > 0 ? arena_text(lead->arena, buffer_view(&names)) : TEXT_NONE;
    buffer_text(&key, lead->key);
    if (lead->names.size > 0)
        stored_variant(lead->names, lead->fields, &key);
    lead->shown_key = arena_text(lead->arena, buffer_view(&key));
    bool is_made = can_vary && !names.overflowed && !key.overflowed && lead->shown_key.data;
    buffer_release(&names);
    buffer_release(&key);
    return is_made;
}

static bool begin_writing(struct lead *lead, const struct stored *stored, uint64_t length,
                          const struct cache_range *part)
{
    struct cache *cache = lead->home->edge->config.cache;
    struct metadata metadata;
    struct cache_object *object = NULL;
    int error = -EINVAL;
    if (metadata_write(lead, stored, &metadata)) {
        const struct cache_draft draft = {
            .key = lead->shown_key, .meta = metadata.meta, .length = length, .is_partial = part};
        error = cache_write_begin(cache, &draft, &lead->writer, &object);
    }
    buffer_release(&metadata.bytes);
    lead->write_at = part ? part->begin : lead->rest_from;
    if (!error && part && part->begin > 0)
        error = cache_write_seek(lead->writer, part->begin);
    if (error) {
        cache_write_abort(&lead->writer);
        cache_object_unref(object);
        return false;
    }
    cache_object_unref(lead->shown);
    lead->shown = object;
    return true;
}

static bool store(struct lead *lead, const struct http_response *response,
                  const struct caching_control *control)
{
    struct caching_fields received = fields_of(response);
    struct stored stored = {.kind = STORED_RESPONSE, .status = response->status};
    struct cache_range part;
    bool is_part = response->status == 206;
    uint64_t length = response->framing == HTTP_BODY_NONE ? 0 : response->content_length, whole;
    bool is_lone = is_part && !read_part(response, &part, &whole);
    if (is_lone && !may_stand_alone(lead, response))
        return false;
    is_part = is_part && !is_lone;
    length = is_part ? whole : length;
    bool is_rest = is_part && is_the_rest(lead, received, &part, length);
    bool is_all = is_part && lead->is_slicing && part.end - part.begin == length;
    bool is_some = is_part && !is_rest && !is_all;
    lead->is_beside = is_some && !is_what_was_asked(lead, &part, length);
    if (!forward_response(received, control, lead->response_ms, lead->arena, &stored.fields))
        return false;
    caching_freshness_of(stored.status, received, control, times_of(lead),
                         lead->home->edge->config.policy.edge_strict_age, &stored.freshness);
    if (is_part) {
        stored.status = 200;
        stored.fields = without(stored.fields, TEXT("Content-Range"));
    }
    if (is_lone && (stored.freshness.is_heuristic || stored.freshness.lifetime_ms == 0))
        return false;
    lead->is_shareable = is_usable_by_others(lead, &stored.freshness) && !is_lone &&
                         !(is_some && lead->has_many_ranges);
    lead->language = arena_text(lead->arena, caching_language_of(received));
    return make_key(lead, received, is_lone) &&
           begin_writing(lead, &stored, length, is_some ? &part : NULL) &&
           (!is_rest || write_beginning(lead));
}

/* --- storing in slices --- */

static bool store_sliced(struct lead *lead, const struct http_response *response,
                         const struct caching_control *control)
{
    struct caching_fields received = fields_of(response);
    struct stored stored = {.kind = STORED_SLICED, .status = 200};
    struct cache_range part;
    if (!read_part(response, &part, &stored.sliced_bytes) ||
        !forward_response(received, control, lead->response_ms, lead->arena, &stored.fields))
        return false;
    stored.fields = without(stored.fields, TEXT("Content-Range"));
    stored.fields = without(stored.fields, TEXT("Content-Digest")); /* of this part's bytes */
    caching_freshness_of(stored.status, received, control, times_of(lead),
                         lead->home->edge->config.policy.edge_strict_age, &stored.freshness);
    lead->is_shareable = is_usable_by_others(lead, &stored.freshness);
    lead->language = arena_text(lead->arena, caching_language_of(received));
    if (!make_key(lead, received, false) || !begin_writing(lead, &stored, 0, NULL) ||
        cache_write_end(&lead->writer, NULL) != 0)
        return false;
    counter_add(COUNTER_EDGE_SLICED, 1);
    (void)lead_begin_slice(lead, lead_version_of(lead, response), stored.sliced_bytes);
    return true;
}

/* A slice that was asked for in the client's place.  True: *ret; false: what came may be kept as
 * any other part is. */
static bool keep_slice(struct lead *lead, const struct http_response *response,
                       const struct caching_control *control, bool may_store, enum lead_kept *ret)
{
    struct cache_range part;
    uint64_t length;
    bool is_part = read_part(response, &part, &length);
    *ret = LEAD_SHOWN;
    if (may_store && is_part && lead_may_hold_slices(lead, response) &&
        store_sliced(lead, response, control)) {
        lead->status.is_stored = true;
        return true;
    }
    bool is_all = is_part && part.end - part.begin == length;
    bool is_small = is_part && length <= lead_sliced_from(lead->home->edge);
    if (may_store && is_part && (is_all || (!is_small && is_what_was_asked(lead, &part, length))))
        return false;
    lead->no_slices = true;
    lead->wants_all = may_store && is_small;
    *ret = LEAD_AGAIN;
    return true;
}

/* What a POST brings is the answer to a later GET only of the same target (RFC 9110 9.3.3). */
static bool is_about_target(struct lead *lead, struct caching_fields response)
{
    struct text location = caching_field(response, TEXT("Content-Location"));
    struct buffer target;
    if (!text_equal(lead->method, TEXT("POST")))
        return true;
    buffer_init(&target, CACHE_KEY_MAX);
    bool is_same = location.data &&
                   caching_same_origin(lead->host, lead->target, location, &target) &&
                   text_equal(buffer_view(&target), lead->target);
    buffer_release(&target);
    return is_same;
}

/* What is held in slices and comes as a whole that is not kept has changed. */
static void forget_slices(struct lead *lead, const struct http_response *response)
{
    if (lead->stale && lead->stale_stored.kind == STORED_SLICED && response->status == 200)
        cache_remove(lead->home->edge->config.cache, lead->found_key);
}

enum lead_kept lead_keep(struct lead *lead, const struct http_response *response)
{
    struct caching_fields fields = fields_of(response);
    struct caching_control control;
    read_control(lead, fields, &control);
    control.is_private &= !(lead->is_granted && guard_is_on(GUARD_KEPT_MUSIC));
    if (response->status == 304 && lead->validates)
        return freshen(lead, fields);
    if (text_equal(lead->method, TEXT("HEAD"))) {
        learn_from_head(lead, response);
        return LEAD_PASSES;
    }
    /* what an unsafe method brings is newer than what it has just undone */
    lead->generation = caching_is_safe(lead->method)
                           ? lead->generation
                           : cache_generation(lead->home->edge->config.cache);
    enum caching_store may =
        caching_may_store(lead->method, &lead->asked, response->status, fields, &control);
    if (response->status == 416) /* of a part, which says nothing of the whole */
        may = CACHING_STORE_NOT_STATUS;
    enum lead_kept kept;
    if (lead->is_slicing && response->status == 206 &&
        keep_slice(lead, response, &control, may == CACHING_STORE_YES, &kept))
        return kept;
    if (may != CACHING_STORE_YES || !is_about_target(lead, fields) ||
        !store(lead, response, &control)) {
        cache_write_abort(&lead->writer);
        if (!lead->has_helped) {
            cache_object_unref(lead->shown);
            lead->shown = NULL;
        }
        lead->status.detail = may != CACHING_STORE_YES ? caching_store_word(may) : NULL;
        lead->wants_all = response->status == 206 && lead->rest_from > 0;
        forget_slices(lead, response);
        return lead->wants_all ? LEAD_AGAIN : LEAD_PASSES;
    }
    lead->status.is_stored = true;
    return lead->is_beside ? LEAD_PASSES : LEAD_SHOWN;
}

/* --- the end --- */

/* Who finds no room there varies unlisted: a miss. */
static void write_list(struct lead *lead)
{
    struct http_field fields[VARIANTS_MAX];
    const struct variant newest = {lead->names, lead->language,
                                   text_from(lead->shown_key, lead->key.size)};
    size_t count = variants_add(lead->sets, &newest, lead->arena, fields);
    const struct stored list = {.kind = STORED_LIST, .fields = {fields, count}};
    struct cache_writer *writer = NULL;
    struct metadata metadata;
    if (count == 0)
        return;
    if (metadata_write(lead, &list, &metadata)) {
        const struct cache_draft draft = {.key = lead->key, .meta = metadata.meta};
        if (cache_write_begin(lead->home->edge->config.cache, &draft, &writer, NULL) == 0)
            (void)!cache_write_end(&writer, NULL);
    }
    buffer_release(&metadata.bytes);
}

void lead_finish(struct lead *lead, bool is_whole)
{
    if (!lead->writer)
        return;
    if (!is_whole)
        cache_write_abort(&lead->writer);
    else if (cache_write_end(&lead->writer, NULL) == 0) {
        if (lead->names.size > 0)
            write_list(lead);
        lead_bring_proof(lead);
    }
}
