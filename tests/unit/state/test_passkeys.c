// SPDX-License-Identifier: GPL-3.0-or-later
/* Passkeys, and what was ended before its time. */
#include "fixture.h"
#include "state/passkeys.h"
#include "state/revocations.h"

static struct account_passkey some_passkey(struct uid account, uint8_t number)
{
    struct account_passkey one = {
        .account = account, .label = TEXT("my phone"), .created_ms = NOW_MS};
    one.passkey =
        (struct passkey){.credential_size = 4, .key_size = 64, .algorithm = PASSKEY_ES256};
    one.passkey.credential[0] = number;
    one.id = passkey_uid(text_make((const char *)one.passkey.credential, 4));
    return one;
}

static enum outcome submit(struct fixture *f, struct uid author, const struct account_passkey *one)
{
    struct batch *batch = fixture_batch(f, author);
    batch_passkey(batch, one);
    return fixture_submit(f, batch);
}

static void test_passkeys(struct fixture *f)
{
    struct uid anna = fixture_account(f, "anna"), bert = fixture_account(f, "bert");
    struct account_passkey one = some_passkey(anna, 1);
    OK(submit(f, anna, &one) == OUTCOME_ACCEPTED && fixture_reopen(f), "a passkey is written");
    const struct account_passkey *got = state_passkey(f->state, one.id);
    OK(got && text_equal(got->label, TEXT("my phone")) && uid_equal(got->account, anna) &&
           got->passkey.algorithm == PASSKEY_ES256 && got->passkey.key_size == 64 &&
           memcmp(got->passkey.credential, one.passkey.credential, 4) == 0 && !got->used_ms,
       "and survives a restart");
    one.passkey.count = 7;
    one.used_ms = NOW_MS + 5;
    OK(submit(f, anna, &one) == OUTCOME_ACCEPTED &&
           state_passkey(f->state, one.id)->passkey.count == 7 &&
           state_passkey(f->state, one.id)->used_ms == NOW_MS + 5,
       "its counter and last use are kept");
    OK(submit(f, bert, &one) == OUTCOME_FORBIDDEN, "nobody writes another's");
    struct account_passkey stolen = one;
    stolen.account = bert;
    OK(submit(f, bert, &stolen) == OUTCOME_ACCEPTED &&
           uid_equal(state_passkey(f->state, one.id)->account, anna),
       "a credential is its first owner's");
    for (uint8_t i = 2; i <= ACCOUNT_MAX_PASSKEYS; i++) {
        struct account_passkey more = some_passkey(anna, i);
        (void)submit(f, anna, &more);
    }
    struct account_passkey over = some_passkey(anna, 200);
    OK(submit(f, anna, &over) == OUTCOME_REFUSED, "an account has so many");
    struct batch *batch = fixture_batch(f, anna);
    batch_passkey_revoke(batch, anna, one.id);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && !state_passkey(f->state, one.id),
       "a revoked one is gone");
}

static bool is_revoked(const struct fixture *f, struct uid id)
{
    struct revocation_cursor cursor = {0};
    struct revocation one;
    while (state_revocation_next(f->state, &cursor, &one))
        if (uid_equal(one.id, id) && one.kind == REVOKED_SESSION)
            return one.until_ms > NOW_MS;
    return false;
}

static void test_revoked_sessions(struct fixture *f)
{
    struct uid carla = fixture_account(f, "carla");
    struct session session = {
        .id = uid_random(), .account = carla, .created_ms = NOW_MS, .expires_ms = NOW_MS + 9000};
    memset(&session.current, 7, sizeof session.current);
    session.previous = session.current;
    struct batch *batch = fixture_batch(f, carla);
    batch_session(batch, &session);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED &&
           session_is_bound(state_session(f->state, session.id, NOW_MS)) &&
           !is_revoked(f, session.id),
       "a session that is bound to a key lives");
    uint64_t version = state_revocations_version(f->state);
    batch = fixture_operator(f);
    batch_for(batch, carla);
    batch_account_disable(batch, carla, true);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && is_revoked(f, session.id) &&
           state_revocations_version(f->state) != version,
       "with its account disabled it counts as revoked");
    batch = fixture_operator(f);
    batch_for(batch, carla);
    batch_account_disable(batch, carla, false);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && !is_revoked(f, session.id),
       "and enabled again not");
    batch = fixture_batch(f, carla);
    batch_session_revoke(batch, carla, session.id);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && is_revoked(f, session.id) &&
           fixture_reopen(f) && is_revoked(f, session.id),
       "a revoked one stays so through a restart");
}

static void test_bound(void)
{
    struct revocations all = {0};
    bool is_heap = true;
    int64_t least = INT64_MAX;
    for (int64_t i = 0; i < REVOCATIONS_MAX + 1000; i++)
        revocations_add(&all, &(struct revocation){.until_ms = i * 7919 % 100003});
    for (size_t i = 1; i < all.count; i++) {
        is_heap = is_heap && all.items[(i - 1) / 2].until_ms <= all.items[i].until_ms;
        least = all.items[i].until_ms < least ? all.items[i].until_ms : least;
    }
    OK(all.count == REVOCATIONS_MAX && is_heap && all.items[0].until_ms <= least,
       "revocations are bounded, and what is over first gives way");
    revocations_release(&all);
}

int main(void)
{
    struct fixture fixture;
    fixture_init(&fixture);
    OK(fixture_open(&fixture), "a state opens in an empty folder");
    test_passkeys(&fixture);
    test_revoked_sessions(&fixture);
    test_bound();
    fixture_release(&fixture);
    return tap_done();
}
