// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/manifest.h"

enum { REFERENCE_MLUFS = -18000 };

int32_t manifest_gain_of(int32_t loudness_mlufs) { return REFERENCE_MLUFS - loudness_mlufs; }

bool manifest_is_provisional(const struct manifest *manifest)
{
    for (unsigned i = 0; i < RENDITION_COUNT; i++)
        if (manifest->is_offered[i] && manifest->views[i].state != PACKAGE_COMPLETE)
            return true;
    return false;
}

/* --- members --- */

static void write_u64_or_null(struct json *json, const char *name, uint64_t value, bool is_known)
{
    json_name(json, name);
    if (is_known)
        json_u64(json, value);
    else
        json_write_null(json);
}

static void write_gain(struct json *json, const char *name, int32_t gain_mdb)
{
    json_name(json, name);
    if (gain_mdb == MANIFEST_NO_GAIN)
        json_write_null(json);
    else
        json_double(json, gain_mdb / 1e3, 2);
}

static void write_peak(struct json *json, const char *name, uint32_t peak_ppm)
{
    json_name(json, name);
    if (peak_ppm)
        json_double(json, peak_ppm / 1e6, 6);
    else
        json_write_null(json);
}

static void write_object(struct json *json, const char *name, const struct package_object *object)
{
    json_name(json, name);
    if (!object->bytes) {
        json_write_null(json);
        return;
    }
    json_begin_object(json);
    json_member_u64(json, "bytes", object->bytes);
    json_member_bytes(json, "sha256", object->sha256, sizeof object->sha256);
    json_end_object(json);
}

static void write_segment(struct json *json, const struct package_segment *segment)
{
    json_begin_object(json);
    json_member_u64(json, "at", segment->at);
    json_member_u64(json, "duration", segment->samples);
    json_member_u64(json, "bytes", segment->segment.bytes);
    json_member_bytes(json, "sha256", segment->segment.sha256, sizeof segment->segment.sha256);
    write_object(json, "lead", &segment->lead);
    json_end_object(json);
}

/* --- a source's length: what an encode counted, else what its tags say --- */

static const struct package_index *counted(const struct manifest *manifest)
{
    for (unsigned i = 0; i < RENDITION_COUNT; i++)
        if (manifest->is_offered[i] && manifest->views[i].has_index &&
            manifest->views[i].state == PACKAGE_COMPLETE)
            return &manifest->views[i].index;
    return NULL;
}

static void write_source(struct json *json, const struct manifest *manifest)
{
    const struct package_index *index = counted(manifest);
    const struct rendition_source *source = &manifest->source;
    json_name(json, "source");
    json_begin_object(json);
    json_member_u64(json, "rate", source->rate);
    json_member_u64(json, "channels", source->channels);
    json_member_u64(json, "bitDepth", source->depth);
    json_member_u64(json, "length",
                    index ? index->source_samples : source->duration_ms * source->rate / 1000);
    json_member_bool(json, "isExact", index != NULL);
    json_end_object(json);
}

static void write_loudness(struct json *json, const struct manifest_loudness *loudness)
{
    bool is_known = loudness->gain_mdb != MANIFEST_NO_GAIN;
    json_name(json, "loudness");
    json_begin_object(json);
    write_gain(json, "gainDb", loudness->gain_mdb);
    write_peak(json, "peak", loudness->peak_ppm);
    write_gain(json, "albumGainDb", loudness->album_gain_mdb);
    write_peak(json, "albumPeak", loudness->album_peak_ppm);
    json_member_text(json, "origin",
                     !is_known               ? TEXT("unknown")
                     : loudness->is_measured ? TEXT("measured")
                                             : TEXT("tags"));
    json_end_object(json);
}

/* --- renditions --- */

