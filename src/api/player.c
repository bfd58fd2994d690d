// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/player.h"
#include "api/visitor.h"

#include "api/credentials.h"
#include "api/elsewhere.h"
#include "api/island.h"
#include "api/peers.h"
#include "api/strength.h"
#include "api/wishes.h"
#include "base/counters.h"
#include "base/guard.h"
#include "base/mem.h"
#include "io/neighbours.h"
#include "io/server.h"
#include "io/workers.h"
#include "trust/breached.h"
#include "trust/password.h"

#include <assert.h>
#include <sodium.h>

enum { PLAYER_MAX_BODY_BYTES = 2 << 20, JOURNAL_RETRY_S = 5 };

/* --- answers --- */

void player_drop_body(struct player *player)
{
    json_decref(player->body);
    player->body = NULL;
}

static void add_fields(struct exchange *exchange)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
}

struct json *player_json(struct player *player)
{
    json_init(&player->json, exchange_output(player->exchange));
    return &player->json;
}

void player_send(struct player *player, unsigned status)
{
    player_drop_body(player);
    add_fields(player->exchange);
    exchange_send_output(player->exchange, status, "application/json");
}

void player_send_empty(struct player *player, unsigned status)
{
    player_drop_body(player);
    add_fields(player->exchange);
    exchange_send_empty(player->exchange, status);
}

void player_problem(struct player *player, unsigned status, const char *title, const char *detail)
{
    json_t *body = player->body; /* the detail may be its text; `player` goes with the answer */
    player->body = NULL;
    add_fields(player->exchange);
    if (status == 401)
        exchange_field(player->exchange, "WWW-Authenticate", TEXT("Bearer"));
    exchange_send_problem(player->exchange, status, title, detail);
    json_decref(body);
}

void player_busy(struct player *player, unsigned retry_after_s, const char *detail)
{
    char digits[16];
    int size = snprintf(digits, sizeof(digits), "%u", retry_after_s);
    exchange_field(player->exchange, "Retry-After", text_make(digits, (size_t)size));
    player_problem(player, 503, "Not now", detail);
}

void player_outcome_problem(struct player *player, const struct batch_result *result)
{
    const char *why = outcome_help(result->whole);
    unsigned status = outcome_status(result->whole);
    for (size_t i = 0; i < result->count; i++)
        if (result->outcomes[i].outcome == result->whole && result->outcomes[i].why) {
            why = result->outcomes[i].why;
            break;
        }
    if (status == 503)
        player_busy(player, JOURNAL_RETRY_S, why);
    else
        player_problem(player, status, "Not changed", why);
}

/* --- reading --- */

int64_t player_now_ms(const struct player *player) { return exchange_now_ms(player->exchange); }

bool player_refresh(struct player *player)
{
    if (player->node)
        return node_book_admits(player->api->config.book, player->node->key,
                                player_now_ms(player) / 1000);
    player->account = state_account(player->api->config.state, player->account_id);
    return player->account && !player->account->is_disabled;
}

static void bad_member(struct player *player, const char *name, const char *needs)
{
    struct text detail = arena_printf(exchange_arena(player->exchange),
                                      "The member \"%s\" must be %s.", name, needs);
    player_problem(player, 400, "Bad request", detail.data ? detail.data : "A member is wrong.");
}

bool player_text(struct player *player, const char *name, size_t min, size_t max, struct text *ret)
{
    if (player->body && body_text(player->body, name, min, max, ret))
        return true;
    struct text needs =
        arena_printf(exchange_arena(player->exchange), "text of %zu to %zu bytes", min, max);
    bad_member(player, name, needs.data ? needs.data : "text");
    return false;
}

bool player_bool(struct player *player, const char *name, bool otherwise, bool *ret)
{
    if (!player->body) {
        *ret = otherwise;
        return true;
    }
    if (body_bool(player->body, name, otherwise, ret))
        return true;
    bad_member(player, name, "true or false");
    return false;
}

