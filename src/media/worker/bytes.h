// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdint.h>

/* bytes: integers as they stand in sound files; the caller has checked that the bytes are there. */
static inline uint16_t be16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static inline uint32_t be24(const uint8_t *at)
{
    return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
}
static inline uint32_t be32(const uint8_t *at) { return (uint32_t)at[0] << 24 | be24(at + 1); }
static inline uint64_t be64(const uint8_t *at) { return (uint64_t)be32(at) << 32 | be32(at + 4); }
static inline uint16_t le16(const uint8_t *at) { return (uint16_t)(at[0] | at[1] << 8); }
static inline uint32_t le32(const uint8_t *at)
{
    return (uint32_t)le16(at) | (uint32_t)le16(at + 2) << 16;
}
static inline uint64_t le64(const uint8_t *at)
{
    return (uint64_t)le32(at) | (uint64_t)le32(at + 4) << 32;
}
/* 28 bits in four bytes whose top bits are clear (ID3v2.4 6.2) */
static inline uint32_t syncsafe32(const uint8_t *at)
{
    return (uint32_t)(at[0] & 0x7f) << 21 | (uint32_t)(at[1] & 0x7f) << 14 |
           (uint32_t)(at[2] & 0x7f) << 7 | (at[3] & 0x7fU);
}
