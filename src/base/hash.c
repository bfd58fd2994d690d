// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/hash.h"

static inline uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static inline uint64_t load_le64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value; /* all our targets are little-endian; asserted in base/buffer's test */
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1, s->v1 = rotate(s->v1, 13) ^ s->v0, s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3, s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3, s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1, s->v1 = rotate(s->v1, 17) ^ s->v2, s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

uint64_t hash_bytes(struct hash_key key, const void *data, size_t size)
{
    struct sip s = {key.k0 ^ 0x736f6d6570736575U, key.k1 ^ 0x646f72616e646f6dU,
                    key.k0 ^ 0x6c7967656e657261U, key.k1 ^ 0x7465646279746573U};
    const uint8_t *at = data;
    size_t left = size;
    for (; left >= 8; at += 8, left -= 8)
        sip_word(&s, load_le64(at));
    uint64_t last = (uint64_t)size << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)at[i] << (8 * i);
    sip_word(&s, last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
    value = (value ^ value >> 27) * 0x94d049bb133111ebU;
    return value ^ value >> 31;
}

static uint32_t crc32c_table(uint8_t index)
{
    uint32_t value = index;
    for (int bit = 0; bit < 8; bit++)
        value = value >> 1 ^ (value & 1 ? 0x82f63b78U : 0);
    return value;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
    static uint32_t table[256];
    static _Atomic bool is_ready;
    if (!is_ready) { /* every thread that races here writes the same values */
        for (unsigned i = 0; i < 256; i++)
            __atomic_store_n(&table[i], crc32c_table((uint8_t)i), __ATOMIC_RELAXED);
        is_ready = true;
    }
    const uint8_t *at = data;
    crc = ~crc;
    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ __atomic_load_n(&table[(crc ^ at[i]) & 0xff], __ATOMIC_RELAXED);
    return ~crc;
}
