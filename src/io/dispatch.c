// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/dispatch.h"

#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "http/fields.h"
#include "http/target.h"
#include "io/fault_point.h"
#include "io/neighbours.h"
#include "io/server_state.h"
#include "shield/door.h"

#include <assert.h>
#include <stdlib.h>

static const char retry_after[] = "5"; /* seconds, until the shield estimates better */

static bool takes_any(const struct server_route *route) { return route->methods[0] == '*'; }

static uint32_t methods_of(const struct server_route *route)
{
    uint32_t methods = 0;
    struct text rest = text_of(route->methods), name;
    if (takes_any(route))
        return UINT32_MAX;
    while (text_split(&rest, ' ', &name))
        methods |= UINT32_C(1) << http_method_of(name);
    if (methods & UINT32_C(1) << HTTP_METHOD_GET)
        methods |= UINT32_C(1) << HTTP_METHOD_HEAD;
    return methods;
}

void dispatch_add_route(struct server *server, const struct server_route *route)
{
    size_t at = server->route_count, size = strlen(route->path);
    assert(route->path[0] == '/' && route->handler);
    server->routes = mem_realloc_array(server->routes, at + 1, sizeof *server->routes);
    for (; at > 0 && server->routes[at - 1].path.size < size; at--)
        server->routes[at] = server->routes[at - 1];
    server->routes[at] = (struct route_entry){.route = *route,
                                              .path = text_of(route->path),
                                              .methods = methods_of(route),
                                              .is_prefix = route->path[size - 1] == '/'};
    server->route_count++;
}

/* --- refusing --- */

void server_count_refusal(unsigned status)
{
    counter_add(COUNTER_REQUESTS_BAD, 1);
    counter_add(COUNTER_HEADERS_OVER, status == 431);
    counter_add(COUNTER_TARGETS_OVER, status == 414);
}

static void refuse(struct exchange *exchange, unsigned status, const char *title,
                   const char *detail)
{
    server_count_refusal(status);
    exchange->step = EXCHANGE_HANDLING;
    exchange_send_problem(exchange, status, title, detail);
}

/* Asks the door; false when it gave the answer. */
static bool is_admitted(struct exchange *exchange, enum shield_moment moment)
{
    const struct shield_arrival arrival = {
        .moment = moment,
        .class = exchange->class,
        .address = text_of(exchange->peer.address),
        .path = exchange->request.path,
        .content_length = exchange->request.content_length,
        .now_us = loop_now_us(exchange->loop),
    };
    enum shield_verdict verdict = shield_admit(exchange->server->config.shield, &arrival);
    if (verdict == SHIELD_SERVE || verdict == SHIELD_SERVE_LIGHTER)
        return true;
    counter_add(COUNTER_DOOR_REFUSED, 1);
    exchange->step = EXCHANGE_HANDLING;
    if (verdict == SHIELD_REFUSE) {
        exchange->closes = true;
        exchange_send_problem(exchange, 403, "Refused", "This server does not serve this request.");
    } else {
        exchange_field(exchange, "Retry-After", text_of(retry_after));
        exchange_send_problem(exchange, 503, "Busy",
                              "Many are asking at once. Try again in a few seconds.");
    }
    return false;
}

static bool is_our_host(const struct exchange *exchange)
{
    const struct server_config *config = &exchange->server->config;
    struct text host = http_host_without_port(exchange->request.host);
    for (size_t i = 0; i < config->host_name_count; i++)
        if (text_equal_nocase(config->host_names[i], host))
            return true;
    return config->host_name_count == 0;
}

/* --- routes --- */

/* Most paths differ in their second byte, so that is looked at first. */
static bool path_matches(const struct route_entry *entry, struct text path)
{
    if (entry->path.size > path.size ||
        (entry->path.size > 1 && entry->path.data[1] != path.data[1]))
        return false;
    return entry->is_prefix ? text_starts(path, entry->path) : text_equal(path, entry->path);
}

/* The routes of one path stand together; *ret_first is the first of those that match best. */
static const struct server_route *find_route(const struct server *server,
                                             const struct http_request *request,
                                             const struct route_entry **ret_first)
{
    const struct server *home = server->home;
    const struct route_entry *first = NULL, *end = home->routes + home->route_count;
    for (const struct route_entry *entry = home->routes; entry < end; entry++) {
        if (first ? !text_equal(first->path, entry->path) : !path_matches(entry, request->path))
            continue;
        if (!first)
            first = entry;
        if (entry->methods >> request->method & 1)
            return &entry->route;
    }
    *ret_first = first;
    return NULL;
}

