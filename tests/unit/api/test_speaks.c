// SPDX-License-Identifier: GPL-3.0-or-later
/* For whom an edge may speak, and that finding it out for a parcel costs little with many edges. */
#include "api/inside.h"
#include "api/nodes.h"
#include "api/speaks.h"
#include "../state/fixture.h"
#include "trust/homes.h"
#include "trust/grant.h"
#include "trust/joining.h"
#include "trust/keyring.h"

#include <sodium.h>
#include <time.h>

enum { EDGES = 60, OPERATIONS = 500, NOW_S = FIXTURE_NOW_MS };

static char keys[] = "/tmp/test_speaks.XXXXXX";
static struct api api;
static struct fixture state;

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

static struct uid some_account(const struct node_seat *edge, bool is_own)
{
    struct uid account;
    do {
        account = uid_random();
        account.bytes[UID_BYTES - 1] = 0;
    } while (speaks_for_own(&api, edge, account) != is_own);
    return account;
}

static struct operation some_operation(struct uid account, const char *kind)
{
    return (struct operation){
        .seq = 1, .account = account, .kind = text_of(kind), .payload = TEXT("{}")};
}

static double cpu_s(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void kinds_are_judged(const struct node_seat *edge, struct uid own)
{
    static const char *const may[] = {"play", "request", "session.revoke", "future.kind"};
    static const char *const may_not[] = {"account", "account.delete",  "password",
                                          "app",     "request.decided", "request.forget",
                                          "passkey", "session"};
    bool all_may = true, none_may = true;
    struct speaks_memo memo = {0};
    for (size_t i = 0; i < ARRAY_SIZE(may); i++) {
        struct operation operation = some_operation(own, may[i]);
        all_may &= !speaks_why_not(&api, edge, &operation, &memo);
    }
    for (size_t i = 0; i < ARRAY_SIZE(may_not); i++) {
        struct operation operation = some_operation(own, may_not[i]);
        none_may &= speaks_why_not(&api, edge, &operation, &memo) != NULL;
    }
    OK(all_may, "an edge brings what merges, what revokes and what asks");
    OK(none_may, "and not what the origin decides, its decisions on requests among them");
}

/* They share a place in the memo. */
static void memo_tells_accounts_apart(const struct node_seat *edge, struct uid own,
                                      struct uid stranger)
{
    struct speaks_memo memo = {0};
    struct operation one = some_operation(own, "play"), other = some_operation(stranger, "play");
    bool is_right = true;
    for (unsigned i = 0; i < 10; i++)
        is_right &=
            !speaks_why_not(&api, edge, &one, &memo) && speaks_why_not(&api, edge, &other, &memo);
    OK(is_right, "what is remembered of one account is not said of another");
}

static void a_parcel_costs_little(const struct node_seat *edge, struct uid stranger)
{
    struct speaks_memo memo = {0};
    struct operation operation = some_operation(stranger, "play");
    bool is_right = true;
    double start = cpu_s();
    for (unsigned i = 0; i < OPERATIONS; i++)
        is_right &= speaks_for_own(&api, edge, stranger) == false;
    double each = cpu_s() - start;
    start = cpu_s();
    for (unsigned i = 0; i < OPERATIONS; i++)
        is_right &= speaks_why_not(&api, edge, &operation, &memo) != NULL;
    double once = cpu_s() - start;
    printf("# %u operations of one listener, %u edges: %.2f ms each anew, %.2f ms remembered\n",
           OPERATIONS, EDGES, each * 1e3, once * 1e3);
    OK(is_right && once * 10 < each, "homes are reckoned once for a listener of a parcel");
}

int main(void)
{
    struct node_seat edge;
    struct keys_error error;
    char *made = mkdtemp(keys);
    const struct key_place place = {made, NULL};
    fixture_init(&state);
    if (!made || !fixture_open(&state) ||
        node_book_open(&place, &(struct node_book_limits){EDGES, EDGES}, &api.config.book,
                       &error) != 0)
        return 1;
    api.config.state = state.state;
    for (unsigned i = 1; i <= EDGES; i++)
        edge = join(i);
    api.ring = keyring_ephemeral(NOW_S);
    api.grants = grant_cache_new(16);
    api.nodes = nodes_new(&api);
    struct uid own = some_account(&edge, true), stranger = some_account(&edge, false);
    edge.may = DELEGATED_OPERATIONS;
    kinds_are_judged(&edge, own);
    memo_tells_accounts_apart(&edge, own, stranger);
    a_parcel_costs_little(&edge, stranger);
    nodes_free(&api.nodes);
    grant_cache_free(&api.grants);
    keyring_unref(&api.ring);
    node_book_close(&api.config.book);
    nftw(made, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
    fixture_release(&state);
    return tap_done();
}
