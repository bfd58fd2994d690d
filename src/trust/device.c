// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/device.h"

#include "base/encode.h"

#include <sodium.h>

enum { BODY_BYTES = 2 * UID_BYTES + 8, MAC_BYTES = 32, BYTES = BODY_BYTES + MAC_BYTES };
_Static_assert(BYTES * 4 / 3 == DEVICE_TEXT_BYTES, "whole groups of base64");

static void seal(const struct keys *keys, const uint8_t body[BODY_BYTES], uint8_t ret[MAC_BYTES])
{
    crypto_generichash(ret, MAC_BYTES, body, BODY_BYTES, keys->devices, sizeof keys->devices);
}

void device_make(const struct keys *keys, struct uid account, int64_t now_s, struct device *ret)
{
    uint8_t bytes[BYTES];
    struct uid device = uid_random();
    memcpy(bytes, account.bytes, UID_BYTES);
    memcpy(bytes + UID_BYTES, device.bytes, UID_BYTES);
    for (size_t i = 0; i < 8; i++)
        bytes[2 * UID_BYTES + i] = (uint8_t)((uint64_t)now_s >> (8 * i));
    seal(keys, bytes, bytes + BODY_BYTES);
    sodium_bin2base64(ret->text, sizeof ret->text, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool device_read(const struct keys *keys, struct text cookie, struct uid account, int64_t now_s,
                 struct uid *ret_device)
{
    uint8_t bytes[BYTES], mac[MAC_BYTES];
    if (cookie.size != DEVICE_TEXT_BYTES ||
        decode_base64url(cookie, bytes, sizeof bytes) != sizeof bytes)
        return false;
    seal(keys, bytes, mac);
    if (sodium_memcmp(mac, bytes + BODY_BYTES, sizeof mac) != 0)
        return false;
    struct reader reader = reader_of(text_make((const char *)bytes, BODY_BYTES));
    struct uid whose = uid_read(&reader), device = uid_read(&reader);
    int64_t issued_s = (int64_t)reader_u64(&reader);
    if (!uid_equal(whose, account) || now_s - issued_s >= DEVICE_LIFE_S)
        return false;
    *ret_device = device;
    return true;
}
