// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/load.h"
#include "tap.h"

static const struct load_account account = {.name = "a", .password = "b"};

static struct load_profile good(void)
{
    struct load_profile profile = load_profile_default();
    profile.targets[0] = "http://127.0.0.1:4533";
    profile.target_count = 1;
    profile.accounts = &account;
    profile.account_count = 1;
    return profile;
}

static bool takes_target(const char *target)
{
    struct load_profile profile = good();
    profile.targets[0] = target;
    return load_profile_fault(&profile) == NULL;
}

static void loopback_only(void)
{
    static const char *const ours[] = {"http://127.0.0.1:4533", "https://127.3.2.1", "http://[::1]",
                                       "https://[::1]:4533", "http://[::ffff:127.0.0.1]:80"};
    static const char *const others[] = {"http://192.0.2.1:4533",
                                         "http://10.0.0.1",
                                         "http://[2001:db8::1]:80",
                                         "http://0.0.0.0:80",
                                         "http://localhost:80",
                                         "http://example.org",
                                         "http://127.0.0.1.evil.org",
                                         "http://[::]:80",
                                         "http://128.0.0.1",
                                         "ftp://127.0.0.1",
                                         "http://[::ffff:192.0.2.1]",
                                         "http://a@127.0.0.1",
                                         "",
                                         "http://",
                                         "127.0.0.1:80"};
    bool takes = true, refuses = true;
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
        takes &= takes_target(ours[i]);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        refuses &= !takes_target(others[i]);
    OK(takes, "loopback addresses are targets");
    OK(refuses && !takes_target(NULL), "nothing else is: no other machine, no name");
}

static void faults(void)
{
    struct load_profile profile = good();
    OK(load_profile_fault(&profile) == NULL, "the default with a target and an account can be run");
    profile.listeners = LOAD_MAX_LISTENERS + 1;
    OK(load_profile_fault(&profile) != NULL, "too many listeners are refused");
    profile = good();
    profile.account_count = 0;
    OK(load_profile_fault(&profile) != NULL, "nobody to sign in as is refused");
    profile = good();
    profile.habits.skips = 101;
    OK(load_profile_fault(&profile) != NULL, "a share over a hundred is refused");
    profile = good();
    profile.speed = 0;
    OK(load_profile_fault(&profile) != NULL, "music that stands still is refused");
    profile = good();
    profile.habits.tracks_min = 0;
    OK(load_profile_fault(&profile) != NULL, "sessions without a track are refused");
}

int main(void)
{
    loopback_only();
    faults();
    return tap_done();
}
