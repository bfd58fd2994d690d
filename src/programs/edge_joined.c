// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_joined.h"

#include "base/counters.h"
#include "edge/join.h"
#include "io/clock.h"
#include "io/file.h"
#include "programs/edge_service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_FILE_MAX_BYTES = 4096 };
static const uint64_t second_us = 1000 * 1000, hour_us = 3600ULL * 1000 * 1000;

static void place_of(const struct edge_service *service, char folder[PATH_MAX],
                     struct key_place *ret)
{
    (void)snprintf(folder, PATH_MAX, "%s/keys", service->settings.data);
    *ret = (struct key_place){folder, getenv("CREDENTIALS_DIRECTORY")};
}

static int64_t now_s(void) { return clock_unix_ms() / 1000; }

/* --- the token --- */

static bool read_token_file(const char *path, struct buffer *out, struct buffer *why)
{
    int error = file_read(AT_FDCWD, path, out);
    if (error < 0)
        buffer_printf(why, "token_file %s: %.*s", path, TEXT_ARGS(log_errno(error)));
    return error >= 0;
}

static bool find_token(const struct settings *settings, struct invitation *ret, struct buffer *why)
{
    struct buffer bytes;
    const char *words, *given = getenv(EDGE_TOKEN_VARIABLE);
    if (!given || !given[0])
        given = settings->token;
    buffer_init(&bytes, TOKEN_FILE_MAX_BYTES);
    bool is_read = true;
    if (given[0])
        buffer_text(&bytes, text_of(given));
    else if (settings->token_file[0])
        is_read = read_token_file(settings->token_file, &bytes, why);
    if (is_read && bytes.size == 0) {
        buffer_printf(why,
                      "%s has not joined an origin yet: make a token there with \"sostenuto "
                      "invite NAME\" and give it with --token or --token-file; or cache any "
                      "server with --plain URL",
                      settings->data);
        is_read = false;
    } else if (is_read && !invitation_read(buffer_view(&bytes), ret, &words)) {
        buffer_printf(why, "%s", words);
        is_read = false;
    }
    if (bytes.data)
        explicit_bzero(bytes.data, bytes.capacity);
    buffer_release(&bytes);
    return is_read;
}

/* --- where the origin may be --- */

struct places {
    struct text all[JOIN_ADDRESSES_MAX];
    size_t count;
    char of_url[INVITATION_ADDRESSES_BYTES];
};

/* The host of the URL that the operator typed, with the port for nodes: it may be the only name
 * that leads there from here. */
static void add_url(struct places *places, const char *url)
{
    const char *host = url ? strstr(url, "://") : NULL;
    struct text first = places->all[0];
    const char *port = memrchr(first.data, ':', first.size);
    if (!host || !port || places->count >= JOIN_ADDRESSES_MAX)
        return;
    host += 3;
    size_t size = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
    (void)snprintf(places->of_url, sizeof places->of_url, "%.*s%.*s", (int)size, host,
                   (int)(first.data + first.size - port), port);
    struct text address = text_of(places->of_url);
    for (size_t i = 0; i < places->count; i++)
        if (text_equal(places->all[i], address))
            return;
    if (invitation_address_is_sound(address))
        places->all[places->count++] = address;
}

static void find_places(const char *addresses, const char *url, struct places *ret)
{
    struct text rest = text_of(addresses), one;
    ret->count = 0;
    while (ret->count < INVITATION_ADDRESSES_MAX && text_split(&rest, ',', &one))
        ret->all[ret->count++] = one;
    add_url(ret, url);
}

static size_t own_urls(const struct settings *settings, struct text urls[JOINING_URLS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < settings->node_urls.count && count < JOINING_URLS_MAX; i++)
        urls[count++] = text_of(settings->node_urls.items[i]);
    if (count == 0 && settings->public_url[0])
        urls[count++] = text_of(settings->public_url);
    return count;
}

/* --- joining: the process does nothing else meanwhile --- */

struct attempt {
    struct edge_service *service;
    struct key_place place;
    const struct invitation *invitation;
    struct places places;
    struct buffer request;
    struct join_config config;
    struct join *join;
    struct loop_timer again, over, pulse;
    unsigned tries;
    bool is_joined;
    struct buffer *why;
};

static void start_try(struct attempt *attempt);

