// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/scenario_keys.h"

#include <stddef.h>
#include <string.h>

static const struct scenario_key keys[] = {
#define SECTION(section)
#define SECTION_END(section)
#define ROW(section_, name_, ...)                         \
    {.section = #section_,                                \
     .name = #name_,                                      \
     .offset = offsetof(struct scenario, section_.name_), \
     __VA_ARGS__},
#define KEY_TEXT(section, name, needed, help_) \
    ROW(section, name, .kind = SCENARIO_TEXT, .is_needed = (needed), .help = (help_))
#define KEY_LIST(section, name, help_) ROW(section, name, .kind = SCENARIO_LIST, .help = (help_))
#define KEY_NUMBER(section, name, default, least_, most_, help_)                          \
    ROW(section, name, .kind = SCENARIO_NUMBER, .fallback = (default), .least = (least_), \
        .most = (most_), .help = (help_))
#define KEY_SWITCH(section, name, default, help_)                                         \
    ROW(section, name, .kind = SCENARIO_CHOICE, .fallback = (default), .words = "no yes", \
        .help = (help_))
#define KEY_CHOICE(section, name, default, words_, help_)                                 \
    ROW(section, name, .kind = SCENARIO_CHOICE, .fallback = (default), .words = (words_), \
        .help = (help_))
#include "drills/scenario.def"
#define LIMIT(name, unit, severity, haste, help_)                                          \
    ROW(limits, name, .kind = SCENARIO_NUMBER, .fallback = SCENARIO_NOT_GIVEN, .least = 0, \
        .most = INT64_MAX, .help = (help_))
#include "drills/limits.def"
#undef ROW
#define ROW(name_, ...)                                \
    {.section = "fault",                               \
     .name = #name_,                                   \
     .offset = offsetof(struct scenario_fault, name_), \
     .fallback = SCENARIO_NOT_GIVEN,                   \
     __VA_ARGS__},
#define FAULT(id, name, target, until, takes, help) name " "
    {.section = "fault",
     .name = "kind",
     .kind = SCENARIO_CHOICE,
     .fallback = SCENARIO_NOT_GIVEN,
     .words =
#include "drills/faults.def"
         , .offset = SIZE_MAX, .help = "What breaks; see below."},
    {.section = "fault",
     .name = "direction",
     .kind = SCENARIO_CHOICE,
     .fallback = SCENARIO_NOT_GIVEN,
     .words = "both down up",
     .offset = SIZE_MAX,
     .help = "down: towards the listener; both, unless it is said."},
    {.section = "fault",
     .name = "node",
     .kind = SCENARIO_CHOICE,
     .fallback = SCENARIO_NOT_GIVEN,
     .words = "origin edge-1 edge-2 edge-3 edge-4 half-of-edges edges all",
     .offset = SIZE_MAX,
     .help = "Whom it hits, of a fleet; origin, unless it is said."},
    ROW(at_s, .kind = SCENARIO_NUMBER, .least = 0, .most = 600,
        .help = "When it begins, in seconds from the first listener.")
        ROW(until_s, .kind = SCENARIO_NUMBER, .least = 1, .most = 600,
            .help = "When it ends, for a fault that lasts.")
#define PARAMETER(name, default, least_, most_, help_) \
    ROW(name, .kind = SCENARIO_NUMBER, .least = (least_), .most = (most_), .help = (help_))
#include "drills/fault_parameters.def"
};

static const struct fault_row {
    const char *name, *takes;
    enum fault_target target;
    bool lasts;
} faults[] = {
#undef FAULT
#define LASTS true
#define MOMENT false
#define FAULT(id, name, target, until, takes, help) {name, takes, FAULT_TARGET_##target, until},
#include "drills/faults.def"
};

const char *fault_name(enum fault_kind kind) { return faults[kind].name; }
const char *fault_node_name(enum fault_node node)
{
    static const char *const names[] = {"origin", "edge-1",        "edge-2", "edge-3",
                                        "edge-4", "half-of-edges", "edges",  "all"};
    return names[node];
}

