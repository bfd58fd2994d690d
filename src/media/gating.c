// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/gating.h"

#include "base/reader.h"

#include <math.h>

static const double FLOOR_LUFS = -70, BIN_LU = 0.2, GATE_LU = -10;

static double middle(size_t bin) { return FLOOR_LUFS + ((double)bin + 0.5) * BIN_LU; }

void gating_put(struct gating *gating, double lufs, uint64_t count)
{
    if (!(lufs > FLOOR_LUFS))
        return;
    double bin = (lufs - FLOOR_LUFS) / BIN_LU;
    gating->counts[bin < GATING_BINS ? (size_t)bin : GATING_BINS - 1] += count;
}

/* The mean power of the bins from `first` on, in LUFS. */
static bool mean(const struct gating *gating, size_t first, double *ret_lufs)
{
    double power = 0, count = 0;
    for (size_t bin = first; bin < GATING_BINS; bin++) {
        if (!gating->counts[bin])
            continue;
        power += (double)gating->counts[bin] * pow(10, middle(bin) / 10);
        count += (double)gating->counts[bin];
    }
    if (!(count > 0))
        return false;
    *ret_lufs = 10 * log10(power / count);
    return true;
}

bool gating_loudness(const struct gating *gating, int32_t *ret_mlufs)
{
    double lufs;
    size_t first = 0;
    if (!mean(gating, 0, &lufs))
        return false;
    while (first < GATING_BINS && middle(first) < lufs + GATE_LU)
        first++;
    if (!mean(gating, first, &lufs))
        return false;
    *ret_mlufs = (int32_t)lround(lufs * 1000);
    return true;
}

/* --- encoded --- */

static void write_count(uint64_t count, struct buffer *out)
{
    uint64_t left = count < GATING_MAX_COUNT ? count : GATING_MAX_COUNT;
    for (; left > 127; left >>= 7)
        buffer_byte(out, (uint8_t)(left | 128));
    buffer_byte(out, (uint8_t)left);
}

void gating_encode(const struct gating *gating, struct buffer *out)
{
    size_t first = 0, end = GATING_BINS;
    while (first < end && !gating->counts[first])
        first++;
    while (end > first && !gating->counts[end - 1])
        end--;
    if (first == end)
        return;
    buffer_u16(out, (uint16_t)first);
    buffer_u16(out, (uint16_t)(end - first));
    for (size_t bin = first; bin < end; bin++)
        write_count(gating->counts[bin], out);
}

static uint64_t read_count(struct reader *reader)
{
    uint64_t count = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = reader_u8(reader);
        count |= (uint64_t)(byte & 127) << shift;
        if (!(byte & 128))
            return count;
    }
    reader->failed = true;
    return 0;
}

bool gating_add(struct gating *gating, struct text encoded)
{
    struct reader reader = reader_of(encoded);
    struct gating sum = *gating;
    if (!encoded.size)
        return true;
    size_t first = reader_u16(&reader), count = reader_u16(&reader);
    if (reader.failed || !count || first + count > GATING_BINS)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint64_t blocks = read_count(&reader);
        if (!blocks && (i == 0 || i == count - 1))
            return false;
        sum.counts[first + i] += blocks;
    }
    if (reader.failed || reader.left)
        return false;
    *gating = sum;
    return true;
}
