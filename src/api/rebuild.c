// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/rebuild.h"

#include "api/audit.h"
#include "api/inside.h"
#include "api/nodes.h"
#include "api/peers.h"
#include "api/speaks.h"
#include "base/counters.h"
#include "base/guard.h"
#include "base/json.h"
#include "base/json_tree.h"
#include "base/mem.h"
#include "io/exchange.h"
#include "io/file.h"
#include "io/server.h"
#include "state/offer.h"
#include "state/state.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define TARGET "/nodes/rebuild"
#define PROMOTED_FILE "promoted"
#define REBUILT_FILE "rebuilt"

enum {
    RETRY_S = 2,
    MOST_AT_ONCE = 8, /* offers: each may be OFFER_MAX_BYTES */
    FILE_MAX_BYTES = 1 << 20,
    ARENA_BYTES = 4 << 20,
};

struct rebuild {
    struct api *api;
    uint64_t epoch;
    int64_t promoted_s;
    struct uid *heard;
    size_t heard_count, under_way;
    bool has_ended; /* the last that is under way frees it */
    uint64_t accounts;
};

/* --- what is kept --- */

static const struct json_node *read_json(const struct api *api, const char *name,
                                         struct buffer *bytes, struct arena *arena)
{
    char path[PATH_MAX];
    const char *why;
    bool fits = snprintf(path, sizeof path, "%s/%s", api->config.folder, name) < PATH_MAX;
    return fits && file_read(AT_FDCWD, path, bytes) == 0
               ? json_tree_read(arena, buffer_view(bytes), &why)
               : NULL;
}

static int64_t integer_of(const struct json_node *object, struct text name)
{
    const struct json_node *member = json_tree_member(object, name);
    return json_tree_is(member, JSON_NODE_INTEGER) ? member->integer : 0;
}

static void add_heard(struct rebuild *rebuild, struct uid id)
{
    rebuild->heard =
        mem_realloc_array(rebuild->heard, rebuild->heard_count + 1, sizeof *rebuild->heard);
    rebuild->heard[rebuild->heard_count++] = id;
}

static void read_heard(struct rebuild *rebuild, const struct json_node *root)
{
    if ((uint64_t)integer_of(root, TEXT("epoch")) != rebuild->epoch)
        return; /* of a promotion before this one */
    const struct json_node *one = json_tree_items(json_tree_member(root, TEXT("heard")));
    for (; one; one = one->next) {
        struct uid id;
        if (json_tree_is(one, JSON_NODE_TEXT) && uid_from_text(one->text, &id))
            add_heard(rebuild, id);
    }
}

static bool write_heard(const struct rebuild *rebuild)
{
    char path[PATH_MAX];
    struct uid_text storage;
    struct buffer bytes;
    struct json json;
    if (snprintf(path, sizeof path, "%s/" REBUILT_FILE, rebuild->api->config.folder) >= PATH_MAX)
        return false;
    buffer_init(&bytes, FILE_MAX_BYTES);
    json_init(&json, &bytes);
    json_begin_object(&json);
    json_member_u64(&json, "epoch", rebuild->epoch);
    json_name(&json, "heard");
    json_begin_array(&json);
    for (size_t i = 0; i < rebuild->heard_count; i++)
        json_text(&json, uid_text(&storage, rebuild->heard[i]));
    json_end_array(&json);
    json_end_object(&json);
    int error =
        bytes.overflowed ? -EFBIG : file_write_atomic(AT_FDCWD, path, buffer_view(&bytes), 0600);
    buffer_release(&bytes);
    return error == 0;
}

struct rebuild *rebuild_new(struct api *api)
{
    struct rebuild *rebuild = NULL;
    struct arena *arena;
    struct buffer bytes, rebuilt;
    /* a database of record has what this folder lacks, and takes nothing that no journal has */
    if (!api->config.folder || api_follows(api) || state_health(api->config.state).has_record)
        return NULL;
    arena = arena_new(ARENA_BYTES);
    buffer_init(&bytes, FILE_MAX_BYTES);
    buffer_init(&rebuilt, FILE_MAX_BYTES);
    const struct json_node *promoted = read_json(api, PROMOTED_FILE, &bytes, arena);
    if (promoted) {
        rebuild = MEM_NEW(struct rebuild);
        *rebuild = (struct rebuild){.api = api,
                                    .epoch = (uint64_t)integer_of(promoted, TEXT("epoch")),
                                    .promoted_s = integer_of(promoted, TEXT("at"))};
        read_heard(rebuild, read_json(api, REBUILT_FILE, &rebuilt, arena));
    }
    buffer_release(&rebuilt);
    buffer_release(&bytes);
    arena_free(&arena);
    return rebuild;
}

