// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/arena.h"
#include "base/text.h"

/*
 * message: one HTTP request as values (RFC 9110), whatever version carried it.
 *
 * All texts are borrowed from the request's arena and live as long as it does.  Filled by
 * http/parser (HTTP/1.1) and http/header_list (HTTP/2); handlers never see which.
 */
enum http_method {
    HTTP_METHOD_OTHER, /* a token we do not know: answered 501, but where any is taken */
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_PATCH,
};

struct http_field {
    struct text name;  /* as received; compare with text_equal_nocase */
    struct text value; /* trimmed of SP and HTAB */
};

struct http_request {
    enum http_method method;
    struct text method_name; /* as it was sent */
    unsigned version_minor;  /* 0 or 1 under HTTP/1; 0 for HTTP/2 with version_major 2 */
    unsigned version_major;
    struct text target; /* as received */
    struct text
        path; /* percent-decoded, dot segments removed, starts with '/', valid UTF-8, no NUL */
    struct text query; /* raw, after '?'; data NULL without one */
    struct text host;  /* the one Host or :authority, lower case, port included */
    const struct http_field *fields;
    size_t field_count;
    bool has_body;
    bool keeps_alive;
    uint64_t content_length; /* UINT64_MAX when chunked */
};

enum http_method http_method_of(struct text name); /* exact case (RFC 9110 9.1) */
struct text http_method_name(enum http_method method);
const char *http_reason(unsigned status); /* "Unknown" for codes that http/status.def lacks */

/* Room for one more in a list that grows in the arena; false: the arena is full. */
bool http_fields_have_room(struct arena *arena, struct http_field **fields, size_t count,
                           size_t *capacity) MUST_USE;
/* The first field of that name, or TEXT_NONE. */
struct text http_request_field(const struct http_request *request, struct text name);

/* One decoded name=value of a query or of an application/x-www-form-urlencoded body. */
struct http_parameter {
    struct text name, value;
};
struct http_parameters {
    const struct http_parameter *items;
    size_t count;
};
/*
 * Decodes '+' and %xx into the arena, keeping order and repeats; what needs no decoding is borrowed
 * from `encoded`.  At most `max_count`; more, or a bad escape, or a NUL, is false.
 */
bool http_parameters_parse(struct arena *arena, struct text encoded, size_t max_count,
                           struct http_parameters *ret) MUST_USE;
size_t http_parameters_count(struct text encoded); /* before it is decoded, empty ones too */
/* The first of that name (exact case), or TEXT_NONE with data NULL. */
struct text http_parameter(const struct http_parameters *parameters, struct text name);
