// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/cover.h"

#include "base/mem.h"
#include "media/worker/bytes.h"

enum {
    KEEP_BYTES = 512 /* of each picture, so that tag readers see its own header */,
    MAX_WORD_BYTES = 4096
};

/* --- bytes as they lie in the file, one stretch after the other --- */

bool cover_read_stored(const struct cover *cover, struct source *source, uint64_t offset,
                       void *into, size_t size)
{
    uint8_t *to = into;
    for (size_t i = 0; i < cover->stretch_count && size; i++) {
        const struct cover_stretch *stretch = &cover->stretches[i];
        if (offset >= stretch->size) {
            offset -= stretch->size;
            continue;
        }
        size_t now = size < stretch->size - offset ? size : (size_t)(stretch->size - offset);
        if (!source_read(source, stretch->offset + offset, to, now))
            return false;
        to += now;
        size -= now;
        offset = 0;
    }
    return size == 0;
}

void cover_slice(const struct cover *whole, uint64_t offset, uint64_t size, struct cover *ret)
{
    ret->stretch_count = 0;
    for (size_t i = 0; i < whole->stretch_count && size; i++) {
        const struct cover_stretch *stretch = &whole->stretches[i];
        if (offset >= stretch->size) {
            offset -= stretch->size;
            continue;
        }
        uint64_t now = size < stretch->size - offset ? size : stretch->size - offset;
        ret->stretches[ret->stretch_count++] =
            (struct cover_stretch){stretch->offset + offset, now};
        size -= now;
        offset = 0;
    }
}

/* --- base64: any run of decoded bytes --- */

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : c == '=' ? 0 : -1;
}