static void destroy(struct rebuild *rebuild)
{
    mem_free(rebuild->heard);
    mem_free(rebuild);
}

void rebuild_free(struct rebuild **rebuild_at)
{
    struct rebuild *rebuild = *rebuild_at;
    *rebuild_at = NULL;
    if (rebuild && rebuild->under_way)
        rebuild->has_ended = true;
    else if (rebuild)
        destroy(rebuild);
}

/* --- who is to be heard --- */

static bool was_the_lost_ones(const struct rebuild *rebuild, const struct node_seat *seat)
{
    return !seat->revoked_s && node_seat_has_key(seat) && seat->joined_s <= rebuild->promoted_s;
}

static bool was_heard(const struct rebuild *rebuild, struct uid id)
{
    for (size_t i = 0; i < rebuild->heard_count; i++)
        if (uid_equal(rebuild->heard[i], id))
            return true;
    return false;
}

bool api_rebuild(const struct api *api, struct api_rebuild *ret)
{
    const struct rebuild *rebuild = api->rebuild;
    struct node_seat seat;
    if (!rebuild || !api->config.book)
        return false;
    *ret = (struct api_rebuild){.accounts = rebuild->accounts};
    for (size_t i = 0; i < node_book_count(api->config.book); i++) {
        node_book_at(api->config.book, i, &seat);
        if (!was_the_lost_ones(rebuild, &seat))
            continue;
        ret->edges++;
        ret->heard += was_heard(rebuild, seat.id);
    }
    return true;
}

void rebuild_begin(struct api *api)
{
    struct api_rebuild told;
    if (api_rebuild(api, &told) && told.heard < told.edges)
        state_offers_expect(api->config.state);
    else
        state_offers_over(api->config.state);
}

void rebuild_look(struct api *api)
{
    struct api_rebuild told;
    if (api_rebuild(api, &told) && told.heard >= told.edges)
        state_offers_over(api->config.state);
}

static void problem(struct exchange *exchange, unsigned status, const char *title,
                    const char *detail)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_problem(exchange, status, title, detail);
}

static void busy(struct exchange *exchange)
{
    char digits[16];
    int size = snprintf(digits, sizeof digits, "%d", RETRY_S);
    exchange_field(exchange, "Retry-After", text_make(digits, (size_t)size));
    problem(exchange, 503, "Not now", "Others are offering just now.");
}

/* False after answering. */
static bool prove(const struct api *api, struct exchange *exchange, struct node_seat *ret)
{
    if (!peers_node(api, exchange, ret)) {
        problem(exchange, 403, "For nodes", "This is for edges, at the address for nodes.");
        return false;
    }
    peers_show(exchange, ret);
    exchange_set_class(exchange, SHIELD_CLASS_BACKGROUND);
    if (api->rebuild && was_the_lost_ones(api->rebuild, ret) && !was_heard(api->rebuild, ret->id))
        return true;
    problem(exchange, 404, REBUILD_TOLD, "This edge has told all, or was not there.");
    return false;
}

/* --- offers --- */

struct offering { /* in its exchange's arena */
    struct rebuild *rebuild;
    struct exchange *exchange;
};

static void send_done(struct exchange *exchange)
{
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_empty(exchange, 204);
}

static void on_applied(void *context, bool is_durable)
{
    struct offering *offering = context;
    struct rebuild *rebuild = offering->rebuild;
    rebuild->under_way--;
    if (is_durable)
        send_done(offering->exchange);
    else
        busy(offering->exchange);
    if (rebuild->has_ended && rebuild->under_way == 0)
        destroy(rebuild);
}

static void audit(const struct rebuild *rebuild, enum audit_event event,
                  const struct node_seat *seat, struct uid account, const char *what)
{
    struct uid_text storage;
    const struct account *whose = state_account(rebuild->api->config.state, account);
    audit_write(rebuild->api->config.audit, event,
                &(struct audit_entry){.account = whose ? whose->name : uid_text(&storage, account),
                                      .by = text_of(seat->name),
                                      .what = text_of(what)});
}

