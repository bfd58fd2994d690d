// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * rest: the way of a request under /rest: endpoint, format, credentials, parameters, handler,
 * answer.
 *
 *     rest_handle ─▶ credentials_prove ─▶ run ─▶ handler ─▶ call_finish
 *                         │ CALL_LATER      ▲       │ CALL_LATER   ▲
 *                         └── a password ───┘       └─ durability ─┘
 */
#include "api/call.h"
#include "api/credentials.h"
#include "api/elsewhere.h"
#include "api/endings.h"
#include "api/inside.h"
#include "io/server.h"
#include "library/library.h"

#include <assert.h>

enum { REST_MAX_BODY_BYTES = 1 << 20 };

/* --- failing --- */

static const char *error_text(enum api_error error)
{
    switch (error) {
#define API_ERROR(id, code, message) \
    case API_ERROR_##id:             \
        return message;
#include "api/errors.def"
#undef API_ERROR
    }
    return "";
}

enum call_end call_fail(struct call *call, enum api_error error, const char *message)
{
    call->error = error;
    call->error_message = text_of(message ? message : error_text(error));
    return CALL_FAILED;
}

enum call_end call_fail_not_found(struct call *call)
{
    return call_fail(call, API_ERROR_NOT_FOUND, NULL);
}

enum call_end call_fail_busy(struct call *call, unsigned retry_after_s, const char *message)
{
    call->http_status = 503;
    call->retry_after_s = retry_after_s;
    return call_fail(call, API_ERROR_GENERIC, message);
}

/* --- the envelope --- */

static void open_answer(struct call *call, const char *status)
{
    struct buffer *out = exchange_output(call->exchange);
    enum answer_format format = call->answer.format;
    bool is_plain = call->answer.is_plain;
    buffer_reset(out);
    answer_init(&call->answer, out, format, call->callback, is_plain);
    answer_open(&call->answer, status, call->api->config.version);
}

static void write_error(struct call *call)
{
    open_answer(call, "failed");
    answer_begin(&call->answer, "error");
    answer_u64(&call->answer, "code", (uint64_t)call->error);
    answer_text(&call->answer, "message", call->error_message);
    answer_end(&call->answer);
}

void call_finish(struct call *call, enum call_end end)
{
    catalog_unref(&call->catalog);
    if (end == CALL_SENT)
        return;
    assert(end == CALL_OK || end == CALL_FAILED);
    if (end == CALL_FAILED)
        write_error(call);
    answer_close(&call->answer);
    if (call->retry_after_s) {
        char digits[16];
        int size = snprintf(digits, sizeof(digits), "%u", call->retry_after_s);
        exchange_field(call->exchange, "Retry-After", text_make(digits, (size_t)size));
    }
    exchange_field(call->exchange, "Cache-Control", TEXT("no-store"));
    exchange_send_output(call->exchange,
                         end == CALL_FAILED && call->http_status ? call->http_status : 200,
                         answer_content_type(call->answer.format));
}

/* --- who asks, and what they may see --- */

bool call_refresh(struct call *call)
{
    call->account = state_account(call->api->config.state, call->account_id);
    call->listener = state_listener(call->api->config.state, call->account_id);
    return call->account && !call->account->is_disabled;
}

static uint32_t libraries_of(const struct call *call)
{
    uint32_t libraries = (uint32_t)call->account->libraries;
    uint64_t folder = call_number(call, "musicFolderId", 0);
    return folder ? libraries & catalog_library_bit(folder <= 32 ? (unsigned)folder : 0)
                  : libraries;
}

static enum call_end check_parameters(struct call *call)
{
    struct text name = TEXT_NONE;
    enum parameter_fault fault =
        parameters_check(call->endpoint->parameters, call->parameters, &name);
    if (fault == PARAMETER_FINE)
        return CALL_OK;
    struct text message = arena_printf(exchange_arena(call->exchange), "The parameter %.*s %s.",
                                       TEXT_ARGS(name), parameter_fault_words(fault));
    return call_fail(call,
                     fault == PARAMETER_MISSING ? API_ERROR_MISSING_PARAMETER : API_ERROR_GENERIC,
                     message.data);
}

static enum call_end handle_as_listener(struct call *call)
{
    if (!call_refresh(call))
        return call_fail(call, API_ERROR_WRONG_CREDENTIALS, NULL);
    exchange_set_user(call->exchange, call->account->name);
    const struct uid nobody = {{0}};
    endings_own(call->exchange, call->is_unheard ? nobody : call->account_id, call->proven_by);
    exchange_set_class(call->exchange, SHIELD_CLASS_SIGNED_IN);
    if (call->endpoint->role == ENDPOINT_ADMIN && !call->account->is_admin)
        return call_fail(call, API_ERROR_FORBIDDEN, NULL);
    if (check_parameters(call) != CALL_OK)
        return CALL_FAILED;
    call->catalog = library_catalog(call->api->config.library);
    call->view = (struct catalog_view){call->catalog, libraries_of(call)};
    return call->endpoint->handler(call);
}

static void allow_any_page(struct exchange *exchange)
{
    exchange_field(exchange, "Access-Control-Allow-Origin", TEXT("*"));
}

static void run(struct call *call, enum call_end end)
{
    allow_any_page(call->exchange);
    if (end == CALL_OK) {
        open_answer(call, "ok");
        end = handle_as_listener(call);
    }
    if (end == CALL_ELSEWHERE) {
        call_finish(call, CALL_SENT);
        elsewhere_go(call->api, call->exchange);
    } else if (end != CALL_LATER) {
        call_finish(call, end);
    }
}

