// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/shuffle.h"
#include "tap.h"

int main(void)
{
    struct shuffles *shuffles = shuffles_new();
    struct uid anna = {{1}}, bert = {{2}};
    uint64_t first = shuffle_seed(shuffles, anna, TEXT("app"), 0);
    OK(shuffle_seed(shuffles, anna, TEXT("app"), 50) == first,
       "the next page is of the same shuffle");
    OK(shuffle_seed(shuffles, anna, TEXT("app"), 100) == first, "and the one after it");
    /* last: one time in a thousand the two have one place, and then the earlier shuffles anew */
    OK(shuffle_seed(shuffles, bert, TEXT("app"), 0) != first,
       "another listener has another shuffle");
    OK(shuffle_seed(shuffles, anna, TEXT("phone"), 0) != first, "and so has another client");
    OK(shuffle_seed(shuffles, anna, TEXT("app"), 0) != first, "a first page shuffles anew");
    shuffles_free(&shuffles);
    return tap_done();
}
