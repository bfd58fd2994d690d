// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/homes.h"
#include "tap.h"

enum { EDGES = 5, ACCOUNTS = 5000 };

static struct uid numbered(uint8_t kind, unsigned number)
{
    struct uid uid = {{kind, (uint8_t)(number >> 8), (uint8_t)number}};
    return uid;
}

static void fill(struct uid edges[EDGES])
{
    for (unsigned i = 0; i < EDGES; i++)
        edges[i] = numbered(7, i);
}

static void test_small(void)
{
    struct uid edges[EDGES];
    fill(edges);
    struct homes none = homes_of(numbered(1, 1), edges, 0);
    OK(uid_is_none(none.home) && uid_is_none(none.backup), "without edges nobody has a home");
    OK(!homes_has(&none, (struct uid){{0}}), "no edge is nobody's home");
    struct homes one = homes_of(numbered(1, 1), edges, 1);
    OK(uid_equal(one.home, edges[0]) && uid_is_none(one.backup),
       "one edge is home, without backup");
    const struct uid twice[] = {edges[0], edges[0], {{0}}};
    one = homes_of(numbered(1, 1), twice, 3);
    OK(uid_is_none(one.backup), "an edge that is listed twice is not its own backup");
}

/* Computed with Python's hashlib over the same 32 bytes; the page says how. */
static void test_known(void)
{
    static const struct uid account = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
    struct uid edges[4] = {{{0}}};
    for (unsigned i = 0; i < 4; i++)
        memset(edges[i].bytes, (int)(17 * (i + 1)), UID_BYTES);
    const struct homes homes = homes_of(account, edges, 4);
    OK(homes.home.bytes[0] == 68 && homes.backup.bytes[0] == 51,
       "SHA-256 over account and edge decides, the highest first");
}

static void test_order(void)
{
    struct uid edges[EDGES], turned[EDGES];
    bool is_same = true;
    fill(edges);
    for (unsigned i = 0; i < EDGES; i++)
        turned[i] = edges[EDGES - 1 - i];
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        const struct homes a = homes_of(numbered(1, i), edges, EDGES);
        const struct homes b = homes_of(numbered(1, i), turned, EDGES);
        is_same &= uid_equal(a.home, b.home) && uid_equal(a.backup, b.backup) &&
                   !uid_equal(a.home, a.backup);
    }
    OK(is_same, "every order of the list says the same, and home and backup differ");
}

static void test_leaving(void)
{
    struct uid edges[EDGES];
    unsigned at_home[EDGES] = {0}, moved = 0, not_to_backup = 0;
    fill(edges);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        const struct homes before = homes_of(numbered(1, i), edges, EDGES);
        const struct homes after = homes_of(numbered(1, i), edges, EDGES - 1);
        for (unsigned k = 0; k < EDGES; k++)
            at_home[k] += uid_equal(before.home, edges[k]);
        if (!uid_equal(before.home, edges[EDGES - 1]))
            moved += !uid_equal(before.home, after.home);
        else
            not_to_backup += !uid_equal(after.home, before.backup);
    }
    bool is_even = true;
    for (unsigned k = 0; k < EDGES; k++)
        is_even &=
            at_home[k] > ACCOUNTS / EDGES * 9 / 10 && at_home[k] < ACCOUNTS / EDGES * 11 / 10;
    OK(is_even, "each of five edges is home to a fifth of the accounts, within a tenth");
    OK(moved == 0, "an edge that goes moves nobody else's home");
    OK(not_to_backup == 0, "whoever loses a home is at home where the backup was");
}

int main(void)
{
    test_small();
    test_known();
    test_order();
    test_leaving();
    return tap_done();
}
