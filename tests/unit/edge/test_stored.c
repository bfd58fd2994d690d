// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/stored.h"
#include "tap.h"

static const struct http_field fields[] = {
    {TEXT_INIT("Content-Type"), TEXT_INIT("audio/flac")},
    {TEXT_INIT("X-Empty"), TEXT_INIT("")},
};
static const struct stored example = {
    .kind = STORED_RESPONSE,
    .status = 203,
    .freshness = {1795287600000, 7000, 60000, CACHING_UNSET, 9000, .forbids_stale = true},
    .fields = {fields, 2},
};

static void test_round(struct arena *arena)
{
    struct buffer out;
    struct stored again;
    buffer_init(&out, 1 << 16);
    OK(stored_write(&example, &out), "a response's header is written");
    OK(stored_read(buffer_view(&out), arena, &again), "and read");
    OK(again.status == 203 && again.fields.count == 2 &&
           text_equal(again.fields.items[0].value, TEXT("audio/flac")) &&
           again.fields.items[1].value.size == 0,
       "with its fields");
    OK(again.freshness.forbids_stale && !again.freshness.is_heuristic &&
           again.freshness.stale_while_revalidate_ms == CACHING_UNSET &&
           again.freshness.response_ms == 1795287600000,
       "and its freshness");
    bool is_any_read = false;
    for (size_t size = 0; size < out.size; size++)
        is_any_read |= stored_read(text_make(out.data, size), arena, &again);
    OK(!is_any_read, "cut anywhere it is not read");
    out.data[0] = 2;
    OK(!stored_read(buffer_view(&out), arena, &again), "nor one of another version");
    buffer_release(&out);
}

static void test_sliced(struct arena *arena)
{
    struct stored sliced = example, again;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    sliced.kind = STORED_SLICED;
    sliced.status = 200;
    sliced.sliced_bytes = 5000000000;
    OK(stored_write(&sliced, &out) && stored_read(buffer_view(&out), arena, &again) &&
           again.kind == STORED_SLICED && again.sliced_bytes == 5000000000,
       "one in slices says how long it is");
    buffer_reset(&out);
    sliced.sliced_bytes = 0;
    OK(stored_write(&sliced, &out) && !stored_read(buffer_view(&out), arena, &again),
       "one of no length is none");
    buffer_release(&out);
}

static void test_bounds(void)
{
    struct http_field many[STORED_FIELDS_MAX + 1] = {0};
    struct stored stored = example;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    stored.fields = (struct caching_fields){many, STORED_FIELDS_MAX + 1};
    OK(!stored_write(&stored, &out), "more fields than are sent again are not stored");
    buffer_release(&out);
}

int main(void)
{
    struct arena *arena = arena_new(1 << 20);
    test_round(arena);
    test_sliced(arena);
    test_bounds();
    arena_free(&arena);
    return tap_done();
}
