// SPDX-License-Identifier: GPL-3.0-or-later
/* An origin is lost; what one edge holds and the promoted one lacks comes back. */
#include "state/offer.h"
#include "fixture.h"
#include "trust/box.h"
#include "trust/keys.h"
#include "twin.h"

#include <sodium.h>
#include <string.h>

enum { OFFER_ROOM_BYTES = 1 << 20 };
#define HASH "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaA"
#define OTHER_HASH "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$b3RoZXI"

static struct fixture lost, home, heir;
static struct uid anna, berta, app, sofa, phone;
static struct subject song, later;
static struct secret secret;
static uint8_t seed[BOX_SEED_BYTES];

static void live(void)
{
    struct session session = {.account = anna,
                              .id = uid_random(),
                              .created_ms = NOW_MS,
                              .rotated_ms = NOW_MS,
                              .expires_ms = NOW_MS + 1000000,
                              .label = TEXT("sofa")};
    struct session bound = session;
    sofa = session.id;
    bound.id = phone = uid_random();
    memset(session.current.bytes, 7, sizeof session.current.bytes);
    memset(bound.current.bytes, 5, sizeof bound.current.bytes);
    bound.previous = bound.current;
    struct batch *batch = fixture_batch(&lost, anna);
    batch_star(batch, song, true);
    batch_play(batch, &(struct play){.track = song, .at_ms = NOW_MS});
    app = batch_app_create(batch, anna, TEXT("car"), &secret);
    batch_session(batch, &session);
    batch_session(batch, &bound);
    OK(fixture_submit(&lost, batch) == OUTCOME_ACCEPTED, "somebody listens");
    batch = fixture_operator(&lost);
    batch_password(batch, anna, TEXT(HASH));
    OK(fixture_submit(&lost, batch) == OUTCOME_ACCEPTED, "and has a password");
}

static void copies_go_to(struct fixture *edge, const uint8_t *box_seed)
{
    struct buffer copy;
    const char *why = "";
    uint8_t key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
    buffer_init(&copy, OFFER_ROOM_BYTES);
    if (box_seed)
        crypto_sign_seed_keypair(key, secret_key, box_seed);
    if (box_seed)
        state_copy_write_boxed(lost.state, anna, key, NOW_MS, &copy);
    else
        state_copy_write(lost.state, anna, NOW_MS, &copy);
    OK(state_copy_learn(edge->state, anna, buffer_view(&copy), box_seed, &why) == STATE_COPY_LEARNT,
       "an edge follows");
    buffer_release(&copy);
}

static struct offer_taken taken;

static enum state_copy offer(struct fixture *from, struct uid account, struct uid as,
                             int64_t until_ms, const char **ret_why)
{
    struct buffer bytes;
    const struct offer_rules rules = {.until_ms = until_ms, .now_ms = NOW_MS};
    buffer_init(&bytes, OFFER_MAX_BYTES);
    state_offer_write(from->state, account, NOW_MS, &bytes);
    taken = (struct offer_taken){0};
    enum state_copy verdict =
        state_offer_take(heir.state, as, buffer_view(&bytes), &rules, &taken, ret_why);
    buffer_release(&bytes);
    return verdict;
}

static const int64_t after_ms = NOW_MS + 3600 * 1000;

static bool app_opens(void)
{
    struct secret opened;
    const struct app *found = state_app(heir.state, app);
    return found && secret_unseal(heir.keys, &found->sealed, app, &opened) &&
           strcmp(opened.text, secret.text) == 0;
}

static struct text password(void)
{
    const struct account *account = state_account(heir.state, anna);
    return account ? account->password_hash : TEXT_NONE;
}

static void what_was_blanked_comes_back(void)
{
    const char *why = "";
    copies_go_to(&home, seed);
    copies_go_to(&heir, NULL);
    OK(password().size == 0 && !app_opens(), "the heir was not where they sign in");
    OK_GUARDED(GUARD_OFFERS,
               offer(&home, anna, anna, NOW_MS - 1, &why) == STATE_COPY_LEARNT &&
                   password().size == 0,
               "a password that the lost origin cannot have set is not taken");
    OK(offer(&home, anna, anna, after_ms, &why) == STATE_COPY_LEARNT,
       "the home offers what it holds");
    OK(text_equal(password(), TEXT(HASH)) && app_opens(), "and they sign in at the heir");
    OK(offer(&home, anna, anna, after_ms, &why) == STATE_COPY_LEARNT && taken.cells == 0,
       "once more changes nothing");
}

