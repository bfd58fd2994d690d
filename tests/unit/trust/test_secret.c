// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/secret.h"
#include "base/encode.h"
#include "tap.h"
#include <openssl/evp.h>

static struct text token_of(const char *typed, const char *salt, char ret_hex[33])
{
    uint8_t digest[16];
    char whole[256];
    struct buffer out;
    int size = snprintf(whole, sizeof whole, "%s%s", typed, salt);
    EVP_Digest(whole, (size_t)size, digest, NULL, EVP_md5(), NULL);
    buffer_init(&out, 64);
    encode_hex(&out, digest, sizeof digest);
    memcpy(ret_hex, out.data, 32);
    buffer_release(&out);
    return text_make(ret_hex, 32);
}

static void test_typing(void)
{
    static const char CANONICAL[] = "0123-4567-89ab-cdef-ghjk-mnpq-rstv";
    static const struct {
        const char *typed, *claim;
    } good[] = {
        {CANONICAL, "as shown"},
        {"0123456789abcdefghjkmnpqrstv", "without dashes"},
        {" 0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV ", "in upper case with spaces around"},
        {"o123-4567-89ab-cdef-ghjk-mnpq-rstv", "with o for 0"},
        {"OI23 4567 89ab cdef ghjk mnpq rstv", "with spaces, O for 0 and I for 1"},
    };
    static const char *const bad[] = {"", "0123", "0123-4567-89ab-cdef-ghjk-mnpq-rstvw",
                                      "u123-4567-89ab-cdef-ghjk-mnpq-rstv",
                                      "0123-4567-89ab-cdef-ghjk-mnpq-rst\xc3\xa9"};
    struct secret secret;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        OK(secret_from_text(text_of(good[i].typed), &secret) && strcmp(secret.text, CANONICAL) == 0,
           good[i].claim);
    unsigned taken = 0;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        taken += secret_from_text(text_of(bad[i]), &secret);
    OK(taken == 0, "what cannot be a secret is refused");
}

static void test_tokens(const struct secret *secret)
{
    char hex[33], undashed[SECRET_TEXT_BYTES + 1] = {0}, upper[SECRET_TEXT_BYTES + 1] = {0};
    for (size_t i = 0, n = 0; i < SECRET_TEXT_BYTES; i++) {
        char c = secret->text[i];
        upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        if (c != '-')
            undashed[n++] = c;
    }
    OK(secret_answers_token(secret, TEXT("c19b2d"), token_of(secret->text, "c19b2d", hex)),
       "t=md5(secret+salt) signs in");
    OK(secret_answers_token(secret, TEXT("c19b2d"), token_of(undashed, "c19b2d", hex)),
       "typed without dashes, too");
    OK(secret_answers_token(secret, TEXT("c19b2d"), token_of(upper, "c19b2d", hex)),
       "typed in upper case, too");
    OK(!secret_answers_token(secret, TEXT("c19b2e"), text_make(hex, 32)), "another salt does not");
    OK(!secret_answers_token(secret, TEXT("c19b2d"), TEXT("")), "nor an empty token");
    OK(!secret_answers_token(secret, TEXT("c19b2d"), token_of("sesame", "c19b2d", hex)),
       "nor another secret");
}

int main(void)
{
    struct keys *keys = keys_ephemeral(), *other = keys_ephemeral();
    struct secret secret, again;
    struct secret_sealed sealed;
    struct uid app = uid_random();
    test_typing();
    secret_generate(&secret);
    OK(secret_from_text(text_of(secret.text), &again) && strcmp(secret.text, again.text) == 0 &&
           strlen(secret.text) == SECRET_TEXT_BYTES,
       "a generated secret is in canonical form");
    test_tokens(&secret);
    secret_seal(keys, &secret, app, &sealed);
    OK(secret_unseal(keys, &sealed, app, &again) && strcmp(secret.text, again.text) == 0,
       "what is sealed can be unsealed");
    OK(!secret_unseal(keys, &sealed, uid_random(), &again), "not for another app");
    OK(!secret_unseal(other, &sealed, app, &again), "not by other keys");
    sealed.bytes[30] ^= 1;
    OK(!secret_unseal(keys, &sealed, app, &again), "not when altered");
    struct secret_index a = secret_index(keys, &secret), b = secret_index(keys, &secret),
                        c = secret_index(other, &secret);
    OK(memcmp(&a, &b, sizeof a) == 0 && memcmp(&a, &c, sizeof a) != 0,
       "the index is keyed and the same each time");
    keys_free(&keys);
    keys_free(&other);
    return tap_done();
}
