// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/segment.h"

#define WIDTH_U8 1
#define WIDTH_U16 2
#define WIDTH_U32 4
#define WIDTH_U64 8
#define WIDTH_ID 16
#define WIDTH_TEXT 4
#define WIDTH_NOTE 4
#define WIDTH_REF 4
#define WIDTH_OPTION 4
#define WIDTH_START 4
#define WIDTH_POSTING 4

const struct column_spec column_specs[COLUMN_COUNT] = {
#define COLUMN(number, name, object, table, kind, target) \
    {number, SEGMENT_##object, TABLE_##table, KIND_##kind, TABLE_##target, WIDTH_##kind},
#include "catalog/columns.def"
};

struct text segment_fault_text(enum segment_fault fault)
{
    static const struct text texts[] = {
        [SEGMENT_GOOD] = TEXT_INIT("good"),
        [SEGMENT_CUT] = TEXT_INIT("shorter or longer than it says"),
        [SEGMENT_ALIEN] = TEXT_INIT("not a catalogue segment of a format that we read"),
        [SEGMENT_BROKEN] = TEXT_INIT("a reference in it leads outside"),
        [SEGMENT_STRANGER] = TEXT_INIT("detail that belongs to another core"),
    };
    return texts[fault];
}

/* What is known of an object while it is checked. */
struct opening {
    struct segment next;
    const uint8_t *base;
    uint64_t size;
    uint32_t table_count, column_count;
};

static enum segment_fault check_header(struct opening *opening, enum segment_object object,
                                       struct text bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    if (bytes.size < FORMAT_HEADER_SIZE)
        return SEGMENT_CUT;
    if (!bytes_same(at, FORMAT_MAGIC, 8) || bytes_le(at + 8, 2) != FORMAT_MAJOR ||
        at[12] != object || at[13] < 1 || at[13] > 32 || (uintptr_t)at % 8)
        return SEGMENT_ALIEN;
    if (bytes_le(at + 24, 8) != bytes.size)
        return SEGMENT_CUT;
    opening->base = at;
    opening->size = bytes.size;
    opening->table_count = (uint32_t)bytes_le(at + 96, 4);
    opening->column_count = (uint32_t)bytes_le(at + 100, 4);
    if (opening->table_count < TABLE_COUNT || opening->table_count > FORMAT_MAX_TABLES ||
        opening->column_count > FORMAT_MAX_COLUMNS ||
        bytes.size < FORMAT_HEADER_SIZE + 4 * (uint64_t)opening->table_count +
                         FORMAT_DIRECTORY_ENTRY * (uint64_t)opening->column_count)
        return SEGMENT_BROKEN;
    return SEGMENT_GOOD;
}

static bool table_is_shared(unsigned table)
{
    return table <= TABLE_REMOVALS || table == TABLE_TRACK_CREDITS || table == TABLE_ALBUM_CREDITS;
}

/* Core brings its tables; detail must agree on those that both have, and brings its own. */
static enum segment_fault take_tables(struct opening *opening, enum segment_object object)
{
    struct segment *next = &opening->next;
    for (unsigned table = 0; table < TABLE_COUNT; table++) {
        uint32_t rows = (uint32_t)bytes_le(opening->base + FORMAT_HEADER_SIZE + 4 * table, 4);
        if (table <= TABLE_GENRES && rows > FORMAT_MAX_ROWS)
            return SEGMENT_BROKEN;
        if (object == SEGMENT_DETAIL && table_is_shared(table) && rows != next->rows[table])
            return SEGMENT_STRANGER;
        if (object == SEGMENT_CORE || table >= TABLE_NOTE_STRINGS)
            next->rows[table] = rows;
    }
    return SEGMENT_GOOD;
}

static enum segment_column column_of(uint64_t number, enum segment_object object)
{
    unsigned column = 0;
    while (column < COLUMN_COUNT &&
           (column_specs[column].number != number || column_specs[column].object != object))
        column++;
    return (enum segment_column)column;
}

static enum segment_fault take_columns(struct opening *opening, enum segment_object object)
{
    const uint8_t *entry = opening->base + FORMAT_HEADER_SIZE + 4 * opening->table_count;
    for (uint32_t i = 0; i < opening->column_count; i++, entry += FORMAT_DIRECTORY_ENTRY) {
        enum segment_column column = column_of(bytes_le(entry, 2), object);
        uint64_t offset = bytes_le(entry + 8, 8), size = bytes_le(entry + 16, 8);
        if (column == COLUMN_COUNT)
            continue;
        const struct column_spec *spec = &column_specs[column];
        uint64_t values = (uint64_t)opening->next.rows[spec->table] + (spec->kind == KIND_START);
        if (offset % FORMAT_ALIGN || offset > opening->size || size > opening->size - offset ||
            size != values * spec->width || bytes_le(entry + 2, 2) != spec->width)
            return SEGMENT_BROKEN;
        opening->next.columns[column] = opening->base + offset;
    }
    for (unsigned column = 0; column < COLUMN_COUNT; column++)
        if (column_specs[column].object == object && !opening->next.columns[column])
            return SEGMENT_BROKEN;
    return SEGMENT_GOOD;
}

/* One pass over a column of references: whether all are below the limit. */
static bool refs_are_inside(const uint32_t *values, uint32_t count, uint32_t limit,
                            bool may_be_none, unsigned shift)
{
    uint32_t bad = 0;
    if (may_be_none)
        for (uint32_t i = 0; i < count; i++)
            bad |= values[i] >= limit && values[i] != UINT32_MAX;
    else
        for (uint32_t i = 0; i < count; i++)
            bad |= values[i] >> shift >= limit;
    return bad == 0;
}

static bool starts_ascend(const uint32_t *values, uint32_t rows, uint32_t limit)
{
    uint32_t bad = values[0] != 0 || values[rows] != limit;
    for (uint32_t i = 0; i < rows; i++)
        bad |= values[i] > values[i + 1];
    return bad == 0;
}

static bool column_is_sound(const struct segment *segment, enum segment_column column)
{
    const struct column_spec *spec = &column_specs[column];
    const uint32_t *values = segment_u32s(segment, column);
    uint32_t rows = segment->rows[spec->table];
    if (spec->kind < KIND_TEXT)
        return true;
    uint32_t limit = segment->rows[spec->target];
    if (spec->kind == KIND_START)
        return starts_ascend(values, rows, limit);
    return refs_are_inside(values, rows, limit, spec->kind == KIND_OPTION,
                           spec->kind == KIND_POSTING ? POSTING_PLACE_BITS : 0);
}

/* Every word is followed by its zero byte and holds no other. */
static bool words_are_sound(const struct segment *segment)
{
    const uint8_t *bytes = segment->columns[COLUMN_WORD_BYTE];
    const uint32_t *starts = segment_u32s(segment, COLUMN_WORD);
    uint32_t zeros = 0, size = segment->rows[TABLE_WORD_BYTES];
    for (uint32_t i = 0; i < size; i++)
        zeros += bytes[i] == 0;
    if (zeros != segment->rows[TABLE_WORDS])
        return false;
    for (uint32_t word = 0; word < segment->rows[TABLE_WORDS]; word++)
        if (starts[word] == starts[word + 1] || bytes[starts[word + 1] - 1] != 0)
            return false;
    return true;
}

static enum segment_fault check_columns(const struct segment *segment, enum segment_object object)
{
    for (unsigned column = 0; column < COLUMN_COUNT; column++)
        if (column_specs[column].object == object &&
            !column_is_sound(segment, (enum segment_column)column))
            return SEGMENT_BROKEN;
    if (object == SEGMENT_CORE && (segment->rows[TABLE_STRINGS] == 0 || !words_are_sound(segment)))
        return SEGMENT_BROKEN;
    return object == SEGMENT_DETAIL && segment->rows[TABLE_NOTE_STRINGS] == 0 ? SEGMENT_BROKEN
                                                                              : SEGMENT_GOOD;
}

static enum segment_fault check_partner(const struct opening *opening, enum segment_object object)
{
    const struct segment *next = &opening->next;
    if (object == SEGMENT_CORE)
        return next->has_core ? SEGMENT_STRANGER : SEGMENT_GOOD;
    bool fits =
        next->has_core && bytes_le(opening->base + 16, 8) == next->number &&
        opening->base[13] == next->library &&
        bytes_same(opening->base + FORMAT_PARTNER_AT, next->core_digest, FORMAT_DIGEST_SIZE);
    return fits ? SEGMENT_GOOD : SEGMENT_STRANGER;
}

enum segment_fault segment_add(struct segment *segment, enum segment_object object,
                               struct text bytes)
{
    struct opening opening = {.next = *segment};
    enum segment_fault fault = check_header(&opening, object, bytes);
    if (fault == SEGMENT_GOOD)
        fault = check_partner(&opening, object);
    if (fault == SEGMENT_GOOD)
        fault = take_tables(&opening, object);
    if (fault == SEGMENT_GOOD)
        fault = take_columns(&opening, object);
    if (fault == SEGMENT_GOOD)
        fault = check_columns(&opening.next, object);
    if (fault != SEGMENT_GOOD)
        return fault;
    if (object == SEGMENT_CORE) {
        opening.next.number = bytes_le(opening.base + 16, 8);
        opening.next.library = opening.base[13];
        bytes_copy(opening.next.core_digest, opening.base + FORMAT_DIGEST_AT, FORMAT_DIGEST_SIZE);
        opening.next.has_core = true;
    } else {
        opening.next.has_detail = true;
    }
    opening.next.size_bytes[object] = opening.size;
    *segment = opening.next;
    return SEGMENT_GOOD;
}

static struct text span(const struct segment *segment, enum segment_column starts,
                        enum segment_column bytes, uint32_t row)
{
    const uint32_t *start = segment_u32s(segment, starts);
    if (!start)
        return TEXT_NONE;
    return text_make((const char *)segment->columns[bytes] + start[row],
                     start[row + 1] - start[row]);
}

struct text segment_string(const struct segment *segment, uint32_t string)
{
    return span(segment, COLUMN_STRING, COLUMN_STRING_BYTE, string);
}

struct text segment_text(const struct segment *segment, enum segment_column column, uint32_t row)
{
    uint32_t string = segment_u32(segment, column, row);
    if (column_specs[column].kind == KIND_TEXT)
        return segment_string(segment, string);
    return span(segment, COLUMN_NOTE_STRING, COLUMN_NOTE_BYTE, string);
}

struct text segment_word(const struct segment *segment, uint32_t word)
{
    struct text t = span(segment, COLUMN_WORD, COLUMN_WORD_BYTE, word);
    t.size--; /* its zero byte */
    return t;
}

struct catalog_id segment_artwork(const struct segment *segment, enum segment_column column,
                                  uint32_t row)
{
    uint32_t artwork = segment_u32(segment, column, row);
    if (artwork == UINT32_MAX)
        return (struct catalog_id){{0}};
    return *segment_id(segment, COLUMN_ARTWORK_ID, artwork);
}
