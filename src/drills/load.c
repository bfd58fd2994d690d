// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/load.h"

#include "base/mem.h"
#include "drills/attacker.h"
#include "drills/listener.h"
#include "drills/load_state.h"
#include "io/clock.h"
#include "io/random.h"

#include <assert.h>
#include <stdio.h>
#include <sys/resource.h>

enum {
    SECOND_US = 1000000,
    STOP_LOOK_US = 20000,
    FILES_BESIDE = 128,              /* of the process, besides the listeners' connections */
    RECEIVE_BUFFER_BYTES = 64 << 10, /* what the kernel holds ahead is no listener's buffer */
};

static void on_second(struct loop_timer *timer, uint64_t now_us);

/* --- states --- */

static void enter(struct load *load, enum load_state state)
{
    load->state = state;
    if (load->on_state)
        load->on_state(load->context, state);
}

static void begin_attacks(struct load *load, uint64_t now_us)
{
    const struct load_profile *profile = &load->profile;
    struct chance chance = chance_of(profile->seed, UINT32_MAX);
    load->attacker_count = profile->slow_headers + profile->slow_readers;
    load->attackers = mem_zalloc((load->attacker_count + 1) * sizeof *load->attackers);
    for (uint32_t i = 0; i < load->attacker_count; i++) {
        attacker_init(&load->attackers[i], load, i,
                      i < profile->slow_headers ? ATTACKER_SLOW_HEADER : ATTACKER_SLOW_READER);
        attacker_begin_at(&load->attackers[i],
                          now_us + chance_below(&chance, profile->arrive_ms + 1) * UINT64_C(1000));
    }
}

/* When person `index` comes for the first time, in ms; UINT32_MAX: the hour of the day says. */
static uint32_t first_arrival_ms(const struct load_profile *profile, uint32_t index,
                                 struct chance *chance)
{
    uint32_t spread_ms = chance_below(chance, profile->arrive_ms + 1);
    uint64_t flash = (uint64_t)profile->listeners * profile->flash_percent / 100;
    if (profile->arrival == LOAD_ARRIVE_DIURNAL)
        return UINT32_MAX;
    if (profile->arrival == LOAD_ARRIVE_FLASH && index < flash)
        return profile->flash_at_ms + spread_ms;
    return spread_ms;
}

static void begin_listening(struct load *load, uint64_t now_us)
{
    const struct load_profile *profile = &load->profile;
    uint64_t flash = (uint64_t)profile->listeners * profile->flash_percent / 100;
    load->listeners = mem_zalloc((profile->listeners + 1) * sizeof *load->listeners);
    for (uint32_t i = 0; i < profile->listeners; i++) {
        struct listener *listener = &load->listeners[i];
        listener_init(listener, load, i);
        listener->is_flash = profile->arrival == LOAD_ARRIVE_FLASH && i < flash;
        uint32_t at_ms = first_arrival_ms(profile, i, &listener->chance);
        load_tell_choice(load, i, "comes at ms", at_ms);
        if (at_ms != UINT32_MAX)
            listener_arrive_at(listener, now_us + at_ms * UINT64_C(1000));
    }
}

static void on_ready(struct load *load, const char *why)
{
    uint64_t now_us = loop_now_us(load->loop);
    if (why) {
        snprintf(load->why, sizeof load->why, "%s", why);
        enter(load, LOAD_FAILED);
        return;
    }
    popularity_init(&load->popularity, load->shelf.count);
    load->seconds = mem_zalloc(LOAD_MAX_SECONDS * sizeof *load->seconds);
    load->counts_before = *client_counts(load->client);
    load->running_us = now_us;
    load->second_due_us = now_us + SECOND_US;
    loop_timer_start(load->loop, &load->second, load->second_due_us);
    load->state = LOAD_RUNNING; /* listeners ask whether it runs */
    begin_listening(load, now_us);
    begin_attacks(load, now_us);
    enter(load, LOAD_RUNNING);
}

static void on_cut(struct load *load, const char *why)
{
    const struct load_profile *profile = &load->profile;
    if (!why && profile->warms && profile->target_count > 1 + profile->cold_targets)
        load_warm(load, on_ready);
    else
        on_ready(load, why);
}

static void on_prepared(struct load *load, const char *why)
{
    if (!why && load->profile.hears_segments)
        load_segments(load, on_cut);
    else
        on_cut(load, why);
}

/* --- birth --- */

