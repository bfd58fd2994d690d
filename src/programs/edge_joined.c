// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_joined.h"

#include "base/counters.h"
#include "edge/join.h"
#include "io/clock.h"
#include "io/file.h"
#include "programs/edge_service.h"
#include "trust/node_list.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOKEN_FILE_MAX_BYTES = 4096,
    MOVED_S = 6 /* the origin's book takes no more of them */,
    LOOK_S = 5
};
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
    if (is_read && bytes.size == 0 && settings->token_file[0]) {
        buffer_printf(why, "token_file %s: it is empty: put in what sostenuto invite printed",
                      settings->token_file);
        is_read = false;
    } else if (is_read && bytes.size == 0) {
        buffer_printf(why,
                      "%s has not joined an origin yet: make a token there with \"sostenuto "
                      "invite NAME\" and give it with --token or --token-file; or cache any "
                      "server with --plain URL",
                      settings->data);
        is_read = false;
    } else if (is_read && !invitation_read(buffer_view(&bytes), ret, &words)) {
        if (!given[0])
            buffer_printf(why, "token_file %s: ", settings->token_file);
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
    assert(places->count > 0); /* no invitation is without an address */
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

/* Where listeners reach this edge: as it was told, else where it listens. */
struct own_urls {
    struct text all[JOINING_URLS_MAX];
    size_t count;
    char listening[EDGE_SERVICE_MAX_ADDRESSES][JOINING_URL_MAX_BYTES + 1];
};

static void add_listening(const struct edge_service *service, struct own_urls *ret)
{
    for (size_t i = 0; i < service->address_count; i++) {
        const struct listening_address *address = &service->addresses[i];
        const char *scheme = service->tls.server ? "https" : "http";
        char lan[48] = "localhost", *url = ret->listening[i];
        if (address->is_any) {
            (void)!listening_lan_host(lan, sizeof lan);
            bool is_v6 = strchr(lan, ':');
            (void)snprintf(url, sizeof ret->listening[i], "%s://%s%s%s:%u", scheme,
                           is_v6 ? "[" : "", lan, is_v6 ? "]" : "", address->port);
        } else {
            (void)snprintf(url, sizeof ret->listening[i], "%s://%s", scheme, address->text);
        }
        ret->all[ret->count++] = text_of(url);
    }
}

static void find_own_urls(const struct edge_service *service, struct own_urls *ret)
{
    const struct settings *settings = &service->settings;
    ret->count = 0;
    for (size_t i = 0; i < settings->node_urls.count && ret->count < JOINING_URLS_MAX; i++)
        ret->all[ret->count++] = text_of(settings->node_urls.items[i]);
    if (ret->count == 0 && settings->public_url[0])
        ret->all[ret->count++] = text_of(settings->public_url);
    if (ret->count == 0)
        add_listening(service, ret);
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
    if (attempt->tries == 0) /* nobody shall think that it hangs */
        LOG(&attempt->service->logging.logger, LOG_WARNING,
            "this edge has not joined yet, and goes on trying",
            {"for_seconds", LOG_NUMBER(JOINED_PATIENCE_S)}, {"why", buffer_view(attempt->why)});
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
    struct own_urls urls;
    find_own_urls(attempt->service, &urls);
    request.url_count = urls.count;
    for (size_t i = 0; i < urls.count; i++)
        (void)snprintf(request.urls[i], sizeof request.urls[i], "%.*s", TEXT_ARGS(urls.all[i]));
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

/* Looked at often, for the wall clock may jump, as on a machine that slept; asked with patience,
 * unless the certificate is over: then nobody talks to this edge. */
static void plan(struct edge_service *service)
{
    struct edge_joined *joined = &service->joined;
    unsigned doublings = joined->failures < 6 ? joined->failures : 6;
    uint64_t wait_us = joined->failures    ? (60 * second_us) << doublings
                       : joined->has_moved ? MOVED_S * second_us
                                           : hour_us;
    joined->next_us = loop_now_us(service->loop) + (wait_us < hour_us ? wait_us : hour_us);
    loop_timer_start(service->loop, &joined->timer,
                     loop_now_us(service->loop) + LOOK_S * second_us);
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
    else if ((joined->failures & (joined->failures - 1)) == 0) /* the first, second, fourth … */
        LOG(&service->logging.logger, LOG_WARNING,
            joined->is_going_over ? "the new origin does not take this edge"
                                  : "the certificate of this edge is due, and was not renewed",
            {"why", text_of(why)});
    join_free(&joined->join);
    plan(service);
    if (joined->is_going_over && is_renewed)
        edge_service_begin_again(service);
    joined->is_going_over = false;
}

static void renew_at(struct edge_service *service, const struct text *addresses, size_t count)
{
    struct edge_joined *joined = &service->joined;
    struct own_urls urls;
    struct buffer request;
    buffer_init(&request, JOINING_REQUEST_MAX_BYTES);
    find_own_urls(service, &urls);
    member_write_renewal(joined->member, urls.all, urls.count, now_s(), &request);
    const struct join_config config = {.loop = service->loop,
                                       .resolvers = service->resolvers,
                                       .nodes = member_bare_tls(joined->member),
                                       .target = TEXT(JOINING_RENEW),
                                       .request = buffer_view(&request),
                                       .addresses = addresses,
                                       .address_count = count};
    joined->join = join_start(&config, on_renewed, service);
    buffer_release(&request);
}

static void renew(struct edge_service *service)
{
    const struct member *member = service->joined.member;
    struct places places = {.count = 0};
    for (size_t i = 0; i < member_url_count(member); i++)
        places.all[places.count++] = text_of(strstr(member_url(member, i), "//") + 2);
    renew_at(service, places.all, places.count);
}

bool edge_joined_is_asking(const struct edge_service *service) { return service->joined.join; }

void edge_joined_go_over(struct edge_service *service, const struct text *addresses, size_t count)
{
    loop_timer_stop(&service->joined.timer);
    service->joined.is_going_over = true;
    renew_at(service, addresses, count);
}

static void on_look(struct loop_timer *timer, uint64_t now_us)
{
    struct edge_service *service = CONTAINER_OF(timer, struct edge_service, joined.timer);
    struct edge_joined *joined = &service->joined;
    bool is_wanted = joined->has_moved || member_is_due(joined->member, now_s());
    bool is_patient = now_us < joined->next_us && !member_is_over(joined->member, now_s());
    if (is_wanted && !is_patient)
        renew(service);
    else
        loop_timer_start(service->loop, timer, now_us + LOOK_S * second_us);
}

void edge_joined_url(const struct edge_service *service, char *ret, size_t capacity)
{
    struct own_urls own;
    find_own_urls(service, &own);
    (void)snprintf(ret, capacity, "%.*s", TEXT_ARGS(own.all[0]));
}

void edge_joined_look(struct edge_service *service, const struct node_list *list)
{
    struct edge_joined *joined = &service->joined;
    const struct node_entry *entry = node_list_find(list, member_delegation(joined->member)->id);
    struct own_urls own;
    bool had_moved = joined->has_moved;
    if (!entry)
        return;
    find_own_urls(service, &own);
    joined->has_moved = entry->url_count != own.count;
    for (size_t i = 0; !joined->has_moved && i < own.count; i++)
        joined->has_moved = !text_equal(entry->urls[i], own.all[i]);
    if (!joined->has_moved || had_moved || joined->join || !joined->timer.on_timer)
        return;
    joined->next_us = 0;
    loop_timer_start(service->loop, &joined->timer, loop_now_us(service->loop));
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
    if (error == 0 && service->settings.token[0])
        LOG_EVENT(&service->logging.logger, LOG_INFO,
                  "this folder has joined its origin already; the token is not used");
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
