// SPDX-License-Identifier: GPL-3.0-or-later
/* All accounts, a piece at a time, in the order of their ids. */
#include "api/roll.h"
#include "tap.h"

#include <string.h>

enum { ACCOUNTS = 1000, MOST = 64 };

static struct uid account_of(unsigned number)
{
    struct uid id = {{0}};
    unsigned mixed = number * 2654435761u; /* in another order than they are offered in */
    id.bytes[0] = (uint8_t)(mixed >> 24);
    id.bytes[1] = (uint8_t)(mixed >> 16);
    id.bytes[14] = (uint8_t)(number >> 8);
    id.bytes[15] = (uint8_t)(number + 1);
    return id;
}

static bool take_piece(struct uid *after, size_t *ret_count, bool *ret_is_rising)
{
    struct roll roll;
    roll_init(&roll, *after, MOST);
    for (unsigned i = 0; i < ACCOUNTS; i++)
        roll_offer(&roll, account_of(i));
    roll_sort(&roll);
    for (size_t i = 0; i < roll.count; i++) {
        *ret_is_rising = *ret_is_rising && memcmp(&roll.ids[i], after, sizeof *after) > 0;
        *after = roll.ids[i];
    }
    bool has_more = roll.has_more;
    *ret_count += roll.count;
    OK(roll.count <= MOST && (roll.count == MOST || !has_more), "a piece is bounded");
    roll_release(&roll);
    return has_more;
}

int main(void)
{
    struct uid after = {{0}};
    size_t count = 0, pieces = 1;
    bool is_rising = true;
    while (take_piece(&after, &count, &is_rising))
        pieces++;
    OK(is_rising, "ids rise, within a piece and from piece to piece");
    OK(count == ACCOUNTS, "so everybody is told of once");
    OK(pieces == (ACCOUNTS + MOST - 1) / MOST, "in as few pieces as can be");
    struct roll none;
    roll_init(&none, after, MOST);
    roll_sort(&none);
    OK(none.count == 0 && !none.has_more, "nobody is a piece too");
    roll_release(&none);
    return tap_done();
}
