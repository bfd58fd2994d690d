// SPDX-License-Identifier: GPL-3.0-or-later
/* ID3v2.2-2.4 as a box with pictures in it (id3.org), and the tags that stand at the end of a file.
 */
#include "media/worker/bytes.h"
#include "media/worker/container.h"

enum { MAX_TAGS = 8, MAX_FRAMES = 2000, PEEK_BYTES = 512, MAX_APE_ITEMS = 256 };

enum { TAG_UNSYNCHRONISED = 0x80, TAG_EXTENDED = 0x40, TAG_FOOTER = 0x10 };

/* 0 when no tag begins there. */
static uint64_t id3_size(struct source *source, uint64_t offset)
{
    uint8_t head[10];
    if (!source_read(source, offset, head, sizeof head) || memcmp(head, "ID3", 3) != 0 ||
        head[3] > 4 || head[3] < 2)
        return 0;
    return 10 + (uint64_t)syncsafe32(head + 6) + (head[5] & TAG_FOOTER ? 10 : 0);
}

uint64_t id3_skip(struct container_reading *reading, uint64_t offset)
{
    for (unsigned i = 0; i < MAX_TAGS; i++) {
        uint64_t size = id3_size(reading->source, offset);
        if (!size)
            break;
        if (i == 0)
            id3_covers(reading, offset);
        offset += size;
    }
    return offset;
}

struct frame {
    char id[5];
    uint64_t body, size; /* in the file; without its header */
    uint16_t flags;
};

/* Reads the header at `at`; false at padding, nonsense or the tag's end. */
static bool frame_read(struct source *source, unsigned version, uint64_t at, uint64_t end,
                       struct frame *ret)
{
    size_t head_size = version == 2 ? 6 : 10;
    uint8_t head[10];
    if (at + head_size > end || !source_read(source, at, head, head_size) || head[0] < 'A' ||
        head[0] > 'Z')
        return false;
    *ret = (struct frame){.body = at + head_size};
    memcpy(ret->id, head, version == 2 ? 3 : 4);
    if (version == 2)
        ret->size = be24(head + 3);
    else if (version == 4 && !((head[4] | head[5] | head[6] | head[7]) & 0x80))
        ret->size = syncsafe32(head + 4);
    else
        ret->size = be32(head + 4); /* 2.3, and old writers of 2.4 */
    ret->flags = version == 2 ? 0 : be16(head + 8);
    return ret->size <= end - ret->body;
}

/* Bytes of the picture frame's own header, from its text encoding to the end of the description; 0:
 * nonsense. */
static size_t picture_header(const uint8_t *peek, size_t seen, unsigned version, uint8_t *ret_type)
{
    size_t at = 1;
    if (version == 2)
        at += 3;
    else
        while (at < seen && peek[at++])
            ;
    if (at + 2 > seen)
        return 0;
    *ret_type = peek[at++];
    bool is_wide = peek[0] == 1 || peek[0] == 2;
    for (; at + is_wide < seen; at += 1U + is_wide)
        if (!peek[at] && (!is_wide || !peek[at + 1]))
            return at + 1 + is_wide;
    return 0;
}

static void offer_picture(struct container_reading *reading, const struct frame *frame,
                          unsigned version, bool is_stuffed)
{
    uint8_t peek[PEEK_BYTES];
    uint64_t body = frame->body, size = frame->size;
    if (version == 4 && frame->flags & 0x0c) /* compressed or encrypted */
        return;
    if (version == 3 && frame->flags & 0xc0)
        return;
    if (version == 4 && frame->flags & 0x01 && size > 4) { /* data length indicator */
        body += 4;
        size -= 4;
    }
    size_t seen = source_read_some(reading->source, body, peek,
                                   size < sizeof peek ? (size_t)size : sizeof peek);
    uint8_t type = 0;
    size_t header = picture_header(peek, seen, version, &type);
    if (!header || header >= size)
        return;
    struct cover *offered = &reading->into->offered;
    offered->type = type;
    offered->skip = 0;
    offered->size = size - header;
    offered->coding =
        is_stuffed || (version == 4 && frame->flags & 0x02) ? COVER_UNSYNCHRONISED : COVER_RAW;
    offered->stretch_count = 1;
    offered->stretches[0] = (struct cover_stretch){body + header, size - header};
    cover_offer(&reading->into->cover, reading->source, offered);
}

static uint64_t first_frame(struct source *source, uint64_t offset, unsigned version,
                            unsigned flags)
{
    uint8_t size[4];
    if (version == 2 || !(flags & TAG_EXTENDED) || !source_read(source, offset + 10, size, 4))
        return offset + 10;
    return offset + 10 + (version == 4 ? syncsafe32(size) : be32(size) + 4ULL);
}

