// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/decision.h"

#include <assert.h>
#include <inttypes.h>

enum { PER_MILLE_FLAC = 700, MOST_CHANNELS = 2, CD_RATE = 44100 };

const char *decision_reason_word(enum decision_reason reason)
{
    static const char *const words[] = {
#define REASON(id, word) [DECISION_##id] = (word),
#include "api/decision.def"
#undef REASON
    };
    return words[reason];
}

/* --- names: clients spell them in several ways --- */

static struct text usual_name(struct text name)
{
    static const struct {
        struct text other, usual;
    } names[] = {{TEXT_INIT("m4a"), TEXT_INIT("mp4")},   {TEXT_INIT("m4b"), TEXT_INIT("mp4")},
                 {TEXT_INIT("mov"), TEXT_INIT("mp4")},   {TEXT_INIT("fmp4"), TEXT_INIT("mp4")},
                 {TEXT_INIT("m4s"), TEXT_INIT("mp4")},   {TEXT_INIT("cmaf"), TEXT_INIT("mp4")},
                 {TEXT_INIT("oga"), TEXT_INIT("ogg")},   {TEXT_INIT("mpeg"), TEXT_INIT("mp3")},
                 {TEXT_INIT("adts"), TEXT_INIT("aac")},  {TEXT_INIT("mp4a"), TEXT_INIT("aac")},
                 {TEXT_INIT("wave"), TEXT_INIT("wav")},  {TEXT_INIT("aif"), TEXT_INIT("aiff")},
                 {TEXT_INIT("wavpack"), TEXT_INIT("wv")}};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (text_equal_nocase(name, names[i].other))
            return names[i].usual;
    return name;
}

static bool is_same(struct text asked, struct text name)
{
    return text_equal(asked, TEXT("*")) || text_equal_nocase(usual_name(asked), usual_name(name));
}

/* A file of Opus is called by its codec as often as by its container. */
static bool is_container(struct text asked, const struct decision_stream *stream)
{
    return is_same(asked, stream->container) ||
           (text_equal(stream->codec, TEXT("opus")) && text_equal_nocase(asked, TEXT("opus")));
}

static bool have(const struct ability_names *names, struct text name)
{
    for (size_t i = 0; i < names->count; i++)
        if (is_same(names->items[i], name))
            return true;
    return !names->count;
}

static bool have_container(const struct ability_names *names, const struct decision_stream *stream)
{
    for (size_t i = 0; i < names->count; i++)
        if (is_container(names->items[i], stream))
            return true;
    return !names->count;
}

void decision_describe(struct text suffix, struct decision_stream *stream)
{
    static const struct {
        struct text suffix, container, codec;
    } files[] = {{TEXT_INIT("mp3"), TEXT_INIT("mp3"), TEXT_INIT("mp3")},
                 {TEXT_INIT("flac"), TEXT_INIT("flac"), TEXT_INIT("flac")},
                 {TEXT_INIT("ogg"), TEXT_INIT("ogg"), TEXT_INIT("vorbis")},
                 {TEXT_INIT("opus"), TEXT_INIT("ogg"), TEXT_INIT("opus")},
                 {TEXT_INIT("oga"), TEXT_INIT("ogg"), TEXT_INIT("flac")},
                 {TEXT_INIT("m4a"), TEXT_INIT("mp4"), TEXT_INIT("aac")},
                 {TEXT_INIT("wav"), TEXT_INIT("wav"), TEXT_INIT("pcm")},
                 {TEXT_INIT("aiff"), TEXT_INIT("aiff"), TEXT_INIT("pcm")},
                 {TEXT_INIT("wv"), TEXT_INIT("wv"), TEXT_INIT("wavpack")}};
    stream->protocol = TEXT("http");
    stream->container = stream->codec = suffix;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        if (text_equal(suffix, files[i].suffix)) {
            stream->container = files[i].container;
            stream->codec = files[i].codec;
        }
    }
    if (stream->depth && text_equal(stream->codec, TEXT("aac"))) /* lossless in MP4 */
        stream->codec = TEXT("alac");
}

/* --- limits --- */

static uint64_t first_value(const struct ability_limit *limit)
{
    uint64_t value = 0;
    return text_to_u64(limit->values.items[0], &value) ? value : 0;
}

/* 0: not known, or none. */
static uint64_t subject_of_stream(const struct decision_stream *stream,
                                  enum ability_subject subject)
{
    switch (subject) {
    case ABILITY_CHANNELS:
        return stream->channels;
    case ABILITY_BITRATE:
        return stream->bitrate;
    case ABILITY_RATE:
        return stream->rate;
    case ABILITY_DEPTH:
        return stream->depth;
    case ABILITY_PROFILE:
    case ABILITY_SUBJECTS:
        break;
    }
    return 0;
}

