// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/escape.h"
#include "http/message.h"

size_t http_parameters_count(struct text encoded)
{
    size_t count = 0;
    struct text part;
    while (text_split(&encoded, '&', &part))
        count++;
    return count;
}

/* `part` itself where nothing is to be decoded (`at` is NULL where that holds for all); else it is
 * decoded to *at, which moves on.  Data NULL for a bad escape or a NUL. */
static struct text decode(struct text part, char **at)
{
    if (!*at || http_is_unescaped(part, HTTP_UNESCAPE_FORM))
        return part;
    size_t size = http_unescape(part, HTTP_UNESCAPE_FORM, *at);
    if (size == SIZE_MAX)
        return TEXT_NONE;
    struct text decoded = {*at, size};
    *at += size;
    return decoded;
}

bool http_parameters_parse(struct arena *arena, struct text encoded, size_t max_count,
                           struct http_parameters *ret)
{
    struct http_parameters found = {0};
    if (encoded.size == 0) {
        *ret = found;
        return true;
    }
    size_t count = http_parameters_count(encoded);
    if (count > max_count)
        return false;
    struct http_parameter *items = arena_alloc(arena, count * sizeof *items);
    bool is_plain = http_is_unescaped(encoded, HTTP_UNESCAPE_FORM);
    char *at = is_plain ? NULL : arena_alloc(arena, encoded.size);
    if (!items || (!is_plain && !at))
        return false;
    struct text part;
    while (text_split(&encoded, '&', &part)) {
        if (part.size == 0)
            continue;
        size_t equals = text_find_byte(part, '=');
        struct text name = equals == SIZE_MAX ? part : text_make(part.data, equals);
        struct http_parameter *item = &items[found.count];
        item->name = decode(name, &at);
        item->value =
            decode(equals == SIZE_MAX ? text_make(part.data, 0) : text_from(part, equals + 1), &at);
        if (!item->name.data || !item->value.data)
            return false;
        found.count++;
    }
    found.items = items;
    *ret = found;
    return true;
}

struct text http_parameter(const struct http_parameters *parameters, struct text name)
{
    for (size_t i = 0; i < parameters->count; i++)
        if (text_equal(parameters->items[i].name, name))
            return parameters->items[i].value;
    return TEXT_NONE;
}
