// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/priority.h"

/*
 * A reader of RFC 8941 dictionaries that keeps only what RFC 9218 asks for.  Each take_*() moves
 * *rest behind what it read; false when the grammar is broken.
 */
enum { DIGITS_MAX = 15 }; /* of an integer; decimals have 12 and 3 (RFC 8941 3.3) */

struct item {
    enum { ITEM_OTHER, ITEM_INTEGER, ITEM_BOOLEAN } type;
    uint64_t number; /* of an integer that is not negative */
    bool is_negative, is_true;
};

static bool take(struct text *rest, char byte)
{
    if (rest->size == 0 || rest->data[0] != byte)
        return false;
    *rest = text_from(*rest, 1);
    return true;
}

static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_key_byte(char c)
{
    return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}

static bool is_one_of(char c, const char *set)
{
    for (; *set; set++)
        if (c == *set)
            return true;
    return false;
}

static bool is_token_byte(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           is_one_of(c, "!#$%&'*+-.^_`|~:/");
}

static bool is_base64_byte(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c) || is_one_of(c, "+/=");
}

static size_t run_of(struct text t, bool (*is_member)(char))
{
    size_t size = 0;
    while (size < t.size && is_member(t.data[size]))
        size++;
    return size;
}

static bool take_key(struct text *rest, struct text *ret)
{
    if (rest->size == 0 || !(is_lower(rest->data[0]) || rest->data[0] == '*'))
        return false;
    *ret = text_make(rest->data, run_of(*rest, is_key_byte));
    *rest = text_from(*rest, ret->size);
    return true;
}

static bool take_number(struct text *rest, struct item *ret)
{
    ret->is_negative = take(rest, '-');
    struct text digits = {rest->data, run_of(*rest, is_digit)};
    if (digits.size == 0 || digits.size > DIGITS_MAX || !text_to_u64(digits, &ret->number))
        return false;
    *rest = text_from(*rest, digits.size);
    ret->type = ITEM_INTEGER;
    if (!take(rest, '.'))
        return true;
    size_t decimals = run_of(*rest, is_digit);
    *rest = text_from(*rest, decimals);
    ret->type = ITEM_OTHER;
    return decimals >= 1 && decimals <= 3 && digits.size <= 12;
}

static bool take_string(struct text *rest)
{
    while (rest->size > 0) {
        char c = rest->data[0];
        *rest = text_from(*rest, 1);
        if (c == '"')
            return true;
        if (c < 0x20 || c == 0x7f)
            return false;
        if (c == '\\' && !take(rest, '"') && !take(rest, '\\'))
            return false;
    }
    return false;
}

static bool take_bytes(struct text *rest)
{
    *rest = text_from(*rest, run_of(*rest, is_base64_byte));
    return take(rest, ':');
}

static bool take_boolean(struct text *rest, struct item *ret)
{
    ret->type = ITEM_BOOLEAN;
    ret->is_true = take(rest, '1');
    return ret->is_true || take(rest, '0');
}

static bool take_bare_item(struct text *rest, struct item *ret)
{
    char first = '\0';
    if (rest->size > 0)
        first = rest->data[0];
    *ret = (struct item){.type = ITEM_OTHER};
    if (is_digit(first) || first == '-')
        return take_number(rest, ret);
    if (take(rest, '"'))
        return take_string(rest);
    if (take(rest, ':'))
        return take_bytes(rest);
    if (take(rest, '?'))
        return take_boolean(rest, ret);
    if (!is_lower(first) && !(first >= 'A' && first <= 'Z') && first != '*')
        return false;
    *rest = text_from(*rest, run_of(*rest, is_token_byte));
    return true;
}

static void skip_spaces(struct text *rest)
{
    while (take(rest, ' '))
        ;
}

static bool skip_parameters(struct text *rest)
{
    struct text key;
    struct item item;
    while (take(rest, ';')) {
        skip_spaces(rest);
        if (!take_key(rest, &key) || (take(rest, '=') && !take_bare_item(rest, &item)))
            return false;
    }
    return true;
}

/* After '('. */
static bool skip_inner_list(struct text *rest)
{
    struct item item;
    for (;;) {
        skip_spaces(rest);
        if (take(rest, ')'))
            return true;
        if (!take_bare_item(rest, &item) || !skip_parameters(rest) || rest->size == 0 ||
            (rest->data[0] != ' ' && rest->data[0] != ')'))
            return false;
    }
}

static bool take_value(struct text *rest, struct item *ret)
{
    *ret = (struct item){.type = ITEM_BOOLEAN, .is_true = true};
    if (take(rest, '=')) {
        ret->type = ITEM_OTHER;
        if (take(rest, '(') ? !skip_inner_list(rest) : !take_bare_item(rest, ret))
            return false;
    }
    return skip_parameters(rest);
}

/* A key that is said twice counts with its last value (RFC 8941 3.2). */
static void apply(struct text key, const struct item *item, struct http_priority *priority)
{
    if (text_equal(key, TEXT("u"))) {
        priority->has_urgency =
            item->type == ITEM_INTEGER && !item->is_negative && item->number <= HTTP_URGENCY_LAST;
        priority->urgency = priority->has_urgency ? (uint8_t)item->number : HTTP_URGENCY_DEFAULT;
    } else if (text_equal(key, TEXT("i"))) {
        priority->is_incremental = item->type == ITEM_BOOLEAN && item->is_true;
    }
}

static void skip_blanks(struct text *rest)
{
    while (take(rest, ' ') || take(rest, '\t'))
        ;
}

static bool read_members(struct text rest, struct http_priority *priority)
{
    struct text key;
    struct item item;
    skip_spaces(&rest);
    if (rest.size == 0)
        return true;
    do {
        skip_blanks(&rest);
        if (!take_key(&rest, &key) || !take_value(&rest, &item))
            return false;
        apply(key, &item, priority);
        skip_blanks(&rest);
    } while (take(&rest, ','));
    return rest.size == 0;
}

bool http_priority_parse(struct text value, struct http_priority *ret)
{
    struct http_priority priority = http_priority_default();
    bool is_read = read_members(value, &priority);
    *ret = is_read ? priority : http_priority_default();
    return is_read;
}
