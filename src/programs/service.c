// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/service.h"

#include "programs/origin_status.h"

#include "api/api.h"
#include "base/address.h"
#include "base/counters.h"
#include "io/clock.h"
#include "io/server.h"
#include "io/signals.h"
#include "programs/launch_desk.h"
#include "programs/pages.h"
#include "programs/privileges.h"
#include "programs/drain.h"
#include "programs/service_keys.h"
#include "programs/service_nodes.h"
#include "programs/service_sockets.h"
#include "programs/service_succession.h"
#include "programs/service_upgrade.h"
#include "programs/settings_sources.h"
#include "programs/signin_limits.h"
#include "programs/supervisor.h"
#include "state/state.h"
#include "trust/keyfolder.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

/* --- opening, from the ground up --- */

static size_t list_texts(const struct settings_list *list, struct text *texts)
{
    for (size_t i = 0; i < list->count; i++)
        texts[i] = text_of(list->items[i]);
    return list->count;
}

static void publish(struct service *service)
{
    char url[300];
    bool is_reachable = service_url(service, url, sizeof url);
    if (service->settings.mdns && is_reachable)
        mdns_start(&service->mdns, service->settings.mdns_name, service->addresses[0].port,
                   serving_tls_wanted(&service->settings), &service->logging.logger);
}

/* The machine's name, when the settings have none. */
static struct text node_name(struct service *service)
{
    if (service->settings.node_name[0])
        return text_of(service->settings.node_name);
    (void)gethostname(service->machine, sizeof service->machine - 1);
    return text_of(service->machine);
}

static size_t node_urls(struct service *service)
{
    const struct settings *settings = &service->settings;
    if (settings->node_urls.count || !settings->public_url[0])
        return list_texts(&settings->node_urls, service->node_urls);
    service->node_urls[0] = text_of(settings->public_url);
    return 1;
}

/* A server without its audit log is better than none, as with the access log: it says so. */
static void open_audit(struct service *service)
{
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    if (audit_log_open(&service->audit, &service->settings, &service->logging.logger, &why) != 0)
        LOG(&service->logging.logger, LOG_ERROR, "the audit log goes to this log",
            {"why", buffer_view(&why)});
    buffer_release(&why);
}

static bool open_api(struct service *service)
{
    struct node *node = &service->node;
    service->needs_setup = state_account_count(node->state) == 0;
    if (service->needs_setup)
        onetime_init(&service->setup_code);
    struct keyring *ring = keyfolder_ring(node->keyfolder);
    const struct throttle_limits signin = signin_limits(&service->settings);
    struct api_elsewhere elsewhere;
    service_kept_open(service, &elsewhere);
    const struct api_config config = {
        .loop = service->loop,
        .state = node->state,
        .library = node->library,
        .media = node->media,
        .packager = node->packager,
        .loudness = node->loudness,
        .segment_wait_s = service->settings.segment_wait_seconds,
        .workers = node->workers,
        .passwords = node->passwords,
        .keys = node->keys,
        .ring = ring,
        .book = node->book,
        .setup_code = service->needs_setup ? &service->setup_code : NULL,
        .logger = &service->logging.logger,
        .audit = &service->audit.logger,
        .signin = &signin,
        .breached = node->breached,
        .limits = &service->settings.limits,
        .node_name = node_name(service),
        .node_urls = service->node_urls,
        .node_url_count = node_urls(service),
        .passkey_domain = text_of(service->settings.passkey_domain),
        .doors = service_nodes_doors,
        .doors_context = service,
        .folder = service->settings.data,
        .elsewhere = elsewhere,
        .version = TEXT(SOSTENUTO_VERSION),
        .legacy_clients = service->legacy_clients,
        .legacy_client_count =
            list_texts(&service->settings.legacy_clients, service->legacy_clients),
    };
    service->api = api_new(&config);
    service->launch =
        launch_desk_new(&(struct launch_desk_config){.api = service->api,
                                                     .keyfolder = service->node.keyfolder,
                                                     .library = service->node.library,
                                                     .book = service->node.book,
                                                     .folder = service->settings.data});
    keyring_unref(&ring);
    service_keys_start(service);
    return true;
}

