// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/caching_targeted.h"

/*
 * caching_targeted: dictionaries of structured fields (RFC 8941 4.2.2), as far as Cache-Control
 * needs: members of other types are stepped over, but they must be well formed.
 */
static const struct text targets[] = {TEXT_INIT("Sostenuto-CDN-Cache-Control"),
                                      TEXT_INIT("CDN-Cache-Control")};

enum { INTEGER_DIGITS_MAX = 15, FRACTION_DIGITS_MAX = 3 };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static bool is_alpha(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

static char front(struct text t) { return t.size > 0 ? t.data[0] : '\0'; }
static void skip(struct text *t, size_t count) { *t = text_from(*t, count); }

static void skip_spaces(struct text *t, bool with_tabs)
{
    while (front(*t) == ' ' || (with_tabs && front(*t) == '\t'))
        skip(t, 1);
}

static bool take_key(struct text *rest, struct text *ret)
{
    size_t size = 0;
    if (!is_lower(front(*rest)) && front(*rest) != '*')
        return false;
    for (; size < rest->size; size++) {
        char c = rest->data[size];
        if (!is_lower(c) && !is_digit(c) && c != '_' && c != '-' && c != '.' && c != '*')
            break;
    }
    *ret = text_make(rest->data, size);
    skip(rest, size);
    return true;
}

/* Integer or Decimal (4.2.4). */
static bool take_number(struct text *rest, struct caching_member *ret)
{
    bool is_negative = front(*rest) == '-';
    size_t digits = 0, fraction = 0;
    skip(rest, is_negative);
    ret->integer = 0;
    for (; is_digit(front(*rest)) && digits <= INTEGER_DIGITS_MAX; skip(rest, 1), digits++)
        ret->integer = ret->integer * 10 + (front(*rest) - '0');
    if (is_negative)
        ret->integer = -ret->integer;
    ret->type = CACHING_ITEM_INTEGER;
    if (digits == 0 || digits > INTEGER_DIGITS_MAX || front(*rest) != '.')
        return digits > 0 && digits <= INTEGER_DIGITS_MAX;
    ret->type = CACHING_ITEM_OTHER;
    for (skip(rest, 1); is_digit(front(*rest)); skip(rest, 1))
        fraction++;
    return fraction > 0 && fraction <= FRACTION_DIGITS_MAX && digits <= INTEGER_DIGITS_MAX - 3;
}

static bool take_string(struct text *rest, struct caching_member *ret)
{
    const char *start = rest->data + 1;
    ret->type = CACHING_ITEM_OTHER;
    for (skip(rest, 1); rest->size > 0 && front(*rest) != '"'; skip(rest, 1)) {
        if (front(*rest) == '\\') {
            skip(rest, 1);
            if (front(*rest) != '"' && front(*rest) != '\\')
                return false;
        }
        if (front(*rest) < ' ' || front(*rest) > '~')
            return false;
    }
    if (rest->size == 0)
        return false;
    ret->text = text_make(start, (size_t)(rest->data - start));
    skip(rest, 1);
    return true;
}

static bool is_token_rest(char c)
{
    static const char others[] = "!#$%&'*+-.^_`|~:/";
    return is_alpha(c) || is_digit(c) ||
           (c && text_find_byte(text_make(others, sizeof others - 1), c) != SIZE_MAX);
}

static bool take_binary(struct text *rest)
{
    size_t end = text_find_byte(text_from(*rest, 1), ':');
    if (end == SIZE_MAX)
        return false;
    for (size_t i = 1; i <= end; i++) {
        char c = rest->data[i];
        if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '/' && c != '=')
            return false;
    }
    skip(rest, end + 2);
    return true;
}

static bool take_boolean(struct text *rest, struct caching_member *ret)
{
    char digit = rest->size > 1 ? rest->data[1] : '\0';
    ret->type = digit == '1' ? CACHING_ITEM_TRUE : CACHING_ITEM_FALSE;
    skip(rest, 2);
    return digit == '0' || digit == '1';
}

static bool take_bare_item(struct text *rest, struct caching_member *ret)
{
    char c = front(*rest);
    ret->text = TEXT_NONE;
    if (c == '-' || is_digit(c))
        return take_number(rest, ret);
    if (c == '"')
        return take_string(rest, ret);
    if (c == '?')
        return take_boolean(rest, ret);
    ret->type = CACHING_ITEM_OTHER;
    if (c == ':')
        return take_binary(rest);
    if (!is_alpha(c) && c != '*')
        return false;
    while (is_token_rest(front(*rest)))
        skip(rest, 1);
    return true;
}

