// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/published.h"
#include "base/encode.h"
#include "base/json.h"
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static const char *const object_names[SEGMENT_OBJECTS] = {"core", "detail"};

/* --- writing --- */

static void write_object(struct json *json, const char *name, uint64_t size_bytes,
                         const uint8_t digest[FORMAT_DIGEST_SIZE])
{
    struct buffer hex;
    buffer_init(&hex, 2 * FORMAT_DIGEST_SIZE);
    encode_hex(&hex, digest, FORMAT_DIGEST_SIZE);
    json_name(json, name);
    json_begin_object(json);
    json_member_u64(json, "bytes", size_bytes);
    json_member_text(json, "sha256", buffer_view(&hex));
    json_end_object(json);
    buffer_release(&hex);
}

static void write_entry(struct json *json, const struct list_entry *entry)
{
    json_begin_object(json);
    json_member_u64(json, "number", entry->number);
    json_member_u64(json, "tracks", entry->tracks);
    json_member_u64(json, "removals", entry->removals);
    for (unsigned object = 0; object < SEGMENT_OBJECTS; object++)
        write_object(json, object_names[object], entry->size_bytes[object], entry->digest[object]);
    json_end_object(json);
}

void published_write(const struct list *list, struct buffer *out)
{
    struct json json;
    char version[48];
    int size = snprintf(version, sizeof version, "%" PRIu64 ".%" PRIu64, list->epoch, list->number);
    json_init(&json, out);
    json_begin_object(&json);
    json_member_u64(&json, "library", list->library);
    json_member_text(&json, "version", text_make(version, (size_t)size));
    json_name(&json, "segments");
    json_begin_array(&json);
    for (uint32_t i = 0; i < list->count; i++)
        write_entry(&json, &list->entries[i]);
    json_end_array(&json);
    json_end_object(&json);
}

/* --- reading --- */

static bool read_number(const json_t *object, const char *name, uint64_t least, uint64_t most,
                        uint64_t *ret)
{
    const json_t *value = json_object_get(object, name);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uint64_t)number < least ||
        (uint64_t)number > most)
        return false;
    *ret = (uint64_t)number;
    return true;
}

static bool read_version(const json_t *object, struct list *list)
{
    const json_t *value = json_object_get(object, "version");
    if (!json_is_string(value))
        return false;
    struct text number = text_make(json_string_value(value), json_string_length(value)), epoch;
    return text_split(&number, '.', &epoch) && number.data && text_to_u64(epoch, &list->epoch) &&
           text_to_u64(number, &list->number);
}

static bool read_object(const json_t *entry, enum segment_object object, struct list_entry *ret)
{
    const json_t *value = json_object_get(entry, object_names[object]);
    const json_t *digest = json_object_get(value, "sha256");
    struct text hex = text_make(json_string_value(digest), json_string_length(digest));
    return read_number(value, "bytes", FORMAT_HEADER_SIZE, INT64_MAX, &ret->size_bytes[object]) &&
           json_is_string(digest) && hex.size == 2 * FORMAT_DIGEST_SIZE &&
           decode_hex(hex, ret->digest[object], FORMAT_DIGEST_SIZE) == FORMAT_DIGEST_SIZE;
}

static bool read_entry(const json_t *entry, struct list_entry *ret)
{
    uint64_t tracks, removals;
    if (!read_number(entry, "number", 1, INT64_MAX, &ret->number) ||
        !read_number(entry, "tracks", 0, UINT32_MAX, &tracks) ||
        !read_number(entry, "removals", 0, UINT32_MAX, &removals))
        return false;
    ret->tracks = (uint32_t)tracks;
    ret->removals = (uint32_t)removals;
    return read_object(entry, SEGMENT_CORE, ret) && read_object(entry, SEGMENT_DETAIL, ret);
}

static const char *read_list(const json_t *root, struct list *list)
{
    const json_t *segments = json_object_get(root, "segments");
    uint64_t library;
    if (!read_number(root, "library", 1, 32, &library))
        return "\"library\" must be 1 to 32";
    if (!read_version(root, list))
        return "\"version\" must be EPOCH.NUMBER";
    if (!json_is_array(segments) || json_array_size(segments) > LIST_MAX_SEGMENTS)
        return "\"segments\" must be an array of at most 8";
    list->library = (uint8_t)library;
    list->count = (uint32_t)json_array_size(segments);
    for (uint32_t i = 0; i < list->count; i++)
        if (!read_entry(json_array_get(segments, i), &list->entries[i]))
            return "a segment lacks its number, size or digest";
    return NULL;
}

bool published_read(struct text json, struct list *ret, const char **ret_why)
{
    struct list list = {.major = LIST_MAJOR};
    json_t *root = json.size && json.size <= PUBLISHED_MAX_BYTES
                       ? json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    *ret_why = json_is_object(root) ? read_list(root, &list) : "it is not a JSON object";
    json_decref(root);
    if (*ret_why)
        return false;
    *ret = list;
    return true;
}

/* --- deltas --- */

static bool has_object(const struct list *list, const uint8_t digest[FORMAT_DIGEST_SIZE],
                       enum segment_object object)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (memcmp(list->entries[i].digest[object], digest, FORMAT_DIGEST_SIZE) == 0)
            return true;
    return false;
}

size_t published_lacking(const struct list *wanted, const struct list *held,
                         struct published_object ret[PUBLISHED_MAX_OBJECTS])
{
    size_t count = 0;
    for (uint32_t i = 0; i < wanted->count; i++)
        for (unsigned object = 0; object < SEGMENT_OBJECTS; object++) {
            const struct list_entry *entry = &wanted->entries[i];
            if (held && has_object(held, entry->digest[object], (enum segment_object)object))
                continue;
            ret[count] = (struct published_object){.size_bytes = entry->size_bytes[object],
                                                   .object = (enum segment_object)object};
            memcpy(ret[count++].digest, entry->digest[object], FORMAT_DIGEST_SIZE);
        }
    return count;
}