static bool make_room_for_files(const struct load_profile *profile)
{
    struct rlimit limit;
    rlim_t least =
        profile->listeners + profile->slow_headers + profile->slow_readers + FILES_BESIDE;
    rlim_t good = least + profile->listeners;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return false;
    if (limit.rlim_cur >= good)
        return true;
    struct rlimit more = {good, limit.rlim_max > good ? limit.rlim_max : good};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        return true;
    limit.rlim_cur = limit.rlim_max; /* not root: what we may have */
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= least;
}

/* An absent text is an empty one. */
static bool copy_text(char *out, size_t size, const char *value)
{
    int length = snprintf(out, size, "%s", value ? value : "");
    return length >= 0 && (size_t)length < size;
}

static const char *take_accounts(struct load *load)
{
    unsigned count = load->profile.account_count;
    load->passes = mem_zalloc(count * sizeof *load->passes);
    for (unsigned i = 0; i < count; i++) {
        const struct load_account *account = &load->profile.accounts[i];
        struct pass *pass = &load->passes[i];
        if (!copy_text(pass->name, sizeof pass->name, account->name) ||
            !copy_text(pass->password, sizeof pass->password, account->password) ||
            !copy_text(pass->secret, sizeof pass->secret, account->app_secret))
            return "an account's name, password or secret is too long";
        pass->key = pass->password[0] ? browser_key_new() : NULL;
    }
    return NULL;
}

static const char *make_origins(struct load *load)
{
    struct client_limits limits = {.max_connections = 2,
                                   .max_waiting = 8,
                                   .connect_ms = 5000,
                                   .first_byte_ms = 10000,
                                   .idle_ms = 15000,
                                   .keep_ms =
                                       3000, /* thousands of them must fit into one process */
                                   .max_header_bytes = 16384,
                                   .max_fields = 60,
                                   .receive_buffer_bytes = RECEIVE_BUFFER_BYTES};
    for (unsigned i = 0; i < load->profile.target_count; i++) {
        char *kept = load->target_texts[i];
        bool fits = copy_text(kept, LOAD_TARGET_BYTES, load->profile.targets[i]);
        load->profile.targets[i] = kept;
        load->origins[i] =
            fits ? client_origin_new(load->client, text_of(kept), NULL, &limits) : NULL;
        if (!load->origins[i])
            return "a target is not a URL of scheme, address and port";
        assert(client_origin_is_loopback(load->origins[i])); /* load_profile_fault() has looked */
    }
    return NULL;
}

struct load *load_start(struct loop *loop, const struct load_profile *profile,
                        load_on_state *on_state, void *context, const char **ret_why)
{
    char tls_why[256];
    const char *why = load_profile_fault(profile);
    if (!why && !make_room_for_files(profile))
        why = "this process may not open as many files as the listeners need (ulimit -n)";
    if (why) {
        *ret_why = why;
        return NULL;
    }
    struct load *load = MEM_NEW(struct load);
    load->loop = loop;
    load->profile = *profile;
    load->on_state = on_state;
    load->context = context;
    load->second.on_timer = on_second;
    load->run = random_u64();
    shelf_init(&load->shelf, LOAD_MAX_TRACKS);
    load->ledger = ledger_new(profile->account_count, LOAD_MAX_TRACKS, LOAD_MAX_PLAYLISTS);
    load->client = client_new(loop, profile->ca_file, tls_why, sizeof tls_why);
    why = !load->client ? "the CA file holds no certificate that can be read" : take_accounts(load);
    if (!why)
        why = make_origins(load);
    if (why) {
        *ret_why = why;
        load_free(&load);
        return NULL;
    }
    load->state = LOAD_PREPARING;
    load_accounts_prepare(load, on_prepared);
    return load;
}

enum load_state load_state(const struct load *load) { return load->state; }
const char *load_why(const struct load *load) { return load->why; }

/* --- death --- */

static void cut_all(struct load *load)
{
    for (uint32_t i = 0; load->listeners && i < load->profile.listeners; i++)
        listener_release(&load->listeners[i]);
    for (uint32_t i = 0; i < load->attacker_count; i++)
        attacker_release(&load->attackers[i]);
    mem_free_p(&load->listeners);
    mem_free_p(&load->attackers);
    load->attacker_count = 0;
    loop_timer_stop(&load->second);
    load->figures.listeners_now = load->figures.playing_now = load->figures.silent_now = 0;
}

static bool has_errands(const struct load *load)
{
    for (uint32_t i = 0; i < load->profile.listeners; i++)
        if (listener_has_errands(&load->listeners[i]))
            return true;
    return false;
}

