// SPDX-License-Identifier: GPL-3.0-or-later
#include "adopt/visit.h"
#include "adopt/foreign.h"
#include "base/counters.h"
#include "base/encode.h"
#include "base/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* pass: a listener's request to the foreign server, as it came, and what came of it. */
enum { LOOKED_AT = 4096 };

/* --- what it says --- */

/* "status" in JSON may stand at the very end; within texts quotes are escaped, so this is it. */
static enum pass_says read_json(struct text body, int *ret_code)
{
    static const struct {
        struct text words;
        enum pass_says says;
    } all[] = {{TEXT_INIT("\"status\":\"ok\""), PASS_OK},
               {TEXT_INIT("\"status\": \"ok\""), PASS_OK},
               {TEXT_INIT("\"status\":\"failed\""), PASS_FAILED},
               {TEXT_INIT("\"status\": \"failed\""), PASS_FAILED}};
    json_t *response = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (!text_contains(body, all[i].words))
            continue;
        if (all[i].says == PASS_FAILED && body.size < LOOKED_AT) /* JSONP has no code for us */
            (void)!foreign_read(body, &response, ret_code);
        json_decref(response);
        return all[i].says;
    }
    return PASS_AWAY;
}

static int code_of(struct text head)
{
    static const struct text code = TEXT_INIT("code=\"");
    size_t at = text_find(head, code);
    struct text digits, rest = at == SIZE_MAX ? TEXT_NONE : text_from(head, at + code.size);
    uint64_t value = 0;
    bool is_number = text_split(&rest, '"', &digits) && text_to_u64(digits, &value) && value < 1000;
    return is_number ? (int)value : 0;
}

/* By the root's own word: what is quoted in it may be the asker's.  `head` begins with it. */
static enum pass_says read_xml(struct text head, int *ret_code)
{
    struct text rest = head, root;
    (void)text_split(&rest, '>', &root);
    if (text_contains(root, TEXT("status=\"ok\"")))
        return PASS_OK;
    if (!text_contains(root, TEXT("status=\"failed\"")))
        return PASS_AWAY;
    *ret_code = code_of(head);
    return PASS_FAILED;
}

enum pass_says pass_read(unsigned status, struct text type, struct text body, int *ret_code)
{
    struct text head = text_make(body.data, body.size < LOOKED_AT ? body.size : LOOKED_AT);
    *ret_code = 0;
    if (status >= 500)
        return PASS_AWAY;
    size_t root_at = text_find(head, TEXT("<subsonic-response"));
    if (root_at != SIZE_MAX)
        return read_xml(text_from(head, root_at), ret_code);
    if (text_contains(head, TEXT("\"subsonic-response\"")))
        return read_json(body, ret_code);
    bool is_page = text_starts_nocase(type, TEXT("text/html")) ||
                   text_starts_nocase(type, TEXT("application/json")) ||
                   text_starts_nocase(type, TEXT("text/xml"));
    return status == 200 && is_page ? PASS_AWAY : PASS_BYTES;
}

/* --- whom it proves --- */

bool pass_proves(struct text endpoint)
{
    static const char *const others[] = {
        "getAlbumInfo",
        "getAlbumInfo2",
        "getAlbumList",
        "getArtistInfo",
        "getArtistInfo2",
        "getBookmarks",
        "getChatMessages",
        "getInternetRadioStations",
        "getLyrics",
        "getLyricsBySongId",
        "getNewestPodcasts",
        "getPlayQueue",
        "getPlayQueueByIndex",
        "getPodcasts",
        "getPodcastEpisode",
        "getShares",
        "getSimilarSongs",
        "getSimilarSongs2",
        "getTopSongs",
        "getUsers",
        "getVideoInfo",
        "getVideos",
        "search",
        "tokenInfo",
    };
    if (island_knows(endpoint) || writes_know(endpoint) || !guard_is_on(GUARD_ADOPT_PLAIN_SIGN_IN))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        if (text_equal(endpoint, text_of(others[i])))
            return true;
    return false;
}

