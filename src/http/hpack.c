// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/hpack.h"

#include "http/huffman.h"

#include <string.h>

/*
 * How a field begins (RFC 7541 6):
 *
 *   1 index(7)                          a field of the tables
 *   01 index(6) [name] value            a new one, which enters the dynamic table
 *   001 size(5)                         the dynamic table gets another size
 *   0001 index(4) [name] value          a new one that no proxy may index
 *   0000 index(4) [name] value          a new one
 */
enum {
    INDEXED = 0x80,
    WITH_INDEXING = 0x40,
    TABLE_SIZE = 0x20,
    NEVER_INDEXED = 0x10,
    HUFFMAN = 0x80,
    STATIC_COUNT = 61,
    STATIC_SET_COOKIE = 55,
};

static const struct {
    struct text name, value;
} statics[STATIC_COUNT + 1] = {
    {TEXT_INIT(""), TEXT_INIT("")},
#define FIELD(name, value) {TEXT_INIT(name), TEXT_INIT(value)},
#include "http/hpack_static.def"
#undef FIELD
};

/* --- integers (5.1) and strings (5.2) --- */

static bool read_integer(struct text *block, unsigned prefix_bits, uint32_t *ret)
{
    const uint8_t *at = (const uint8_t *)block->data, *end = at + block->size;
    uint32_t most = (1U << prefix_bits) - 1, value = *at++ & most;
    if (value == most) {
        unsigned shift = 0;
        uint8_t byte;
        do {
            if (at == end || shift > 21)
                return false;
            byte = *at++;
            value += (uint32_t)(byte & 0x7f) << shift;
            shift += 7;
        } while (byte & 0x80);
    }
    *block = text_from(*block, (size_t)((const char *)at - block->data));
    *ret = value;
    return true;
}

/* Borrowed from the block or the memo, or decoded to *scratch, which moves on. */
static bool read_string(struct text *block, struct huffman_memo *memo, char **scratch,
                        struct text *ret)
{
    uint32_t size;
    if (block->size == 0)
        return false;
    bool is_coded = (uint8_t)block->data[0] & HUFFMAN;
    if (!read_integer(block, 7, &size) || size > block->size)
        return false;
    *ret = text_make(block->data, size);
    *block = text_from(*block, size);
    if (!is_coded)
        return true;
    if (memo && huffman_memo_takes(size))
        return huffman_memo_decode(memo, *ret, ret);
    if (!huffman_decode(*ret, *scratch, &ret->size))
        return false;
    ret->data = *scratch;
    *scratch += ret->size;
    return true;
}

/* --- reading --- */

void hpack_reader_init(struct hpack_reader *reader)
{
    *reader = (struct hpack_reader){.limit_bytes = HPACK_TABLE_DEFAULT_BYTES};
    hpack_table_init(&reader->table, HPACK_TABLE_DEFAULT_BYTES);
}

void hpack_reader_release(struct hpack_reader *reader) { hpack_table_release(&reader->table); }

void hpack_reader_limit(struct hpack_reader *reader, uint32_t limit_bytes)
{
    reader->limit_bytes = limit_bytes;
    reader->must_shrink = reader->table.max_bytes > limit_bytes;
}

void hpack_reader_start(struct hpack_reader *reader) { reader->is_at_start = true; }

/* Names stand together in the static table; the first is what a name is known by. */
static uint8_t first_of_name(uint32_t index)
{
    while (index > 1 && text_equal(statics[index - 1].name, statics[index].name))
        index--;
    return (uint8_t)index;
}

static bool field_of(const struct hpack_table *table, uint32_t index, struct hpack_field *ret)
{
    ret->static_name = 0;
    if (index > STATIC_COUNT)
        return hpack_table_get(table, index - STATIC_COUNT - 1, &ret->name, &ret->value);
    ret->name = statics[index].name;
    ret->value = statics[index].value;
    ret->static_name = first_of_name(index);
    return index > 0;
}

/* The table may let go of the name's own entry when the new one comes. */
static void keep_name(char **scratch, struct hpack_field *field)
{
    if (field->static_name > 0 || field->name.size == 0)
        return;
    memcpy(*scratch, field->name.data, field->name.size);
    field->name.data = *scratch;
    *scratch += field->name.size;
}

static bool read_literal(struct hpack_reader *reader, struct text *block, unsigned prefix_bits,
                         char *scratch, struct hpack_field *ret)
{
    uint32_t index;
    if (!read_integer(block, prefix_bits, &index))
        return false;
    ret->static_name = 0;
    if (index > 0 && !field_of(&reader->table, index, ret))
        return false;
    if (index > 0)
        keep_name(&scratch, ret);
    else if (!read_string(block, NULL, &scratch, &ret->name))
        return false;
    return read_string(block, reader->memo, &scratch, &ret->value);
}

