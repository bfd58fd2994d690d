// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/dpop.h"
#include "base/encode.h"
#include "es256_maker.h"
#include "tap.h"
#include <sodium.h>

enum { NOW_S = 100000 };

static struct es256_maker maker;
static struct keys *keys;
static const struct dpop_request request = {.method = TEXT_INIT("POST"),
                                            .host = TEXT_INIT("music.example:8443"),
                                            .path = TEXT_INIT("/api/v1/session/refresh"),
                                            .now_s = NOW_S};

struct proof {
    char text[2048];
};

static void append(struct buffer *out, const char *json)
{
    encode_base64url(out, json, strlen(json));
}

/* A proof signed by `maker`: KEY in the header stands for its coordinates. */
static struct text make(const char *header, const char *claims, struct proof *ret)
{
    uint8_t signature[ES256_SIGNATURE_BYTES];
    char x[64], y[64], whole[512];
    struct buffer out;
    const char *at = strstr(header, "KEY");
    sodium_bin2base64(x, sizeof x, maker.key.x, 32, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_bin2base64(y, sizeof y, maker.key.y, 32, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    snprintf(whole, sizeof whole,
             "%.*s\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"%s", (int)(at - header),
             header, x, y, at + 3);
    buffer_init(&out, sizeof ret->text);
    append(&out, whole);
    buffer_byte(&out, '.');
    append(&out, claims);
    es256_maker_sign(&maker, buffer_view(&out), signature);
    buffer_byte(&out, '.');
    encode_base64url(&out, signature, sizeof signature);
    memcpy(ret->text, out.data, out.size);
    struct text t = text_make(ret->text, out.size);
    buffer_release(&out);
    return t;
}

#define HEADER "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{KEY}}"
#define URL "https://music.example:8443/api/v1/session/refresh"
#define CLAIMS(jti, htm, htu, rest) \
    "{\"jti\":\"" jti "\",\"htm\":\"" htm "\",\"htu\":\"" htu "\"," rest "}"
#define JTI "0123456789abcdef"
#define GOOD_CLAIMS CLAIMS(JTI, "POST", URL, "\"iat\":100000")

static void test_good(void)
{
    struct proof storage;
    struct dpop_proof got, again;
    OK(dpop_verify(keys, make(HEADER, GOOD_CLAIMS, &storage), &request, &got) == DPOP_GOOD,
       "a proof of now is good");
    OK(dpop_verify(
           keys, make(HEADER, CLAIMS("another-0123456789", "POST", URL, "\"iat\":99700"), &storage),
           &request, &again) == DPOP_GOOD &&
           memcmp(&got.thumb, &again.thumb, sizeof got.thumb) == 0 &&
           memcmp(got.id, again.id, sizeof got.id) != 0,
       "another one has the same key and another id");
    OK(dpop_verify(keys,
                   make(HEADER,
                        CLAIMS(JTI, "POST", "http://music.example:8443/api/v1/session/refresh",
                               "\"iat\":100000"),
                        &storage),
                   &request, &got) == DPOP_GOOD,
       "a proxy may have taken TLS off");
    struct nonce nonce;
    char claims[512];
    nonce_make(keys, TEXT(DPOP_PURPOSE), NOW_S - 200, &nonce);
    snprintf(claims, sizeof claims, CLAIMS(JTI, "POST", URL, "\"iat\":5,\"nonce\":\"%s\""),
             nonce.text);
    OK(dpop_verify(keys, make(HEADER, claims, &storage), &request, &got) == DPOP_GOOD,
       "a clock that is years off is good with a nonce of ours");
    struct dpop_request later = request;
    later.now_s += 200;
    OK(dpop_verify(keys, make(HEADER, claims, &storage), &later, &got) == DPOP_STALE,
       "which lives for five minutes");
}

static void test_refused(void)
{
    static const struct {
        const char *header, *claims;
        enum dpop_verdict verdict;
        const char *claim;
    } rows[] = {
        {HEADER, CLAIMS(JTI, "POST", URL, "\"iat\":99699"), DPOP_STALE, "an old proof is stale"},
        {HEADER, CLAIMS(JTI, "POST", URL, "\"iat\":100301"), DPOP_STALE, "so is a future one"},
        {HEADER, CLAIMS(JTI, "POST", URL, "\"iat\":100000,\"nonce\":\"x\""), DPOP_STALE,
         "a nonce that is not ours is none"},
        {HEADER, CLAIMS(JTI, "GET", URL, "\"iat\":100000"), DPOP_OTHER_REQUEST,
         "one for another method is for another request"},
        {HEADER, CLAIMS(JTI, "POST", URL "/", "\"iat\":100000"), DPOP_OTHER_REQUEST,
         "so is one for another path"},
        {HEADER,
         CLAIMS(JTI, "POST", "https://evil.example/api/v1/session/refresh", "\"iat\":100000"),
         DPOP_OTHER_REQUEST, "and for another host"},
        {HEADER,
         CLAIMS(JTI, "POST", "https://music.example:8443.evil/api/v1/session/refresh",
                "\"iat\":100000"),
         DPOP_OTHER_REQUEST, "and for a host that begins like ours"},
        {HEADER, CLAIMS("short", "POST", URL, "\"iat\":100000"), DPOP_MALFORMED,
         "a jti has its length"},
        {HEADER, CLAIMS(JTI, "POST", URL, "\"iat\":\"100000\""), DPOP_MALFORMED, "iat is a number"},
        {HEADER, "[]", DPOP_MALFORMED, "claims are an object"},
        {"{\"typ\":\"dpop+jwt\",\"alg\":\"none\",\"jwk\":{KEY}}", GOOD_CLAIMS, DPOP_MALFORMED,
         "there is one algorithm"},
        {"{\"typ\":\"JWT\",\"alg\":\"ES256\",\"jwk\":{KEY}}", GOOD_CLAIMS, DPOP_MALFORMED,
         "and one type"},
        {"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"d\":\"x\",KEY}}", GOOD_CLAIMS,
         DPOP_MALFORMED, "a private key is not shown"},
        {"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"kid\":\"x\",\"jwk\":{KEY}}", GOOD_CLAIMS,
         DPOP_MALFORMED, "nothing else stands in the header"},
    };
    struct proof storage;
    struct dpop_proof got;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        OK(dpop_verify(keys, make(rows[i].header, rows[i].claims, &storage), &request, &got) ==
               rows[i].verdict,
           rows[i].claim);
}

static void test_altered(void)
{
    struct proof storage;
    struct dpop_proof got;
    unsigned good = 0;
    struct text t = make(HEADER, GOOD_CLAIMS, &storage);
    for (size_t i = 0; i < t.size; i++) {
        char before = storage.text[i];
        storage.text[i] = before == 'A' ? 'B' : 'A';
        good += dpop_verify(keys, t, &request, &got) == DPOP_GOOD;
        storage.text[i] = before;
    }
    OK(good == 0, "changing any one character spoils a proof");
    for (size_t size = 0; size < t.size; size++)
        good += dpop_verify(keys, text_make(t.data, size), &request, &got) == DPOP_GOOD;
    OK(good == 0, "so does cutting it anywhere");
}

static void test_nonce(void)
{
    struct nonce nonce;
    struct keys *other = keys_ephemeral();
    nonce_make(keys, TEXT("one"), NOW_S, &nonce);
    OK(nonce_is_good(keys, TEXT("one"), text_of(nonce.text), NOW_S), "a nonce is ours");
    OK(!nonce_is_good(keys, TEXT("two"), text_of(nonce.text), NOW_S), "for its purpose alone");
    OK(!nonce_is_good(other, TEXT("one"), text_of(nonce.text), NOW_S), "not another node's");
    OK(!nonce_is_good(keys, TEXT("one"), text_of(nonce.text), NOW_S + NONCE_LIFE_S) &&
           !nonce_is_good(keys, TEXT("one"), text_of(nonce.text), NOW_S - 61),
       "and for its time");
    keys_free(&other);
}

/* A nonce that names a node, and what others read of a proof by it. */
static void test_named_nonce(void)
{
    struct proof storage;
    struct dpop_proof got;
    struct dpop_witness witness;
    struct dpop_request at_node = request;
    struct dpop_nonce nonce, anothers, plain;
    char claims[512];
    at_node.node = uid_random();
    dpop_nonce_make(keys, at_node.node, NOW_S, &nonce);
    dpop_nonce_make(keys, uid_random(), NOW_S, &anothers);
    dpop_nonce_make(keys, (struct uid){{0}}, NOW_S, &plain);
    snprintf(claims, sizeof claims, CLAIMS(JTI, "POST", URL, "\"iat\":99000,\"nonce\":\"%s\""),
             nonce.text);
    struct text t = make(HEADER, claims, &storage);
    OK(dpop_verify(keys, t, &at_node, &got) == DPOP_GOOD && got.names_node,
       "a node's nonce is good there, and the proof says so");
    OK(dpop_verify(keys, t, &request, &got) == DPOP_STALE, "and not at a node without an id");
    OK(dpop_witness(t, request.method, request.path, &witness) && witness.issued_s == 99000 &&
           uid_equal(witness.node, at_node.node),
       "others read at which node and when it was");
    OK(!dpop_witness(t, TEXT("GET"), request.path, &witness) &&
           !dpop_witness(t, request.method, TEXT("/api/v1/session"), &witness) &&
           !dpop_witness(text_make(t.data, t.size - 1), request.method, request.path, &witness),
       "of that request alone, and when it is whole");
    snprintf(claims, sizeof claims, CLAIMS(JTI, "POST", URL, "\"iat\":99000,\"nonce\":\"%s\""),
             anothers.text);
    OK(dpop_verify(keys, make(HEADER, claims, &storage), &at_node, &got) == DPOP_STALE,
       "another's nonce is none");
    snprintf(claims, sizeof claims, CLAIMS(JTI, "POST", URL, "\"iat\":99000,\"nonce\":\"%s\""),
             plain.text);
    t = make(HEADER, claims, &storage);
    OK(dpop_verify(keys, t, &request, &got) == DPOP_GOOD && !got.names_node &&
           dpop_verify(keys, t, &at_node, &got) == DPOP_STALE &&
           !dpop_witness(t, request.method, request.path, &witness),
       "nor one that names nobody");
    t = make(HEADER, GOOD_CLAIMS, &storage);
    OK(dpop_verify(keys, t, &at_node, &got) == DPOP_GOOD && !got.names_node &&
           !dpop_witness(t, request.method, request.path, &witness),
       "a proof of now needs no nonce, and is for its own request alone");
}

int main(void)
{
    keys = keys_ephemeral();
    es256_maker_init(&maker);
    test_good();
    test_refused();
    test_altered();
    test_nonce();
    test_named_nonce();
    es256_maker_release(&maker);
    keys_free(&keys);
    return tap_done();
}