/* --- one request --- */

static void on_header(struct client_call *client_call UNUSED, const struct http_response *response,
                      void *context)
{
    struct visit *visit = context;
    visit->status = response->status;
    for (size_t i = 0; i < response->field_count; i++)
        if (text_equal_nocase(response->fields[i].name, TEXT("Content-Type")))
            (void)snprintf(visit->type, sizeof visit->type, "%.*s",
                           TEXT_ARGS(response->fields[i].value));
}

static void on_body(struct client_call *client_call UNUSED, struct text piece, void *context)
{
    struct visit *visit = context;
    buffer_text(&visit->body, piece);
}

/* One error page is not the server's end: some question may be too much for it.  The teller asks.
 */
static void end(struct visit *visit, enum pass_says says, bool is_unreachable)
{
    visit->says = says;
    counter_add(COUNTER_ADOPT_PASSED, 1);
    if (says == PASS_SLOW || says == PASS_AWAY)
        adopt_doubt(visit->adopt, is_unreachable);
    visit->then(visit);
}

static void on_end(struct client_call *client_call UNUSED, enum client_outcome outcome,
                   void *context)
{
    struct visit *visit = context;
    visit->passing = NULL;
    if (outcome == CLIENT_TIMEOUT)
        end(visit, PASS_SLOW, false);
    else if (outcome != CLIENT_DONE || visit->body.overflowed)
        end(visit, PASS_AWAY, outcome == CLIENT_UNREACHABLE || outcome == CLIENT_NO_TLS);
    else
        end(visit,
            pass_read(visit->status, text_of(visit->type), buffer_view(&visit->body), &visit->code),
            false);
}

static void ask(struct visit *visit, const struct client_request *request, visit_step *then)
{
    static const struct client_handler handler = {
        .on_header = on_header, .on_body = on_body, .on_end = on_end};
    visit->then = then;
    visit->type[0] = '\0';
    buffer_reset(&visit->body);
    visit->passing =
        visit->adopt->pool ? client_ask(visit->adopt->pool, request, &handler, visit) : NULL;
    if (!visit->passing)
        end(visit, PASS_SLOW, false); /* too many wait: the island answers meanwhile */
}

void pass_on(struct visit *visit, unsigned deadline_ms, visit_step *then)
{
    static const char *const kept[] = {"Accept", "Accept-Language", "User-Agent", "Content-Type"};
    const struct http_request *asked = exchange_request(visit->exchange);
    struct http_field fields[ARRAY_SIZE(kept)];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        struct text value = http_request_field(asked, text_of(kept[i]));
        if (value.data)
            fields[count++] = (struct http_field){text_of(kept[i]), value};
    }
    const struct client_request request = {
        .method = asked->method == HTTP_METHOD_HEAD ? HTTP_METHOD_GET : asked->method,
        .target = asked->target,
        .fields = fields,
        .field_count = count,
        .body = asked->has_body ? exchange_body(visit->exchange) : TEXT_NONE,
        .deadline_ms = deadline_ms,
    };
    ask(visit, &request, then);
}

void pass_ping(struct visit *visit, unsigned deadline_ms, visit_step *then)
{
    static const char *const kept[] = {"v", "c", "f", "callback"};
    struct buffer target;
    buffer_init(&target, sizeof visit->credentials.query + 2048);
    buffer_printf(&target, "/rest/ping?%s", visit->credentials.query);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        struct text value = visit_parameter(visit, kept[i]);
        if (!value.size)
            continue;
        buffer_printf(&target, "&%s=", kept[i]);
        encode_percent(&target, value, false);
    }
    const struct client_request request = {
        .method = HTTP_METHOD_GET, .target = buffer_view(&target), .deadline_ms = deadline_ms};
    ask(visit, &request, then);
    buffer_release(&target);
}

void pass_cancel(struct visit *visit)
{
    if (visit->passing)
        client_cancel(visit->passing);
    visit->passing = NULL;
}
