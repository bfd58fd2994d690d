// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/visit.h"

#include "adopt/render.h"
#include "base/guard.h"
#include "base/mem.h"
#include "http/fields.h"

#include <string.h>

enum { BODY_MAX_BYTES = 16 << 20 };

static bool is_credential(struct text name)
{
    static const struct text names[] = {
        TEXT_INIT("u"), TEXT_INIT("p"), TEXT_INIT("t"), TEXT_INIT("s"),        TEXT_INIT("apiKey"),
        TEXT_INIT("c"), TEXT_INIT("v"), TEXT_INIT("f"), TEXT_INIT("callback"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (text_equal(name, names[i]))
            return true;
    return false;
}

json_t *visit_read_parameters(const struct http_parameters *parameters)
{
    json_t *all = json_object();
    for (size_t i = 0; i < parameters->count; i++) {
        const struct http_parameter *each = &parameters->items[i];
        json_t *value = json_stringn(each->value.data ? each->value.data : "", each->value.size);
        json_t *list = json_object_getn(all, each->name.data, each->name.size);
        if (is_credential(each->name) || !value || !text_is_utf8(each->name)) {
            json_decref(value);
            continue;
        }
        if (!list) {
            list = json_array();
            (void)json_object_setn_new(all, each->name.data, each->name.size, list);
        }
        (void)json_array_append_new(list, value);
    }
    return all;
}

static struct text endpoint_of(const struct exchange *exchange)
{
    struct text name = text_from(exchange_request(exchange)->path, sizeof("/rest/") - 1);
    if (text_ends(name, TEXT(".view")))
        name.size -= sizeof(".view") - 1;
    return name;
}

/* Any other body a server may read parameters from that nobody here saw. */
static bool is_form_at_most(const struct exchange *exchange)
{
    const struct http_request *request = exchange_request(exchange);
    struct text type = http_before_parameters(http_request_field(request, TEXT("Content-Type")));
    return !request->has_body || exchange_body(exchange).size == 0 ||
           text_equal_nocase(type, TEXT("application/x-www-form-urlencoded")) ||
           !guard_is_on(GUARD_ADOPT_PLAIN_SIGN_IN);
}

struct visit *visit_begin(struct adopt *adopt, struct exchange *exchange)
{
    if (adopt->has_stopped || adopt->visit_count >= ADOPT_VISITS_MAX) {
        exchange_field(exchange, "Retry-After", TEXT("5"));
        exchange_send_empty(exchange, 503);
        return NULL;
    }
    struct visit *visit = MEM_NEW(struct visit);
    *visit = (struct visit){.adopt = adopt,
                            .exchange = exchange,
                            .next = adopt->visits,
                            .at = &adopt->visits,
                            .endpoint = endpoint_of(exchange),
                            .parameters = visit_read_parameters(exchange_parameters(exchange))};
    if (adopt->visits)
        adopt->visits->at = &visit->next;
    adopt->visits = visit;
    adopt->visit_count++;
    buffer_init(&visit->body, BODY_MAX_BYTES);
    if (is_form_at_most(exchange) &&
        credentials_read(exchange_parameters(exchange), &visit->credentials))
        visit->digest = credentials_digest(adopt->config.keys, &visit->credentials);
    return visit;
}

struct text visit_parameter(const struct visit *visit, const char *name)
{
    return exchange_parameter(visit->exchange, text_of(name));
}

void visit_release(struct visit *visit)
{
    *visit->at = visit->next;
    if (visit->next)
        visit->next->at = visit->at;
    visit->adopt->visit_count--;
    loop_timer_stop(&visit->timer);
    pass_cancel(visit);
    buffer_release(&visit->body);
    json_decref(visit->parameters);
    json_decref(visit->envelope);
    json_decref(visit->answer.body);
    credentials_wipe(&visit->credentials);
    mem_free(visit);
}

/* --- answers --- */

static struct render render_of(const struct visit *visit)
{
    struct text callback = visit_parameter(visit, "callback");
    return (struct render){render_format_of(visit_parameter(visit, "f"), callback), callback,
                           visit->envelope};
}

static void send(struct visit *visit, const char *type, unsigned status)
{
    struct exchange *exchange = visit->exchange;
    exchange_field(exchange, "Cache-Control", TEXT("private, no-store"));
    visit_release(visit);
    exchange_send_output(exchange, status, type);
}

void visit_fail(struct visit *visit, int code, const char *message)
{
    const struct render render = render_of(visit);
    render_error(&render, code, message, exchange_output(visit->exchange));
    send(visit, render_type(render.format), 200);
}

void visit_busy(struct visit *visit, unsigned retry_after_s)
{
    const struct render render = render_of(visit);
    struct text words = arena_printf(exchange_arena(visit->exchange), "%u", retry_after_s);
    exchange_field(visit->exchange, "Retry-After", words.data ? words : TEXT("5"));
    render_error(&render, 0, "Not just now; try again later.", exchange_output(visit->exchange));
    send(visit, render_type(render.format), 503);
}

static void say_cache_status(struct visit *visit, const char *detail)
{
    exchange_field(visit->exchange, "Cache-Status",
                   arena_printf(exchange_arena(visit->exchange), "Sostenuto; %s", detail));
}

void visit_answer(struct visit *visit, const char *name, const json_t *body, const char *detail)
{
    const struct render render = render_of(visit);
    render_ok(&render, name, body, exchange_output(visit->exchange));
    say_cache_status(visit, detail);
    send(visit, render_type(render.format), 200);
}

void visit_send_passed(struct visit *visit, const char *detail)
{
    struct text type = arena_text(exchange_arena(visit->exchange), text_of(visit->type));
    unsigned status = visit->status;
    buffer_text(exchange_output(visit->exchange), buffer_view(&visit->body));
    say_cache_status(visit, detail);
    send(visit,
         type.size
             ? arena_printf(exchange_arena(visit->exchange), "%.*s%c", TEXT_ARGS(type), 0).data
             : "application/octet-stream",
         status);
}
