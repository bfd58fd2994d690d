// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/ticket.h"
#include "tap.h"

#include <string.h>

static const unsigned char secret[TICKET_SECRET_BYTES] = "a secret of thirty-two bytes...";
static const unsigned char other[TICKET_SECRET_BYTES] = "another secret of thirty-two...";

/* How a ticket that was sealed at `sealed_s` is found at `opened_s`. */
static enum ticket_found found(int64_t sealed_s, int64_t opened_s)
{
    struct ticket_key sealed, opened;
    ticket_key_now(secret, sealed_s, &sealed);
    enum ticket_found result = ticket_key_find(secret, opened_s, sealed.name, &opened);
    if (result != TICKET_UNKNOWN && memcmp(&sealed, &opened, sizeof sealed) != 0)
        return TICKET_UNKNOWN;
    return result;
}

int main(void)
{
    const int64_t start = (int64_t)40000 * TICKET_PERIOD_S, hour = 3600;
    struct ticket_key one, two;
    OK(found(start, start) == TICKET_FRESH, "a ticket opens at once");
    OK(found(start, start + 12 * hour - 1) == TICKET_FRESH, "and for the rest of its period");
    OK(found(start, start + 12 * hour) == TICKET_STALE, "in the next period it is to be replaced");
    OK(found(start + 12 * hour - 1, start + 24 * hour - 1) == TICKET_STALE,
       "a late one lives for the whole next period");
    OK(found(start, start + 24 * hour) == TICKET_UNKNOWN, "two periods later it is forgotten");
    OK(found(start, start - 1) == TICKET_STALE, "a clock that is behind still opens it");
    OK(found(start, start - 12 * hour - 1) == TICKET_UNKNOWN, "not one that is far behind");

    ticket_key_now(secret, start, &one);
    ticket_key_now(secret, start + 12 * hour, &two);
    OK(memcmp(one.cipher, two.cipher, sizeof one.cipher) != 0 &&
           memcmp(one.mac, two.mac, sizeof one.mac) != 0 &&
           memcmp(one.name, two.name, sizeof one.name) != 0,
       "each period has its own keys");
    OK(memcmp(one.cipher, one.mac, sizeof one.mac) != 0, "the two keys of a period differ");
    OK(ticket_key_find(other, start, one.name, &two) == TICKET_UNKNOWN,
       "another secret does not know the name");
    return tap_done();
}
