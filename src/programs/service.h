// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/arguments.h"
#include "programs/audit_log.h"
#include "programs/control.h"
#include "programs/edges_desk.h"
#include "programs/health.h"
#include "programs/inherited.h"
#include "programs/listening.h"
#include "programs/logging.h"
#include "programs/mdns.h"
#include "programs/node.h"
#include "programs/notify.h"
#include "programs/operator.h"
#include "programs/pages.h"
#include "programs/progress.h"
#include "programs/reload.h"
#include "programs/service_kept.h"
#include "programs/serving_tls.h"
#include "programs/status_board.h"
#include "trust/node_certificate.h"

/*
 * service: the running server: a node, the HTTP server and api on it, the control socket beside it.
 *
 *   bind ports ─▶ become the state folder's owner ─▶ open the node ─▶ routes, TLS ─▶ accept ─▶ scan
 *   upgrade: another process takes over (programs/service_upgrade.h)
 *   SIGHUP: settings, logs, certificates again; nothing is dropped, and a bad configuration changes
 * nothing SIGTERM: no new connections, running answers end (drain_seconds), close from the top
 * down, exit 0
 *
 * One per process; everything here happens on the main loop's thread.
 */
enum { SERVICE_MAX_ADDRESSES = 8 };

/* The door for edges: service_nodes.h. */
struct service_nodes {
    struct node_authority *authority;
    struct node_tls *tls;
    struct server_tls *listener;
    struct node_certificate_facts facts; /* of what is shown now */
    struct listening_address address;
    int fd; /* -1 once the server has it, and while there is none */
    bool is_listening;
    struct loop_timer timer, again; /* again: the door that could not be opened */
};

struct service {
    const struct arguments *arguments;
    struct settings settings;
    struct pages pages;
    struct logging logging;
    struct audit_log audit;
    struct loop *loop;
    struct signals *signals;
    struct listening_address addresses[SERVICE_MAX_ADDRESSES];
    int fds[SERVICE_MAX_ADDRESSES]; /* -1 once the server has them */
    size_t address_count;
    struct node node;
    struct onetime setup_code;
    bool needs_setup;
    struct serving_tls tls;
    struct reload reload;
    struct service_nodes nodes;
    struct {
        struct succession *asking;
        size_t turns, count; /* of pauses so far; of addresses */
    } succession;            /* service_succession.h */
    struct service_kept kept;
    struct server *server;
    struct text node_urls[SETTINGS_LIST_MAX];
    char machine[64];
    struct text trusted_proxies[SETTINGS_LIST_MAX], host_names[SETTINGS_LIST_MAX],
        legacy_clients[SETTINGS_LIST_MAX];
    struct api *api;
    struct edges_desk edges;
    struct launch_desk *launch;
    struct operator* operator;
    struct control *control;
    struct health health;
    struct status_board status;
    char status_url[300]; /* absolute: this server's own page */
    struct mdns mdns;
    struct inherited *inherited; /* borrowed; what is wanted of it is claimed */
    struct notify notify;
    struct loop_watch supervisor; /* its end of the channel */
    struct notify_watchdog watchdog;
    struct loop_timer key_timer;
    struct progress progress;
    bool is_stopping;
    /* --- service_upgrade.h --- */
    int handover;                            /* from our predecessor; -1 */
    struct control_request *upgrade_request; /* not answered yet */
    bool gave_way, is_quiet, is_done;
};

/* `starts` servers were here before.
 * Opens everything up to accepting connections.  False with words in `why`; service_close() also
 * then. */
bool service_open(struct service *service, const struct arguments *arguments,
                  struct inherited *inherited, uint64_t starts, struct buffer *why) MUST_USE;
/* Until SIGTERM or SIGINT; a second one does not wait for running answers. */
void service_run(struct service *service);
void service_close(struct service *service);

/* "http://192.168.1.5:4747": where a person or another device opens the player; false when nobody
 * else can. */
bool service_url(const struct service *service, char *ret_url, size_t capacity);
/* Whether who opens that is answered 403: a public address in plain HTTP, against `plain_http`. */
bool service_url_is_refused(const struct service *service);
