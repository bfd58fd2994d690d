// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/list.h"
#include "base/reader.h"
#include <openssl/evp.h>
#include <string.h>

static void digest_of(struct text bytes, uint8_t ret[FORMAT_DIGEST_SIZE])
{
    if (!EVP_Digest(bytes.data, bytes.size, ret, NULL, EVP_sha256(), NULL))
        abort();
}

void list_write(const struct list *list, struct buffer *out)
{
    uint8_t digest[FORMAT_DIGEST_SIZE];
    buffer_append(out, LIST_MAGIC, 8);
    buffer_u16(out, LIST_MAJOR);
    buffer_u16(out, 0);
    buffer_byte(out, list->library);
    buffer_append(out, "\0\0\0", 3);
    buffer_u64(out, list->epoch);
    buffer_u64(out, list->number);
    buffer_u32(out, list->count);
    buffer_u32(out, 0);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct list_entry *entry = &list->entries[i];
        buffer_u64(out, entry->number);
        buffer_u64(out, entry->size_bytes[SEGMENT_CORE]);
        buffer_u64(out, entry->size_bytes[SEGMENT_DETAIL]);
        buffer_u32(out, entry->tracks);
        buffer_u32(out, entry->removals);
        buffer_append(out, entry->digest, sizeof entry->digest);
    }
    digest_of(buffer_view(out), digest);
    buffer_append(out, digest, sizeof digest);
}

static void read_entry(struct reader *reader, struct list_entry *entry)
{
    entry->number = reader_u64(reader);
    entry->size_bytes[SEGMENT_CORE] = reader_u64(reader);
    entry->size_bytes[SEGMENT_DETAIL] = reader_u64(reader);
    entry->tracks = reader_u32(reader);
    entry->removals = reader_u32(reader);
    reader_copy(reader, entry->digest, sizeof entry->digest);
}

bool list_read(struct text bytes, struct list *ret)
{
    struct reader reader = reader_of(bytes);
    struct list list = {0};
    uint8_t digest[FORMAT_DIGEST_SIZE];
    struct text magic = reader_bytes(&reader, 8);
    list.major = reader_u16(&reader);
    (void)reader_u16(&reader);
    list.library = reader_u8(&reader);
    (void)reader_bytes(&reader, 3);
    list.epoch = reader_u64(&reader);
    list.number = reader_u64(&reader);
    list.count = reader_u32(&reader);
    (void)reader_u32(&reader);
    if (reader.failed || !text_equal(magic, TEXT(LIST_MAGIC)) || list.major < LIST_MAJOR - 1 ||
        list.major > LIST_MAJOR || list.library < 1 || list.library > 32 ||
        list.count > LIST_MAX_SEGMENTS ||
        bytes.size != LIST_HEADER_SIZE + (size_t)list.count * LIST_ENTRY_SIZE + FORMAT_DIGEST_SIZE)
        return false;
    for (uint32_t i = 0; i < list.count; i++)
        read_entry(&reader, &list.entries[i]);
    digest_of(text_make(bytes.data, bytes.size - FORMAT_DIGEST_SIZE), digest);
    struct text own = reader_bytes(&reader, FORMAT_DIGEST_SIZE);
    if (reader.failed || memcmp(own.data, digest, sizeof digest) != 0)
        return false;
    *ret = list;
    return true;
}
