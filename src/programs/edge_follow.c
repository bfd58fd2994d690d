// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_follow.h"

#include "api/api.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "io/client.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/server.h"
#include "io/workers.h"
#include "library/library.h"
#include "programs/edge_objects.h"
#include "programs/edge_offers.h"
#include "programs/edge_place.h"
#include "programs/folder_lock.h"
#include "programs/follow_status.h"
#include "programs/node.h"
#include "programs/signin_limits.h"
#include "state/copy.h"
#include "state/state.h"
#include "trust/keys.h"
#include "trust/node_list.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    WORKER_THREADS = 2,
    WORKER_QUEUE = 256,
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
    bytes_copy(news->bytes, bytes.data, bytes.size);
    return news;
}

struct learnt {
    struct edge_follow *follow;
    struct uid account;
};

static void on_applied(void *context, bool is_durable)
{
    const struct learnt learnt = *(struct learnt *)context;
    mem_free(context);
    if (learnt.follow->replica)
        replica_state_taken(learnt.follow->replica, learnt.account, is_durable);
}

static void learn(struct edge_follow *follow, const struct news *news)
{
    const char *why = "the database is behind";
    const struct learnt note = {follow, news->account};
    struct learnt *learnt = mem_dup(&note, sizeof note);
    enum state_copy verdict =
        state_copy_learn(follow->state, news->account, text_make(news->bytes, news->size),
                         member_seed(follow->member), &why);
    if (verdict == STATE_COPY_LEARNT) {
        state_when_applied(follow->state, on_applied, learnt);
        return;
    }
    LOG(follow->logger, LOG_WARNING, "a listener's state was not taken", {"why", text_of(why)});
    on_applied(learnt, false);
}

/* What other edges give is judged by the origin's keys, and asked for by this edge's own. */
static void take_ring(struct edge_follow *follow, struct keyring *ring)
{
    struct keyring *own = keyring_with_nodes(ring, NULL, 0, member_seed(follow->member));
    edge_take_ring(follow->edge, own);
    keyring_unref(&own);
}

static bool is_other_edge(const struct edge_follow *follow, const struct node_entry *entry)
{
    return entry->role == NODE_ENTRY_EDGE && entry->is_welcome && entry->url_count > 0 &&
           !uid_equal(entry->id, follow->own);
}

/* Those behind this edge in the list first, so that not all ask the same ones. */
static void take_peers(struct edge_follow *follow)
{
    const struct node_list *list = api_node_list(follow->api);
    struct text urls[NODE_LIST_MAX];
    size_t count = list ? node_list_count(list) : 0, known = 0, own = 0;
    for (size_t i = 0; i < count; i++)
        if (uid_equal(node_list_at(list, i)->id, follow->own))
            own = i;
    for (size_t i = 1; i < count; i++) {
        const struct node_entry *entry = node_list_at(list, (own + i) % count);
        if (is_other_edge(follow, entry))
            urls[known++] = entry->urls[0];
    }
    if (list)
        edge_take_peers(follow->edge, follow->own, urls, known);
}

static void take_nodes(struct edge_follow *follow)
{
    struct node_list *list = api_node_list(follow->api);
    edge_homes_look(&follow->homes, list);
    edge_writes_look(&follow->writes, list);
    if (list && follow->on_nodes)
        follow->on_nodes(follow->context, list);
    take_peers(follow);
}