static void open_status(struct service *service)
{
    if (!service_url(service, service->status_url, sizeof service->status_url))
        (void)snprintf(service->status_url, sizeof service->status_url, "%s://%s",
                       serving_tls_wanted(&service->settings) ? "https" : "http",
                       service->addresses[0].text);
    status_board_open(&service->status, origin_status_fill, service);
    status_board_routes(&service->status, service->server);
}

static bool open_server(struct service *service, struct buffer *why)
{
    struct server_config config = server_config_default();
    config.limits = service->settings.limits;
    config.logger = &service->logging.logger;
    config.access_sink = logging_access_lines;
    config.access_context = &service->logging;
    config.trusted_proxies = service->trusted_proxies;
    config.trusted_proxy_count =
        list_texts(&service->settings.trusted_proxies, service->trusted_proxies);
    config.refuses_public_plain = service->settings.plain_http == SETTINGS_PLAIN_PRIVATE;
    config.expects_proxy_protocol = service->settings.proxy_protocol;
    config.host_names = service->host_names;
    config.host_name_count = list_texts(&service->settings.host_names, service->host_names);
    service->server = server_new(service->loop, &config);
    health_routes(&service->health, service->server);
    open_status(service);
    pages_routes(&service->pages, &service->settings, service->server);
    api_routes(service->api, service->server);
    service_nodes_routes(service);
    launch_desk_routes(service->launch, service->server);
    service_kept_serve(service);
    for (size_t i = 0; i < service->address_count; i++) {
        int error = server_listen(service->server, service->fds[i], service->tls.server);
        service->fds[i] = -1;
        if (error < 0) {
            buffer_printf(why, "cannot serve on %s: %.*s", service->addresses[i].text,
                          TEXT_ARGS(log_errno(error)));
            return false;
        }
    }
    service_nodes_listen(service);
    return true;
}

static void answer_control(void *context, struct text answer) { control_answer(context, answer); }

static void on_control(void *context, struct control_request *request, struct text line)
{
    struct service *service = context;
    if (service_upgrade_asked(service, request, line) ||
        drain_asked(request, line, &service->health.is_leaving) ||
        (service->launch && launch_desk_asked(service->launch, request, line)))
        return;
    operator_ask(service->operator, line, answer_control, request);
    if (service->api)
        api_look_at_nodes(service->api); /* an edge may have been revoked */
}

static bool open_control(struct service *service, struct buffer *why)
{
    service->edges = (struct edges_desk){
        .keyfolder = service->node.keyfolder,
        .book = service->node.book,
        .settings = &service->settings,
        .audit = &service->audit.logger,
        .open_door = service_nodes_open_door,
        .context = service,
    };
    const struct operator_config config = {
        .loop = service->loop,
        .state = service->node.state,
        .library = service->node.library,
        .passwords = service->node.passwords,
        .breached = service->node.breached,
        .keyfolder = service->node.keyfolder,
        .on_keys = service_keys_changed,
        .context = service,
        .audit = &service->audit.logger,
        .edges = &service->edges,
        .is_serving = true,
    };
    service->operator= operator_new(&config);
    int error = control_start(service->settings.data, service->loop, &service->logging.logger,
                              on_control, service, &service->control);
    if (error < 0)
        buffer_printf(why, "%s/control.sock: %.*s", service->settings.data,
                      TEXT_ARGS(log_errno(error)));
    return error == 0;
}

static bool open_node(struct service *service, struct buffer *why)
{
    struct node *node = &service->node;
    if (node_open(node, &service->settings, &service->logging.logger, service->loop, why) < 0 ||
        node_open_library(node, true, why) < 0 || node_open_renditions(node, why) < 0)
        return false;
    service->health.node = node;
    return true;
}

/* --- signals --- */

