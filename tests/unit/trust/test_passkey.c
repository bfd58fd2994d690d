// SPDX-License-Identifier: GPL-3.0-or-later
/* A software authenticator makes a passkey and signs in with it. */
#include "trust/passkey.h"
#include "base/buffer.h"
#include "es256_maker.h"
#include "tap.h"
#include <sodium.h>

static struct es256_maker maker;
static const struct passkey_site site = {TEXT_INIT("music.example"),
                                         TEXT_INIT("https://music.example")};
static const char CREATE[] = "{\"type\":\"webauthn.create\",\"challenge\":\"abc\",\"origin\":"
                             "\"https://music.example\",\"crossOrigin\":false}";
static const char GET[] = "{\"type\":\"webauthn.get\",\"challenge\":\"abd\",\"origin\":"
                          "\"https://music.example\",\"crossOrigin\":false}";
enum { PRESENT = 1, VERIFIED = 4, HAS_KEY = 0x40 };

static void head(struct buffer *out, const char *party, uint8_t flags, uint8_t count)
{
    uint8_t hash[32];
    crypto_hash_sha256(hash, (const uint8_t *)party, strlen(party));
    buffer_reset(out);
    buffer_append(out, hash, sizeof hash);
    buffer_byte(out, flags);
    buffer_append(out, (const uint8_t[]){0, 0, 0, count}, 4);
}

/* 6.5.1: AAGUID, size and id of the credential, its key in COSE. */
static struct text new_credential(struct buffer *out, const char *party, uint8_t flags)
{
    static const uint8_t aaguid[16], start[] = {0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32};
    head(out, party, flags, 1);
    buffer_append(out, aaguid, sizeof aaguid);
    buffer_append(out, (const uint8_t[]){0, 4}, 2);
    buffer_append(out, "cred", 4);
    buffer_append(out, start, sizeof start);
    buffer_append(out, maker.key.x, 32);
    buffer_append(out, (const uint8_t[]){0x22, 0x58, 32}, 3);
    buffer_append(out, maker.key.y, 32);
    return buffer_view(out);
}

static bool enrol(struct text authenticator, const char *client, struct passkey *ret,
                  const char **ret_why)
{
    struct passkey_challenge challenge;
    return passkey_register(&site, text_of(client), authenticator, ret, &challenge, ret_why) &&
           text_equal(text_make(challenge.text, challenge.size), TEXT("abc"));
}

static void test_registration(struct buffer *out, struct passkey *ret)
{
    const char *why = NULL;
    struct passkey other;
    struct text whole = new_credential(out, "music.example", PRESENT | VERIFIED | HAS_KEY);
    OK(enrol(whole, CREATE, ret, &why) && ret->credential_size == 4 &&
           memcmp(ret->credential, "cred", 4) == 0 && ret->algorithm == PASSKEY_ES256 &&
           ret->count == 1,
       "a passkey is made");
    unsigned accepted = 0;
    for (size_t size = 0; size < whole.size; size++)
        accepted += enrol(text_make(whole.data, size), CREATE, &other, &why);
    OK(accepted == 0, "cut anywhere it is refused");
    OK(!enrol(whole, GET, &other, &why), "an answer to a sign-in makes none");
    OK(!enrol(whole,
              "{\"type\":\"webauthn.create\",\"challenge\":\"abc\",\"origin\":\"https://evil\"}",
              &other, &why) &&
           strstr(why, "another page"),
       "nor one that another page asked for");
    OK(!enrol(whole,
              "{\"type\":\"webauthn.create\",\"challenge\":\"abc\",\"origin\":"
              "\"https://music.example\",\"crossOrigin\":true}",
              &other, &why),
       "nor one from within another page");
    OK(!enrol(new_credential(out, "evil.example", PRESENT | VERIFIED | HAS_KEY), CREATE, &other,
              &why),
       "nor one for another server");
    OK(!enrol(new_credential(out, "music.example", PRESENT | HAS_KEY), CREATE, &other, &why) &&
           strstr(why, "verify who you are"),
       "nor one whose person was not verified");
}

static bool sign_in(const struct passkey *passkey, const struct text *data, const char *client,
                    uint32_t *ret_count, const char **ret_why)
{
    struct passkey_challenge challenge;
    struct buffer message;
    uint8_t hash[32], signature[80];
    buffer_init(&message, 2048);
    crypto_hash_sha256(hash, (const uint8_t *)client, strlen(client));
    buffer_text(&message, *data);
    buffer_append(&message, hash, sizeof hash);
    size_t size = es256_maker_sign_der(&maker, buffer_view(&message), signature);
    buffer_release(&message);
    return passkey_assert(&site, passkey, text_of(client), *data,
                          text_make((const char *)signature, size), ret_count, &challenge,
                          ret_why) &&
           text_equal(text_make(challenge.text, challenge.size), TEXT("abd"));
}

static void test_assertion(struct buffer *out, const struct passkey *passkey)
{
    const char *why = NULL;
    uint32_t count = 0;
    head(out, "music.example", PRESENT | VERIFIED, 2);
    struct text data = buffer_view(out);
    OK(sign_in(passkey, &data, GET, &count, &why) && count == 2, "it signs in, and counts");
    OK(!sign_in(passkey, &data, CREATE, &count, &why), "not with an answer to a registration");
    struct passkey other = *passkey;
    other.key[5] ^= 1;
    OK(!sign_in(&other, &data, GET, &count, &why), "another key did not sign this");
    other = *passkey;
    other.count = 2;
    OK(!sign_in(&other, &data, GET, &count, &why) && strstr(why, "copied"),
       "a counter that does not grow is a copied key");
    head(out, "music.example", PRESENT, 3);
    data = buffer_view(out);
    OK(!sign_in(passkey, &data, GET, &count, &why), "presence alone does not do");
    head(out, "evil.example", PRESENT | VERIFIED, 3);
    data = buffer_view(out);
    OK(!sign_in(passkey, &data, GET, &count, &why), "nor another server's passkey");
    head(out, "music.example", PRESENT | VERIFIED, 0);
    data = buffer_view(out);
    other.count = 0;
    OK(sign_in(&other, &data, GET, &count, &why) && count == 0, "some never count");
}

int main(void)
{
    struct buffer out;
    struct passkey passkey;
    if (sodium_init() < 0)
        return 1;
    es256_maker_init(&maker);
    buffer_init(&out, 2048);
    test_registration(&out, &passkey);
    test_assertion(&out, &passkey);
    OK(!uid_equal(passkey_uid(TEXT("a")), passkey_uid(TEXT("b"))), "credentials have their uids");
    buffer_release(&out);
    es256_maker_release(&maker);
    return tap_done();
}
