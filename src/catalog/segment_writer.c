// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/segment_writer.h"
#include "base/buffer.h"
#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX_BYTES = 64 * 1024 };

struct writer {
    const struct segment_source *segment;
    build_sink *sink;
    void *sink_context;
    bool is_refused;
    /* of the object at hand */
    enum segment_object object;
    EVP_MD_CTX *digest; /* NULL: this time to the sink */
    uint64_t offsets[COLUMN_COUNT], size;
};

static void put(struct writer *w, const void *data, size_t size)
{
    if (w->digest)
        (void)EVP_DigestUpdate(w->digest, data, size);
    else if (size && !w->is_refused)
        w->is_refused = !w->sink(w->sink_context, w->object, data, size);
}

static uint64_t column_values(const struct writer *w, enum segment_column column)
{
    return (uint64_t)w->segment->rows[column_specs[column].table] +
           (column_specs[column].kind == KIND_START);
}

static void put_padding(struct writer *w, uint64_t from, uint64_t to)
{
    static const char zeros[FORMAT_ALIGN];
    put(w, zeros, (size_t)(to - from));
}

/* Sizes are spelled out so that each is one load or store. */
static uint64_t load(const char *at, unsigned width)
{
    uint64_t value = 0;
    if (width == 4)
        memcpy(&value, at, 4);
    else if (width == 2)
        memcpy(&value, at, 2);
    else if (width == 1)
        memcpy(&value, at, 1);
    else
        memcpy(&value, at, 8);
    return value;
}

static void store(char *at, uint64_t value, unsigned width)
{
    if (width == 4)
        memcpy(at, &value, 4);
    else if (width == 2)
        memcpy(at, &value, 2);
    else if (width == 1)
        memcpy(at, &value, 1);
    else
        memcpy(at, &value, 8);
}

static const char *place_of(const struct column_source *source, uint64_t row)
{
    return source->base + source->stride * (source->order ? source->order[row] : row);
}

static uint64_t value_at(const struct column_source *source, uint64_t row, unsigned width)
{
    uint64_t value = load(place_of(source, row), width);
    return source->map && value != UINT32_MAX ? source->map[value] : value;
}

static void put_counts(struct writer *w, const struct column_source *source, uint64_t rows)
{
    uint32_t chunk[4096], filled = 0, sum = 0;
    for (uint64_t row = 0; row <= rows; row++) {
        chunk[filled++] = sum;
        if (filled == ARRAY_SIZE(chunk) || row == rows) {
            put(w, chunk, filled * sizeof *chunk);
            filled = 0;
        }
        sum += row < rows ? (uint32_t)value_at(source, row, sizeof sum) : 0;
    }
}

static void put_values(struct writer *w, const struct column_source *source, uint64_t values,
                       unsigned width)
{
    char chunk[16384];
    size_t filled = 0;
    for (uint64_t row = 0; row < values; row++) {
        if (width == 16)
            memcpy(chunk + filled, place_of(source, row), 16);
        else
            store(chunk + filled, value_at(source, row, width), width);
        filled += width;
        if (filled + 16 > sizeof chunk) {
            put(w, chunk, filled);
            filled = 0;
        }
    }
    put(w, chunk, filled);
}

static void put_column(struct writer *w, enum segment_column column)
{
    const struct column_source *source = &w->segment->columns[column];
    unsigned width = column_specs[column].width;
    uint64_t values = column_values(w, column);
    if (source->is_count)
        put_counts(w, source, w->segment->rows[column_specs[column].table]);
    else if (!source->order && !source->map && source->stride == width && source->base)
        put(w, source->base, (size_t)(values * width));
    else
        put_values(w, source, values, width);
}