bool player_id(struct player *player, struct uid *ret)
{
    if (uid_from_text(player->id, ret))
        return true;
    player_problem(player, 404, "Not found", "There is nothing of this id.");
    return false;
}

bool player_name_is_fine(struct player *player, struct text name)
{
    bool is_fine = wish_name_is_fine(name);
    if (!is_fine)
        player_problem(
            player, 422, "This name will not do",
            "A name has 1 to 64 bytes, without control characters or spaces at its ends.");
    return is_fine;
}

void player_write_uid(struct json *json, const char *name, struct uid uid)
{
    struct uid_text storage;
    json_member_text(json, name, uid_text(&storage, uid));
}

void player_write_account(struct json *json, const struct account *account)
{
    player_write_uid(json, "id", account->id);
    json_member_text(json, "name", account->name);
    json_member_bool(json, "isAdmin", account->is_admin);
}

/* --- writing --- */

struct batch *player_batch(const struct player *player, bool is_operator)
{
    struct batch_author author = {.account = player->account_id,
                                  .client = TEXT("player"),
                                  .now_ms = player_now_ms(player),
                                  .is_operator = is_operator};
    author.is_unproven =
        !visitor_prove(player->api, player->exchange, player->account_id, &author.proof) &&
        !visitor_prove_renewed(player->api, player->exchange, player->account_id,
                               player->renewed_id, &author.proof);
    return batch_new(player->api->config.state, &author);
}

struct submission {
    struct player *player;
    player_handler *then;
};

static void on_submitted(void *context, const struct batch_result *result)
{
    struct submission *submission = context;
    if (outcome_status(result->whole) == 200)
        submission->then(submission->player);
    else
        player_outcome_problem(submission->player, result);
}

void player_submit(struct player *player, struct batch *batch, player_handler *then)
{
    struct submission *submission =
        arena_alloc(exchange_arena(player->exchange), sizeof(*submission));
    if (!submission) {
        batch_free(&batch);
        player_busy(player, 1, "This request needs more memory than one may have.");
        return;
    }
    *submission = (struct submission){player, then};
    batch_submit(&batch, on_submitted, submission);
}

/* --- passwords --- */

struct hashing {
    struct player *player;
    player_hashed *then;
    char *name, *password;
    struct strength strength;
    enum breached_verdict breached;
    struct password_hash hash;
    bool is_hashed;
};

static void hashing_free(struct hashing *hashing)
{
    sodium_memzero(hashing->password, strlen(hashing->password));
    mem_free(hashing->name);
    mem_free(hashing->password);
    mem_free(hashing);
}

static void hashing_work(void *context)
{
    struct hashing *hashing = context;
    hashing->strength = strength_of(hashing->password, hashing->name);
    if (hashing->strength.is_enough)
        hashing->breached =
            breached_look_up(hashing->player->api->config.breached, text_of(hashing->password));
    if (hashing->strength.is_enough && hashing->breached != BREACHED_YES)
        hashing->is_hashed = password_hash(text_of(hashing->password), &hashing->hash);
}

static void hashing_done(void *context)
{
    struct hashing *hashing = context;
    if (hashing->breached == BREACHED_UNKNOWN)
        LOG(hashing->player->api->config.logger, LOG_ERROR,
            "a new password was not looked up among the breached ones",
            {"why", TEXT("the list cannot be read, or is damaged there")});
    if (!hashing->strength.is_enough)
        player_problem(hashing->player, 422, "This password is too easy to guess",
                       hashing->strength.words);
    else if (hashing->breached == BREACHED_YES)
        player_problem(hashing->player, 422, "This password is known",
                       "It stands in a list of passwords that leaked, which guessing programs "
                       "try first. Take another, here and wherever else you use it.");
    else if (!hashing->is_hashed)
        player_problem(hashing->player, 422, "This password will not do",
                       "It has at most 1024 bytes.");
    else
        hashing->then(hashing->player, text_of(hashing->hash.text));
    hashing_free(hashing);
}

