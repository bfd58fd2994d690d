// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_service.h"

#include "base/counters.h"
#include "edge/probe.h"
#include "io/clock.h"
#include "io/signals.h"
#include "io/workers.h"
#include "programs/node.h"
#include "programs/privileges.h"
#include "programs/process_metrics.h"
#include "programs/drain.h"
#include "programs/purge_desk.h"
#include "programs/settings_sources.h"
#include "programs/supervisor.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* edge_service: opened from the ground up, closed from the top down. */
enum { RESOLVERS = 2, RESOLVERS_QUEUE = 64, AGAIN_DRAIN_S = 1 };
enum { CACHE_TRIES = 100, CACHE_AGAIN_US = 50 * 1000 };

/* --- its own paths --- */

static void livez(struct exchange *exchange, void *context UNUSED)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_text(exchange, 200, "text/plain; charset=utf-8", TEXT("ok\n"));
}

static void readyz(struct exchange *exchange, void *context)
{
    const struct edge_service *service = context;
    bool is_ready = !service->is_stopping && !service->follow.is_leaving;
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_text(exchange, is_ready ? 200 : 503, "text/plain; charset=utf-8",
                       is_ready               ? TEXT("ok\n")
                       : service->is_stopping ? TEXT("shutting down\n")
                                              : TEXT("draining\n"));
}

static void metrics(struct exchange *exchange, void *context)
{
    const struct edge_service *service = context;
    if (!exchange_peer(exchange)->is_private) {
        exchange_send_problem(exchange, 403, "Not for you",
                              "Metrics are for private addresses only.");
        return;
    }
    counters_write_prometheus(exchange_output(exchange));
    origins_write_prometheus(service->origins, exchange_output(exchange));
    process_metrics_write(exchange_output(exchange));
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_output(exchange, 200, "text/plain; version=0.0.4; charset=utf-8");
}

/* The last two are an origin's as well: whoever chooses among nodes asks each alike, and means this
 * one.  A cache before any other server leaves them to that. */
static void add_routes(struct edge_service *service)
{
    static const struct {
        const char *path;
        server_handler *handler;
    } own[] = {{"/.sostenuto/livez", livez},
               {"/.sostenuto/readyz", readyz},
               {"/.sostenuto/metrics", metrics},
               {"/livez", livez},
               {"/readyz", readyz}};
    size_t count = ARRAY_SIZE(own) - (service->joined.member ? 0 : 2);
    for (size_t i = 0; i < count; i++)
        server_route(service->server, &(struct server_route){.methods = "GET",
                                                             .path = own[i].path,
                                                             .class = SHIELD_CLASS_NEW_VISIT,
                                                             .handler = own[i].handler,
                                                             .context = service});
}

/* --- opening --- */

static bool bind_addresses(struct edge_service *service, struct buffer *why)
{
    const struct settings_list *wanted = &service->settings.listen;
    if (wanted->count == 0 || wanted->count > EDGE_SERVICE_MAX_ADDRESSES) {
        buffer_printf(why, "listen: 1 to %d addresses", EDGE_SERVICE_MAX_ADDRESSES);
        return false;
    }
    for (size_t i = 0; i < wanted->count; i++) {
        char name[INHERITED_NAME_BYTES], state[128];
        struct text address = text_of(wanted->items[i]);
        (void)snprintf(name, sizeof name, "listen-%zu", i);
        service->fds[i] = inherited_claim(service->inherited, name);
        bool is_new =
            service->fds[i] < 0 || !listening_known(service->fds[i], &service->addresses[i]);
        if (is_new)
            service->fds[i] = listening_open(address, &service->addresses[i], why);
        if (service->fds[i] < 0)
            return false;
        service->address_count = i + 1;
        (void)snprintf(state, sizeof state, "FDSTORE=1\nFDNAME=%s", name);
        if (is_new)
            (void)notify_send_fd(&service->notify, state, service->fds[i]);
    }
    return true;
}

/* One that was killed together with its supervisor lets go of the folder a little later. */
static int open_when_free(const struct cache_config *config, struct cache **ret)
{
    int error = cache_open(config, ret);
    for (int i = 0; i < CACHE_TRIES && error == -EWOULDBLOCK; i++) {
        (void)usleep(CACHE_AGAIN_US);
        error = cache_open(config, ret);
    }
    return error;
}

