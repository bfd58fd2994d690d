// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * An array in PostgreSQL's binary form (src/backend/utils/adt/arrayfuncs.c, array_recv),
 * big-endian:
 *
 *   0  4  dimensions, 1      4  4  0: no NULLs      8  4  type of an element
 *  12  4  number of elements      16  4  lower bound, 1      20  elements: 4 bytes of size, then
 * the bytes
 */
#include "state/postgres_rows.h"

#include <assert.h>
#include <endian.h>

enum { MAX_BYTES = 512 * 1024 * 1024, HEAD_BYTES = 20 };

void postgres_rows_init(struct postgres_rows *rows, const char *shape)
{
    static const char empty[HEAD_BYTES];
    *rows = (struct postgres_rows){.column_count = (int)strlen(shape)};
    assert(rows->column_count <= POSTGRES_MAX_PARAMETERS);
    for (int i = 0; i < rows->column_count; i++) {
        rows->columns[i].type = shape[i] == 'i' ? POSTGRES_INTEGERS : POSTGRES_BYTES_ARRAY;
        buffer_init(&rows->columns[i].bytes, MAX_BYTES);
        buffer_append(&rows->columns[i].bytes, empty, sizeof empty);
    }
}

void postgres_rows_release(struct postgres_rows *rows)
{
    for (int i = 0; i < rows->column_count; i++)
        buffer_release(&rows->columns[i].bytes);
}

static void put(struct postgres_rows *rows, const void *data, size_t size)
{
    struct buffer *bytes = &rows->columns[rows->next].bytes;
    uint32_t head = htobe32((uint32_t)size);
    buffer_append(bytes, &head, sizeof head);
    buffer_append(bytes, data, size);
    rows->next = (rows->next + 1) % rows->column_count;
    rows->row_count += rows->next == 0;
}

void postgres_rows_integer(struct postgres_rows *rows, uint64_t value)
{
    assert(rows->columns[rows->next].type == POSTGRES_INTEGERS);
    value = htobe64(value);
    put(rows, &value, sizeof value);
}

void postgres_rows_bytes(struct postgres_rows *rows, struct text bytes)
{
    assert(rows->columns[rows->next].type == POSTGRES_BYTES_ARRAY);
    put(rows, bytes.data, bytes.size);
}

struct postgres_statement postgres_rows_statement(struct postgres_rows *rows, const char *sql)
{
    struct postgres_statement statement = {.sql = sql, .count = rows->column_count};
    assert(rows->next == 0);
    for (int i = 0; i < rows->column_count; i++) {
        struct postgres_column *column = &rows->columns[i];
        Oid element = column->type == POSTGRES_INTEGERS ? POSTGRES_INTEGER : POSTGRES_BYTES;
        const uint32_t head[] = {htobe32(1), 0, htobe32(element), htobe32(rows->row_count),
                                 htobe32(1)};
        assert(!column->bytes.overflowed && sizeof head == HEAD_BYTES);
        memcpy(column->bytes.data, head, sizeof head);
        statement.values[i] = (struct postgres_value){column->type, buffer_view(&column->bytes)};
    }
    return statement;
}
