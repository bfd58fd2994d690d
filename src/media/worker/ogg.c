// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Ogg (RFC 3533) with Vorbis, Opus (RFC 7845) or FLAC (RFC 9639 10.1) in it.
 *
 * Taggers move page boundaries, renumber pages and write new checksums; what they keep is packets.
 * The bodies of the pages behind the header packets, one after the other, are the packets' bytes
 * however they are cut into pages: the id is made of the first and the last of them.
 */
#include "media/worker/bytes.h"
#include "media/worker/flac.h"

enum {
    PAGE_HEAD_BYTES = 27,
    MAX_PAGES = 4000,
    MAX_FIELDS = 4000,
    MAX_HEADER_PACKETS = 64,
    TAIL_FIRST_TRY_BYTES = 24 * 1024,
    ID_BYTES = 8 * 1024
};

struct page {
    uint64_t body, end; /* in the file */
    uint32_t serial;
    uint8_t segment_count, segments[255];
};

struct walk {
    struct source *source;
    struct page page;
    uint64_t next;    /* page */
    uint64_t body_at; /* of the next packet's bytes */
    unsigned segment, pages;
};

static bool page_read(struct source *source, uint64_t at, struct page *ret)
{
    uint8_t head[PAGE_HEAD_BYTES];
    if (!source_peek(source, at, head, sizeof head) || memcmp(head, "OggS", 5) != 0)
        return false;
    ret->serial = le32(head + 14);
    ret->segment_count = head[26];
    if (!source_peek(source, at + sizeof head, ret->segments, ret->segment_count))
        return false;
    ret->body = ret->end = at + sizeof head + ret->segment_count;
    for (unsigned i = 0; i < ret->segment_count; i++)
        ret->end += ret->segments[i];
    return true;
}

/* The next page of the walk's stream; false at the end. */
static bool walk_page(struct walk *walk, uint32_t serial)
{
    do {
        if (walk->pages++ == MAX_PAGES || !page_read(walk->source, walk->next, &walk->page))
            return false;
        walk->next = walk->page.end;
    } while (walk->page.serial != serial);
    walk->segment = 0;
    walk->body_at = walk->page.body;
    return true;
}

/* Bytes of the current page up to the packet's end; true when the packet ends in this page. */
static bool take_segments(struct walk *walk, uint64_t *ret_size)
{
    uint64_t size = 0;
    bool is_end = false;
    while (walk->segment < walk->page.segment_count && !is_end) {
        uint8_t lacing = walk->page.segments[walk->segment++];
        size += lacing;
        is_end = lacing < 255;
    }
    walk->body_at += size;
    *ret_size = size;
    return is_end;
}

/* Where the next packet lies; its size, or 0. */
static uint64_t walk_packet(struct walk *walk, struct cover *place)
{
    uint32_t serial = walk->page.serial;
    place->stretch_count = 0;
    place->coding = COVER_RAW;
    uint64_t total = 0;
    for (;;) {
        uint64_t size, at = walk->body_at;
        bool is_end = take_segments(walk, &size);
        if (size) {
            if (place->stretch_count == COVER_MAX_STRETCHES)
                return 0;
            place->stretches[place->stretch_count++] = (struct cover_stretch){at, size};
            total += size;
        }
        if (is_end)
            return total;
        if (!walk_page(walk, serial))
            return 0;
    }
}

/* --- pictures in comments (Vorbis comment: METADATA_BLOCK_PICTURE in base64) --- */

static void offer_field(struct container_reading *reading, uint64_t at, uint64_t size)
{
    static const struct text name = TEXT_INIT("METADATA_BLOCK_PICTURE=");
    char peek[sizeof "METADATA_BLOCK_PICTURE="];
    struct cover *packet = &reading->into->packet, *offered = &reading->into->offered;
    if (size <= name.size || !cover_read_stored(packet, reading->source, at, peek, name.size) ||
        !text_equal_nocase(text_make(peek, name.size), name))
        return;
    cover_slice(packet, at + name.size, size - name.size, offered);
    offered->coding = COVER_BASE64;
    if (cover_parse_flac(offered, reading->source, 0, (size - name.size) / 4 * 3))
        cover_offer(&reading->into->cover, reading->source, offered);
}