static bool is_among(const struct ability_limit *limit, const struct decision_stream *stream)
{
    uint64_t value, own = subject_of_stream(stream, limit->subject);
    for (size_t i = 0; i < limit->values.count; i++) {
        struct text item = limit->values.items[i];
        if (limit->subject == ABILITY_PROFILE ? text_equal_nocase(item, stream->profile)
                                              : text_to_u64(item, &value) && value == own)
            return true;
    }
    return false;
}

/* What is not known breaks no limit. */
static bool meets(const struct ability_limit *limit, const struct decision_stream *stream)
{
    uint64_t own = subject_of_stream(stream, limit->subject);
    if (limit->subject == ABILITY_PROFILE ? !stream->profile.size : !own)
        return true;
    switch (limit->comparison) {
    case ABILITY_EQUALS:
        return is_among(limit, stream);
    case ABILITY_NOT_EQUALS:
        return !is_among(limit, stream);
    case ABILITY_AT_MOST:
        return own <= first_value(limit);
    case ABILITY_AT_LEAST:
        return own >= first_value(limit);
    }
    return false;
}

/* The required limits of its codec that a stream breaks; true when there is none. */
static bool meets_all(const struct abilities *abilities, const struct decision_stream *stream,
                      bool reasons[DECISION_REASONS])
{
    static const enum decision_reason reason_of[] = {[ABILITY_CHANNELS] = DECISION_CHANNELS,
                                                     [ABILITY_BITRATE] = DECISION_BITRATE,
                                                     [ABILITY_PROFILE] = DECISION_PROFILE,
                                                     [ABILITY_RATE] = DECISION_RATE,
                                                     [ABILITY_DEPTH] = DECISION_DEPTH};
    bool is_met = true;
    for (size_t i = 0; i < abilities->codec_count; i++) {
        const struct ability_codec *codec = &abilities->codecs[i];
        for (size_t n = 0; is_same(codec->codec, stream->codec) && n < codec->limit_count; n++) {
            const struct ability_limit *limit = &codec->limits[n];
            if (!limit->is_required || meets(limit, stream))
                continue;
            reasons[reason_of[limit->subject]] = true;
            is_met = false;
        }
    }
    return is_met;
}

/* --- as it is --- */

struct misses {
    bool protocol, container, codec, channels;
};

static unsigned count_misses(const struct misses *misses)
{
    return (unsigned)misses->protocol + misses->container + misses->codec + misses->channels;
}

static struct misses compare(const struct ability_direct *direct,
                             const struct decision_stream *source)
{
    return (struct misses){.protocol = !have(&direct->protocols, source->protocol),
                           .container = !have_container(&direct->containers, source),
                           .codec = !have(&direct->codecs, source->codec),
                           .channels =
                               direct->max_channels && source->channels > direct->max_channels};
}

/* What the profile that comes nearest lacks. */
static bool judge_direct(const struct abilities *abilities, const struct decision_stream *source,
                         bool reasons[DECISION_REASONS])
{
    struct misses best = {0};
    for (size_t i = 0; i < abilities->direct_count; i++) {
        struct misses misses = compare(&abilities->direct[i], source);
        if (!i || count_misses(&misses) < count_misses(&best))
            best = misses;
    }
    reasons[DECISION_NO_PROFILE] = !abilities->direct_count;
    reasons[DECISION_PROTOCOL] = best.protocol;
    reasons[DECISION_CONTAINER] = best.container;
    reasons[DECISION_CODEC] = best.codec;
    reasons[DECISION_CHANNELS] = best.channels;
    reasons[DECISION_BITRATE] = abilities->max_bitrate && source->bitrate > abilities->max_bitrate;
    bool is_met = meets_all(abilities, source, reasons) && !reasons[DECISION_BITRATE];
    return is_met && abilities->direct_count && !count_misses(&best);
}

/* --- as something else --- */

static uint64_t least(uint64_t a, uint64_t b) { return !a || (b && b < a) ? b : a; }

/* The bit rate that nothing made may pass; 0: none. */
static uint64_t most_bitrate(const struct abilities *abilities)
{
    return least(abilities->max_transcoding_bitrate, abilities->max_bitrate);
}

/* The value nearest to `own`, preferably below, that the limit lets through. */
static uint64_t fit_value(const struct ability_limit *limit, uint64_t own)
{
    uint64_t below = 0, above = 0, value;
    if (limit->comparison == ABILITY_AT_MOST)
        return own < first_value(limit) ? own : first_value(limit);
    for (size_t i = 0; limit->comparison == ABILITY_EQUALS && i < limit->values.count; i++) {
        if (!text_to_u64(limit->values.items[i], &value))
            continue;
        if (value <= own && value > below)
            below = value;
        if (value > own)
            above = least(above, value);
    }
    uint64_t fit = below ? below : above;
    return fit && fit <= UINT32_MAX ? fit : own;
}

