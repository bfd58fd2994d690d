// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/huffman.h"

#include <string.h>

/*
 * Eight bits are looked up at once: they hold any of the 74 codes that text is made of, and a
 * canonical code in the order of its codes is that table already.  A longer code is found by its
 * length: the first whose codes end above the bits.
 */
enum { SYMBOL_END = 256, SHORT = 8, LONGEST = 30 };

struct leaf {
    uint8_t symbol, length; /* 0: a longer code */
};

#define CODE_5(s) {s, 5}, {s, 5}, {s, 5}, {s, 5}, {s, 5}, {s, 5}, {s, 5}, {s, 5},
#define CODE_6(s) {s, 6}, {s, 6}, {s, 6}, {s, 6},
#define CODE_7(s) {s, 7}, {s, 7},
#define CODE_8(s) {s, 8},
#define CODE_10(s)
#define CODE_11(s)
#define CODE_12(s)
#define CODE_13(s)
#define CODE_14(s)
#define CODE_15(s)
#define CODE_19(s)
#define CODE_20(s)
#define CODE_21(s)
#define CODE_22(s)
#define CODE_23(s)
#define CODE_24(s)
#define CODE_25(s)
#define CODE_26(s)
#define CODE_27(s)
#define CODE_28(s)
#define CODE_30(s)
static const struct leaf leaves[256] = {
#define CODE(length, symbol) CODE_##length(symbol)
#define LENGTH(length, first, rank)
#include "http/huffman.def"
#undef CODE
#undef LENGTH
};

static const uint16_t symbols[] = {
#define CODE(length, symbol) symbol,
#define LENGTH(length, first, rank)
#include "http/huffman.def"
#undef CODE
#undef LENGTH
};

/* Long codes by length; `first` stands at the left of 32 bits. */
static const struct length {
    uint32_t first;
    uint16_t rank;
    uint8_t bits;
} lengths[] = {
#define CODE(length, symbol)
#define LENGTH(length, first, rank) {(uint32_t)(first) << (32 - (length)), rank, length},
#include "http/huffman.def"
#undef CODE
#undef LENGTH
};

static const struct length *length_of(uint32_t bits)
{
    size_t i = ARRAY_SIZE(lengths) - 1;
    while (bits < lengths[i].first)
        i--;
    return &lengths[i];
}

/* Bits not decoded yet, from the left; zeros follow.  Passed by value: the loop keeps it in
 * registers. */
struct bits {
    uint64_t left;
    unsigned count;
};

static inline struct bits drop(struct bits bits, unsigned count)
{
    return (struct bits){bits.left << count, bits.count - count};
}

/* Fewer than eight bits, all ones (RFC 7541 5.2). */
static bool is_padding(struct bits bits)
{
    return bits.count < 8 && bits.left == ~(UINT64_MAX >> bits.count);
}

/* A symbol and its length: 0 when the bits end before it. */
struct found {
    uint16_t symbol;
    uint8_t length;
};

static struct found find_long(struct bits bits)
{
    uint32_t head = (uint32_t)(bits.left >> 32);
    const struct length *length = length_of(head);
    if (length->bits > bits.count)
        return (struct found){0, 0};
    uint32_t rank = length->rank + ((head - length->first) >> (32 - length->bits));
    return (struct found){symbols[rank], length->bits};
}

static inline struct found find(struct bits bits)
{
    struct leaf leaf = leaves[bits.left >> 56];
    if (leaf.length == 0)
        return find_long(bits);
    return (struct found){leaf.symbol, leaf.length <= bits.count ? leaf.length : 0};
}

/* What text is made of, while there are bits for any of it. */
static inline struct bits decode_short(struct bits bits, char **to)
{
    while (bits.count >= SHORT) {
        struct leaf leaf = leaves[bits.left >> 56];
        if (leaf.length == 0)
            break;
        *(*to)++ = (char)leaf.symbol;
        bits = drop(bits, leaf.length);
    }
    return bits;
}

/* Fills up to 57 bits at least, or with all there are.  Returns how many bytes it took. */
static inline size_t refill(struct bits *bits, const uint8_t *from, size_t size)
{
    uint64_t word = 0;
    size_t taken = (63 - bits->count) >> 3;
    if (size >= sizeof word) {
        memcpy(&word, from, sizeof word);
        word = __builtin_bswap64(word);
    } else {
        taken = taken < size ? taken : size;
        for (size_t i = 0; i < taken; i++)
            word |= (uint64_t)from[i] << (56 - 8 * i);
    }
    bits->left |= word >> bits->count;
    bits->count += 8 * (unsigned)taken;
    return taken;
}

bool huffman_decode(struct text coded, char *out, size_t *ret_size)
{
    *ret_size = 0;
    if (coded.size == 0)
        return true;
    const uint8_t *next = (const uint8_t *)coded.data, *end = next + coded.size;
    struct bits bits = {0};
    char *to = out;
    for (;;) {
        next += refill(&bits, next, (size_t)(end - next));
        bits = decode_short(bits, &to);
        if (next < end && bits.count < LONGEST)
            continue;
        struct found found = find(bits);
        if (found.length == 0)
            break;
        if (found.symbol == SYMBOL_END)
            return false;
        *to++ = (char)found.symbol;
        bits = drop(bits, found.length);
    }
    *ret_size = (size_t)(to - out);
    return is_padding(bits);
}