static void on_again(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    start_try(CONTAINER_OF(timer, struct attempt, again));
}

static void on_over(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    loop_stop(CONTAINER_OF(timer, struct attempt, over)->service->loop);
}

/* The supervisor's watchdog wants to hear that we wait and do not hang. */
static void on_pulse(struct loop_timer *timer, uint64_t now_us)
{
    struct attempt *attempt = CONTAINER_OF(timer, struct attempt, pulse);
    (void)notify_send(&attempt->service->notify, "WATCHDOG=1");
    loop_timer_start(attempt->service->loop, timer, now_us + second_us);
}

static void on_tried(void *context, const struct join_result *result)
{
    struct attempt *attempt = context;
    struct loop *loop = attempt->service->loop;
    struct keys_error error = {""};
    buffer_reset(attempt->why);
    if (result->is_done) {
        attempt->is_joined = member_found(&attempt->place, attempt->invitation->root_digest,
                                          result->answer, result->address, now_s(), &error) == 0;
        if (!attempt->is_joined)
            buffer_printf(attempt->why, "%s", error.words);
    } else {
        buffer_printf(attempt->why, "%s", result->words);
    }
    join_free(&attempt->join);
    if (result->is_done || result->is_final) {
        loop_stop(loop);
        return;
    }
    uint64_t wait_us = second_us << (attempt->tries < 4 ? attempt->tries : 4);
    attempt->tries++;
    loop_timer_start(loop, &attempt->again, loop_now_us(loop) + wait_us);
}

static void start_try(struct attempt *attempt)
{
    attempt->join = join_start(&attempt->config, on_tried, attempt);
}

static void write_request(struct attempt *attempt, const uint8_t seed[NODE_SEED_BYTES])
{
    struct joining_request request = {.has_secret = true, .issued_s = now_s()};
    struct text urls[JOINING_URLS_MAX];
    request.url_count = own_urls(&attempt->service->settings, urls);
    for (size_t i = 0; i < request.url_count; i++)
        (void)snprintf(request.urls[i], sizeof request.urls[i], "%.*s", TEXT_ARGS(urls[i]));
    memcpy(request.secret, attempt->invitation->secret, sizeof request.secret);
    joining_request_write(&request, seed, &attempt->request);
    explicit_bzero(&request, sizeof request);
}

static void run_attempt(struct attempt *attempt, struct node_tls *tls)
{
    struct loop *loop = attempt->service->loop;
    attempt->config = (struct join_config){
        .loop = loop,
        .resolvers = attempt->service->resolvers,
        .nodes = tls,
        .target = TEXT(JOINING_JOIN),
        .request = buffer_view(&attempt->request),
        .addresses = attempt->places.all,
        .address_count = attempt->places.count,
    };
    attempt->again.on_timer = on_again;
    attempt->over.on_timer = on_over;
    attempt->pulse.on_timer = on_pulse;
    loop_timer_start(loop, &attempt->over, clock_monotonic_us() + JOINED_PATIENCE_S * second_us);
    loop_timer_start(loop, &attempt->pulse, clock_monotonic_us());
    start_try(attempt);
    loop_run(loop);
    loop_timer_stop(&attempt->again);
    loop_timer_stop(&attempt->over);
    loop_timer_stop(&attempt->pulse);
    join_free(&attempt->join);
}

static bool join_now(struct edge_service *service, const struct invitation *invitation,
                     const char *origin_url, struct buffer *why)
{
    char folder[PATH_MAX];
    uint8_t seed[NODE_SEED_BYTES];
    struct keys_error error = {""};
    struct attempt attempt = {.service = service, .invitation = invitation, .why = why};
    place_of(service, folder, &attempt.place);
    if (member_prepare(&attempt.place, seed, &error) != 0) {
        buffer_printf(why, "%s", error.words);
        return false;
    }
    find_places(invitation->addresses, origin_url, &attempt.places);
    buffer_init(&attempt.request, JOINING_REQUEST_MAX_BYTES);
    write_request(&attempt, seed);
    sodium_memzero(seed, sizeof seed);
    struct node_tls *tls = node_tls_new(&(struct node_tls_config){
        .root_digest = invitation->root_digest, .expects = NODE_ORIGIN_NAME});
    run_attempt(&attempt, tls);
    node_tls_free(&tls);
    explicit_bzero(attempt.request.data, attempt.request.size);
    buffer_release(&attempt.request);
    if (!attempt.is_joined && why->size == 0)
        buffer_printf(why, "joining was interrupted");
    return attempt.is_joined;
}

