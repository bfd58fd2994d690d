// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/lyrics_object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lyrics of another node: every line that is read is a text that can be looked at. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(1 << 20);
    const struct library_lyrics *lyrics;
    size_t count, bytes = 0;
    if (lyrics_object_read(text_make((const char *)data, size), arena, &lyrics, &count))
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < lyrics[i].line_count; k++)
                bytes += lyrics[i].lines[k].text.size;
    arena_free(&arena);
    (void)bytes;
    return 0;
}
