// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/reader.h"
#include <string.h>

/*
 * uid: 128 random bits that name an account, a session, an app, a device, a playlist or one of
 * its entries.
 *
 * Text form: 22 characters of base64url.  All zero bits is no id ("nobody", "none").
 */
enum { UID_BYTES = 16, UID_TEXT_BYTES = 22 };

struct uid {
    uint8_t bytes[UID_BYTES];
};

struct uid_text {
    char characters[UID_TEXT_BYTES + 1]; /* NUL-terminated */
};

struct uid uid_random(void) MUST_USE;
struct text uid_text(struct uid_text *storage, struct uid uid);
bool uid_from_text(struct text t, struct uid *ret) MUST_USE; /* strict: 22 characters, canonical */

static inline bool uid_equal(struct uid a, struct uid b)
{
    return memcmp(a.bytes, b.bytes, UID_BYTES) == 0;
}
static inline bool uid_is_none(struct uid uid) { return uid_equal(uid, (struct uid){{0}}); }
/* Takes one off; none when the reader has failed. */
static inline struct uid uid_read(struct reader *reader)
{
    struct uid uid;
    reader_copy(reader, uid.bytes, UID_BYTES);
    return uid;
}

static inline struct text uid_view(const struct uid *uid)
{
    return (struct text){(const char *)uid->bytes, UID_BYTES};
}
