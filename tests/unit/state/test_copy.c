// SPDX-License-Identifier: GPL-3.0-or-later
/* One account's state, from an origin to a node that has other keys. */
#include "state/copy.h"
#include "fixture.h"
#include "io/file.h"
#include "trust/box.h"
#include "trust/keys.h"

#include <sodium.h>

static struct fixture origin, edge;
static struct uid anna, berta;
static struct subject song, other;
static struct secret secret;
static struct uid app, cookie_session, bound_session;

enum { COPY_MAX_BYTES = 1 << 20 };
#define HASH "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaA"

static void sign_in(void)
{
    struct session session = {.account = anna,
                              .created_ms = NOW_MS,
                              .rotated_ms = NOW_MS,
                              .expires_ms = NOW_MS + 1000000,
                              .label = TEXT("sofa")};
    session.id = uid_random();
    cookie_session = session.id;
    memset(session.current.bytes, 7, sizeof session.current.bytes);
    struct batch *batch = fixture_batch(&origin, anna);
    batch_session(batch, &session);
    session.id = uid_random();
    bound_session = session.id;
    session.previous = session.current;
    batch_session(batch, &session);
    OK(fixture_submit(&origin, batch) == OUTCOME_ACCEPTED, "somebody signs in twice");
}

static void live(void)
{
    struct batch *batch = fixture_batch(&origin, anna);
    batch_star(batch, song, true);
    batch_rating(batch, other, 4);
    batch_play(batch, &(struct play){.track = song, .at_ms = NOW_MS});
    app = batch_app_create(batch, anna, TEXT("car"), &secret);
    OK(fixture_submit(&origin, batch) == OUTCOME_ACCEPTED, "and uses what there is");
}

static enum state_copy carry_with(struct uid from, struct uid as, const uint8_t *by,
                                  const char **ret_why)
{
    struct buffer copy;
    buffer_init(&copy, COPY_MAX_BYTES);
    state_copy_write(origin.state, from, NOW_MS, &copy);
    enum state_copy verdict = state_copy_learn(edge.state, as, buffer_view(&copy), by, ret_why);
    buffer_release(&copy);
    return verdict;
}

static enum state_copy carry(struct uid from, struct uid as, const char **ret_why)
{
    return carry_with(from, as, NULL, ret_why);
}

static enum state_copy carry_as(const uint8_t *by, const char **ret_why)
{
    return carry_with(anna, anna, by, ret_why);
}

static bool is_applied;

static void on_applied(void *context, bool is_durable)
{
    is_applied = is_durable;
    loop_stop(context);
}

static void settle(void)
{
    is_applied = false;
    state_when_applied(edge.state, on_applied, edge.loop);
    loop_run(edge.loop);
    OK(is_applied, "what was learnt is in the database");
}

static void shows_all_at_the_edge(const char *when)
{
    char claim[100];
    const struct listener *listener = state_listener(edge.state, anna);
    const struct account *account = state_account(edge.state, anna);
    struct secret_index keyless = secret_hash(&secret);
    const struct app *found = state_app_by_index(edge.state, &keyless);
    (void)snprintf(claim, sizeof claim, "%s: name, star, rating and plays are there", when);
    OK(account && text_equal(account->name, TEXT("anna")) &&
           listener_starred_ms(listener, song) != 0 && listener_rating(listener, other) == 4 &&
           listener_plays(listener, song).count == 1,
       claim);
    (void)snprintf(claim, sizeof claim, "%s: the app is found by its secret", when);
    OK(found && uid_equal(found->id, app), claim);
    (void)snprintf(claim, sizeof claim, "%s: so are both sessions", when);
    OK(state_session(edge.state, cookie_session, NOW_MS) &&
           state_session(edge.state, bound_session, NOW_MS),
       claim);
}

static void opens_nothing(void)
{
    struct secret opened;
    struct secret_index keyed = secret_index(origin.keys, &secret);
    const struct account *account = state_account(edge.state, anna);
    const struct app *found = state_app(edge.state, app);
    const struct session *session = state_session(edge.state, cookie_session, NOW_MS);
    uint8_t sevens[sizeof session->current.bytes];
    memset(sevens, 7, sizeof sevens);
    OK(account->password_hash.size == 0, "no password's hash travels");
    OK(!state_app_by_index(edge.state, &keyed) &&
           !secret_unseal(origin.keys, &found->sealed, app, &opened),
       "nor what the origin's keys would open");
    OK(memcmp(session->current.bytes, sevens, sizeof sevens) != 0 && !session_is_bound(session),
       "nor what renews a session by its cookie, which does not become a bound one");
    OK(session_is_bound(state_session(edge.state, bound_session, NOW_MS)),
       "the thumb of a browser's key does");
}

/* --- to an edge where they sign in --- */

static uint8_t seed[BOX_SEED_BYTES], other_seed[BOX_SEED_BYTES];

static enum state_copy carry_boxed(const uint8_t *to, const uint8_t *by, const char **ret_why)
{
    struct buffer copy;
    uint8_t key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(key, secret_key, to);
    buffer_init(&copy, COPY_MAX_BYTES);
    state_copy_write_boxed(origin.state, anna, key, NOW_MS, &copy);
    enum state_copy verdict = state_copy_learn(edge.state, anna, buffer_view(&copy), by, ret_why);
    OK(memmem(copy.data, copy.size, secret.text, SECRET_TEXT_BYTES) == NULL &&
           memmem(copy.data, copy.size, HASH, sizeof HASH - 1) == NULL,
       "nothing of it can be read on the way");
    buffer_release(&copy);
    return verdict;
}

