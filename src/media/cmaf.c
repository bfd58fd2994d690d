// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/cmaf.h"

#include <assert.h>

/* --- big-endian, and boxes whose size is filled in at their end --- */

static void put16(struct buffer *out, uint32_t value)
{
    buffer_byte(out, (uint8_t)(value >> 8));
    buffer_byte(out, (uint8_t)value);
}

static void put32(struct buffer *out, uint32_t value)
{
    put16(out, value >> 16);
    put16(out, value & 0xffff);
}

static void put64(struct buffer *out, uint64_t value)
{
    put32(out, (uint32_t)(value >> 32));
    put32(out, (uint32_t)value);
}

static void put_zeros(struct buffer *out, size_t count)
{
    while (count-- > 0)
        buffer_byte(out, 0);
}

static size_t box_begin(struct buffer *out, const char type[4])
{
    size_t start = out->size;
    put32(out, 0);
    buffer_append(out, type, 4);
    return start;
}

static size_t full_box_begin(struct buffer *out, const char type[4], uint8_t version,
                             uint32_t flags)
{
    size_t start = box_begin(out, type);
    put32(out, (uint32_t)version << 24 | flags);
    return start;
}

static void patch32(struct buffer *out, size_t at, size_t value)
{
    if (out->overflowed)
        return;
    assert(value <= UINT32_MAX && at + 4 <= out->size);
    for (unsigned i = 0; i < 4; i++)
        out->data[at + i] = (char)(uint8_t)(value >> (24 - 8 * i));
}

static void box_end(struct buffer *out, size_t start) { patch32(out, start, out->size - start); }

static void matrix(struct buffer *out)
{
    static const uint32_t identity[9] = {0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000};
    for (size_t i = 0; i < ARRAY_SIZE(identity); i++)
        put32(out, identity[i]);
}

/* --- codec configuration --- */

/* A descriptor of MPEG-4 systems (14496-1 8.3.3); all of ours are shorter than 128 bytes. */
static void descriptor(struct buffer *out, uint8_t tag, size_t size)
{
    assert(size < 128);
    buffer_byte(out, tag);
    buffer_byte(out, (uint8_t)size);
}

static void esds(const struct cmaf_track *track, struct buffer *out)
{
    size_t config = track->config.size, decoder = 13 + 2 + config;
    size_t box = full_box_begin(out, "esds", 0, 0);
    descriptor(out, 3, 3 + 2 + decoder + 3); /* ES_Descriptor: id, flags */
    put16(out, 0);
    buffer_byte(out, 0);
    descriptor(out, 4, decoder); /* DecoderConfig: AAC, an audio stream */
    buffer_byte(out, 0x40);
    buffer_byte(out, 0x15);
    put_zeros(out, 3);
    put32(out, 0); /* maximum: unknown */
    put32(out, track->kbps * 1000);
    descriptor(out, 5, config);
    buffer_text(out, track->config);
    descriptor(out, 6, 1); /* SLConfig: predefined for MP4 */
    buffer_byte(out, 2);
    box_end(out, box);
}

/* OpusHead is little-endian and begins with its magic; dOps is big-endian and without. */
static void dops(const struct cmaf_track *track, struct buffer *out)
{
    const uint8_t *head = (const uint8_t *)track->config.data;
    size_t box = box_begin(out, "dOps");
    buffer_byte(out, 0);
    buffer_byte(out, head[9]);
    put16(out, track->priming);
    put32(out, (uint32_t)head[12] | (uint32_t)head[13] << 8 | (uint32_t)head[14] << 16 |
                   (uint32_t)head[15] << 24);
    put16(out, (uint32_t)head[16] | (uint32_t)head[17] << 8);
    buffer_byte(out, 0); /* mapping family: mono or stereo */
    box_end(out, box);
}

static void dfla(const struct cmaf_track *track, struct buffer *out)
{
    size_t box = full_box_begin(out, "dfLa", 0, 0);
    put32(out, 0x80000000U | (uint32_t)track->config.size); /* the last block, STREAMINFO */
    buffer_text(out, track->config);
    box_end(out, box);
}

