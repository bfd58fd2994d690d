// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_volume.h"
#include "store/cache_logs.h"
#include "base/reader.h"
#include <assert.h>
#include <math.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static const char REGION_MAGIC[8] NONSTRING = "sostregn";
static const char LIVE_MAGIC[8] NONSTRING = "sostcrec";
static const char DEAD_MAGIC[8] NONSTRING = "sostdead";
enum { MAJOR = 1, REGION_MINOR = 1, FLAG_PINNED = 1 };

uint64_t cache_sum(const void *bytes, size_t size) { return XXH3_64bits(bytes, size); }

static void put_le(uint8_t **at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *(*at)++ = (uint8_t)(value >> (8 * i));
}

static void put_bytes(uint8_t **at, const void *bytes, size_t size)
{
    bytes_copy(*at, bytes, size);
    *at += size;
}

/* Bytes 8 to 15 are the sum of all behind them. */
static void seal(uint8_t *bytes, size_t size)
{
    uint8_t *at = bytes + 8;
    put_le(&at, cache_sum(bytes + 16, size - 16), 8);
}

static bool is_sealed(struct text bytes)
{
    struct reader reader = reader_of(text_make(bytes.data + 8, 8));
    return reader_u64(&reader) == cache_sum(bytes.data + 16, bytes.size - 16);
}

/* --- regions --- */
void region_encode(const struct region_header *header, uint8_t ret[REGION_HEADER])
{
    memset(ret, 0, REGION_HEADER);
    uint8_t *at = ret;
    put_bytes(&at, REGION_MAGIC, 8);
    at += 8;
    uint32_t scale;
    uint64_t level;
    memcpy(&scale, &header->scale, sizeof scale);
    memcpy(&level, &header->level, sizeof level);
    put_le(&at, MAJOR, 2);
    put_le(&at, REGION_MINOR, 2);
    put_le(&at, header->slot, 4);
    put_le(&at, header->sequence, 8);
    put_le(&at, header->first_serial, 8);
    put_le(&at, header->log, 1);
    put_le(&at, header->rule, 1);
    put_le(&at, header->asked, 1);
    put_le(&at, header->size, 1);
    put_le(&at, scale, 4);
    put_le(&at, header->tick, 8);
    put_le(&at, level, 8);
    seal(ret, REGION_HEADER);
}

bool region_decode(struct text bytes, struct region_header *ret)
{
    if (bytes.size < REGION_HEADER || memcmp(bytes.data, REGION_MAGIC, 8) != 0 ||
        !is_sealed(text_make(bytes.data, REGION_HEADER)))
        return false;
    struct reader reader = reader_of(text_make(bytes.data + 16, REGION_HEADER - 16));
    uint16_t major = reader_u16(&reader), minor = reader_u16(&reader);
    ret->slot = reader_u32(&reader);
    ret->sequence = reader_u64(&reader);
    ret->first_serial = reader_u64(&reader);
    ret->log = reader_u8(&reader);
    ret->rule = reader_u8(&reader);
    ret->asked = reader_u8(&reader);
    ret->size = reader_u8(&reader);
    uint32_t scale = reader_u32(&reader);
    ret->tick = reader_u64(&reader);
    uint64_t level = reader_u64(&reader);
    memcpy(&ret->scale, &scale, sizeof scale);
    memcpy(&ret->level, &level, sizeof level);
    if (minor < REGION_MINOR || !isfinite(ret->scale) || !isfinite(ret->level)) {
        ret->log = LOGS / 2;
        ret->rule = REGION_RULE_UNKNOWN;
    }
    return major == MAJOR && ret->log < LOGS && ret->sequence > 0;
}

/* --- records --- */
static uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

static uint64_t least_head(const struct record *record)
{
    return RECORD_FIXED + record->key_bytes +
           record->range_count * (uint64_t)sizeof(struct cache_range) +
           record_blocks(record) * sizeof(uint64_t);
}

