// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/playlist.h"

#include "base/encode.h"
#include "base/json.h"

#include <inttypes.h>

enum {
    SLIVERS_PER_S = 200, /* a last segment below 5 ms may be an error of rounding: left out */
    STEERING_TTL_S = 300,
    STEERING_MAX_BYTES = 16384
};

/* RFC 6381, in HLS' spelling. */
static const char *codec_of(enum rendition rendition)
{
    return rendition_codec(rendition) == CMAF_FLAC ? "fLaC" : rendition_codec_string(rendition);
}

static void write_uri(enum rendition rendition, struct text before, struct text grant,
                      struct buffer *out)
{
    buffer_printf(out, "%.*s%s/playlist.m3u8?g=%.*s", TEXT_ARGS(before), rendition_word(rendition),
                  TEXT_ARGS(grant));
}

/* --- where to go on --- */

static void write_clone(struct json *json, const bool wanted[RENDITION_COUNT],
                        const struct playlist_uris *uris, const struct playlist_pathway *pathway)
{
    struct buffer uri;
    buffer_init(&uri, STEERING_MAX_BYTES);
    json_begin_object(json);
    json_member_text(json, "BASE-ID", uris->pathways[0].id);
    json_member_text(json, "ID", pathway->id);
    json_name(json, "URI-REPLACEMENT");
    json_begin_object(json);
    json_name(json, "PER-VARIANT-URIS");
    json_begin_object(json);
    for (unsigned i = 0; i < RENDITION_COUNT; i++) {
        if (!wanted[i])
            continue;
        buffer_reset(&uri);
        write_uri((enum rendition)i, pathway->before, uris->grant, &uri);
        json_member_text(json, rendition_word((enum rendition)i), buffer_view(&uri));
    }
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
    buffer_release(&uri);
}

static void write_manifest(const bool wanted[RENDITION_COUNT], const struct playlist_uris *uris,
                           struct buffer *out)
{
    struct json json;
    json_init(&json, out);
    json_begin_object(&json);
    json_member_u64(&json, "VERSION", 1);
    json_member_u64(&json, "TTL", STEERING_TTL_S);
    json_name(&json, "PATHWAY-PRIORITY");
    json_begin_array(&json);
    for (size_t i = 0; i < uris->pathway_count; i++)
        json_text(&json, uris->pathways[i].id);
    json_end_array(&json);
    json_name(&json, "PATHWAY-CLONES");
    json_begin_array(&json);
    for (size_t i = 1; i < uris->pathway_count; i++)
        write_clone(&json, wanted, uris, &uris->pathways[i]);
    json_end_array(&json);
    json_end_object(&json);
}

static void write_steering(const bool wanted[RENDITION_COUNT], const struct playlist_uris *uris,
                           struct buffer *out)
{
    struct buffer manifest;
    buffer_init(&manifest, STEERING_MAX_BYTES);
    write_manifest(wanted, uris, &manifest);
    buffer_text(out, TEXT("#EXT-X-CONTENT-STEERING:SERVER-URI=\"data:application/json,"));
    encode_percent(out, buffer_view(&manifest), true);
    buffer_printf(out, "\",PATHWAY-ID=\"%.*s\"\n", TEXT_ARGS(uris->pathways[0].id));
    buffer_release(&manifest);
}

/* --- variants --- */

static void write_variant(const struct manifest *manifest, enum rendition rendition,
                          const struct playlist_uris *uris, struct buffer *out)
{
    struct manifest_rates rates = manifest_rates(manifest, rendition);
    buffer_printf(
        out, "#EXT-X-STREAM-INF:BANDWIDTH=%" PRIu64 ",AVERAGE-BANDWIDTH=%" PRIu64 ",CODECS=\"%s\"",
        rates.peak, rates.average, codec_of(rendition));
    if (uris->pathway_count > 1)
        buffer_printf(out, ",STABLE-VARIANT-ID=\"%s\",PATHWAY-ID=\"%.*s\"",
                      rendition_word(rendition), TEXT_ARGS(uris->pathways[0].id));
    buffer_byte(out, '\n');
    write_uri(rendition, uris->before, uris->grant, out);
    buffer_byte(out, '\n');
}

