// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/caching.h"

#include "http/target.h"

#include <string.h>

/* caching_status: what unsafe methods undo (RFC 9111 4.4), and Cache-Status (RFC 9211). */

bool caching_invalidates(struct text method, unsigned status)
{
    return !caching_is_safe(method) && status >= 200 && status < 400;
}

/* `reference` after "//", up to its path; the rest is left in it. */
static struct text take_authority(struct text *reference)
{
    size_t size = 2;
    while (size < reference->size && reference->data[size] != '/' && reference->data[size] != '?' &&
           reference->data[size] != '#')
        size++;
    struct text authority = text_make(reference->data + 2, size - 2);
    *reference = text_from(*reference, size);
    return authority;
}

static bool skip_scheme(struct text *reference)
{
    static const struct text schemes[] = {TEXT_INIT("http://"), TEXT_INIT("https://")};
    for (size_t i = 0; i < 2; i++)
        if (text_starts_nocase(*reference, schemes[i])) {
            *reference = text_from(*reference, schemes[i].size - 2);
            return true;
        }
    return text_starts(*reference, TEXT("//"));
}

static struct text without_fragment(struct text t)
{
    size_t hash = text_find_byte(t, '#');
    return hash == SIZE_MAX ? t : text_make(t.data, hash);
}

/* The part of `target` that a relative path is put behind (RFC 3986 5.2.3). */
static struct text folder_of(struct text target)
{
    size_t query = text_find_byte(target, '?');
    struct text path = query == SIZE_MAX ? target : text_make(target.data, query);
    while (path.size > 0 && path.data[path.size - 1] != '/')
        path.size--;
    return path;
}

bool caching_same_origin(struct text host, struct text target, struct text location,
                         struct buffer *out)
{
    struct text reference = without_fragment(text_trim(location));
    if (skip_scheme(&reference)) {
        if (!text_equal_nocase(take_authority(&reference), host))
            return false;
        if (!text_starts(reference, TEXT("/")))
            buffer_byte(out, '/');
        buffer_text(out, reference);
        return true;
    }
    size_t colon = text_find_byte(reference, ':'), slash = text_find_byte(reference, '/');
    if (colon != SIZE_MAX && (slash == SIZE_MAX || colon < slash))
        return false; /* another scheme */
    if (reference.size == 0)
        buffer_text(out, target);
    else if (!text_starts(reference, TEXT("/")))
        buffer_text(out, folder_of(target));
    buffer_text(out, reference);
    return true;
}

/* --- Cache-Status --- */

static const char *forward_word(enum caching_forward forward)
{
    static const char *const words[] = {"",     "bypass",  "method", "uri-miss", "vary-miss",
                                        "miss", "request", "stale",  "partial"};
    return words[forward];
}

void caching_status_write(struct buffer *out, const char *cache,
                          const struct caching_status *status)
{
    buffer_text(out, text_of(cache));
    if (status->is_hit)
        buffer_text(out, TEXT("; hit"));
    if (status->forward != CACHING_FORWARD_NOT)
        buffer_printf(out, "; fwd=%s", forward_word(status->forward));
    if (status->forward_status)
        buffer_printf(out, "; fwd-status=%u", status->forward_status);
    if (status->is_stored)
        buffer_text(out, TEXT("; stored"));
    if (status->is_collapsed)
        buffer_text(out, TEXT("; collapsed"));
    if (status->ttl_s != INT64_MIN) { /* without printf: it is on every hit */
        buffer_text(out, status->ttl_s < 0 ? TEXT("; ttl=-") : TEXT("; ttl="));
        buffer_decimal(out, (uint64_t)(status->ttl_s < 0 ? -status->ttl_s : status->ttl_s));
    }
    if (status->detail)
        buffer_printf(out, "; detail=%s", status->detail);
}
