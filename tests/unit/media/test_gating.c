// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/gating.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

static bool is_near(const struct gating *gating, int32_t mlufs, int32_t by)
{
    int32_t found;
    return gating_loudness(gating, &found) && abs(found - mlufs) <= by;
}

static void test_gate(void)
{
    int32_t mlufs;
    struct gating gating = {0};
    OK(!gating_loudness(&gating, &mlufs), "nothing has no loudness");
    gating_put(&gating, -70.1, 1000);
    gating_put(&gating, -INFINITY, 1000);
    gating_put(&gating, NAN, 1000);
    OK(!gating_loudness(&gating, &mlufs), "nor has silence");
    gating_put(&gating, -20, 600);
    OK(is_near(&gating, -20000, 100), "blocks of one loudness are that loud");
    gating_put(&gating, -45, 600);
    OK(is_near(&gating, -20000, 100), "a pause more than 10 LU under the mean does not count");
    gating_put(&gating, -26, 600);
    OK(is_near(&gating, -22037, 100), "what is softer by less does");
    gating_put(&gating, 400, 1);
    OK(gating_loudness(&gating, &mlufs) && mlufs > -22000, "louder than any bin is the last bin");
}

static void test_coding(void)
{
    struct gating gating = {0}, back = {0};
    struct buffer out;
    buffer_init(&out, GATING_MAX_BYTES);
    gating_encode(&gating, &out);
    OK(out.size == 0 && gating_add(&back, TEXT_NONE), "no blocks are no bytes");
    gating.counts[3] = 1;
    gating.counts[5] = 200;
    gating.counts[GATING_BINS - 1] = (uint64_t)GATING_MAX_COUNT + 7;
    gating_encode(&gating, &out);
    OK(gating_add(&back, buffer_view(&out)) && gating_add(&back, buffer_view(&out)) &&
           back.counts[3] == 2 && back.counts[4] == 0 && back.counts[5] == 400 &&
           back.counts[GATING_BINS - 1] == 2 * (uint64_t)GATING_MAX_COUNT,
       "what is encoded twice is there twice, up to the greatest count");
    for (size_t i = 0; i < GATING_BINS; i++)
        gating.counts[i] = UINT64_MAX;
    buffer_reset(&out);
    gating_encode(&gating, &out);
    OK(!out.overflowed && out.size == GATING_MAX_BYTES, "no histogram is longer than it may be");
    buffer_release(&out);
}

static void test_malformed(void)
{
    static const struct {
        char bytes[12];
        size_t size;
        const char *says;
    } rows[] = {
        {{1, 0, 1}, 3, "half a head"},
        {{1, 0, 0, 0}, 4, "no bins"},
        {{1, 0, 1, 0}, 4, "a count is missing"},
        {{1, 0, 1, 0, 0}, 5, "the first count is 0"},
        {{1, 0, 2, 0, 1, 0}, 6, "the last count is 0"},
        {{1, 0, 1, 0, 1, 1}, 6, "a count too many"},
        {{(char)0x90, 1, 1, 0, 1}, 5, "a bin behind the last"},
        {{1, 0, 1, 0, (char)0x81}, 5, "a count that does not end"},
        {{1, 0, 1, 0, (char)0x81, (char)0x81, (char)0x81, (char)0x81, 1}, 9, "a count of 5 bytes"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct gating gating = {.counts = {5}};
        bool is_taken = gating_add(&gating, text_make(rows[i].bytes, rows[i].size));
        OK(!is_taken && gating.counts[0] == 5 && !gating.counts[1], rows[i].says);
    }
}

int main(void)
{
    test_gate();
    test_coding();
    test_malformed();
    return tap_done();
}
