// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/segments.h"

#include "base/encode.h"
#include "base/mem.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define RENDITION "aac-128" /* of every track, whatever its source */

static const json_t *rendition_of(const json_t *root)
{
    const json_t *list = json_object_get(root, "renditions");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *each = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(each, "name"));
        if (name && strcmp(name, RENDITION) == 0)
            return each;
    }
    return NULL;
}

static bool take(const json_t *object, struct segments *ret)
{
    struct segment *segment = &ret->each[ret->count];
    json_int_t bytes = json_integer_value(json_object_get(object, "bytes"));
    const char *sha256 = json_string_value(json_object_get(object, "sha256"));
    if (bytes <= 0 || bytes > UINT32_MAX || !sha256 || strlen(sha256) != SEGMENT_SHA256_TEXT)
        return false;
    segment->bytes = (uint32_t)bytes;
    memcpy(segment->sha256, sha256, SEGMENT_SHA256_TEXT + 1);
    ret->bytes += segment->bytes;
    ret->count++;
    return true;
}

static bool take_all(const json_t *rendition, struct segments *ret)
{
    const json_t *list = json_object_get(rendition, "segments");
    size_t count = json_array_size(list);
    if (count == 0 || count >= SEGMENTS_MAX)
        return false;
    ret->each = mem_realloc_array(NULL, count + 1, sizeof *ret->each);
    bool is_good = take(json_object_get(rendition, "init"), ret);
    for (size_t i = 0; is_good && i < count; i++)
        is_good = take(json_array_get(list, i), ret);
    return is_good;
}

static enum segments_state read_body(const json_t *root, struct segments *ret)
{
    const json_t *rendition = rendition_of(root);
    const char *generation = json_string_value(json_object_get(rendition, "generation"));
    const char *state = json_string_value(json_object_get(rendition, "state"));
    if (!generation || strlen(generation) >= sizeof ret->generation || !state)
        return SEGMENTS_UNREADABLE;
    memcpy(ret->generation, generation, strlen(generation) + 1);
    if (strcmp(state, "planned") == 0)
        return SEGMENTS_PLANNED;
    if (strcmp(state, "encoding") == 0)
        return SEGMENTS_ENCODING;
    return take_all(rendition, ret) ? SEGMENTS_COMPLETE : SEGMENTS_UNREADABLE;
}

enum segments_state segments_read(struct text manifest, struct segments *ret)
{
    struct segments fresh = {0};
    size_t end = text_find(manifest, TEXT("\n\n"));
    struct text body = text_from(manifest, end == SIZE_MAX ? manifest.size : end + 2);
    json_t *root = json_loadb(body.data ? body.data : "", body.size, 0, NULL);
    enum segments_state state = read_body(root, &fresh);
    json_decref(root);
    if (state == SEGMENTS_UNREADABLE) {
        segments_release(&fresh);
        return state;
    }
    segments_release(ret);
    *ret = fresh;
    return state;
}

void segments_release(struct segments *segments)
{
    mem_free(segments->each);
    *segments = (struct segments){0};
}

void segments_name(const struct segments *segments, uint32_t at, char ret[SEGMENT_NAME_BYTES])
{
    int size = snprintf(ret, SEGMENT_NAME_BYTES, "/" RENDITION ".%s/", segments->generation);
    size_t room = SEGMENT_NAME_BYTES - (size_t)size;
    if (at == 0)
        (void)snprintf(ret + size, room, "init.mp4");
    else
        (void)snprintf(ret + size, room, "%u.m4s", at - 1);
}

bool segments_is(const struct segments *segments, uint32_t at, const uint8_t sha256[32])
{
    char memory[SEGMENT_SHA256_TEXT + 1];
    struct buffer out = {.data = memory, .capacity = sizeof memory, .ceiling = sizeof memory};
    encode_base64url(&out, sha256, 32);
    return at < segments->count && out.size == SEGMENT_SHA256_TEXT &&
           memcmp(memory, segments->each[at].sha256, SEGMENT_SHA256_TEXT) == 0;
}
