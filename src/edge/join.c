// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/join.h"

#include "base/buffer.h"
#include "base/encode.h"
#include "base/json_tree.h"
#include "base/mem.h"
#include "io/client.h"
#include "io/node_tls.h"
#include "trust/joining.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct join {
    struct loop *loop;
    struct workers *resolvers;
    struct node_tls *nodes;
    char *target, *request;
    size_t request_size;
    char addresses[JOIN_ADDRESSES_MAX][INVITATION_ADDRESSES_BYTES];
    size_t address_count, at; /* the one that is tried */
    struct client *client;
    struct client_origin *origin;
    struct client_pool *pool;
    unsigned status;
    struct buffer body;
    struct loop_timer next; /* the step after a call's end: nothing is freed within it */
    bool is_answered;
    bool met_another; /* a service with another root key: `words` say so */
    enum client_outcome outcome;
    char words[JOIN_WORDS_BYTES];
    join_done *done;
    void *context;
};

static void say(struct join *join, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(struct join *join, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(join->words, sizeof join->words, format, arguments);
    va_end(arguments);
}

/* --- why not --- */

/* Who has another root key is the likeliest mistake, and the one to be told; yet the same address
 * may be somebody else's in this network, and the next one ours. */
static void say_other_root(struct join *join, const char *address,
                           const struct node_tls_refusal *refusal)
{
    static const uint8_t none[NODE_ROOT_DIGEST_BYTES];
    struct buffer shown;
    if (memcmp(refusal->root_digest, none, sizeof none) == 0) {
        say(join, "%s speaks TLS, but not as nodes do: is that its address for nodes?", address);
        return;
    }
    buffer_init(&shown, 64);
    encode_base64url(&shown, refusal->root_digest, sizeof refusal->root_digest);
    say(join,
        "%s has another root key than the one that was meant (it shows %.*s): nothing was sent "
        "to it. Compare with \"sostenuto keys list\" at the origin, and make a new token there if "
        "its key was changed",
        address, TEXT_ARGS(buffer_view(&shown)));
    buffer_release(&shown);
    join->met_another = true;
}

static void say_refusal(struct join *join, const char *address)
{
    struct node_tls_refusal refusal = node_tls_take_refusal(join->nodes);
    switch (refusal.problem) {
    case NODE_TLS_OTHER_ROOT:
        say_other_root(join, address, &refusal);
        break;
    case NODE_TLS_EARLY:
    case NODE_TLS_EXPIRED:
        say(join, "the certificate of %s does not hold now: compare the clocks of both machines",
            address);
        break;
    case NODE_TLS_OTHER_ROLE:
        say(join, "%s is a node of this service, but not its origin", address);
        break;
    default:
        say(join, "%s does not speak TLS as nodes do: is that its address for nodes?", address);
    }
}

/* The words of a problem document (RFC 9457). */
static void say_problem(struct join *join, const char *address)
{
    const char *why;
    struct arena *arena = arena_new(JOINING_ANSWER_MAX_BYTES);
    const struct json_node *problem = json_tree_read(arena, buffer_view(&join->body), &why);
    const struct json_node *detail = json_tree_member(problem, TEXT("detail"));
    if (json_tree_is(detail, JSON_NODE_TEXT))
        say(join, "the origin at %s says: %.*s", address, TEXT_ARGS(detail->text));
    else
        say(join, "the origin at %s answered %u", address, join->status);
    arena_free(&arena);
}

/* --- the steps --- */

static void try_address(struct join *join);

static void end_try(struct join *join)
{
    if (join->pool)
        client_pool_free(&join->pool);
    if (join->origin)
        client_origin_free(&join->origin);
}

static void tell(struct join *join, bool is_done, bool is_final)
{
    const struct join_result result = {
        .is_done = is_done,
        .is_final = is_final,
        .answer = is_done ? buffer_view(&join->body) : TEXT_NONE,
        .address = is_done ? text_of(join->addresses[join->at]) : TEXT_NONE,
        .words = join->words,
    };
    join->done(join->context, &result);
}

static void on_next(struct loop_timer *timer, uint64_t now_us UNUSED)
{
    struct join *join = CONTAINER_OF(timer, struct join, next);
    const char *address = join->addresses[join->at];
    end_try(join);
    if (join->is_answered && join->outcome == CLIENT_DONE && !join->body.overflowed) {
        if (join->status != 200)
            say_problem(join, address);
        tell(join, join->status == 200, join->status >= 400 && join->status < 500);
        return;
    }
    if (!join->met_another && join->outcome == CLIENT_NO_TLS)
        say_refusal(join, address);
    else if (!join->met_another)
        say(join, "the origin cannot be reached at %s: %s", address,
            client_outcome_word(join->outcome));
    if (++join->at < join->address_count)
        try_address(join);
    else
        tell(join, false, join->met_another);
}

static void on_header(struct client_call *call UNUSED, const struct http_response *response,
                      void *context)
{
    struct join *join = context;
    join->status = response->status;
    join->is_answered = true;
}

static void on_body(struct client_call *call UNUSED, struct text piece, void *context)
{
    struct join *join = context;
    buffer_text(&join->body, piece);
}

static void on_end(struct client_call *call UNUSED, enum client_outcome outcome, void *context)
{
    struct join *join = context;
    join->outcome = outcome;
    loop_timer_start(join->loop, &join->next, loop_now_us(join->loop));
}

static const struct client_handler handler = {
    .on_header = on_header, .on_body = on_body, .on_end = on_end};

static void try_address(struct join *join)
{
    static const struct http_field fields[] = {
        {TEXT_INIT("Content-Type"), TEXT_INIT(SIGNED_CONTENT_TYPE)}};
    char url[INVITATION_ADDRESSES_BYTES + 8];
    struct client_limits limits = client_limits_default();
    const struct client_request request = {
        .method = HTTP_METHOD_POST,
        .target = text_of(join->target),
        .fields = fields,
        .field_count = ARRAY_SIZE(fields),
        .body = text_make(join->request, join->request_size),
        .deadline_ms = JOIN_TRY_MS,
    };
    join->is_answered = false;
    join->outcome = CLIENT_UNREACHABLE;
    buffer_reset(&join->body);
    limits.connect_ms = limits.first_byte_ms = JOIN_TRY_MS;
    (void)snprintf(url, sizeof url, "https://%s", join->addresses[join->at]);
    join->origin = client_origin_named(join->client, text_of(url), join->resolvers, &limits);
    join->pool = join->origin ? client_pool_new(join->origin, NULL) : NULL;
    if (!join->pool || !client_ask(join->pool, &request, &handler, join))
        loop_timer_start(join->loop, &join->next, loop_now_us(join->loop));
}

struct join *join_start(const struct join_config *config, join_done *done, void *context)
{
    struct join *join = MEM_NEW(struct join);
    assert(config->address_count > 0 && config->address_count <= JOIN_ADDRESSES_MAX);
    join->loop = config->loop;
    join->resolvers = config->resolvers;
    join->nodes = config->nodes;
    join->target = text_dup(config->target);
    join->request = text_dup(config->request);
    join->request_size = config->request.size;
    for (size_t i = 0; i < config->address_count; i++)
        (void)snprintf(join->addresses[join->address_count++], sizeof join->addresses[0], "%.*s",
                       TEXT_ARGS(config->addresses[i]));
    join->client = client_new_between_nodes(join->loop, join->nodes);
    join->done = done;
    join->context = context;
    join->next.on_timer = on_next;
    buffer_init(&join->body, JOINING_ANSWER_MAX_BYTES);
    try_address(join);
    return join;
}

void join_free(struct join **join_at)
{
    struct join *join = *join_at;
    if (!join)
        return;
    loop_timer_stop(&join->next);
    end_try(join);
    client_free(&join->client);
    buffer_release(&join->body);
    mem_free(join->target);
    explicit_bzero(join->request, join->request_size);
    mem_free(join->request);
    mem_free_p(join_at);
}
