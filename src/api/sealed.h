// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/object_classes.h"
#include "base/buffer.h"
#include "trust/signed.h"

/*
 * sealed: a signed object in memory, signed again when its content, the key or an hour has changed,
 * so that what is served is always fresh and asking for it costs a copy.
 */
struct api;

enum { SEALED_SIGN_EVERY_S = 3600, SEALED_LIFE_S = 7 * 24 * 3600 };

struct sealed {
    struct buffer bytes;
    uint8_t digest[OBJECT_DIGEST_BYTES];
    uint64_t epoch, number, ring_number;
    int64_t signed_s;
};

struct sealed_version {
    uint64_t epoch, number;
};

void sealed_init(struct sealed *sealed);
void sealed_release(struct sealed *sealed);
/* Has it this version, and need it not be signed again? */
bool sealed_is_fresh(const struct sealed *sealed, const struct api *api, uint64_t epoch,
                     uint64_t number, int64_t now_s);
void sealed_sign(struct sealed *sealed, const struct api *api, struct text name, uint64_t epoch,
                 uint64_t number, struct text body, int64_t now_s);
/* As another node signed it: copied, and served as it is (api_follows()). */
void sealed_take(struct sealed *sealed, struct sealed_version version, struct text bytes);
/* FINISHES; 503 when the node cannot sign. */
void sealed_send(const struct sealed *sealed, struct exchange *exchange, enum object_class class);