static void on_drained(void *context)
{
    struct service *service = context;
    loop_stop(service->loop);
}

static void stop(struct service *service)
{
    if (service->is_stopping) {
        server_drain(service->server, 0, on_drained, service);
        return;
    }
    service->is_stopping = true;
    service->health.is_draining = true;
    (void)notify_send(&service->notify, "STOPPING=1");
    LOG_EVENT(&service->logging.logger, LOG_INFO, "stopping: running answers may end");
    if (service->api)
        api_drain(service->api);
    server_drain(service->server, (uint64_t)service->settings.drain_seconds * 1000000, on_drained,
                 service);
}

static void on_signal(int number, void *context)
{
    struct service *service = context;
    if (number == SIGHUP && service->gave_way)
        return;
    if (number == SIGHUP)
        reload_begin(&service->reload, service->server);
    else
        stop(service);
}

/* --- the supervisor --- */

/* When it is gone, so are we. */
static void on_supervisor(struct loop_watch *watch, unsigned events UNUSED, uint64_t now_us UNUSED)
{
    struct service *service = CONTAINER_OF(watch, struct service, supervisor);
    char state[NOTIFY_MAX_BYTES];
    int fd = -1, got = notify_receive(watch->fd, state, &fd);
    if (got > 0)
        service_upgrade_told(service, state, fd);
    if (got > 0 || got == -EAGAIN)
        return;
    loop_watch_remove(watch);
    stop(service);
}

static bool watch_supervisor(struct service *service, struct buffer *why)
{
    service->supervisor.on_events = on_supervisor;
    return supervised_watch(service->loop, service->notify.channel, &service->supervisor, why);
}

/* One that comes back after a crash does so without its access log rather than not at all: the file
 * may have been opened by root, who we are no more. */
static bool open_log(struct service *service, bool is_restart, struct buffer *why)
{
    if (logging_init(&service->logging, &service->settings, why) == 0)
        return true;
    LOG(&service->logging.logger, LOG_ERROR, "no access log", {"why", buffer_view(why)});
    if (is_restart)
        buffer_reset(why);
    return is_restart;
}

/* Root may have read what the user that we became cannot. */
static bool can_read_again(const struct service *service, struct buffer *why)
{
    char path[PATH_MAX];
    settings_file_path(service->arguments, service->settings.data, path, sizeof path);
    if (!path[0] || access(path, R_OK) == 0)
        return true;
    int error = errno;
    buffer_printf(why,
                  "%s: %.*s, for the user that the server becomes; it is read again at SIGHUP and "
                  "after a crash: let that user read it",
                  path, TEXT_ARGS(log_errno(error)));
    return false;
}

/* With the folders that are named on the command line. */
static bool load_settings(struct settings *settings, const struct arguments *arguments,
                          struct buffer *why)
{
    return settings_load(settings, arguments, why) &&
           settings_take_folders(settings, arguments, why);
}

static bool open_tls(struct service *service, struct buffer *why)
{
    const struct serving_tls_config config = {.settings = &service->settings,
                                              .logger = &service->logging.logger,
                                              .loop = service->loop,
                                              .inherited = service->inherited};
    return serving_tls_open(&service->tls, &config, why);
}

