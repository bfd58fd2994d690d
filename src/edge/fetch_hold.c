// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/counters.h"
#include "edge/fetch_state.h"

#include <string.h>

/*
 * fetch_hold: what is told later than it comes.  A whole answer, up to holds_bytes, where somebody
 * has something else to answer with; what must prove itself, whole or piece by piece; and the last
 * piece of a body whose digest is stated, so that a wrong one does not look whole.
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

/* What must prove itself and cannot be held; on a later turn the fetch ends.  */
static bool refuse_large(struct fetch *fetch)
{
    fetch_end_soon(fetch, FETCH_FULL, "the answer is too large to be judged");
    return true;
}

/* False: it is not, which was told, and the fetch is gone. */
static bool judge(struct fetch *fetch)
{
    if (fetch->is_right(fetch->right_context, buffer_view(&fetch->held)))
        return true;
    counter_add(COUNTER_ORIGIN_WRONG_DIGESTS, 1);
    fetch_tell_end(fetch, FETCH_WRONG, "the body is not what it should be");
    return false;
}

/* --- piece by piece --- */

static bool hold_first_piece(struct fetch *fetch, const struct http_response *response)
{
    if (response->framing != HTTP_BODY_LENGTH || response->content_length != fetch->whole_bytes)
        fetch_end_soon(fetch, FETCH_WRONG, "the body has another size than it should");
    else if (copy_header(fetch, response))
        fetch->is_header_held = true;
    else
        fetch_end_soon(fetch, FETCH_FULL, "the answer's header is too large to be held");
    return true;
}

static bool tell_piece(struct fetch *fetch)
{
    if (!judge(fetch))
        return false;
    if (fetch->is_header_held) {
        fetch->is_header_held = false;
        if (!tell_header(fetch, &fetch->held_header, false))
            return false;
    }
    if (!tell_body(fetch, buffer_view(&fetch->held)))
        return false;
    buffer_reset(&fetch->held);
    return true;
}

static bool hold_pieces(struct fetch *fetch, struct text more)
{
    while (more.size > 0 && !fetch->is_ending) {
        size_t room = fetch->piece_bytes - fetch->held.size;
        size_t size = more.size < room ? more.size : room;
        buffer_append(&fetch->held, more.data, size);
        more = text_from(more, size);
        if (size == room && !tell_piece(fetch))
            return false;
    }
    return true;
}

/* --- all of it --- */

bool fetch_hold_header(struct fetch *fetch, const struct http_response *response)
{
    if (response->status != 200) {
        fetch->is_right = NULL;
        fetch->piece_bytes = 0;
    }
    if (fetch->piece_bytes)
        return hold_first_piece(fetch, response);
    if (fetch->is_right && !is_small(fetch, response))
        return refuse_large(fetch);
    if (fetch->holds_bytes > 0 && is_small(fetch, response) && copy_header(fetch, response)) {
        fetch->is_header_held = true;
        return true;
    }
    return tell_header(fetch, response, response->framing == HTTP_BODY_NONE);
}

bool fetch_hold_no_more(struct fetch *fetch, bool is_whole)
{
    if (fetch->piece_bytes)
        return fetch->held.size == 0 || tell_piece(fetch);
    if (fetch->is_right && !is_whole)
        return refuse_large(fetch);
    if (fetch->is_right && !judge(fetch))
        return false;
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
    if (fetch->piece_bytes)
        return hold_pieces(fetch, piece);
    if (fetch->is_header_held && fetch->held.size + piece.size <= fetch->holds_bytes) {
        buffer_text(&fetch->held, piece);
        return true;
    }
    if (!fetch_hold_no_more(fetch, false))
        return false;
    if (fetch->is_ending)
        return true;
    if (!fetch->digest.state)
        return tell_body(fetch, piece);
    buffer_text(&fetch->held, piece);
    return true;
}
