// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/map.h"
#include "base/buffer.h"
#include "tap.h"

static struct text key_of(char *storage, size_t size, int i)
{
    return text_make(storage, (size_t)snprintf(storage, size, "key-%d", i));
}

int main(void)
{
    enum { MANY = 5000 };
    static int numbers[MANY];
    char storage[32];
    struct map *map = map_new(42, MANY);
    bool all_put = true, all_right = true;
    for (int i = 0; i < MANY; i++)
        all_put &= map_put(map, key_of(storage, sizeof storage, i), &numbers[i]);
    OK(all_put && map_count(map) == MANY, "a map holds as many as its limit");
    OK(!map_put(map, TEXT("one more"), &numbers[0]), "and not one more");
    OK(map_put(map, TEXT("key-7"), &numbers[8]), "but an existing key can be replaced");
    for (int i = 0; i < MANY; i += 2)
        all_right &= map_remove(map, key_of(storage, sizeof storage, i)) == &numbers[i];
    for (int i = 9; i < MANY; i++)
        all_right &=
            map_get(map, key_of(storage, sizeof storage, i)) == (i % 2 ? &numbers[i] : NULL);
    OK(all_right, "after removing every other key the rest is found and the removed is not");
    size_t cursor = 0, seen = 0;
    struct text key;
    void *value;
    while (map_next(map, &cursor, &key, &value))
        seen++;
    OK(seen == map_count(map) && seen == MANY / 2, "a walk visits each once");
    map_free(&map);
    return tap_done();
}
