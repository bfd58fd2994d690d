// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/throttle.h"
#include "tap.h"

static void fail_times(struct throttle *throttle, struct text address, struct text name,
                       unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        throttle_failed(throttle, address, name, 1000);
}

static void test_growth(struct throttle *throttle)
{
    struct text here = TEXT("192.0.2.1"), anna = TEXT("anna");
    fail_times(throttle, here, anna, THROTTLE_FREE_PAIR);
    OK(throttle_wait_ms(throttle, here, anna, 1000) == 0, "a few wrong passwords cost nothing");
    throttle_failed(throttle, here, anna, 1000);
    OK(throttle_wait_ms(throttle, here, anna, 1000) == 1000, "then there is a second to wait");
    OK(throttle_wait_ms(throttle, here, anna, 1400) == 600, "which passes");
    throttle_failed(throttle, here, anna, 2000);
    OK(throttle_wait_ms(throttle, here, anna, 2000) == 2000, "each further failure doubles it");
    fail_times(throttle, here, anna, 20);
    OK(throttle_wait_ms(throttle, here, anna, 1000) == THROTTLE_LONGEST_WAIT_MS, "up to a minute");
    OK(throttle_wait_ms(throttle, TEXT("192.0.2.2"), anna, 1000) == 0,
       "the same name elsewhere waits for nothing");
    OK(throttle_wait_ms(throttle, here, TEXT("bert"), 1000) == 0, "and so does another name here");
    OK(throttle_wait_ms(throttle, here, anna, 1000 + THROTTLE_FORGET_MS) == 0,
       "a quarter of an hour forgets");
    throttle_succeeded(throttle, here, anna);
    OK(throttle_wait_ms(throttle, here, anna, 1000) == 0, "a success forgets at once");
}

static void test_address(struct throttle *throttle)
{
    char name[2] = "a";
    for (unsigned i = 0; i <= THROTTLE_FREE_ADDRESS; i++) {
        name[0] = (char)('a' + i % 26);
        throttle_failed(throttle, TEXT("2001:db8:1:2::1"), text_make(name, 1), 5000);
    }
    OK(throttle_wait_ms(throttle, TEXT("2001:db8:1:2::1"), TEXT("new"), 5000) > 0,
       "an address that tries many names waits");
    OK(throttle_wait_ms(throttle, TEXT("2001:db8:1:2:3:4:5:6"), TEXT("new"), 5000) > 0,
       "an IPv6 address counts by its /64");
    OK(throttle_wait_ms(throttle, TEXT("2001:db8:1:3::1"), TEXT("new"), 5000) == 0,
       "another /64 does not wait");
}

static void test_flood(struct throttle *throttle)
{
    char address[24];
    for (unsigned i = 0; i < 100000; i++) {
        int size =
            snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        throttle_failed(throttle, text_make(address, (size_t)size), TEXT("anna"), 9000 + i);
    }
    OK(throttle_wait_ms(throttle, TEXT("192.0.2.9"), TEXT("anna"), 109000) == 0,
       "a flood from everywhere locks nobody out");
}

int main(void)
{
    struct throttle *throttle = throttle_new((struct hash_key){1, 2});
    test_growth(throttle);
    test_address(throttle);
    test_flood(throttle);
    throttle_free(&throttle);
    return tap_done();
}