enum fault_target fault_target(enum fault_kind kind) { return faults[kind].target; }
bool fault_lasts(enum fault_kind kind) { return faults[kind].lasts; }

bool fault_takes(enum fault_kind kind, const char *parameter)
{
    struct text rest = text_of(faults[kind].takes), word;
    while (text_split(&rest, ' ', &word))
        if (text_equal(word, text_of(parameter)))
            return true;
    return false;
}

const struct scenario_key *scenario_keys(size_t *ret_count)
{
    *ret_count = ARRAY_SIZE(keys);
    return keys;
}

const struct scenario_key *scenario_key_named(const char *section, struct text name)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i].section, section) == 0 && text_equal(text_of(keys[i].name), name))
            return &keys[i];
    return NULL;
}

/* How many letters two words share at their begin and end: enough to find a slip of the finger. */
static size_t likeness(struct text a, struct text b)
{
    size_t least = a.size < b.size ? a.size : b.size, begin = 0, end = 0;
    while (begin < least && a.data[begin] == b.data[begin])
        begin++;
    while (end < least - begin && a.data[a.size - 1 - end] == b.data[b.size - 1 - end])
        end++;
    return begin + end;
}

const char *scenario_key_nearest(const char *section, struct text name)
{
    const char *best = NULL;
    size_t most = 0;
    bool is_top = strcmp(section, "about") == 0; /* where the sections themselves are keys */
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        bool is_here = strcmp(keys[i].section, section) == 0;
        const char *candidate = is_here ? keys[i].name : keys[i].section;
        size_t shared = likeness(text_of(candidate), name);
        if ((is_here || is_top) && shared > most && shared * 2 >= name.size) {
            best = candidate;
            most = shared;
        }
    }
    return best;
}

static bool accepts_choice(const struct scenario_key *key, struct text value, int64_t *ret,
                           struct buffer *why)
{
    struct text rest = text_trim(text_of(key->words)), word;
    for (int64_t at = 0; text_split(&rest, ' ', &word); at++)
        if (text_equal(word, value)) {
            *ret = at;
            return true;
        }
    buffer_printf(why, "%s is one of: %.*s; not \"%.*s\"", key->name,
                  TEXT_ARGS(text_trim(text_of(key->words))), TEXT_ARGS(value));
    return false;
}

static bool accepts_number(const struct scenario_key *key, struct text value, int64_t *ret,
                           struct buffer *why)
{
    int64_t number;
    bool is_number = text_to_i64(value, &number);
    if (is_number && number >= key->least && number <= key->most) {
        *ret = number;
        return true;
    }
    buffer_printf(why, "%s is a whole number ", key->name);
    if (key->most == INT64_MAX)
        buffer_printf(why, "of at least %lld", (long long)key->least);
    else
        buffer_printf(why, "from %lld to %lld", (long long)key->least, (long long)key->most);
    buffer_printf(why, "; not \"%.*s\"", TEXT_ARGS(value));
    return false;
}

static bool accepts_text(const struct scenario_key *key, struct text value, struct buffer *why)
{
    bool is_good = value.size > 0 && value.size <= SCENARIO_MAX_TEXT_BYTES && text_is_utf8(value);
    if (!is_good)
        buffer_printf(why, "%s is a text of 1 to %d bytes, in UTF-8", key->name,
                      SCENARIO_MAX_TEXT_BYTES);
    return is_good;
}

bool scenario_key_accepts(const struct scenario_key *key, struct text value, int64_t *ret,
                          struct buffer *why)
{
    switch (key->kind) {
    case SCENARIO_CHOICE:
        return accepts_choice(key, value, ret, why);
    case SCENARIO_NUMBER:
        return accepts_number(key, value, ret, why);
    default:
        return accepts_text(key, value, why);
    }
}
