// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/throttle.h"
#include "tap.h"

static struct throttle_limits defaults;

static uint64_t wait(const struct throttle *throttle, struct text address, struct text name,
                     int64_t now_ms)
{
    return throttle_wait_ms(throttle, &(struct throttle_try){address, name, {{0}}}, now_ms);
}

static void fail(struct throttle *throttle, struct text address, struct text name, int64_t now_ms)
{
    throttle_failed(throttle, &(struct throttle_try){address, name, {{0}}}, now_ms);
}

static void fail_times(struct throttle *throttle, struct text address, struct text name,
                       unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        fail(throttle, address, name, 1000);
}

static void test_growth(struct throttle *throttle)
{
    struct text here = TEXT("192.0.2.1"), anna = TEXT("anna");
    fail_times(throttle, here, anna, defaults.free_pair);
    OK(wait(throttle, here, anna, 1000) == 0, "a few wrong passwords cost nothing");
    fail(throttle, here, anna, 1000);
    OK(wait(throttle, here, anna, 1000) == 1000, "then there is a second to wait");
    OK(wait(throttle, here, anna, 1400) == 600, "which passes");
    fail(throttle, here, anna, 2000);
    OK(wait(throttle, here, anna, 2000) == 2000, "each further failure doubles it");
    fail_times(throttle, here, anna, 20);
    OK(wait(throttle, here, anna, 1000) == defaults.longest_wait_ms, "up to a minute");
    OK(wait(throttle, TEXT("192.0.2.2"), anna, 1000) == 0,
       "the same name elsewhere waits for nothing");
    OK(wait(throttle, here, TEXT("bert"), 1000) == 0, "and so does another name here");
    OK(wait(throttle, here, anna, 1000 + defaults.forget_ms) == 0, "a quarter of an hour forgets");
    throttle_succeeded(throttle, &(struct throttle_try){here, anna, {{0}}}, 1000);
    OK(wait(throttle, here, anna, 1000) == 0, "a success forgets at once");
}

static void test_address(struct throttle *throttle)
{
    char name[2] = "a";
    for (unsigned i = 0; i <= defaults.free_address; i++) {
        name[0] = (char)('a' + i % 26);
        fail(throttle, TEXT("2001:db8:1:2::1"), text_make(name, 1), 5000);
    }
    OK(wait(throttle, TEXT("2001:db8:1:2::1"), TEXT("new"), 5000) > 0,
       "an address that tries many names waits");
    OK(wait(throttle, TEXT("2001:db8:1:2:3:4:5:6"), TEXT("new"), 5000) > 0,
       "an IPv6 address counts by its /64");
    OK(wait(throttle, TEXT("2001:db8:1:3::1"), TEXT("new"), 5000) == 0,
       "another /64 does not wait");
}

static void test_flood(struct throttle *throttle)
{
    char address[24];
    for (unsigned i = 0; i < 100000; i++) {
        int size =
            snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        fail(throttle, text_make(address, (size_t)size), TEXT("anna"), 9000 + i);
    }
    const struct throttle_try at_home = {TEXT("192.0.2.200"), TEXT("anna"), {{0}}},
                              known = {TEXT("192.0.2.9"), TEXT("anna"), {{7}}};
    OK(wait(throttle, TEXT("192.0.2.9"), TEXT("anna"), 109000) > 0,
       "a name that is tried from everywhere waits for newcomers");
    OK(throttle_wait_ms(throttle, &known, 109000) == 0,
       "but not at a browser that was signed in before");
    throttle_succeeded(throttle, &at_home, 100000);
    OK(throttle_wait_ms(throttle, &at_home, 109000) == 0,
       "nor from an address where it signed in lately");
    OK(wait(throttle, TEXT("192.0.2.9"), TEXT("bert"), 109000) == 0, "and other names do not");
    for (unsigned i = 0; i <= defaults.free_pair; i++)
        throttle_failed(throttle, &known, 109000);
    OK(throttle_wait_ms(throttle, &known, 109000) > 0, "a known browser waits for its own tries");
}

static void test_shared_names(struct throttle *throttle)
{
    char address[24];
    for (unsigned i = 0; i < 1000; i++) {
        int size = snprintf(address, sizeof(address), "10.9.%u.%u", i >> 8 & 255, i & 255);
        fail(throttle, text_make(address, (size_t)size), TEXT("\npasskey"), 200000);
    }
    OK(wait(throttle, TEXT("192.0.2.77"), TEXT("\npasskey"), 200000) == 0,
       "what is no account's waits nowhere but where it was wrong");
    fail_times(throttle, TEXT("192.0.2.78"), TEXT("\npasskey"), defaults.free_pair + 1);
    OK(wait(throttle, TEXT("192.0.2.78"), TEXT("\npasskey"), 1000) > 0, "and does wait there");
}

static void test_settings(void)
{
    const struct throttle_limits strict = {.free_pair = 1,
                                           .free_address = 3,
                                           .free_name = 3,
                                           .longest_wait_ms = 2000,
                                           .forget_ms = 5000};
    struct throttle *throttle = throttle_new((struct hash_key){1, 2}, &strict);
    fail_times(throttle, TEXT("192.0.2.1"), TEXT("anna"), 3);
    OK(wait(throttle, TEXT("192.0.2.1"), TEXT("anna"), 1000) == 2000,
       "how often, and how long, is the operator's to say");
    OK(wait(throttle, TEXT("192.0.2.1"), TEXT("anna"), 6000) == 0, "and when it is forgotten");
    throttle_free(&throttle);
}

int main(void)
{
    defaults = THROTTLE_DEFAULTS;
    struct throttle *throttle = throttle_new((struct hash_key){1, 2}, &defaults);
    test_growth(throttle);
    test_address(throttle);
    test_flood(throttle);
    test_shared_names(throttle);
    test_settings();
    throttle_free(&throttle);
    return tap_done();
}
