// SPDX-License-Identifier: GPL-3.0-or-later
/* The body of POST /ops.  The payload is kept as compact JSON of what was sent. */
#include "state/batch_build.h"

#include "base/json_tree.h"

#include <jansson.h>

enum {
    MAX_BODY_BYTES = 8 * 1024 * 1024,
    TREE_BYTES =
        8 *
        MAX_BODY_BYTES, /* until the batch is built; a body of plays takes four times its size */
};
static const uint64_t MAX_SEQ = (1ULL << 53) - 1; /* what a browser counts exactly */

/* A number or, because stamps outgrow what JavaScript counts exactly, a text of its digits. */
static bool number_of(const struct json_node *value, uint64_t *ret)
{
    if (json_tree_is(value, JSON_NODE_TEXT))
        return text_to_u64(value->text, ret) && *ret <= INT64_MAX;
    if (!json_tree_is(value, JSON_NODE_INTEGER) || value->integer < 0)
        return false;
    *ret = (uint64_t)value->integer;
    return true;
}

/* The same payload sent again gives the same bytes however it was written: what JSON can write in
 * two ways goes by way of jansson, which writes it in one. */
static struct text payload_text(struct arena *arena, const struct json_node *payload)
{
    if (!payload->is_odd)
        return arena_text(arena, json_tree_compact(payload, arena));
    json_t *same = json_loadb(payload->text.data, payload->text.size, JSON_REJECT_DUPLICATES, NULL);
    char *words = json_dumps(same, JSON_COMPACT);
    struct text kept = words ? arena_text(arena, text_of(words)) : TEXT_NONE;
    free(words);
    json_decref(same);
    return kept;
}

static const char *read_operation(struct batch *batch, const struct json_node *object,
                                  struct uid device, struct batch_item *item)
{
    struct operation *operation = &item->operation;
    const struct json_node *kind = json_tree_member(object, TEXT("kind")),
                           *payload = json_tree_member(object, TEXT("payload"));
    if (!number_of(json_tree_member(object, TEXT("seq")), &operation->seq) || operation->seq == 0 ||
        operation->seq > MAX_SEQ)
        return "seq must be a number from 1 to 2^53 - 1";
    if (!number_of(json_tree_member(object, TEXT("hlc")), &operation->hlc))
        return "hlc must be a number or a text of its digits";
    if (!json_tree_is(kind, JSON_NODE_TEXT) || kind->text.size > OPERATION_MAX_KIND_BYTES)
        return "kind must be a text of at most 32 bytes";
    if (!json_tree_is(payload, JSON_NODE_OBJECT))
        return "payload must be an object";
    operation->device = device;
    operation->account = batch->account;
    operation->kind = arena_text(batch->arena, kind->text);
    operation->payload = payload_text(batch->arena, payload);
    item->is_from_player = true;
    return operation->payload.data ? NULL : "is too large";
}

static bool device_of(const struct json_node *body, struct uid *ret)
{
    const struct json_node *device = json_tree_member(body, TEXT("device"));
    return json_tree_is(device, JSON_NODE_TEXT) && uid_from_text(device->text, ret) &&
           !uid_is_none(*ret);
}

static const char *read_body(struct batch *batch, const struct json_node *body)
{
    struct uid device;
    const struct json_node *operations = json_tree_member(body, TEXT("operations"));
    if (!json_tree_is(body, JSON_NODE_OBJECT))
        return "the body must be a JSON object";
    if (!device_of(body, &device))
        return "device must be 22 characters of base64url, drawn at random once";
    if (!json_tree_is(operations, JSON_NODE_ARRAY) || operations->count == 0 ||
        operations->count + batch->count > BATCH_MAX_OPERATIONS)
        return "operations must be a list of 1 to 1000";
    for (const struct json_node *one = operations->first; one; one = one->next) {
        struct batch_item *item = batch_add(batch);
        const char *why = read_operation(batch, one, device, item);
        batch->outcomes[batch->count - 1].seq = item->operation.seq;
        if (why)
            batch_refuse(batch, batch->count - 1, OUTCOME_REFUSED, why);
    }
    return NULL;
}

bool batch_json(struct batch *batch, struct text json, const char **ret_why)
{
    *ret_why = "the body is over 8 MiB";
    if (json.size > MAX_BODY_BYTES)
        return false;
    struct arena *arena = arena_new(TREE_BYTES);
    const struct json_node *body = json_tree_read(arena, json, ret_why);
    *ret_why = read_body(batch, body);
    arena_free(&arena);
    return !*ret_why;
}
