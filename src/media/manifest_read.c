// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/manifest_read.h"

#include "base/encode.h"
#include "base/mem.h"

#include <jansson.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>

enum { GENERATION_DIGITS = 16, MAX_RATE = 768000, MAX_CHANNELS = 255, MAX_DEPTH = 64 };
static const uint64_t most_exact = UINT64_C(1) << 53; /* JSON's whole numbers (RFC 8259 6) */

/* One manifest being read: the first fault stays. */
struct reading {
    char *why;
    const char *where; /* of a rendition: its name */
};

static PRINTF_LIKE(2, 3) void fault(const struct reading *reading, const char *format, ...)
{
    va_list arguments;
    if (*reading->why)
        return;
    int size = snprintf(reading->why, MANIFEST_WHY_BYTES, "%s: ", reading->where);
    va_start(arguments, format);
    vsnprintf(reading->why + size, MANIFEST_WHY_BYTES - (size_t)size, format, arguments);
    va_end(arguments);
}

static bool is_well(const struct reading *reading) { return !*reading->why; }

/* --- members --- */

static uint64_t number(const struct reading *reading, const json_t *object, const char *name,
                       uint64_t most)
{
    const json_t *value = json_object_get(object, name);
    json_int_t got = json_is_integer(value) ? json_integer_value(value) : -1;
    if (got >= 0 && (uint64_t)got <= most)
        return (uint64_t)got;
    fault(reading, "%s must be a whole number of at most %llu", name, (unsigned long long)most);
    return 0;
}

static struct text word(const struct reading *reading, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value))
        fault(reading, "%s must be a text", name);
    return text_make(json_string_value(value), json_string_length(value));
}

static bool truth(const struct reading *reading, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_boolean(value))
        fault(reading, "%s must be true or false", name);
    return json_is_true(value);
}

/* {"bytes", "sha256"}; members of a segment, or of an object of its own. */
static struct package_object object_of(const struct reading *reading, const json_t *object)
{
    struct package_object read = {.bytes = (uint32_t)number(reading, object, "bytes", INT32_MAX)};
    struct text digest = word(reading, object, "sha256");
    if (!read.bytes ||
        decode_base64url(digest, read.sha256, sizeof read.sha256) != sizeof read.sha256)
        fault(reading, "an object without size or digest");
    return read;
}

static struct package_object object_or_null(const struct reading *reading, const json_t *parent,
                                            const char *name)
{
    const json_t *object = json_object_get(parent, name);
    if (json_is_null(object))
        return (struct package_object){0};
    return object_of(reading, object);
}

/* --- a rendition --- */

static uint64_t generation_of(const struct reading *reading, const json_t *object)
{
    struct text digits = word(reading, object, "generation");
    uint64_t generation = 0;
    for (size_t i = 0; i < digits.size; i++) {
        char c = digits.data[i];
        bool is_decimal = c >= '0' && c <= '9', is_letter = c >= 'a' && c <= 'f';
        if ((!is_decimal && !is_letter) || digits.size != GENERATION_DIGITS)
            break;
        generation = generation << 4 | (uint64_t)(is_decimal ? c - '0' : c - 'a' + 10);
        if (i + 1 == GENERATION_DIGITS)
            return generation;
    }
    fault(reading, "generation must be 16 hexadecimal digits");
    return 0;
}

static enum manifest_state state_of(const struct reading *reading, const json_t *object)
{
    static const struct text words[] = {[MANIFEST_PLANNED] = TEXT_INIT("planned"),
                                        [MANIFEST_ENCODING] = TEXT_INIT("encoding"),
                                        [MANIFEST_COMPLETE] = TEXT_INIT("complete")};
    struct text state = word(reading, object, "state");
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (text_equal(state, words[i]))
            return (enum manifest_state)i;
    fault(reading, "state must be planned, encoding or complete");
    return MANIFEST_PLANNED;
}

static struct package_segment segment_of(const struct reading *reading, const json_t *object)
{
    struct package_segment segment = {.at = number(reading, object, "at", most_exact),
                                      .samples =
                                          (uint32_t)number(reading, object, "duration", UINT32_MAX),
                                      .segment = object_of(reading, object),
                                      .lead = object_or_null(reading, object, "lead")};
    return segment;
}

/* Durations are fixed, but for the last one of all. */
static void check_segment(const struct reading *reading, const struct manifest_rendition *rendition,
                          uint32_t at, uint64_t begin)
{
    const struct package_segment *segment = &rendition->segments[at];
    uint32_t whole = at ? rendition->segment_duration : rendition->first_duration;
    bool may_be_short = rendition->length && at + 1 == rendition->count;
    if (segment->at != begin)
        fault(reading, "a gap before segment %u", at);
    if (!segment->samples || segment->samples > whole ||
        (segment->samples < whole && !may_be_short))
        fault(reading, "segment %u has a wrong duration", at);
}

/* The samples of all. */
static uint64_t read_segments(const struct reading *reading, const json_t *list,
                              struct manifest_rendition *rendition)
{
    uint64_t end = 0;
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > SEGMENTER_MAX_SEGMENTS)
        fault(reading, "segments must be a list of at most %d", SEGMENTER_MAX_SEGMENTS);
    if (!is_well(reading) || !count)
        return 0;
    rendition->segments = mem_zalloc(count * sizeof *rendition->segments);
    rendition->count = (uint32_t)count;
    for (uint32_t i = 0; i < count && is_well(reading); i++) {
        rendition->segments[i] = segment_of(reading, json_array_get(list, i));
        check_segment(reading, rendition, i, end);
        end += rendition->segments[i].samples;
    }
    return end;
}

