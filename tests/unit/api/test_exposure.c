// SPDX-License-Identifier: GPL-3.0-or-later
/* What a revoked edge knew ends, of however many accounts, and no turn of the loop does all of it.
 */
#include "api/exposure.h"
#include "../state/fixture.h"
#include "api/inside.h"
#include "api/nodes.h"
#include "trust/grant.h"
#include "trust/joining.h"
#include "trust/keyring.h"
#include "trust/node_book.h"

#include <sodium.h>

enum { EDGES = 8, ACCOUNTS = 1200, IN_A_BATCH = 100, NOW_S = FIXTURE_NOW_MS };

static char keys[] = "/tmp/test_exposure.XXXXXX";
static struct api api;
static struct fixture state;
static struct uid accounts[ACCOUNTS];

static struct node_seat join(unsigned number)
{
    uint8_t secret[INVITATION_SECRET_BYTES] = {(uint8_t)number}, digest[INVITATION_DIGEST_BYTES];
    struct joining_request request = {.has_secret = true, .issued_s = NOW_S};
    struct node_seat seat = {.name = ""};
    char name[16];
    int size = snprintf(name, sizeof name, "edge%u", number);
    invitation_digest(secret, digest);
    memcpy(request.secret, secret, sizeof secret);
    randombytes_buf(request.key, sizeof request.key);
    OK(node_book_invite(api.config.book, text_make(name, (size_t)size), digest, NOW_S + 60,
                        NOW_S) == NODE_BOOK_DONE &&
           node_book_join(api.config.book, &request, NOW_S + NODE_CERTIFICATE_LIFE_S, NOW_S,
                          &seat) == NODE_BOOK_DONE,
       "an edge joins");
    return seat;
}

/* Each with an app, and with a session that this edge opened. */
static bool add_accounts(const struct node_seat *edge)
{
    bool is_good = true;
    for (unsigned i = 0; i < ACCOUNTS; i += IN_A_BATCH) {
        struct batch *batch = fixture_operator(&state);
        for (unsigned k = i; k < i + IN_A_BATCH; k++) {
            char name[32];
            struct secret secret;
            snprintf(name, sizeof name, "listener%u", k);
            accounts[k] = batch_account_create(batch, text_of(name), TEXT("$argon2id$none"), false,
                                               ACCOUNT_ALL_LIBRARIES);
            (void)batch_app_create(batch, accounts[k], TEXT("app"), &secret);
            struct session session = {.id = uid_random(),
                                      .account = accounts[k],
                                      .created_ms = NOW_MS,
                                      .expires_ms = NOW_MS + INT64_C(1000000000000)};
            memcpy(session.id.bytes + UID_BYTES - KEY_ID_BYTES, edge->id.bytes, KEY_ID_BYTES);
            batch_session(batch, &session);
        }
        is_good &= fixture_submit(&state, batch) == OUTCOME_ACCEPTED;
    }
    return is_good;
}

struct left {
    unsigned apps, sessions;
};

static struct left count_left(void)
{
    struct left left = {0};
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        for (size_t cursor = 0; state_session_next(state.state, accounts[i], &cursor);)
            left.sessions++;
        for (size_t cursor = 0; state_app_next(state.state, accounts[i], &cursor);)
            left.apps++;
    }
    return left;
}

/* --- turns --- */

static unsigned turns;

static void on_turn(struct loop_timer *timer, uint64_t now_us)
{
    turns++;
    if (exposure_is_settled(api.exposure) && state_is_idle(state.state))
        loop_stop(state.loop);
    else
        loop_timer_start(state.loop, timer, now_us + 1000);
}

static void run_until_settled(void)
{
    struct loop_timer turn = {.on_timer = on_turn};
    turns = 0;
    loop_timer_start(state.loop, &turn, loop_now_us(state.loop));
    loop_run(state.loop);
}

int main(void)
{
    struct node_seat edges[EDGES];
    struct keys_error error;
    char *made = mkdtemp(keys);
    const struct key_place place = {made, NULL};
    fixture_init(&state);
    if (!made || !fixture_open(&state) ||
        node_book_open(&place, &(struct node_book_limits){EDGES, EDGES}, &api.config.book,
                       &error) != 0)
        return 1;
    api.config.state = state.state;
    api.config.loop = state.loop;
    for (unsigned i = 0; i < EDGES; i++)
        edges[i] = join(i + 1);
    api.ring = keyring_ephemeral(NOW_S);
    api.exposure = exposure_new(&api);
    api.grants = grant_cache_new(16);
    api.nodes = nodes_new(&api);
    OK(add_accounts(&edges[0]), "many accounts, each with an app and a session of one edge");
    exposure_settle(api.exposure);
    OK(exposure_is_settled(api.exposure) && count_left().apps == ACCOUNTS,
       "while nobody is revoked there is nothing to do");
    OK(node_book_revoke(api.config.book, text_of(edges[0].name), NOW_S + 60) == NODE_BOOK_DONE,
       "it is revoked");
    exposure_settle(api.exposure);
    OK(!exposure_is_settled(api.exposure), "that is more than one turn's work");
    exposure_settle(api.exposure); /* and another change of the book */
    run_until_settled();
    struct left left = count_left();
    printf("# %u turns; %u apps left\n", turns, left.apps);
    OK(left.sessions == 0, "every session that it opened has ended");
    OK(left.apps < ACCOUNTS && left.apps > ACCOUNTS / 2, "and the apps of its own listeners alone");
    exposure_settle(api.exposure);
    run_until_settled();
    OK(count_left().apps == left.apps, "again it changes nothing");
    exposure_settle(api.exposure);
    exposure_free(&api.exposure);
    OK(!api.exposure, "it can be cut in the middle");
    nodes_free(&api.nodes);
    grant_cache_free(&api.grants);
    keyring_unref(&api.ring);
    node_book_close(&api.config.book);
    nftw(made, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
    fixture_release(&state);
    return tap_done();
}
