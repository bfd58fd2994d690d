// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_follow.h"

#include "api/api.h"
#include "api/throttle.h"
#include "base/encode.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "io/client.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/server.h"
#include "io/workers.h"
#include "library/library.h"
#include "programs/follow_status.h"
#include "programs/node.h"
#include "state/copy.h"
#include "state/state.h"
#include "trust/keys.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    WORKER_THREADS = 2,
    WORKER_QUEUE = 256,
    LINE_MAX_BYTES = 4096,
    LOCK_TRIES = 75,
    LOCK_TRY_AGAIN_US = 20 * 1000,
    AWAIT_TRIES = 10000,
};

/* --- from the replica's thread to the home loop --- */

struct news {
    struct edge_follow *follow;
    struct keyring *ring; /* or: */
    char name[SIGNED_NAME_MAX_BYTES + 1];
    uint64_t epoch, number;
    struct uid account; /* or, without a name: */
    size_t size;
    char bytes[];
};

static struct news *new_news(struct edge_follow *follow, struct text bytes)
{
    struct news *news = mem_zalloc(sizeof *news + bytes.size);
    news->follow = follow;
    news->size = bytes.size;
    if (bytes.size)
        memcpy(news->bytes, bytes.data, bytes.size);
    return news;
}

static void on_applied(void *context, bool is_durable)
{
    struct edge_follow *follow = context;
    if (follow->replica)
        replica_state_taken(follow->replica, is_durable);
}

static void learn(struct edge_follow *follow, const struct news *news)
{
    const char *why = "the database is behind";
    enum state_copy verdict =
        state_copy_learn(follow->state, news->account, text_make(news->bytes, news->size), &why);
    if (verdict == STATE_COPY_LEARNT) {
        state_when_applied(follow->state, on_applied, follow);
        return;
    }
    LOG(follow->logger, LOG_WARNING, "a listener's state was not taken", {"why", text_of(why)});
    on_applied(follow, false);
}

static void take_news(struct news *news)
{
    struct edge_follow *follow = news->follow;
    if (news->ring) {
        if (follow->api)
            api_take_keyring(follow->api, news->ring);
        keyring_unref(&news->ring);
    } else if (!news->name[0]) {
        learn(follow, news);
    } else if (follow->api) {
        api_take_object(follow->api, text_of(news->name), news->epoch, news->number,
                        text_make(news->bytes, news->size));
    }
    mem_free(news);
}

static void on_news(void *context) { take_news(context); }

/* What the disk has is told at the start, on the home loop's own thread. */
static void tell(struct news *news)
{
    if (pthread_equal(pthread_self(), news->follow->home))
        take_news(news);
    else
        loop_post(news->follow->loop, on_news, news);
}

static void on_keys(void *context, struct keyring *ring)
{
    struct news *news = new_news(context, TEXT_NONE);
    news->ring = keyring_ref(ring);
    tell(news);
}

static void on_object(void *context, const struct signed_object *object, struct text bytes)
{
    struct news *news = new_news(context, bytes);
    (void)snprintf(news->name, sizeof news->name, "%.*s", TEXT_ARGS(object->name));
    news->epoch = object->epoch;
    news->number = object->number;
    tell(news);
}

static void on_catalog(void *context, struct catalog *catalog,
                       struct shelf *shelves[REPLICA_LIBRARIES])
{
    struct edge_follow *follow = context;
    library_show(follow->library, catalog, shelves);
}

static void on_state(void *context, struct uid account, struct text body)
{
    struct news *news = new_news(context, body);
    news->account = account;
    tell(news);
}

/* --- what is not held --- */

static void ask(struct exchange *exchange, void *context)
{
    struct edge_follow *follow = context;
    edge_ask(follow->edge, exchange);
}

static void fetch(struct exchange *exchange, struct text target, struct text grant, void *context)
{
    struct edge_follow *follow = context;
    edge_ask_granted(follow->edge, exchange, target, grant);
}

/* --- the line to the origin: URL, fingerprint and token, a line each --- */

static struct client *open_client(void *context, struct loop *loop, char *why, size_t why_size)
{
    const struct edge_follow *follow = context;
    const char *ca = follow->settings->origin_ca;
    return client_new(loop, ca[0] ? ca : NULL, why, why_size);
}

static bool read_line(struct edge_follow *follow, struct replica_line *ret, struct buffer *why)
{
    struct text rest, url, fingerprint;
    int error = file_read(AT_FDCWD, follow->settings->follow, &follow->line);
    rest = buffer_view(&follow->line);
    bool is_good = error == 0 && text_split(&rest, '\n', &url) &&
                   text_split(&rest, '\n', &fingerprint) && client_url_is_sound(url) &&
                   decode_base64url(fingerprint, ret->fingerprint, sizeof ret->fingerprint) ==
                       sizeof ret->fingerprint;
    if (!is_good) {
        buffer_printf(why,
                      "follow: %s must hold the origin's URL, its root key's fingerprint and a "
                      "token, a line each",
                      follow->settings->follow);
        return false;
    }
    ret->url = url;
    ret->authorization = text_trim(rest);
    ret->open = open_client;
    ret->context = follow;
    return true;
}

/* --- opening --- */