/* --- renewing --- */

static void plan(struct edge_service *service)
{
    struct edge_joined *joined = &service->joined;
    unsigned doublings = joined->failures < 6 ? joined->failures : 6;
    uint64_t wait_us = joined->failures ? (60 * second_us) << doublings : hour_us;
    loop_timer_start(service->loop, &joined->timer,
                     loop_now_us(service->loop) + (wait_us < hour_us ? wait_us : hour_us));
}

static void on_renewed(void *context, const struct join_result *result)
{
    struct edge_service *service = context;
    struct edge_joined *joined = &service->joined;
    struct keys_error error = {""};
    const char *why = result->words;
    bool is_renewed = result->is_done;
    if (is_renewed) {
        is_renewed =
            member_renew(joined->member, result->answer, result->address, now_s(), &error) == 0;
        why = error.words;
    }
    counter_add(is_renewed ? COUNTER_NODES_RENEWED : COUNTER_NODES_RENEWALS_FAILED, 1);
    joined->failures = is_renewed ? 0 : joined->failures + 1;
    if (is_renewed)
        LOG_EVENT(&service->logging.logger, LOG_INFO, "the certificate of this edge was renewed");
    else
        LOG(&service->logging.logger, LOG_WARNING,
            "the certificate of this edge is due, and was not renewed", {"why", text_of(why)});
    join_free(&joined->join);
    plan(service);
}

static void renew(struct edge_service *service)
{
    struct edge_joined *joined = &service->joined;
    struct places places = {.count = 0};
    struct text urls[JOINING_URLS_MAX];
    struct buffer request;
    for (size_t i = 0; i < member_url_count(joined->member); i++)
        places.all[places.count++] = text_of(strstr(member_url(joined->member, i), "//") + 2);
    buffer_init(&request, JOINING_REQUEST_MAX_BYTES);
    member_write_renewal(joined->member, urls, own_urls(&service->settings, urls), now_s(),
                         &request);
    const struct join_config config = {.loop = service->loop,
                                       .resolvers = service->resolvers,
                                       .nodes = member_bare_tls(joined->member),
                                       .target = TEXT(JOINING_RENEW),
                                       .request = buffer_view(&request),
                                       .addresses = places.all,
                                       .address_count = places.count};
    joined->join = join_start(&config, on_renewed, service);
    buffer_release(&request);
}

static void on_look(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct edge_service *service = CONTAINER_OF(timer, struct edge_service, joined.timer);
    if (member_is_due(service->joined.member, now_s()))
        renew(service);
    else
        plan(service);
}

/* --- life --- */

static int open_member(struct edge_service *service, struct buffer *why)
{
    char folder[PATH_MAX];
    struct key_place place;
    struct keys_error error = {""};
    place_of(service, folder, &place);
    int result = member_open(&place, &service->joined.member, &error);
    if (result && result != -ENOENT)
        buffer_printf(why, "%s", error.words);
    return result;
}

bool edge_joined_open(struct edge_service *service, const char *origin_url, struct buffer *why)
{
    struct invitation invitation;
    int error = open_member(service, why);
    if (error == -ENOENT) {
        bool is_joined = find_token(&service->settings, &invitation, why) &&
                         join_now(service, &invitation, origin_url, why);
        explicit_bzero(&invitation, sizeof invitation);
        if (!is_joined)
            return false;
        error = open_member(service, why);
    }
    if (error)
        return false;
    const struct delegation *own = member_delegation(service->joined.member);
    struct uid_text id;
    LOG(&service->logging.logger, LOG_INFO, "this edge belongs to an origin",
        {"name", text_of(own->name)}, {"id", uid_text(&id, own->id)},
        {"origin", text_of(member_url(service->joined.member, 0))});
    service->joined.timer.on_timer = on_look;
    loop_timer_start(service->loop, &service->joined.timer, clock_monotonic_us());
    return true;
}

void edge_joined_close(struct edge_service *service)
{
    loop_timer_stop(&service->joined.timer);
    join_free(&service->joined.join);
    member_close(&service->joined.member);
}
