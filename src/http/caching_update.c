// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/caching_update.h"

#include "http/date.h"
#include "http/fields.h"

/* caching_update: which fields are kept, and what a 304 changes of them (RFC 9111 3.1, 3.2). */

static bool is_one_of(struct text name, const struct text *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal_nocase(name, names[i]))
            return true;
    return false;
}

bool caching_field_is_kept(struct caching_fields message, struct text name)
{
    static const struct text hop_by_hop[] = {
        TEXT_INIT("Connection"),
        TEXT_INIT("Keep-Alive"),
        TEXT_INIT("Proxy-Connection"),
        TEXT_INIT("Proxy-Authenticate"),
        TEXT_INIT("Proxy-Authorization"),
        TEXT_INIT("Proxy-Authentication-Info"),
        TEXT_INIT("TE"),
        TEXT_INIT("Transfer-Encoding"),
        TEXT_INIT("Upgrade"),
    };
    struct text listed;
    if (is_one_of(name, hop_by_hop, sizeof hop_by_hop / sizeof *hop_by_hop))
        return false;
    for (size_t at = 0; (listed = caching_field_next(message, TEXT("Connection"), &at)).data; at++)
        if (http_list_has(listed, name))
            return false;
    return true;
}

bool caching_field_is_stored(struct caching_fields response, const struct caching_control *control,
                             struct text name)
{
    return caching_field_is_kept(response, name) &&
           !http_list_has(control->no_cache_fields, name) &&
           !http_list_has(control->private_fields, name);
}

/* --- versions --- */

enum { STRONG_AFTER_S = 60 };

static bool is_strong_date(struct text modified, struct text date, int64_t now_ms)
{
    int64_t now_s = now_ms / 1000, said_s = now_s, modified_s;
    return http_date_parse(modified, now_s, &modified_s) &&
           (!date.data || http_date_parse(date, now_s, &said_s)) &&
           said_s - modified_s >= STRONG_AFTER_S;
}

struct text caching_version_of(struct caching_fields response, int64_t now_ms)
{
    struct text tag = caching_field(response, TEXT("ETag"));
    struct text modified = caching_field(response, TEXT("Last-Modified"));
    if (tag.data)
        return tag.size > 2 && tag.data[0] == '"' ? tag : TEXT_NONE;
    return modified.data && is_strong_date(modified, caching_field(response, TEXT("Date")), now_ms)
               ? modified
               : TEXT_NONE;
}

bool caching_is_version(struct caching_fields response, struct text version)
{
    struct text tag = caching_field(response, TEXT("ETag"));
    struct text own = tag.data ? tag : caching_field(response, TEXT("Last-Modified"));
    return version.size > 0 && text_equal(own, version);
}

/* --- 304 --- */

static bool is_weak(struct text tag) { return text_starts(tag, TEXT("W/")); }

static struct text opaque(struct text tag) { return is_weak(tag) ? text_from(tag, 2) : tag; }

/* A validator that the update does not have says nothing against it (4.3.4). */
bool caching_update_matches(struct caching_fields stored, struct caching_fields update)
{
    struct text tag = caching_field(update, TEXT("ETag")),
                ours = caching_field(stored, TEXT("ETag"));
    struct text date = caching_field(update, TEXT("Last-Modified"));
    struct text length = caching_field(update, TEXT("Content-Length"));
    if (tag.data)
        return ours.data && text_equal(opaque(tag), opaque(ours));
    if (date.data && !text_equal(date, caching_field(stored, TEXT("Last-Modified"))))
        return false;
    (void)length; /* a 304 may state none, or one that nobody checks (RFC 9110 8.6) */
    return true;
}

/*
 * What is about the very bytes that we hold stays as it is: 3.2 demands it of Content-Length and
 * allows it of the others.
 */
static bool is_exempt(struct caching_fields stored, struct caching_fields update, struct text name)
{
    static const struct text about_the_body[] = {
        TEXT_INIT("Content-Length"), TEXT_INIT("Content-Encoding"), TEXT_INIT("Content-Range"),
        TEXT_INIT("Content-MD5"),    TEXT_INIT("Content-Digest"),   TEXT_INIT("Repr-Digest"),
    };
    if (text_equal_nocase(name, TEXT("ETag")) && caching_field(stored, name).data)
        return true;
    return is_one_of(name, about_the_body, sizeof about_the_body / sizeof *about_the_body) ||
           !caching_field_is_kept(update, name);
}

static bool is_replaced(struct caching_fields stored, struct caching_fields update,
                        struct text name)
{
    return !is_exempt(stored, update, name) && caching_field(update, name).data;
}

size_t caching_update(struct caching_fields stored, struct caching_fields update,
                      struct http_field *ret, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < stored.count; i++) {
        /* how old it was is said anew, or not at all */
        if (is_replaced(stored, update, stored.items[i].name) ||
            text_equal_nocase(stored.items[i].name, TEXT("Age")))
            continue;
        if (count == max)
            return SIZE_MAX;
        ret[count++] = stored.items[i];
    }
    for (size_t i = 0; i < update.count; i++) {
        if (is_exempt(stored, update, update.items[i].name))
            continue;
        if (count == max)
            return SIZE_MAX;
        ret[count++] = update.items[i];
    }
    return count;
}
