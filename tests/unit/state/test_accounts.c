// SPDX-License-Identifier: GPL-3.0-or-later
#include "fixture.h"
#include <time.h>

static void test_account(struct fixture *f)
{
    struct batch *batch = fixture_operator(f);
    OK(state_account_count(f->state) == 0, "a new state has no accounts");
    struct uid anna = batch_account_create(batch, TEXT("Anna"), TEXT("$argon2id$one"), true, 3);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED, "an operator makes one");
    const struct account *account = state_account_by_name(f->state, TEXT("aNNa"));
    OK(account && uid_equal(account->id, anna) && account->is_admin && account->libraries == 3,
       "it is found by name in any case");
    OK_TEXT(account->password_hash, TEXT("$argon2id$one"), "with its password's hash");
    OK(account->created_ms == NOW_MS, "and its age");
    OK(uid_is_none(fixture_account(f, "ANNA")) && strstr(f->why, "taken"),
       "a name is taken in any case");

    struct uid bert = fixture_account(f, "bert");
    batch = fixture_batch(f, bert);
    batch_account_role(batch, bert, true);
    OK(fixture_submit(f, batch) == OUTCOME_FORBIDDEN,
       "nobody makes an administrator of themselves");
    batch = fixture_batch(f, bert);
    batch_password(batch, anna, TEXT("$argon2id$stolen"));
    OK(fixture_submit(f, batch) == OUTCOME_FORBIDDEN, "or changes another's password");
    batch = fixture_batch(f, bert);
    batch_password(batch, bert, TEXT("$argon2id$two"));
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED, "their own they do");

    batch = fixture_operator(f);
    batch_account_rename(batch, bert, TEXT("Berta"));
    batch_account_disable(batch, bert, true);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED &&
           !state_account_by_name(f->state, TEXT("bert")),
       "a rename frees the old name");
    account = state_account_by_name(f->state, TEXT("berta"));
    OK(account && account->is_disabled, "and the account goes by the new one, here disabled");
    OK(!uid_is_none(fixture_account(f, "bert")), "the old name can be had again");
}

static void test_apps(struct fixture *f)
{
    struct secret secret, unsealed;
    struct uid account = state_account_by_name(f->state, TEXT("anna"))->id;
    struct batch *batch = fixture_batch(f, account);
    struct uid id = batch_app_create(batch, account, TEXT("Phone"), &secret);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED, "a listener makes a secret for an app");
    struct secret_index index = secret_index(f->keys, &secret);
    const struct app *app = state_app_by_index(f->state, &index);
    OK(app && uid_equal(app->id, id) && uid_equal(app->account, account),
       "the secret finds app and account");
    OK(app && secret_unseal(f->keys, &app->sealed, id, &unsealed) &&
           strcmp(secret.text, unsealed.text) == 0,
       "and can be unsealed for token+salt");
    state_app_used(f->state, id, NOW_MS + 5);
    OK(state_app(f->state, id)->last_used_ms == NOW_MS + 5, "its last use is remembered");
    OK(fixture_reopen(f) && state_app_by_index(f->state, &index),
       "after a restart it still signs in");

    batch = fixture_batch(f, account);
    batch_app_revoke(batch, account, id);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && !state_app_by_index(f->state, &index),
       "revoked, it does not");
    OK(fixture_reopen(f) && !state_app(f->state, id), "nor after another restart");
}

static void test_sessions(struct fixture *f)
{
    struct uid account = state_account_by_name(f->state, TEXT("anna"))->id;
    struct refresh first, second;
    struct session session = {.id = uid_random(),
                              .account = account,
                              .label = TEXT("Firefox"),
                              .rotated_ms = NOW_MS,
                              .created_ms = NOW_MS,
                              .expires_ms = NOW_MS + 1000};
    refresh_generate(session.id, &first);
    refresh_generate(session.id, &second);
    session.current = first.hash;
    struct batch *batch = fixture_batch(f, account);
    batch_session(batch, &session);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && state_session(f->state, session.id, NOW_MS),
       "a sign-in makes a session");
    OK(!state_session(f->state, session.id, NOW_MS + 1000), "it ends when it says");
    session.previous = session.current;
    session.current = second.hash;
    batch = fixture_batch(f, account);
    batch_session(batch, &session);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && fixture_reopen(f),
       "rotation writes it anew");
    const struct session *got = state_session(f->state, session.id, NOW_MS);
    OK(got && memcmp(&got->current, &second.hash, sizeof second.hash) == 0 &&
           memcmp(&got->previous, &first.hash, sizeof first.hash) == 0,
       "and both hashes survive a restart");
    OK_TEXT(got->label, TEXT("Firefox"), "with the label");
    batch = fixture_operator(f);
    batch_account_delete(batch, account);
    OK(fixture_submit(f, batch) == OUTCOME_ACCEPTED && !state_session(f->state, session.id, NOW_MS),
       "sessions end with their account");
    batch = fixture_batch(f, account);
    batch_star(batch, subject_number("tr", 1), true);
    OK(fixture_submit(f, batch) == OUTCOME_FORBIDDEN, "which can do nothing any more");
}

