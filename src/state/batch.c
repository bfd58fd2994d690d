// SPDX-License-Identifier: GPL-3.0-or-later
/* Builders: C values become the JSON payloads of kinds.def.  batch_accounts.c and batch_playlists.c
 * have the rest. */
#include "state/batch.h"

#include "base/json.h"
#include "base/mem.h"
#include "state/batch_build.h"
#include "state/state_internal.h"

#include <assert.h>

enum { ARENA_BYTES = 16 * 1024 * 1024, CLIENT_BYTES = 64 };

struct batch *batch_new(struct state *state, const struct batch_author *author)
{
    struct batch *batch = MEM_NEW(struct batch);
    batch->state = state;
    batch->arena = arena_new(ARENA_BYTES);
    batch->author = *author;
    batch->author.client.size =
        author->client.size < CLIENT_BYTES ? author->client.size : CLIENT_BYTES;
    if (!text_is_utf8(batch->author.client))
        batch->author.client = TEXT_NONE;
    batch->author.client = arena_text(batch->arena, batch->author.client);
    batch->author.proof = arena_text(batch->arena, author->proof);
    batch->account = author->account;
    buffer_init(&batch->payload, OPERATION_MAX_PAYLOAD_BYTES);
    buffer_init(&batch->encoded, ARENA_BYTES + BATCH_MAX_OPERATIONS * 128);
    return batch;
}

void batch_free(struct batch **batch_at)
{
    struct batch *batch = *batch_at;
    if (!batch)
        return;
    arena_free(&batch->arena);
    buffer_release(&batch->payload);
    buffer_release(&batch->encoded);
    mem_free(batch->items);
    mem_free(batch->outcomes);
    mem_free(batch->records);
    mem_free(batch->record_ends);
    mem_free_p(batch_at);
}

void batch_for(struct batch *batch, struct uid account) { batch->account = account; }

struct batch_item *batch_add(struct batch *batch)
{
    if (batch->count == BATCH_MAX_OPERATIONS) {
        batch_refuse(batch, batch->count - 1, OUTCOME_REFUSED, "too many operations in one batch");
        return NULL;
    }
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity ? batch->capacity * 2 : 4;
        batch->items = mem_realloc_array(batch->items, batch->capacity, sizeof *batch->items);
        batch->outcomes =
            mem_realloc_array(batch->outcomes, batch->capacity, sizeof *batch->outcomes);
    }
    batch->outcomes[batch->count] = (struct batch_outcome){0};
    batch->items[batch->count] =
        (struct batch_item){.operation = {.account = batch->account, .proof = batch->author.proof}};
    return &batch->items[batch->count++];
}

void batch_refuse(struct batch *batch, size_t item, enum outcome outcome, const char *why)
{
    if (batch->outcomes[item].outcome != OUTCOME_ACCEPTED)
        return;
    batch->outcomes[item].outcome = outcome;
    batch->outcomes[item].why = why;
}

void batch_all_or_none(struct batch *batch) { batch->is_all_or_none = true; }

void batch_forwarded(struct batch *batch, const struct operation *operation, enum outcome outcome,
                     const char *why)
{
    struct batch_item *item = batch_add(batch);
    if (!item)
        return;
    item->operation = *operation;
    item->operation.proof = batch->state->forwards ? arena_text(batch->arena, operation->proof)
                                                   : TEXT_NONE; /* has been judged */
    item->operation.kind = arena_text(batch->arena, operation->kind);
    item->operation.payload = arena_text(batch->arena, operation->payload);
    item->is_forwarded = true;
    batch->outcomes[batch->count - 1].seq = operation->seq;
    if (outcome != OUTCOME_ACCEPTED)
        batch_refuse(batch, batch->count - 1, outcome, why);
    else if (!item->operation.kind.data || !item->operation.payload.data)
        batch_refuse(batch, batch->count - 1, OUTCOME_FULL, NULL);
}

/* --- one payload at a time --- */

struct json build_begin(struct batch *batch)
{
    struct json json;
    buffer_reset(&batch->payload);
    json_init(&json, &batch->payload);
    json_begin_object(&json);
    return json;
}

struct batch_item *build_end(struct batch *batch, struct json *json, enum operation_kind kind)
{
    json_end_object(json);
    struct batch_item *item = batch_add(batch);
    if (!item)
        return NULL;
    item->is_ours = true;
    item->operation.kind = text_of(operation_kind_name(kind));
    item->operation.payload = arena_text(batch->arena, buffer_view(&batch->payload));
    if (batch->payload.overflowed || !item->operation.payload.data)
        batch_refuse(batch, batch->count - 1, OUTCOME_REFUSED, "is too large");
    return item;
}

void build_end_for(struct batch *batch, struct json *json, struct uid account,
                   enum operation_kind kind)
{
    struct batch_item *item = build_end(batch, json, kind);
    if (item)
        item->operation.account = account;
}

void build_libraries(struct json *json, uint64_t libraries)
{
    char digits[20];
    int size = snprintf(digits, sizeof digits, "%016llx", (unsigned long long)libraries);
    json_member_text(json, "libraries", text_make(digits, (size_t)size));
}

void build_uid(struct json *json, const char *name, struct uid uid)
{
    struct uid_text storage;
    json_member_text(json, name, uid_text(&storage, uid));
}