static void take_news(struct news *news)
{
    struct edge_follow *follow = news->follow;
    if (news->ring) {
        take_ring(follow, news->ring);
        int64_t now_s = clock_unix_ms() / 1000;
        (void)!member_take_keys(follow->member, keyring_object(news->ring), now_s);
        if (follow->api)
            api_take_keyring(follow->api, news->ring);
        edge_offers_look(follow->offers, keyring_content(news->ring)->epoch);
        keyring_unref(&news->ring);
    } else if (!news->name[0]) {
        learn(follow, news);
    } else if (follow->api) {
        api_take_object(follow->api, text_of(news->name), news->epoch, news->number,
                        text_make(news->bytes, news->size));
        if (text_equal(text_of(news->name), TEXT("/nodes")))
            take_nodes(follow);
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

static void ask(struct exchange *exchange, api_handler *otherwise, void *otherwise_context,
                void *context)
{
    struct edge_follow *follow = context;
    edge_ask(follow->edge, exchange, otherwise, otherwise_context);
}

static bool is_linked(void *context)
{
    const struct edge_follow *follow = context;
    struct replica_status status = {0};
    if (follow->replica)
        replica_status(follow->replica, &status);
    return status.is_linked && origins_are_alive(follow->origins);
}

/* --- the line to the origin: mutual TLS, its addresses in turn --- */

static struct client *open_client(void *context, struct loop *loop, char *why UNUSED,
                                  size_t why_size UNUSED)
{
    const struct edge_follow *follow = context;
    return client_new_between_nodes(loop, member_tls(follow->member));
}

static struct replica_line line_of(struct edge_follow *follow)
{
    struct replica_line line = {.open = open_client, .context = follow};
    size_t count = member_url_count(follow->member);
    for (; line.url_count < count && line.url_count < REPLICA_URLS_MAX; line.url_count++)
        line.urls[line.url_count] = member_url(follow->member, line.url_count);
    crypto_hash_sha256(line.fingerprint, member_root(follow->member), SIGNED_PUBLIC_BYTES);
    return line;
}

/* --- opening --- */

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
    edge_writes_prepare(&follow->writes, follow->settings, follow->loop, follow->logger);
    const struct state_config config = {.folder = follow->settings->data,
                                        .keys = follow->keys,
                                        .loop = follow->loop,
                                        .logger = follow->logger,
                                        .forwarded = &follow->writes.left,
                                        .max_journal_bytes =
                                            (uint64_t)follow->settings->edge_journal_mib << 20,
                                        .now_ms = clock_unix_ms()};
    if (state_open(&config, &follow->state, &state_error) < 0) {
        buffer_printf(why, "%s", state_error.words);
        return false;
    }
    if (library_open_copy(follow->loop, &follow->library, words) < 0) {
        buffer_printf(why, "%s", words);
        return false;
    }
    return true;
}

static void fill_status(void *follow, struct node_status *status)
{
    follow_status_fill(follow, status);
}

static void open_api(struct edge_follow *follow, struct server *server)
{
    const struct settings *settings = follow->settings;
    const struct throttle_limits signin = signin_limits(settings);
    const struct settings_list *legacy = &settings->legacy_clients;
    for (size_t i = 0; i < legacy->count; i++)
        follow->legacy_clients[i] = text_of(legacy->items[i]);
    follow->workers = workers_start("workers", WORKER_THREADS, WORKER_QUEUE);
    follow->passwords = workers_start("passwords", 1, WORKER_QUEUE);
    struct keyring *ring = member_ring(follow->member); /* as of when it joined, or better */
    struct api_elsewhere elsewhere = {.ask = ask,
                                      .is_linked = is_linked,
                                      .node_seed = member_seed(follow->member),
                                      .grace_s = (int64_t)settings->session_grace_days * 24 * 3600,
                                      .context = follow};
    edge_objects_fill(&elsewhere, &follow->edge);
    const struct api_config config = {
        .loop = follow->loop,
        .state = follow->state,
        .library = follow->library,
        .workers = follow->workers,
        .passwords = follow->passwords,
        .keys = follow->keys,
        .ring = ring,
        .logger = follow->logger,
        .signin = &signin,
        .limits = &settings->limits,
        .folder = settings->data,
        .elsewhere = elsewhere,
        .version = TEXT(SOSTENUTO_VERSION),
        .legacy_clients = follow->legacy_clients,
        .legacy_client_count = legacy->count,
    };
    follow->api = api_new(&config);
    api_take_keyring(follow->api, ring);
    keyring_unref(&ring);
    api_routes(follow->api, server);
    status_board_open(&follow->status, fill_status, follow);
    status_board_routes(&follow->status, server);
    edge_homes_init(&follow->homes, follow->loop, follow->state, &follow->replica, follow->own);
}

static bool start_replica(struct edge_follow *follow, struct buffer *why)
{
    char words[256] = "";
    const struct replica_config config = {
        .folder = follow->settings->data,
        .sink = {on_keys, on_object, on_catalog, on_state, follow},
        .logger = follow->logger,
        .resolvers = follow->resolvers,
        .line = line_of(follow),
        .limits = follow->settings->replica_limits,
    };
    if (replica_start(&config, &follow->replica, words) < 0) {
        buffer_printf(why, "%s", words);
        return false;
    }
    edge_writes_start_joined(&follow->writes, follow->state, follow->member, follow->resolvers);
    edge_writes_look(&follow->writes, api_node_list(follow->api));
    node_settle(follow->loop); /* so that the first request sees what the disk had */
    return true;
}

static const struct node_list *nodes_of(void *context)
{
    const struct edge_follow *follow = context;
    return api_node_list(follow->api);
}

static void start_offering(struct edge_follow *follow)
{
    const struct edge_offers_config config = {
        .loop = follow->loop,
        .resolvers = follow->resolvers,
        .logger = follow->logger,
        .folder = follow->settings->data,
        .member = follow->member,
        .state = follow->state,
        .writes = &follow->writes,
        .nodes = nodes_of,
        .context = follow,
    };
    follow->offers = edge_offers_start(&config);
}

static void start_placing(struct edge_follow *follow)
{
    const struct settings *settings = follow->settings;
    struct edge_place_config config = {
        .edge = follow->edge,
        .loop = follow->loop,
        .state = follow->state,
        .library = follow->library,
        .max_tracks = settings->edge_policy.edge_place_tracks,
        .own_id = follow->own,
        .nodes = nodes_of,
        .context = follow,
    };
    enum rendition rendition;
    for (size_t i = 0; i < settings->edge_place_rendition.count; i++)
        if (rendition_from(text_of(settings->edge_place_rendition.items[i]), &rendition))
            config.place.renditions |= 1u << rendition;
    (void)!hours_parse(text_of(settings->edge_place_hours), &config.place.hours); /* "": always */
    follow->place = edge_place_new(&config);
}

bool edge_follow_open(struct edge_follow *follow, const struct edge_follow_config *config,
                      struct buffer *why)
{
    *follow = (struct edge_follow){.settings = config->settings,
                                   .logger = config->logger,
                                   .loop = config->loop,
                                   .edge = config->edge,
                                   .origins = config->origins,
                                   .member = config->member,
                                   .resolvers = config->resolvers,
                                   .url = config->url,
                                   .on_nodes = config->on_nodes,
                                   .context = config->context,
                                   .home = pthread_self(),
                                   .lock_fd = -1};
    if (!config->member)
        return true;
    follow->own = member_delegation(config->member)->id;
    follow->lock_fd = folder_lock(follow->settings->data, why);
    if (follow->lock_fd < 0 || !open_state(follow, why))
        return false;
    open_api(follow, config->server);
    start_offering(follow); /* which looks at what is held before anything else comes */
    if (!start_replica(follow, why))
        return false;
    start_placing(follow);
    return true;
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

void edge_follow_drain(struct edge_follow *follow)
{
    if (follow->api)
        api_drain(follow->api);
}

void edge_follow_stop(struct edge_follow *follow)
{
    if (!follow->loop)
        return;
    edge_offers_stop(&follow->offers);
    edge_writes_stop(&follow->writes);
    edge_homes_release(&follow->homes);
    edge_place_free(&follow->place);
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
    status_board_close(&follow->status);
    api_free(&follow->api);
    library_close(&follow->library);
    state_close(&follow->state);
    keys_free(&follow->keys);
    if (follow->lock_fd >= 0)
        (void)close(follow->lock_fd);
    follow->loop = NULL;
}
