// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/huffman_memo.h"

#include "base/mem.h"
#include "http/huffman.h"

#include <assert.h>
#include <string.h>

struct place {
    uint64_t hash;
    uint16_t coded_size, text_size; /* coded_size 0: empty */
    char coded[HUFFMAN_MEMO_MOST_BYTES];
    char text[HUFFMAN_MEMO_MOST_BYTES * 8 / 5 + 1]; /* no symbol has fewer than five bits */
};

struct huffman_memo {
    struct hash_key key;
    struct place places[HUFFMAN_MEMO_PLACES];
};

struct huffman_memo *huffman_memo_new(struct hash_key key)
{
    struct huffman_memo *memo = MEM_NEW(struct huffman_memo);
    memo->key = key;
    return memo;
}

void huffman_memo_free(struct huffman_memo **memo) { mem_free_p(memo); }

static inline uint64_t load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Both halves of the product. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Sixteen bytes a step; the last step ends where the string does.  SipHash takes six times as
 * long. */
static uint64_t hash_of(struct hash_key key, struct text coded)
{
    uint64_t hash = key.k0 ^ coded.size;
    size_t last = coded.size - 16;
    for (size_t i = 0; i < last; i += 16)
        hash = fold(load(coded.data + i) ^ key.k1, load(coded.data + i + 8) ^ hash);
    hash = fold(load(coded.data + last) ^ key.k1, load(coded.data + last + 8) ^ hash);
    return hash_mix(hash);
}

bool huffman_memo_decode(struct huffman_memo *memo, struct text coded, struct text *ret)
{
    size_t size;
    assert(huffman_memo_takes(coded.size));
    uint64_t hash = hash_of(memo->key, coded);
    struct place *place = &memo->places[hash % HUFFMAN_MEMO_PLACES];
    if (place->hash != hash || place->coded_size != coded.size ||
        memcmp(place->coded, coded.data, coded.size) != 0) {
        place->coded_size = 0;
        if (!huffman_decode(coded, place->text, &size))
            return false;
        memcpy(place->coded, coded.data, coded.size);
        place->hash = hash;
        place->coded_size = (uint16_t)coded.size;
        place->text_size = (uint16_t)size;
    }
    *ret = text_make(place->text, place->text_size);
    return true;
}
