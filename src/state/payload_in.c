// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/payload_in.h"

#include "base/encode.h"
#include "base/mem.h"
#include "state/clock.h"

/* --- members --- */

void in_fault(struct in *in, const char *why)
{
    if (!in->why)
        in->why = why;
}

const struct json_node *in_member(const struct in *in, const char *name)
{
    return json_tree_member(in->object, text_of(name));
}

bool in_has(const struct in *in, const char *name) { return in_member(in, name) != NULL; }

struct text in_words_of(const struct json_node *value)
{
    return json_tree_is(value, JSON_NODE_TEXT) ? value->text : TEXT_NONE;
}

struct text in_text(struct in *in, const char *name, size_t max_bytes)
{
    const struct json_node *value = in_member(in, name);
    struct text t = in_words_of(value);
    if (value && value->kind != JSON_NODE_TEXT)
        in_fault(in, "a member that must be a text is not");
    else if (t.size > max_bytes)
        in_fault(in, "a text is too long");
    return t;
}

int64_t in_integer(struct in *in, const char *name, int64_t least, int64_t most)
{
    const struct json_node *value = in_member(in, name);
    bool is_integer = json_tree_is(value, JSON_NODE_INTEGER);
    int64_t number = is_integer ? value->integer : 0;
    if (!is_integer || number < least || number > most)
        in_fault(in, "a number is missing or out of range");
    return number;
}

int64_t in_time(struct in *in, const char *name)
{
    int64_t latest = in->operation->accepted_ms + OPERATION_FUTURE_MS;
    int64_t at =
        in_has(in, name) ? in_integer(in, name, 1, INT64_MAX >> 17) : clock_ms(in->operation->hlc);
    at = in->operation->accepted_ms && at > latest ? latest : at;
    return at > 0 ? at : 1; /* 0 means "never" in cells */
}

bool in_bool(struct in *in, const char *name)
{
    const struct json_node *value = in_member(in, name);
    if (!json_tree_is(value, JSON_NODE_BOOL))
        in_fault(in, "a member must be true or false");
    return value && value->integer == 1 && value->kind == JSON_NODE_BOOL;
}

struct uid in_uid(struct in *in, const char *name)
{
    struct uid uid = {{0}};
    struct text t = in_text(in, name, SUBJECT_TEXT_BYTES);
    if (!uid_from_text(t.size == SUBJECT_TEXT_BYTES ? text_from(t, 3) : t,
                       &uid)) /* "pl-…" or bare */
        in_fault(
            in,
            "an id must be 22 characters of base64url, with or without its two letters and dash");
    return uid;
}

struct subject in_subject_of(struct in *in, const struct json_node *value)
{
    struct subject subject = {0};
    if (!subject_from_text(in_words_of(value), &subject))
        in_fault(in, "an id must be two letters, a dash and 22 characters of base64url");
    return subject;
}

struct subject in_subject(struct in *in, const char *name)
{
    return in_subject_of(in, in_member(in, name));
}

const struct json_node *in_array(struct in *in, const char *name, size_t max_items)
{
    static const struct json_node none = {.kind = JSON_NODE_ARRAY};
    const struct json_node *value = in_member(in, name);
    if (json_tree_is(value, JSON_NODE_ARRAY) && value->count <= max_items)
        return value;
    in_fault(in, "a list is missing or too long");
    return &none;
}

/* --- cells --- */

void in_put(struct in *in, enum space space, struct text key, struct text value, bool is_final)
{
    struct changes *changes = in->changes;
    if (changes->count == CHANGES_MAX) {
        in_fault(in, "changes too much at once");
        return;
    }
    if (changes->count == changes->capacity) {
        changes->capacity = changes->capacity ? changes->capacity * 2 : 16;
        changes->items =
            mem_realloc_array(changes->items, changes->capacity, sizeof *changes->items);
    }
    changes->items[changes->count++] = (struct change){
        space, is_final, arena_text(changes->arena, key), arena_text(changes->arena, value)};
}

void in_put_integer(struct in *in, enum space space, struct text key, uint64_t number, size_t size)
{
    in_put(in, space, key, text_make((const char *)&number, number ? size : 0), false);
}

void in_put_final(struct in *in, enum space space, struct text key)
{
    in_put(in, space, key, TEXT_NONE, true);
}

void in_put_end(struct in *in, enum space space)
{
    struct uid id = in_uid(in, "id");
    in_put_final(in, space, uid_view(&id));
}

void in_put_buffer(struct in *in, enum space space, struct text key, struct buffer *value)
{
    if (value->overflowed)
        in_fault(in, "is too long");
    else
        in_put(in, space, key, buffer_view(value), false);
    buffer_release(value);
}

void in_append_subjects(struct in *in, const struct json_node *list, struct buffer *out)
{
    for (const struct json_node *item = json_tree_items(list); item; item = item->next) {
        struct subject subject = in_subject_of(in, item);
        buffer_append(out, &subject, sizeof subject);
    }
}

void in_append_decoded(struct in *in, const char *name, size_t size, struct buffer *out)
{
    uint8_t bytes[128];
    if (decode_base64url(in_text(in, name, 256), bytes, size) != size)
        in_fault(in, "a hash or sealed secret has another size");
    else
        buffer_append(out, bytes, size);
}

size_t in_bytes(struct in *in, const char *name, uint8_t *ret, size_t max_bytes)
{
    size_t size = decode_base64url(in_text(in, name, 512), ret, max_bytes);
    if (size == SIZE_MAX || size == 0)
        in_fault(in, "bytes are missing, or too many");
    return size == SIZE_MAX ? 0 : size;
}
