// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/crowd.h"
#include "tap.h"

static struct address of(const char *digits)
{
    struct address address = {{0}};
    if (!address_parse(text_of(digits), &address))
        printf("# %s is no address\n", digits);
    return address;
}

static bool enter(struct crowd *crowd, const char *digits)
{
    struct address address = of(digits);
    return crowd_enter(crowd, &address);
}

static void leave(struct crowd *crowd, const char *digits)
{
    struct address address = of(digits);
    crowd_leave(crowd, &address);
}

int main(void)
{
    struct crowd *crowd = crowd_new(2, 10);
    OK(enter(crowd, "192.0.2.1") && enter(crowd, "192.0.2.1"), "two may come");
    OK(!enter(crowd, "192.0.2.1"), "a third may not");
    OK(enter(crowd, "192.0.2.2"), "a neighbour may");
    leave(crowd, "192.0.2.1");
    OK(!enter(crowd, "192.0.2.1"), "who was refused has to leave, too");
    leave(crowd, "192.0.2.1");
    leave(crowd, "192.0.2.1");
    OK(enter(crowd, "192.0.2.1"), "when one has gone another may come");

    OK(enter(crowd, "2001:db8::1") && enter(crowd, "2001:db8::2:3") && !enter(crowd, "2001:db8::4"),
       "an IPv6 network of 64 bits is one address");
    OK(enter(crowd, "2001:db8:0:1::1"), "the next network is another");
    OK(crowd_count(crowd) == 4, "it holds what is there");
    for (int i = 0; i < 5; i++)
        OK(enter(crowd, i % 2 ? "127.0.0.1" : "::1"), "loopback is not counted");
    leave(crowd, "127.0.0.1");
    leave(crowd, "192.0.2.1");
    leave(crowd, "192.0.2.1");
    leave(crowd, "192.0.2.2");
    OK(crowd_count(crowd) == 2, "and forgets who is gone");
    crowd_free(&crowd);

    crowd = crowd_new(0, 10);
    OK(enter(crowd, "192.0.2.1") && enter(crowd, "192.0.2.1") && crowd_count(crowd) == 0,
       "without a limit nobody is counted");
    crowd_free(&crowd);
    return tap_done();
}