/* Turns down what can be turned down; whether that was enough is for meets_all() to say. */
static void fit_limits(const struct abilities *abilities, struct decision_stream *stream)
{
    for (size_t i = 0; i < abilities->codec_count; i++) {
        const struct ability_codec *codec = &abilities->codecs[i];
        for (size_t n = 0; is_same(codec->codec, stream->codec) && n < codec->limit_count; n++) {
            const struct ability_limit *limit = &codec->limits[n];
            uint32_t *value = limit->subject == ABILITY_CHANNELS  ? &stream->channels
                              : limit->subject == ABILITY_BITRATE ? &stream->bitrate
                              : limit->subject == ABILITY_RATE    ? &stream->rate
                                                                  : NULL;
            if (value)
                *value = (uint32_t)fit_value(limit, *value);
        }
    }
}

static const struct {
    enum media_format format;
    struct text container, codec, profile;
} made[] = {{MEDIA_FORMAT_MP3, TEXT_INIT("mp3"), TEXT_INIT("mp3"), TEXT_INIT("")},
            {MEDIA_FORMAT_OPUS, TEXT_INIT("ogg"), TEXT_INIT("opus"), TEXT_INIT("")},
            {MEDIA_FORMAT_OGG, TEXT_INIT("ogg"), TEXT_INIT("vorbis"), TEXT_INIT("")},
            {MEDIA_FORMAT_FLAC, TEXT_INIT("flac"), TEXT_INIT("flac"), TEXT_INIT("")},
            {MEDIA_FORMAT_M4A, TEXT_INIT("mp4"), TEXT_INIT("aac"), TEXT_INIT("LC")},
            {MEDIA_FORMAT_AAC, TEXT_INIT("aac"), TEXT_INIT("aac"), TEXT_INIT("LC")}};

/* What its encoder is asked for; lossy sources are not blown up. */
static uint32_t wanted_bitrate(enum media_format format, const struct abilities *abilities,
                               const struct decision_stream *source)
{
    uint64_t limit = most_bitrate(abilities);
    uint64_t wanted = limit ? limit : (uint64_t)media_format_kbps(format) * 1000;
    return (uint32_t)(source->depth ? wanted : least(wanted, source->bitrate));
}

static uint32_t flac_bitrate(const struct decision_stream *source,
                             const struct decision_stream *stream)
{
    bool is_same_sound = source->rate == stream->rate && source->channels == stream->channels &&
                         source->depth == stream->depth && text_equal(source->codec, TEXT("flac"));
    uint64_t samples = (uint64_t)stream->rate * stream->channels;
    return is_same_sound && source->bitrate
               ? source->bitrate
               : (uint32_t)(samples * stream->depth * PER_MILLE_FLAC / 1000);
}

static bool fits(const struct abilities *abilities, const struct ability_target *target,
                 const struct decision_stream *stream)
{
    bool reasons[DECISION_REASONS] = {0};
    uint64_t limit = most_bitrate(abilities);
    return (!limit || stream->bitrate <= limit) &&
           (!target->max_channels || stream->channels <= target->max_channels) &&
           meets_all(abilities, stream, reasons);
}

static bool try_http(const struct abilities *abilities, const struct ability_target *target,
                     const struct decision_stream *source, size_t which, struct decision *decision)
{
    enum media_format format = made[which].format;
    uint32_t channels = source->channels == 1 ? 1 : MOST_CHANNELS;
    struct decision_stream stream = {
        .protocol = TEXT("http"),
        .container = made[which].container,
        .codec = made[which].codec,
        .profile = made[which].profile,
        .channels = (uint32_t)least(channels, target->max_channels),
        .rate = media_format_rate(format, source->rate ? source->rate : CD_RATE),
        .bitrate = wanted_bitrate(format, abilities, source)};
    if (!is_container(target->container, &stream) || !is_same(target->codec, stream.codec))
        return false;
    fit_limits(abilities, &stream);
    stream.rate = media_format_rate(format, stream.rate);
    if (format == MEDIA_FORMAT_FLAC) {
        stream.depth = source->depth > 16 ? 24 : 16;
        stream.bitrate = flac_bitrate(source, &stream);
    } else {
        stream.bitrate =
            media_format_fit_kbps(format, stream.bitrate / 1000, stream.channels, stream.rate) *
            1000;
    }
    if (stream.channels > MOST_CHANNELS || !fits(abilities, target, &stream))
        return false;
    decision->transcode = stream;
    decision->recipe = (struct decision_recipe){
        .request = {.format = format,
                    .bitrate_kbps = format == MEDIA_FORMAT_FLAC ? 0 : stream.bitrate / 1000,
                    .channels = stream.channels,
                    .sample_rate = stream.rate}};
    return true;
}

