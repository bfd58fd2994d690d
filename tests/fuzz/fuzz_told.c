// SPDX-License-Identifier: GPL-3.0-or-later
/* What an origin answers to /changes: what is taken of it keeps its bounds. */
#include "replica/told.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told told;
    struct arena *arena = arena_new(1 << 20);
    if (told_read(arena, text_make((const char *)data, size), &told)) {
        if (told.cursor.size == 0 || told.cursor.size > TOLD_CURSOR_BYTES ||
            told.account_count > TOLD_ACCOUNTS || told.account_count > size)
            abort();
        for (size_t i = 0; i < told.cursor.size; i++)
            if (strchr("/?&#% \r\n", told.cursor.data[i]))
                abort();
    }
    arena_free(&arena);
    return 0;
}
