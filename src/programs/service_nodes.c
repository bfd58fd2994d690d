// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/service_nodes.h"

#include "api/api.h"
#include "api/audit.h"
#include "base/counters.h"
#include "io/clock.h"
#include "io/node_tls.h"
#include "io/tls.h"
#include "programs/edges_desk.h"
#include "state/state.h"
#include "trust/node_authority.h"
#include "trust/node_book.h"

#include <limits.h>
#include <sodium.h>
#include <unistd.h>

enum { AGAIN_MS = 1000 };
static const uint64_t hour_us = 60ULL * 60 * 1000 * 1000;

/* --- its certificate --- */

static int open_authority(struct service *service, struct buffer *why)
{
    char path[PATH_MAX];
    struct keys_error error = {""};
    struct service_nodes *nodes = &service->nodes;
    if (nodes->authority)
        return 0;
    (void)snprintf(path, sizeof path, "%s/keys", service->settings.data);
    const struct key_place place = {path, getenv("CREDENTIALS_DIRECTORY")};
    int result = node_authority_open(&place, service->node.keyfolder, clock_unix_ms() / 1000,
                                     &nodes->authority, &error);
    if (result)
        buffer_printf(why, "nodes cannot be certified: %s", error.words);
    return result;
}

static bool show_certificate(struct service *service, struct buffer *why)
{
    struct service_nodes *nodes = &service->nodes;
    uint8_t seed[NODE_SEED_BYTES], key[SIGNED_PUBLIC_BYTES];
    char words[128] = "libcrypto made no certificate";
    struct buffer chain;
    buffer_init(&chain, NODE_CHAIN_MAX_BYTES);
    randombytes_buf(seed, sizeof seed);
    node_key_of_seed(seed, key);
    bool is_shown =
        node_authority_issue(nodes->authority, NODE_ORIGIN, key, clock_unix_ms() / 1000, &chain) &&
        node_certificate_read(buffer_view(&chain), &nodes->facts) &&
        node_tls_take(nodes->tls, buffer_view(&chain), seed, words, sizeof words);
    if (!is_shown)
        buffer_printf(why, "%s", words);
    sodium_memzero(seed, sizeof seed);
    buffer_release(&chain);
    return is_shown;
}

/* Some signatures and a small file once in weeks, so it may stay on the loop. */
static void look(struct service *service)
{
    struct service_nodes *nodes = &service->nodes;
    struct keys_error error = {""};
    struct buffer why;
    int64_t now_s = clock_unix_ms() / 1000;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    int settled = node_authority_settle(nodes->authority, service->node.keyfolder, now_s, &error);
    if (settled < 0)
        LOG(&service->logging.logger, LOG_WARNING,
            "the authority for nodes is due, and was not renewed", {"why", text_of(error.words)});
    if ((settled == 1 || node_certificate_is_due(&nodes->facts, now_s)) &&
        !show_certificate(service, &why))
        LOG(&service->logging.logger, LOG_ERROR, "the certificate for nodes was not renewed",
            {"why", buffer_view(&why)});
    buffer_release(&why);
}

static void hourly(struct loop_timer *timer, uint64_t now_us)
{
    struct service *service = CONTAINER_OF(timer, struct service, nodes.timer);
    look(service);
    loop_timer_start(service->loop, timer, now_us + hour_us);
}

/* --- the door --- */

static bool admits(void *context, const uint8_t key[NODE_KEY_BYTES])
{
    struct service *service = context;
    return node_book_admits(service->node.book, key, clock_unix_ms() / 1000);
}

static bool prepare(struct service *service, struct buffer *why)
{
    struct service_nodes *nodes = &service->nodes;
    uint8_t digest[NODE_ROOT_DIGEST_BYTES];
    if (nodes->tls)
        return true;
    if (open_authority(service, why) != 0)
        return false;
    crypto_hash_sha256(digest, keyfolder_root(service->node.keyfolder), SIGNED_PUBLIC_BYTES);
    nodes->tls = node_tls_new(&(struct node_tls_config){
        .root_digest = digest, .expects = NODE_EDGE_NAME, .admits = admits, .context = service});
    if (!show_certificate(service, why)) {
        node_tls_free(&nodes->tls);
        return false;
    }
    nodes->listener = server_tls_between_nodes(nodes->tls);
    nodes->timer.on_timer = hourly;
    loop_timer_start(service->loop, &nodes->timer, loop_now_us(service->loop) + hour_us);
    return true;
}

