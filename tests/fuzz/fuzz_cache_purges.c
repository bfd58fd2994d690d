// SPDX-License-Identifier: GPL-3.0-or-later
#include "cache_folder.h"
#include "store/cache_marks.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

/* Purges that were written by somebody, odd ones with a right sum: what was purged stays so. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t words[3 * 64] = {0}, mark = 7;
    memcpy(words, data, size < sizeof words ? size : sizeof words);
    for (size_t i = 0; i < 64; i++)
        if (words[3 * i + 2] % 2)
            words[3 * i + 2] = XXH3_64bits(&words[3 * i], 16);
    struct cache_marks marks;
    cache_marks_init(&marks);
    int dir_fd = cache_folder("purges", 0, words, size < sizeof words ? size : sizeof words);
    int error = marks_open(&marks, &disk_real, dir_fd);
    uint64_t before = atomic_load(&marks.generation);
    assert(!error && before > 0);
    (void)!marks_purge(&marks, mark, NULL, NULL);
    assert(marks_hit(&marks, before, &mark, 1));
    assert(!marks_hit(&marks, atomic_load(&marks.generation), &mark, 1));
    cache_marks_release(&marks);
    return 0;
}