void player_hash(struct player *player, struct text name, struct text password, player_hashed *then)
{
    struct hashing *hashing = MEM_NEW(struct hashing);
    *hashing = (struct hashing){.player = player, .then = then};
    hashing->name = text_dup(name);
    hashing->password = text_dup(password);
    if (workers_submit(player->api->config.passwords, player->api->config.loop, hashing_work,
                       hashing_done, hashing))
        return;
    counter_add(COUNTER_SIGNINS_BUSY, 1);
    hashing_free(hashing);
    player_busy(player, 1, "Too many passwords are being checked just now.");
}

/* --- the router --- */

static const struct player_route {
    enum http_method method;
    enum player_guard guard;
    const char *method_name;
    struct text path;
    player_handler *handler;
} routes[] = {
#define PLAYER(method, path, guard, handler) \
    {HTTP_METHOD_##method, PLAYER_##guard, #method, TEXT_INIT(path), player_##handler},
#include "api/player.def"
#undef PLAYER
};

/* The rest of the path behind the route's, in *ret_id; false when the route is another. */
static bool route_fits(const struct player_route *route, struct text path, struct text *ret_id)
{
    if (!text_ends(route->path, TEXT("/"))) {
        *ret_id = TEXT_NONE;
        return text_equal(route->path, path);
    }
    *ret_id = text_from(path, route->path.size);
    return text_starts(path, route->path) && ret_id->size &&
           text_find_byte(*ret_id, '/') == SIZE_MAX;
}

/* NULL after answering 404 or 405. */
static const struct player_route *find_route(struct player *player)
{
    const struct http_request *request = exchange_request(player->exchange);
    enum http_method method =
        request->method == HTTP_METHOD_HEAD ? HTTP_METHOD_GET : request->method;
    struct buffer allowed;
    buffer_init(&allowed, 128);
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
        if (!route_fits(&routes[i], request->path, &player->id))
            continue;
        if (routes[i].method == method) {
            buffer_release(&allowed);
            return &routes[i];
        }
        buffer_printf(&allowed, "%s%s", allowed.size ? ", " : "", routes[i].method_name);
    }
    if (allowed.size) {
        exchange_field(player->exchange, "Allow", buffer_view(&allowed));
        player_problem(player, 405, "Not allowed", "This address takes other methods.");
    } else {
        player_problem(player, 404, "Not found", "There is no such address in the player's API.");
    }
    buffer_release(&allowed);
    return NULL;
}

/* Did our own page send this?  Browsers say so; what is no browser has no cookies of others to
 * lend. */
static bool is_same_origin(const struct exchange *exchange)
{
    const struct http_request *request = exchange_request(exchange);
    struct text site = http_request_field(request, TEXT("Sec-Fetch-Site"));
    struct text origin = http_request_field(request, TEXT("Origin"));
    if (site.size)
        return text_equal_nocase(site, TEXT("same-origin"));
    if (!origin.size)
        return true;
    struct text scheme = exchange_peer(exchange)->is_secure ? TEXT("https://") : TEXT("http://");
    return text_starts_nocase(origin, scheme) &&
           text_equal_nocase(text_from(origin, scheme.size), request->host);
}

/* A page of another node (io/neighbours.h) asks without cookies; one that comes with them did not
 * come from our player. */
static bool is_from_neighbour(const struct exchange *exchange)
{
    return exchange_neighbour(exchange).size > 0 &&
           !http_request_field(exchange_request(exchange), TEXT("Cookie")).data;
}

static bool prove_bearer(struct player *player)
{
    const struct session *session = credentials_bearer(player->api, player->exchange);
    if (!session)
        return false;
    player->session_id = session->id;
    player->account_id = session->account;
    if (!player_refresh(player))
        return false;
    exchange_set_user(player->exchange, player->account->name);
    exchange_set_class(player->exchange, SHIELD_CLASS_SIGNED_IN);
    return true;
}

