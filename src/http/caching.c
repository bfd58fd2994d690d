// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/caching.h"

#include "http/caching_targeted.h"
#include "http/fields.h"

#include <stddef.h>

/*
 * caching: directives of responses and requests, and which responses are kept (RFC 9111 3, 5.2).
 *
 * Of a directive that comes twice the first counts; one whose argument is no number of seconds
 * counts as 0, so that what it says is stale (4.2.1).
 */

/* --- fields --- */

struct text caching_field_next(struct caching_fields fields, struct text name, size_t *at)
{
    for (; *at < fields.count; ++*at)
        if (text_equal_nocase(fields.items[*at].name, name))
            return fields.items[*at].value;
    return TEXT_NONE;
}

struct text caching_field(struct caching_fields fields, struct text name)
{
    size_t at = 0;
    return caching_field_next(fields, name, &at);
}

size_t caching_field_count(struct caching_fields fields, struct text name)
{
    size_t count = 0;
    for (size_t at = 0; caching_field_next(fields, name, &at).data; at++)
        count++;
    return count;
}

int64_t caching_seconds(struct text digits)
{
    int64_t value = 0;
    if (digits.size == 0)
        return CACHING_UNSET;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return CACHING_UNSET;
        value = value * 10 + (digits.data[i] - '0');
        value = value < CACHING_SECONDS_MAX ? value : CACHING_SECONDS_MAX;
    }
    return value;
}

/* --- directives --- */

static struct text unquoted(struct text t)
{
    if (t.size >= 2 && t.data[0] == '"' && t.data[t.size - 1] == '"')
        return text_make(t.data + 1, t.size - 2);
    return t;
}

/* `name` or `name=argument` off the front of a Cache-Control; argument data NULL when absent. */
static bool directive_next(struct text *rest, struct text *ret_name, struct text *ret_argument)
{
    struct text item;
    if (!http_list_next(rest, &item))
        return false;
    size_t equals = text_find_byte(item, '=');
    *ret_argument = equals == SIZE_MAX ? TEXT_NONE : unquoted(text_from(item, equals + 1));
    *ret_name = equals == SIZE_MAX ? item : text_make(item.data, equals);
    return true;
}

enum argument {
    ARGUMENT_NONE,    /* a flag, whatever stands behind it */
    ARGUMENT_SECONDS, /* broken: 0 */
    ARGUMENT_FIELDS,  /* with names: about these; without: a flag */
};

struct directive {
    struct text name;
    enum argument argument;
    size_t offset, fields_offset;
};

#define FLAG(name, member)                                                          \
    {                                                                               \
        TEXT_INIT(name), ARGUMENT_NONE, offsetof(struct caching_control, member), 0 \
    }
#define SECONDS(name, member)                                                          \
    {                                                                                  \
        TEXT_INIT(name), ARGUMENT_SECONDS, offsetof(struct caching_control, member), 0 \
    }
#define FIELDS(name, member, fields)                                                \
    {                                                                               \
        TEXT_INIT(name), ARGUMENT_FIELDS, offsetof(struct caching_control, member), \
            offsetof(struct caching_control, fields)                                \
    }

static const struct directive directives[] = {
    SECONDS("max-age", max_age_s),
    SECONDS("s-maxage", s_maxage_s),
    SECONDS("stale-while-revalidate", stale_while_revalidate_s),
    SECONDS("stale-if-error", stale_if_error_s),
    FLAG("no-store", no_store),
    FIELDS("no-cache", no_cache, no_cache_fields),
    FIELDS("private", is_private, private_fields),
    FLAG("public", is_public),
    FLAG("must-revalidate", must_revalidate),
    FLAG("proxy-revalidate", proxy_revalidate),
    FLAG("must-understand", must_understand),
    FLAG("immutable", immutable),
};

static void take_directive(struct caching_control *control, struct text name, struct text argument)
{
    for (size_t i = 0; i < sizeof directives / sizeof *directives; i++) {
        const struct directive *directive = &directives[i];
        char *at = (char *)control + directive->offset;
        if (!text_equal_nocase(directive->name, name))
            continue;
        if (directive->argument == ARGUMENT_SECONDS) {
            int64_t *seconds = (int64_t *)(void *)at, said = caching_seconds(argument);
            if (*seconds == CACHING_UNSET)
                *seconds = said == CACHING_UNSET ? 0 : said;
        } else if (directive->argument == ARGUMENT_FIELDS && argument.size > 0) {
            *(struct text *)(void *)((char *)control + directive->fields_offset) = argument;
        } else {
            *(bool *)(void *)at = true;
        }
        return;
    }
}

static void control_init(struct caching_control *control)
{
    *control = (struct caching_control){.max_age_s = CACHING_UNSET,
                                        .s_maxage_s = CACHING_UNSET,
                                        .stale_while_revalidate_s = CACHING_UNSET,
                                        .stale_if_error_s = CACHING_UNSET};
}

