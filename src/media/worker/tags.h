// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * tags: TagLib behind a C door: reads names, values, lyrics and properties, and tells them one by
 * one.
 *
 * The only C++ of the project, and this header is all that both languages share.  It parses
 * whatever bytes it is given, so it runs in the sandboxed worker alone.  Names are those of
 * TagLib's property interface; values are UTF-8 as TagLib makes it, not yet cleaned.
 */
#ifdef __cplusplus
extern "C" {
#endif

enum tags_format {
    TAGS_MPEG,
    TAGS_FLAC,
    TAGS_VORBIS,
    TAGS_OPUS,
    TAGS_OGG_FLAC,
    TAGS_MP4,
    TAGS_WAV,
    TAGS_AIFF,
    TAGS_WAVPACK
};

struct tags_input {
    size_t (*read)(void *context, uint64_t offset, void *into, size_t size); /* may read less */
    void *context;
    uint64_t size;
};

struct tags_sink {
    void *context;
    void (*next_layer)(void *context); /* what follows comes from a tag of lesser rank */
    void (*add)(void *context, const char *name, const char *value, size_t value_size);
    void (*lyrics)(void *context, const char *language, const char *text, size_t size);
    void (*timed_line)(void *context, uint32_t start_ms, const char *text, size_t size);
    void (*timed_end)(void *context, const char *language); /* ends a run of timed lines */
    /* Bytes that claim to be Latin-1; gives UTF-8 that stays valid until the next call. */
    const char *(*decode_bytes)(void *context, const char *bytes, size_t size, size_t *ret_size);
};

struct tags_properties {
    uint32_t duration_ms, sample_rate, channels, bit_depth, bitrate_kbps;
};

enum tags_result { TAGS_READ, TAGS_INVALID, TAGS_NO_MEMORY };

/* Not for two threads at once: TagLib keeps its decoder of bytes in a global. */
enum tags_result tags_read(enum tags_format format, const struct tags_input *input,
                           const struct tags_sink *sink, struct tags_properties *ret_properties);

#ifdef __cplusplus
}
#endif
