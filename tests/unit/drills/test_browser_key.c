// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/browser_key.h"
#include "tap.h"
#include "trust/dpop.h"
#include "trust/nonce.h"

enum { NOW_S = 1000000, MANY = 100 };

static const char node[] = "http://127.0.0.1:4747", path[] = "/api/v1/session/refresh";

static struct dpop_request request_at(int64_t now_s)
{
    return (struct dpop_request){.method = TEXT("POST"),
                                 .host = TEXT("127.0.0.1:4747"),
                                 .path = text_of(path),
                                 .now_s = now_s};
}

static enum dpop_verdict judge(const struct keys *keys, const struct browser_key *key,
                               const struct browser_post *post, int64_t now_s,
                               struct dpop_proof *ret)
{
    char proof[BROWSER_PROOF_BYTES];
    struct dpop_request request = request_at(now_s);
    size_t size = browser_key_prove(key, post, proof, sizeof proof);
    return dpop_verify(keys, text_make(proof, size), &request, ret);
}

static void many(const struct keys *keys, const struct browser_key *key)
{
    const struct browser_post post = {node, path, "", NOW_S};
    struct dpop_proof first, next;
    int good = 0, of_one_key = 0, of_one_proof = 0;
    OK(judge(keys, key, &post, NOW_S, &first) == DPOP_GOOD, "a node takes a browser's proof");
    for (int i = 0; i < MANY; i++) {
        good += judge(keys, key, &post, NOW_S, &next) == DPOP_GOOD;
        of_one_key += memcmp(&first.thumb, &next.thumb, sizeof first.thumb) == 0;
        of_one_proof += memcmp(first.id, next.id, sizeof first.id) == 0;
    }
    OK(good == MANY && of_one_key == MANY, "each of many is good, and names the same key");
    OK(of_one_proof == 0, "and none is used twice");
}

static void times(const struct keys *keys, const struct browser_key *key)
{
    struct browser_post post = {node, path, "", NOW_S};
    struct dpop_proof proof;
    struct nonce nonce;
    OK(judge(keys, key, &post, NOW_S + 86400, &proof) == DPOP_STALE,
       "where the clock is another a nonce is wanted");
    nonce_make(keys, TEXT(DPOP_PURPOSE), NOW_S + 86400, &nonce);
    post.nonce = nonce.text;
    OK(judge(keys, key, &post, NOW_S + 86400, &proof) == DPOP_GOOD,
       "and with it the time is right");
    post.path = "/api/v1/session";
    OK(judge(keys, key, &post, NOW_S + 86400, &proof) == DPOP_OTHER_REQUEST,
       "a proof is for one path");
}

static void little_room(const struct browser_key *key)
{
    const struct browser_post post = {node, path, "", NOW_S};
    char small[64];
    OK(browser_key_prove(key, &post, small, sizeof small) == 0, "without room there is no proof");
}

int main(void)
{
    struct keys *keys = keys_ephemeral();
    struct browser_key *key = browser_key_new();
    OK(key != NULL, "a browser makes a key");
    many(keys, key);
    times(keys, key);
    little_room(key);
    browser_key_free(&key);
    keys_free(&keys);
    return tap_done();
}