void caching_control_read(struct caching_fields response, struct caching_control *ret)
{
    struct text rest, name, argument;
    control_init(ret);
    if (caching_targeted_read(response, ret))
        return;
    control_init(ret);
    for (size_t at = 0; (rest = caching_field_next(response, TEXT("Cache-Control"), &at)).data;
         at++)
        while (directive_next(&rest, &name, &argument)) {
            ret->is_present = true;
            take_directive(ret, name, argument);
        }
}

static void take_asked(struct caching_asked *asked, struct text name, struct text argument)
{
    int64_t seconds = caching_seconds(argument);
    if (text_equal_nocase(name, TEXT("max-age")))
        asked->max_age_s = seconds == CACHING_UNSET ? 0 : seconds;
    else if (text_equal_nocase(name, TEXT("min-fresh")) && seconds != CACHING_UNSET)
        asked->min_fresh_s = seconds;
    else if (text_equal_nocase(name, TEXT("max-stale")))
        asked->max_stale_s = argument.data ? seconds : INT64_MAX;
    else if (text_equal_nocase(name, TEXT("no-cache")))
        asked->no_cache = true;
    else if (text_equal_nocase(name, TEXT("no-store")))
        asked->no_store = true;
    else if (text_equal_nocase(name, TEXT("only-if-cached")))
        asked->only_if_cached = true;
}

void caching_asked_read(struct caching_fields request, struct caching_asked *ret)
{
    struct text rest, name, argument;
    bool has_control = false;
    *ret =
        (struct caching_asked){CACHING_UNSET, CACHING_UNSET, CACHING_UNSET,
                               .is_authorized = caching_field(request, TEXT("Authorization")).data,
                               .has_range = caching_field(request, TEXT("Range")).data};
    for (size_t at = 0; (rest = caching_field_next(request, TEXT("Cache-Control"), &at)).data; at++)
        while (directive_next(&rest, &name, &argument)) {
            has_control = true;
            take_asked(ret, name, argument);
        }
    if (!has_control)
        ret->no_cache = http_list_has(caching_field(request, TEXT("Pragma")), TEXT("no-cache"));
}

/* --- storing --- */

bool caching_is_safe(struct text method)
{
    return text_equal(method, TEXT("GET")) || text_equal(method, TEXT("HEAD")) ||
           text_equal(method, TEXT("OPTIONS")) || text_equal(method, TEXT("TRACE"));
}

static bool has_explicit_lifetime(struct caching_fields response,
                                  const struct caching_control *control)
{
    return control->max_age_s != CACHING_UNSET || control->s_maxage_s != CACHING_UNSET ||
           (!control->is_targeted && caching_field(response, TEXT("Expires")).data);
}

/* A lifetime, leave to find one, or a validator to ask with: else nothing is gained by keeping it.
 */
static bool is_worth_keeping(struct caching_fields response, const struct caching_control *control)
{
    return has_explicit_lifetime(response, control) || control->is_public ||
           caching_field(response, TEXT("ETag")).data ||
           caching_field(response, TEXT("Last-Modified")).data;
}

/* Cookies are somebody's: such a response is kept only when the origin said for how long. */
static bool is_personal(struct caching_fields response, const struct caching_control *control)
{
    return caching_field(response, TEXT("Set-Cookie")).data &&
           !has_explicit_lifetime(response, control) && !control->is_public;
}

static bool is_understood(unsigned status)
{
    return !text_equal(text_of(http_reason(status)), TEXT("Unknown"));
}

static bool varies_by_all(struct caching_fields response)
{
    struct text value;
    for (size_t at = 0; (value = caching_field_next(response, TEXT("Vary"), &at)).data; at++)
        if (http_list_has(value, TEXT("*")))
            return true;
    return false;
}

enum caching_store caching_may_store(struct text method, const struct caching_asked *asked,
                                     unsigned status, struct caching_fields response,
                                     const struct caching_control *control)
{
    bool is_post = text_equal(method, TEXT("POST"));
    if (!is_post && !text_equal(method, TEXT("GET")))
        return CACHING_STORE_NOT_METHOD;
    if (is_post && (!has_explicit_lifetime(response, control) ||
                    !caching_field(response, TEXT("Content-Location")).data))
        return CACHING_STORE_NOT_METHOD;
    if (status < 200 || status == 304 || (control->must_understand && !is_understood(status)))
        return CACHING_STORE_NOT_STATUS;
    if (asked->no_store || (control->no_store && !control->must_understand))
        return CACHING_STORE_NO_STORE;
    if (control->is_private || is_personal(response, control))
        return CACHING_STORE_PRIVATE;
    if (asked->is_authorized && !control->is_public && !control->must_revalidate &&
        control->s_maxage_s == CACHING_UNSET)
        return CACHING_STORE_AUTHORIZED;
    if (varies_by_all(response))
        return CACHING_STORE_VARIES_BY_ALL;
    return is_worth_keeping(response, control) ? CACHING_STORE_YES : CACHING_STORE_NOT_EXPLICIT;
}

const char *caching_store_word(enum caching_store store)
{
    static const char *const words[] = {"stored",  "method",        "status",      "no-store",
                                        "private", "authorization", "no-lifetime", "vary"};
    return words[store];
}
