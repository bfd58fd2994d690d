// SPDX-License-Identifier: GPL-3.0-or-later
#include "cache_folder.h"
#include "store/cache_index.h"

/* Entries from anywhere behind a good header: guesses within bounds, and the count stays right. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _Atomic uint16_t sequences[] = {1, 2, 0x3030, 0};
    bool is_trusted = false, has_header = size > 0 && data[0] % 2;
    int dir_fd = cache_folder("index", 0, data, has_header ? 0 : size);
    for (int turn = has_header ? 0 : 1; turn < 2; turn++) {
        struct cache_index index = {.sequences = sequences, .slot_count = 4};
        struct where where[INDEX_FOUND_MAX], put = {1, 2, 3, 4};
        bool is_open = index_open(&index, &disk_real, dir_fd, 64, &is_trusted) == 0;
        for (size_t i = 0; is_open && turn == 1 && i + 16 <= size; i += 16) {
            struct cache_hash hash;
            memcpy(&hash, data + i, sizeof hash);
            index_load(&index, hash);
            assert(index_find(&index, hash, where) <= INDEX_FOUND_MAX);
            struct log_mark mark = {.asked = data[i] % (LOG_ASKED_MOST + 1),
                                    .asked_at = data[i + 1] % LOG_STAMPS,
                                    .is_hit = data[i + 2] % 2};
            struct log_mark kept;
            if (index_put(&index, hash, put, mark, i % 32 != 0, NULL)) {
                assert(index_find(&index, hash, where) > 0);
                assert(index_mark(&index, hash, where[0], &kept) && kept.asked <= LOG_ASKED_MOST);
            }
        }
        assert(!is_open || atomic_load(&index.count) <= index.bucket_count * INDEX_WAYS);
        index_close(&index);
        (void)cache_folder("index", 4096, data, has_header ? size : 0);
    }
    return 0;
}