static void take_client_counts(struct load *load, struct load_figures *figures)
{
    const struct client_counts *now = client_counts(load->client);
    figures->bytes = now->body_bytes - load->counts_before.body_bytes;
    figures->connects = now->connects - load->counts_before.connects;
    figures->connects_failed = now->connects_failed - load->counts_before.connects_failed;
    figures->hangups = now->hangups - load->counts_before.hangups;
}

static void look_whether_stopped(struct load *load, uint64_t now_us)
{
    if (has_errands(load) && now_us < load->stop_by_us) {
        loop_timer_start(load->loop, &load->second, now_us + STOP_LOOK_US);
        return;
    }
    cut_all(load);
    take_client_counts(load, &load->figures);
    enter(load, LOAD_STOPPED);
}

void load_stop(struct load *load, unsigned grace_ms)
{
    uint64_t now_us = loop_now_us(load->loop);
    if (load->state == LOAD_PREPARING || load->state == LOAD_RUNNING)
        load_segments_cancel(load);
    load_warm_cancel(load);
    if (load->state == LOAD_PREPARING || load->state == LOAD_RUNNING)
        load_accounts_cancel(load); /* a read-back goes on */
    if (load->state != LOAD_RUNNING) {
        if (load->state == LOAD_PREPARING)
            enter(load, LOAD_STOPPED);
        return;
    }
    load->state = LOAD_STOPPING;
    for (uint32_t i = 0; i < load->profile.listeners; i++)
        listener_fall_silent(&load->listeners[i], now_us);
    for (uint32_t i = 0; i < load->attacker_count; i++)
        attacker_release(&load->attackers[i]);
    load->stop_by_us = now_us + grace_ms * UINT64_C(1000);
    loop_timer_start(load->loop, &load->second, now_us);
    enter(load, LOAD_STOPPING);
}

void load_free(struct load **load_at)
{
    struct load *load = *load_at;
    if (!load)
        return;
    load_segments_cancel(load);
    load_warm_cancel(load);
    load_accounts_cancel(load);
    cut_all(load);
    for (unsigned i = 0; i < LOAD_MAX_TARGETS; i++)
        client_origin_free(&load->origins[i]);
    client_free(&load->client);
    ledger_free(&load->ledger);
    shelf_release(&load->shelf);
    popularity_release(&load->popularity);
    for (unsigned i = 0; load->passes && i < load->profile.account_count; i++)
        browser_key_free(&load->passes[i].key);
    mem_free(load->passes);
    mem_free(load->seconds);
    mem_free_p(load_at);
}

/* --- figures --- */

uint32_t load_retry_after_ms(const struct http_response *response)
{
    uint64_t seconds;
    if (response->status != 503 && response->status != 429)
        return 0;
    if (!text_to_u64(http_response_field(response, TEXT("Retry-After")), &seconds))
        return 0;
    return seconds < LOAD_MOST_WAIT_MS / 1000 ? (uint32_t)seconds * 1000 : LOAD_MOST_WAIT_MS;
}

void load_count_outcome(struct load *load, enum client_outcome outcome, unsigned status)
{
    struct load_figures *figures = &load->figures;
    figures->responses_ok += outcome == CLIENT_DONE && status < 400;
    figures->refusals += outcome == CLIENT_DONE && status >= 400;
    figures->unavailable += outcome == CLIENT_DONE && (status == 503 || status == 429);
    figures->resets += outcome == CLIENT_RESET;
    figures->truncations += outcome == CLIENT_TRUNCATED;
    figures->timeouts += outcome == CLIENT_TIMEOUT;
}

/* Clocks up to date, and what lasts just now; *ret_silence_ms: of gaps that have not ended. */
static void look_around(struct load *load, struct load_figures *figures, uint64_t *ret_present_ms,
                        uint64_t *ret_silence_ms)
{
    uint64_t now_us = loop_now_us(load->loop);
    figures->listeners_now = figures->playing_now = figures->silent_now = 0;
    *ret_present_ms = *ret_silence_ms = 0;
    for (uint32_t i = 0; load->listeners && i < load->profile.listeners; i++) {
        struct listener *listener = &load->listeners[i];
        listener_look(listener, now_us);
        if (listener->step == LISTENER_ABSENT)
            continue;
        uint32_t silent_ms = listener_silent_ms(listener, now_us);
        figures->listeners_now++;
        figures->playing_now += listener->step == LISTENER_HEARING;
        figures->silent_now += silent_ms > 0;
        *ret_silence_ms += silent_ms;
        *ret_present_ms += load_ms_since(listener->arrived_us, now_us);
    }
}

