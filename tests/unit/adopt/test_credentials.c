// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/credentials.h"
#include "adopt/proofs.h"
#include "base/arena.h"
#include "http/message.h"
#include "trust/password.h"
#include "twin.h"

#include <string.h>

static struct arena *arena;
static struct keys *keys;

static bool read_query(const char *query, struct credentials *ret)
{
    struct http_parameters parameters;
    if (!http_parameters_parse(arena, text_of(query), 100, &parameters))
        return false;
    return credentials_read(&parameters, ret);
}

static struct credentials of(const char *query)
{
    struct credentials credentials;
    (void)!read_query(query, &credentials);
    return credentials;
}

static void forms(void)
{
    struct credentials a = of("u=anna&p=apples&id=7"), b = of("u=anna&p=enc:6170706c6573");
    OK(a.kind == 'p' && !strcmp(a.query, "u=anna&p=apples"), "a password goes on as it came");
    OK(!strcmp(a.secret, b.secret), "a password in hex is the same password");
    OK(!memcmp(credentials_digest(keys, &a).bytes, credentials_digest(keys, &b).bytes, 32),
       "and the same proof");
    OK(of("u=anna&t=0123&s=salt").kind == 't' && of("apiKey=x1").kind == 'k',
       "tokens and keys are ways to sign in");
    OK(!of("u=anna").kind && !of("p=x").kind && !of("").kind && !of("u=anna&apiKey=x").kind,
       "a name alone is none, nor two ways at once");
    OK(!strcmp(of("u=a%26b&p=c%3Dd").query, "u=a%26b&p=c%3Dd"),
       "nobody smuggles a parameter through a name");
    char many[2000] = "u=anna&p=";
    memset(many + 9, 'x', 1500);
    many[1509] = '\0';
    OK(!of(many).kind, "what is too long is none");
    struct credentials eve = of("u=anna2&p=apples");
    OK(memcmp(credentials_digest(keys, &a).bytes, credentials_digest(keys, &eve).bytes, 32) != 0,
       "the same password of another is another proof");
}