static bool take_lock(struct edge_follow *follow, struct buffer *why)
{
    pid_t holder = 0;
    int folder = file_open_dir(AT_FDCWD, follow->settings->data);
    follow->lock_fd = folder < 0 ? folder : file_lock(folder, "lock", &holder);
    for (int i = 0; i < LOCK_TRIES && follow->lock_fd == -EWOULDBLOCK; i++) {
        (void)usleep(LOCK_TRY_AGAIN_US);
        follow->lock_fd = file_lock(folder, "lock", &holder);
    }
    if (folder >= 0)
        (void)close(folder);
    if (follow->lock_fd < 0)
        buffer_printf(why, "the state folder %s is in use, or cannot be: %.*s",
                      follow->settings->data, TEXT_ARGS(log_errno(follow->lock_fd)));
    return follow->lock_fd >= 0;
}

static bool open_state(struct edge_follow *follow, struct buffer *why)
{
    char path[PATH_MAX], words[256] = "";
    struct keys_error keys_error = {""};
    struct state_error state_error = {""};
    (void)snprintf(path, sizeof path, "%s/keys", follow->settings->data);
    const struct key_place place = {path, getenv("CREDENTIALS_DIRECTORY")}; /* systemd.exec(5) */
    if (keys_open(&place, true, &follow->keys, &keys_error) < 0) {
        buffer_printf(why, "%s", keys_error.words);
        return false;
    }
    const struct state_config config = {.folder = follow->settings->data,
                                        .keys = follow->keys,
                                        .loop = follow->loop,
                                        .logger = follow->logger,
                                        .now_ms = clock_unix_ms()};
    if (state_open(&config, &follow->state, &state_error) < 0) {
        buffer_printf(why, "%s", state_error.words);
        return false;
    }
    if (library_open_copy(follow->loop, follow->logger, &follow->library, words) < 0) {
        buffer_printf(why, "%s", words);
        return false;
    }
    return true;
}

static void open_api(struct edge_follow *follow, struct server *server)
{
    const struct settings *settings = follow->settings;
    const struct throttle_limits signin = {
        .free_pair = settings->signin_tries,
        .free_address = settings->signin_tries_per_address,
        .free_name = settings->signin_tries_per_name,
        .longest_wait_ms = settings->signin_longest_wait_seconds * 1000,
        .forget_ms = settings->signin_forget_minutes * 60000,
        .max_renewals = settings->max_renewals_per_account,
    };
    const struct settings_list *legacy = &settings->legacy_clients;
    for (size_t i = 0; i < legacy->count; i++)
        follow->legacy_clients[i] = text_of(legacy->items[i]);
    follow->workers = workers_start("workers", WORKER_THREADS, WORKER_QUEUE);
    follow->passwords = workers_start("passwords", 1, WORKER_QUEUE);
    struct keyring *nobody = keyring_ephemeral(clock_unix_ms() / 1000); /* until /keys is here */
    const struct api_config config = {
        .loop = follow->loop,
        .state = follow->state,
        .library = follow->library,
        .workers = follow->workers,
        .passwords = follow->passwords,
        .keys = follow->keys,
        .ring = nobody,
        .logger = follow->logger,
        .signin = &signin,
        .limits = &settings->limits,
        .folder = settings->data,
        .elsewhere = {ask, fetch, follow},
        .version = TEXT(SOSTENUTO_VERSION),
        .legacy_clients = follow->legacy_clients,
        .legacy_client_count = legacy->count,
    };
    follow->api = api_new(&config);
    keyring_unref(&nobody);
    api_routes(follow->api, server);
    follow_status_route(follow, server);
}

static bool start_replica(struct edge_follow *follow, struct buffer *why)
{
    char words[256] = "";
    struct replica_config config = {
        .folder = follow->settings->data,
        .sink = {on_keys, on_object, on_catalog, on_state, follow},
        .logger = follow->logger,
        .resolvers = follow->resolvers,
    };
    if (!read_line(follow, &config.line, why))
        return false;
    if (replica_start(&config, &follow->replica, words) < 0) {
        buffer_printf(why, "%s", words);
        return false;
    }
    node_settle(follow->loop); /* so that the first request sees what the disk had */
    return true;
}

bool edge_follow_open(struct edge_follow *follow, const struct edge_follow_config *config,
                      struct buffer *why)
{
    *follow = (struct edge_follow){.settings = config->settings,
                                   .logger = config->logger,
                                   .loop = config->loop,
                                   .edge = config->edge,
                                   .resolvers = config->resolvers,
                                   .home = pthread_self(),
                                   .lock_fd = -1};
    buffer_init(&follow->line, LINE_MAX_BYTES);
    if (!config->settings->follow[0])
        return true;
    if (!take_lock(follow, why) || !open_state(follow, why))
        return false;
    open_api(follow, config->server);
    return start_replica(follow, why);
}

/* --- ending --- */

static void await_state(struct edge_follow *follow)
{
    for (int tries = 0; follow->state && !state_is_idle(follow->state) && tries < AWAIT_TRIES;
         tries++) {
        node_settle(follow->loop);
        usleep(1000);
    }
}

void edge_follow_stop(struct edge_follow *follow)
{
    if (!follow->loop)
        return;
    replica_stop(&follow->replica);
    node_settle(follow->loop); /* what its thread had posted */
    await_state(follow);
    workers_stop(&follow->workers);
    workers_stop(&follow->passwords);
    node_settle(follow->loop);
}

void edge_follow_close(struct edge_follow *follow)
{
    if (!follow->loop)
        return;
    api_free(&follow->api);
    library_close(&follow->library);
    state_close(&follow->state);
    keys_free(&follow->keys);
    buffer_release(&follow->line);
    if (follow->lock_fd >= 0)
        (void)close(follow->lock_fd);
    follow->loop = NULL;
}