bool record_lay_out(struct record *record, size_t size)
{
    uint64_t head = round_up(least_head(record), CACHE_UNIT);
    uint64_t room = round_up(META_HEADER + size + size / 4, CACHE_UNIT);
    uint64_t units = (head + 2 * room + record->stored + CACHE_UNIT - 1) / CACHE_UNIT;
    if (units > RECORD_UNITS_MAX)
        return false;
    record->head_bytes = (uint32_t)head;
    record->meta_room = (uint32_t)room;
    record->units = (uint32_t)units;
    return true;
}

void record_encode(struct record *record, struct text key, const struct cache_range *ranges,
                   const uint64_t *sums, uint8_t *ret)
{
    memset(ret, 0, record->head_bytes);
    uint8_t *at = ret + RECORD_FIXED;
    put_bytes(&at, key.data, key.size);
    for (size_t i = 0; i < record->range_count; i++) {
        put_le(&at, ranges[i].begin, 8);
        put_le(&at, ranges[i].end, 8);
    }
    for (uint64_t i = 0; i < record_blocks(record); i++)
        put_le(&at, sums[i], 8);
    record->rest_sum = cache_sum(ret + RECORD_FIXED, record->head_bytes - RECORD_FIXED);

    at = ret;
    put_bytes(&at, LIVE_MAGIC, 8);
    at += 8;
    put_le(&at, MAJOR, 2);
    put_le(&at, 0, 2);
    put_le(&at, record->is_pinned ? FLAG_PINNED : 0, 1);
    put_le(&at, record->range_count, 1);
    put_le(&at, record->key_bytes, 2);
    put_le(&at, record->region, 8);
    put_le(&at, record->serial, 8);
    put_le(&at, record->units, 4);
    put_le(&at, record->head_bytes, 4);
    put_le(&at, record->meta_room, 8);
    put_le(&at, record->length, 8);
    put_le(&at, record->stored, 8);
    put_le(&at, record->rest_sum, 8);
    put_le(&at, record->hash.high, 8);
    put_le(&at, record->hash.low, 8);
    put_bytes(&at, record->sha256, sizeof record->sha256);
    assert(at == ret + RECORD_FIXED);
    seal(ret, RECORD_FIXED);
}

/* What is sealed was written by us, or is damage that hit the sum: sizes are checked all the same.
 */
static bool is_consistent(const struct record *record)
{
    return record->stored <= record->length && record->units <= RECORD_UNITS_MAX &&
           record->stored <= record_bytes(record) && record->key_bytes > 0 &&
           record->key_bytes <= CACHE_KEY_MAX && record->range_count <= CACHE_RANGES_MAX &&
           record->head_bytes >= least_head(record) && record->head_bytes <= record_bytes(record) &&
           record->meta_room >= META_HEADER && record->meta_room <= record_bytes(record) &&
           record_body_at(record) + record->stored <= record_bytes(record);
}

enum record_kind record_decode(struct text bytes, uint64_t region, struct record *ret)
{
    if (bytes.size < RECORD_FIXED || !is_sealed(text_make(bytes.data, RECORD_FIXED)))
        return RECORD_BAD;
    bool is_live = memcmp(bytes.data, LIVE_MAGIC, 8) == 0;
    if (!is_live && memcmp(bytes.data, DEAD_MAGIC, 8) != 0)
        return RECORD_BAD;
    struct reader reader = reader_of(text_make(bytes.data + 16, RECORD_FIXED - 16));
    struct record record;
    uint16_t major = reader_u16(&reader);
    (void)reader_u16(&reader);
    record.is_pinned = reader_u8(&reader) & FLAG_PINNED;
    record.range_count = reader_u8(&reader);
    record.key_bytes = reader_u16(&reader);
    record.region = reader_u64(&reader);
    record.serial = reader_u64(&reader);
    record.units = reader_u32(&reader);
    record.head_bytes = reader_u32(&reader);
    record.meta_room = reader_u32(&reader);
    (void)reader_u32(&reader);
    record.length = reader_u64(&reader);
    record.stored = reader_u64(&reader);
    record.rest_sum = reader_u64(&reader);
    record.hash.high = reader_u64(&reader);
    record.hash.low = reader_u64(&reader);
    reader_copy(&reader, record.sha256, sizeof record.sha256);
    if (major != MAJOR || record.region != region || !is_consistent(&record))
        return RECORD_BAD;
    *ret = record;
    return is_live ? RECORD_LIVE : RECORD_DEAD;
}