static void name_socket(const struct listening_address *address, char *ret, size_t capacity)
{
    (void)snprintf(ret, capacity, "nodes-%s", address->text);
    for (char *at = ret; *at; at++)
        if (*at == ':')
            *at = '_';
}

/* Whoever watches over us holds it from now on, for the next of us. */
static void hand_up(struct service *service)
{
    char name[INHERITED_NAME_BYTES], state[128];
    name_socket(&service->nodes.address, name, sizeof name);
    (void)snprintf(state, sizeof state, "FDSTORE=1\nFDNAME=%s", name);
    (void)notify_send_fd(&service->notify, state, service->nodes.fd);
}

static void drop_socket(struct service *service)
{
    char name[INHERITED_NAME_BYTES], state[128];
    name_socket(&service->nodes.address, name, sizeof name);
    (void)snprintf(state, sizeof state, "FDSTOREREMOVE=1\nFDNAME=%s", name);
    (void)notify_send(&service->notify, state);
    (void)close(service->nodes.fd);
    service->nodes.fd = -1;
}

void service_nodes_claim(struct service *service)
{
    size_t i = inherited_find(service->inherited, "nodes-");
    service->nodes.fd = i == SIZE_MAX ? -1 : inherited_claim_at(service->inherited, i);
    if (service->nodes.fd >= 0 && !listening_known(service->nodes.fd, &service->nodes.address)) {
        (void)close(service->nodes.fd);
        service->nodes.fd = -1;
    }
}

/* Binds, unless there is a socket that suits. */
static bool bind_door(struct service *service, struct text wanted, struct buffer *why)
{
    struct service_nodes *nodes = &service->nodes;
    if (nodes->fd >= 0 && listening_suits(wanted, &nodes->address))
        return true;
    if (nodes->fd >= 0)
        drop_socket(service);
    nodes->fd = listening_open(wanted, &nodes->address, why);
    if (nodes->fd >= 0)
        hand_up(service);
    return nodes->fd >= 0;
}

/* Where, if anywhere: empty when nobody has chosen and nobody was invited. */
static struct text wanted_door(const struct service *service)
{
    struct text chosen = text_of(service->settings.nodes);
    if (text_equal(chosen, TEXT("off")))
        return TEXT_NONE;
    return text_equal(chosen, TEXT("auto")) ? node_book_door(service->node.book) : chosen;
}

static bool note_door(struct service *service, struct buffer *why)
{
    struct text address = text_of(service->nodes.address.text);
    if (text_equal(node_book_door(service->node.book), address))
        return true;
    enum node_book_verdict verdict = node_book_set_door(service->node.book, address);
    if (verdict != NODE_BOOK_DONE)
        buffer_printf(why, "%s", node_book_words(verdict));
    return verdict == NODE_BOOK_DONE;
}

void service_nodes_open(struct service *service)
{
    struct text wanted = wanted_door(service);
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    if (wanted.size == 0) {
        if (service->nodes.fd >= 0)
            drop_socket(service);
    } else if (!bind_door(service, wanted, &why) || !prepare(service, &why) ||
               !note_door(service, &why)) {
        LOG(&service->logging.logger, LOG_ERROR, "edges cannot reach this origin",
            {"address", wanted}, {"why", buffer_view(&why)});
    }
    buffer_release(&why);
}

static bool listen_now(struct service *service, struct buffer *why)
{
    struct service_nodes *nodes = &service->nodes;
    int error = server_listen(service->server, nodes->fd, nodes->listener);
    nodes->fd = -1;
    nodes->is_listening = error >= 0;
    if (error < 0)
        buffer_printf(why, "cannot serve on %s: %.*s", nodes->address.text,
                      TEXT_ARGS(log_errno(error)));
    return nodes->is_listening;
}