static bool has_config(const struct cmaf_track *track)
{
    struct text config = track->config;
    switch (track->codec) {
    case CMAF_AAC:
        return config.size >= 2 && config.size <= CMAF_MAX_CONFIG;
    case CMAF_OPUS:
        return config.size >= 19 && text_starts(config, TEXT("OpusHead")) && config.data[18] == 0;
    case CMAF_FLAC:
        break;
    }
    return config.size == 34;
}

/* 12.2.3: an AudioSampleEntry; its rate has 16 bits, so a higher one stands in the codec's box. */
static void sample_entry(const struct cmaf_track *track, struct buffer *out)
{
    static const char *const types[] = {
        [CMAF_AAC] = "mp4a", [CMAF_OPUS] = "Opus", [CMAF_FLAC] = "fLaC"};
    size_t box = box_begin(out, types[track->codec]);
    put_zeros(out, 6);
    put16(out, 1); /* data reference */
    put_zeros(out, 8);
    put16(out, track->channels);
    put16(out, track->codec == CMAF_FLAC && track->depth ? track->depth : 16);
    put32(out, 0);
    put32(out, track->rate <= UINT16_MAX ? track->rate << 16 : 0);
    if (track->codec == CMAF_AAC)
        esds(track, out);
    else if (track->codec == CMAF_OPUS)
        dops(track, out);
    else
        dfla(track, out);
    box_end(out, box);
}

/* --- the initialisation segment --- */

static void empty_table(struct buffer *out, const char type[4], size_t zeros)
{
    size_t box = full_box_begin(out, type, 0, 0);
    put_zeros(out, zeros);
    box_end(out, box);
}

static void sample_table(const struct cmaf_track *track, struct buffer *out)
{
    size_t stbl = box_begin(out, "stbl"), stsd = full_box_begin(out, "stsd", 0, 0);
    put32(out, 1);
    sample_entry(track, out);
    box_end(out, stsd);
    empty_table(out, "stts", 4);
    empty_table(out, "stsc", 4);
    empty_table(out, "stsz", 8);
    empty_table(out, "stco", 4);
    box_end(out, stbl);
}

static void media_information(const struct cmaf_track *track, struct buffer *out)
{
    size_t minf = box_begin(out, "minf");
    empty_table(out, "smhd", 4);
    size_t dinf = box_begin(out, "dinf"), dref = full_box_begin(out, "dref", 0, 0);
    put32(out, 1);
    size_t url = full_box_begin(out, "url ", 0, 1); /* in this file */
    box_end(out, url);
    box_end(out, dref);
    box_end(out, dinf);
    sample_table(track, out);
    box_end(out, minf);
}

static void media(const struct cmaf_track *track, struct buffer *out)
{
    size_t mdia = box_begin(out, "mdia"), mdhd = full_box_begin(out, "mdhd", 0, 0);
    put_zeros(out, 8); /* when it was made */
    put32(out, track->rate);
    put32(out, 0);
    put16(out, 0x55c4); /* "und" */
    put16(out, 0);
    box_end(out, mdhd);
    size_t hdlr = full_box_begin(out, "hdlr", 0, 0);
    put32(out, 0);
    buffer_append(out, "soun", 4);
    put_zeros(out, 12 + 1);
    box_end(out, hdlr);
    media_information(track, out);
    box_end(out, mdia);
}

/* 8.6.6: the presentation begins behind the priming, and goes to the end. */
static void edit_list(const struct cmaf_track *track, struct buffer *out)
{
    size_t edts = box_begin(out, "edts"), elst = full_box_begin(out, "elst", 0, 0);
    put32(out, 1);
    put32(out, 0);
    put32(out, track->priming);
    put32(out, 0x10000);
    box_end(out, elst);
    box_end(out, edts);
}

static void track_box(const struct cmaf_track *track, struct buffer *out)
{
    size_t trak = box_begin(out, "trak"), tkhd = full_box_begin(out, "tkhd", 0, 7);
    put_zeros(out, 8);
    put32(out, 1); /* track */
    put_zeros(out, 4 + 4 + 8 + 2 + 2);
    put16(out, 0x100); /* volume */
    put16(out, 0);
    matrix(out);
    put_zeros(out, 8);
    box_end(out, tkhd);
    if (track->priming)
        edit_list(track, out);
    media(track, out);
    box_end(out, trak);
}

