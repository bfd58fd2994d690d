// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/edge_signed.h"
#include "tap.h"
#include "trust/node_certificate.h"
#include <sodium.h>

enum { NOW_S = 1767225600, DAY_S = 24 * 60 * 60, ROOM = 8192 };

/* One edge with a delegation of its origin, and an object that it signed. */
struct scene {
    struct keyring *ring;
    uint8_t secret[SIGNED_SECRET_BYTES];
    struct delegation by;
    struct buffer delegation, object;
    bool is_revoked;
    struct edge_signed_rules rules;
};

static bool is_revoked(void *context, struct uid node)
{
    const struct scene *scene = context;
    return scene->is_revoked && uid_equal(node, scene->by.id);
}

static void edge_key(uint8_t number, uint8_t secret[SIGNED_SECRET_BYTES], struct delegation *ret)
{
    uint8_t seed[32] = {number};
    (void)crypto_sign_seed_keypair(ret->key, secret, seed);
    ret->id = node_id_of(ret->key);
}

static void sign(struct scene *scene, int64_t issued_s)
{
    const struct signed_object object = {.name = TEXT("/ops/batch"),
                                         .number = 1,
                                         .issued_s = issued_s,
                                         .expires_s = issued_s + 60 * DAY_S,
                                         .body = TEXT("a star")};
    buffer_reset(&scene->object);
    signed_seal(scene->secret, &object, &scene->object);
}

static void delegate(struct scene *scene, uint32_t may, int64_t issued_s)
{
    scene->by.may = may;
    scene->by.since_s = scene->by.issued_s = issued_s;
    buffer_reset(&scene->delegation);
    OK(delegation_write(scene->ring, 1, &scene->by, &scene->delegation), "a delegation is written");
}

static void scene_make(struct scene *scene)
{
    *scene = (struct scene){.by = {.name = "paris"}};
    scene->ring = keyring_ephemeral(NOW_S - 2 * DAY_S);
    buffer_init(&scene->delegation, ROOM);
    buffer_init(&scene->object, ROOM);
    edge_key(5, scene->secret, &scene->by);
    scene->rules = (struct edge_signed_rules){.ring = scene->ring,
                                              .may = DELEGATED_OPERATIONS,
                                              .now_s = NOW_S,
                                              .is_revoked = is_revoked,
                                              .context = scene};
    delegate(scene, DELEGATED_OPERATIONS, NOW_S - DAY_S);
    sign(scene, NOW_S - 60);
}

static void scene_release(struct scene *scene)
{
    keyring_unref(&scene->ring);
    buffer_release(&scene->delegation);
    buffer_release(&scene->object);
}

static enum edge_signed_verdict judge(struct scene *scene, struct text name)
{
    struct signed_object object;
    struct delegation by;
    return edge_signed_open(&scene->rules, buffer_view(&scene->delegation),
                            buffer_view(&scene->object), name, &object, &by);
}

static void test_good(struct scene *scene)
{
    struct signed_object object;
    struct delegation by;
    OK(edge_signed_open(&scene->rules, buffer_view(&scene->delegation), buffer_view(&scene->object),
                        TEXT("/ops/batch"), &object, &by) == EDGE_SIGNED_GOOD,
       "what a delegated edge signed is good");
    OK_TEXT(object.body, TEXT("a star"), "and its body is there");
    OK(uid_equal(by.id, scene->by.id), "and who signed it");
    OK(judge(scene, TEXT("/ops/other")) == EDGE_SIGNED_OTHER, "another object was asked for");
}

static void test_tampering(struct scene *scene)
{
    size_t good = 0;
    struct buffer *both[] = {&scene->object, &scene->delegation};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < both[k]->size; i++) {
            both[k]->data[i] ^= 1;
            good += judge(scene, TEXT_NONE) == EDGE_SIGNED_GOOD;
            both[k]->data[i] ^= 1;
        }
    OK(good == 0, "with any byte of either changed it is refused");
    struct edge_signed_rules rules = scene->rules;
    struct text none = TEXT_NONE;
    struct signed_object object;
    struct delegation by;
    OK(edge_signed_open(&rules, none, buffer_view(&scene->object), none, &object, &by) ==
               EDGE_SIGNED_MALFORMED &&
           edge_signed_open(&rules, buffer_view(&scene->delegation), none, none, &object, &by) ==
               EDGE_SIGNED_MALFORMED,
       "either alone is malformed");
}

