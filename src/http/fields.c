// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/fields.h"

#include "base/octets.h"

bool http_is_token(struct text t)
{
    for (size_t i = 0; i < t.size; i++)
        if (!http_is_token_byte((unsigned char)t.data[i]))
            return false;
    return t.size > 0;
}

static octets is_control(octets bytes)
{
    return (octets)((bytes < 0x20) & (bytes != '\t')) | (octets)(bytes == 0x7f);
}

bool http_field_value_is_clean(struct text t) { return !octets_any(t, is_control); }

/* Where the part that starts at 0 ends: at `separator` outside quoted strings, or at the end. */
static size_t part_end(struct text t, char separator)
{
    bool is_quoted = false;
    for (size_t i = 0; i < t.size; i++) {
        if (is_quoted && t.data[i] == '\\')
            i++;
        else if (t.data[i] == '"')
            is_quoted = !is_quoted;
        else if (t.data[i] == separator && !is_quoted)
            return i;
    }
    return t.size;
}

bool http_list_next(struct text *rest, struct text *ret_item)
{
    while (rest->size > 0) {
        size_t end = part_end(*rest, ',');
        struct text item = text_trim(text_make(rest->data, end));
        *rest = text_from(*rest, end + 1);
        if (item.size > 0) {
            *ret_item = item;
            return true;
        }
    }
    return false;
}

bool http_list_has(struct text list, struct text token)
{
    struct text item;
    while (http_list_next(&list, &item))
        if (text_equal_nocase(item, token))
            return true;
    return false;
}

static struct text without_quotes(struct text t)
{
    if (t.size >= 2 && t.data[0] == '"' && t.data[t.size - 1] == '"')
        return text_make(t.data + 1, t.size - 2);
    return t;
}

struct text http_parameter_of(struct text element, struct text name)
{
    struct text rest = text_from(element, part_end(element, ';') + 1);
    while (rest.size > 0) {
        size_t end = part_end(rest, ';');
        struct text part = text_trim(text_make(rest.data, end));
        size_t equals = text_find_byte(part, '=');
        if (equals != SIZE_MAX && text_equal_nocase(text_make(part.data, equals), name))
            return without_quotes(text_from(part, equals + 1));
        rest = text_from(rest, end + 1);
    }
    return TEXT_NONE;
}

struct text http_before_parameters(struct text element)
{
    return text_trim(text_make(element.data, part_end(element, ';')));
}

int http_quality(struct text t)
{
    if (t.size < 1 || t.size > 5 || (t.data[0] != '0' && t.data[0] != '1'))
        return -1;
    if (t.size > 1 && t.data[1] != '.')
        return -1;
    int value = (t.data[0] - '0') * 1000, unit = 100;
    for (size_t i = 2; i < t.size; i++, unit /= 10) {
        if (t.data[i] < '0' || t.data[i] > '9')
            return -1;
        value += (t.data[i] - '0') * unit;
    }
    return value <= 1000 ? value : -1;
}
