// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/target.h"

#include "base/octets.h"
#include "http/escape.h"

#include <string.h>

static bool refuse(struct http_refusal *ret_why, unsigned status, const char *why)
{
    *ret_why = (struct http_refusal){status, why};
    return false;
}

static octets is_never_in_target(octets bytes)
{
    return (octets)(bytes - 0x21 > 0x7e - 0x21) | (octets)(bytes == '#');
}

/* Printable ASCII without '#': fragments are never sent (RFC 9112 3.2). */
static bool is_target_clean(struct text t)
{
    return t.size > 0 && !octets_any(t, is_never_in_target);
}

/* A clean path with nothing to decode or to flatten, as nearly all are. */
static bool is_plain(struct text t)
{
    if (t.size == 0 || t.data[0] != '/' || memchr(t.data, '%', t.size))
        return false;
    for (size_t slash = 0; slash != SIZE_MAX; slash = text_find_byte(t, '/')) {
        t = text_from(t, slash + 1);
        if (t.size > 0 && (t.data[0] == '/' || t.data[0] == '.'))
            return false;
    }
    return true;
}

static octets is_control(octets bytes) { return (octets)(bytes < 0x20) | (octets)(bytes == 0x7f); }

static bool is_path_clean(struct text t) { return !octets_any(t, is_control) && text_is_utf8(t); }

/* The size without the last segment and its slash. */
static size_t without_last(const char *path, size_t size)
{
    while (path[--size] != '/')
        ;
    return size;
}

/* Removes dot segments and empty ones, in place.  Returns the new size, or 0 when ".." climbs above
 * the root. */
static size_t flatten(char *path, size_t size)
{
    size_t kept = 0;
    bool ends_with_slash = false;
    for (size_t at = 0; at < size;) {
        while (at < size && path[at] == '/')
            at++;
        size_t start = at;
        while (at < size && path[at] != '/')
            at++;
        struct text segment = {path + start, at - start};
        ends_with_slash = true;
        if (segment.size == 0 || text_equal(segment, TEXT(".")))
            continue;
        if (text_equal(segment, TEXT(".."))) {
            if (kept == 0)
                return 0;
            kept = without_last(path, kept);
            continue;
        }
        ends_with_slash = false;
        path[kept++] = '/';
        memmove(path + kept, segment.data, segment.size);
        kept += segment.size;
    }
    if (ends_with_slash || kept == 0)
        path[kept++] = '/';
    return kept;
}

static bool parse_path(struct arena *arena, struct text raw, struct text *ret,
                       struct http_refusal *ret_why)
{
    if (is_plain(raw)) {
        *ret = raw;
        return true;
    }
    char *path = arena_alloc(arena, raw.size + 1);
    if (!path)
        return refuse(ret_why, 503, "out of memory for one request");
    size_t size = http_unescape(raw, HTTP_UNESCAPE_PATH, path);
    if (size == SIZE_MAX)
        return refuse(ret_why, 400, "the path has a bad percent escape");
    if (!is_path_clean(text_make(path, size)))
        return refuse(ret_why, 400, "the path is not UTF-8 or has control characters");
    size = flatten(path, size);
    if (size == 0)
        return refuse(ret_why, 400, "the path climbs above the root");
    *ret = text_make(path, size);
    return true;
}

/* Takes "http://authority" off an absolute form; what follows is an origin form, perhaps with its
 * '/' missing. */
static bool take_authority(struct text *raw, struct text *ret_authority)
{
    struct text rest;
    if (text_starts_nocase(*raw, TEXT("http://")))
        rest = text_from(*raw, 7);
    else if (text_starts_nocase(*raw, TEXT("https://")))
        rest = text_from(*raw, 8);
    else
        return false;
    size_t end = 0;
    while (end < rest.size && rest.data[end] != '/' && rest.data[end] != '?')
        end++;
    *ret_authority = text_make(rest.data, end);
    *raw = text_from(rest, end);
    return true;
}

bool http_target_parse(struct arena *arena, struct text raw, struct http_target *ret,
                       struct http_refusal *ret_why)
{
    struct http_target target = {0};
    if (!is_target_clean(raw))
        return refuse(ret_why, 400, "the request target has bytes that must be escaped");
    if (text_equal(raw, TEXT("*"))) {
        *ret = (struct http_target){.path = TEXT("/"), .is_asterisk = true};
        return true;
    }
    if (raw.data[0] != '/' && !take_authority(&raw, &target.authority))
        return refuse(ret_why, 400, "the request target is neither a path nor an http URL");
    size_t question = text_find_byte(raw, '?');
    struct text path = question == SIZE_MAX ? raw : text_make(raw.data, question);
    if (question != SIZE_MAX)
        target.query = text_from(raw, question + 1);
    if (!parse_path(arena, path, &target.path, ret_why))
        return false;
    *ret = target;
    return true;
}

static bool is_host_byte(char c, bool is_literal)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.')
        return true;
    return is_literal ? c == ':' : c == '-' || c == '_';
}

static bool is_port(struct text t)
{
    uint64_t port;
    return t.size == 0 || (t.size <= 5 && text_to_u64(t, &port) && port <= 65535);
}

static bool is_host(struct text host)
{
    bool is_literal = host.size > 0 && host.data[0] == '[';
    size_t at = is_literal, start = at;
    while (at < host.size && is_host_byte(host.data[at], is_literal))
        at++;
    if (at == start || at > 255)
        return false;
    if (is_literal && (at == host.size || host.data[at++] != ']'))
        return false;
    return at == host.size || (host.data[at] == ':' && is_port(text_from(host, at + 1)));
}

struct text http_host_normalise(struct arena *arena, struct text raw)
{
    char *lower = arena_alloc(arena, raw.size + 1);
    if (!lower)
        return TEXT_NONE;
    for (size_t i = 0; i < raw.size; i++) {
        char c = raw.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    struct text host = {lower, raw.size};
    return is_host(host) ? host : TEXT_NONE;
}

struct text http_host_without_port(struct text host)
{
    size_t end = host.size;
    while (end > 0 && host.data[end - 1] >= '0' && host.data[end - 1] <= '9')
        end--;
    if (end > 0 && host.data[end - 1] == ':')
        return text_make(host.data, end - 1);
    return host;
}
