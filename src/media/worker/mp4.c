// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * MP4 (ISO 14496-12): the first sound track's sample tables, and iTunes' cover.
 *
 * The id is made of the packets' sizes (stsz, sampled) and the bytes of the first packets: both are
 * kept by every tagger and by a remux, while chunks and the order of boxes are not.
 */
#include "media/worker/bytes.h"
#include "media/worker/container.h"

enum { MAX_BOXES = 2000, MAX_TRACKS = 16, ID_PACKETS = 16, ID_PACKET_BYTES = 8 * 1024 };

struct box {
    char type[5];
    uint64_t body, end;
};

/* The box at `at` within its parent.  One whose claim passes the parent's end is cut there. */
static bool box_read(struct source *source, uint64_t at, uint64_t end, struct box *ret)
{
    uint8_t head[16];
    if (at + 8 > end || !source_read(source, at, head, 8))
        return false;
    uint64_t size = be32(head), head_size = 8;
    if (size == 1) {
        if (at + 16 > end || !source_read(source, at + 8, head + 8, 8))
            return false;
        size = be64(head + 8);
        head_size = 16;
    } else if (size == 0) {
        size = end - at; /* to the end of the file */
    }
    if (size < head_size)
        return false;
    *ret = (struct box){.body = at + head_size, .end = size > end - at ? end : at + size};
    memcpy(ret->type, head + 4, 4);
    return true;
}

static bool box_find_from(struct source *source, uint64_t at, uint64_t end, const char *type,
                          struct box *ret)
{
    for (unsigned i = 0; i < MAX_BOXES && box_read(source, at, end, ret); i++) {
        if (!strcmp(ret->type, type))
            return true;
        at = ret->end;
    }
    return false;
}

/* Follows a path like "mdia/minf/stbl" below `parent`. */
static bool box_find(struct source *source, const struct box *parent, const char *path,
                     struct box *ret)
{
    struct box at = *parent;
    struct text rest = text_of(path), part;
    while (text_split(&rest, '/', &part)) {
        char type[5] = {0};
        memcpy(type, part.data, 4);
        if (!box_find_from(source, at.body, at.end, type, &at))
            return false;
    }
    *ret = at;
    return true;
}

/* --- the sound track --- */

struct tables {
    struct box stsd, stsz, stsc, offsets;
    bool has_wide_offsets;
    uint32_t packet_size, packet_count; /* size 0: each has its own */
};

static bool find_sound(struct source *source, const struct box *moov, struct box *ret_trak)
{
    uint64_t at = moov->body;
    uint8_t handler[4];
    for (unsigned i = 0; i < MAX_TRACKS && box_find_from(source, at, moov->end, "trak", ret_trak);
         i++) {
        struct box hdlr;
        if (box_find(source, ret_trak, "mdia/hdlr", &hdlr) &&
            source_read(source, hdlr.body + 8, handler, 4) && !memcmp(handler, "soun", 4))
            return true;
        at = ret_trak->end;
    }
    return false;
}

static bool tables_read(struct source *source, const struct box *trak, struct tables *ret)
{
    struct box stbl;
    uint8_t head[12];
    if (!box_find(source, trak, "mdia/minf/stbl", &stbl) ||
        !box_find(source, &stbl, "stsd", &ret->stsd) ||
        !box_find(source, &stbl, "stsz", &ret->stsz) ||
        !box_find(source, &stbl, "stsc", &ret->stsc))
        return false;
    ret->has_wide_offsets = !box_find(source, &stbl, "stco", &ret->offsets);
    if (ret->has_wide_offsets && !box_find(source, &stbl, "co64", &ret->offsets))
        return false;
    if (!source_read(source, ret->stsz.body, head, sizeof head))
        return false;
    ret->packet_size = be32(head + 4);
    ret->packet_count = be32(head + 8);
    return true;
}

static bool identify(struct source *source, const struct tables *tables, struct container *into)
{
    struct box entry;
    if (!box_read(source, tables->stsd.body + 8, tables->stsd.end, &entry))
        return false;
    if (!strcmp(entry.type, "mp4a"))
        into->codec = MEDIA_CODEC_AAC;
    else if (!strcmp(entry.type, "alac"))
        into->codec = MEDIA_CODEC_ALAC;
    return into->codec != 0;
}

/* --- walking packets in playing order (8.7.4) --- */

struct packets {
    struct source *source;
    const struct tables *tables;
    uint32_t index, chunk, in_chunk, run,
        run_size; /* run: entry of stsc; run_size: packets per chunk in it */
    uint64_t offset;
};

