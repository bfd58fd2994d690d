// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/huffman.h"

/*
 * Eight bits are looked up at once: they hold any of the 74 codes that text is made of, and a
 * canonical code in the order of its codes is that table already.  A longer code is found by its
 * length: the first whose codes end above the bits.
 */
enum { SYMBOL_END = 256, LONGEST = 30 };

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

/* Bits not decoded yet, from the left; zeros follow. */
struct bits {
    uint64_t left;
    unsigned count;
    const uint8_t *next, *end;
};

static inline void refill(struct bits *bits)
{
    while (bits->count <= 56 && bits->next < bits->end) {
        bits->left |= (uint64_t)*bits->next++ << (56 - bits->count);
        bits->count += 8;
    }
}

static inline void drop(struct bits *bits, unsigned count)
{
    bits->left <<= count;
    bits->count -= count;
}

/* Fewer than eight bits, all ones (RFC 7541 5.2). */
static bool is_padding(const struct bits *bits)
{
    return bits->count < 8 && bits->left == ~(UINT64_MAX >> bits->count);
}

/* 1: a symbol; 0: only padding may be left; -1: the end of string. */
static int next_long(struct bits *bits, char *ret)
{
    uint32_t head = (uint32_t)(bits->left >> 32);
    const struct length *length = length_of(head);
    if (length->bits > bits->count)
        return 0;
    uint16_t symbol = symbols[length->rank + ((head - length->first) >> (32 - length->bits))];
    if (symbol == SYMBOL_END)
        return -1;
    *ret = (char)symbol;
    drop(bits, length->bits);
    return 1;
}

static inline int next_symbol(struct bits *bits, char *ret)
{
    struct leaf leaf = leaves[bits->left >> 56];
    if (leaf.length == 0)
        return next_long(bits, ret);
    if (leaf.length > bits->count)
        return 0;
    *ret = (char)leaf.symbol;
    drop(bits, leaf.length);
    return 1;
}

bool huffman_decode(struct text coded, char *out, size_t *ret_size)
{
    const uint8_t *from = (const uint8_t *)coded.data;
    struct bits bits = {.next = from, .end = from + coded.size};
    char *to = out;
    int found = 1;
    while (found > 0) {
        refill(&bits); /* 57 bits at least, or all there are */
        do {
            found = next_symbol(&bits, to);
            to += found > 0;
        } while (found > 0 && bits.count >= LONGEST);
    }
    *ret_size = (size_t)(to - out);
    return found == 0 && is_padding(&bits);
}