/* Ascending, apart from each other, and as long together as what is stored. */
static bool are_good(const struct record *record, const struct cache_range *ranges)
{
    uint64_t at = 0, all = 0;
    for (size_t i = 0; i < record->range_count; i++) {
        if (ranges[i].begin < at || ranges[i].end <= ranges[i].begin ||
            ranges[i].end > record->length)
            return false;
        at = ranges[i].end;
        all += ranges[i].end - ranges[i].begin;
    }
    return all == record->stored;
}

bool record_decode_rest(const struct record *record, struct text head, struct text *ret_key,
                        struct cache_range *ret_ranges, uint64_t *ret_sums)
{
    if (head.size < record->head_bytes)
        return false;
    struct text rest = text_make(head.data + RECORD_FIXED, record->head_bytes - RECORD_FIXED);
    if (cache_sum(rest.data, rest.size) != record->rest_sum)
        return false;
    struct reader reader = reader_of(rest);
    *ret_key = reader_bytes(&reader, record->key_bytes);
    for (size_t i = 0; i < record->range_count; i++) {
        ret_ranges[i].begin = reader_u64(&reader);
        ret_ranges[i].end = reader_u64(&reader);
    }
    for (uint64_t i = 0; i < record_blocks(record); i++)
        ret_sums[i] = reader_u64(&reader);
    return !reader.failed && are_good(record, ret_ranges);
}

void record_kill(uint8_t fixed[8]) { memcpy(fixed, DEAD_MAGIC, 8); }

void record_move(uint8_t *head, uint64_t region)
{
    uint8_t *at = head + 24;
    put_le(&at, region, 8);
    seal(head, RECORD_FIXED);
}

/* --- metadata --- */
size_t meta_bytes(const struct cache_meta *meta)
{
    return meta->mark_count * sizeof meta->marks[0] + meta->bytes.size;
}

static uint64_t meta_sum(const void *place, size_t size, uint64_t serial)
{
    return XXH3_64bits_withSeed((const char *)place + 8, size - 8, serial);
}

void meta_encode(const struct cache_meta *meta, uint64_t serial, uint32_t version, uint8_t *ret)
{
    uint8_t *at = ret + 8;
    put_le(&at, version, 4);
    put_le(&at, meta->bytes.size, 4);
    put_le(&at, meta->generation, 8);
    put_le(&at, meta->mark_count, 8);
    for (size_t i = 0; i < meta->mark_count; i++)
        put_le(&at, meta->marks[i], 8);
    put_bytes(&at, meta->bytes.data, meta->bytes.size);
    uint64_t sum = meta_sum(ret, (size_t)(at - ret), serial);
    at = ret;
    put_le(&at, sum, 8);
}

bool meta_decode(struct text place, uint64_t serial, uint32_t *ret_version, struct cache_meta *ret,
                 uint64_t *ret_marks)
{
    struct reader reader = reader_of(place);
    uint64_t sum = reader_u64(&reader);
    uint32_t version = reader_u32(&reader), size = reader_u32(&reader);
    uint64_t generation = reader_u64(&reader), marks = reader_u64(&reader);
    if (reader.failed || marks > CACHE_MARKS_MAX || size > CACHE_META_MAX)
        return false;
    for (uint64_t i = 0; i < marks; i++)
        ret_marks[i] = reader_u64(&reader);
    struct text bytes = reader_bytes(&reader, size);
    if (reader.failed || sum != meta_sum(place.data, place.size - reader.left, serial))
        return false;
    *ret_version = version;
    *ret = (struct cache_meta){bytes, generation, ret_marks, (size_t)marks};
    return true;
}