static bool read_size(struct hpack_reader *reader, struct text *block)
{
    uint32_t size;
    if (!reader->is_at_start || !read_integer(block, 5, &size) || size > reader->limit_bytes)
        return false;
    hpack_table_limit(&reader->table, size);
    reader->must_shrink = false;
    return true;
}

int hpack_next(struct hpack_reader *reader, struct text *block, char *scratch,
               struct hpack_field *ret)
{
    uint32_t index;
    while (block->size > 0 && ((uint8_t)block->data[0] & 0xe0) == TABLE_SIZE)
        if (!read_size(reader, block))
            return -1;
    if (block->size == 0)
        return 0;
    uint8_t first = (uint8_t)block->data[0];
    reader->is_at_start = false;
    if (reader->must_shrink)
        return -1;
    if (first & INDEXED)
        return read_integer(block, 7, &index) && field_of(&reader->table, index, ret) ? 1 : -1;
    bool is_kept = first & WITH_INDEXING;
    if (!read_literal(reader, block, is_kept ? 6 : 4, scratch, ret))
        return -1;
    if (is_kept)
        hpack_table_add(&reader->table, ret->name, ret->value, 0);
    return 1;
}

/* --- writing --- */

void hpack_writer_init(struct hpack_writer *writer)
{
    *writer = (struct hpack_writer){.said_bytes = HPACK_TABLE_DEFAULT_BYTES,
                                    .least_bytes = HPACK_WRITER_BYTES};
    hpack_table_init(&writer->table, HPACK_WRITER_BYTES);
}

void hpack_writer_release(struct hpack_writer *writer) { hpack_table_release(&writer->table); }

void hpack_writer_limit(struct hpack_writer *writer, uint32_t limit_bytes)
{
    uint32_t size = limit_bytes < HPACK_WRITER_BYTES ? limit_bytes : HPACK_WRITER_BYTES;
    hpack_table_limit(&writer->table, size);
    writer->least_bytes = size < writer->least_bytes ? size : writer->least_bytes;
}

static char *write_integer(char *out, uint8_t first, unsigned prefix_bits, uint32_t value)
{
    uint32_t most = (1U << prefix_bits) - 1;
    if (value < most) {
        *out++ = (char)(first | value);
        return out;
    }
    *out++ = (char)(first | most);
    for (value -= most; value >= 0x80; value >>= 7)
        *out++ = (char)(value | 0x80);
    *out++ = (char)value;
    return out;
}

/* The least size since the last block was enough to lose entries, so it is said too (4.2). */
char *hpack_write_start(struct hpack_writer *writer, char *out)
{
    uint32_t most = writer->table.max_bytes;
    if (writer->least_bytes < writer->said_bytes) {
        out = write_integer(out, TABLE_SIZE, 5, writer->least_bytes);
        writer->said_bytes = writer->least_bytes;
    }
    if (most != writer->said_bytes)
        out = write_integer(out, TABLE_SIZE, 5, most);
    writer->said_bytes = writer->least_bytes = most;
    return out;
}

static char *write_lower(char *out, struct text name)
{
    for (size_t i = 0; i < name.size; i++)
        out[i] = (char)(name.data[i] | (name.data[i] >= 'A' && name.data[i] <= 'Z' ? 0x20 : 0));
    return out + name.size;
}

static char *write_value(char *out, struct text value)
{
    out = write_integer(out, 0, 7, (uint32_t)value.size);
    bytes_copy(out, value.data, value.size);
    return out + value.size;
}

char *hpack_write_literal(char *out, struct text name, struct text value, bool is_secret)
{
    *out++ = is_secret ? NEVER_INDEXED : 0;
    out = write_integer(out, 0, 7, (uint32_t)name.size);
    return write_value(write_lower(out, name), value);
}

char *hpack_write_status(char *out, unsigned status)
{
    static const struct {
        uint16_t status;
        uint8_t index;
    } known[] = {{200, 8}, {204, 9}, {206, 10}, {304, 11}, {400, 12}, {404, 13}, {500, 14}};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (status == known[i].status) {
            *out++ = (char)(INDEXED | known[i].index);
            return out;
        }
    *out++ = 8; /* the name of any of them */
    *out++ = 3;
    *out++ = (char)('0' + status / 100 % 10);
    *out++ = (char)('0' + status / 10 % 10);
    *out++ = (char)('0' + status % 10);
    return out;
}

/* The bit by which upper and lower case differ; names of fields have no bytes that it confuses. */
#define CASE_BITS UINT64_C(0x2020202020202020)

