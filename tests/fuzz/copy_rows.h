// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/reader.h"
#include "io/loop.h"
#include "state/export.h"
#include "state/offer.h"
#include "state/state.h"
#include "trust/keys.h"
#include <assert.h>
#include <stdlib.h>

/*
 * copy_rows: one account's copy or offer whose sums are right, with rows as the fuzzer likes them:
 *
 *     u8 space (0: a count), u8 size of the key, u16 size of the value, u8 1 final, u64 hlc, key,
 * value
 */
static const struct uid copy_account = {{1}};

static inline bool copy_is_secret(uint8_t space) { return space >= SPACE_PASSWORD; }

struct copy_rows {
    struct text bytes;
    bool is_secret;
};

static inline void copy_rows_put(const struct database_sink *sink, void *context)
{
    const struct copy_rows *rows = context;
    struct reader reader = reader_of(rows->bytes);
    while (reader.left && !reader.failed) {
        uint8_t space = reader_u8(&reader), key_size = reader_u8(&reader);
        uint16_t value_size = reader_u16(&reader);
        struct cell cell = {.order.is_final = reader_u8(&reader) == 1};
        cell.order.hlc = reader_u64(&reader);
        struct text key = reader_bytes(&reader, key_size);
        cell.value = reader_bytes(&reader, value_size);
        if (reader.failed || (space && copy_is_secret(space) != rows->is_secret))
            continue;
        const struct cell_name name = {copy_account, (enum space)space, key};
        struct subject subject = {{0}};
        memcpy(&subject, key.data, key.size < sizeof subject ? key.size : sizeof subject);
        if (space)
            (void)sink->cell(sink->context, &name, &cell);
        else if (!rows->is_secret)
            (void)sink->count(sink->context, copy_account, subject,
                              (struct plays){.count = cell.order.hlc});
    }
}

static inline void copy_rows_export(struct text bytes, bool is_secret, struct buffer *out)
{
    struct copy_rows rows = {bytes, is_secret};
    export_write(out, 1, 1, copy_rows_put, &rows);
}

/* The one state of this process: two hundred inputs long. */
static inline struct state *copy_state(void)
{
    static struct state *state;
    static struct keys *keys;
    static struct loop *loop;
    static unsigned runs;
    char folder[] = "/tmp/fuzz_copy.XXXXXX";
    struct state_error error;
    if (state && ++runs % 200 != 0)
        return state;
    state_close(&state);
    if (!loop)
        loop = loop_new();
    if (!keys)
        keys = keys_ephemeral();
    const struct state_config config = {.folder = mkdtemp(folder), .keys = keys, .loop = loop};
    if (state_open(&config, &state, &error) < 0)
        abort();
    return state;
}
