// SPDX-License-Identifier: GPL-3.0-or-later
/* The body of POST /ops.  The payload is kept as compact JSON of what was sent. */
#include "state/batch_build.h"

#include <jansson.h>

/* A larger body is not kept as JSON until its batch is merged, which could take many times its
 * size. */
enum { MAX_BODY_BYTES = 8 * 1024 * 1024, KEPT_BODY_BYTES = 256 * 1024 };
static const uint64_t MAX_SEQ = (1ULL << 53) - 1; /* what a browser counts exactly */

/* A number or, because stamps outgrow what JavaScript counts exactly, a text of its digits. */
static bool number_of(const json_t *value, uint64_t *ret)
{
    if (json_is_string(value))
        return text_to_u64(text_make(json_string_value(value), json_string_length(value)), ret) &&
               *ret <= INT64_MAX;
    *ret = (uint64_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0;
}

static const char *read_operation(struct batch *batch, const json_t *object, struct uid device,
                                  struct batch_item *item)
{
    struct operation *operation = &item->operation;
    const json_t *kind = json_object_get(object, "kind"),
                 *payload = json_object_get(object, "payload");
    if (!number_of(json_object_get(object, "seq"), &operation->seq) || operation->seq == 0 ||
        operation->seq > MAX_SEQ)
        return "seq must be a number from 1 to 2^53 - 1";
    if (!number_of(json_object_get(object, "hlc"), &operation->hlc))
        return "hlc must be a number or a text of its digits";
    if (!json_is_string(kind) || json_string_length(kind) > OPERATION_MAX_KIND_BYTES)
        return "kind must be a text of at most 32 bytes";
    if (!json_is_object(payload))
        return "payload must be an object";
    char *words = json_dumps(payload, JSON_COMPACT);
    operation->device = device;
    operation->account = batch->account;
    operation->kind =
        arena_text(batch->arena, text_make(json_string_value(kind), json_string_length(kind)));
    operation->payload = arena_text(batch->arena, text_of(words));
    operation->parsed = batch->body ? json_object_get(object, "payload") : NULL;
    item->is_from_player = true;
    free(words);
    return operation->payload.data ? NULL : "is too large";
}

bool batch_json(struct batch *batch, struct text json, const char **ret_why)
{
    struct uid device;
    json_t *body = json.size <= MAX_BODY_BYTES ? json_loadb(json.data ? json.data : "", json.size,
                                                            JSON_REJECT_DUPLICATES, NULL)
                                               : NULL;
    const json_t *device_text = json_object_get(body, "device"),
                 *operations = json_object_get(body, "operations");
    *ret_why = json.size > MAX_BODY_BYTES ? "the body is over 8 MiB"
               : !json_is_object(body)    ? "the body must be a JSON object"
               : !json_is_string(device_text) ||
                       !uid_from_text(text_make(json_string_value(device_text),
                                                json_string_length(device_text)),
                                      &device) ||
                       uid_is_none(device)
                   ? "device must be 22 characters of base64url, drawn at random once"
               : !json_is_array(operations) || json_array_size(operations) == 0 ||
                       json_array_size(operations) + batch->count > BATCH_MAX_OPERATIONS
                   ? "operations must be a list of 1 to 1000"
                   : NULL;
    if (!*ret_why && json.size <= KEPT_BODY_BYTES)
        batch->body = json_incref(body);
    for (size_t i = 0; !*ret_why && i < json_array_size(operations); i++) {
        struct batch_item *item = batch_add(batch);
        const char *why = read_operation(batch, json_array_get(operations, i), device, item);
        batch->outcomes[batch->count - 1].seq = item->operation.seq;
        if (why)
            batch_refuse(batch, batch->count - 1, OUTCOME_REFUSED, why);
    }
    json_decref(body);
    return !*ret_why;
}
