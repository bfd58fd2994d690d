// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/settings.h"

#include "base/mem.h"
#include "programs/settings_check.h"
#include <assert.h>

static const struct setting table[] = {
#define FIELD(name) offsetof(struct settings, name)
#define SETTING_TEXT(name, when, default_text, check, help)              \
    {#name,       default_text,      NULL,           help,         0, 0, \
     FIELD(name), SETTING_KIND_TEXT, SETTING_##when, CHECK_##check},
#define SETTING_LIST(name, when, default_text, check, help)              \
    {#name,       default_text,      NULL,           help,         0, 0, \
     FIELD(name), SETTING_KIND_LIST, SETTING_##when, CHECK_##check},
#define SETTING_NUMBER(name, when, default_text, least, most, help)            \
    {#name,       default_text,        NULL,           help,      least, most, \
     FIELD(name), SETTING_KIND_NUMBER, SETTING_##when, CHECK_NONE},
#define SETTING_SWITCH(name, when, default_text, help)                  \
    {#name,       default_text,        NULL,           help,      0, 0, \
     FIELD(name), SETTING_KIND_SWITCH, SETTING_##when, CHECK_NONE},
#define SETTING_CHOICE(name, when, default_text, choices, help)         \
    {#name,       default_text,        choices,        help,      0, 0, \
     FIELD(name), SETTING_KIND_CHOICE, SETTING_##when, CHECK_NONE},
#include "programs/settings.def"
#define LIMIT(name, unit_type, default_value, help)                                 \
    {#name,         #default_value,      NULL,                                      \
     help,          (default_value) > 0, /* 0 is a value where it is the default */ \
     UINT32_MAX,    FIELD(limits.name),  SETTING_KIND_NUMBER,                       \
     SETTING_START, CHECK_NONE},
#include "io/server.def"
#undef LIMIT
#define LIMIT(name, unit_type, default_value, help) \
    {#name,                                         \
     #default_value,                                \
     NULL,                                          \
     help,                                          \
     0,                                             \
     UINT32_MAX,                                    \
     FIELD(edge_policy.name),                       \
     SETTING_KIND_NUMBER,                           \
     SETTING_START,                                 \
     CHECK_NONE},
#include "edge/edge.def"
#undef LIMIT
#define LIMIT(name, unit_type, default_value, help) \
    {#name,                                         \
     #default_value,                                \
     NULL,                                          \
     help,                                          \
     1,                                             \
     UINT32_MAX,                                    \
     FIELD(replica_limits.name),                    \
     SETTING_KIND_NUMBER,                           \
     SETTING_START,                                 \
     CHECK_NONE},
#include "replica/replica.def"
#undef LIMIT
#define FETCH_LIMIT(name, default_value, least, help) \
    {#name,                                           \
     #default_value,                                  \
     NULL,                                            \
     help,                                            \
     least,                                           \
     UINT32_MAX,                                      \
     FIELD(fetch_limits.name),                        \
     SETTING_KIND_NUMBER,                             \
     SETTING_START,                                   \
     CHECK_NONE},
#define LIMIT(name, unit_type, default_value, help) FETCH_LIMIT(name, default_value, 1, help)
#define LIMIT_OR_NONE(name, unit_type, default_value, help) \
    FETCH_LIMIT(name, default_value, 0, help)
#include "edge/fetch.def"
#undef LIMIT
};

#define LIMIT(name, unit_type, default_value, help) \
    _Static_assert(sizeof(unit_type) == sizeof(uint32_t), #name " is kept as a 32-bit number");
#include "io/server.def"
#include "edge/edge.def"
#include "edge/fetch.def"
#include "replica/replica.def"
#undef LIMIT

size_t setting_count(void) { return ARRAY_SIZE(table); }

const struct setting *setting_at(size_t i)
{
    assert(i < ARRAY_SIZE(table));
    return &table[i];
}

const struct setting *setting_named(struct text name)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (text_equal(name, text_of(table[i].name)))
            return &table[i];
    return NULL;
}

const char *setting_nearest(struct text name)
{
    const char *nearest = NULL;
    size_t least = 4;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        size_t edits = word_distance(name, text_of(table[i].name));
        if (edits < least) {
            least = edits;
            nearest = table[i].name;
        }
    }
    return nearest;
}

/* --- fields by offset; the kind says what stands there --- */
static void *field(const struct settings *settings, const struct setting *setting)
{
    return (char *)(uintptr_t)settings + setting->offset;
}

static char **text_field(const struct settings *settings, const struct setting *setting)
{
    assert(setting->kind == SETTING_KIND_TEXT);
    return (char **)field(settings, setting);
}

static struct settings_list *list_field(const struct settings *settings,
                                        const struct setting *setting)
{
    assert(setting->kind == SETTING_KIND_LIST);
    return (struct settings_list *)field(settings, setting);
}

static void list_release(struct settings_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->items[i]);
    mem_free(list->items);
    *list = (struct settings_list){0};
}

void settings_init(struct settings *settings)
{
    *settings = (struct settings){0};
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        bool is_good = settings_set(settings, &table[i], text_of(table[i].default_text), &why);
        assert(is_good);
        (void)is_good;
    }
    buffer_release(&why);
}

void settings_release(struct settings *settings)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].kind == SETTING_KIND_TEXT)
            mem_free_p(text_field(settings, &table[i]));
        else if (table[i].kind == SETTING_KIND_LIST)
            list_release(list_field(settings, &table[i]));
    }
    *settings = (struct settings){0};
}

