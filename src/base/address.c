// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/address.h"

#include "base/digits.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_v4(const struct address *address)
{
    return memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

struct address address_v4(uint32_t host_order)
{
    struct address address;
    uint32_t network_order = htonl(host_order);
    memcpy(address.bytes, mapped_prefix, sizeof mapped_prefix);
    memcpy(address.bytes + sizeof mapped_prefix, &network_order, sizeof network_order);
    return address;
}

bool address_parse(struct text t, struct address *ret)
{
    char digits[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    if (t.size > 2 && t.data[0] == '[' && t.data[t.size - 1] == ']')
        t = text_make(t.data + 1, t.size - 2);
    if (t.size == 0 || t.size >= sizeof digits || memchr(t.data, '\0', t.size))
        return false;
    memcpy(digits, t.data, t.size);
    digits[t.size] = '\0';
    if (inet_pton(AF_INET, digits, &v4) == 1)
        *ret = address_v4(ntohl(v4.s_addr));
    else if (inet_pton(AF_INET6, digits, &v6) == 1)
        memcpy(ret->bytes, v6.s6_addr, sizeof ret->bytes);
    else
        return false;
    return true;
}

struct text address_show(const struct address *address, struct address_text *storage)
{
    if (!is_v4(address))
        return text_of(
            inet_ntop(AF_INET6, address->bytes, storage->digits, sizeof storage->digits));
    char *at = storage->digits;
    for (size_t i = sizeof mapped_prefix; i < sizeof address->bytes; i++) {
        at = digits_decimal(at, address->bytes[i]);
        *at++ = '.';
    }
    *--at = '\0';
    return text_make(storage->digits, (size_t)(at - storage->digits));
}

/* `address` with all bits after the first `bits` cleared. */
static struct address prefix_of(const struct address *address, unsigned bits)
{
    struct address prefix = *address;
    for (unsigned i = 0; i < sizeof prefix.bytes; i++) {
        unsigned kept = bits <= i * 8 ? 0 : bits - i * 8 >= 8 ? 8 : bits - i * 8;
        prefix.bytes[i] &= (uint8_t)(0xff00u >> kept);
    }
    return prefix;
}

bool address_block_parse(struct text t, struct address_block *ret)
{
    size_t slash = text_find_byte(t, '/');
    struct address_block block = {.prefix_bits = 128};
    struct text host = slash == SIZE_MAX ? t : text_make(t.data, slash);
    if (!address_parse(host, &block.first))
        return false;
    if (slash != SIZE_MAX) {
        bool is_short = text_find_byte(host, ':') == SIZE_MAX; /* bits are counted as IPv4's */
        uint64_t bits;
        if (!text_to_u64(text_from(t, slash + 1), &bits) || bits > (is_short ? 32 : 128))
            return false;
        block.prefix_bits = (uint8_t)(bits + (is_short ? 96 : 0));
    }
    struct address prefix = prefix_of(&block.first, block.prefix_bits);
    if (memcmp(prefix.bytes, block.first.bytes, sizeof prefix.bytes) != 0)
        return false;
    *ret = block;
    return true;
}

bool address_block_contains(const struct address_block *block, const struct address *address)
{
    size_t whole = block->prefix_bits / 8, rest = block->prefix_bits % 8;
    const uint8_t *first = block->first.bytes, *bytes = address->bytes;
    return memcmp(first, bytes, whole) == 0 &&
           (rest == 0 || (first[whole] ^ bytes[whole]) >> (8 - rest) == 0);
}

bool address_is_private(const struct address *address)
{
    static const struct address_block private_blocks[] = {
        {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10}}, 96 + 8},
        {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127}}, 96 + 8},
        {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 169, 254}}, 96 + 16},
        {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 172, 16}}, 96 + 12},
        {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168}}, 96 + 16},
        {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 128},
        {{{0xfe, 0x80}}, 10},
        {{{0xfc}}, 7},
    };
    for (size_t i = 0; i < ARRAY_SIZE(private_blocks); i++)
        if (address_block_contains(&private_blocks[i], address))
            return true;
    return false;
}
