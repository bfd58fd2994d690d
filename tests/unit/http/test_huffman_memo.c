// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/huffman.h"
#include "http/huffman_memo.h"
#include "tap.h"

#include <string.h>

static const struct hash_key key = {1, 2};

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return hash_mix(*state);
}

/* Bytes whose codes are of five bits ("0" to "t"), so that every string of them is one: its size in
 * bytes is a multiple of five, and there is no padding. */
static struct text make_coded(char *room, size_t bytes, uint64_t seed)
{
    static const uint8_t codes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    uint64_t bits = 0, state = seed;
    unsigned count = 0;
    size_t size = 0;
    while (size < bytes) {
        bits = bits << 5 | codes[next_random(&state) % sizeof codes];
        for (count += 5; count >= 8 && size < bytes; count -= 8)
            room[size++] = (char)(bits >> (count - 8));
    }
    return text_make(room, size);
}

static bool is_as_decoded(struct huffman_memo *memo, struct text coded)
{
    char plain[1024];
    size_t size;
    struct text seen;
    bool is_code = huffman_decode(coded, plain, &size);
    if (huffman_memo_decode(memo, coded, &seen) != is_code)
        return false;
    return !is_code || text_equal(seen, text_make(plain, size));
}

/* More strings than places, each asked for twice and again later: whoever took a place over, what
 * comes back is what the bytes say. */
static void test_many(void)
{
    struct huffman_memo *memo = huffman_memo_new(key);
    bool is_right = true;
    for (int round = 0; round < 3; round++)
        for (uint64_t i = 0; i < 5 * HUFFMAN_MEMO_PLACES; i++) {
            char room[HUFFMAN_MEMO_MOST_BYTES];
            struct text coded = make_coded(room, 50 + i % 90 * 5, i);
            is_right &= is_as_decoded(memo, coded) && is_as_decoded(memo, coded);
        }
    OK(is_right, "five times as many strings as places are all right, again and again");
    huffman_memo_free(&memo);
    OK(!memo, "freed");
}

/* Strings that differ in one bit, anywhere. */
static void test_near(void)
{
    struct huffman_memo *memo = huffman_memo_new(key);
    char room[HUFFMAN_MEMO_MOST_BYTES];
    struct text coded = make_coded(room, 100, 7);
    bool is_right = is_as_decoded(memo, coded);
    for (size_t bit = 0; bit < 8 * coded.size; bit++) {
        room[bit / 8] = (char)(room[bit / 8] ^ 1 << bit % 8);
        is_right &= is_as_decoded(memo, coded);
        room[bit / 8] = (char)(room[bit / 8] ^ 1 << bit % 8);
        is_right &= is_as_decoded(memo, coded);
    }
    OK(is_right, "a string with one bit changed is not taken for the one that is remembered");
    OK(is_as_decoded(memo, text_make(coded.data, 95)), "nor its beginning");
    huffman_memo_free(&memo);
}

static void test_bounds(void)
{
    struct huffman_memo *memo = huffman_memo_new(key);
    char room[HUFFMAN_MEMO_MOST_BYTES];
    struct text seen, longest = make_coded(room, 510, 3);
    OK(is_as_decoded(memo, longest) && is_as_decoded(memo, longest), "the longest that fits");
    OK(!huffman_memo_takes(HUFFMAN_MEMO_MOST_BYTES + 1), "a longer one is not taken");
    OK(!huffman_memo_takes(HUFFMAN_MEMO_LEAST_BYTES - 1), "a short one neither");
    memset(room, 0xff, sizeof room);
    struct text bad = text_make(room, 64);
    OK(!huffman_memo_decode(memo, bad, &seen) && !huffman_memo_decode(memo, bad, &seen),
       "what is not the code is refused each time");
    OK(is_as_decoded(memo, make_coded(room, 64 / 5 * 5, 3)), "and leaves a place that works");
    huffman_memo_free(&memo);
}

int main(void)
{
    test_many();
    test_near();
    test_bounds();
    return tap_done();
}
