// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/probe.h"

#include "base/mem.h"
#include "media/worker/collect.h"
#include "media/worker/tags.h"
#include "media/worker/words.h"

enum { ARENA_BYTES = 1024 * 1024, MAX_TIMED_LINES = 2000, MAX_DURATION_MS = 0x7fffffff };
/* Finding a cover may walk all pages of an Ogg comment; the picture itself comes on top. */
#define COVER_READ_BYTES (COVER_MAX_BYTES * 3ULL)

struct probe {
    struct source source;
    struct fingerprint fingerprint;
    struct container container;
    struct collect collect;
    struct collect_names *names;
    struct arena *arena;
    struct buffer decoded;
    struct media_lyric_line *timed; /* MAX_TIMED_LINES */
    size_t timed_count;
};

struct probe *probe_new(void)
{
    struct probe *probe = MEM_NEW(struct probe);
    source_init(&probe->source);
    fingerprint_init(&probe->fingerprint);
    probe->names = collect_names_new();
    probe->arena = arena_new(ARENA_BYTES);
    probe->timed = mem_alloc(MAX_TIMED_LINES * sizeof *probe->timed);
    buffer_init(&probe->decoded, 4 * 1024 * 1024);
    return probe;
}

void probe_free(struct probe **probe)
{
    if (!*probe)
        return;
    source_release(&(*probe)->source);
    fingerprint_release(&(*probe)->fingerprint);
    collect_names_free(&(*probe)->names);
    arena_free(&(*probe)->arena);
    buffer_release(&(*probe)->decoded);
    mem_free((*probe)->timed);
    mem_free_p(probe);
}

/* --- what TagLib tells --- */

static void on_next_layer(void *context)
{
    collect_next_layer(&((struct probe *)context)->collect);
}

static void on_add(void *context, const char *name, const char *value, size_t size)
{
    collect_add(&((struct probe *)context)->collect, text_of(name), text_make(value, size));
}

static void on_lyrics(void *context, const char *language, const char *lyrics, size_t size)
{
    collect_lyrics_text(&((struct probe *)context)->collect, text_of(language),
                        text_make(lyrics, size));
}

static void on_timed_line(void *context, uint32_t start_ms, const char *line, size_t size)
{
    struct probe *probe = context;
    struct text words = arena_text(probe->arena, text_trim(text_make(line, size)));
    if (probe->timed_count < MAX_TIMED_LINES && start_ms <= MAX_DURATION_MS && words.data)
        probe->timed[probe->timed_count++] = (struct media_lyric_line){(int32_t)start_ms, words};
}

static void on_timed_end(void *context, const char *language)
{
    struct probe *probe = context;
    collect_lyrics_lines(&probe->collect, text_of(language), probe->timed, probe->timed_count);
    probe->timed_count = 0;
}

static const char *on_decode(void *context, const char *bytes, size_t size, size_t *ret_size)
{
    struct probe *probe = context;
    buffer_reset(&probe->decoded);
    words_from_bytes(text_make(bytes, size), &probe->decoded);
    *ret_size = probe->decoded.size;
    return probe->decoded.data ? probe->decoded.data : "";
}

static size_t on_read(void *context, uint64_t offset, void *into, size_t size)
{
    return source_read_some(&((struct probe *)context)->source, offset, into, size);
}

static enum tags_format format_of(enum media_codec codec)
{
    switch (codec) {
    case MEDIA_CODEC_FLAC:
        return TAGS_FLAC;
    case MEDIA_CODEC_VORBIS:
        return TAGS_VORBIS;
    case MEDIA_CODEC_OPUS:
        return TAGS_OPUS;
    case MEDIA_CODEC_OGG_FLAC:
        return TAGS_OGG_FLAC;
    case MEDIA_CODEC_AAC:
    case MEDIA_CODEC_ALAC:
        return TAGS_MP4;
    case MEDIA_CODEC_WAV:
        return TAGS_WAV;
    case MEDIA_CODEC_AIFF:
        return TAGS_AIFF;
    case MEDIA_CODEC_WAVPACK:
        return TAGS_WAVPACK;
    case MEDIA_CODEC_MP3:
        break;
    }
    return TAGS_MPEG;
}

