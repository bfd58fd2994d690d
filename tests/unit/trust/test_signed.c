// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/signed.h"
#include "tap.h"
#include <sodium.h>

static uint8_t public_key[SIGNED_PUBLIC_BYTES], secret[SIGNED_SECRET_BYTES];

static struct text seal(const struct signed_object *object, struct buffer *out)
{
    buffer_reset(out);
    signed_seal(secret, object, out);
    return buffer_view(out);
}

static void test_life(struct buffer *out)
{
    struct signed_object object = {.name = TEXT("/nodes"),
                                   .epoch = 2,
                                   .number = 7,
                                   .issued_s = 1000,
                                   .expires_s = 2000,
                                   .body = TEXT("{\"a\":1}\n\n")},
                         got = {.number = 99};
    struct text t = seal(&object, out);
    OK(signed_open(public_key, t, TEXT("/nodes"), 1500, &got) == SIGNED_GOOD && got.epoch == 2 &&
           got.number == 7 && text_equal(got.body, object.body) &&
           text_equal(got.name, object.name),
       "an object says its name, version and body");
    OK(signed_open(public_key, t, TEXT("/keys"), 1500, &got) == SIGNED_OTHER,
       "one of another name is not taken for what was asked");
    OK(signed_open(public_key, t, TEXT_NONE, 2000, &got) == SIGNED_EXPIRED &&
           text_equal(got.body, object.body),
       "an old one is told from a good one, and can be read");
    OK(signed_open(public_key, t, TEXT_NONE, 1000 - SIGNED_EARLY_S, &got) == SIGNED_GOOD &&
           signed_open(public_key, t, TEXT_NONE, 1000 - SIGNED_EARLY_S - 1, &got) == SIGNED_EARLY,
       "clocks may differ by five minutes, not more");
    uint8_t other_public[SIGNED_PUBLIC_BYTES], other_secret[SIGNED_SECRET_BYTES];
    crypto_sign_keypair(other_public, other_secret);
    OK(signed_open(other_public, t, TEXT_NONE, 1500, &got) == SIGNED_UNKNOWN_KEY,
       "another key does not verify it");
    object.body = TEXT("");
    OK(signed_open(public_key, seal(&object, out), TEXT_NONE, 1500, &got) == SIGNED_GOOD &&
           got.body.size == 0,
       "a body may be empty");
}

static void test_altered(struct buffer *out)
{
    const struct signed_object object = {.name = TEXT("/m/tr-1/manifest"),
                                         .issued_s = 1,
                                         .expires_s = 9000,
                                         .body = TEXT("{\"renditions\":[]}")};
    struct text t = seal(&object, out);
    struct signed_object got;
    char copy[1024];
    unsigned good = 0;
    memcpy(copy, t.data, t.size);
    for (size_t i = 0; i < t.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            copy[i] = (char)(copy[i] ^ (1 << bit));
            good +=
                signed_open(public_key, text_make(copy, t.size), TEXT_NONE, 5, &got) == SIGNED_GOOD;
            copy[i] = t.data[i];
        }
    OK(good == 0, "changing any one bit spoils it, preamble, signature or body");
    for (size_t size = 0; size < t.size; size++)
        good += signed_open(public_key, text_make(copy, size), TEXT_NONE, 5, &got) == SIGNED_GOOD;
    copy[t.size] = ' ';
    good += signed_open(public_key, text_make(copy, t.size + 1), TEXT_NONE, 5, &got) == SIGNED_GOOD;
    OK(good == 0, "so does cutting it anywhere, or adding to it");
}

