// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/people.h"

#include "base/hash.h"
#include "base/mem.h"

#include <math.h>

/* --- chance --- */

struct chance chance_of(uint64_t seed, uint32_t index)
{
    return (struct chance){hash_mix(hash_mix(seed) + index)};
}

uint64_t chance_next(struct chance *chance)
{
    chance->state += UINT64_C(0x9e3779b97f4a7c15);
    return hash_mix(chance->state);
}

double chance_share(struct chance *chance) { return (double)(chance_next(chance) >> 11) * 0x1p-53; }

uint32_t chance_below(struct chance *chance, uint32_t end)
{
    return (uint32_t)((chance_next(chance) >> 32) * end >> 32);
}

uint32_t chance_between(struct chance *chance, uint32_t first, uint32_t last)
{
    return last > first ? first + chance_below(chance, last - first + 1) : first;
}

bool chance_percent(struct chance *chance, unsigned percent)
{
    return chance_below(chance, 100) < percent;
}

uint32_t chance_pause_ms(struct chance *chance, uint32_t mean_ms)
{
    double pause = -log(1 - chance_share(chance));
    return (uint32_t)((pause < 5 ? pause : 5) * mean_ms);
}

/* --- a session --- */

uint32_t people_session_tracks(struct chance *chance, const struct load_habits *habits)
{
    double tail = pow(1 - chance_share(chance), -1 / 2.5); /* Pareto: 1 to infinity, median 1.3 */
    double tracks = habits->tracks_min * tail, most = 3.0 * habits->tracks_max;
    return (uint32_t)(tracks < most ? tracks : most);
}

uint32_t people_skip_ms(struct chance *chance, const struct load_habits *habits,
                        uint32_t duration_ms)
{
    static const struct {
        double share;
        uint32_t from_ms, to_ms;
    } skips[] = {{0.24, 500, 5000}, {0.35, 5000, 30000}, {0.49, 30000, UINT32_MAX}};
    double draw = chance_share(chance) * 100 / (habits->skips ? habits->skips : 1);
    if (habits->skips == 0)
        return UINT32_MAX;
    for (size_t i = 0; i < ARRAY_SIZE(skips); i++) {
        if (draw >= skips[i].share)
            continue;
        uint32_t to_ms = skips[i].to_ms < duration_ms ? skips[i].to_ms : duration_ms;
        uint32_t from_ms = skips[i].from_ms;
        uint32_t at_ms = chance_between(chance, from_ms, to_ms);
        return at_ms < duration_ms ? at_ms : UINT32_MAX; /* a track too short for it */
    }
    return UINT32_MAX;
}

uint32_t people_present(uint32_t listeners, uint64_t at_ms, uint64_t day_ms)
{
    /* by the hour, in percent of the peak: low at 2, mornings 9-10, less at noon, most at 18-19 */
    static const uint8_t percent[24] = {35, 24, 17, 18, 20, 26, 38,  56,  72, 82, 82, 76,
                                        68, 70, 74, 78, 84, 92, 100, 100, 95, 84, 66, 48};
    uint64_t minute = day_ms ? at_ms % day_ms * 1440 / day_ms : 0;
    uint32_t hour = (uint32_t)(minute / 60), part = (uint32_t)(minute % 60);
    uint32_t now = percent[hour], then = percent[(hour + 1) % 24];
    return (uint32_t)((uint64_t)listeners * (now * (60 - part) + then * part) / 6000);
}

uint32_t people_backoff_ms(struct chance *chance, unsigned tries, bool is_impatient)
{
    enum { FIRST_MS = 500, MOST_MS = 10000, IMPATIENT_MS = 20 };
    if (is_impatient)
        return IMPATIENT_MS;
    uint32_t wait_ms = tries < 5 ? (uint32_t)FIRST_MS << tries : MOST_MS;
    if (wait_ms > MOST_MS)
        wait_ms = MOST_MS;
    return wait_ms / 2 + chance_below(chance, wait_ms / 2 + 1);
}

/* --- popularity --- */

void popularity_init(struct popularity *popularity, uint32_t count)
{
    double sum = 0;
    popularity->count = count;
    popularity->upto = mem_realloc_array(NULL, count + 1, sizeof *popularity->upto);
    for (uint32_t i = 0; i < count; i++)
        popularity->upto[i] = sum += pow(i + 1.0, -0.75);
    for (uint32_t i = 0; i < count; i++)
        popularity->upto[i] /= sum;
}

void popularity_release(struct popularity *popularity)
{
    mem_free_p(&popularity->upto);
    popularity->count = 0;
}

uint32_t popularity_draw(const struct popularity *popularity, struct chance *chance)
{
    double draw = chance_share(chance);
    uint32_t first = 0, end = popularity->count;
    while (first + 1 < end) {
        uint32_t middle = first + (end - first) / 2;
        if (popularity->upto[middle - 1] <= draw)
            first = middle;
        else
            end = middle;
    }
    return first;
}