static bool open_cache(struct edge_service *service, struct buffer *why)
{
    const struct settings *settings = &service->settings;
    char folder[PATH_MAX];
    if (!settings->data[0]) {
        buffer_printf(why, "data: where is what is cached kept? --data DIR");
        return false;
    }
    (void)mkdir(settings->data, 0700);
    if (snprintf(folder, sizeof folder, "%s/cache", settings->data) >= (int)sizeof folder) {
        buffer_printf(why, "data: the path is too long");
        return false;
    }
    const struct cache_config config = {
        .folder = folder,
        .memory_bytes = (uint64_t)settings->cache_memory_mib << 20,
        .disk_bytes = (uint64_t)settings->cache_disk_mib << 20,
    };
    int error = open_when_free(&config, &service->cache);
    if (error == -EWOULDBLOCK)
        buffer_printf(why,
                      "the cache in %s is in use by another process; stop it, or choose "
                      "another folder with --data",
                      folder);
    else if (error)
        buffer_printf(why, "the cache in %s cannot be opened: %.*s", folder,
                      TEXT_ARGS(log_errno(error)));
    return error == 0;
}

/* --subsonic */
static bool open_adopt(struct edge_service *service, struct buffer *why)
{
    const struct edge_adopt_config config = {
        .settings = &service->settings,
        .logger = &service->logging.logger,
        .loop = service->loop,
        .server = service->server,
        .edge = service->edge,
        .resolvers = service->resolvers,
    };
    return edge_adopt_open(&service->adopt, &config, why);
}

/* A server that it is no node of. */
static bool is_plain(const struct edge_service *service, struct buffer *why)
{
    if (service->settings.plain.count > ORIGINS_MAX)
        buffer_printf(why, "plain: 1 to %d origins, such as --plain http://127.0.0.1:8080",
                      ORIGINS_MAX);
    return service->settings.plain.count > 0 || service->settings.subsonic[0];
}

static bool open_origins(struct edge_service *service, const struct arguments *arguments,
                         struct buffer *why)
{
    const struct settings *settings = &service->settings;
    const char *urls[ORIGINS_MAX],
        *url = arguments->positional_count > 0 ? arguments->positionals[0] : NULL;
    char words[300] = "";
    size_t count = settings->plain.count;
    service->resolvers = workers_start("resolvers", RESOLVERS, RESOLVERS_QUEUE);
    bool is_joined = !is_plain(service, why);
    if (why->size > 0 || (is_joined && !edge_joined_open(service, url, why)))
        return false;
    if (is_joined)
        count = member_url_count(service->joined.member);
    for (size_t i = 0; i < count; i++)
        urls[i] = is_joined ? member_url(service->joined.member, i) : settings->plain.items[i];
    if (settings->subsonic[0]) {
        urls[0] = settings->subsonic;
        count = 1;
    }
    const struct origins_config config = {
        .urls = urls,
        .url_count = count,
        .nodes = is_joined ? member_tls(service->joined.member) : NULL,
        .ca_file = settings->origin_ca[0] ? settings->origin_ca : NULL,
        .limits = settings->fetch_limits,
    };
    service->origins = origins_new(&config, words, sizeof words);
    if (!service->origins)
        buffer_printf(why, "%s", words);
    return service->origins;
}

static bool start_probes(struct edge_service *service, struct buffer *why)
{
    const char *path = service->settings.origin_probe;
    char words[300] = "";
    if (!path[0])
        return true;
    service->probes = probes_start(service->origins, service->loop, service->resolvers, path, words,
                                   sizeof words);
    if (!service->probes)
        buffer_printf(why, "%s", words);
    return service->probes;
}

static bool follows(const struct edge_service *service) { return service->joined.member; }

static void ask_cache(struct exchange *exchange, void *context)
{
    struct edge_service *service = context;
    edge_handle(exchange, service->edge);
}

/* The player is in this executable: no reason to ask anybody for it. */
static void page_or_cache(struct exchange *exchange, void *context)
{
    struct edge_service *service = context;
    pages_player_or(&service->pages, exchange, ask_cache, service);
}

static struct edge_config edge_config_of(struct edge_service *service)
{
    const struct settings *settings = &service->settings;
    struct edge_config config = {
        .cache = service->cache,
        .origins = service->origins,
        .resolvers = service->resolvers,
        .policy = settings->edge_policy,
        .disk_bytes = (uint64_t)settings->cache_disk_mib << 20,
        .expects = service->expects,
        .prefetch = (const char *const *)settings->edge_prefetch.items,
        .prefetch_count = settings->edge_prefetch.count,
        .first = follows(service) ? page_or_cache : NULL,
        .first_context = service,
        .query = {.drop = (const char *const *)settings->edge_drop_query.items,
                  .drop_count = settings->edge_drop_query.count},
        .granted_query = text_of(service->granted_query),
    };
    for (size_t i = 0; i < settings->edge_expect.count; i++)
        if (expect_parse(text_of(settings->edge_expect.items[i]),
                         &service->expects[config.expect_count]))
            config.expect_count++;
    return config;
}