void playlist_write_variants(const struct manifest *manifest, const bool wanted[RENDITION_COUNT],
                             const struct playlist_uris *uris, struct buffer *out)
{
    bool offered[RENDITION_COUNT];
    for (unsigned i = 0; i < RENDITION_COUNT; i++)
        offered[i] = wanted[i] && manifest->is_offered[i];
    buffer_text(out, TEXT("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"));
    if (uris->pathway_count > 1)
        write_steering(offered, uris, out);
    for (unsigned i = 0; i < RENDITION_COUNT; i++)
        if (offered[i])
            write_variant(manifest, (enum rendition)i, uris, out);
}

/* --- segments --- */

struct timeline {
    uint64_t rate, count, samples; /* samples: after the trims */
    struct rendition_cut cut;
};

static struct timeline timeline_of(const struct manifest *manifest, enum rendition rendition)
{
    const struct package_view *view = &manifest->views[rendition];
    bool is_complete = view->state == PACKAGE_COMPLETE && view->has_index;
    struct timeline timeline = {
        .rate = is_complete ? view->index.rate : rendition_rate(rendition, manifest->source.rate)};
    timeline.cut = rendition_cut(rendition_codec(rendition), (uint32_t)timeline.rate);
    timeline.samples =
        is_complete ? view->index.length : manifest->source.duration_ms * timeline.rate / 1000;
    timeline.count =
        is_complete ? view->index.count : rendition_segments(&timeline.cut, timeline.samples);
    return timeline;
}

/* Presentation time at which segment `number` begins. */
static uint64_t begin_of(const struct timeline *timeline, uint64_t number)
{
    const struct rendition_cut *cut = &timeline->cut;
    if (!number)
        return 0;
    uint64_t begin = (uint64_t)cut->packet * cut->first_packets - cut->priming +
                     (number - 1) * cut->packet * cut->packets;
    return begin < timeline->samples ? begin : timeline->samples;
}

static void write_head(const struct timeline *timeline, uint32_t start_ms, struct buffer *out)
{
    uint64_t most = (uint64_t)timeline->cut.packet * timeline->cut.first_packets;
    buffer_printf(out,
                  "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%" PRIu64
                  "\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n"
                  "#EXT-X-START:TIME-OFFSET=%" PRIu32 ".%03" PRIu32 ",PRECISE=YES\n",
                  (most + timeline->rate - 1) / timeline->rate, start_ms / 1000, start_ms % 1000);
}

void playlist_write_segments(const struct manifest *manifest, enum rendition rendition,
                             const struct playlist_uris *uris, struct buffer *out)
{
    struct timeline timeline = timeline_of(manifest, rendition);
    char base[256];
    snprintf(base, sizeof base, "%.*s%s.%016" PRIx64 "/", TEXT_ARGS(uris->before),
             rendition_word(rendition), manifest->views[rendition].generation);
    write_head(&timeline, uris->start_ms, out);
    buffer_printf(out, "#EXT-X-MAP:URI=\"%sinit.mp4?g=%.*s&renew=1\"\n", base,
                  TEXT_ARGS(uris->grant));
    for (uint64_t i = 0; i < timeline.count; i++) {
        uint64_t begin = begin_of(&timeline, i), end = begin_of(&timeline, i + 1);
        end = i + 1 < timeline.count ? end : timeline.samples;
        if (i && manifest->views[rendition].state != PACKAGE_COMPLETE &&
            (end - begin) * SLIVERS_PER_S < timeline.rate)
            break;
        uint64_t us = (end - begin) * 1000000 / timeline.rate;
        buffer_printf(out, "#EXTINF:%" PRIu64 ".%06" PRIu64 ",\n%s%" PRIu64 ".m4s?g=%.*s&renew=1\n",
                      us / 1000000, us % 1000000, base, i, TEXT_ARGS(uris->grant));
    }
    buffer_text(out, TEXT("#EXT-X-ENDLIST\n"));
}
