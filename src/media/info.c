// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The encoded form, little-endian, version 1:
 *
 *   u8 version | u8 codec | u8 flags (1: partial) | u8 bit depth
 *   u32 duration ms | u32 sample rate | u32 bitrate kbit/s | u16 channels
 *   audio id [16] | picture digest [16] | u32 picture size | u8 + picture mime
 *   u16 tags:   { u8 kind | u16 + detail | u16 + value }
 *   u8  lyrics: { u8 synced | u8 + language | u16 lines: { u32 start ms | u16 + text } }
 *
 * "u16 + x" is a length and its bytes.  Nothing may follow.
 */
#include "media/info.h"

#include "base/mem.h"
#include "base/reader.h"

enum { VERSION = 1, FLAG_PARTIAL = 1, MAX_CHANNELS = 64, ARENA_BYTES = 1024 * 1024 };

const char *media_tag_word(enum media_tag_kind kind)
{
    switch ((unsigned)kind) {
#define MEDIA_TAG(number, id, word, spellings) \
    case (number):                             \
        return word;
#include "media/tags.def"
#undef MEDIA_TAG
    default:
        return NULL;
    }
}

#define CODEC_LOOKUP(function, column)           \
    const char *function(enum media_codec codec) \
    {                                            \
        switch ((unsigned)codec) {               \
            MEDIA_CODECS(column)                 \
        default:                                 \
            return NULL;                         \
        }                                        \
    }
#define WORD(number, id, word, suffix, type) \
    case (number):                           \
        return word;
#define SUFFIX(number, id, word, suffix, type) \
    case (number):                             \
        return suffix;
#define TYPE(number, id, word, suffix, type) \
    case (number):                           \
        return type;
CODEC_LOOKUP(media_codec_word, WORD)
CODEC_LOOKUP(media_codec_suffix, SUFFIX)
CODEC_LOOKUP(media_codec_content_type, TYPE)

void media_info_release(struct media_info *info)
{
    arena_free(&info->arena);
    *info = (struct media_info){0};
}

struct text media_info_tag(const struct media_info *info, enum media_tag_kind kind, size_t nth)
{
    for (size_t i = 0; i < info->tag_count; i++)
        if (info->tags[i].kind == kind && nth-- == 0)
            return info->tags[i].value;
    return TEXT_NONE;
}

/* --- writing --- */

static void put_u16_text(struct buffer *out, struct text t)
{
    buffer_u16(out, (uint16_t)t.size);
    buffer_text(out, t);
}

static void put_lyrics(struct buffer *out, const struct media_lyrics *lyrics)
{
    buffer_byte(out, lyrics->is_synced);
    buffer_byte(out, (uint8_t)lyrics->language.size);
    buffer_text(out, lyrics->language);
    buffer_u16(out, (uint16_t)lyrics->line_count);
    for (size_t i = 0; i < lyrics->line_count; i++) {
        buffer_u32(out, (uint32_t)lyrics->lines[i].start_ms);
        put_u16_text(out, lyrics->lines[i].text);
    }
}

void media_info_encode(const struct media_info *info, struct buffer *out)
{
    buffer_byte(out, VERSION);
    buffer_byte(out, (uint8_t)info->codec);
    buffer_byte(out, info->is_partial ? FLAG_PARTIAL : 0);
    buffer_byte(out, (uint8_t)info->bit_depth);
    buffer_u32(out, info->duration_ms);
    buffer_u32(out, info->sample_rate);
    buffer_u32(out, info->bitrate_kbps);
    buffer_u16(out, (uint16_t)info->channels);
    buffer_append(out, info->audio_id, sizeof info->audio_id);
    buffer_append(out, info->picture.digest, sizeof info->picture.digest);
    buffer_u32(out, info->picture.size_bytes);
    buffer_byte(out, (uint8_t)info->picture.mime.size);
    buffer_text(out, info->picture.mime);
    buffer_u16(out, (uint16_t)info->tag_count);
    for (size_t i = 0; i < info->tag_count; i++) {
        buffer_byte(out, (uint8_t)info->tags[i].kind);
        put_u16_text(out, info->tags[i].detail);
        put_u16_text(out, info->tags[i].value);
    }
    buffer_byte(out, (uint8_t)info->lyrics_count);
    for (size_t i = 0; i < info->lyrics_count; i++)
        put_lyrics(out, &info->lyrics[i]);
}

/* --- reading: what comes from a worker may be anything --- */