void build_subject(struct json *json, const char *name, struct subject subject)
{
    struct subject_text storage;
    json_member_text(json, name, subject_text(&storage, subject));
}

void build_subjects(struct json *json, const char *name, const struct subject *subjects,
                    size_t count)
{
    struct subject_text storage;
    json_name(json, name);
    json_begin_array(json);
    for (size_t i = 0; i < count; i++)
        json_text(json, subject_text(&storage, subjects[i]));
    json_end_array(json);
}

/* --- a listener's own --- */

void batch_star(struct batch *batch, struct subject subject, bool is_starred)
{
    struct json json = build_begin(batch);
    build_subject(&json, "id", subject);
    json_member_bool(&json, "on", is_starred);
    build_end(batch, &json, KIND_STAR);
}

void batch_rating(struct batch *batch, struct subject subject, unsigned stars)
{
    struct json json = build_begin(batch);
    build_subject(&json, "id", subject);
    json_member_u64(&json, "stars", stars);
    build_end(batch, &json, KIND_RATING);
}

void batch_play(struct batch *batch, const struct play *play)
{
    struct json json = build_begin(batch);
    build_subject(&json, "track", play->track);
    json_member_i64(&json, "at", play->at_ms);
    if (play->album.kind[0])
        build_subject(&json, "album", play->album);
    if (play->artist_count)
        build_subjects(&json, "artists", play->artists,
                       play->artist_count < 16 ? play->artist_count : 16);
    if (batch->author.client.size)
        json_member_text(&json, "client", batch->author.client);
    struct batch_item *item = build_end(batch, &json, KIND_PLAY);
    if (!item)
        return;
    item->is_derived = true;
    operation_derive_id(&item->operation, batch->author.client, play->track, play->at_ms);
}

void batch_setting(struct batch *batch, struct text name, struct text json_value)
{
    struct json json = build_begin(batch);
    json_member_text(&json, "name", name);
    json_name(&json, "value");
    json_raw(&json, json_value.size ? json_value : TEXT("null"));
    build_end(batch, &json, KIND_SETTING);
}

void batch_queue(struct batch *batch, const struct subject *tracks, size_t count, size_t current,
                 int64_t position_ms)
{
    struct json json = build_begin(batch);
    build_subjects(&json, "tracks", tracks, count);
    json_member_u64(&json, "current", current);
    json_member_i64(&json, "position_ms", position_ms);
    if (batch->author.client.size)
        json_member_text(&json, "client", batch->author.client);
    build_end(batch, &json, KIND_QUEUE);
}

void batch_bookmark(struct batch *batch, struct subject subject, int64_t position_ms,
                    struct text comment)
{
    struct json json = build_begin(batch);
    const struct listener *listener = state_listener(batch->state, batch->account);
    int64_t created_ms = batch->author.now_ms;
    size_t cursor = 0;
    for (const struct bookmark *bookmark; (bookmark = listener_bookmark_next(listener, &cursor));)
        if (subject_equal(bookmark->subject, subject))
            created_ms = bookmark->created_ms;
    build_subject(&json, "id", subject);
    json_member_i64(&json, "position_ms", position_ms);
    json_member_i64(&json, "created", created_ms);
    if (comment.size)
        json_member_text(&json, "comment", comment);
    build_end(batch, &json, KIND_BOOKMARK);
}

void batch_bookmark_delete(struct batch *batch, struct subject subject)
{
    struct json json = build_begin(batch);
    build_subject(&json, "id", subject);
    build_end(batch, &json, KIND_BOOKMARK_DELETE);
}

static void build_share(struct batch *batch, struct uid id, const struct subject *subjects,
                        size_t count, struct text description, int64_t expires_ms,
                        int64_t created_ms)
{
    struct json json = build_begin(batch);
    build_uid(&json, "id", id);
    build_subjects(&json, "subjects", subjects, count);
    if (description.size)
        json_member_text(&json, "description", description);
    json_member_i64(&json, "expires", expires_ms);
    json_member_i64(&json, "created", created_ms);
    build_end(batch, &json, KIND_SHARE);
}

struct uid batch_share_create(struct batch *batch, const struct subject *subjects, size_t count,
                              struct text description, int64_t expires_ms)
{
    struct uid id = uid_random();
    build_share(batch, id, subjects, count, description, expires_ms, batch->author.now_ms);
    return id;
}

void batch_share_change(struct batch *batch, struct uid id, struct text description,
                        int64_t expires_ms)
{
    const struct share *share = state_share(batch->state, id);
    if (share && uid_equal(share->owner, batch->account))
        build_share(batch, id, share->subjects, share->count,
                    description.data ? description : share->description, expires_ms,
                    share->created_ms);
    else
        build_refused(batch, KIND_SHARE, OUTCOME_FORBIDDEN, "there is no such share of yours");
}

void batch_share_delete(struct batch *batch, struct uid id)
{
    struct json json = build_begin(batch);
    build_uid(&json, "id", id);
    build_end(batch, &json, KIND_SHARE_DELETE);
}

void build_refused(struct batch *batch, enum operation_kind kind, enum outcome outcome,
                   const char *why)
{
    struct json json = build_begin(batch);
    if (build_end(batch, &json, kind))
        batch_refuse(batch, batch->count - 1, outcome, why);
}
