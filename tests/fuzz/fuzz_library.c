// SPDX-License-Identifier: GPL-3.0-or-later
/* A file's name, and what its worker said, on their way to keys and catalogue rows. */
#include "library/filename.h"
#include "library/rows.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text whole = {(const char *)data, size}, name = {whole.data, size < 16 ? size : 16};
    struct arena *arena = arena_new(1 << 20);
    struct credit credits[GROUPING_MAX_CREDITS];
    static const struct catalog_id artists[GROUPING_MAX_CREDITS];
    struct media_info info = {0};
    struct track_facts facts = {
        .info = &info, .credits = credits, .artists = artists, .name = name};
    struct album_key key;
    struct album_summary summary = {.arena = arena};
    struct track_row row;
    assert(filename_kind(name) <= FILENAME_HIDDEN && text_is_utf8(filename_shown(arena, name)));
    if (media_info_decode(text_from(whole, name.size), &info)) {
        facts.credit_count = grouping_credits(&info, credits);
        grouping_album(&info, 1, name, &key);
        album_summary_add(&summary, &facts);
        assert(rows_track(&facts, arena, &row) || arena_overflowed(arena));
    }
    media_info_release(&info);
    arena_free(&arena);
    return 0;
}