static void what_the_heir_had_not_heard_comes(void)
{
    const char *why = "";
    struct batch *batch = fixture_batch(&lost, anna);
    batch_star(batch, later, true);
    batch_play(batch, &(struct play){.track = song, .at_ms = NOW_MS + 1});
    OK(fixture_submit(&lost, batch) == OUTCOME_ACCEPTED, "a last star and play");
    copies_go_to(&home, seed);
    OK(offer(&home, anna, anna, after_ms, &why) == STATE_COPY_LEARNT && taken.counts == 1,
       "which the home had heard of");
    const struct listener *listener = state_listener(heir.state, anna);
    OK(listener_starred_ms(listener, later) && listener_plays(listener, song).count == 2,
       "are at the heir");
}

/* The checksum at the end of a half, anew. */
static void seal_half(struct buffer *offer, size_t from, size_t end)
{
    enum { DIGEST_BYTES = 32 };
    size_t to = end - DIGEST_BYTES;
    (void)crypto_generichash((uint8_t *)offer->data + to, DIGEST_BYTES,
                             (const uint8_t *)offer->data + from, to - from, NULL, 0);
}

static void seal_again(struct buffer *offer)
{
    enum { BEGINNING = sizeof "sostoffr" - 1 };
    uint32_t secrets; /* little-endian here */
    memcpy(&secrets, offer->data + BEGINNING, sizeof secrets);
    size_t from = BEGINNING + sizeof secrets;
    seal_half(offer, from, from + secrets);
    seal_half(offer, from + secrets, offer->size);
}

/* --- what opens sessions --- */

static bool is_renewed_by(struct uid session, int byte)
{
    struct refresh_hash hash;
    const struct session *found = state_session(heir.state, session, NOW_MS);
    memset(hash.bytes, byte, sizeof hash.bytes);
    return found && memcmp(&found->current, &hash, sizeof hash) == 0;
}

/* Of its own listener's sessions, as if what renews them had been another: a greater value of the
 * same writing. */
static bool replace_hash(struct buffer *offer, int byte, int by)
{
    char hash[sizeof(struct refresh_hash)], *found;
    bool is_there = false;
    memset(hash, byte, sizeof hash);
    while ((found = memmem(offer->data, offer->size, hash, sizeof hash))) {
        memset(found, by, sizeof hash);
        is_there = true;
    }
    return is_there;
}

static void a_session_keeps_what_renews_it(void)
{
    const char *why = "";
    struct buffer bytes;
    const struct offer_rules rules = {.until_ms = after_ms, .now_ms = NOW_MS};
    OK(is_renewed_by(sofa, 7) && is_renewed_by(phone, 5), "the heir knows what renews sessions");
    buffer_init(&bytes, OFFER_MAX_BYTES);
    state_offer_write(home.state, anna, NOW_MS, &bytes);
    OK(replace_hash(&bytes, 7, 9) && replace_hash(&bytes, 5, 9), "an edge says something else");
    seal_again(&bytes);
    OK(state_offer_take(heir.state, anna, buffer_view(&bytes), &rules, &taken, &why) ==
           STATE_COPY_LEARNT,
       "in an offer");
    OK_GUARDED(GUARD_OFFERS, is_renewed_by(sofa, 7) && is_renewed_by(phone, 5),
               "and takes no session over by it");
    buffer_release(&bytes);
}

/* An export that no honest edge writes: of its own listener, so much as fits a number. */
static void counts_have_a_measure(void)
{
    const char *why = "";
    struct buffer bytes, row;
    const struct offer_rules rules = {.until_ms = after_ms, .now_ms = NOW_MS};
    const struct plays before = listener_plays(state_listener(heir.state, anna), song);
    buffer_init(&bytes, OFFER_MAX_BYTES);
    buffer_init(&row, 1 << 10);
    state_offer_write(home.state, anna, NOW_MS, &bytes);
    buffer_u64(&row, before.count);
    buffer_u64(&row, (uint64_t)before.last_ms);
    char *count = memmem(bytes.data, bytes.size, row.data, row.size);
    OK(count, "an offer counts plays");
    buffer_release(&row);
    if (count) {
        memset(count, 0x7f, 16);
        seal_again(&bytes);
        OK(state_offer_take(heir.state, anna, buffer_view(&bytes), &rules, &taken, &why) ==
               STATE_COPY_LEARNT,
           "with a number out of the air");
    }
    const struct plays plays = listener_plays(state_listener(heir.state, anna), song);
    OK_GUARDED(GUARD_OFFERS, plays.count < 100000000 && plays.last_ms < NOW_MS + 48LL * 3600 * 1000,
               "it is not believed");
    buffer_release(&bytes);
}

