// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "edge/edge.h"
#include "programs/arguments.h"
#include "programs/control.h"
#include "programs/edge_joined.h"
#include "programs/edge_adopt.h"
#include "programs/edge_follow.h"
#include "programs/edge_succession.h"
#include "programs/inherited.h"
#include "programs/listening.h"
#include "programs/logging.h"
#include "programs/notify.h"
#include "programs/pages.h"
#include "programs/reload.h"
#include "programs/serving_tls.h"
#include "programs/settings.h"

/*
 * edge_service: an edge as a running process: settings, log, sockets, cache, origins, server.
 *
 * It belongs to an origin (programs/edge_joined.h), or with `plain` caches any server, or with
 * `subsonic` stands before one (programs/edge_adopt.h).
 * STATE/cache holds what it caches, and stays when it ends.  Its own paths lie under /.sostenuto/,
 * which the origin's are hidden by: livez, readyz and metrics; one that has joined also answers
 * /livez and /readyz.  All is called on the main thread.
 */
enum { EDGE_SERVICE_MAX_ADDRESSES = 8 };

struct edge_service {
    struct settings settings;
    struct logging logging;
    struct loop *loop;
    struct signals *signals;
    struct listening_address addresses[EDGE_SERVICE_MAX_ADDRESSES];
    int fds[EDGE_SERVICE_MAX_ADDRESSES]; /* -1 once the server has them */
    size_t address_count;
    struct workers *resolvers;
    struct edge_joined joined;
    struct cache *cache;
    struct origins *origins;
    struct probes *probes; /* NULL without origin_probe */
    struct serving_tls tls;
    struct reload reload;
    struct server *server;
    struct edge *edge;
    struct edge_follow follow;
    char url[300]; /* where listeners reach it */
    struct pages pages;
    struct edge_adopt adopt;
    char granted_query[EDGE_ADOPT_QUERY_BYTES];
    struct control *control;
    struct text trusted_proxies[SETTINGS_LIST_MAX];
    struct expect_rule expects[SETTINGS_LIST_MAX]; /* borrow from the settings */
    struct inherited *inherited;
    struct notify notify;
    struct notify_watchdog watchdog;
    struct loop_watch supervisor; /* its end of the channel */
    struct {
        struct succession *asking;
        struct node_list *list; /* whose addresses it was given */
        uint64_t epoch;         /* of the keys on the disk */
    } succession;               /* edge_succession.h */
    bool is_stopping;
    bool is_to_begin_again; /* once it has ended */
};

/* False with words in `why`; edge_service_close() also then. */
bool edge_service_open(struct edge_service *service, const struct arguments *arguments,
                       struct inherited *inherited, struct buffer *why) MUST_USE;
void edge_service_run(struct edge_service *service);
/* Ends, so that the next process begins with what is on the disk now: COMMAND_AGAIN. */
void edge_service_begin_again(struct edge_service *service);
void edge_service_close(struct edge_service *service);

/* edge_status.c: the answer to {"do": "status"}: itself, and how its origins are. */
void edge_service_write_status(struct edge_service *service, struct buffer *out);