/* The comment header's fields, from behind its magic. */
static void offer_fields(struct container_reading *reading, uint64_t at, uint64_t size)
{
    struct cover *packet = &reading->into->packet;
    uint8_t word[4];
    if (!cover_read_stored(packet, reading->source, at, word, 4) || le32(word) > size)
        return;
    at += 4ULL + le32(word);
    if (!cover_read_stored(packet, reading->source, at, word, 4))
        return;
    uint32_t count = le32(word) < MAX_FIELDS ? le32(word) : MAX_FIELDS;
    at += 4;
    for (uint32_t i = 0; i < count && at + 4 <= size; i++) {
        if (!cover_read_stored(packet, reading->source, at, word, 4) || le32(word) > size - at - 4)
            return;
        offer_field(reading, at + 4, le32(word));
        at += 4ULL + le32(word);
    }
}

static void offer_flac_block(struct container_reading *reading, uint64_t size)
{
    enum { BLOCK_PICTURE = 6 };
    uint8_t head[4];
    struct cover *packet = &reading->into->packet, *offered = &reading->into->offered;
    if (size <= 4 || !cover_read_stored(packet, reading->source, 0, head, 4) ||
        (head[0] & 0x7f) != BLOCK_PICTURE)
        return;
    cover_slice(packet, 4, size - 4, offered);
    offered->coding = COVER_RAW;
    if (cover_parse_flac(offered, reading->source, 0, size - 4))
        cover_offer(&reading->into->cover, reading->source, offered);
}

/* --- header packets --- */

/* How many packets stand before the audio, from the first one; 0: no codec of ours. */
static unsigned identify(struct container *into, const uint8_t *first, size_t size)
{
    if (size >= 30 && !memcmp(first, "\x01vorbis", 7)) {
        into->codec = MEDIA_CODEC_VORBIS;
        return 3;
    }
    if (size >= 19 && !memcmp(first, "OpusHead", 8)) {
        into->codec = MEDIA_CODEC_OPUS;
        return 2;
    }
    if (size >= 51 && !memcmp(first,
                              "\x7f"
                              "FLAC",
                              5)) {
        into->codec = MEDIA_CODEC_OGG_FLAC;
        return be16(first + 7) ? 1U + be16(first + 7)
                               : MAX_HEADER_PACKETS; /* 0: not known beforehand */
    }
    return 0;
}

/* Reads header packets 1… and leaves the walk at the first audio page.  False when the file ends
 * before. */
static bool read_headers(struct container_reading *reading, struct walk *walk, unsigned count)
{
    struct container *into = reading->into;
    for (unsigned i = 1; i < count; i++) {
        uint64_t size = walk_packet(walk, &into->packet);
        if (!size)
            return false;
        if (into->codec == MEDIA_CODEC_VORBIS && i == 1)
            offer_fields(reading, 7, size);
        else if (into->codec == MEDIA_CODEC_OPUS)
            offer_fields(reading, 8, size);
        else if (into->codec == MEDIA_CODEC_OGG_FLAC) {
            uint8_t head[4];
            offer_flac_block(reading, size);
            if (!cover_read_stored(&into->packet, reading->source, 0, head, 1))
                return false;
            if (head[0] & 0x80)
                break; /* last metadata block */
        }
    }
    into->audio_begin =
        walk->page.end; /* audio begins on a fresh page, all three mappings say so */
    return true;
}

/* --- the id --- */

static void fingerprint_first(struct container_reading *reading)
{
    uint64_t at = reading->into->audio_begin, left = ID_BYTES;
    struct page page;
    while (left && page_read(reading->source, at, &page)) {
        uint64_t size = page.end - page.body < left ? page.end - page.body : left;
        fingerprint_stretch(reading->fingerprint, reading->source, page.body, (size_t)size);
        left -= size;
        at = page.end;
    }
}

/* Size of the page that begins at `at`; 0 when none does.  One that the file's end cuts off is
 * taken as it is. */
static size_t page_in(struct text tail, size_t at, size_t *ret_body)
{
    const uint8_t *head = (const uint8_t *)tail.data + at;
    if (tail.size - at < PAGE_HEAD_BYTES || memcmp(head, "OggS", 5) != 0 ||
        tail.size - at < PAGE_HEAD_BYTES + (size_t)head[26])
        return 0;
    size_t size = *ret_body = PAGE_HEAD_BYTES + (size_t)head[26];
    for (size_t i = 0; i < head[26]; i++)
        size += head[PAGE_HEAD_BYTES + i];
    return size < tail.size - at ? size : tail.size - at;
}

