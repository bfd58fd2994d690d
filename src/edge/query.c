// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/query.h"

#include "base/buffer.h"

static struct text name_of(struct text parameter)
{
    size_t equals = text_find_byte(parameter, '=');
    return equals == SIZE_MAX ? parameter : text_make(parameter.data, equals);
}

static bool matches(struct text pattern, struct text name)
{
    if (text_ends(pattern, TEXT("*")))
        return text_starts(name, text_make(pattern.data, pattern.size - 1));
    return text_equal(name, pattern);
}

static bool is_dropped(const struct query_rules *rules, struct text name)
{
    for (size_t i = 0; i < rules->drop_count; i++)
        if (matches(text_of(rules->drop[i]), name))
            return true;
    return false;
}

/* Stable, as a form's fields of one name have an order. */
static void sort(struct text *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct text item = items[i];
        size_t at = i;
        for (; at > 0 && text_compare(name_of(item), name_of(items[at - 1])) < 0; at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

/* SIZE_MAX: too many. */
static size_t keep(const struct query_rules *rules, struct text query,
                   struct text ret[QUERY_PARAMETERS_MAX])
{
    struct text parameter;
    size_t count = 0;
    while (text_split(&query, '&', &parameter)) {
        if (is_dropped(rules, name_of(parameter)))
            continue;
        if (count == QUERY_PARAMETERS_MAX)
            return SIZE_MAX;
        ret[count++] = parameter;
    }
    return count;
}

struct text query_normalise(const struct query_rules *rules, struct text target,
                            struct arena *arena)
{
    struct text kept[QUERY_PARAMETERS_MAX];
    size_t mark = text_find_byte(target, '?');
    if (mark == SIZE_MAX || (rules->drop_count == 0 && !rules->sorts))
        return target;
    size_t count = keep(rules, text_from(target, mark + 1), kept);
    if (count == SIZE_MAX)
        return target;
    if (rules->sorts)
        sort(kept, count);
    struct buffer out;
    buffer_init(&out, target.size);
    buffer_text(&out, text_make(target.data, mark));
    for (size_t i = 0; i < count; i++) {
        buffer_byte(&out, i == 0 ? '?' : '&');
        buffer_text(&out, kept[i]);
    }
    struct text own = arena_text(arena, buffer_view(&out));
    buffer_release(&out);
    return own.data ? own : target;
}
