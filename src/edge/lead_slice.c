// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/lead_state.h"
#include "edge/slice.h"
#include "http/caching_update.h"
#include "http/range.h"

/*
 * lead_slice: a part of something large is asked for in slices.
 *
 * Of what is not held nobody knows how large it is, so whoever asks for "bytes=A-" or "bytes=A-B"
 * has the aligned slice around A asked for in its place.  What comes decides:
 *
 *     206, larger than edge_sliced_from_kib, its version named   its header is held, and this
 * slice; all else is read in slices 206 with all of it                                         held
 * whole 206 of something smaller                                   asked for once more, whole 206
 * that may not be held so                                once more, as the client did 200 the
 * origin knows no ranges: whole
 *
 * What is held in slices and went stale is validated with our conditions beside the Range: a 304
 * speaks of the whole, and of a new version no more than a slice comes (RFC 9110 13.2.2).
 */

static uint64_t slice_bytes(const struct edge *edge)
{
    return (uint64_t)edge->config.policy.edge_slice_kib << 10;
}

uint64_t lead_sliced_from(const struct edge *edge)
{
    uint64_t from = (uint64_t)edge->config.policy.edge_sliced_from_kib << 10;
    return from > slice_bytes(edge) ? from : slice_bytes(edge);
}

/* The first byte of the one range that is asked for; a suffix begins somewhere in the unknown. */
static bool first_byte(struct text range, uint64_t length, uint64_t *ret)
{
    struct http_ranges ranges;
    bool is_known = length != UINT64_MAX;
    if (!is_known && text_find_byte(range, '-') == text_find_byte(range, '=') + 1)
        return false;
    if (http_range_parse(range, is_known ? length : INT64_MAX, &ranges) != HTTP_RANGE_PARTIAL ||
        ranges.count != 1)
        return false;
    *ret = ranges.items[0].first;
    return true;
}

bool lead_can_slice(const struct edge *edge, struct caching_fields request,
                    const struct stored *stale, bool is_enough, uint64_t *ret_first)
{
    struct text range = caching_field(request, TEXT("Range"));
    uint64_t first = 0, size = slice_bytes(edge);
    bool is_sliced = stale && stale->kind == STORED_SLICED;
    if (size == 0)
        return false;
    if (is_sliced) {
        if (range.data)
            (void)first_byte(range, stale->sliced_bytes, &first);
    } else if ((stale && is_enough) || !range.data ||
               caching_field(request, TEXT("If-Range")).data ||
               !first_byte(range, UINT64_MAX, &first)) {
        return false;
    }
    *ret_first = first - first % size;
    return true;
}

struct text lead_slice_range(struct lead *lead)
{
    return arena_printf(
        lead->arena, "bytes=%llu-%llu", (unsigned long long)lead->slice_first,
        (unsigned long long)(lead->slice_first + slice_bytes(lead->home->edge) - 1));
}

static struct slice_of slice_of(const struct lead *lead, struct text version, uint64_t length)
{
    return (struct slice_of){lead->key, version, length, slice_bytes(lead->home->edge)};
}

struct text lead_version_of(const struct lead *lead, const struct http_response *response)
{
    return caching_version_of((struct caching_fields){response->fields, response->field_count},
                              lead->response_ms);
}

bool lead_may_hold_slices(const struct lead *lead, const struct http_response *response)
{
    struct text version = lead_version_of(lead, response);
    struct http_range part;
    uint64_t length;
    if (!slice_may_name(version) ||
        !http_content_range_read(http_response_field(response, TEXT("Content-Range")), &part,
                                 &length) ||
        length <= lead_sliced_from(lead->home->edge))
        return false;
    struct slice_of of = slice_of(lead, version, length);
    return slice_fits(&of, lead->slice_first / of.slice_bytes, response);
}

bool lead_begin_slice(struct lead *lead, struct text version, uint64_t length)
{
    struct edge_loop *home = lead->home;
    const struct slice_of of = slice_of(lead, version, length);
    uint64_t index = lead->slice_first / of.slice_bytes;
    struct buffer name;
    buffer_init(&name, CACHE_KEY_MAX);
    struct text key = slice_key(&of, index, &name);
    bool is_begun = key.data && slice_write_begin(home->edge, key, slice_size(&of, index),
                                                  &lead->writer, &lead->slice);
    if (is_begun && edge_home(home->edge, lead->key) == home)
        lead->slice_flight = slice_flight_begin(home, key, lead->slice);
    buffer_release(&name);
    return is_begun;
}
