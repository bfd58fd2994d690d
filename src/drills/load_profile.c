// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/address.h"
#include "drills/load.h"

#include <string.h>

struct load_profile load_profile_default(void)
{
    return (struct load_profile){
        .at_first_percent = LOAD_EVENLY,
        .listeners = 1,
        .player_percent = 50,
        .seed = 1,
        .arrival = LOAD_ARRIVE_AT_ONCE,
        .arrive_ms = 2000,
        .day_ms = 24 * 3600 * 1000,
        .flash_percent = 50,
        .buffer_s = 30,
        .speed = 1,
        .habits = {.tracks_min = 10,
                   .tracks_max = 20,
                   .skips = 100,
                   .next_in_queue = 60,
                   .searches = 10,
                   .playlist_visits = 10,
                   .stars = 4,
                   .playlist_edits = 2,
                   .sign_ins = 5,
                   .choose_ms_min = 500,
                   .choose_ms_max = 4000,
                   .pause_s = 30},
    };
}

/* "http://127.0.0.1:4533", "https://[::1]": an address of this machine alone, written as one. */
static bool is_loopback(struct text url)
{
    struct address address;
    struct text authority;
    if (text_starts(url, TEXT("http://")))
        authority = text_from(url, 7);
    else if (text_starts(url, TEXT("https://")))
        authority = text_from(url, 8);
    else
        return false;
    const char *colon = authority.size ? memrchr(authority.data, ':', authority.size) : NULL;
    if (colon && !text_ends(authority, TEXT("]")))
        authority.size = (size_t)(colon - authority.data);
    static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff}, v6_loopback[16] = {[15] = 1};
    if (!address_parse(authority, &address))
        return false;
    return memcmp(address.bytes, v6_loopback, 16) == 0 ||
           (memcmp(address.bytes, v4_mapped, 12) == 0 && address.bytes[12] == 127);
}

static const char *habits_fault(const struct load_habits *habits)
{
    const unsigned shares[] = {
        habits->skips, habits->next_in_queue,  habits->searches, habits->playlist_visits,
        habits->stars, habits->playlist_edits, habits->sign_ins};
    for (size_t i = 0; i < ARRAY_SIZE(shares); i++)
        if (shares[i] > 100)
            return "a share of the listeners' habits is more than 100 percent";
    if (habits->tracks_min == 0 || habits->tracks_min > habits->tracks_max ||
        habits->tracks_max > 1000)
        return "a session has 1 to 1,000 tracks, the least not more than the most";
    if (habits->choose_ms_min > habits->choose_ms_max || habits->choose_ms_max > 600000)
        return "choosing takes up to 600,000 ms, the least not more than the most";
    return habits->pause_s > 86400 ? "a pause between sessions is a day at most" : NULL;
}

static const char *accounts_fault(const struct load_profile *profile)
{
    if (profile->account_count == 0 || profile->account_count > LOAD_MAX_ACCOUNTS)
        return "there must be 1 to 64 accounts";
    for (unsigned i = 0; i < profile->account_count; i++) {
        const struct load_account *account = &profile->accounts[i];
        if (!account->name || (!account->password && !account->app_secret))
            return "an account needs a name, and a password or an app secret";
    }
    return NULL;
}

const char *load_profile_fault(const struct load_profile *profile)
{
    if (profile->target_count == 0 || profile->target_count > LOAD_MAX_TARGETS)
        return "there must be 1 to 8 targets";
    for (unsigned i = 0; i < profile->target_count; i++)
        if (!profile->targets[i] || !is_loopback(text_of(profile->targets[i])))
            return "a target is not http:// or https:// and a loopback address: virtual listeners "
                   "visit this machine only";
    if (profile->listeners > LOAD_MAX_LISTENERS)
        return "there may be 50,000 listeners at most";
    if (profile->slow_headers > LOAD_MAX_ATTACKERS || profile->slow_readers > LOAD_MAX_ATTACKERS)
        return "there may be 20,000 attackers of a kind at most";
    if (profile->at_first_percent > LOAD_EVENLY)
        return "of the listeners up to 100 percent begin at the first target";
    if (profile->player_percent > 100 || profile->impatient_percent > 100 ||
        profile->flash_percent > 100)
        return "a share is more than 100 percent";
    if (profile->buffer_s < 1 || profile->buffer_s > 600)
        return "a buffer holds 1 to 600 s";
    if (profile->speed < 1 || profile->speed > 100)
        return "the speed is 1 to 100";
    if (profile->arrival == LOAD_ARRIVE_DIURNAL && profile->day_ms < 1000)
        return "a day lasts a second at least";
    const char *fault = accounts_fault(profile);
    return fault ? fault : habits_fault(&profile->habits);
}