static void say_open(struct service *service)
{
    LOG(&service->logging.logger, LOG_INFO, "edges may join and ask",
        {"address", text_of(service->nodes.address.text)});
}

static void try_again_in_a_while(struct service *service)
{
    loop_timer_start(service->loop, &service->nodes.again,
                     loop_now_us(service->loop) + AGAIN_MS * UINT64_C(1000));
}

static void on_again(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct service *service = CONTAINER_OF(timer, struct service, nodes.again);
    struct buffer why;
    if (service->nodes.is_listening || service->is_stopping)
        return;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    if (service_nodes_open_door(service, &why))
        say_open(service);
    else
        try_again_in_a_while(service);
    buffer_release(&why);
}

void service_nodes_listen(struct service *service)
{
    struct buffer why;
    service->nodes.again.on_timer = on_again;
    if (service->nodes.fd < 0 || !service->nodes.listener) {
        if (wanted_door(service).size > 0)
            try_again_in_a_while(service);
        return;
    }
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    if (listen_now(service, &why)) {
        say_open(service);
    } else {
        LOG(&service->logging.logger, LOG_ERROR, "edges cannot reach this origin",
            {"why", buffer_view(&why)});
        try_again_in_a_while(service);
    }
    buffer_release(&why);
}

bool service_nodes_open_door(void *context, struct buffer *why)
{
    struct service *service = context;
    char chosen[sizeof service->nodes.address.text];
    struct text wanted = wanted_door(service);
    if (service->nodes.is_listening)
        return true;
    if (!service->server || service->is_stopping) {
        buffer_printf(why, "the server is starting or ending; try again");
        return false;
    }
    if (wanted.size == 0) {
        edges_desk_choose(text_of(service->addresses[0].text), chosen, sizeof chosen);
        wanted = text_of(chosen);
    }
    return prepare(service, why) && bind_door(service, wanted, why) && note_door(service, why) &&
           listen_now(service, why);
}

void service_nodes_close(struct service *service)
{
    struct service_nodes *nodes = &service->nodes;
    loop_timer_stop(&nodes->timer);
    loop_timer_stop(&nodes->again);
    if (nodes->fd >= 0)
        (void)close(nodes->fd);
    nodes->fd = -1;
    server_tls_free(&nodes->listener);
    node_tls_free(&nodes->tls);
    node_authority_close(&nodes->authority);
}

void service_nodes_doors(void *context, struct buffer *out)
{
    const struct service *service = context;
    struct text door = node_book_door(service->node.book);
    if (door.size && !text_ends(door, TEXT(":0")))
        edges_desk_addresses(&service->settings, door, out);
}

/* --- joining and renewing --- */

static void refuse(struct service *service, struct exchange *exchange, unsigned status,
                   const char *words)
{
    counter_add(COUNTER_NODES_JOINS_REFUSED, 1);
    audit_write(&service->audit.logger, AUDIT_EDGE_REFUSED,
                &(struct audit_entry){.by = TEXT(""),
                                      .address = text_of(exchange_peer(exchange)->address),
                                      .what = text_of(words)});
    exchange_send_problem(exchange, status, "No", words);
}

static unsigned status_of(enum node_book_verdict verdict)
{
    switch (verdict) {
    case NODE_BOOK_TAKEN:
    case NODE_BOOK_FULL:
        return 409;
    case NODE_BOOK_UNWRITTEN:
        return 503;
    default:
        return 403;
    }
}