static void on_nodes(void *context, struct node_list *list) { edge_joined_look(context, list); }

static bool open_server(struct edge_service *service, struct buffer *why)
{
    struct server_config config = server_config_default();
    const struct settings_list *proxies = &service->settings.trusted_proxies;
    config.limits = service->settings.limits;
    config.logger = &service->logging.logger;
    config.access_sink = logging_access_lines;
    config.access_context = &service->logging;
    config.takes_any_method = true;
    config.expects_proxy_protocol = service->settings.proxy_protocol;
    config.refuses_public_plain = service->settings.plain.count == 0 && /* there are sign-ins */
                                  service->settings.plain_http == SETTINGS_PLAIN_PRIVATE;
    config.trusted_proxies = service->trusted_proxies;
    config.trusted_proxy_count = proxies->count;
    for (size_t i = 0; i < proxies->count; i++)
        service->trusted_proxies[i] = text_of(proxies->items[i]);
    if (!edge_adopt_query(&service->settings, service->granted_query, why))
        return false;
    service->server = server_new(service->loop, &config);
    const struct edge_config edge_config = edge_config_of(service);
    pages_open(&service->pages, &service->settings);
    service->edge = edge_new(service->server, &edge_config);
    add_routes(service);
    if (service->settings.plain.count == 0)
        pages_certificate_routes(&service->settings, service->server);
    edge_joined_url(service, service->url, sizeof service->url);
    const struct edge_follow_config follow = {.settings = &service->settings,
                                              .logger = &service->logging.logger,
                                              .loop = service->loop,
                                              .server = service->server,
                                              .edge = service->edge,
                                              .origins = service->origins,
                                              .member = service->joined.member,
                                              .resolvers = service->resolvers,
                                              .url = service->url,
                                              .on_nodes = on_nodes,
                                              .context = service};
    if (!start_probes(service, why) || !edge_follow_open(&service->follow, &follow, why))
        return false;
    if (!edge_succession_open(service, why) || !open_adopt(service, why))
        return false;
    for (size_t i = 0; i < service->address_count; i++) {
        int error = server_listen(service->server, service->fds[i], service->tls.server);
        service->fds[i] = -1;
        if (error < 0) {
            buffer_printf(why, "cannot serve on %s: %.*s", service->addresses[i].text,
                          TEXT_ARGS(log_errno(error)));
            return false;
        }
    }
    return true;
}

/* --- control --- */

static void on_control(void *context, struct control_request *request, struct text line)
{
    struct edge_service *service = context;
    if (drain_asked(request, line, &service->follow.is_leaving))
        return;
    json_t *root = json_loadb(line.data, line.size, 0, NULL);
    const char *what = json_string_value(json_object_get(root, "do"));
    bool is_purged = service->edge && purge_desk_asked(service->edge, service->loop, request, root);
    bool is_status = service->edge && what && strcmp(what, "status") == 0;
    json_decref(root);
    if (is_status) {
        struct buffer out;
        buffer_init(&out, CONTROL_MAX_ANSWER_BYTES);
        edge_service_write_status(service, &out);
        control_answer(request, buffer_view(&out));
        buffer_release(&out);
    } else if (!is_purged) {
        control_answer(
            request, TEXT("{\"ok\":false,\"error\":\"this is an edge: it purges, drains and tells "
                          "its status; accounts, tokens, plans and backups are asked of its "
                          "origin, and a new program wants a restart\"}"));
    }
}

static bool open_control(struct edge_service *service, struct buffer *why)
{
    int error = control_start(service->settings.data, service->loop, &service->logging.logger,
                              on_control, service, &service->control);
    if (error)
        buffer_printf(why,
                      "the control socket in %s cannot be made: %.*s; the folder must be one that "
                      "this user may write, or choose another with --data",
                      service->settings.data, TEXT_ARGS(log_errno(error)));
    return error == 0;
}

/* --- ending --- */

static void on_drained(void *context)
{
    struct edge_service *service = context;
    loop_stop(service->loop);
}

static void stop(struct edge_service *service)
{
    uint64_t grace_us = (uint64_t)service->settings.drain_seconds * 1000000;
    if (!service->server) {
        loop_stop(service->loop);
        return;
    }
    if (!service->is_stopping)
        (void)notify_send(&service->notify, "STOPPING=1");
    edge_follow_drain(&service->follow);
    server_drain(service->server, service->is_stopping ? 0 : grace_us, on_drained, service);
    service->is_stopping = true;
}