static void read_trim(const struct reading *reading, const json_t *object,
                      struct manifest_rendition *rendition)
{
    const json_t *trim = json_object_get(object, "trim");
    rendition->trim_start = (uint32_t)number(reading, trim, "start", UINT32_MAX);
    if (rendition->state != MANIFEST_COMPLETE && json_is_null(json_object_get(object, "length")))
        return;
    rendition->length = number(reading, object, "length", most_exact);
    rendition->trim_end = number(reading, trim, "end", most_exact);
    if (!rendition->length)
        fault(reading, "length must not be 0");
}

static void read_rendition(struct reading *reading, const json_t *object,
                           struct manifest_rendition *rendition)
{
    rendition->is_there = true;
    rendition->state = state_of(reading, object);
    rendition->generation = generation_of(reading, object);
    rendition->rate = (uint32_t)number(reading, object, "rate", MAX_RATE);
    rendition->channels = (uint32_t)number(reading, object, "channels", MAX_CHANNELS);
    rendition->bandwidth = number(reading, object, "bandwidth", most_exact);
    rendition->average_bandwidth = number(reading, object, "averageBandwidth", most_exact);
    rendition->preroll = (uint32_t)number(reading, object, "preroll", UINT32_MAX);
    rendition->first_duration = (uint32_t)number(reading, object, "firstDuration", UINT32_MAX);
    rendition->segment_duration = (uint32_t)number(reading, object, "segmentDuration", UINT32_MAX);
    rendition->init = object_or_null(reading, object, "init");
    read_trim(reading, object, rendition);
    uint64_t samples = read_segments(reading, json_object_get(object, "segments"), rendition);
    if (!rendition->rate || !rendition->first_duration || !rendition->segment_duration)
        fault(reading, "rate and durations must not be 0");
    if (rendition->count && !rendition->init.bytes)
        fault(reading, "segments without an initialisation segment");
    if (rendition->length &&
        samples != rendition->trim_start + rendition->length + rendition->trim_end)
        fault(reading, "the trims do not add up");
}

static void read_renditions(struct reading *reading, const json_t *list, struct manifest_body *body)
{
    size_t i;
    const json_t *object;
    enum rendition rendition;
    if (!json_is_array(list))
        fault(reading, "renditions must be a list");
    json_array_foreach(list, i, object)
    {
        reading->where = "manifest";
        struct text name = word(reading, object, "name");
        if (!is_well(reading) || !rendition_from(name, &rendition))
            continue;
        reading->where = rendition_word(rendition);
        if (body->renditions[rendition].is_there)
            fault(reading, "listed twice");
        else
            read_rendition(reading, object, &body->renditions[rendition]);
    }
    reading->where = "manifest";
}

/* --- the whole --- */

static void read_head(const struct reading *reading, const json_t *root, struct manifest_body *body)
{
    const json_t *source = json_object_get(root, "source");
    struct text rest = word(reading, root, "format"), major;
    struct text track = word(reading, root, "track");
    if (is_well(reading) &&
        (!text_split(&rest, '.', &major) || !text_equal(major, TEXT("manifest 1"))))
        fault(reading, "format must be manifest 1");
    if (track.size >= sizeof body->track)
        fault(reading, "track must be a track's id");
    if (!is_well(reading))
        return;
    snprintf(body->track, sizeof body->track, "%.*s", TEXT_ARGS(track));
    body->is_provisional = truth(reading, root, "isProvisional");
    body->is_exact = truth(reading, source, "isExact");
    body->source_rate = (uint32_t)number(reading, source, "rate", MAX_RATE);
    body->source_channels = (uint32_t)number(reading, source, "channels", MAX_CHANNELS);
    body->source_depth = (uint32_t)number(reading, source, "bitDepth", MAX_DEPTH);
    body->source_length = number(reading, source, "length", most_exact);
}

bool manifest_read(struct text bytes, struct manifest_body *ret, char ret_why[MANIFEST_WHY_BYTES])
{
    struct reading reading = {ret_why, "manifest"};
    struct manifest_body body = {0};
    json_error_t error;
    *ret_why = 0;
    if (bytes.size > MANIFEST_MAX_BYTES)
        fault(&reading, "longer than %d bytes", MANIFEST_MAX_BYTES);
    json_t *root = is_well(&reading) && bytes.size
                       ? json_loadb(bytes.data, bytes.size, JSON_REJECT_DUPLICATES, &error)
                       : NULL;
    if (!json_is_object(root))
        fault(&reading, "not a JSON object");
    read_head(&reading, root, &body);
    read_renditions(&reading, json_object_get(root, "renditions"), &body);
    json_decref(root);
    if (is_well(&reading))
        *ret = body;
    else
        manifest_body_release(&body);
    return is_well(&reading);
}

void manifest_body_release(struct manifest_body *body)
{
    for (unsigned i = 0; i < RENDITION_COUNT; i++)
        mem_free(body->renditions[i].segments);
    *body = (struct manifest_body){0};
}

const struct package_object *manifest_find(const struct manifest_body *body,
                                           enum rendition rendition, enum segmenter_kind kind,
                                           uint32_t at)
{
    const struct manifest_rendition *from = &body->renditions[rendition];
    const struct package_object *object = kind == SEGMENTER_INIT   ? &from->init
                                          : at >= from->count      ? NULL
                                          : kind == SEGMENTER_LEAD ? &from->segments[at].lead
                                                                   : &from->segments[at].segment;
    return object && object->bytes ? object : NULL;
}

bool package_object_is(const struct package_object *object, struct text bytes)
{
    uint8_t digest[PACKAGE_SHA256_BYTES];
    if (bytes.size != object->bytes)
        return false;
    SHA256((const uint8_t *)bytes.data, bytes.size, digest);
    return memcmp(digest, object->sha256, sizeof digest) == 0;
}