static void test_strangers(struct scene *scene)
{
    uint8_t secret[SIGNED_SECRET_BYTES];
    struct delegation other;
    memcpy(secret, scene->secret, sizeof secret);
    edge_key(6, scene->secret, &other);
    sign(scene, NOW_S - 60);
    OK(judge(scene, TEXT_NONE) == EDGE_SIGNED_OTHER,
       "another edge cannot speak with this one's delegation");
    memcpy(scene->secret, secret, sizeof secret);
    sign(scene, NOW_S - 60);

    struct keyring *foreign = keyring_ephemeral(NOW_S - 2 * DAY_S);
    scene->rules.ring = foreign;
    OK(judge(scene, TEXT_NONE) == EDGE_SIGNED_UNKNOWN_KEY,
       "a delegation of another origin is not known here");
    scene->rules.ring = scene->ring;
    keyring_unref(&foreign);
}

static void test_rights(struct scene *scene)
{
    scene->rules.may = DELEGATED_OPERATIONS | DELEGATED_SESSIONS;
    OK(judge(scene, TEXT_NONE) == EDGE_SIGNED_NOT_DELEGATED,
       "one right of two that are wanted is not enough");
    scene->rules.may = DELEGATED_OPERATIONS;
    scene->is_revoked = true;
    OK(judge(scene, TEXT_NONE) == EDGE_SIGNED_REVOKED,
       "a revoked edge is not believed, though it signed before");
    scene->is_revoked = false;
}

static void test_times(struct scene *scene)
{
    sign(scene, NOW_S - 2 * DAY_S);
    OK(judge(scene, TEXT_NONE) == EDGE_SIGNED_OUTSIDE, "made before the delegation began");
    sign(scene, NOW_S + DAY_S);
    OK(judge(scene, TEXT_NONE) == EDGE_SIGNED_EARLY, "made tomorrow");
    sign(scene, NOW_S - 60);
    scene->rules.now_s = NOW_S + 40LL * DAY_S;
    OK(judge(scene, TEXT_NONE) == EDGE_SIGNED_GOOD,
       "what was signed in time is good after the delegation's end");
    sign(scene, NOW_S + 35LL * DAY_S);
    OK(judge(scene, TEXT_NONE) == EDGE_SIGNED_OUTSIDE, "what was signed after that is not");
    sign(scene, NOW_S - 60);
    scene->rules.now_s = NOW_S + 61LL * DAY_S;
    OK(judge(scene, TEXT_NONE) == EDGE_SIGNED_EXPIRED, "the object's own end is told apart");
    scene->rules.now_s = NOW_S;
}

static void test_delegation_alone(struct scene *scene)
{
    struct delegation by;
    struct text delegation = buffer_view(&scene->delegation);
    OK(edge_signed_delegation(&scene->rules, delegation, NOW_S, &by) == EDGE_SIGNED_GOOD &&
           edge_signed_may(&scene->rules, &by, NOW_S) == EDGE_SIGNED_GOOD,
       "a delegation speaks for a token made now");
    OK(edge_signed_may(&scene->rules, &by, NOW_S + 31LL * DAY_S) == EDGE_SIGNED_EARLY,
       "not for one of next month");
    scene->rules.now_s = NOW_S + 31LL * DAY_S;
    OK(edge_signed_may(&scene->rules, &by, NOW_S + 31LL * DAY_S) == EDGE_SIGNED_OUTSIDE,
       "nor, next month, for one made then");
    scene->rules.now_s = NOW_S;
    bool has_words = true;
    for (enum edge_signed_verdict i = EDGE_SIGNED_GOOD; i <= EDGE_SIGNED_EXPIRED; i++)
        has_words &= edge_signed_words(i) != NULL;
    OK(has_words, "each verdict has words");
}

int main(void)
{
    struct scene scene;
    if (sodium_init() < 0)
        return 1;
    scene_make(&scene);
    test_good(&scene);
    test_tampering(&scene);
    test_strangers(&scene);
    test_rights(&scene);
    test_times(&scene);
    test_delegation_alone(&scene);
    scene_release(&scene);
    return tap_done();
}