static void movie_header(const struct cmaf_track *track, struct buffer *out)
{
    size_t mvhd = full_box_begin(out, "mvhd", 0, 0);
    put_zeros(out, 8);
    put32(out, track->rate);
    put32(out, 0);
    put32(out, 0x10000);
    put16(out, 0x100);
    put_zeros(out, 10);
    matrix(out);
    put_zeros(out, 24);
    put32(out, 2); /* the next track's */
    box_end(out, mvhd);
}

bool cmaf_write_init(const struct cmaf_track *track, struct buffer *out)
{
    if (!has_config(track) || !track->rate || !track->channels)
        return false;
    size_t ftyp = box_begin(out, "ftyp");
    buffer_append(out, "iso6\0\0\0\0iso6cmfcmp41", 20);
    box_end(out, ftyp);
    size_t moov = box_begin(out, "moov");
    movie_header(track, out);
    track_box(track, out);
    size_t mvex = box_begin(out, "mvex"), trex = full_box_begin(out, "trex", 0, 0);
    put32(out, 1);
    put32(out, 1);
    put32(out, track->packet);
    put_zeros(out, 8);
    box_end(out, trex);
    box_end(out, mvex);
    box_end(out, moov);
    return !out->overflowed;
}

/* --- segments --- */

enum {
    TFHD_DURATION = 0x8,
    TFHD_FLAGS = 0x20,
    TFHD_BASE_IS_MOOF = 0x20000,
    TRUN_DATA_OFFSET = 0x1,
    TRUN_DURATIONS = 0x100,
    TRUN_SIZES = 0x200,
    IS_SYNC = 0x02000000 /* depends on no other sample */
};

static bool is_even(const struct cmaf_segment *segment)
{
    for (size_t i = 0; i < segment->count; i++)
        if (segment->packets[i].samples != segment->packet_samples)
            return false;
    return true;
}

/* Returns where the data offset stands. */
static size_t track_run(const struct cmaf_segment *segment, struct buffer *out)
{
    bool even = is_even(segment);
    size_t trun =
        full_box_begin(out, "trun", 0, TRUN_DATA_OFFSET | TRUN_SIZES | (even ? 0 : TRUN_DURATIONS));
    put32(out, (uint32_t)segment->count);
    size_t offset_at = out->size;
    put32(out, 0);
    for (size_t i = 0; i < segment->count; i++) {
        if (!even)
            put32(out, segment->packets[i].samples);
        put32(out, segment->packets[i].bytes);
    }
    box_end(out, trun);
    return offset_at;
}

static size_t track_fragment(const struct cmaf_segment *segment, struct buffer *out)
{
    size_t traf = box_begin(out, "traf");
    size_t tfhd = full_box_begin(out, "tfhd", 0, TFHD_BASE_IS_MOOF | TFHD_DURATION | TFHD_FLAGS);
    put32(out, 1);
    put32(out, segment->packet_samples);
    put32(out, IS_SYNC);
    box_end(out, tfhd);
    size_t tfdt = full_box_begin(out, "tfdt", 1, 0);
    put64(out, segment->at);
    box_end(out, tfdt);
    size_t offset_at = track_run(segment, out);
    box_end(out, traf);
    return offset_at;
}

void cmaf_write_segment_head(const struct cmaf_segment *segment, struct buffer *out)
{
    uint64_t bytes = 0;
    assert(segment->count > 0 && segment->count <= CMAF_MAX_PACKETS);
    for (size_t i = 0; i < segment->count; i++)
        bytes += segment->packets[i].bytes;
    assert(bytes < UINT32_MAX - 8);
    size_t styp = box_begin(out, "styp");
    buffer_append(out, "msdh\0\0\0\0msdhcmfs", 16);
    box_end(out, styp);
    size_t moof = box_begin(out, "moof"), mfhd = full_box_begin(out, "mfhd", 0, 0);
    put32(out, segment->sequence);
    box_end(out, mfhd);
    size_t offset_at = track_fragment(segment, out);
    box_end(out, moof);
    patch32(out, offset_at, out->size - moof + 8); /* from the moof to behind mdat's header */
    put32(out, (uint32_t)bytes + 8);
    buffer_append(out, "mdat", 4);
}
