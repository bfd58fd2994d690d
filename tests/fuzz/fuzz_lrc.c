// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/lrc.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct media_lyrics lyrics;
    struct arena *arena = arena_new(1 << 20);
    if (lrc_parse(text_make((const char *)data, size), arena, &lyrics))
        for (size_t i = 0; i < lyrics.line_count; i++) { /* ascending, clean UTF-8 */
            assert(lyrics.lines[i].start_ms >= (i ? lyrics.lines[i - 1].start_ms : 0));
            assert(text_is_utf8(lyrics.lines[i].text));
        }
    arena_free(&arena);
    return 0;
}