static bool decode_quad(const uint8_t *quad, uint8_t *ret)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < 4; i++) {
        int value = base64_value(quad[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
    }
    ret[0] = (uint8_t)(bits >> 16);
    ret[1] = (uint8_t)(bits >> 8);
    ret[2] = (uint8_t)bits;
    return true;
}

static bool read_base64(const struct cover *cover, struct source *source, uint64_t offset,
                        uint8_t *into, size_t size)
{
    uint8_t coded[4096] = {0}, plain[sizeof coded / 4 * 3];
    while (size) {
        size_t lead = (size_t)(offset % 3), wanted = lead + size;
        if (wanted > sizeof plain)
            wanted = sizeof plain;
        size_t quads = (wanted + 2) / 3;
        if (!cover_read_stored(cover, source, offset / 3 * 4, coded, quads * 4))
            return false;
        for (size_t i = 0; i < quads; i++)
            if (!decode_quad(coded + i * 4, plain + i * 3))
                return false;
        size_t now = wanted - lead;
        memcpy(into, plain + lead, now);
        into += now;
        offset += now;
        size -= now;
    }
    return true;
}

static bool read_logical(const struct cover *cover, struct source *source, uint64_t offset,
                         uint8_t *into, size_t size)
{
    return cover->coding == COVER_BASE64 ? read_base64(cover, source, offset, into, size)
                                         : cover_read_stored(cover, source, offset, into, size);
}

bool cover_read(void *reading, uint64_t offset, void *into, size_t size)
{
    const struct cover_reading *of = reading;
    if (offset > of->cover->size || size > of->cover->size - offset)
        return false;
    return read_logical(of->cover, of->source, of->cover->skip + offset, into, size);
}

/* --- choosing --- */

/* A budgeted reader must see neither covers' insides nor all their base64. */
static void add_holes(const struct cover *cover, struct source *source)
{
    uint64_t keep = KEEP_BYTES;
    for (size_t i = 0; i < cover->stretch_count; i++) {
        uint64_t kept = keep < cover->stretches[i].size ? keep : cover->stretches[i].size;
        source_add_hole(source, cover->stretches[i].offset + kept,
                        cover->stretches[i].offset + cover->stretches[i].size);
        keep -= kept;
    }
}

void cover_offer(struct cover *best, struct source *source, const struct cover *offered)
{
    if (!offered->size || !offered->stretch_count)
        return;
    add_holes(offered, source);
    if (!best->size || (offered->type == COVER_FRONT && best->type != COVER_FRONT)) {
        size_t used = sizeof(struct cover) - sizeof offered->stretches +
                      offered->stretch_count * sizeof offered->stretches[0];
        memcpy(best, offered, used); /* not the whole table: it is 12 KiB */
    }
}

struct text cover_mime(struct text head)
{
    static const struct {
        struct text magic, mime;
    } kinds[] = {
        {TEXT_INIT("\xff\xd8\xff"), TEXT_INIT("image/jpeg")},
        {TEXT_INIT("\x89PNG\r\n\x1a\n"), TEXT_INIT("image/png")},
        {TEXT_INIT("GIF8"), TEXT_INIT("image/gif")},
        {TEXT_INIT("BM"), TEXT_INIT("image/bmp")},
        {TEXT_INIT("II*\0"), TEXT_INIT("image/tiff")},
        {TEXT_INIT("MM\0*"), TEXT_INIT("image/tiff")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (text_starts(head, kinds[i].magic))
            return kinds[i].mime;
    if (text_starts(head, TEXT("RIFF")) && text_starts(text_from(head, 8), TEXT("WEBP")))
        return TEXT("image/webp");
    if (text_starts(text_from(head, 4), TEXT("ftypavif")))
        return TEXT("image/avif");
    return TEXT_NONE;
}

void cover_describe(const struct cover *cover, struct source *source,
                    struct media_picture *ret_picture)
{
    struct cover_reading reading = {cover, source};
    char head[12] = {0};
    size_t seen = cover->size < sizeof head ? (size_t)cover->size : sizeof head;
    struct media_picture picture = {.size_bytes = (uint32_t)cover->size};
    source->sees_holes = true;
    if (cover->size && cover_read(&reading, 0, head, seen)) {
        picture.mime = cover_mime(text_make(head, seen));
        if (picture.mime.size &&
            media_picture_digest(cover_read, &reading, cover->size, picture.digest))
            *ret_picture = picture;
    }
    source->sees_holes = false;
}

/* ID3v2.4 6.1: each FF 00 was FF. */
static size_t undo_stuffing(uint8_t *bytes, size_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < size; i++) {
        bytes[kept++] = bytes[i];
        if (bytes[i] == 0xff && i + 1 < size && bytes[i + 1] == 0)
            i++;
    }
    return kept;
}

bool cover_extract(const struct cover *cover, struct source *source, struct buffer *out)
{
    struct cover_reading reading = {cover, source};
    source->sees_holes = true;
    char *room = cover->size && cover->size <= COVER_MAX_BYTES
                     ? buffer_reserve(out, (size_t)cover->size)
                     : NULL;
    if (!room || !cover_read(&reading, 0, room, (size_t)cover->size))
        return false;
    out->size += cover->coding == COVER_UNSYNCHRONISED
                     ? undo_stuffing((uint8_t *)room, (size_t)cover->size)
                     : (size_t)cover->size;
    return true;
}

bool cover_parse_flac(struct cover *offered, struct source *source, uint64_t logical,
                      uint64_t limit)
{
    uint8_t word[20];
    uint64_t at = logical, end = logical + limit;
    if (limit < 32 || !read_logical(offered, source, at, word, 8))
        return false;
    uint32_t type = be32(word), mime_size = be32(word + 4);
    if (type > 20 || mime_size > MAX_WORD_BYTES ||
        !read_logical(offered, source, at += 8 + mime_size, word, 4))
        return false;
    uint32_t description_size = be32(word);
    if (description_size > MAX_WORD_BYTES ||
        !read_logical(offered, source, at += 4 + description_size, word, 20))
        return false;
    at += 20;
    uint64_t size = be32(word + 16);
    if (at > end || size > end - at || size > COVER_MAX_BYTES)
        return false;
    offered->type = (uint8_t)type;
    offered->skip = at;
    offered->size = size;
    return true;
}
