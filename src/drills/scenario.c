// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Every key is a string to libconfuse: it does the syntax and counts lines, scenario_keys.c does
 * the meaning.  Its callbacks carry no context, so the parse under way is found through one
 * pointer; scenarios are read one at a time.
 */
#include "drills/scenario.h"

#include "base/log.h"
#include "base/mem.h"
#include "drills/scenario_check.h"
#include "drills/scenario_keys.h"
#include "io/file.h"
#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

static const char *const sections[] = {"about", "topology", "load", "ear",
                                       "stop",  "limits",   "fault"};
enum { KEYS_PER_SECTION = 32 };

static struct parse {
    const char *name;
    struct scenario *scenario;
    struct buffer *why;
    bool has_failed;
} * parsing;

/* The first error is the one to mend: others follow from it. */
static bool start_error(const cfg_t *cfg)
{
    if (parsing->has_failed)
        return false;
    buffer_printf(parsing->why, "%s:%d: ", parsing->name, cfg->line);
    return parsing->has_failed = true;
}

static const char *section_of(const cfg_t *cfg)
{
    for (size_t i = 1; cfg->name && i < ARRAY_SIZE(sections); i++)
        if (strcmp(cfg->name, sections[i]) == 0)
            return sections[i];
    return sections[0];
}

/* libconfuse's "no such option 'x'" becomes a suggestion; the rest of its words are kept. */
static void on_error(cfg_t *cfg, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
static void on_error(cfg_t *cfg, const char *format, va_list arguments)
{
    static const char no_such[] = "no such option '";
    char words[256];
    int size = vsnprintf(words, sizeof words, format, arguments);
    if (size < 0 || !start_error(cfg))
        return;
    if (strncmp(words, no_such, sizeof no_such - 1) != 0) {
        buffer_printf(parsing->why, "%s; a key is written as: key = \"value\"", words);
        return;
    }
    struct text key = text_of(words + sizeof no_such - 1);
    if (key.size > 0 && key.data[key.size - 1] == '\'')
        key.size--;
    const char *section = section_of(cfg), *nearest = scenario_key_nearest(section, key);
    buffer_printf(parsing->why, "%s has no key \"%.*s\"",
                  section == sections[0] ? "a scenario" : section, TEXT_ARGS(key));
    if (nearest)
        buffer_printf(parsing->why, "; did you mean \"%s\"?", nearest);
    else
        buffer_printf(parsing->why, "; docs/formats/drill.md lists them all");
}

/* Called after each value, while the line number is right. */
static int on_value(cfg_t *cfg, cfg_opt_t *option)
{
    const struct scenario_key *key = scenario_key_named(section_of(cfg), text_of(option->name));
    unsigned count = cfg_opt_size(option);
    if (!key || count == 0)
        return 0;
    const char *value = cfg_opt_getnstr(option, count - 1);
    struct buffer words;
    buffer_init(&words, SCENARIO_WHY_MAX_BYTES);
    int64_t ignored;
    bool is_good =
        count <= SCENARIO_MAX_LIST && scenario_key_accepts(key, text_of(value), &ignored, &words);
    if (count > SCENARIO_MAX_LIST)
        buffer_printf(&words, "%s holds at most %d texts", key->name, SCENARIO_MAX_LIST);
    if (!is_good && start_error(cfg))
        buffer_text(parsing->why, buffer_view(&words));
    buffer_release(&words);
    return is_good ? 0 : -1;
}

/* --- values, after libconfuse has the syntax --- */

static struct text value_of(cfg_t *cfg, const char *name, unsigned at)
{
    cfg_opt_t *option = cfg_getopt(cfg, name);
    return option && cfg_opt_size(option) > at ? text_of(cfg_opt_getnstr(option, at)) : TEXT_NONE;
}

static void take_list(struct scenario_list *list, cfg_t *cfg, const char *name)
{
    for (unsigned i = 0; i < SCENARIO_MAX_LIST; i++) {
        struct text item = value_of(cfg, name, i);
        if (item.data)
            list->items[list->count++] = text_dup(item);
    }
}

/* Of `cfg` into `base`; the values were accepted one by one before. */
static void take_key(const struct scenario_key *key, void *base, cfg_t *cfg)
{
    void *place = (char *)base + key->offset;
    struct text value = value_of(cfg, key->name, 0);
    int64_t *number = place;
    struct buffer ignored;
    buffer_init(&ignored, 0);
    switch (key->kind) {
    case SCENARIO_TEXT:
        *(char **)place = value.data ? text_dup(value) : NULL;
        break;
    case SCENARIO_LIST:
        take_list(place, cfg, key->name);
        break;
    default:
        *number = key->fallback;
        if (value.data && !scenario_key_accepts(key, value, number, &ignored))
            assert(false && "accepted while it was read");
    }
    buffer_release(&ignored);
}

static void take_section(struct scenario *scenario, cfg_t *cfg, const char *section)
{
    size_t count;
    const struct scenario_key *keys = scenario_keys(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(keys[i].section, section) == 0)
            take_key(&keys[i], scenario, cfg);
}

static int64_t choice_of(cfg_t *cfg, const char *name, int64_t fallback)
{
    const struct scenario_key *key = scenario_key_named("fault", text_of(name));
    struct text value = value_of(cfg, name, 0);
    struct buffer ignored;
    buffer_init(&ignored, 0);
    if (value.data && !scenario_key_accepts(key, value, &fallback, &ignored))
        fallback = SCENARIO_NOT_GIVEN;
    buffer_release(&ignored);
    return fallback;
}

static bool take_fault(cfg_t *cfg, struct scenario_fault *fault, struct buffer *why)
{
    size_t count;
    const struct scenario_key *keys = scenario_keys(&count);
    int64_t kind = choice_of(cfg, "kind", SCENARIO_NOT_GIVEN);
    if (kind == SCENARIO_NOT_GIVEN) {
        buffer_printf(why, "a fault needs a kind, such as: kind = \"kill\"");
        return false;
    }
    fault->kind = (enum fault_kind)kind;
    fault->direction = (enum fault_direction)choice_of(cfg, "direction", FAULT_BOTH);
    if (value_of(cfg, "direction", 0).data && !fault_takes(fault->kind, "direction")) {
        buffer_printf(why, "a %s takes no direction", fault_name(fault->kind));
        return false;
    }
    fault->node = (enum fault_node)choice_of(cfg, "node", FAULT_NODE_ORIGIN);
    if (value_of(cfg, "node", 0).data && fault_target(fault->kind) == FAULT_TARGET_LINE) {
        buffer_printf(why, "a %s hits a line, not a node", fault_name(fault->kind));
        return false;
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(keys[i].section, "fault") == 0 && keys[i].offset != SIZE_MAX)
            take_key(&keys[i], fault, cfg);
    return scenario_check_fault(fault, why);
}

/* Called when a fault's closing brace was read: the line is that one's. */
static int on_fault(cfg_t *cfg, cfg_opt_t *option)
{
    struct scenario *scenario = parsing->scenario;
    struct buffer words;
    buffer_init(&words, SCENARIO_WHY_MAX_BYTES);
    bool is_good = false;
    if (scenario->fault_count == SCENARIO_MAX_FAULTS)
        buffer_printf(&words, "a scenario has at most %d faults", SCENARIO_MAX_FAULTS);
    else
        is_good = take_fault(cfg_opt_getnsec(option, cfg_opt_size(option) - 1),
                             &scenario->faults[scenario->fault_count], &words);
    scenario->fault_count += is_good;
    if (!is_good && start_error(cfg)) {
        buffer_text(parsing->why, buffer_view(&words));
        buffer_printf(parsing->why, " (the fault that ends here)");
    }
    buffer_release(&words);
    return is_good ? 0 : -1;
}

/* --- the options of libconfuse --- */

static void section_options(const char *section, cfg_opt_t *options, size_t *ret_used)
{
    size_t count, used = *ret_used;
    const struct scenario_key *keys = scenario_keys(&count);
    for (size_t i = 0; i < count; i++) {
        cfg_opt_t one = CFG_STR(keys[i].name, NULL, CFGF_NODEFAULT);
        cfg_opt_t list = CFG_STR_LIST(keys[i].name, NULL, CFGF_NODEFAULT);
        if (strcmp(keys[i].section, section) == 0) {
            assert(used + 8 < KEYS_PER_SECTION);
            options[used++] = keys[i].kind == SCENARIO_LIST ? list : one;
        }
    }
    options[used] = (cfg_opt_t)CFG_END();
    *ret_used = used;
}

static cfg_t *open_parser(void)
{
    cfg_opt_t options[ARRAY_SIZE(sections)][KEYS_PER_SECTION];
    size_t used[ARRAY_SIZE(sections)] = {0};
    for (size_t i = 1; i < ARRAY_SIZE(sections); i++) {
        section_options(sections[i], options[i], &used[i]);
        bool is_fault = strcmp(sections[i], "fault") == 0;
        options[0][used[0]++] =
            (cfg_opt_t)CFG_SEC(sections[i], options[i], is_fault ? CFGF_MULTI : CFGF_NONE);
    }
    section_options(sections[0], options[0], &used[0]);
    cfg_t *cfg = cfg_init(options[0], CFGF_NONE);
    assert(cfg);
    cfg_set_error_function(cfg, on_error);
    size_t count;
    const struct scenario_key *keys = scenario_keys(&count);
    for (size_t i = 0; i < count; i++) {
        char path[64];
        bool is_top = strcmp(keys[i].section, sections[0]) == 0;
        (void)snprintf(path, sizeof path, is_top ? "%.0s%s" : "%s|%s", keys[i].section,
                       keys[i].name);
        (void)cfg_set_validate_func(cfg, path, on_value);
    }
    (void)cfg_set_validate_func(cfg, "fault", on_fault);
    return cfg;
}

struct scenario *scenario_parse(const char *name, struct text content, struct buffer *why)
{
    if (content.size > SCENARIO_MAX_BYTES || text_find_byte(content, '\0') != SIZE_MAX) {
        buffer_printf(why, "%s: a scenario is text of at most %d KiB", name,
                      SCENARIO_MAX_BYTES / 1024);
        return NULL;
    }
    struct parse parse = {.name = name, .why = why, .scenario = MEM_NEW(struct scenario)};
    assert(!parsing);
    parsing = &parse;
    cfg_t *cfg = open_parser();
    char *copy = text_dup(content);
    bool is_good = cfg_parse_buf(cfg, copy) == CFG_SUCCESS && !parse.has_failed;
    if (is_good) {
        for (size_t i = 0; i + 1 < ARRAY_SIZE(sections); i++)
            take_section(parse.scenario, i == 0 ? cfg : cfg_getsec(cfg, sections[i]), sections[i]);
        is_good = scenario_check(parse.scenario, name, why);
    } else if (why->size == 0) {
        buffer_printf(why, "%s: not understood; a key is written as: key = \"value\"", name);
    }
    if (!is_good)
        scenario_free(&parse.scenario);
    mem_free(copy);
    cfg_free(cfg);
    parsing = NULL;
    return parse.scenario;
}

/* A library stands beside its scenario, wherever the person who starts it is. */
static void place_library(struct scenario *scenario, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *library = scenario->topology.library;
    if (!library || library[0] == '/' || !slash)
        return;
    struct buffer whole;
    buffer_init(&whole, 8192);
    buffer_printf(&whole, "%.*s/%s", (int)(slash - path), path, library);
    scenario->topology.library = text_dup(buffer_view(&whole));
    mem_free(library);
    buffer_release(&whole);
}

struct scenario *scenario_read(const char *path, struct buffer *why)
{
    struct buffer content;
    buffer_init(&content, SCENARIO_MAX_BYTES + 1);
    int error = file_read(AT_FDCWD, path, &content);
    struct scenario *scenario = NULL;
    if (error < 0)
        buffer_printf(why, "%s: %.*s", path, TEXT_ARGS(log_errno(error)));
    else
        scenario = scenario_parse(path, buffer_view(&content), why);
    if (scenario)
        place_library(scenario, path);
    buffer_release(&content);
    return scenario;
}

void scenario_free(struct scenario **scenario)
{
    size_t count;
    const struct scenario_key *keys = scenario_keys(&count);
    for (size_t i = 0; *scenario && i < count; i++) {
        if (keys[i].offset == SIZE_MAX || strcmp(keys[i].section, "fault") == 0)
            continue;
        void *place = (char *)*scenario + keys[i].offset;
        struct scenario_list *list = place;
        if (keys[i].kind == SCENARIO_TEXT)
            mem_free(*(char **)place);
        for (size_t at = 0; keys[i].kind == SCENARIO_LIST && at < list->count; at++)
            mem_free(list->items[at]);
    }
    mem_free_p(scenario);
}