void id3_covers(struct container_reading *reading, uint64_t offset)
{
    uint8_t head[10];
    uint64_t size = id3_size(reading->source, offset), end = offset + size;
    if (!size || !source_read(reading->source, offset, head, sizeof head))
        return;
    if (end > reading->source->size)
        end = reading->source->size;
    unsigned version = head[3];
    /* Before 2.4 the stuffing covers the whole tag and frame sizes are those without it. */
    bool is_stuffed = version < 4 && head[5] & TAG_UNSYNCHRONISED;
    struct frame frame;
    uint64_t at = first_frame(reading->source, offset, version, head[5]);
    for (unsigned i = 0; i < MAX_FRAMES && frame_read(reading->source, version, at, end, &frame);
         i++) {
        if (!strcmp(frame.id, "APIC") || !strcmp(frame.id, "PIC"))
            offer_picture(reading, &frame, version, is_stuffed);
        at = frame.body + frame.size;
    }
}

/* --- the end of the file --- */

static void ape_offer(struct container_reading *reading, uint64_t value, uint64_t size,
                      uint8_t type)
{
    uint8_t name[PEEK_BYTES];
    size_t seen = source_read_some(reading->source, value, name,
                                   size < sizeof name ? (size_t)size : sizeof name);
    const uint8_t *zero = memchr(name, 0, seen); /* a file name stands before the picture */
    if (!zero)
        return;
    uint64_t skip = (uint64_t)(zero - name) + 1;
    struct cover *offered = &reading->into->offered;
    offered->type = type;
    offered->skip = 0;
    offered->size = size - skip;
    offered->coding = COVER_RAW;
    offered->stretch_count = 1;
    offered->stretches[0] = (struct cover_stretch){value + skip, size - skip};
    cover_offer(&reading->into->cover, reading->source, offered);
}

static void ape_covers(struct container_reading *reading, uint64_t at, uint64_t end)
{
    for (unsigned i = 0; i < MAX_APE_ITEMS && at + 9 < end; i++) {
        uint8_t head[8 + 64];
        size_t seen = source_read_some(reading->source, at, head, sizeof head);
        const uint8_t *zero = seen > 8 ? memchr(head + 8, 0, seen - 8) : NULL;
        uint64_t size = le32(head), value = zero ? at + (uint64_t)(zero - head) + 1 : 0;
        if (!zero || value > end || size > end - value)
            return;
        struct text key = text_of((const char *)head + 8);
        if (text_starts_nocase(key, TEXT("Cover Art (")))
            ape_offer(reading, value, size,
                      text_equal_nocase(key, TEXT("Cover Art (Front)")) ? COVER_FRONT : 0);
        at = value + size;
    }
}

/* APEv2 with its footer just before `end`: where it begins, or `end`. */
static uint64_t before_ape(struct container_reading *reading, uint64_t begin, uint64_t end)
{
    uint8_t foot[32];
    if (end < begin + 32 || !source_read(reading->source, end - 32, foot, sizeof foot) ||
        memcmp(foot, "APETAGEX", 8) != 0)
        return end;
    uint64_t size = le32(foot + 12), header = le32(foot + 20) & 0x80000000U ? 32 : 0;
    if (size < 32 || size + header > end - begin)
        return end;
    ape_covers(reading, end - size, end - 32);
    return end - size - header;
}

static uint64_t before_lyrics3(struct source *source, uint64_t begin, uint64_t end)
{
    char foot[15];
    uint64_t size = 0;
    if (end < begin + 15 || !source_read(source, end - 15, foot, sizeof foot) ||
        memcmp(foot + 6, "LYRICS200", 9) != 0)
        return end;
    if (!text_to_u64(text_make(foot, 6), &size) || size + 15 > end - begin)
        return end;
    return end - 15 - size;
}

static uint64_t before_id3v1(struct source *source, uint64_t begin, uint64_t end)
{
    char magic[4];
    if (end < begin + 128 || !source_read(source, end - 128, magic, 3) ||
        memcmp(magic, "TAG", 3) != 0)
        return end;
    end -= 128;
    if (end >= begin + 227 && source_read(source, end - 227, magic, 4) && !memcmp(magic, "TAG+", 4))
        end -= 227;
    return end;
}

uint64_t tail_tags_begin(struct container_reading *reading, uint64_t begin)
{
    uint64_t end = reading->source->size, before;
    do {
        before = end;
        end = before_id3v1(reading->source, begin, end);
        end = before_lyrics3(reading->source, begin, end);
        end = before_ape(reading, begin, end);
    } while (end != before);
    return end < begin ? begin : end;
}
