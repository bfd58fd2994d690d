// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/snapshot.h"

struct key_pass {
    uint64_t *from_keys, *to_keys;
    uint32_t *from_items, *to_items;
    uint32_t count;
};

/* One byte of the keys, least first; false when all keys have the same there. */
static bool sort_pass(struct key_pass *pass, unsigned shift)
{
    uint32_t starts[257] = {0};
    for (uint32_t i = 0; i < pass->count; i++)
        starts[(pass->from_keys[i] >> shift & 255) + 1]++;
    for (unsigned digit = 1; digit <= 256; digit++)
        if (starts[digit] == pass->count)
            return false;
    for (unsigned digit = 1; digit <= 256; digit++)
        starts[digit] += starts[digit - 1];
    for (uint32_t i = 0; i < pass->count; i++) {
        uint32_t to = starts[pass->from_keys[i] >> shift & 255]++;
        pass->to_keys[to] = pass->from_keys[i];
        pass->to_items[to] = pass->from_items[i];
    }
    return true;
}

static bool is_sorted(const uint64_t *keys, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (keys[i - 1] > keys[i])
            return false;
    return true;
}

void sort_by_key(const struct catalog *catalog, uint64_t *keys, uint32_t *items, uint32_t count)
{
    if (is_sorted(keys, count))
        return;
    uint64_t *other_keys = scratch_alloc(catalog, count * sizeof *keys);
    uint32_t *other_items = scratch_alloc(catalog, count * sizeof *items);
    struct key_pass pass = {keys, other_keys, items, other_items, count};
    for (unsigned shift = 0; shift < 64; shift += 8)
        if (sort_pass(&pass, shift))
            pass = (struct key_pass){pass.to_keys, pass.from_keys, pass.to_items, pass.from_items,
                                     count};
    if (pass.from_items != items) {
        bytes_copy(items, pass.from_items, count * sizeof *items);
        bytes_copy(keys, pass.from_keys, count * sizeof *keys);
    }
    scratch_free(catalog, other_items);
    scratch_free(catalog, other_keys);
}

/* End of the ascending run that begins at `from`. */
static uint32_t run_end(const uint32_t *items, uint32_t from, uint32_t count, sort_before *before,
                        const void *context)
{
    uint32_t to = from + 1;
    while (to < count && !before(context, items[to], items[to - 1]))
        to++;
    return to < count ? to : count;
}

static void merge(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count,
                  uint32_t *out, sort_before *before, const void *context)
{
    while (a_count && b_count) {
        if (before(context, *b, *a)) {
            *out++ = *b++;
            b_count--;
        } else {
            *out++ = *a++;
            a_count--;
        }
    }
    bytes_copy(out, a, a_count * sizeof *out);
    bytes_copy(out + a_count, b, b_count * sizeof *out);
}

void sort_by_rule(const struct catalog *catalog, uint32_t *items, uint32_t count,
                  sort_before *before, const void *context)
{
    if (count < 2 || run_end(items, 0, count, before, context) == count)
        return;
    uint32_t *other = scratch_alloc(catalog, count * sizeof *items), *from = items, *to = other;
    bool is_done = false;
    while (!is_done) {
        uint32_t runs = 0;
        for (uint32_t at = 0; at < count;
             runs++) { /* each pass joins neighbouring runs two by two */
            uint32_t middle = run_end(from, at, count, before, context);
            uint32_t end = middle < count ? run_end(from, middle, count, before, context) : count;
            merge(from + at, middle - at, from + middle, end - middle, to + at, before, context);
            at = end;
        }
        uint32_t *swapped = from;
        from = to;
        to = swapped;
        is_done = runs <= 1;
    }
    bytes_copy(items, from, from == items ? 0 : count * sizeof *items);
    scratch_free(catalog, other);
}