static void test_many_sessions(struct fixture *f)
{
    struct uid account = fixture_account(f, "carla");
    struct session session = {.account = account, .expires_ms = NOW_MS + 100000};
    for (int i = 0; i <= ACCOUNT_MAX_SESSIONS; i++) {
        session.id = uid_random();
        session.rotated_ms = NOW_MS + i;
        struct batch *batch = fixture_batch(f, account);
        batch_session(batch, &session);
        fixture_submit(f, batch);
    }
    size_t cursor = 0, count = 0;
    bool has_oldest = false;
    for (const struct session *one; (one = state_session_next(f->state, account, &cursor)); count++)
        has_oldest |= one->rotated_ms == NOW_MS;
    OK(count == ACCOUNT_MAX_SESSIONS && !has_oldest,
       "past the limit the session used longest ago makes room");
}

static double cpu_s(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static double ask_often(const struct state *state, struct uid account, struct uid unknown)
{
    enum { OFTEN = 2000 };
    size_t count = 0;
    double start = cpu_s();
    for (int i = 0; i < OFTEN; i++) {
        for (size_t cursor = 0; state_session_next(state, account, &cursor);)
            count++;
        count += state_session_has_ended(state, unknown);
    }
    OK(count == OFTEN, "an account has one session, and what nobody knows has not ended");
    return cpu_s() - start;
}

static void sign_in(struct fixture *f, struct uid account, unsigned times)
{
    struct session session = {.account = account, .expires_ms = NOW_MS + 100000};
    struct batch *batch = fixture_operator(f);
    for (unsigned i = 0; i < times; i++) {
        session.id = uid_random();
        batch_session(batch, &session);
    }
    fixture_submit(f, batch);
}

/* Each sign-in asks, each password that is changed, and who lost an edge asks for everybody. */
static void test_sessions_of_others(struct fixture *f)
{
    enum { OTHERS = 100, EACH = 200 };
    struct uid account = fixture_account(f, "dora"), unknown = uid_random();
    sign_in(f, account, 1);
    double alone = ask_often(f->state, account, unknown);
    for (unsigned i = 0; i < OTHERS; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "other%u", i);
        sign_in(f, fixture_account(f, name), EACH);
    }
    double among = ask_often(f->state, account, unknown);
    printf("# %.2f ms, among %u others' sessions %.2f ms\n", alone * 1e3, OTHERS * EACH,
           among * 1e3);
    OK(among < 10 * alone + 0.005, "others' sessions cost an account nothing");
}

static bool is_listed(const struct state *state, struct uid id)
{
    struct revocation_cursor cursor = {0};
    struct revocation one;
    while (state_revocation_next(state, &cursor, &one))
        if (uid_equal(one.id, id))
            return true;
    return false;
}

static void test_ids_of_others(struct fixture *f)
{
    struct uid mine = fixture_account(f, "fred"), other = fixture_account(f, "gina");
    struct secret secret;
    size_t cursor = 0;
    sign_in(f, other, 1);
    const struct uid session = state_session_next(f->state, other, &cursor)->id;
    struct batch *batch = fixture_batch(f, other);
    const struct uid app = batch_app_create(batch, other, TEXT("car"), &secret);
    fixture_submit(f, batch);
    batch = fixture_batch(f, mine);
    batch_session_revoke(batch, mine, session);
    batch_app_revoke(batch, mine, app);
    fixture_submit(f, batch);
    OK(state_session(f->state, session, NOW_MS) && state_app(f->state, app),
       "nobody ends what is another's");
    OK(!is_listed(f->state, session) && !is_listed(f->state, app),
       "nor has it named among what ended");
    OK(fixture_reopen(f) && !is_listed(f->state, session) && !is_listed(f->state, app),
       "also after a restart");
    batch = fixture_batch(f, other);
    batch_session_revoke(batch, other, session);
    batch_app_revoke(batch, other, app);
    fixture_submit(f, batch);
    OK(is_listed(f->state, session) && is_listed(f->state, app), "whose it is does");
}

static void test_sessions_that_end_meanwhile(struct fixture *f)
{
    struct uid account = fixture_account(f, "ella");
    const struct session *one;
    size_t cursor = 0, count = 0;
    sign_in(f, account, 5);
    while ((one = state_session_next(f->state, account, &cursor)) && ++count < 100) {
        struct batch *batch = fixture_batch(f, account);
        batch_session_revoke(batch, account, one->id);
        fixture_submit(f, batch);
    }
    OK(count == 5, "who ends each session on the way meets each once");
    cursor = 0;
    OK(!state_session_next(f->state, account, &cursor), "and then there is none");
}

int main(void)
{
    struct fixture fixture;
    fixture_init(&fixture);
    OK(fixture_open(&fixture), "a state opens in an empty folder");
    test_account(&fixture);
    OK(fixture_reopen(&fixture) && state_account_count(fixture.state) == 3,
       "accounts survive a restart");
    test_apps(&fixture);
    test_sessions(&fixture);
    test_many_sessions(&fixture);
    test_sessions_that_end_meanwhile(&fixture);
    test_ids_of_others(&fixture);
    test_sessions_of_others(&fixture);
    fixture_release(&fixture);
    return tap_done();
}