static bool take_parameters(struct text *rest)
{
    struct caching_member unused;
    while (front(*rest) == ';') {
        skip(rest, 1);
        skip_spaces(rest, false);
        if (!take_key(rest, &unused.key))
            return false;
        if (front(*rest) != '=')
            continue;
        skip(rest, 1);
        if (!take_bare_item(rest, &unused))
            return false;
    }
    return true;
}

static bool take_inner_list(struct text *rest, struct caching_member *ret)
{
    ret->type = CACHING_ITEM_OTHER;
    ret->text = TEXT_NONE;
    skip(rest, 1);
    for (;;) {
        struct caching_member unused;
        skip_spaces(rest, false);
        if (front(*rest) == ')') {
            skip(rest, 1);
            return true;
        }
        if (!take_bare_item(rest, &unused) || !take_parameters(rest) ||
            (front(*rest) != ' ' && front(*rest) != ')'))
            return false;
    }
}

static bool take_value(struct text *rest, struct caching_member *ret)
{
    ret->type = CACHING_ITEM_TRUE;
    ret->text = TEXT_NONE;
    if (front(*rest) != '=')
        return true;
    skip(rest, 1);
    return front(*rest) == '(' ? take_inner_list(rest, ret) : take_bare_item(rest, ret);
}

int caching_member_next(struct text *rest, struct caching_member *ret)
{
    skip_spaces(rest, true);
    if (rest->size == 0)
        return 0;
    if (!take_key(rest, &ret->key) || !take_value(rest, ret) || !take_parameters(rest))
        return -1;
    skip_spaces(rest, true);
    if (rest->size == 0)
        return 1;
    if (front(*rest) != ',')
        return -1;
    skip(rest, 1);
    skip_spaces(rest, true);
    return rest->size > 0 ? 1 : -1; /* no comma at the end */
}

/* --- directives --- */

static void take_seconds(const struct caching_member *member, int64_t *seconds)
{
    if (member->type != CACHING_ITEM_INTEGER)
        return; /* of another type: as if it were not there (RFC 9213 2.1) */
    *seconds = member->integer < 0 ? 0 : member->integer;
    if (*seconds > CACHING_SECONDS_MAX)
        *seconds = CACHING_SECONDS_MAX;
}

static void take_member(const struct caching_member *member, struct caching_control *control)
{
    const struct {
        struct text key;
        bool *flag;
        int64_t *seconds;
    } known[] = {
        {TEXT("max-age"), NULL, &control->max_age_s},
        {TEXT("s-maxage"), NULL, &control->s_maxage_s},
        {TEXT("stale-while-revalidate"), NULL, &control->stale_while_revalidate_s},
        {TEXT("stale-if-error"), NULL, &control->stale_if_error_s},
        {TEXT("no-store"), &control->no_store, NULL},
        {TEXT("no-cache"), &control->no_cache, NULL},
        {TEXT("private"), &control->is_private, NULL},
        {TEXT("public"), &control->is_public, NULL},
        {TEXT("must-revalidate"), &control->must_revalidate, NULL},
        {TEXT("proxy-revalidate"), &control->proxy_revalidate, NULL},
        {TEXT("must-understand"), &control->must_understand, NULL},
        {TEXT("immutable"), &control->immutable, NULL},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_equal(known[i].key, member->key)) {
            if (known[i].seconds)
                take_seconds(member, known[i].seconds);
            else if (member->type == CACHING_ITEM_TRUE || member->type == CACHING_ITEM_FALSE)
                *known[i].flag = member->type == CACHING_ITEM_TRUE;
        }
}

/* A last word on the members of one name is the last one's (RFC 8941 4.2.2), over all lines. */
static bool read_target(struct caching_fields response, struct text name,
                        struct caching_control *control)
{
    struct text line;
    bool has_members = false;
    for (size_t at = 0; (line = caching_field_next(response, name, &at)).data; at++) {
        struct caching_member member;
        int taken;
        while ((taken = caching_member_next(&line, &member)) > 0) {
            has_members = true;
            take_member(&member, control);
        }
        if (taken < 0)
            return false;
    }
    return has_members;
}

bool caching_targeted_read(struct caching_fields response, struct caching_control *ret)
{
    const struct caching_control unset = *ret;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        *ret = unset;
        if (read_target(response, targets[i], ret)) {
            ret->is_present = ret->is_targeted = true;
            return true;
        }
    }
    *ret = unset;
    return false;
}