static bool chunk_begin(struct packets *at)
{
    const struct tables *tables = at->tables;
    uint8_t entry[16], next[4];
    size_t width = tables->has_wide_offsets ? 8 : 4;
    uint64_t place = tables->offsets.body + 8 + (uint64_t)at->chunk * width;
    uint64_t run = tables->stsc.body + 8 + 12ULL * at->run;
    if (run + 24 <= tables->stsc.end && source_read(at->source, run + 12, next, 4) &&
        be32(next) == at->chunk + 1) {
        at->run++;
        run += 12;
    }
    if (place + width > tables->offsets.end || run + 12 > tables->stsc.end ||
        !source_read(at->source, place, entry, width) ||
        !source_read(at->source, run, entry + 8, 8))
        return false;
    at->offset = width == 8 ? be64(entry) : be32(entry);
    at->run_size = be32(entry + 12);
    at->in_chunk = 0;
    return at->run_size > 0;
}

static bool packet_next(struct packets *at, uint64_t *ret_offset, uint32_t *ret_size)
{
    uint8_t size[4];
    if (at->index >= at->tables->packet_count)
        return false;
    if (at->in_chunk == at->run_size) {
        at->chunk += at->index > 0;
        if (!chunk_begin(at))
            return false;
    }
    *ret_size = at->tables->packet_size;
    if (!*ret_size) {
        if (!source_read(at->source, at->tables->stsz.body + 12 + 4ULL * at->index, size, 4))
            return false;
        *ret_size = be32(size);
    }
    *ret_offset = at->offset;
    at->offset += *ret_size;
    at->in_chunk++;
    at->index++;
    return true;
}

static void fingerprint_packets(struct container_reading *reading, const struct tables *tables)
{
    struct fingerprint *fingerprint = reading->fingerprint;
    struct packets at = {.source = reading->source, .tables = tables};
    uint64_t offset, left = ID_PACKET_BYTES, sizes = tables->stsz.body + 12;
    uint32_t size;
    fingerprint_begin(fingerprint, TEXT("mp4 packets"));
    fingerprint_u64(fingerprint, tables->packet_count);
    fingerprint_u64(fingerprint, tables->packet_size);
    if (!tables->packet_size)
        fingerprint_region(fingerprint, reading->source, sizes,
                           sizes + 4ULL * tables->packet_count);
    for (unsigned i = 0; i < ID_PACKETS && left && packet_next(&at, &offset, &size); i++) {
        uint64_t now = size < left ? size : left;
        fingerprint_stretch(fingerprint, reading->source, offset, (size_t)now);
        left -= now;
    }
}

/* A file in fragments has empty tables: all from the first fragment on is payload. */
static void fingerprint_fragments(struct container_reading *reading)
{
    struct box moof = {0};
    fingerprint_begin(reading->fingerprint, TEXT("mp4 fragments"));
    if (!box_find_from(reading->source, 0, reading->source->size, "moof", &moof))
        reading->fingerprint->has_failed = true;
    fingerprint_region(reading->fingerprint, reading->source, moof.body, reading->source->size);
}

/* --- the cover --- */

static void offer_cover(struct container_reading *reading, const struct box *moov)
{
    struct box meta, covr, data;
    uint8_t peek[8];
    if (!box_find(reading->source, moov, "udta/meta", &meta) ||
        !source_read(reading->source, meta.body, peek, 8))
        return;
    if (memcmp(peek + 4, "hdlr", 4) != 0)
        meta.body += 4; /* version and flags, which QuickTime leaves out */
    if (!box_find(reading->source, &meta, "ilst/covr", &covr) ||
        !box_find_from(reading->source, covr.body, covr.end, "data", &data) ||
        data.end - data.body <= 8)
        return;
    struct cover *offered = &reading->into->offered;
    offered->type = COVER_FRONT;
    offered->skip = 0;
    offered->coding = COVER_RAW;
    offered->size = data.end - data.body - 8;
    offered->stretch_count = 1;
    offered->stretches[0] = (struct cover_stretch){data.body + 8, offered->size};
    cover_offer(&reading->into->cover, reading->source, offered);
}

bool mp4_read(struct container_reading *reading)
{
    struct source *source = reading->source;
    struct box moov, trak;
    struct tables tables;
    if (!box_find_from(source, 0, source->size, "moov", &moov) ||
        !find_sound(source, &moov, &trak) || !tables_read(source, &trak, &tables) ||
        !identify(source, &tables, reading->into))
        return false;
    offer_cover(reading, &moov);
    if (tables.packet_count)
        fingerprint_packets(reading, &tables);
    else
        fingerprint_fragments(reading);
    reading->into->has_id = fingerprint_end(reading->fingerprint, reading->into->audio_id);
    return true;
}
