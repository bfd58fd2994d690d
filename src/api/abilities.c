// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/abilities.h"

#include "api/body.h"

#include <stdio.h>

/* One object being read: the first fault stays. */
struct reading {
    struct arena *arena;
    char *why; /* 160 bytes; empty while all is well */
};

static bool is_well(const struct reading *reading) { return !*reading->why; }

static void fault(const struct reading *reading, const char *name, const char *words)
{
    if (is_well(reading))
        snprintf(reading->why, 160, "%s %s.", name, words);
}

/* Memory for a list; NULL with a fault. */
static void *room(const struct reading *reading, const char *name, size_t count, size_t size)
{
    void *items = count <= ABILITIES_MAX_ITEMS ? arena_zalloc(reading->arena, count * size) : NULL;
    if (!items)
        fault(reading, name, "is longer than 64 items, or too much altogether");
    return items;
}

/* Absent, or null, is an empty list. */
static size_t list_of(const struct reading *reading, const json_t *object, const char *name,
                      const json_t **ret)
{
    *ret = json_object_get(object, name);
    if (*ret && !json_is_array(*ret) && !json_is_null(*ret))
        fault(reading, name, "must be a list");
    return is_well(reading) && json_is_array(*ret) ? json_array_size(*ret) : 0;
}

static struct ability_names read_names(const struct reading *reading, const json_t *object,
                                       const char *name)
{
    const json_t *list;
    size_t count = list_of(reading, object, name, &list);
    struct text *items = count ? room(reading, name, count, sizeof *items) : NULL;
    for (size_t i = 0; items && i < count; i++) {
        const json_t *item = json_array_get(list, i);
        items[i] = text_make(json_string_value(item), json_string_length(item));
        if (!items[i].size || items[i].size > ABILITIES_MAX_NAME)
            fault(reading, name, "must hold texts of 1 to 64 bytes");
    }
    return (struct ability_names){items ? count : 0, items};
}

static uint64_t read_number(const struct reading *reading, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        fault(reading, name, "must be a whole number");
        return 0;
    }
    return (uint64_t)json_integer_value(value) < UINT32_MAX ? (uint64_t)json_integer_value(value)
                                                            : UINT32_MAX;
}

static uint32_t read_channels(const struct reading *reading, const json_t *object)
{
    uint64_t channels = read_number(reading, object, "maxAudioChannels");
    return channels < 256 ? (uint32_t)channels : 255;
}

static struct text read_name(const struct reading *reading, const json_t *object, const char *name)
{
    struct text value = TEXT_NONE;
    if (!body_text(object, name, 1, ABILITIES_MAX_NAME, &value))
        fault(reading, name, "must be a text of 1 to 64 bytes");
    return value;
}

/* --- limits --- */

/* False for a name that this server does not know. */
static bool read_subject(const struct reading *reading, const json_t *object,
                         enum ability_subject *ret)
{
    static const struct text words[] = {[ABILITY_CHANNELS] = TEXT_INIT("audioChannels"),
                                        [ABILITY_BITRATE] = TEXT_INIT("audioBitrate"),
                                        [ABILITY_PROFILE] = TEXT_INIT("audioProfile"),
                                        [ABILITY_RATE] = TEXT_INIT("audioSamplerate"),
                                        [ABILITY_DEPTH] = TEXT_INIT("audioBitdepth")};
    struct text name = read_name(reading, object, "name");
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (text_equal(name, words[i])) {
            *ret = (enum ability_subject)i;
            return true;
        }
    return false;
}

static bool read_comparison(const struct reading *reading, const json_t *object,
                            enum ability_comparison *ret)
{
    static const struct text words[] = {[ABILITY_EQUALS] = TEXT_INIT("Equals"),
                                        [ABILITY_NOT_EQUALS] = TEXT_INIT("NotEquals"),
                                        [ABILITY_AT_MOST] = TEXT_INIT("LessThanEqual"),
                                        [ABILITY_AT_LEAST] = TEXT_INIT("GreaterThanEqual")};
    struct text name = read_name(reading, object, "comparison");
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (text_equal(name, words[i])) {
            *ret = (enum ability_comparison)i;
            return true;
        }
    return false;
}