bool service_open(struct service *service, const struct arguments *arguments,
                  struct inherited *inherited, uint64_t starts, struct buffer *why)
{
    *service = (struct service){.arguments = arguments,
                                .inherited = inherited,
                                .notify = {.channel = inherited_claim(inherited, "supervisor")},
                                .handover = inherited_claim(inherited, "handover"),
                                .node = {.lock_fd = -1},
                                .nodes = {.fd = -1},
                                .logging = {.access_fd = -1}};
    service->reload = (struct reload){.arguments = arguments,
                                      .settings = &service->settings,
                                      .load = load_settings,
                                      .logging = &service->logging,
                                      .audit = &service->audit,
                                      .tls = &service->tls,
                                      .notify = &service->notify};
    for (size_t i = 0; i < SERVICE_MAX_ADDRESSES; i++)
        service->fds[i] = -1;
    service->loop = loop_new();
    service->signals =
        signals_start(service->loop, (const int[]){SIGTERM, SIGINT, SIGHUP, 0}, on_signal, service);
    counter_set(COUNTER_START_TIME, clock_unix_ms() / 1000);
    if (!load_settings(&service->settings, arguments, why) || !open_log(service, starts > 0, why) ||
        !service_sockets_open(service, why) ||
        privileges_settle(&service->settings, &service->logging.logger, why) < 0 ||
        !can_read_again(service, why) || !watch_supervisor(service, why) ||
        !service_upgrade_await(service, why))
        return false;
    publish(service); /* before any thread starts */
    open_audit(service);
    if (!open_node(service, why))
        return false;
    service_nodes_open(service);
    service_succession_open(service);
    return open_tls(service, why) && open_api(service) && open_control(service, why) &&
           open_server(service, why) && service_upgrade_adopt(service, why);
}

static bool is_lively(void *server) { return server_is_lively(server); }

void service_run(struct service *service)
{
    notify_watchdog_start(&service->watchdog, &service->notify, service->loop, is_lively,
                          service->server);
    progress_start(&service->progress, service->loop, service->node.library);
    if (service->settings.scan_on_start && service->node.libraries.count > 0)
        library_scan(service->node.library, (struct library_scan_options){0});
    (void)notify_send(&service->notify, "READY=1");
    do
        loop_run(service->loop);
    while (service_upgrade_let_go(service));
}

/* --- closing, from the top down --- */

void service_close(struct service *service)
{
    notify_watchdog_stop(&service->watchdog);
    serving_tls_stop(&service->tls);
    service_keys_stop(service);
    service_succession_close(service);
    mdns_stop(&service->mdns);
    control_stop(&service->control);
    progress_stop(&service->progress);
    if (service->node.workers)
        node_stop_workers(&service->node);
    service_kept_stop(service);
    server_free(&service->server);
    if (service->kept.cache)
        node_settle(service->loop); /* answers that were on their way hold what is in the cache */
    status_board_close(&service->status);
    launch_desk_free(&service->launch);
    api_free(&service->api);
    service_kept_close(service);
    service_sockets_close(service);
    service_nodes_close(service);
    node_close(&service->node);
    operator_free(&service->operator);
    serving_tls_close(&service->tls);
    /* We are ending already: one more request to end must not turn that into a failure. */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    signals_stop(&service->signals);
    loop_watch_remove(&service->supervisor);
    if (service->handover >= 0)
        (void)close(service->handover);
    if (service->notify.channel >= 0)
        (void)close(service->notify.channel);
    loop_free(&service->loop);
    audit_log_close(&service->audit);
    logging_release(&service->logging);
    settings_release(&service->settings);
}

/* That others would use, without brackets; false when nobody else can. */
static bool find_host(const struct service *service, char ret[48])
{
    const struct listening_address *address = &service->addresses[0];
    (void)snprintf(ret, 48, "%s", address->host);
    return !address->is_loopback && (!address->is_any || listening_lan_host(ret, 48));
}

bool service_url(const struct service *service, char *ret_url, size_t capacity)
{
    char host[48];
    if (service->settings.public_url[0]) {
        (void)snprintf(ret_url, capacity, "%s", service->settings.public_url);
        return true;
    }
    if (!find_host(service, host))
        return false;
    (void)snprintf(ret_url, capacity, strchr(host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
                   serving_tls_wanted(&service->settings) ? "https" : "http", host,
                   service->addresses[0].port);
    return true;
}

bool service_url_is_refused(const struct service *service)
{
    char host[48];
    struct address address;
    bool is_for_all = service->settings.public_url[0] || serving_tls_wanted(&service->settings) ||
                      service->settings.plain_http == SETTINGS_PLAIN_ANYWHERE;
    return !is_for_all && find_host(service, host) && address_parse(text_of(host), &address) &&
           !address_is_private(&address);
}
