// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/proxy_protocol.h"

#include <string.h>

/*
 *   0            12         13         14         16
 *   | signature  | 2 | cmd  | fam|tran | length   | addresses: source, destination, ports | TLVs |
 *                                        big-endian
 */
static const char signature[12] NONSTRING = "\r\n\r\n\0\r\nQUIT\n";
enum { FIXED_BYTES = 16, COMMAND_LOCAL = 0, COMMAND_PROXY = 1, FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 };

static uint16_t big_endian_16(const char *at)
{
    return (uint16_t)((uint8_t)at[0] << 8 | (uint8_t)at[1]);
}

static uint32_t big_endian_32(const char *at)
{
    return (uint32_t)big_endian_16(at) << 16 | big_endian_16(at + 2);
}

/* False when the addresses do not fit in what the header says it holds. */
static bool read_source(struct text addresses, unsigned family, struct http_proxy_header *ret)
{
    if (family == FAMILY_IPV4 && addresses.size >= 12) {
        ret->source = address_v4(big_endian_32(addresses.data));
        ret->source_port = big_endian_16(addresses.data + 8);
    } else if (family == FAMILY_IPV6 && addresses.size >= 36) {
        memcpy(ret->source.bytes, addresses.data, sizeof ret->source.bytes);
        ret->source_port = big_endian_16(addresses.data + 32);
    } else {
        return family != FAMILY_IPV4 && family != FAMILY_IPV6;
    }
    ret->has_source = true;
    return true;
}

int http_proxy_header_parse(struct text bytes, struct http_proxy_header *ret, size_t *ret_consumed)
{
    size_t known = bytes.size < sizeof signature ? bytes.size : sizeof signature;
    if (known > 0 && memcmp(bytes.data, signature, known) != 0)
        return -1;
    if (bytes.size < FIXED_BYTES)
        return 0;
    unsigned version = (uint8_t)bytes.data[12] >> 4, command = (uint8_t)bytes.data[12] & 15;
    unsigned family = (uint8_t)bytes.data[13] >> 4;
    size_t length = big_endian_16(bytes.data + 14);
    if (version != 2 || command > COMMAND_PROXY ||
        length > HTTP_PROXY_HEADER_MAX_BYTES - FIXED_BYTES)
        return -1;
    if (bytes.size < FIXED_BYTES + length)
        return 0;
    struct http_proxy_header header = {0};
    if (command == COMMAND_PROXY &&
        !read_source(text_make(bytes.data + FIXED_BYTES, length), family, &header))
        return -1;
    *ret = header;
    *ret_consumed = FIXED_BYTES + length;
    return 1;
}