/* Offsets of the object's columns; returns its size. */
static uint64_t lay_out(struct writer *w, unsigned *ret_columns)
{
    unsigned columns = 0;
    for (unsigned column = 0; column < COLUMN_COUNT; column++)
        columns += column_specs[column].object == w->object;
    uint64_t at = FORMAT_HEADER_SIZE + 4 * TABLE_COUNT + (uint64_t)FORMAT_DIRECTORY_ENTRY * columns;
    for (unsigned column = 0; column < COLUMN_COUNT; column++) {
        if (column_specs[column].object != w->object)
            continue;
        at = (at + FORMAT_ALIGN - 1) / FORMAT_ALIGN * FORMAT_ALIGN;
        w->offsets[column] = at;
        at += column_values(w, (enum segment_column)column) * column_specs[column].width;
    }
    *ret_columns = columns;
    return at;
}

static void header_bytes(const struct writer *w, unsigned columns, const uint8_t *partner,
                         struct buffer *out)
{
    buffer_append(out, FORMAT_MAGIC, 8);
    buffer_u16(out, FORMAT_MAJOR);
    buffer_u16(out, FORMAT_MINOR);
    buffer_byte(out, (uint8_t)w->object);
    buffer_byte(out, w->segment->library);
    buffer_u16(out, 0);
    buffer_u64(out, w->segment->number);
    buffer_u64(out, w->size);
    buffer_append(out, (uint8_t[FORMAT_DIGEST_SIZE]){0}, FORMAT_DIGEST_SIZE);
    buffer_append(out, partner, FORMAT_DIGEST_SIZE);
    buffer_u32(out, TABLE_COUNT);
    buffer_u32(out, columns);
    for (unsigned table = 0; table < TABLE_COUNT; table++)
        buffer_u32(out, w->segment->rows[table]);
    for (unsigned column = 0; column < COLUMN_COUNT; column++) {
        const struct column_spec *spec = &column_specs[column];
        if (spec->object != w->object)
            continue;
        buffer_u16(out, spec->number);
        buffer_u16(out, spec->width);
        buffer_u32(out, 0);
        buffer_u64(out, w->offsets[column]);
        buffer_u64(out, column_values(w, (enum segment_column)column) * spec->width);
    }
}

static void put_columns(struct writer *w, uint64_t at)
{
    for (unsigned column = 0; column < COLUMN_COUNT; column++) {
        if (column_specs[column].object != w->object)
            continue;
        put_padding(w, at, w->offsets[column]);
        put_column(w, (enum segment_column)column);
        at = w->offsets[column] +
             column_values(w, (enum segment_column)column) * column_specs[column].width;
    }
}

/* Once through the digest, then once through the sink. */
static void write_object(struct writer *w, enum segment_object object, const uint8_t *partner,
                         uint8_t ret_digest[FORMAT_DIGEST_SIZE])
{
    struct buffer header;
    unsigned columns;
    buffer_init(&header, 64 * 1024);
    w->object = object;
    w->size = lay_out(w, &columns);
    header_bytes(w, columns, partner, &header);
    assert(!header.overflowed);
    w->digest = EVP_MD_CTX_new();
    if (!w->digest || !EVP_DigestInit_ex(w->digest, EVP_sha256(), NULL))
        abort();
    put(w, header.data, FORMAT_DIGEST_AT);
    put(w, header.data + FORMAT_PARTNER_AT, header.size - FORMAT_PARTNER_AT);
    put_columns(w, header.size);
    (void)EVP_DigestFinal_ex(w->digest, ret_digest, NULL);
    EVP_MD_CTX_free(w->digest);
    w->digest = NULL;
    memcpy(header.data + FORMAT_DIGEST_AT, ret_digest, FORMAT_DIGEST_SIZE);
    put(w, header.data, header.size);
    put_columns(w, header.size);
    buffer_release(&header);
}

bool segment_write(const struct segment_source *segment, build_sink *sink, void *context,
                   struct build_totals *ret)
{
    struct writer w = {.segment = segment, .sink = sink, .sink_context = context};
    const uint8_t *partner = (const uint8_t[FORMAT_DIGEST_SIZE]){0};
    for (enum segment_object object = SEGMENT_CORE; object < SEGMENT_OBJECTS; object++) {
        write_object(&w, object, partner, ret->digest[object]);
        ret->size_bytes[object] = w.size;
        partner = ret->digest[object];
    }
    return !w.is_refused;
}
