// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/ticket.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

enum { BLOCK_BYTES = 64 };

static void draw(const unsigned char *secret, const char *part, int64_t period,
                 unsigned char ret_block[BLOCK_BYTES])
{
    unsigned char said[32] = "sostenuto ticket ";
    unsigned size = BLOCK_BYTES;
    memcpy(said + 17, part, 4);
    for (int i = 0; i < 8; i++)
        said[21 + i] = (unsigned char)((uint64_t)period >> (56 - 8 * i));
    unsigned char *done =
        HMAC(EVP_sha512(), secret, TICKET_SECRET_BYTES, said, 29, ret_block, &size);
    assert(done && size == BLOCK_BYTES);
}

static void draw_name(const unsigned char *secret, int64_t period,
                      unsigned char ret_name[TICKET_NAME_BYTES])
{
    unsigned char block[BLOCK_BYTES];
    draw(secret, "name", period, block);
    memcpy(ret_name, block, TICKET_NAME_BYTES);
}

static void draw_key(const unsigned char *secret, int64_t period, struct ticket_key *ret_key)
{
    unsigned char block[BLOCK_BYTES];
    draw(secret, "keys", period, block);
    memcpy(ret_key->cipher, block, sizeof ret_key->cipher);
    memcpy(ret_key->mac, block + sizeof ret_key->cipher, sizeof ret_key->mac);
    draw_name(secret, period, ret_key->name);
    OPENSSL_cleanse(block, sizeof block);
}

void ticket_key_now(const unsigned char secret[TICKET_SECRET_BYTES], int64_t unix_s,
                    struct ticket_key *ret_key)
{
    draw_key(secret, unix_s / TICKET_PERIOD_S, ret_key);
}

enum ticket_found ticket_key_find(const unsigned char secret[TICKET_SECRET_BYTES], int64_t unix_s,
                                  const unsigned char name[TICKET_NAME_BYTES],
                                  struct ticket_key *ret_key)
{
    static const int offsets[] = {0, -1, 1}; /* the likely one first */
    for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
        int64_t period = unix_s / TICKET_PERIOD_S + offsets[i];
        unsigned char candidate[TICKET_NAME_BYTES];
        draw_name(secret, period, candidate);
        if (memcmp(candidate, name, TICKET_NAME_BYTES) != 0)
            continue;
        draw_key(secret, period, ret_key);
        return offsets[i] == 0 ? TICKET_FRESH : TICKET_STALE;
    }
    return TICKET_UNKNOWN;
}
