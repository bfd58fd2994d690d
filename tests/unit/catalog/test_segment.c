// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/buffer.h"
#include "catalog/segment.h"
#include "catalog/list.h"
#include "sample.h"
#include "tap.h"

static bool into_buffers(void *context, enum segment_object object, const void *data, size_t size)
{
    struct buffer *buffers = context;
    buffer_append(&buffers[object], data, size);
    return !buffers[object].overflowed;
}

/* One small segment's two objects. */
static void make_objects(uint64_t number, uint32_t tracks, struct buffer objects[SEGMENT_OBJECTS])
{
    struct sample sample;
    struct build_totals totals;
    struct catalog_id dangling;
    sample_make(&sample, 5, tracks);
    struct build *build = sample_build(&sample, 1, number);
    buffer_init(&objects[SEGMENT_CORE], 16U << 20);
    buffer_init(&objects[SEGMENT_DETAIL], 16U << 20);
    if (build_finish(build, into_buffers, objects, &totals, &dangling) != BUILD_DONE)
        abort();
    build_free(&build);
    sample_free(&sample);
}

static bool opens(struct text core, struct text detail, bool check_digests)
{
    struct catalog *catalog = catalog_of_objects((struct text[]){core, detail}, 2, check_digests);
    bool is_open = catalog != NULL;
    catalog_unref(&catalog);
    return is_open;
}

static void cuts_are_refused(const struct buffer objects[SEGMENT_OBJECTS])
{
    struct text core = buffer_view(&objects[SEGMENT_CORE]),
                detail = buffer_view(&objects[SEGMENT_DETAIL]);
    size_t opened = 0;
    OK(opens(core, detail, true), "a whole segment opens");
    for (size_t size = 1; size < core.size; size++)
        opened += opens(text_make(core.data, size), TEXT_NONE, false);
    OK(opened == 0, "core cut at any length is refused, even without a digest");
    for (size_t size = 1; size < detail.size; size++)
        opened += opens(core, text_make(detail.data, size), false);
    OK(opened == 0, "so is detail");
}

static void flips_are_refused(struct buffer objects[SEGMENT_OBJECTS])
{
    struct sample random = {.state = 3};
    size_t opened = 0, crashed_nowhere = 0;
    for (unsigned i = 0; i < 3000; i++) {
        unsigned object = i % SEGMENT_OBJECTS;
        struct buffer *bytes = &objects[object];
        size_t at = sample_below(&random, (uint32_t)bytes->size);
        char bit = (char)(1U << sample_below(&random, 8));
        bytes->data[at] ^= bit;
        opened +=
            opens(buffer_view(&objects[SEGMENT_CORE]), buffer_view(&objects[SEGMENT_DETAIL]), true);
        if (i % 10 == 0) /* believed to be right: may open, must not lead outside */
            crashed_nowhere += 1 + opens(buffer_view(&objects[SEGMENT_CORE]),
                                         buffer_view(&objects[SEGMENT_DETAIL]), false);
        bytes->data[at] ^= bit;
    }
    OK(opened == 0, "3000 random bit flips are all refused");
    OK(crashed_nowhere >= 300, "a flip that passes for right does no harm");
}

static void strangers_are_refused(const struct buffer objects[SEGMENT_OBJECTS])
{
    struct buffer others[SEGMENT_OBJECTS];
    make_objects(2, 4, others);
    OK(!opens(buffer_view(&objects[SEGMENT_CORE]), buffer_view(&others[SEGMENT_DETAIL]), true),
       "the detail of another core is refused");
    OK(!opens(buffer_view(&objects[SEGMENT_DETAIL]), TEXT_NONE, true), "detail is no core");
    OK(opens(buffer_view(&objects[SEGMENT_CORE]), TEXT_NONE, true), "core alone is enough");
    buffer_release(&others[SEGMENT_CORE]);
    buffer_release(&others[SEGMENT_DETAIL]);
}

static void lists_come_back(void)
{
    struct list list = {.library = 3, .epoch = 2, .number = 77, .count = 2}, again;
    struct buffer bytes;
    size_t accepted = 0;
    for (unsigned i = 0; i < 2; i++) {
        list.entries[i] = (struct list_entry){
            .number = i + 5, .size_bytes = {100, 200}, .tracks = 9, .removals = 1};
        memset(list.entries[i].digest, (int)i + 1, sizeof list.entries[i].digest);
    }
    buffer_init(&bytes, 65536);
    list_write(&list, &bytes);
    OK(list_read(buffer_view(&bytes), &again) && again.library == 3 && again.epoch == 2 &&
           again.number == 77 && again.count == 2 &&
           memcmp(again.entries, list.entries, sizeof list.entries) == 0,
       "a list comes back");
    for (size_t size = 0; size < bytes.size; size++)
        accepted += list_read(text_make(bytes.data, size), &again);
    OK(accepted == 0, "a list cut at any length is refused");
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        bytes.data[bit / 8] ^= (char)(1U << bit % 8);
        accepted += list_read(buffer_view(&bytes), &again);
        bytes.data[bit / 8] ^= (char)(1U << bit % 8);
    }
    OK(accepted == 0, "so is one with any bit flipped");
    buffer_release(&bytes);
}

int main(void)
{
    struct buffer objects[SEGMENT_OBJECTS];
    make_objects(1, 4, objects);
    cuts_are_refused(objects);
    flips_are_refused(objects);
    strangers_are_refused(objects);
    lists_come_back();
    buffer_release(&objects[SEGMENT_CORE]);
    buffer_release(&objects[SEGMENT_DETAIL]);
    return tap_done();
}
