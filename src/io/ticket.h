// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * ticket: the keys that seal TLS session tickets (RFC 8446 4.6.1), all drawn from one secret.
 *
 *   key of a period = HMAC-SHA512(secret, "sostenuto ticket" part, period),  period = unix_s / 12 h
 *
 * Whoever has the secret draws the same keys: the process after a crash, old and new during an
 * upgrade, every loop, without a word between them and without anything on disk.  A ticket opens in
 * the period that sealed it and in the next, so it lives 12 to 24 hours; also in the one before,
 * because two processes' clocks may stand on different sides of the turn.
 *
 * The secret opens tickets, not recordings: resumption in TLS 1.3 makes a new Diffie-Hellman
 * exchange each time.  That does not hold for TLS 1.2, which therefore gets no tickets (io/tls.c).
 *
 * Pure: no clock, no state, any thread.
 */
enum {
    TICKET_SECRET_BYTES = 32,
    TICKET_NAME_BYTES = 16,
    TICKET_PERIOD_S = 12 * 3600,
};

struct ticket_key {
    unsigned char cipher[32]; /* AES-256-CBC */
    unsigned char mac[32];    /* HMAC-SHA256 */
    unsigned char name[TICKET_NAME_BYTES];
};

/* The key that seals at `unix_s`. */
void ticket_key_now(const unsigned char secret[TICKET_SECRET_BYTES], int64_t unix_s,
                    struct ticket_key *ret_key);

enum ticket_found {
    TICKET_UNKNOWN, /* too old, or of another secret: a full handshake */
    TICKET_FRESH,
    TICKET_STALE, /* of another period: good, and to be replaced */
};

/* The key that a ticket names. */
enum ticket_found ticket_key_find(const unsigned char secret[TICKET_SECRET_BYTES], int64_t unix_s,
                                  const unsigned char name[TICKET_NAME_BYTES],
                                  struct ticket_key *ret_key) MUST_USE;
