// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/variants.h"

/* The names of Vary, or the tag of a language. */
static struct text subject_of(struct text value)
{
    struct text subject;
    return text_split(&value, '\n', &subject) ? subject : value;
}

/* `newest`, and behind it those of its name about something else; returns how many. */
static size_t put_first(struct caching_fields before, struct http_field newest, size_t most,
                        struct http_field *ret)
{
    size_t count = 0;
    ret[count++] = newest;
    for (size_t i = 0; i < before.count && count < most; i++) {
        const struct http_field *entry = &before.items[i];
        if (text_equal(entry->name, newest.name) &&
            !text_equal(subject_of(entry->value), subject_of(newest.value)))
            ret[count++] = *entry;
    }
    return count;
}

/* What varies by language alone is also found by its own (caching_preferred_language()). */
static struct text language_entry(const struct variant *variant, struct arena *arena)
{
    if (!variant->language.size || !text_equal(variant->names, TEXT("accept-language")))
        return TEXT_NONE;
    return arena_printf(arena, "%.*s%.*s", TEXT_ARGS(variant->language), TEXT_ARGS(variant->key));
}

static bool is_listed(struct caching_fields list, struct http_field entry)
{
    for (size_t i = 0; i < list.count; i++)
        if (text_equal(list.items[i].name, entry.name) &&
            text_equal(list.items[i].value, entry.value))
            return true;
    return false;
}

size_t variants_add(struct caching_fields before, const struct variant *newest, struct arena *arena,
                    struct http_field ret[VARIANTS_MAX])
{
    struct http_field set = {TEXT("vary"), newest->names},
                      language = {TEXT("language"), language_entry(newest, arena)};
    bool is_first = before.count > 0 && text_equal(before.items[0].value, set.value);
    if (is_first && (!language.value.data || is_listed(before, language)))
        return 0;
    size_t count = put_first(before, set, STORED_SETS_MAX, ret);
    if (language.value.data)
        count += put_first(before, language, STORED_LANGUAGES_MAX, ret + count);
    return count;
}
