// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/uid.h"

#include "base/buffer.h"
#include "base/encode.h"

#include <sodium.h>

struct uid uid_random(void)
{
    struct uid uid;
    randombytes_buf(uid.bytes, sizeof uid.bytes);
    return uid;
}

struct text uid_text(struct uid_text *storage, struct uid uid)
{
    sodium_bin2base64(storage->characters, sizeof storage->characters, uid.bytes, sizeof uid.bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return text_make(storage->characters, UID_TEXT_BYTES);
}

bool uid_from_text(struct text t, struct uid *ret)
{
    struct uid uid = {{0}};
    if (t.size != UID_TEXT_BYTES ||
        decode_base64url(t, uid.bytes, sizeof uid.bytes) != sizeof uid.bytes)
        return false;
    *ret = uid;
    return true;
}