/* A right signature over any preamble. */
static enum signed_verdict open_resigned(const char *preamble, struct buffer *out)
{
    static const char CONTEXT[] = "sostenuto object 1";
    uint8_t message[1024], signature[crypto_sign_BYTES];
    char text[crypto_sign_BYTES * 2];
    struct key_id_text key;
    struct signed_object got;
    buffer_reset(out);
    buffer_printf(out, "%skey: %.*s\n", preamble,
                  TEXT_ARGS(key_id_text(&key, key_id_of(public_key))));
    memcpy(message, CONTEXT, sizeof CONTEXT);
    memcpy(message + sizeof CONTEXT, out->data, out->size);
    crypto_sign_detached(signature, NULL, message, sizeof CONTEXT + out->size, secret);
    sodium_bin2base64(text, sizeof text, signature, sizeof signature,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buffer_printf(out, "signature: %s\n\n", text);
    return signed_open(public_key, buffer_view(out), TEXT_NONE, 5, &got);
}

/* The digest of nothing. */
#define EMPTY "digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:\n"

static void test_spellings(struct buffer *out)
{
    static const struct {
        const char *preamble, *claim;
    } rows[] = {
        {"sostenuto-signed: 2\nname: /a\nversion: 1.2\nissued: 1\nexpires: 9\n" EMPTY,
         "another major version is not read"},
        {"sostenuto-signed: 1\nname: a\nversion: 1.2\nissued: 1\nexpires: 9\n" EMPTY,
         "a name begins with a slash"},
        {"sostenuto-signed: 1\nname: /a b\nversion: 1.2\nissued: 1\nexpires: 9\n" EMPTY,
         "a name has no spaces"},
        {"sostenuto-signed: 1\nname: /a\nversion: 01.2\nissued: 1\nexpires: 9\n" EMPTY,
         "a number has no leading zero"},
        {"sostenuto-signed: 1\nname: /a\nversion: 1\nissued: 1\nexpires: 9\n" EMPTY,
         "a version has two numbers"},
        {"sostenuto-signed: 1\nname: /a\nversion: 1.2\nissued: -1\nexpires: 9\n" EMPTY,
         "a time is not negative"},
        {"sostenuto-signed: 1\nname: /a\nversion: 1.2\nissued: 9\nexpires: 1\n" EMPTY,
         "nothing expires before it was issued"},
        {"sostenuto-signed: 1\nversion: 1.2\nname: /a\nissued: 1\nexpires: 9\n" EMPTY,
         "lines have one order"},
        {"sostenuto-signed: 1\nname: /a\nversion: 1.2\nissued: 1\nexpires: 9\nx: y\n" EMPTY,
         "there is no other line"},
        {"sostenuto-signed: 1\r\nname: /a\nversion: 1.2\nissued: 1\nexpires: 9\n" EMPTY,
         "a line ends in LF alone"},
    };
    OK(open_resigned("sostenuto-signed: 1\nname: /a\nversion: 1.2\nissued: 1\nexpires: 9\n" EMPTY,
                     out) == SIGNED_GOOD,
       "the plain case is good");
    OK(open_resigned("sostenuto-signed: 1\nname: /a\nversion: 1.2\nissued: 1\nexpires: 9\n"
                     "digest: sha-256=:AAAAQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:\n",
                     out) == SIGNED_FORGED,
       "a signed digest of other bytes is found out");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        OK(open_resigned(rows[i].preamble, out) == SIGNED_MALFORMED, rows[i].claim);
}

static void test_newer(void)
{
    struct signed_object held = {.epoch = 2, .number = 5, .issued_s = 100}, other = held;
    OK(!signed_is_newer(&other, &held), "the same is not newer");
    other.issued_s = 101;
    OK(signed_is_newer(&other, &held), "the same version issued again replaces");
    other = (struct signed_object){.epoch = 2, .number = 4, .issued_s = 900};
    OK(!signed_is_newer(&other, &held), "nothing goes backwards within an epoch");
    other = (struct signed_object){.epoch = 3, .number = 1, .issued_s = 50};
    OK(signed_is_newer(&other, &held), "a greater epoch replaces whatever its number");
}

/* Every object that a node makes, with a right signature over each. */
static void test_every_name(struct buffer *out)
{
    static const char *const names[] = {"/keys", "/revoked", "/nodes", "/catalog/1",
                                        "/m/tr-1/manifest"};
    enum { NOW_S = 1000000, DAY_S = 86400 };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct signed_object made = {.name = text_of(names[i]),
                                           .epoch = 3,
                                           .number = 50,
                                           .issued_s = NOW_S,
                                           .expires_s = NOW_S + DAY_S,
                                           .body = TEXT("{}")};
        struct signed_object other = made, held, got;
        bool is_right =
            signed_open(public_key, seal(&made, out), made.name, NOW_S, &held) == SIGNED_GOOD;
        other.epoch = 2;
        other.number = 5000;
        other.issued_s = NOW_S + 60;
        is_right &=
            signed_open(public_key, seal(&other, out), made.name, NOW_S, &got) == SIGNED_GOOD &&
            !signed_is_newer(&got, &held);
        other = made;
        other.number = 49;
        other.issued_s = NOW_S + 60;
        is_right &=
            signed_open(public_key, seal(&other, out), made.name, NOW_S, &got) == SIGNED_GOOD &&
            !signed_is_newer(&got, &held);
        other = made;
        other.issued_s = NOW_S + DAY_S;
        is_right &=
            signed_open(public_key, seal(&other, out), made.name, NOW_S, &got) == SIGNED_EARLY;
        other.issued_s = 1;
        other.expires_s = 2;
        is_right &=
            signed_open(public_key, seal(&other, out), made.name, NOW_S, &got) == SIGNED_EXPIRED;
        struct text whole = seal(&made, out);
        is_right &= signed_open(public_key, text_make(whole.data, whole.size - 1), made.name, NOW_S,
                                &got) == SIGNED_FORGED;
        for (size_t k = 0; k < ARRAY_SIZE(names); k++)
            is_right &= (signed_open(public_key, whole, text_of(names[k]), NOW_S, &got) ==
                         SIGNED_GOOD) == (k == i);
        OK(is_right, names[i]);
    }
}

int main(void)
{
    struct buffer out;
    if (sodium_init() < 0)
        return 1;
    crypto_sign_keypair(public_key, secret);
    buffer_init(&out, 4096);
    test_life(&out);
    test_altered(&out);
    test_spellings(&out);
    test_newer();
    test_every_name(&out);
    buffer_release(&out);
    return tap_done();
}