static bool signs_in_here(void)
{
    struct secret opened;
    const struct account *account = state_account(edge.state, anna);
    const struct app *found = state_app(edge.state, app);
    const struct session *session = state_session(edge.state, cookie_session, NOW_MS);
    uint8_t sevens[sizeof session->current.bytes];
    memset(sevens, 7, sizeof sevens);
    bool is_same = found && secret_unseal(edge.keys, &found->sealed, app, &opened) &&
                   strcmp(opened.text, secret.text) == 0;
    return text_equal(account->password_hash, TEXT(HASH)) && is_same && session &&
           memcmp(session->current.bytes, sevens, sizeof sevens) == 0;
}

static void a_home_gets_what_signs_in(void)
{
    const char *why = "";
    struct batch *batch = fixture_operator(&origin);
    batch_password(batch, anna, TEXT(HASH));
    OK(fixture_submit(&origin, batch) == OUTCOME_ACCEPTED, "a password");
    memset(seed, 1, sizeof seed);
    memset(other_seed, 2, sizeof other_seed);
    OK(carry_boxed(other_seed, seed, &why) == STATE_COPY_BAD && *why,
       "a box for another node is refused");
    OK(state_account(edge.state, anna)->password_hash.size == 0, "and nothing of it is learnt");
    OK(carry_boxed(seed, NULL, &why) == STATE_COPY_LEARNT && !signs_in_here(),
       "who has no key learns what stands beside it");
    OK(carry_boxed(seed, seed, &why) == STATE_COPY_LEARNT && signs_in_here(),
       "the home has password, app secret and what renews by a cookie");
    struct secret_sealed sealed = state_app(edge.state, app)->sealed;
    OK(carry_boxed(seed, seed, &why) == STATE_COPY_LEARNT &&
           memcmp(&sealed, &state_app(edge.state, app)->sealed, sizeof sealed) == 0,
       "which may come again");
    settle();
    OK(fixture_reopen(&edge) && signs_in_here(), "and is there after a restart");
    OK(carry(anna, anna, &why) == STATE_COPY_LEARNT && signs_in_here(),
       "who reads copies without a key of its own forgets nothing");
    OK(carry_as(seed, &why) == STATE_COPY_LEARNT, "a copy without a box, for a node with a key");
    opens_nothing();
    shows_all_at_the_edge("and all else");
    settle();
    OK(fixture_reopen(&edge), "after a restart");
    opens_nothing();
    shows_all_at_the_edge("after it");
    OK(carry_boxed(seed, seed, &why) == STATE_COPY_LEARNT && signs_in_here(),
       "home again, it has all again");
    OK(carry_as(seed, &why) == STATE_COPY_LEARNT, "and forgets it");
}

static void undoing_travels(void)
{
    const char *why = "";
    struct batch *batch = fixture_batch(&origin, anna);
    batch_star(batch, song, false);
    batch_app_revoke(batch, anna, app);
    batch_session_revoke(batch, anna, cookie_session);
    OK(fixture_submit(&origin, batch) == OUTCOME_ACCEPTED &&
           carry(anna, anna, &why) == STATE_COPY_LEARNT,
       "a later copy");
    struct secret_index keyless = secret_hash(&secret);
    OK(listener_starred_ms(state_listener(edge.state, anna), song) == 0 &&
           !state_app_by_index(edge.state, &keyless) &&
           !state_session(edge.state, cookie_session, NOW_MS),
       "takes back star, app and session");
    OK(carry(anna, anna, &why) == STATE_COPY_LEARNT &&
           listener_plays(state_listener(edge.state, anna), song).count == 1,
       "and may come again without counting twice");
    batch = fixture_operator(&origin);
    batch_account_delete(batch, anna);
    OK(fixture_submit(&origin, batch) == OUTCOME_ACCEPTED &&
           carry(anna, anna, &why) == STATE_COPY_LEARNT && !state_account(edge.state, anna),
       "an account that is gone is gone");
}

static void others_are_refused(void)
{
    const char *why = "";
    OK(carry(anna, berta, &why) == STATE_COPY_BAD && *why, "a copy of somebody else is refused");
    OK(!state_account(edge.state, anna), "and nothing of it is learnt");
    OK(state_copy_learn(edge.state, anna, TEXT("<html>"), NULL, &why) == STATE_COPY_BAD && *why,
       "so is what is none");
    struct buffer copy;
    buffer_init(&copy, COPY_MAX_BYTES);
    state_copy_write(origin.state, anna, NOW_MS, &copy);
    copy.data[copy.size / 2] ^= 1;
    OK(state_copy_learn(edge.state, anna, buffer_view(&copy), NULL, &why) == STATE_COPY_BAD,
       "and one that was altered");
    buffer_release(&copy);
}

int main(void)
{
    const char *why = "";
    fixture_init(&origin);
    fixture_init(&edge);
    OK(fixture_open(&origin) && fixture_open(&edge), "an origin and an edge");
    anna = fixture_account(&origin, "anna");
    berta = fixture_account(&origin, "berta");
    song = subject_number("tr", 1);
    other = subject_number("al", 2);
    sign_in();
    live();
    others_are_refused();
    OK(carry(anna, anna, &why) == STATE_COPY_LEARNT, "a copy is learnt");
    shows_all_at_the_edge("at once");
    settle();
    OK(fixture_reopen(&edge), "the edge starts again");
    shows_all_at_the_edge("after a restart");
    opens_nothing();
    a_home_gets_what_signs_in();
    undoing_travels();
    fixture_release(&origin);
    fixture_release(&edge);
    return tap_done();
}
