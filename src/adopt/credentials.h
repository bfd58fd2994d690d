// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/book.h"
#include "trust/keys.h"

/*
 * credentials: who asks, as OpenSubsonic says it: u and p, u with t and s, or apiKey.  The foreign
 * server proves them; what stays here proves them again while it is away.
 *
 *     u+p     Argon2id of the password: any app that sends the password is known on the island
 *     apiKey  Argon2id of the key
 *     u+t+s   Argon2id of that very pair: only an app that sends the same salt again is known.
 *             Nothing less than the password itself could judge another salt, and we do not keep
 *             it.  With the same salt another token is a wrong guess of the password, and counts.
 *
 * Listeners' writes that wait are replayed as theirs, so what they signed in with is sealed beside
 * them (XChaCha20-Poly1305, bound to the listener) until they are told; no longer.
 */
struct http_parameters;

enum {
    CREDENTIALS_NAME_BYTES = 200,
    CREDENTIALS_SECRET_BYTES = 700,
    CREDENTIALS_QUERY_BYTES = 3000
};

struct credentials {
    char kind;                             /* 'p', 't' or 'k'; 0: there are none, or too long */
    char listener[CREDENTIALS_NAME_BYTES]; /* u; of an apiKey "key:" and the key's hash */
    char secret[CREDENTIALS_SECRET_BYTES]; /* what is verified */
    char query[CREDENTIALS_QUERY_BYTES];   /* as it goes to the foreign server, escaped */
};
/* False, and none, also when a server could read another name or secret in them than is read here:
 * one is said twice and differently, or there are several ways to sign in; or when a JSONP callback
 * would put words of the asker's before the answer.  Whose answer that is nobody knows, so it
 * proves nothing. */
bool credentials_read(const struct http_parameters *parameters, struct credentials *ret) MUST_USE;
bool credentials_of_operator(struct text name, struct text password,
                             struct credentials *ret) MUST_USE;
void credentials_wipe(struct credentials *credentials);

/* A keyed hash of all of it, for tables in memory. */
struct credentials_digest {
    uint8_t bytes[32];
};
struct credentials_digest credentials_digest(const struct keys *keys,
                                             const struct credentials *credentials) MUST_USE;

/* --- verifiers; BLOCK, as passwords do (trust/password.h) --- */
enum { VERIFIERS_PER_KIND = 4 }; /* of one listener */
enum verifier {
    VERIFIER_GOOD,
    VERIFIER_WRONG,
    VERIFIER_NONE, /* nothing of this kind is kept, of a token nothing with this salt */
};
enum verifier verifier_check(struct book *book, const struct keys *keys,
                             const struct credentials *credentials) MUST_USE;
/* Unless one of them fits already; the oldest of its kind gives way: an app with a new salt each
 * minute drives out no password. */
bool verifier_keep(struct book *book, const struct keys *keys,
                   const struct credentials *credentials);
void verifier_forget(struct book *book, const struct keys *keys,
                     const struct credentials *credentials);

/* --- sealed, for writes that wait --- */
enum { CREDENTIALS_SEALED_BYTES = CREDENTIALS_QUERY_BYTES + 24 + 16 };
size_t credentials_seal(const struct keys *keys, const struct credentials *credentials,
                        uint8_t ret[CREDENTIALS_SEALED_BYTES]) MUST_USE;
/* The query, NUL-terminated; false: other keys, another listener, or altered. */
bool credentials_unseal(const struct keys *keys, struct text sealed, struct text listener,
                        char ret[CREDENTIALS_QUERY_BYTES]) MUST_USE;
