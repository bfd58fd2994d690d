// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/stored.h"

#include "base/reader.h"
#include "http/caching_vary.h"

#include <string.h>

enum { VERSION = 1 };

enum {
    FLAG_HEURISTIC = 1,
    FLAG_NEEDS_VALIDATION = 2,
    FLAG_FORBIDS_STALE = 4,
    FLAG_IMMUTABLE = 8,
    FLAGS_KNOWN = 15,
};

static uint32_t flags_of(const struct caching_freshness *freshness)
{
    return (freshness->is_heuristic ? FLAG_HEURISTIC : 0U) |
           (freshness->needs_validation ? FLAG_NEEDS_VALIDATION : 0U) |
           (freshness->forbids_stale ? FLAG_FORBIDS_STALE : 0U) |
           (freshness->is_immutable ? FLAG_IMMUTABLE : 0U);
}

static void write_freshness(const struct caching_freshness *freshness, struct buffer *out)
{
    buffer_u32(out, flags_of(freshness));
    buffer_u64(out, (uint64_t)freshness->response_ms);
    buffer_u64(out, (uint64_t)freshness->age_at_response_ms);
    buffer_u64(out, (uint64_t)freshness->lifetime_ms);
    buffer_u64(out, (uint64_t)freshness->stale_while_revalidate_ms);
    buffer_u64(out, (uint64_t)freshness->stale_if_error_ms);
}

static void write_text(struct text t, struct buffer *out)
{
    buffer_u16(out, (uint16_t)t.size);
    buffer_text(out, t);
}

bool stored_write(const struct stored *stored, struct buffer *out)
{
    if (stored->fields.count > STORED_FIELDS_MAX)
        return false;
    buffer_byte(out, VERSION);
    buffer_byte(out, (uint8_t)stored->kind);
    buffer_u16(out, (uint16_t)stored->status);
    write_freshness(&stored->freshness, out);
    buffer_u64(out, stored->sliced_bytes);
    buffer_u16(out, (uint16_t)stored->fields.count);
    for (size_t i = 0; i < stored->fields.count; i++) {
        const struct http_field *field = &stored->fields.items[i];
        if (field->name.size > UINT16_MAX || field->value.size > UINT16_MAX)
            return false;
        write_text(field->name, out);
        write_text(field->value, out);
    }
    return !out->overflowed;
}

static void read_freshness(struct reader *reader, struct caching_freshness *ret,
                           uint32_t *ret_flags)
{
    uint32_t flags = *ret_flags = reader_u32(reader);
    ret->response_ms = (int64_t)reader_u64(reader);
    ret->age_at_response_ms = (int64_t)reader_u64(reader);
    ret->lifetime_ms = (int64_t)reader_u64(reader);
    ret->stale_while_revalidate_ms = (int64_t)reader_u64(reader);
    ret->stale_if_error_ms = (int64_t)reader_u64(reader);
    ret->is_heuristic = flags & FLAG_HEURISTIC;
    ret->needs_validation = flags & FLAG_NEEDS_VALIDATION;
    ret->forbids_stale = flags & FLAG_FORBIDS_STALE;
    ret->is_immutable = flags & FLAG_IMMUTABLE;
}

/* So far from the ends of int64_t that sums of a few do not overflow. */
static bool is_sane_time(int64_t ms) { return ms >= -1 && ms < INT64_C(1) << 56; }

static bool is_sane(const struct caching_freshness *freshness)
{
    return is_sane_time(freshness->response_ms) && is_sane_time(freshness->age_at_response_ms) &&
           is_sane_time(freshness->lifetime_ms) &&
           is_sane_time(freshness->stale_while_revalidate_ms) &&
           is_sane_time(freshness->stale_if_error_ms);
}

static bool read_fields(struct reader *reader, struct arena *arena, struct caching_fields *ret)
{
    size_t count = reader_u16(reader);
    if (reader->failed || count > STORED_FIELDS_MAX)
        return false;
    struct http_field *fields = arena_alloc(arena, (count + 1) * sizeof *fields);
    if (!fields)
        return false;
    for (size_t i = 0; i < count; i++) {
        fields[i].name = reader_bytes(reader, reader_u16(reader));
        fields[i].value = reader_bytes(reader, reader_u16(reader));
    }
    *ret = (struct caching_fields){fields, count};
    return !reader->failed && reader->left == 0;
}

bool stored_read(struct text bytes, struct arena *arena, struct stored *ret)
{
    struct reader reader = reader_of(bytes);
    struct stored stored;
    uint32_t flags;
    uint8_t version = reader_u8(&reader), kind = reader_u8(&reader);
    stored.status = reader_u16(&reader);
    read_freshness(&reader, &stored.freshness, &flags);
    stored.sliced_bytes = reader_u64(&reader);
    if (reader.failed || version != VERSION || kind > STORED_SLICED || flags > FLAGS_KNOWN ||
        !is_sane(&stored.freshness) || !read_fields(&reader, arena, &stored.fields))
        return false;
    stored.kind = (enum stored_kind)kind;
    if (stored.kind == STORED_RESPONSE && (stored.status < 200 || stored.status > 599))
        return false;
    if (stored.kind == STORED_SLICED ? stored.status != 200 || stored.sliced_bytes == 0
                                     : stored.sliced_bytes != 0)
        return false;
    *ret = stored;
    return true;
}

/* --- keys: a byte that no field or target may hold stands between their parts --- */

void stored_key(struct text host, struct text target, struct buffer *out)
{
    buffer_text(out, host);
    buffer_byte(out, '\n');
    buffer_text(out, target);
}

void stored_variant(struct text names, struct caching_fields request, struct buffer *out)
{
    buffer_byte(out, '\n');
    caching_selector_write(names, request, out);
}