static void the_heirs_word_stands(void)
{
    const char *why = "";
    struct batch *batch = fixture_operator(&heir);
    batch_password(batch, anna, TEXT(OTHER_HASH));
    OK(fixture_submit(&heir, batch) == OUTCOME_ACCEPTED, "the heir sets another password");
    batch = fixture_operator(&home);
    batch_password(batch, anna, TEXT(HASH));
    batch_account_delete(batch, anna);
    OK(fixture_submit(&home, batch) == OUTCOME_ACCEPTED, "an edge sets one, and ends the account");
    OK_GUARDED(GUARD_OFFERS,
               offer(&home, anna, anna, after_ms, &why) == STATE_COPY_LEARNT &&
                   text_equal(password(), TEXT(OTHER_HASH)),
               "neither is taken");
}

static void who_is_not_known_comes_as_no_admin(void)
{
    const char *why = "";
    berta = fixture_account(&home, "berta");
    struct batch *batch = fixture_operator(&home);
    batch_account_role(batch, berta, true);
    OK(fixture_submit(&home, batch) == OUTCOME_ACCEPTED, "an edge holds an admin");
    OK(offer(&home, berta, anna, after_ms, &why) == STATE_COPY_BAD && *why,
       "who cannot come in another's name");
    OK(offer(&home, berta, berta, after_ms, &why) == STATE_COPY_LEARNT && taken.is_new &&
           taken.was_admin,
       "of whom the heir has not heard");
    const struct account *account = state_account(heir.state, berta);
    OK_GUARDED(GUARD_OFFERS,
               account && text_equal(account->name, TEXT("berta")) && !account->is_admin,
               "and who is one no more");
}

static void others_are_refused(void)
{
    const char *why = "";
    const struct offer_rules rules = {.until_ms = after_ms, .now_ms = NOW_MS};
    OK(state_offer_take(heir.state, anna, TEXT("<html>"), &rules, &taken, &why) == STATE_COPY_BAD &&
           *why,
       "what is no offer is refused");
    const struct offer_rules long_ago = {.until_ms = after_ms, .now_ms = 0};
    struct buffer bytes;
    buffer_init(&bytes, OFFER_MAX_BYTES);
    state_offer_write(home.state, anna, NOW_MS, &bytes);
    OK(state_offer_take(heir.state, anna, buffer_view(&bytes), &long_ago, &taken, &why) ==
           STATE_COPY_BAD,
       "so is what was written in a far future");
    bytes.data[bytes.size / 2] ^= 1;
    OK(state_offer_take(heir.state, anna, buffer_view(&bytes), &rules, &taken, &why) ==
           STATE_COPY_BAD,
       "and what was altered");
    buffer_release(&bytes);
}

int main(void)
{
    twin_begin();
    fixture_init(&lost);
    fixture_init(&home);
    fixture_init(&heir);
    OK(fixture_open(&lost) && fixture_open(&home) && fixture_open(&heir), "three nodes");
    memset(seed, 1, sizeof seed);
    anna = fixture_account(&lost, "anna");
    song = subject_number("tr", 1);
    later = subject_number("tr", 2);
    live();
    what_was_blanked_comes_back();
    what_the_heir_had_not_heard_comes();
    counts_have_a_measure();
    a_session_keeps_what_renews_it();
    OK(fixture_reopen(&heir) && text_equal(password(), TEXT(HASH)) && app_opens(),
       "all of it is there after a restart");
    others_are_refused();
    who_is_not_known_comes_as_no_admin();
    the_heirs_word_stands();
    fixture_release(&lost);
    fixture_release(&home);
    fixture_release(&heir);
    return tap_done();
}