static bool is_clean(struct text t)
{
    for (size_t i = 0; i < t.size; i++)
        if (((unsigned char)t.data[i] < 0x20 && t.data[i] != '\n' && t.data[i] != '\t') ||
            t.data[i] == 0x7f)
            return false;
    return text_is_utf8(t);
}

static struct text take_text(struct reader *reader, size_t size)
{
    struct text t = reader_bytes(reader, size);
    if (!is_clean(t))
        reader->failed = true;
    return t;
}

static void take_head(struct reader *reader, struct media_info *info)
{
    if (reader_u8(reader) != VERSION)
        reader->failed = true;
    info->codec = (enum media_codec)reader_u8(reader);
    uint8_t flags = reader_u8(reader);
    info->is_partial = flags & FLAG_PARTIAL;
    info->bit_depth = reader_u8(reader);
    info->duration_ms = reader_u32(reader);
    info->sample_rate = reader_u32(reader);
    info->bitrate_kbps = reader_u32(reader);
    info->channels = reader_u16(reader);
    struct text id = reader_bytes(reader, MEDIA_ID_BYTES),
                digest = reader_bytes(reader, MEDIA_ID_BYTES);
    info->picture.size_bytes = reader_u32(reader);
    info->picture.mime = take_text(reader, reader_u8(reader));
    if (reader->failed || !id.data || !digest.data || !media_codec_word(info->codec) ||
        flags > FLAG_PARTIAL || info->channels > MAX_CHANNELS) {
        reader->failed = true;
        return;
    }
    memcpy(info->audio_id, id.data, id.size);
    memcpy(info->picture.digest, digest.data, digest.size);
}

/* An array for `count` items that take at least `least` bytes each of what is left; NULL when they
 * cannot fit. */
static void *room_for(struct arena *arena, struct reader *reader, size_t count, size_t least,
                      size_t item_size)
{
    if (reader->failed || count * least > reader->left) {
        reader->failed = true;
        return NULL;
    }
    void *items = arena_alloc(arena, count * item_size + 1);
    if (!items)
        reader->failed = true;
    return items;
}

static void take_tags(struct reader *reader, struct media_info *info)
{
    size_t count = reader_u16(reader);
    struct media_tag *tags = room_for(info->arena, reader, count, 6, sizeof *tags);
    for (size_t i = 0; i < count && !reader->failed; i++) {
        tags[i].kind = (enum media_tag_kind)reader_u8(reader);
        tags[i].detail = take_text(reader, reader_u16(reader));
        tags[i].value = take_text(reader, reader_u16(reader));
        if (!media_tag_word(tags[i].kind) || !tags[i].value.size)
            reader->failed = true;
    }
    info->tags = tags;
    info->tag_count = count;
}

static void take_lyrics(struct reader *reader, struct arena *arena, struct media_lyrics *lyrics)
{
    uint8_t synced = reader_u8(reader);
    lyrics->is_synced = synced;
    lyrics->language = take_text(reader, reader_u8(reader));
    lyrics->line_count = reader_u16(reader);
    struct media_lyric_line *lines = room_for(arena, reader, lyrics->line_count, 6, sizeof *lines);
    for (size_t i = 0; i < lyrics->line_count && !reader->failed; i++) {
        lines[i].start_ms = (int32_t)reader_u32(reader);
        lines[i].text = take_text(reader, reader_u16(reader));
        if (lines[i].start_ms < (i ? lines[i - 1].start_ms : 0))
            reader->failed = true;
    }
    lyrics->lines = lines;
    if (synced > 1)
        reader->failed = true;
}

static void take_all_lyrics(struct reader *reader, struct media_info *info)
{
    size_t count = reader_u8(reader);
    struct media_lyrics *lyrics = room_for(info->arena, reader, count, 4, sizeof *lyrics);
    for (size_t i = 0; i < count && !reader->failed; i++)
        take_lyrics(reader, info->arena, &lyrics[i]);
    info->lyrics = lyrics;
    info->lyrics_count = count;
}

bool media_info_decode(struct text encoded, struct media_info *ret_info)
{
    if (encoded.size > MEDIA_INFO_MAX_BYTES)
        return false;
    struct media_info info = {.arena = arena_new(ARENA_BYTES)};
    struct text own = arena_text(info.arena, encoded); /* every text below points into this copy */
    struct reader reader = reader_of(own);
    take_head(&reader, &info);
    take_tags(&reader, &info);
    take_all_lyrics(&reader, &info);
    if (reader.failed || reader.left) {
        media_info_release(&info);
        return false;
    }
    *ret_info = info;
    return true;
}
