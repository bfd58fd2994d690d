// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/forward.h"

#include "http/caching_update.h"
#include "http/date.h"
#include "http/fields.h"

#define VIA "1.1 sostenuto"

struct out {
    struct http_field *items;
    size_t count;
    struct arena *arena;
    bool failed;
};

static void put(struct out *out, struct text name, struct text value)
{
    struct text own_name = arena_text(out->arena, name), own_value = arena_text(out->arena, value);
    if (!own_name.data || !own_value.data) {
        out->failed = true;
        return;
    }
    out->items[out->count++] = (struct http_field){own_name, own_value};
}

static bool begin(struct out *out, struct arena *arena, size_t most)
{
    *out = (struct out){.items = arena_alloc(arena, most * sizeof *out->items), .arena = arena};
    return out->items;
}

static bool is_one_of(struct text name, const struct text *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal_nocase(names[i], name))
            return true;
    return false;
}

/* --- requests --- */

static bool is_condition(struct text name)
{
    static const struct text names[] = {
        TEXT_INIT("If-Match"),          TEXT_INIT("If-None-Match"),
        TEXT_INIT("If-Modified-Since"), TEXT_INIT("If-Unmodified-Since"),
        TEXT_INIT("If-Range"),
    };
    return is_one_of(name, names, ARRAY_SIZE(names));
}

/* Host and the length are the fetch's; an expectation was answered here. */
static bool is_ours(struct text name)
{
    static const struct text names[] = {TEXT_INIT("Host"), TEXT_INIT("Content-Length"),
                                        TEXT_INIT("Expect"), TEXT_INIT("Trailer")};
    return is_one_of(name, names, ARRAY_SIZE(names));
}

static bool goes_along(const struct forward *forward, struct text name)
{
    if (is_ours(name) || !caching_field_is_kept(forward->asked, name) ||
        (forward->is_own && text_equal_nocase(name, TEXT("Sostenuto-Grant"))))
        return false;
    if (forward->conditions == FORWARD_AS_ASKED)
        return true;
    if (text_equal_nocase(name, TEXT("Range")) || text_equal_nocase(name, TEXT("If-Range")))
        return forward->keeps_range &&
               !forward->part.data; /* each means nothing without the other */
    return !is_condition(name);
}

static void put_validators(const struct forward *forward, struct out *out)
{
    struct text tag = caching_field(forward->stored, TEXT("ETag"));
    struct text date = caching_field(forward->stored, TEXT("Last-Modified"));
    if (tag.data)
        put(out, TEXT("If-None-Match"), tag);
    if (date.data)
        put(out, TEXT("If-Modified-Since"), date);
}

static void put_part(const struct forward *forward, struct out *out)
{
    struct text version = caching_version_of(forward->stored, 0);
    put(out, TEXT("Range"), forward->part);
    if (forward->conditions == FORWARD_WHOLE && version.data)
        put(out, TEXT("If-Range"), version);
}

/* TE is of one connection: what the client says of its own is said again of ours, since what comes
 * can be passed on to it (RFC 9110 10.1.4). */
static bool wants_trailers(struct caching_fields asked)
{
    struct text rest = caching_field(asked, TEXT("TE")), item;
    while (http_list_next(&rest, &item))
        if (text_equal_nocase(http_before_parameters(item), TEXT("trailers")))
            return true;
    return false;
}

bool forward_request(const struct forward *forward, struct arena *arena, struct caching_fields *ret)
{
    struct out out;
    if (!begin(&out, arena, forward->asked.count + FORWARD_EXTRA_FIELDS))
        return false;
    for (size_t i = 0; i < forward->asked.count; i++)
        if (goes_along(forward, forward->asked.items[i].name))
            put(&out, forward->asked.items[i].name, forward->asked.items[i].value);
    if (forward->conditions == FORWARD_VALIDATE)
        put_validators(forward, &out);
    if (forward->part.data)
        put_part(forward, &out);
    if (forward->client.data) {
        put(&out, TEXT("X-Forwarded-For"), forward->client);
        put(&out, TEXT("X-Forwarded-Proto"), forward->is_secure ? TEXT("https") : TEXT("http"));
    }
    if (wants_trailers(forward->asked))
        put(&out, TEXT("TE"), TEXT("trailers"));
    if (!forward->is_own)
        put(&out, TEXT("Via"), TEXT(VIA));
    *ret = (struct caching_fields){out.items, out.count};
    return !out.failed;
}

/* --- answers --- */

/* Digests in trailers, framing and the like are of the message, not of what it carries. */
static bool comes_back(struct caching_fields received, const struct caching_control *control,
                       struct text name)
{
    static const struct text not_passed[] = {TEXT_INIT("Trailer"), TEXT_INIT("Content-Length")};
    if (is_one_of(name, not_passed, ARRAY_SIZE(not_passed)) ||
        (control && text_equal_nocase(name, TEXT("Age"))))
        return false;
    return control ? caching_field_is_stored(received, control, name)
                   : caching_field_is_kept(received, name);
}

bool forward_response(struct caching_fields received, const struct caching_control *control,
                      int64_t now_ms, struct arena *arena, struct caching_fields *ret)
{
    struct http_date_text storage;
    struct out out;
    if (!begin(&out, arena, received.count + 2))
        return false;
    if (!caching_field(received, TEXT("Date")).data) /* RFC 9110 6.6.1 */
        put(&out, TEXT("Date"), http_date_write(&storage, now_ms / 1000));
    for (size_t i = 0; i < received.count; i++)
        if (comes_back(received, control, received.items[i].name))
            put(&out, received.items[i].name, received.items[i].value);
    put(&out, TEXT("Via"), TEXT(VIA));
    *ret = (struct caching_fields){out.items, out.count};
    return !out.failed;
}