bool setting_accepts(const struct setting *setting, struct text value, struct buffer *why)
{
    if (value.size > SETTINGS_VALUE_MAX_BYTES || text_find_byte(value, '\0') != SIZE_MAX) {
        buffer_printf(why, "%s: a value has at most %d bytes and no NUL", setting->name,
                      SETTINGS_VALUE_MAX_BYTES);
        return false;
    }
    const char *wanted = setting_check_value(setting, value);
    if (!wanted)
        return true;
    if (setting->check == CHECK_DATABASE || setting->check == CHECK_TOKEN) /* holds a secret */
        buffer_printf(why, "%s: this is not %s", setting->name, wanted);
    else
        buffer_printf(why, "%s: \"%.*s\" is not %s", setting->name, TEXT_ARGS(value), wanted);
    if (setting->kind == SETTING_KIND_NUMBER)
        buffer_printf(why, " from %llu to %llu", (unsigned long long)setting->least,
                      (unsigned long long)setting->most);
    if (setting->kind == SETTING_KIND_CHOICE)
        buffer_printf(why, " of: %s", setting->choices);
    return false;
}

bool settings_set_list(struct settings *settings, const struct setting *setting,
                       const struct text *items, size_t count, struct buffer *why)
{
    if (count > SETTINGS_LIST_MAX) {
        buffer_printf(why, "%s: at most %d items", setting->name, SETTINGS_LIST_MAX);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!setting_accepts(setting, items[i], why))
            return false;
    struct settings_list *list = list_field(settings, setting);
    list_release(list);
    list->items = mem_realloc_array(NULL, count ? count : 1, sizeof *list->items);
    for (size_t i = 0; i < count; i++)
        list->items[list->count++] = text_dup(items[i]);
    return true;
}

static bool set_list_from_text(struct settings *settings, const struct setting *setting,
                               struct text value, struct buffer *why)
{
    struct text items[SETTINGS_LIST_MAX + 1], rest = value, item;
    size_t count = 0;
    while (count <= SETTINGS_LIST_MAX && rest.size > 0 && text_split(&rest, ',', &item)) {
        item = text_trim(item);
        if (item.size > 0)
            items[count++] = item;
    }
    return settings_set_list(settings, setting, items, count, why);
}

bool settings_set(struct settings *settings, const struct setting *setting, struct text value,
                  struct buffer *why)
{
    if (setting->kind == SETTING_KIND_LIST)
        return set_list_from_text(settings, setting, value, why);
    if (!setting_accepts(setting, value, why))
        return false;
    switch (setting->kind) {
    case SETTING_KIND_TEXT:
        mem_free(*text_field(settings, setting));
        *text_field(settings, setting) = text_dup(value);
        break;
    case SETTING_KIND_NUMBER:
        *(uint32_t *)field(settings, setting) = setting_number(value);
        break;
    case SETTING_KIND_SWITCH:
        *(bool *)field(settings, setting) = setting_switch(value) == SWITCH_ON;
        break;
    case SETTING_KIND_CHOICE:
        *(unsigned *)field(settings, setting) = (unsigned)setting_choice(setting, value);
        break;
    case SETTING_KIND_LIST:
        break;
    }
    return true;
}

void setting_show(const struct setting *setting, const struct settings *settings,
                  struct buffer *out)
{
    switch (setting->kind) {
    case SETTING_KIND_TEXT: {
        struct text shown = text_of(*text_field(settings, setting));
        bool is_secret = setting->check == CHECK_TOKEN && shown.size > 0;
        buffer_text(out, is_secret ? TEXT("(hidden)") : shown);
        break;
    }
    case SETTING_KIND_LIST: {
        const struct settings_list *list = list_field(settings, setting);
        for (size_t i = 0; i < list->count; i++)
            buffer_printf(out, "%s%s", i ? "," : "", list->items[i]);
        break;
    }
    case SETTING_KIND_NUMBER:
        buffer_printf(out, "%u", *(const uint32_t *)field(settings, setting));
        break;
    case SETTING_KIND_SWITCH:
        buffer_text(out, *(const bool *)field(settings, setting) ? TEXT("yes") : TEXT("no"));
        break;
    case SETTING_KIND_CHOICE: {
        struct text rest = text_of(setting->choices), word = TEXT_NONE;
        for (unsigned i = 0; i <= *(const unsigned *)field(settings, setting); i++)
            (void)text_split(&rest, ' ', &word);
        buffer_text(out, word);
        break;
    }
    }
}

bool setting_same(const struct setting *setting, const struct settings *a, const struct settings *b)
{
    struct buffer left, right;
    buffer_init(&left, SIZE_MAX);
    buffer_init(&right, SIZE_MAX);
    setting_show(setting, a, &left);
    setting_show(setting, b, &right);
    bool is_same = text_equal(buffer_view(&left), buffer_view(&right));
    buffer_release(&left);
    buffer_release(&right);
    return is_same;
}