static bool prove_node(struct player *player)
{
    struct node_seat seat;
    if (!peers_node(player->api, player->exchange, &seat))
        return false;
    struct node_seat *kept = arena_alloc(exchange_arena(player->exchange), sizeof *kept);
    if (!kept)
        return false;
    *kept = seat;
    player->node = kept;
    player->account_id = seat.id; /* what bounds count by */
    peers_show(player->exchange, kept);
    return true;
}

/* False after answering. */
static bool pass_guard(struct player *player, enum player_guard guard)
{
    if (guard == PLAYER_COOKIE && !is_same_origin(player->exchange) &&
        !is_from_neighbour(player->exchange)) {
        player_problem(player, 403, "Not from here",
                       "This request must come from the player's own page.");
        return false;
    }
    if (guard == PLAYER_OPEN || guard == PLAYER_COOKIE ||
        (guard == PLAYER_NODE && prove_node(player)))
        return true;
    bool is_proven = prove_bearer(player);
    if (!is_proven && api_follows(player->api) && !player->is_alone &&
        island_is_linked(player->api) && guard_is_on(GUARD_ORIGIN_JUDGES)) {
        player_go_elsewhere(player);
        return false;
    }
    if (!is_proven) {
        player_problem(player, 401, "Signed out",
                       "The access token is missing, has expired, or its session ended.");
        return false;
    }
    if (guard == PLAYER_ADMIN && !player->account->is_admin) {
        player_problem(player, 403, "For admins", "This account may not do that.");
        return false;
    }
    return true;
}

static bool is_json(const struct exchange *exchange)
{
    struct text type = http_request_field(exchange_request(exchange), TEXT("Content-Type")),
                rest = type, media;
    return text_split(&rest, ';', &media) &&
           text_equal_nocase(text_trim(media), TEXT("application/json"));
}

/* False after answering.  /ops has a parser of its own for bodies with many numbers. */
static bool read_body(struct player *player, const struct player_route *route)
{
    struct text bytes = exchange_body(player->exchange);
    char why[160];
    if (!bytes.size)
        return true;
    if (!is_json(player->exchange)) {
        player_problem(player, 415, "Not JSON", "Send the body as application/json.");
        return false;
    }
    if (route->handler == player_ops_post)
        return true;
    player->body = body_parse(bytes, why);
    if (player->body)
        return true;
    player_problem(player, 400, "Bad request", why);
    return false;
}

static void handle(struct exchange *exchange, struct api *api, bool is_alone)
{
    struct player *player = arena_zalloc(exchange_arena(exchange), sizeof(*player));
    if (!player) {
        exchange_send_empty(exchange, 503);
        return;
    }
    player->api = api;
    player->exchange = exchange;
    player->is_alone = is_alone;
    if (!is_alone && elsewhere_yields(api, exchange)) {
        player_go_elsewhere(player);
        return;
    }
    const struct player_route *route = find_route(player);
    if (route && pass_guard(player, route->guard) && read_body(player, route))
        route->handler(player);
}

static void player_handle(struct exchange *exchange, void *api) { handle(exchange, api, false); }

static void player_alone(struct exchange *exchange, void *api) { handle(exchange, api, true); }

void player_go_elsewhere(struct player *player)
{
    player_drop_body(player);
    elsewhere_go_or(player->api, player->exchange, player_alone);
}

static void player_anywhere(struct exchange *exchange, void *context)
{
    if (elsewhere_holds_player(exchange))
        exchange_go_home(exchange, player_handle, context);
    else if (elsewhere_asks(exchange))
        elsewhere_go_or(context, exchange, player_alone);
    else
        elsewhere_go(context, exchange);
}

void player_routes(struct api *api, struct server *server)
{
    bool follows = api_follows(api);
    static const char *const paths[] = {"/api/v1/", "/changes", "/ops"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        server_route(server,
                     &(struct server_route){.methods = "GET POST PUT PATCH DELETE",
                                            .path = paths[i],
                                            .max_body_bytes = PLAYER_MAX_BODY_BYTES,
                                            .class = SHIELD_CLASS_SIGN_IN,
                                            .handler = follows ? player_anywhere : player_handle,
                                            .context = api,
                                            .runs_anywhere = follows});
}
