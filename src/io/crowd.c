// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/crowd.h"

#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

struct crowd {
    pthread_mutex_t lock;
    size_t max_each;
    struct map *counts; /* masked address -> how many, as a pointer's bits; 1 and more */
};

struct crowd *crowd_new(size_t max_each, size_t max_addresses)
{
    struct crowd *crowd = MEM_NEW(struct crowd);
    pthread_mutex_init(&crowd->lock, NULL);
    crowd->max_each = max_each;
    crowd->counts = map_new(random_u64(), max_addresses);
    return crowd;
}

void crowd_free(struct crowd **crowd)
{
    if (!*crowd)
        return;
    pthread_mutex_destroy(&(*crowd)->lock);
    map_free(&(*crowd)->counts);
    mem_free_p(crowd);
}

static bool is_v4(const struct address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address->bytes, mapped, sizeof mapped) == 0;
}

static bool is_loopback(const struct address *address)
{
    static const uint8_t one[16] = {[15] = 1};
    return is_v4(address) ? address->bytes[12] == 127
                          : memcmp(address->bytes, one, sizeof one) == 0;
}

static bool is_counted(const struct crowd *crowd, const struct address *address)
{
    return crowd->max_each > 0 && !is_loopback(address);
}

static struct address mask(const struct address *address)
{
    struct address masked = *address;
    if (!is_v4(address))
        memset(masked.bytes + 8, 0, 8);
    return masked;
}

static struct text key_of(const struct address *masked)
{
    return text_make((const char *)masked->bytes, sizeof masked->bytes);
}

bool crowd_enter(struct crowd *crowd, const struct address *address)
{
    if (!is_counted(crowd, address))
        return true;
    struct address masked = mask(address);
    pthread_mutex_lock(&crowd->lock);
    uintptr_t count = (uintptr_t)map_get(crowd->counts, key_of(&masked)) + 1;
    bool is_put = map_put(crowd->counts, key_of(&masked), (void *)count);
    pthread_mutex_unlock(&crowd->lock);
    assert(is_put); /* there are no more addresses than connections */
    return count <= crowd->max_each;
}

void crowd_leave(struct crowd *crowd, const struct address *address)
{
    if (!is_counted(crowd, address))
        return;
    struct address masked = mask(address);
    pthread_mutex_lock(&crowd->lock);
    uintptr_t count = (uintptr_t)map_remove(crowd->counts, key_of(&masked));
    bool is_put = count == 1 || map_put(crowd->counts, key_of(&masked), (void *)(count - 1));
    pthread_mutex_unlock(&crowd->lock);
    assert(count > 0 && is_put);
}

size_t crowd_count(struct crowd *crowd)
{
    pthread_mutex_lock(&crowd->lock);
    size_t count = map_count(crowd->counts);
    pthread_mutex_unlock(&crowd->lock);
    return count;
}
