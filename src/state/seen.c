// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/seen.h"

#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"

struct range {
    uint64_t first, last;
};

struct device {
    struct range *ranges; /* ascending, never touching */
    size_t count, capacity;
    struct {
        uint64_t seq, digest;
    } remembered[SEEN_REMEMBERED]; /* a ring by seq */
};

struct seen {
    struct map *devices;
    size_t max_ranges;
};

struct seen *seen_new(size_t max_devices, size_t max_ranges_per_device)
{
    struct seen *seen = MEM_NEW(struct seen);
    seen->devices = map_new(random_u64(), max_devices);
    seen->max_ranges = max_ranges_per_device;
    return seen;
}

void seen_free(struct seen **seen)
{
    size_t cursor = 0;
    struct text key;
    void *value;
    if (!*seen)
        return;
    while (map_next((*seen)->devices, &cursor, &key, &value)) {
        mem_free(((struct device *)value)->ranges);
        mem_free(value);
    }
    map_free(&(*seen)->devices);
    mem_free_p(seen);
}

/* The first range that ends at or after `seq`; count when none does. */
static size_t find(const struct device *device, uint64_t seq)
{
    size_t low = 0, high = device->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (device->ranges[middle].last < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum seen_verdict known(const struct device *device, uint64_t seq, uint64_t digest)
{
    size_t slot = seq % SEEN_REMEMBERED;
    bool is_other =
        device->remembered[slot].seq == seq && device->remembered[slot].digest != digest;
    return is_other ? SEEN_CONFLICT : SEEN_BEFORE;
}

/* Whether `seq` would begin a range of its own at `at`. */
static bool is_alone(const struct device *device, size_t at, uint64_t seq)
{
    bool joins_left = at > 0 && device->ranges[at - 1].last + 1 == seq;
    bool joins_right = at < device->count && device->ranges[at].first - 1 == seq;
    return !joins_left && !joins_right;
}

enum seen_verdict seen_check(const struct seen *seen, struct uid device_id, uint64_t seq,
                             uint64_t digest)
{
    const struct device *device = map_get(seen->devices, uid_view(&device_id));
    if (!device)
        return SEEN_NEW; /* a full table of devices is found by seen_add() */
    size_t at = find(device, seq);
    if (at < device->count && device->ranges[at].first <= seq)
        return known(device, seq, digest);
    return device->count >= seen->max_ranges && is_alone(device, at, seq) ? SEEN_FULL : SEEN_NEW;
}

static void insert(struct device *device, size_t at, struct range range)
{
    if (device->count == device->capacity) {
        device->capacity = device->capacity ? device->capacity * 2 : 2;
        device->ranges =
            mem_realloc_array(device->ranges, device->capacity, sizeof *device->ranges);
    }
    memmove(device->ranges + at + 1, device->ranges + at,
            (device->count - at) * sizeof *device->ranges);
    device->ranges[at] = range;
    device->count++;
}

static void erase(struct device *device, size_t at)
{
    device->count--;
    memmove(device->ranges + at, device->ranges + at + 1,
            (device->count - at) * sizeof *device->ranges);
}

static struct seen_change add(struct device *device, size_t at, uint64_t seq)
{
    bool joins_left = at > 0 && device->ranges[at - 1].last + 1 == seq;
    bool joins_right = at < device->count && device->ranges[at].first - 1 == seq;
    struct seen_change change = {seq, seq, joins_right ? device->ranges[at].first : 0};
    if (joins_left && joins_right) {
        device->ranges[at - 1].last = device->ranges[at].last;
        erase(device, at);
    } else if (joins_left) {
        device->ranges[at - 1].last = seq;
    } else if (joins_right) {
        device->ranges[at].first = seq;
    } else {
        insert(device, at, (struct range){seq, seq});
    }
    struct range whole = device->ranges[joins_left ? at - 1 : at];
    change.first = whole.first;
    change.last = whole.last;
    return change;
}

static struct device *obtain(struct seen *seen, struct uid id)
{
    struct device *device = map_get(seen->devices, uid_view(&id));
    if (device)
        return device;
    device = MEM_NEW(struct device);
    if (!map_put(seen->devices, uid_view(&id), device))
        mem_free_p(&device);
    return device;
}

enum seen_verdict seen_add(struct seen *seen, struct uid device_id, uint64_t seq, uint64_t digest,
                           struct seen_change *ret_change)
{
    enum seen_verdict verdict = seen_check(seen, device_id, seq, digest);
    if (verdict != SEEN_NEW)
        return verdict;
    struct device *device = obtain(seen, device_id);
    if (!device)
        return SEEN_FULL;
    *ret_change = add(device, find(device, seq), seq);
    seen_load_digest(seen, device_id, seq, digest);
    return SEEN_NEW;
}

bool seen_load(struct seen *seen, struct uid device_id, uint64_t first, uint64_t last)
{
    struct device *device = obtain(seen, device_id);
    if (!device || device->count >= seen->max_ranges || first == 0 || last < first)
        return false;
    size_t at = find(device, first);
    if (at < device->count && device->ranges[at].first <= last)
        return false;
    insert(device, at, (struct range){first, last});
    return true;
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t most(uint64_t a, uint64_t b) { return a > b ? a : b; }

size_t seen_join(struct seen *seen, struct uid device_id, uint64_t first, uint64_t last,
                 struct seen_change ret_changes[SEEN_JOINED])
{
    struct device *device = first && first <= last ? obtain(seen, device_id) : NULL;
    if (!device)
        return 0;
    size_t at = find(device, first - 1), end = at;
    struct range whole = {first, last};
    for (; end < device->count && end - at < SEEN_JOINED && device->ranges[end].first - 1 <= last;
         end++) {
        whole.first = least(whole.first, device->ranges[end].first);
        whole.last = most(whole.last, device->ranges[end].last);
    }
    if (at == end && device->count >= seen->max_ranges)
        return 0;
    if (end - at == 1 && device->ranges[at].first == whole.first &&
        device->ranges[at].last == whole.last)
        return 0;
    for (size_t i = at; i < end; i++)
        ret_changes[i - at] = (struct seen_change){
            whole.first, whole.last,
            device->ranges[i].first == whole.first ? 0 : device->ranges[i].first};
    size_t count = end > at ? end - at : 1;
    if (at == end) {
        insert(device, at, whole);
        ret_changes[0] = (struct seen_change){whole.first, whole.last, 0};
    } else {
        device->ranges[at] = whole;
        memmove(device->ranges + at + 1, device->ranges + end,
                (device->count - end) * sizeof *device->ranges);
        device->count -= end - at - 1;
    }
    return count;
}

void seen_load_digest(struct seen *seen, struct uid device_id, uint64_t seq, uint64_t digest)
{
    struct device *device = map_get(seen->devices, uid_view(&device_id));
    if (!device)
        return;
    size_t slot = seq % SEEN_REMEMBERED;
    device->remembered[slot].seq = seq;
    device->remembered[slot].digest = digest;
}

uint64_t seen_last(const struct seen *seen, struct uid device_id)
{
    const struct device *device = map_get(seen->devices, uid_view(&device_id));
    return device && device->count ? device->ranges[device->count - 1].last : 0;
}

size_t seen_range_count(const struct seen *seen, struct uid device_id)
{
    const struct device *device = map_get(seen->devices, uid_view(&device_id));
    return device ? device->count : 0;
}
