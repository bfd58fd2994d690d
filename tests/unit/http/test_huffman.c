// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/huffman.h"
#include "tap.h"

#include <string.h>

/* The code of RFC 7541 5.2 from its lengths alone: codes of one length count upwards. */
static const struct {
    uint8_t length;
    uint16_t symbol;
} ranks[] = {
#define CODE(length, symbol) {length, symbol},
#define LENGTH(length, first, rank)
#include "http/huffman.def"
#undef CODE
#undef LENGTH
};

static uint32_t codes[257];
static uint8_t lengths[257];

static void make_codes(void)
{
    uint32_t code = 0;
    uint8_t length = ranks[0].length;
    for (size_t i = 0; i < ARRAY_SIZE(ranks); i++, code++) {
        code <<= ranks[i].length - length;
        length = ranks[i].length;
        codes[ranks[i].symbol] = code;
        lengths[ranks[i].symbol] = length;
    }
    OK(code == UINT32_C(1) << 30, "the code is complete");
}

struct coded {
    uint8_t bytes[4096];
    size_t bits;
};

static void put(struct coded *coded, uint32_t code, unsigned length)
{
    while (length-- > 0) {
        coded->bytes[coded->bits / 8] |= (uint8_t)((code >> length & 1) << (7 - coded->bits % 8));
        coded->bits++;
    }
}

static bool decode(const struct coded *coded, char *out, size_t *size)
{
    return huffman_decode(text_make((const char *)coded->bytes, (coded->bits + 7) / 8), out, size);
}

static void pad(struct coded *coded)
{
    while (coded->bits % 8)
        put(coded, 1, 1);
}

static void test_every_byte(void)
{
    struct coded coded = {0};
    char out[8192];
    size_t size;
    bool is_same = true;
    for (unsigned round = 0; round < 3; round++) /* each at several places in a byte */
        for (unsigned i = 0; i < 256; i++) {
            put(&coded, codes[(i * 7 + round) % 256], lengths[(i * 7 + round) % 256]);
            put(&coded, codes['a'], lengths['a']);
        }
    pad(&coded);
    OK(decode(&coded, out, &size) && size == 3 * 512, "all bytes are read");
    for (size_t i = 0; i < 3 * 256; i++)
        is_same &= (uint8_t)out[2 * i] == (i % 256 * 7 + i / 256) % 256 && out[2 * i + 1] == 'a';
    OK(is_same, "and each is what it was");
}

static bool reads(uint32_t first, unsigned first_bits, uint32_t second, unsigned second_bits)
{
    struct coded coded = {0};
    char out[64];
    size_t size;
    put(&coded, first, first_bits);
    put(&coded, second, second_bits);
    return decode(&coded, out, &size);
}

static void test_ends(void)
{
    size_t size = 1;
    char out[8];
    OK(huffman_decode(TEXT_NONE, out, &size) && size == 0, "nothing is an empty string");
    OK(reads(codes['a'], 5, 7, 3), "padding of ones");
    OK(!reads(codes['a'], 5, 6, 3), "padding with a zero is an error");
    OK(!reads(codes['a'], 5, 0x7ff, 11), "a whole byte of padding is an error");
    OK(!reads(codes[256], 30, 3, 2), "the end of string is an error");
    OK(!reads(codes[0] >> 5, 8, 0, 0), "half a long code is an error");
}

int main(void)
{
    make_codes();
    test_every_byte();
    test_ends();
    return tap_done();
}
