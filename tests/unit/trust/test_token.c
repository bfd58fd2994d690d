// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/token.h"
#include "base/encode.h"
#include "tap.h"
#include <sodium.h>

static struct text signed_token(const struct keyring *keys, const struct token *token,
                                struct buffer *out)
{
    buffer_reset(out);
    token_sign(keys, token, out);
    return buffer_view(out);
}

/* A token with a right signature over any header ("KID" becomes the key's id) and claims. */
static struct text sign_anything(const struct keyring *keys, const char *form, const char *claims,
                                 struct buffer *out)
{
    uint8_t signature[crypto_sign_BYTES];
    char header[128];
    struct key_id id;
    struct key_id_text id_text;
    const uint8_t *secret = keyring_signing(keys, 1000, &id);
    const char *kid = strstr(form, "KID");
    int before = kid ? (int)(kid - form) : (int)strlen(form);
    snprintf(header, sizeof header, "%.*s%s%s", before, form,
             kid ? key_id_text(&id_text, id).data : "", kid ? kid + 3 : "");
    buffer_reset(out);
    encode_base64url(out, header, strlen(header));
    buffer_byte(out, '.');
    encode_base64url(out, claims, strlen(claims));
    crypto_sign_detached(signature, NULL, (const uint8_t *)out->data, out->size, secret);
    buffer_byte(out, '.');
    encode_base64url(out, signature, sizeof signature);
    return buffer_view(out);
}

static void test_life(const struct keyring *keys, struct buffer *out)
{
    struct token token = {.session = uid_random(),
                          .account = uid_random(),
                          .issued_s = 1000,
                          .expires_s = 1000 + TOKEN_LIFE_S},
                 got = {0};
    struct text t = signed_token(keys, &token, out);
    OK(token_verify(keys, t, 1000, &got) == TOKEN_GOOD && uid_equal(got.session, token.session) &&
           uid_equal(got.account, token.account) && got.expires_s == token.expires_s,
       "a token says who and until when");
    OK(t.size < TOKEN_MAX_BYTES, "it is shorter than the limit");
    OK(token_verify(keys, t, 1000 + TOKEN_LIFE_S - 1, &got) == TOKEN_GOOD,
       "it lives for a quarter of an hour");
    OK(token_verify(keys, t, 1000 + TOKEN_LIFE_S, &got) == TOKEN_EXPIRED,
       "and not a second longer");
    OK(token_verify(keys, t, 1000 - 61, &got) == TOKEN_EXPIRED,
       "one from the future is not valid yet");
    token.is_bound = true;
    token.thumb.bytes[31] = 7;
    t = signed_token(keys, &token, out);
    OK(token_verify(keys, t, 1000, &got) == TOKEN_GOOD && got.is_bound &&
           memcmp(&got.thumb, &token.thumb, sizeof got.thumb) == 0 && t.size < TOKEN_MAX_BYTES,
       "that of a bound session names the browser's key");
    struct keyring *other = keyring_ephemeral(1000);
    OK(token_verify(other, t, 1000, &got) == TOKEN_FORGED, "another node's key does not verify it");
    keyring_unref(&other);
}

static void test_altered(const struct keyring *keys, struct buffer *out)
{
    struct token token = {.session = uid_random(),
                          .account = uid_random(),
                          .issued_s = 1000,
                          .expires_s = 2000},
                 got;
    char copy[TOKEN_MAX_BYTES];
    struct text t = signed_token(keys, &token, out);
    memcpy(copy, t.data, t.size);
    unsigned good = 0;
    for (size_t i = 0; i < t.size; i++) {
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        good += token_verify(keys, text_make(copy, t.size), 1500, &got) == TOKEN_GOOD;
        copy[i] = t.data[i];
    }
    OK(good == 0, "changing any one character spoils it");
    for (size_t size = 0; size < t.size; size++)
        good += token_verify(keys, text_make(copy, size), 1500, &got) == TOKEN_GOOD;
    OK(good == 0, "so does cutting it anywhere");
}

static void test_strange(const struct keyring *keys, struct buffer *out)
{
    static const char OURS[] = "{\"alg\":\"EdDSA\",\"kid\":\"KID\",\"typ\":\"at+jwt\"}";
    static const char CLAIMS[] =
        "{\"iss\":\"sostenuto\",\"sub\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"sid\":"
        "\"AAAAAAAAAAAAAAAAAAAAAA\",\"iat\":1000,\"exp\":2000}";
    static const struct {
        const char *header, *claims, *claim;
    } rows[] = {
        {"{\"alg\":\"none\",\"kid\":\"KID\"}", CLAIMS, "another algorithm is refused"},
        {"{\"kid\":\"KID\",\"typ\":\"at+jwt\",\"alg\":\"EdDSA\"}", CLAIMS,
         "even the same header in another order is refused"},
        {OURS, "{}", "claims may not be missing"},
        {OURS, "[]", "claims are an object"},
        {OURS,
         "{\"iss\":\"sostenuto\",\"sub\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"sid\":"
         "\"AAAAAAAAAAAAAAAAAAAAAA\",\"iat\":1000,\"exp\":2000,\"cnf\":{\"jkt\":\"AAAA\"}}",
         "a key's thumb has its size"},
        {OURS,
         "{\"iss\":\"x\",\"sub\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\","
         "\"iat\":1000,\"exp\":2000}",
         "another issuer is refused"},
        {OURS,
         "{\"iss\":\"sostenuto\",\"sub\":\"AAAA\",\"sid\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"iat\":1000,"
         "\"exp\":2000}",
         "a short id is refused"},
        {OURS,
         "{\"iss\":\"sostenuto\",\"sub\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"sid\":"
         "\"AAAAAAAAAAAAAAAAAAAAAA\",\"iat\":1000,\"exp\":\"2000\"}",
         "a time is a number"},
    };
    struct token got;
    OK(token_verify(keys, sign_anything(keys, OURS, CLAIMS, out), 1500, &got) == TOKEN_GOOD,
       "the plain case is good");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        OK(token_verify(keys, sign_anything(keys, rows[i].header, rows[i].claims, out), 1500,
                        &got) == TOKEN_MALFORMED,
           rows[i].claim);
}

int main(void)
{
    struct keyring *keys = keyring_ephemeral(1000);
    struct buffer out;
    buffer_init(&out, 4096);
    test_life(keys, &out);
    test_altered(keys, &out);
    test_strange(keys, &out);
    buffer_release(&out);
    keyring_unref(&keys);
    return tap_done();
}