/* --- arrival --- */

const struct endpoint *endpoint_find(struct text name)
{
    size_t low = 0, high = endpoint_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = text_compare(name, endpoints[middle].name);
        if (!order)
            return &endpoints[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool api_is_legacy_client(const struct api *api, struct text client)
{
    for (size_t i = 0; i < api->config.legacy_client_count; i++)
        if (text_equal(api->legacy_clients[i], client))
            return true;
    return false;
}

/* Sets format, callback and client; a bad callback falls back to JSON, which runs nothing. */
static enum call_end read_format(struct call *call)
{
    struct text format = call_text(call, "f");
    call->client = call_text(call, "c");
    call->callback = call_text(call, "callback");
    call->answer.is_plain = api_is_legacy_client(call->api, call->client);
    call->answer.format = text_equal(format, TEXT("json")) || text_equal(format, TEXT("jsonp"))
                              ? ANSWER_JSON
                              : ANSWER_XML;
    if (!text_equal(format, TEXT("jsonp")))
        return CALL_OK;
    if (!answer_callback_is_safe(call->callback))
        return call_fail(call, API_ERROR_MISSING_PARAMETER,
                         "f=jsonp needs callback, the name of a function.");
    call->answer.format = ANSWER_JSONP;
    return CALL_OK;
}

/* Clients of 1.x are all served; the first number is the protocol's break. */
static enum call_end check_version(struct call *call)
{
    struct text rest = call_text(call, "v"), major;
    uint64_t number;
    if (!rest.size)
        return CALL_OK;
    if (!text_split(&rest, '.', &major) || !text_to_u64(major, &number))
        return call_fail(call, API_ERROR_GENERIC,
                         "The parameter v must be a version such as 1.16.1.");
    if (number == 1)
        return CALL_OK;
    return call_fail(call, number < 1 ? API_ERROR_CLIENT_TOO_OLD : API_ERROR_SERVER_TOO_OLD, NULL);
}

static enum call_end find_endpoint(struct call *call)
{
    struct text name = text_from(exchange_request(call->exchange)->path, sizeof("/rest/") - 1);
    if (text_ends(name, TEXT(".view")))
        name.size -= sizeof(".view") - 1;
    if (text_equal(name, TEXT("hls.m3u8"))) /* the one with a suffix */
        name.size -= sizeof(".m3u8") - 1;
    call->endpoint = endpoint_find(name);
    if (call->endpoint)
        return CALL_OK;
    call->http_status = 404;
    return call_fail(call, API_ERROR_GENERIC, "This server has no such endpoint.");
}

/* Any page may ask, since nothing here reads cookies: what it may know, it must bring (WHATWG
 * Fetch 3.2). */
static void answer_preflight(struct exchange *exchange)
{
    allow_any_page(exchange);
    exchange_field(exchange, "Access-Control-Allow-Methods", TEXT("GET, POST"));
    exchange_field(exchange, "Access-Control-Allow-Headers",
                   TEXT("Authorization, Content-Type, Range"));
    exchange_field(exchange, "Access-Control-Max-Age", TEXT("86400"));
    exchange_send_empty(exchange, 204);
}

static void rest_alone(struct exchange *exchange, void *api);

static void handle(struct exchange *exchange, struct api *api, bool is_alone)
{
    struct call *call = arena_zalloc(exchange_arena(exchange), sizeof(*call));
    if (!call) {
        exchange_send_empty(exchange, 503);
        return;
    }
    call->api = api;
    call->exchange = exchange;
    call->is_alone = is_alone;
    call->parameters = exchange_parameters(exchange);
    if (exchange_request(exchange)->method == HTTP_METHOD_OPTIONS) {
        answer_preflight(exchange);
        return;
    }
    enum call_end end = read_format(call);
    if (end == CALL_OK)
        end = find_endpoint(call);
    if (end == CALL_OK)
        end = check_version(call);
    if (end == CALL_OK && call->endpoint->role == ENDPOINT_ANYBODY) {
        allow_any_page(exchange);
        open_answer(call, "ok");
        call_finish(call, call->endpoint->handler(call));
        return;
    }
    if (end == CALL_OK)
        end = credentials_prove(call, run);
    if (end == CALL_ELSEWHERE)
        elsewhere_go_or(api, exchange, rest_alone);
    else if (end != CALL_LATER)
        run(call, end);
}

static void rest_handle(struct exchange *exchange, void *api) { handle(exchange, api, false); }

static void rest_alone(struct exchange *exchange, void *api) { handle(exchange, api, true); }

static void rest_anywhere(struct exchange *exchange, void *context)
{
    if (elsewhere_holds_rest(exchange))
        exchange_go_home(exchange, rest_handle, context);
    else
        elsewhere_go(context, exchange);
}

void rest_routes(struct api *api, struct server *server)
{
    bool follows = api_follows(api);
    server_route(server, &(struct server_route){.methods = "GET POST OPTIONS",
                                                .path = "/rest/",
                                                .max_body_bytes = REST_MAX_BODY_BYTES,
                                                .class = SHIELD_CLASS_SIGN_IN,
                                                .is_shared = true,
                                                .handler = follows ? rest_anywhere : rest_handle,
                                                .context = api,
                                                .runs_anywhere = follows});
}