static bool try_rendition(const struct abilities *abilities, const struct ability_target *target,
                          const struct decision_stream *source, enum rendition rendition,
                          struct decision *decision)
{
    static const struct text codecs[] = {[CMAF_AAC] = TEXT_INIT("aac"),
                                         [CMAF_OPUS] = TEXT_INIT("opus"),
                                         [CMAF_FLAC] = TEXT_INIT("flac")};
    const struct rendition_source facts = {source->rate, source->channels, source->depth, 0};
    enum cmaf_codec codec = rendition_codec(rendition);
    struct decision_stream stream = {.protocol = TEXT("hls"),
                                     .container = TEXT("mp4"),
                                     .codec = codecs[codec],
                                     .profile = codec == CMAF_AAC ? TEXT("LC") : TEXT_NONE,
                                     .channels = rendition_channels(rendition, source->channels),
                                     .rate = rendition_rate(rendition, source->rate)};
    stream.depth = codec == CMAF_FLAC ? (source->depth > 16 ? 24 : 16) : 0;
    stream.bitrate = codec == CMAF_FLAC ? flac_bitrate(source, &stream)
                                        : rendition_kbps(rendition) * 1000 * stream.channels / 2;
    if (!is_same(target->container, stream.container) || !is_same(target->codec, stream.codec) ||
        !rendition_is_offered(rendition, &facts) || !fits(abilities, target, &stream))
        return false;
    decision->transcode = stream;
    decision->recipe = (struct decision_recipe){.is_hls = true, .rendition = rendition};
    return true;
}

static bool try_target(const struct abilities *abilities, const struct ability_target *target,
                       const struct decision_stream *source, struct decision *decision)
{
    static const enum rendition best_first[] = {
        RENDITION_AAC_256, RENDITION_AAC_128, RENDITION_AAC_64, RENDITION_OPUS_128, RENDITION_FLAC};
    for (size_t i = 0; is_same(target->protocol, TEXT("http")) && i < ARRAY_SIZE(made); i++)
        if (try_http(abilities, target, source, i, decision))
            return true;
    for (size_t i = 0; is_same(target->protocol, TEXT("hls")) && i < ARRAY_SIZE(best_first); i++)
        if (try_rendition(abilities, target, source, best_first[i], decision))
            return true;
    return false;
}

void decision_make(const struct abilities *abilities, const struct decision_stream *source,
                   struct decision *ret)
{
    *ret = (struct decision){0};
    ret->can_direct_play = judge_direct(abilities, source, ret->reasons);
    for (size_t i = 0; !ret->can_transcode && i < abilities->target_count; i++)
        ret->can_transcode = try_target(abilities, &abilities->targets[i], source, ret);
}

/* --- recipes --- */

void decision_recipe_write(const struct decision_recipe *recipe, struct buffer *out)
{
    const struct media_transcode_request *request = &recipe->request;
    if (recipe->is_hls)
        buffer_printf(out, "hls.%s", rendition_word(recipe->rendition));
    else
        buffer_printf(out, "http.%s.%" PRIu32 ".%" PRIu32 ".%" PRIu32,
                      media_format_word(request->format), request->bitrate_kbps, request->channels,
                      request->sample_rate);
}

static bool take_number(struct text *rest, uint32_t most, uint32_t *ret)
{
    struct text digits;
    uint64_t value;
    if (!text_split(rest, '.', &digits) || !text_to_u64(digits, &value) || value > most)
        return false;
    *ret = (uint32_t)value;
    return true;
}

bool decision_recipe_read(struct text words, struct decision_recipe *ret)
{
    struct text rest = words, protocol, form;
    struct decision_recipe recipe = {0};
    if (!text_split(&rest, '.', &protocol))
        return false;
    recipe.is_hls = text_equal(protocol, TEXT("hls"));
    bool is_read = recipe.is_hls
                       ? rendition_from(rest, &recipe.rendition)
                       : text_equal(protocol, TEXT("http")) && text_split(&rest, '.', &form) &&
                             media_format_from(form, &recipe.request.format) &&
                             take_number(&rest, 510, &recipe.request.bitrate_kbps) &&
                             take_number(&rest, MOST_CHANNELS, &recipe.request.channels) &&
                             take_number(&rest, 192000, &recipe.request.sample_rate) && !rest.data;
    if (is_read)
        *ret = recipe;
    return is_read;
}