/* False for one of a newer client, of which nothing more is looked at. */
static bool read_limit(const struct reading *reading, const json_t *object,
                       struct ability_limit *limit)
{
    uint64_t number;
    if (!read_subject(reading, object, &limit->subject) ||
        !read_comparison(reading, object, &limit->comparison))
        return false;
    limit->values = read_names(reading, object, "values");
    if (!body_bool(object, "required", false, &limit->is_required))
        fault(reading, "required", "must be true or false");
    if (!limit->values.count)
        fault(reading, "values", "must name at least one value");
    for (size_t i = 0; limit->subject != ABILITY_PROFILE && i < limit->values.count; i++)
        if (!text_to_u64(limit->values.items[i], &number))
            fault(reading, "values", "must be whole numbers, but for audioProfile");
    if (limit->subject == ABILITY_PROFILE && limit->comparison > ABILITY_NOT_EQUALS)
        fault(reading, "comparison", "of audioProfile must be Equals or NotEquals");
    return true;
}

/* --- profiles --- */

static void read_direct(const struct reading *reading, const json_t *object,
                        struct abilities *abilities)
{
    const json_t *list;
    size_t count = list_of(reading, object, "directPlayProfiles", &list);
    struct ability_direct *items =
        count ? room(reading, "directPlayProfiles", count, sizeof *items) : NULL;
    for (size_t i = 0; items && i < count && is_well(reading); i++) {
        const json_t *item = json_array_get(list, i);
        items[i] = (struct ability_direct){
            read_names(reading, item, "containers"), read_names(reading, item, "audioCodecs"),
            read_names(reading, item, "protocols"), read_channels(reading, item)};
        if (!json_is_object(item))
            fault(reading, "directPlayProfiles", "must hold objects");
    }
    abilities->direct = items;
    abilities->direct_count = count;
}

static void read_targets(const struct reading *reading, const json_t *object,
                         struct abilities *abilities)
{
    const json_t *list;
    size_t count = list_of(reading, object, "transcodingProfiles", &list);
    struct ability_target *items =
        count ? room(reading, "transcodingProfiles", count, sizeof *items) : NULL;
    for (size_t i = 0; items && i < count && is_well(reading); i++) {
        const json_t *item = json_array_get(list, i);
        items[i] = (struct ability_target){
            read_name(reading, item, "container"), read_name(reading, item, "audioCodec"),
            read_name(reading, item, "protocol"), read_channels(reading, item)};
    }
    abilities->targets = items;
    abilities->target_count = count;
}

static void read_codec(const struct reading *reading, const json_t *object,
                       struct ability_codec *codec)
{
    const json_t *list;
    codec->codec = read_name(reading, object, "name");
    size_t count = list_of(reading, object, "limitations", &list);
    struct ability_limit *limits =
        count ? room(reading, "limitations", count, sizeof *limits) : NULL;
    codec->limits = limits;
    for (size_t i = 0; limits && i < count && is_well(reading); i++)
        codec->limit_count +=
            read_limit(reading, json_array_get(list, i), &limits[codec->limit_count]);
}

static void read_codecs(const struct reading *reading, const json_t *object,
                        struct abilities *abilities)
{
    const json_t *list;
    size_t count = list_of(reading, object, "codecProfiles", &list);
    struct ability_codec *items =
        count ? room(reading, "codecProfiles", count, sizeof *items) : NULL;
    for (size_t i = 0; items && i < count && is_well(reading); i++)
        read_codec(reading, json_array_get(list, i), &items[i]);
    abilities->codecs = items;
    abilities->codec_count = count;
}

bool abilities_read(const json_t *object, struct arena *arena, struct abilities *ret,
                    char ret_why[160])
{
    const struct reading reading = {arena, ret_why};
    struct abilities abilities = {0};
    *ret_why = 0;
    abilities.max_bitrate = read_number(&reading, object, "maxAudioBitrate");
    abilities.max_transcoding_bitrate = read_number(&reading, object, "maxTranscodingAudioBitrate");
    read_direct(&reading, object, &abilities);
    read_targets(&reading, object, &abilities);
    read_codecs(&reading, object, &abilities);
    if (!is_well(&reading))
        return false;
    *ret = abilities;
    return true;
}
