// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/segment.h"

#include "base/hash.h"
#include "base/reader.h"

#include <assert.h>

enum { MAJOR = 1, MINOR = 0, CRC_AT = 12, MAX_LSN_SKIP = 1 << 24 };
static const char MAGIC[] = "sostjrnl";

static uint32_t header_crc(const char *bytes)
{
    return crc32c(crc32c(0, bytes, CRC_AT), bytes + CRC_AT + 4, SEGMENT_HEADER_BYTES - CRC_AT - 4);
}

void segment_encode_header(const struct segment_header *header, struct buffer *out)
{
    size_t start = out->size;
    buffer_append(out, MAGIC, sizeof MAGIC - 1);
    buffer_u16(out, MAJOR);
    buffer_u16(out, MINOR);
    buffer_u32(out, 0);
    buffer_append(out, header->journal.bytes, UID_BYTES);
    buffer_append(out, header->device.bytes, UID_BYTES);
    buffer_u64(out, header->first_lsn);
    buffer_u64(out, header->follows_lsn);
    if (out->overflowed)
        return;
    uint32_t crc = header_crc(out->data + start);
    memcpy(out->data + start + CRC_AT, &crc, sizeof crc);
}

static uint32_t record_crc(const char *record, size_t payload_size)
{
    return crc32c(crc32c(0, record, 4), record + 8, 8 + payload_size);
}

void segment_encode_record(uint64_t lsn, struct text payload, struct buffer *out)
{
    assert(payload.size >= 1 && payload.size <= SEGMENT_MAX_RECORD);
    size_t start = out->size;
    buffer_u32(out, (uint32_t)payload.size);
    buffer_u32(out, 0);
    buffer_u64(out, lsn);
    buffer_text(out, payload);
    if (out->overflowed)
        return;
    uint32_t crc = record_crc(out->data + start, payload.size);
    memcpy(out->data + start + 4, &crc, sizeof crc);
}

int segment_decode_header(struct text bytes, struct segment_header *ret, const char **ret_why)
{
    struct reader reader = reader_of(bytes);
    bool is_ours = text_equal(reader_bytes(&reader, sizeof MAGIC - 1), text_of(MAGIC));
    uint16_t major = (uint16_t)reader_le(&reader, 2);
    (void)reader_le(&reader, 2); /* any minor: it may only add what we need not know */
    uint32_t crc = reader_u32(&reader);
    struct segment_header header = {0};
    header.journal = uid_read(&reader);
    header.device = uid_read(&reader);
    header.first_lsn = reader_u64(&reader);
    header.follows_lsn = reader_u64(&reader);
    *ret_why = reader.failed                   ? "is shorter than a header"
               : !is_ours                      ? "is not a journal segment"
               : major != MAJOR                ? "is of another major version"
               : crc != header_crc(bytes.data) ? "has a damaged header"
               : header.first_lsn == 0 || header.follows_lsn >= header.first_lsn
                   ? "has impossible numbers in its header"
                   : NULL;
    if (*ret_why)
        return -1;
    *ret = header;
    return 1;
}

struct segment_reader segment_reader_of(struct text bytes, uint64_t last_lsn)
{
    size_t at = bytes.size < SEGMENT_HEADER_BYTES ? bytes.size : SEGMENT_HEADER_BYTES;
    return (struct segment_reader){bytes, at, last_lsn};
}

/* Whether a whole, unaltered record stands at `at`, with an LSN in (last, last + skip]. */
static bool record_at(const struct segment_reader *reader, size_t at, uint64_t skip,
                      struct segment_item *ret)
{
    struct reader fields = reader_of(text_from(reader->bytes, at));
    uint32_t size = reader_u32(&fields), crc = reader_u32(&fields);
    uint64_t lsn = reader_u64(&fields);
    if (fields.failed || size == 0 || size > SEGMENT_MAX_RECORD || size > fields.left ||
        lsn - reader->last_lsn - 1 >= skip || crc != record_crc(reader->bytes.data + at, size))
        return false;
    *ret = (struct segment_item){lsn, at, reader_bytes(&fields, size)};
    return true;
}

enum segment_step segment_next(struct segment_reader *reader, struct segment_item *ret)
{
    struct segment_item next;
    size_t at = reader->at;
    if (at == reader->bytes.size)
        return SEGMENT_END;
    if (record_at(reader, at, 1, ret)) {
        reader->at += SEGMENT_RECORD_BYTES + ret->bytes.size;
        reader->last_lsn = ret->lsn;
        return SEGMENT_RECORD;
    }
    for (size_t later = at; later + SEGMENT_RECORD_BYTES < reader->bytes.size; later++) {
        if (!record_at(reader, later, MAX_LSN_SKIP, &next))
            continue;
        *ret = (struct segment_item){next.lsn, at, text_make(reader->bytes.data + at, later - at)};
        reader->at = later;
        reader->last_lsn = next.lsn - 1;
        return SEGMENT_DAMAGED;
    }
    *ret = (struct segment_item){0, at, text_from(reader->bytes, at)};
    reader->at = reader->bytes.size;
    return SEGMENT_TAIL;
}
