// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/replayed.h"
#include "tap.h"

struct told {
    size_t count;
    uint8_t first, last;
};

static struct uid account_of(uint64_t number)
{
    struct uid account = {{0}};
    memcpy(account.bytes, &number, sizeof number);
    return account;
}

static void on_account(void *context, struct uid account)
{
    struct told *told = context;
    if (told->count++ == 0)
        told->first = account.bytes[0];
    told->last = account.bytes[0];
}

static void test_order(void)
{
    struct replayed *replayed = replayed_new(10);
    struct told told = {0}, later = {0}, none = {0};
    replayed_note(replayed, 11, account_of(1));
    replayed_note(replayed, 12, account_of(2));
    replayed_note(replayed, 15, account_of(2));
    replayed_note(replayed, 16, account_of(1));
    OK(replayed_since(replayed, 10, on_account, &told) && told.count == 3 && told.first == 1 &&
           told.last == 1,
       "whose operations came is told in order, those of one account in a row once");
    OK(replayed_since(replayed, 12, on_account, &later) && later.count == 2 && later.first == 2,
       "of a row that goes on after the place, the account is told");
    OK(replayed_since(replayed, 16, on_account, &none) && none.count == 0,
       "after the last is nobody");
    OK(!replayed_since(replayed, 9, on_account, &none) && none.count == 0,
       "what came before the journal's first is not known, and nobody is told");
    replayed_free(&replayed);
    replayed_free(&replayed);
}

static void test_bound(void)
{
    struct replayed *replayed = replayed_new(0);
    struct told told = {0};
    for (uint64_t i = 1; i <= REPLAYED_MAX; i++)
        replayed_note(replayed, i, account_of(i));
    replayed_note(replayed, REPLAYED_MAX + 1, account_of(REPLAYED_MAX));
    OK(replayed_since(replayed, 0, on_account, &told) && told.count == REPLAYED_MAX,
       "as many as there is room for are known");
    replayed_note(replayed, REPLAYED_MAX + 2, account_of(1));
    OK(!replayed_since(replayed, REPLAYED_MAX + 1, on_account, &told),
       "one more, and nothing is known");
    replayed_free(&replayed);
}

int main(void)
{
    test_order();
    test_bound();
    return tap_done();
}
