// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "edge/fetch_state.h"

#include <string.h>

/*
 * fetch_hold: what is told later than it comes.  A whole answer, up to holds_bytes, where somebody
 * has something else to answer with; and the last piece of a body whose digest is stated, so that a
 * wrong one does not look whole.
 */

/* One callback with more to come: false when it cancelled the fetch. */
static bool go_on(struct fetch *fetch)
{
    fetch->is_telling = false;
    if (!fetch->is_gone)
        return true;
    fetch_free(fetch);
    return false;
}

/* False: it is no answer, which was told, and the fetch is gone. */
static bool is_expected(struct fetch *fetch, const struct http_response *response, bool is_whole)
{
    if (!fetch->expects ||
        expect_holds(fetch->expects, response, buffer_view(&fetch->held), is_whole))
        return true;
    counter_add(COUNTER_EDGE_NOT_EXPECTED, 1);
    fetch_tell_end(fetch, FETCH_NOT_IT, "the answer is not what is expected there");
    return false;
}

static bool tell_header(struct fetch *fetch, const struct http_response *response, bool is_whole)
{
    if (!is_expected(fetch, response, is_whole))
        return false;
    fetch->is_telling = true;
    fetch->handler->on_header(fetch, response, fetch->context);
    return go_on(fetch);
}

static bool tell_body(struct fetch *fetch, struct text piece)
{
    fetch->is_telling = true;
    fetch->handler->on_body(fetch, piece, fetch->context);
    return go_on(fetch);
}

static bool copy_header(struct fetch *fetch, const struct http_response *response)
{
    struct http_field *own = arena_alloc(fetch->arena, (response->field_count + 1) * sizeof *own);
    for (size_t i = 0; own && i < response->field_count; i++)
        own[i] = (struct http_field){arena_text(fetch->arena, response->fields[i].name),
                                     arena_text(fetch->arena, response->fields[i].value)};
    fetch->held_header = *response;
    fetch->held_header.fields = own;
    return own && !arena_overflowed(fetch->arena);
}

static bool is_small(const struct fetch *fetch, const struct http_response *response)
{
    return response->framing == HTTP_BODY_CHUNKED ||
           (response->framing == HTTP_BODY_LENGTH &&
            response->content_length <= fetch->holds_bytes);
}

bool fetch_hold_header(struct fetch *fetch, const struct http_response *response)
{
    if (fetch->holds_bytes > 0 && is_small(fetch, response) && copy_header(fetch, response)) {
        fetch->is_header_held = true;
        return true;
    }
    return tell_header(fetch, response, response->framing == HTTP_BODY_NONE);
}

bool fetch_hold_no_more(struct fetch *fetch, bool is_whole)
{
    if (fetch->is_header_held) {
        fetch->is_header_held = false;
        if (!tell_header(fetch, &fetch->held_header, is_whole))
            return false;
    }
    struct buffer held = fetch->held;
    if (held.size == 0)
        return true;
    fetch->is_telling = true;
    fetch->held.data = NULL; /* the fetch may go before its bytes */
    fetch->held.size = fetch->held.capacity = 0;
    fetch->handler->on_body(fetch, buffer_view(&held), fetch->context);
    buffer_release(&held);
    return go_on(fetch);
}

bool fetch_hold_body(struct fetch *fetch, struct text piece)
{
    if (fetch->is_header_held && fetch->held.size + piece.size <= fetch->holds_bytes) {
        buffer_text(&fetch->held, piece);
        return true;
    }
    if (!fetch_hold_no_more(fetch, false))
        return false;
    if (!fetch->digest.state)
        return tell_body(fetch, piece);
    buffer_text(&fetch->held, piece);
    return true;
}