struct manifest_rates manifest_rates(const struct manifest *manifest, enum rendition rendition)
{
    const struct package_view *view = &manifest->views[rendition];
    const struct rendition_source *source = &manifest->source;
    uint64_t bits = 0, samples = 0, peak = 0;
    for (uint32_t i = 0; i < view->index.count; i++) {
        const struct package_segment *segment = &view->index.segments[i];
        uint64_t one = segment->segment.bytes * UINT64_C(8);
        bits += one;
        samples += segment->samples;
        one = one * view->index.rate / (segment->samples ? segment->samples : 1);
        peak = one > peak && (i == 0 || i + 1 < view->index.count) ? one : peak;
    }
    if (view->state == PACKAGE_COMPLETE && samples)
        return (struct manifest_rates){peak, bits * view->index.rate / samples};
    uint64_t nominal = rendition_kbps(rendition) * UINT64_C(1000);
    if (rendition_codec(rendition) == CMAF_FLAC && source->rate && source->depth)
        nominal = (uint64_t)source->rate * source->channels * source->depth * 2 / 3;
    return (struct manifest_rates){nominal * 11 / 10, nominal};
}

static const char *state_word(enum package_state state)
{
    switch (state) {
    case PACKAGE_PLANNED:
    case PACKAGE_FAILED:
        return "planned";
    case PACKAGE_ENCODING:
        return "encoding";
    case PACKAGE_COMPLETE:
        break;
    }
    return "complete";
}

static void write_cut(struct json *json, enum rendition rendition, uint32_t rate,
                      const struct package_view *view)
{
    struct rendition_cut cut = rendition_cut(rendition_codec(rendition), rate);
    bool is_known = view->index.length > 0;
    write_u64_or_null(json, "length", view->index.length, is_known);
    json_name(json, "trim");
    json_begin_object(json);
    json_member_u64(json, "start", view->has_index ? view->index.priming : cut.priming);
    write_u64_or_null(json, "end", view->index.trim_end, is_known);
    json_end_object(json);
    json_member_u64(json, "preroll", cut.preroll);
    json_member_u64(json, "firstDuration", (uint64_t)cut.packet * cut.first_packets);
    json_member_u64(json, "segmentDuration", (uint64_t)cut.packet * cut.packets);
}

static void write_rendition(struct json *json, const struct manifest *manifest,
                            enum rendition rendition)
{
    const struct package_view *view = &manifest->views[rendition];
    struct manifest_rates rates = manifest_rates(manifest, rendition);
    uint32_t rate =
        view->has_index ? view->index.rate : rendition_rate(rendition, manifest->source.rate);
    char generation[17];
    snprintf(generation, sizeof generation, "%016llx", (unsigned long long)view->generation);
    json_begin_object(json);
    json_member_text(json, "name", text_of(rendition_word(rendition)));
    json_member_text(json, "generation", text_of(generation));
    json_member_text(json, "state", text_of(state_word(view->state)));
    json_member_text(json, "mime", TEXT("audio/mp4"));
    json_member_text(json, "codec", text_of(rendition_codec_string(rendition)));
    json_member_u64(json, "rate", rate);
    json_member_u64(json, "channels",
                    view->has_index ? view->index.channels
                                    : rendition_channels(rendition, manifest->source.channels));
    json_member_u64(json, "bandwidth", rates.peak);
    json_member_u64(json, "averageBandwidth", rates.average);
    write_cut(json, rendition, rate, view);
    write_object(json, "init", &view->index.init);
    json_name(json, "segments");
    json_begin_array(json);
    for (uint32_t i = 0; i < view->index.count; i++)
        write_segment(json, &view->index.segments[i]);
    json_end_array(json);
    json_end_object(json);
}

void manifest_write(const struct manifest *manifest, struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_text(&json, "format", TEXT("manifest 1.0"));
    json_member_text(&json, "track", manifest->track);
    json_member_bool(&json, "isProvisional", manifest_is_provisional(manifest));
    write_source(&json, manifest);
    write_loudness(&json, &manifest->loudness);
    json_name(&json, "renditions");
    json_begin_array(&json);
    for (unsigned i = 0; i < RENDITION_COUNT; i++)
        if (manifest->is_offered[i])
            write_rendition(&json, manifest, (enum rendition)i);
    json_end_array(&json);
    json_end_object(&json);
}