/* What an operator may want to look at: who can sign in again, and whose word that was. */
static void note(struct rebuild *rebuild, const struct node_seat *seat, struct uid account,
                 const struct offer_taken *taken)
{
    counter_add(COUNTER_REBUILD_OFFERS, 1);
    counter_add(COUNTER_REBUILD_CELLS, taken->cells + taken->counts);
    rebuild->accounts += taken->cells || taken->counts;
    if (taken->is_new)
        audit(rebuild, AUDIT_EDGE_REBUILT, seat, account,
              taken->was_admin ? "an account, which was an admin's" : "an account");
    else if (taken->secrets)
        audit(rebuild, AUDIT_EDGE_REBUILT, seat, account, "what they sign in with");
}

static const char *why_not(const struct rebuild *rebuild, const struct node_seat *seat,
                           struct uid account)
{
    nodes_look(rebuild->api->nodes);
    if (!(seat->may & DELEGATED_OPERATIONS))
        return "this edge may bring no operations";
    if (!guard_is_on(GUARD_SPEAKS) || speaks_for_own(rebuild->api, seat, account))
        return NULL;
    return "an offer of another edge's listener";
}

static void take(struct rebuild *rebuild, struct exchange *exchange, const struct node_seat *seat,
                 struct uid account)
{
    struct state *state = rebuild->api->config.state;
    const struct offer_rules rules = {rebuild->promoted_s * 1000, exchange_now_ms(exchange)};
    struct offering *offering = arena_alloc(exchange_arena(exchange), sizeof *offering);
    struct offer_taken taken;
    const char *why;
    enum state_copy verdict =
        offering ? state_offer_take(state, account, exchange_body(exchange), &rules, &taken, &why)
                 : STATE_COPY_FULL;
    if (verdict == STATE_COPY_BAD) {
        counter_add(COUNTER_REBUILD_REFUSED, 1);
        problem(exchange, 400, REBUILD_NOT_AN_OFFER, why);
    } else if (verdict == STATE_COPY_FULL) {
        busy(exchange);
    } else {
        note(rebuild, seat, account, &taken);
        *offering = (struct offering){rebuild, exchange};
        rebuild->under_way++;
        state_when_applied(state, on_applied, offering);
    }
}

static void on_offer(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct rebuild *rebuild = api->rebuild;
    struct node_seat seat;
    struct uid account;
    struct text id = text_from(exchange_request(exchange)->path, sizeof(TARGET));
    if (!prove(api, exchange, &seat))
        return;
    if (!uid_from_text(id, &account)) {
        problem(exchange, 404, "Not found", "There is no account of this id.");
        return;
    }
    const char *why = why_not(rebuild, &seat, account);
    if (why) {
        counter_add(COUNTER_REBUILD_REFUSED, 1);
        audit(rebuild, AUDIT_EDGE_OVERREACHED, &seat, account, why);
        problem(exchange, 403, REBUILD_NOT_YOURS, why);
    } else if (rebuild->under_way >= MOST_AT_ONCE) {
        busy(exchange);
    } else {
        take(rebuild, exchange, &seat, account);
    }
}

static void send_asking(const struct rebuild *rebuild, struct exchange *exchange)
{
    struct json json;
    json_init(&json, exchange_output(exchange));
    json_begin_object(&json);
    json_member_u64(&json, "epoch", rebuild->epoch);
    json_member_i64(&json, "until", rebuild->promoted_s);
    json_end_object(&json);
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_output(exchange, 200, "application/json");
}

static void on_whole(struct exchange *exchange, void *context)
{
    struct api *api = context;
    struct rebuild *rebuild = api->rebuild;
    struct node_seat seat;
    if (!prove(api, exchange, &seat))
        return;
    if (exchange_request(exchange)->method != HTTP_METHOD_POST) {
        send_asking(rebuild, exchange);
        return;
    }
    add_heard(rebuild, seat.id);
    rebuild_look(api);
    LOG(api->config.logger, LOG_INFO, "an edge of the lost origin has told what it holds",
        {"name", text_of(seat.name)});
    if (write_heard(rebuild))
        send_done(exchange);
    else
        busy(exchange); /* it is heard all the same, and again by the next process */
}

void rebuild_routes(struct api *api, struct server *server)
{
    server_route(server, &(struct server_route){.methods = "GET POST",
                                                .path = TARGET,
                                                .class = SHIELD_CLASS_SIGNED_IN,
                                                .wants_node = true,
                                                .handler = on_whole,
                                                .context = api});
    server_route(server, &(struct server_route){.methods = "POST",
                                                .path = TARGET "/",
                                                .max_body_bytes = OFFER_MAX_BYTES,
                                                .class = SHIELD_CLASS_SIGNED_IN,
                                                .wants_node = true,
                                                .handler = on_offer,
                                                .context = api});
}