static inline uint64_t load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Fewer than eight bytes, none left out. */
static inline uint64_t load_few(const char *at, size_t size)
{
    uint32_t low, high;
    if (size >= sizeof low) {
        memcpy(&low, at, sizeof low);
        memcpy(&high, at + size - sizeof high, sizeof high);
        return (uint64_t)high << 32 | low;
    }
    uint8_t first = size ? (uint8_t)at[0] : 0, middle = size ? (uint8_t)at[size / 2] : 0,
            last = size ? (uint8_t)at[size - 1] : 0;
    return first | (uint32_t)middle << 8 | (uint32_t)last << 16;
}

static inline uint64_t mix(uint64_t hash, uint64_t word)
{
    return (hash ^ hash >> 29 ^ word) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Words from the front; the last one ends where the text does. */
static inline uint64_t hash_text(uint64_t hash, struct text t, uint64_t case_bits)
{
    if (t.size < 8)
        return mix(hash, load_few(t.data, t.size) | case_bits);
    for (size_t i = 0; i + 8 < t.size; i += 8)
        hash = mix(hash, load(t.data + i) | case_bits);
    return mix(hash, load(t.data + t.size - 8) | case_bits);
}

static uint32_t hash_of(struct text name, struct text value)
{
    uint64_t hash = name.size << 16 ^ value.size;
    return (uint32_t)(hash_text(hash_text(hash, name, CASE_BITS), value, 0) >> 32);
}

/* `lower` is in lower case. */
static inline bool is_same_name(struct text lower, struct text name)
{
    uint64_t differs = 0;
    if (lower.size != name.size)
        return false;
    if (name.size < 8)
        return ((load_few(lower.data, name.size) ^ load_few(name.data, name.size)) & ~CASE_BITS) ==
               0;
    for (size_t i = 0; i + 8 < name.size; i += 8)
        differs |= load(lower.data + i) ^ (load(name.data + i) | CASE_BITS);
    size_t last = name.size - 8;
    return (differs | (load(lower.data + last) ^ (load(name.data + last) | CASE_BITS))) == 0;
}

static uint8_t if_same(struct text lower, struct text name, uint8_t index)
{
    return is_same_name(lower, name) ? index : 0;
}

/* Static names of fields whose values seldom come twice: not worth a place in the table. */
static uint8_t changing(struct text name)
{
    switch (name.size) {
    case 4:
        return text_equal_nocase(name, TEXT("etag")) ? 34 : 0;
    case 8:
        return if_same(TEXT("location"), name, 46);
    case 10:
        return if_same(TEXT("set-cookie"), name, STATIC_SET_COOKIE);
    case 13:
        return if_same(TEXT("last-modified"), name, 44) | if_same(TEXT("content-range"), name, 30);
    case 14:
        return if_same(TEXT("content-length"), name, 28);
    case 19:
        return if_same(TEXT("content-disposition"), name, 25);
    default:
        return 0;
    }
}

static bool stands_at(const struct hpack_writer *writer, uint32_t index, struct text name,
                      struct text value)
{
    struct text own_name, own_value;
    return hpack_table_get(&writer->table, index, &own_name, &own_value) &&
           text_equal(own_value, value) && is_same_name(own_name, name);
}

/* UINT32_MAX: it is not in the table. */
static uint32_t find(const struct hpack_writer *writer, uint32_t hash, struct text name,
                     struct text value)
{
    uint32_t index = hpack_table_find(&writer->table, hash, 0);
    while (index != UINT32_MAX && !stands_at(writer, index, name, value))
        index = hpack_table_find(&writer->table, hash, index + 1);
    return index;
}

static char *write_new_name(char *out, uint8_t first, struct text name)
{
    *out++ = (char)first;
    out = write_integer(out, 0, 7, (uint32_t)name.size);
    return write_lower(out, name);
}

/* Answers have the same fields in the same order: what was added after this one comes next. */
static char *write_found(struct hpack_writer *writer, char *out, uint32_t index)
{
    writer->next_found = index - 1; /* behind the newest: an index that there is not */
    return write_integer(out, INDEXED, 7, STATIC_COUNT + 1 + index);
}

char *hpack_write(struct hpack_writer *writer, char *out, struct text name, struct text value)
{
    uint8_t index = changing(name);
    if (index > 0) {
        uint8_t first =
            index == STATIC_SET_COOKIE ? NEVER_INDEXED : 0; /* a cookie is a secret (7.1.3) */
        return write_value(write_integer(out, first, 4, index), value);
    }
    if (stands_at(writer, writer->next_found, name, value))
        return write_found(writer, out, writer->next_found);
    uint32_t hash = hash_of(name, value);
    uint32_t found = find(writer, hash, name, value);
    if (found != UINT32_MAX)
        return write_found(writer, out, found);
    bool fits = name.size + value.size + HPACK_ENTRY_BYTES <= writer->table.max_bytes;
    out = write_new_name(out, fits ? WITH_INDEXING : 0, name);
    struct text lower = text_make(out - name.size, name.size);
    if (fits)
        hpack_table_add(&writer->table, lower, value, hash);
    return write_value(out, value);
}