static enum media_outcome read_tags(struct probe *probe, struct media_info *info)
{
    const struct tags_input input = {on_read, probe, probe->source.size};
    const struct tags_sink sink = {probe,         on_next_layer, on_add,   on_lyrics,
                                   on_timed_line, on_timed_end,  on_decode};
    struct tags_properties properties;
    probe->timed_count = 0;
    switch (tags_read(format_of(info->codec), &input, &sink, &properties)) {
    case TAGS_NO_MEMORY:
        return MEDIA_OUT_OF_MEMORY;
    case TAGS_INVALID:
        if (!probe->source.is_over_budget)
            return MEDIA_DAMAGED;
        break; /* partial: it has its id, and its name will do */
    case TAGS_READ:
        break;
    }
    info->duration_ms = properties.duration_ms <= MAX_DURATION_MS ? properties.duration_ms : 0;
    info->sample_rate = properties.sample_rate <= 1000000 ? properties.sample_rate : 0;
    info->channels = properties.channels <= 64 ? properties.channels : 0;
    info->bit_depth = properties.bit_depth <= 64 ? properties.bit_depth : 0;
    info->bitrate_kbps = properties.bitrate_kbps <= 1000000 ? properties.bitrate_kbps : 0;
    return MEDIA_OK;
}

/* --- the whole --- */

static enum media_outcome open_container(struct probe *probe, media_read *read, void *context,
                                         uint64_t size, uint64_t budget)
{
    struct container_reading reading = {&probe->source, &probe->fingerprint, &probe->container};
    source_open(&probe->source, read, context, size, budget);
    container_reset(&probe->container);
    bool is_ours = container_read(&reading);
    if (probe->source.has_failed)
        return MEDIA_UNREADABLE;
    return is_ours ? MEDIA_OK : MEDIA_NOT_AUDIO;
}

static enum media_outcome describe(struct probe *probe, struct buffer *out)
{
    struct media_info info = {.codec = probe->container.codec};
    memcpy(info.audio_id, probe->container.audio_id, sizeof info.audio_id);
    cover_describe(&probe->container.cover, &probe->source, &info.picture);
    enum media_outcome outcome = read_tags(probe, &info);
    if (probe->source.has_failed)
        return MEDIA_UNREADABLE;
    if (outcome != MEDIA_OK)
        return outcome;
    collect_finish(&probe->collect, &info);
    info.is_partial |= probe->source.is_over_budget;
    media_info_encode(&info, out);
    return out->overflowed ? MEDIA_TOO_LARGE : MEDIA_OK;
}

enum media_outcome probe_read(struct probe *probe, media_read *read, void *context, uint64_t size,
                              struct buffer *out)
{
    enum media_outcome outcome = open_container(probe, read, context, size, PROBE_READ_BYTES);
    if (outcome != MEDIA_OK)
        return outcome;
    if (!probe->container.has_id)
        return MEDIA_DAMAGED;
    arena_reset(probe->arena);
    collect_begin(&probe->collect, probe->names, probe->arena);
    outcome = describe(probe, out);
    collect_end(&probe->collect);
    return outcome;
}

enum media_outcome probe_cover(struct probe *probe, media_read *read, void *context, uint64_t size,
                               struct buffer *out)
{
    enum media_outcome outcome = open_container(probe, read, context, size, COVER_READ_BYTES);
    if (outcome != MEDIA_OK)
        return outcome;
    if (!probe->container.cover.size)
        return MEDIA_NO_PICTURE;
    if (!cover_extract(&probe->container.cover, &probe->source, out))
        return probe->source.has_failed ? MEDIA_UNREADABLE : MEDIA_DAMAGED;
    return MEDIA_OK;
}