/* "GET, HEAD, POST, OPTIONS" */
static void add_allow(struct exchange *exchange, const struct route_entry *first)
{
    const struct server *home = exchange->server->home;
    struct buffer names;
    buffer_init(&names, 256);
    for (const struct route_entry *entry = first; entry < home->routes + home->route_count;
         entry++) {
        struct text rest = text_of(entry->route.methods), name;
        while (text_equal(entry->path, first->path) && text_split(&rest, ' ', &name))
            buffer_printf(&names, "%.*s, %s", TEXT_ARGS(name),
                          text_equal(name, TEXT("GET")) ? "HEAD, " : "");
    }
    buffer_text(&names, TEXT("OPTIONS"));
    exchange_field(exchange, "Allow", buffer_view(&names));
    buffer_release(&names);
}

static void answer_without_route(struct exchange *exchange, const struct route_entry *first)
{
    if (text_equal(exchange->request.target, TEXT("*"))) {
        exchange->step = EXCHANGE_HANDLING;
        exchange_field(exchange, "Allow", TEXT("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        exchange_send_empty(exchange, 204);
    } else if (!first) {
        refuse(exchange, 404, "Not found", "Nothing lives at this path.");
    } else if (exchange->request.method == HTTP_METHOD_OPTIONS) {
        exchange->step = EXCHANGE_HANDLING;
        add_allow(exchange, first);
        exchange_send_empty(exchange, 204);
    } else {
        add_allow(exchange, first);
        refuse(exchange, 405, "Method not allowed",
               "The Allow field lists what this path understands.");
    }
}

/* --- the header --- */

/* The same port speaks both, so the host goes back as it came. */
static void redirect_to_tls(struct exchange *exchange)
{
    struct text target = exchange->request.target;
    if (!text_starts(target, TEXT("/")))
        target = TEXT("/");
    exchange->step = EXCHANGE_HANDLING;
    exchange->closes = true;
    exchange_field(exchange, "Location",
                   arena_printf(exchange->arena, "https://%.*s%.*s",
                                TEXT_ARGS(exchange->request.host), TEXT_ARGS(target)));
    exchange_send_empty(exchange, 308);
}

static void refuse_crowded(struct exchange *exchange)
{
    counter_add(COUNTER_FORWARDED_CROWDED, 1);
    exchange_field(exchange, "Retry-After", text_of(retry_after));
    refuse(exchange, 503, "Busy", "Too many requests from your address are running already.");
}

/* What is wrong with the header whatever its route; true when the answer was given. */
static bool was_refused_early(struct exchange *exchange)
{
    struct text expect = http_request_field(&exchange->request, TEXT("Expect"));
    if (exchange->is_crowded)
        refuse_crowded(exchange);
    else if (!exchange->peer.is_between_nodes && !is_our_host(exchange))
        refuse(exchange, 421, "Misdirected request",
               "This server does not answer to that host name.");
    else if (exchange->needs_tls && exchange->request.host.size > 0)
        redirect_to_tls(exchange);
    else if (exchange->needs_tls)
        refuse(exchange, 400, "TLS is required",
               "This server speaks plain HTTP to private addresses only.");
    else if (expect.data && !text_equal_nocase(expect, TEXT("100-continue")))
        refuse(exchange, 417, "Expectation failed",
               "The only expectation understood is 100-continue.");
    else
        return false;
    return true;
}

/* Where the server has given way to its successor, handlers have nothing left to stand on. */
static bool came_too_late(struct exchange *exchange)
{
    if (!handover_is_quiet(exchange->server))
        return false;
    exchange_field(exchange, "Retry-After", TEXT("1"));
    refuse(exchange, 503, "Upgrading", "A new process serves here. Ask again at once.");
    return true;
}

/* Drills only: what a node gets from an origin that has gone mad; true when the answer was given.
 */
static bool has_lied(struct exchange *exchange)
{
    static const char noise[4096] = {42, -7, 13};
    enum fault_lie lie = exchange->peer.is_node ? fault_point_lie() : LIE_NONE;
    if (lie == LIE_NONE)
        return false;
    exchange->step = EXCHANGE_HANDLING;
    exchange->closes = true; /* a body may be on its way */
    if (lie == LIE_PAGE)
        exchange_send_text(exchange, 200, "text/html", TEXT("<h1>Something went wrong</h1>"));
    else if (lie == LIE_NOISE)
        exchange_send_text(exchange, 200, "application/octet-stream",
                           text_make(noise, sizeof noise));
    else
        exchange_send_text(exchange, 200, "application/json", TEXT("{}"));
    return true;
}

const struct server_route *dispatch_header(struct exchange *exchange)
{
    const struct route_entry *first = NULL;
    struct http_request *request = &exchange->request;
    counter_add(COUNTER_REQUESTS, 1);
    if (came_too_late(exchange) || was_refused_early(exchange))
        return NULL;
    const struct server_route *route = find_route(exchange->server, request, &first);
    exchange->class = route ? route->class : SHIELD_CLASS_NEW_VISIT;
    exchange->is_shared = route ? route->is_shared : first && first->route.is_shared;
    if (exchange->is_public_plain && exchange->server->config.refuses_public_plain &&
        !(route && route->allows_public_plain)) {
        refuse(exchange, 403, "TLS is required",
               "This server speaks plain HTTP to private addresses only.");
        return NULL;
    }
    if (exchange->peer.is_between_nodes && !exchange->peer.is_node &&
        !(route && route->greets_strangers)) {
        counter_add(COUNTER_NODES_STRANGERS, 1);
        refuse(exchange, 403, "For nodes only",
               "This address answers nodes of this service by their certificates, and those that "
               "join it.");
        return NULL;
    }
    if (!is_admitted(exchange, SHIELD_AT_HEADER) || neighbours_answer(exchange))
        return NULL;
    if (route && route->wants_node && !exchange->peer.is_node) {
        refuse(exchange, 403, "For nodes", "This is for edges, at the address for nodes.");
        return NULL;
    }
    if (has_lied(exchange))
        return NULL;
    if (!route) {
        answer_without_route(exchange, first);
        return NULL;
    }
    if (request->content_length != UINT64_MAX && request->content_length > route->max_body_bytes) {
        refuse(exchange, 413, "Too large", "The body is larger than this path takes.");
        return NULL;
    }
    return route;
}

/* --- the body --- */

static bool is_form(const struct http_request *request)
{
    struct text type = http_before_parameters(http_request_field(request, TEXT("Content-Type")));
    return text_equal_nocase(type, TEXT("application/x-www-form-urlencoded"));
}

static size_t max_parameters(const struct server *server)
{
    return guard_is_on(GUARD_PARAMETERS) ? server->config.limits.max_parameters : SIZE_MAX / 2;
}

static void refuse_parameters(struct exchange *exchange, struct text encoded)
{
    bool are_many = http_parameters_count(encoded) > max_parameters(exchange->server);
    if (arena_overflowed(exchange->arena)) {
        refuse(exchange, 503, "Too much at once",
               "The parameters need more memory than one request may have.");
        return;
    }
    counter_add(COUNTER_PARAMETERS_OVER, are_many);
    refuse(exchange, 400, "Bad parameters",
           are_many ? "There are too many." : "One has a bad percent escape.");
}

/* Query and form as one list: `a=1` `b=2` reads as `a=1&b=2`.  False when that was refused. */
static bool read_parameters(struct exchange *exchange)
{
    struct text query = exchange->request.query, form = buffer_view(&exchange->body);
    struct text encoded = query;
    if (form.size > 0 && is_form(&exchange->request))
        encoded = query.size == 0 ? form
                                  : arena_printf(exchange->arena, "%.*s&%.*s", TEXT_ARGS(query),
                                                 TEXT_ARGS(form));
    if (http_parameters_parse(exchange->arena, encoded, max_parameters(exchange->server),
                              &exchange->parameters))
        return true;
    refuse_parameters(exchange, encoded);
    return false;
}

void dispatch_body(struct exchange *exchange, const struct server_route *route)
{
    if (!is_admitted(exchange, SHIELD_AT_BODY))
        return;
    if (!takes_any(route) && !read_parameters(exchange))
        return;
    exchange->step = EXCHANGE_HANDLING;
    if (route->runs_anywhere)
        route->handler(exchange, route->context);
    else
        exchange_go_home(exchange, route->handler, route->context);
}