/* The first place in the tail from which pages follow one another to its end, or its size. */
static size_t tail_sync(struct text tail)
{
    for (size_t start = 0; start + PAGE_HEAD_BYTES <= tail.size; start++) {
        size_t at = start, size, body;
        while (at < tail.size && (size = page_in(tail, at, &body)))
            at += size;
        if (at == tail.size)
            return start;
        const char *next = memchr(tail.data + start + 1, 'O', tail.size - start - 1);
        if (!next)
            break;
        start = (size_t)(next - tail.data) - 1;
    }
    return tail.size;
}

/* Hashes the last ID_BYTES of page bodies in the tail.  False when it holds fewer. */
static bool fingerprint_tail(struct container_reading *reading, struct text tail, bool is_all)
{
    size_t total = 0, body, size;
    size_t start = tail_sync(tail);
    for (size_t at = start; at < tail.size && (size = page_in(tail, at, &body)); at += size)
        total += size - body;
    if (total < ID_BYTES && !is_all)
        return false;
    size_t skip = total > ID_BYTES ? total - ID_BYTES : 0;
    for (size_t at = start; at < tail.size && (size = page_in(tail, at, &body)); at += size) {
        size_t bytes = size - body, skipped = skip < bytes ? skip : bytes;
        fingerprint_bytes(reading->fingerprint, tail.data + at + body + skipped, bytes - skipped);
        skip -= skipped;
    }
    return true;
}

static void fingerprint_last(struct container_reading *reading)
{
    uint64_t audio = reading->source->size - reading->into->audio_begin;
    static const size_t tries[] = {TAIL_FIRST_TRY_BYTES, SOURCE_TAIL_BYTES};
    for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
        size_t wanted = audio < tries[i] ? (size_t)audio : tries[i];
        struct text tail = source_tail(reading->source, wanted);
        if (!tail.data)
            break;
        if (fingerprint_tail(reading, tail, wanted == audio || i == ARRAY_SIZE(tries) - 1))
            return;
    }
    reading->fingerprint->has_failed = true;
}

static void fingerprint_packets(struct container_reading *reading, const uint8_t *first)
{
    struct fingerprint *fingerprint = reading->fingerprint;
    enum media_codec codec = reading->into->codec;
    if (codec == MEDIA_CODEC_OGG_FLAC && flac_fingerprint(fingerprint, first + 17))
        return;
    if (codec == MEDIA_CODEC_VORBIS) {
        fingerprint_begin(fingerprint, TEXT("vorbis packets"));
        fingerprint_bytes(fingerprint, first + 11, 5); /* channels, sample rate */
    } else if (codec == MEDIA_CODEC_OPUS) {
        fingerprint_begin(fingerprint, TEXT("opus packets"));
        fingerprint_bytes(fingerprint, first + 9,
                          1); /* channels; pre-skip and output gain are left out */
    } else {
        fingerprint_begin(fingerprint, TEXT("flac packets"));
        fingerprint_bytes(fingerprint, first + 17 + 10, 3);
    }
    fingerprint_first(reading);
    fingerprint_last(reading);
}

bool ogg_read(struct container_reading *reading)
{
    struct container *into = reading->into;
    struct walk walk = {.source = reading->source};
    uint8_t first[64] = {0};
    if (!page_read(reading->source, 0, &walk.page))
        return false;
    walk.next = walk.page.end;
    walk.body_at = walk.page.body;
    uint64_t size = walk_packet(&walk, &into->packet);
    size_t seen = size < sizeof first ? (size_t)size : sizeof first;
    if (!seen || !cover_read_stored(&into->packet, reading->source, 0, first, seen))
        return false;
    unsigned headers = identify(into, first, seen);
    if (!headers)
        return false;
    if (!read_headers(reading, &walk, headers) || into->audio_begin >= reading->source->size)
        return true;
    into->audio_end = reading->source->size;
    fingerprint_packets(reading, first);
    into->has_id = fingerprint_end(reading->fingerprint, into->audio_id);
    return true;
}