/* Servers read parameters in their own ways: whose answer came must be beyond doubt. */
static void doubles(void)
{
    static const struct {
        const char *query, *claim;
    } rows[] = {
        {"u=anna&p=x&u=eve", "a second name is no name, for some servers take the last"},
        {"u=anna&p=x&p=y", "nor is a second password one"},
        {"u=anna&p=x&U=eve", "nor a name in capitals"},
        {"u=anna&p=x&%20u=eve", "nor one behind a space"},
        {"u=anna&p=x&apiKey=eve", "nor are two ways to sign in"},
        {"u=anna&p=x&t=00&s=aa", "nor a password beside a token"},
        {"u=anna&p=x&f=jsonp&callback=%22status%22:%22ok%22",
         "nor who answers in the server's place"},
        {"u=anna&p=x&callback=f&Callback=%22status%22:%22ok%22", "however that is written"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        OK_GUARDED(GUARD_ADOPT_PLAIN_SIGN_IN, !of(rows[i].query).kind, rows[i].claim);
    OK(of("u=anna&p=x&id=1&id=2&u=anna").kind == 'p', "the same said twice is the same");
    OK(of("u=anna&p=x&f=jsonp&callback=jQuery1.cb_2").kind == 'p', "a name is a callback");
}

static void verifiers(void)
{
    struct book book = {0};
    struct credentials anna = of("u=anna&p=apples"), wrong = of("u=anna&p=pears"),
                       token = of("u=anna&t=00&s=aa"), other = of("u=anna&t=01&s=aa");
    if (book_open_memory(&book) != SQLITE_OK)
        return;
    OK(verifier_check(&book, keys, &anna) == VERIFIER_NONE, "nobody is known at first");
    OK(verifier_keep(&book, keys, &anna) && verifier_check(&book, keys, &anna) == VERIFIER_GOOD,
       "who was proven is known");
    OK(verifier_check(&book, keys, &wrong) == VERIFIER_WRONG, "another password is wrong");
    OK(verifier_check(&book, keys, &token) == VERIFIER_NONE, "a token is not judged by a password");
    OK(verifier_keep(&book, keys, &token) && verifier_check(&book, keys, &token) == VERIFIER_GOOD &&
           verifier_check(&book, keys, &other) == VERIFIER_WRONG,
       "a pair of token and salt proves itself alone, and with its salt another token is wrong");
    struct credentials salted = of("u=anna&t=01&s=bb"), eve = of("u=eve&t=00&s=aa");
    OK(verifier_check(&book, keys, &salted) == VERIFIER_NONE, "with another it is not judged");
    OK(verifier_check(&book, keys, &eve) == VERIFIER_NONE, "nor another listener by it");
    (void)verifier_keep(&book, keys, &anna);
    OK(book_one_number(&book, 0, "SELECT count(*) FROM verifier", "") == 2,
       "the same is not kept twice");
    for (int i = 0; i < 6; i++) { /* an app with another salt each time */
        char query[40];
        (void)snprintf(query, sizeof query, "u=anna&t=00&s=c%d", i);
        struct credentials each = of(query);
        (void)verifier_keep(&book, keys, &each);
    }
    OK(book_one_number(&book, 0, "SELECT count(*) FROM verifier WHERE kind LIKE 't%'", "") ==
           VERIFIERS_PER_KIND,
       "the oldest give way");
    OK(verifier_check(&book, keys, &anna) == VERIFIER_GOOD, "but no password to tokens");
    sqlite3_stmt *row = book_query(&book, "SELECT hash FROM verifier", "");
    OK(row && sqlite3_step(row) == SQLITE_ROW && text_starts(book_text(row, 0), TEXT("$argon2id$")),
       "what is kept is Argon2id");
    (void)sqlite3_finalize(row);
    book_close(&book);
}

static void sealing(void)
{
    uint8_t sealed[CREDENTIALS_SEALED_BYTES];
    char query[CREDENTIALS_QUERY_BYTES];
    struct credentials anna = of("u=anna&p=apples");
    size_t size = credentials_seal(keys, &anna, sealed);
    struct text bytes = text_make((const char *)sealed, size);
    OK(!memmem(sealed, size, "apples", 6), "what is sealed does not show");
    OK(credentials_unseal(keys, bytes, TEXT("anna"), query) && !strcmp(query, anna.query),
       "it opens again");
    OK(!credentials_unseal(keys, bytes, TEXT("eve"), query), "for nobody else");
    sealed[size - 1] ^= 1;
    OK(!credentials_unseal(keys, bytes, TEXT("anna"), query), "nor altered");
    OK(!credentials_unseal(keys, text_make(bytes.data, 10), TEXT("anna"), query), "nor cut");
}

static void memory(void)
{
    struct proofs *proofs = proofs_new();
    struct credentials anna = of("u=anna&p=apples");
    struct credentials_digest digest = credentials_digest(keys, &anna);
    OK(!proofs_find(proofs, &digest), "nobody is proven at first");
    (void)proofs_note(proofs, &digest, 7);
    OK(proofs_find(proofs, &digest)->proven_ms == 7, "who was proven is remembered");
    proofs_forget(proofs, &digest);
    OK(!proofs_find(proofs, &digest), "until it is forgotten");
    for (int i = 0; i <= PROOFS_MAX; i++) {
        memcpy(digest.bytes, &i, sizeof i);
        (void)proofs_note(proofs, &digest, 1);
    }
    OK(proofs_find(proofs, &digest), "a full table takes the next one");
    proofs_free(&proofs);
}

int main(void)
{
    twin_begin();
    password_use_test_cost();
    arena = arena_new(1 << 20);
    keys = keys_ephemeral();
    forms();
    doubles();
    verifiers();
    sealing();
    memory();
    keys_free(&keys);
    arena_free(&arena);
    return tap_done();
}