/* What is running gets a moment: the next process waits for it. */
void edge_service_begin_again(struct edge_service *service)
{
    if (service->is_stopping)
        return;
    service->is_to_begin_again = true;
    if (service->settings.drain_seconds > AGAIN_DRAIN_S)
        service->settings.drain_seconds = AGAIN_DRAIN_S;
    stop(service);
}

static void on_signal(int number, void *context)
{
    struct edge_service *service = context;
    if (number == SIGHUP)
        reload_begin(&service->reload, service->server);
    else
        stop(service);
}

/* When the supervisor is gone, so are we. */
static void on_supervisor(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us UNUSED)
{
    struct edge_service *service = CONTAINER_OF(watch, struct edge_service, supervisor);
    char state[NOTIFY_MAX_BYTES];
    int fd = -1, got = notify_receive(watch->fd, state, &fd);
    if (fd >= 0)
        (void)close(fd);
    if (got > 0 || got == -EAGAIN)
        return;
    loop_watch_remove(watch);
    stop(service);
}

static bool watch_supervisor(struct edge_service *service, struct buffer *why)
{
    service->supervisor.on_events = on_supervisor;
    return supervised_watch(service->loop, service->notify.channel, &service->supervisor, why);
}

static bool open_tls(struct edge_service *service, struct buffer *why)
{
    const struct serving_tls_config config = {.settings = &service->settings,
                                              .logger = &service->logging.logger,
                                              .loop = service->loop,
                                              .inherited = service->inherited};
    return serving_tls_open(&service->tls, &config, why);
}

bool edge_service_open(struct edge_service *service, const struct arguments *arguments,
                       struct inherited *inherited, struct buffer *why)
{
    *service =
        (struct edge_service){.inherited = inherited,
                              .notify = {.channel = inherited_claim(inherited, "supervisor")},
                              .logging = {.access_fd = -1}};
    service->reload = (struct reload){.arguments = arguments,
                                      .settings = &service->settings,
                                      .load = settings_load,
                                      .logging = &service->logging,
                                      .tls = &service->tls,
                                      .notify = &service->notify};
    for (size_t i = 0; i < EDGE_SERVICE_MAX_ADDRESSES; i++)
        service->fds[i] = -1;
    service->loop = loop_new();
    service->signals =
        signals_start(service->loop, (const int[]){SIGTERM, SIGINT, SIGHUP, 0}, on_signal, service);
    counter_set(COUNTER_START_TIME, clock_unix_ms() / 1000);
    return settings_load(&service->settings, arguments, why) &&
           logging_init(&service->logging, &service->settings, why) == 0 &&
           bind_addresses(service, why) &&
           privileges_settle(&service->settings, &service->logging.logger, why) == 0 &&
           watch_supervisor(service, why) && open_cache(service, why) && open_tls(service, why) &&
           open_control(service, why) && open_origins(service, arguments, why) &&
           open_server(service, why);
}

static bool is_lively(void *server) { return server_is_lively(server); }

void edge_service_run(struct edge_service *service)
{
    notify_watchdog_start(&service->watchdog, &service->notify, service->loop, is_lively,
                          service->server);
    (void)notify_send(&service->notify, "READY=1");
    loop_run(service->loop);
}

void edge_service_close(struct edge_service *service)
{
    notify_watchdog_stop(&service->watchdog);
    control_stop(&service->control);
    workers_finish(service->resolvers); /* they post to loops that go with what follows */
    edge_succession_close(service);
    edge_adopt_stop(&service->adopt);
    edge_follow_stop(&service->follow);
    probes_stop(&service->probes);
    serving_tls_stop(&service->tls);
    server_free(&service->server);
    serving_tls_close(&service->tls);
    node_settle(service->loop); /* answers that were on their way hold what is in the cache */
    edge_adopt_close(&service->adopt);
    edge_follow_close(&service->follow);
    edge_free(&service->edge);
    origins_free(&service->origins);
    edge_joined_close(service);
    if (service->resolvers)
        workers_stop(&service->resolvers);
    if (service->cache)
        cache_close(&service->cache);
    for (size_t i = 0; i < EDGE_SERVICE_MAX_ADDRESSES; i++)
        if (service->fds[i] >= 0)
            (void)close(service->fds[i]);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    signals_stop(&service->signals);
    loop_watch_remove(&service->supervisor);
    if (service->notify.channel >= 0)
        (void)close(service->notify.channel);
    loop_free(&service->loop);
    logging_release(&service->logging);
    settings_release(&service->settings);
}