void load_figures(struct load *load, struct load_figures *ret)
{
    uint64_t present_ms, silence_ms;
    look_around(load, &load->figures, &present_ms, &silence_ms);
    for (uint32_t i = 0; i < load->attacker_count; i++)
        attacker_look(&load->attackers[i], loop_now_us(load->loop));
    *ret = load->figures;
    if (load->state == LOAD_RUNNING || load->state == LOAD_STOPPING)
        take_client_counts(load, ret);
    ret->listener_ms += present_ms;
    ret->gap_total_ms += silence_ms;
}

static void write_second(struct load_second *row, const struct load_figures *all,
                         const struct load_figures *before, uint64_t late_ms)
{
    struct load_figures now = *all;
    load_figures_since(&now, before);
    *row = (struct load_second){
        .listeners = now.listeners_now,
        .playing = now.playing_now,
        .silent = now.silent_now,
        .taps = (uint32_t)now.taps,
        .started = (uint32_t)now.plays_started,
        .failed = (uint32_t)now.plays_failed,
        .gaps = (uint32_t)now.gaps,
        .gap_ms = (uint32_t)now.gap_total_ms,
        .start_ms_p50 = (uint32_t)histogram_quantile_ms(&now.start_ms, 500),
        .start_ms_p99 = (uint32_t)histogram_quantile_ms(&now.start_ms, 990),
        .requests = (uint32_t)now.requests,
        .refusals = (uint32_t)now.refusals,
        .retries = (uint32_t)now.retries,
        .connects_failed = (uint32_t)now.connects_failed,
        .writes_acknowledged = now.writes.ms.count,
        .other_failures = (uint32_t)(now.sign_ins.failed + now.searches.failed +
                                     now.playlists.failed + now.homes.failed + now.artworks.failed),
        .late_ms_max = (uint32_t)late_ms,
        .bytes = now.bytes,
    };
}

/* As many as the hour of the day wants: absent ones come, those who are too many leave soon. */
static void follow_the_day(struct load *load, uint64_t now_us)
{
    const struct load_profile *profile = &load->profile;
    uint64_t at_ms = (now_us - load->running_us) / 1000;
    uint32_t wanted = people_present(profile->listeners, at_ms, profile->day_ms), index = 0;
    for (; index < profile->listeners; index++) {
        struct listener *listener = &load->listeners[index];
        listener->leaves_soon = index >= wanted;
        if (index < wanted && listener->step == LISTENER_ABSENT && listener->due_us == UINT64_MAX)
            listener_arrive_at(listener, now_us + chance_below(&listener->chance, SECOND_US));
    }
}

static void on_second(struct loop_timer *timer, uint64_t now_us)
{
    struct load *load = CONTAINER_OF(timer, struct load, second);
    struct load_figures now;
    if (load->state == LOAD_STOPPING) {
        look_whether_stopped(load, now_us);
        return;
    }
    uint64_t late_ms = load_ms_since(load->second_due_us, now_us);
    late_ms = late_ms > load->late_ms_of_second ? late_ms : load->late_ms_of_second;
    load->late_ms_of_second = 0;
    if (late_ms > load->figures.late_ms_max)
        load->figures.late_ms_max = late_ms;
    load_figures(load, &now);
    if (load->second_count < LOAD_MAX_SECONDS)
        write_second(&load->seconds[load->second_count++], &now, &load->last_second, late_ms);
    load->last_second = now;
    if (load->profile.arrival == LOAD_ARRIVE_DIURNAL)
        follow_the_day(load, now_us);
    load->second_due_us += SECOND_US;
    if (load->second_due_us < now_us)
        load->second_due_us = now_us + SECOND_US;
    loop_timer_start(load->loop, &load->second, load->second_due_us);
}

const struct load_second *load_seconds(const struct load *load, size_t *ret_count)
{
    *ret_count = load->second_count;
    return load->seconds;
}

/* --- reading back --- */

static void on_read_back(struct load *load, const char *why UNUSED)
{
    struct load_readback readback;
    ledger_judge(load->ledger, &readback);
    load->on_readback(load->readback_context, &readback);
}

void load_read_back(struct load *load, load_on_readback *done, void *context)
{
    assert(load->state == LOAD_STOPPED && !load->visit && load->ledger);
    load->on_readback = done;
    load->readback_context = context;
    load_accounts_read_back(load, on_read_back);
}
