// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "base/buffer.h"

/*
 * info: what one sound file says about itself, as read by the sandboxed worker and checked by us.
 *
 * Every text is valid UTF-8 without control characters (lyrics and comments may hold newlines) and
 * lives in the info's own memory.  Sizes are bounded (MEDIA_INFO_MAX_BYTES encoded); what was cut
 * sets `is_partial`. The encoded form (media_info_encode) is also what library.db keeps, so tag and
 * codec numbers are stable.
 */
enum { MEDIA_ID_BYTES = 16, MEDIA_INFO_MAX_BYTES = 120 * 1024 };

enum media_tag_kind {
#define MEDIA_TAG(number, id, word, spellings) MEDIA_TAG_##id = (number),
#include "media/tags.def"
#undef MEDIA_TAG
    MEDIA_TAG_LIMIT = 128, /* all kinds are below */
};
const char *
media_tag_word(enum media_tag_kind kind); /* "musicbrainz-album"; NULL for no such kind */

/* codec, word, file name suffix, MIME type; also says the container */
#define MEDIA_CODECS(X)                               \
    X(1, MP3, "mp3", "mp3", "audio/mpeg")             \
    X(2, FLAC, "flac", "flac", "audio/flac")          \
    X(3, VORBIS, "vorbis", "ogg", "audio/ogg")        \
    X(4, OPUS, "opus", "opus", "audio/ogg")           \
    X(5, OGG_FLAC, "flac in ogg", "oga", "audio/ogg") \
    X(6, AAC, "aac", "m4a", "audio/mp4")              \
    X(7, ALAC, "alac", "m4a", "audio/mp4")            \
    X(8, WAV, "pcm", "wav", "audio/wav")              \
    X(9, AIFF, "pcm", "aiff", "audio/aiff")           \
    X(10, WAVPACK, "wavpack", "wv", "audio/x-wavpack")
enum media_codec {
#define X(number, id, word, suffix, type) MEDIA_CODEC_##id = (number),
    MEDIA_CODECS(X)
#undef X
};
const char *
media_codec_word(enum media_codec codec); /* these three return NULL for no such codec */
const char *media_codec_suffix(enum media_codec codec);
const char *media_codec_content_type(enum media_codec codec);

struct media_tag {
    enum media_tag_kind kind;
    struct text value;  /* never empty */
    struct text detail; /* PERFORMER: instrument; else empty */
};

struct media_lyric_line {
    int32_t start_ms; /* 0 when not synced */
    struct text text; /* may be empty: an instrumental break */
};

struct media_lyrics {
    struct text language; /* ISO 639-2 ("eng"), empty when unknown */
    bool is_synced;       /* lines carry times, in ascending order */
    const struct media_lyric_line *lines;
    size_t line_count;
};

struct media_picture {
    uint8_t digest[MEDIA_ID_BYTES]; /* media_picture_digest() of its bytes; all zero when there is
                                       none */
    uint32_t size_bytes;            /* 0 when there is none */
    struct text mime; /* "image/jpeg", by its content, not by what the tag claims; may be empty */
};

struct media_info {
    enum media_codec codec;
    uint32_t duration_ms, sample_rate, channels, bit_depth /* 0 when lossy */, bitrate_kbps;
    uint8_t audio_id[MEDIA_ID_BYTES]; /* docs/formats/ids.md; kept by retagging */
    bool is_partial;              /* read budget or a limit was reached: some tags may be missing */
    struct media_picture picture; /* front cover if it has one, else the first */
    const struct media_tag
        *tags; /* by kind in the file's order; equal values of one kind come once */
    size_t tag_count;
    const struct media_lyrics *lyrics;
    size_t lyrics_count;
    struct arena *arena; /* owns all of the above; NULL in an empty info */
};

void media_info_release(struct media_info *info); /* accepts a zeroed one; leaves it zeroed */

/* Value number `nth` (from 0) of a kind; data NULL when there are fewer. */
struct text media_info_tag(const struct media_info *info, enum media_tag_kind kind, size_t nth);

/* The encoded form (drawn in info.c).  Decoding trusts nothing: false for anything not exactly well
 * formed. */
void media_info_encode(const struct media_info *info, struct buffer *out);
bool media_info_decode(struct text encoded, struct media_info *ret_info) MUST_USE;

/*
 * The name of a picture, embedded or a file: the first 16 bytes of a SHA-256, over the whole when
 * it has at most 48 KiB, else over its size and three samples of 16 KiB (docs/formats/ids.md), so
 * that a cover of 20 MB costs what a thumbnail does.  `read` gives the bytes at an offset, exactly
 * `size` of them, or false.
 */
typedef bool media_read(void *context, uint64_t offset, void *into, size_t size);
bool media_picture_digest(media_read *read, void *context, uint64_t size_bytes,
                          uint8_t ret_digest[MEDIA_ID_BYTES]) MUST_USE;
/* The same of an open file (pread; the offset does not move).  0 or -errno. */
int media_picture_digest_file(int fd, uint8_t ret_digest[MEDIA_ID_BYTES],
                              uint64_t *ret_size_bytes) MUST_USE;