static bool write_answer(struct service *service, const struct node_seat *seat, int64_t now_s,
                         struct buffer *out)
{
    struct buffer chain, delegated, addresses;
    struct keyring *ring = keyfolder_ring(service->node.keyfolder);
    struct delegation delegation = {
        .id = seat->id, .may = seat->may, .since_s = seat->joined_s, .issued_s = now_s};
    memcpy(delegation.name, seat->name, sizeof delegation.name);
    memcpy(delegation.key, seat->key, sizeof delegation.key);
    buffer_init(&chain, NODE_CHAIN_MAX_BYTES);
    buffer_init(&delegated, DELEGATION_OBJECT_MAX_BYTES * 2);
    buffer_init(&addresses, INVITATION_ADDRESSES_BYTES);
    edges_desk_addresses(&service->settings, node_book_door(service->node.book), &addresses);
    bool is_good =
        node_authority_issue(service->nodes.authority, NODE_EDGE, seat->key, now_s, &chain) &&
        delegation_write(ring, state_health(service->node.state).epoch, &delegation, &delegated);
    struct joining_answer answer = {.keys = keyring_object(ring),
                                    .delegation = buffer_view(&delegated),
                                    .certificates = buffer_view(&chain),
                                    .addresses = buffer_view(&addresses)};
    memcpy(answer.root, keyfolder_root(service->node.keyfolder), sizeof answer.root);
    if (is_good)
        joining_answer_write(&answer, out);
    buffer_release(&chain);
    buffer_release(&delegated);
    buffer_release(&addresses);
    keyring_unref(&ring);
    return is_good && !out->overflowed;
}

static void note_joined(struct service *service, const struct exchange *exchange,
                        const struct node_seat *seat, bool is_join)
{
    struct uid_text id;
    counter_add(is_join ? COUNTER_NODES_JOINED : COUNTER_NODES_RENEWED, 1);
    api_look_at_nodes(service->api);
    LOG(&service->logging.logger, LOG_INFO,
        is_join ? "an edge joined" : "an edge renewed its certificate",
        {"name", text_of(seat->name)}, {"id", uid_text(&id, seat->id)});
    if (is_join)
        audit_write(&service->audit.logger, AUDIT_EDGE_JOINED,
                    &(struct audit_entry){.account = text_of(seat->name),
                                          .by = TEXT("server"),
                                          .address = text_of(exchange_peer(exchange)->address),
                                          .what = uid_text(&id, seat->id)});
}

static void handle(struct exchange *exchange, void *context)
{
    struct service *service = context;
    struct text path = exchange_request(exchange)->path;
    bool is_join = text_equal(path, TEXT(JOINING_JOIN));
    int64_t now_s = exchange_now_ms(exchange) / 1000, until_s = now_s + NODE_CERTIFICATE_LIFE_S;
    struct joining_request request;
    struct node_seat seat;
    const char *why;
    exchange_field(exchange, "Cache-Control", TEXT("no-store"));
    exchange_keep_identity(exchange);
    if (!exchange_peer(exchange)->is_between_nodes || !service->nodes.authority) {
        exchange_send_problem(exchange, 404, "Not here", "Nodes join at the address for nodes.");
        return;
    }
    if (!joining_request_read(exchange_body(exchange), path, now_s, &request, &why)) {
        refuse(service, exchange, 400, why);
        return;
    }
    enum node_book_verdict verdict =
        is_join ? node_book_join(service->node.book, &request, until_s, now_s, &seat)
                : node_book_renew(service->node.book, &request, until_s, &seat);
    explicit_bzero(request.secret, sizeof request.secret);
    if (verdict != NODE_BOOK_DONE) {
        refuse(service, exchange, status_of(verdict), node_book_words(verdict));
        return;
    }
    if (!write_answer(service, &seat, now_s, exchange_output(exchange))) {
        refuse(service, exchange, 503, "the origin could not sign; its log says why");
        return;
    }
    note_joined(service, exchange, &seat, is_join);
    exchange_send_output(exchange, 200, "application/json");
}

void service_nodes_routes(struct service *service)
{
    static const char *const paths[] = {JOINING_JOIN, JOINING_RENEW};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        server_route(service->server,
                     &(struct server_route){.methods = "POST",
                                            .path = paths[i],
                                            .class = SHIELD_CLASS_SIGN_IN,
                                            .max_body_bytes = JOINING_REQUEST_MAX_BYTES,
                                            .greets_strangers = true,
                                            .handler = handle,
                                            .context = service});
}
