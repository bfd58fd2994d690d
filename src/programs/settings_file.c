// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/settings_file.h"

#include "base/log.h"
#include "base/mem.h"
#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>

/*
 * Every option is a string to libconfuse: it does the syntax, settings.c does the meaning.  Its
 * callbacks carry no context, so the parse under way is found through this one pointer.
 */
static struct parse {
    const char *name;
    struct buffer *why;
    bool has_failed;
} * parsing;

static void start_message(cfg_t *cfg)
{
    const char *name =
        cfg->filename && strcmp(cfg->filename, "[buf]") != 0 ? cfg->filename : parsing->name;
    buffer_printf(parsing->why, "%s:%d: ", name, cfg->line);
    parsing->has_failed = true;
}

/* libconfuse's "no such option 'x'" becomes a suggestion; the rest of its words are kept. */
static void on_error(cfg_t *cfg, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
static void on_error(cfg_t *cfg, const char *format, va_list arguments)
{
    static const char no_such[] = "no such option '";
    char words[256];
    if (parsing->has_failed) /* the first error is the one to mend; others follow from it */
        return;
    start_message(cfg);
    int size = vsnprintf(words, sizeof words, format, arguments);
    if (size > 0 && strncmp(words, no_such, sizeof no_such - 1) == 0) {
        struct text key = text_of(words + sizeof no_such - 1);
        if (key.size > 0 && key.data[key.size - 1] == '\'')
            key.size--;
        const char *nearest = setting_nearest(key);
        buffer_printf(parsing->why, "there is no setting \"%.*s\"", TEXT_ARGS(key));
        if (nearest)
            buffer_printf(parsing->why, "; did you mean \"%s\"?", nearest);
        else
            buffer_printf(parsing->why, "; sostenuto.conf(5) lists them all");
        return;
    }
    buffer_printf(parsing->why, "%s; a setting is written as: key = \"value\"", words);
}

/* Called after each value, while the line number is right. */
static int on_value(cfg_t *cfg, cfg_opt_t *option)
{
    const struct setting *setting = setting_named(text_of(option->name));
    unsigned count = cfg_opt_size(option);
    if (!setting || count == 0)
        return 0;
    const char *value = cfg_opt_getnstr(option, count - 1);
    struct buffer words;
    buffer_init(&words, SETTINGS_WHY_MAX_BYTES);
    bool is_good = setting_accepts(setting, text_of(value), &words);
    if (!is_good && !parsing->has_failed) {
        start_message(cfg);
        buffer_text(parsing->why, buffer_view(&words));
    }
    buffer_release(&words);
    return is_good ? 0 : -1;
}

static bool take_option(struct settings *settings, cfg_t *cfg, const struct setting *setting,
                        struct buffer *why)
{
    cfg_opt_t *option = cfg_getopt(cfg, setting->name);
    unsigned count = option ? cfg_opt_size(option) : 0;
    if (count == 0)
        return true;
    if (setting->kind != SETTING_KIND_LIST) {
        const char *value = cfg_opt_getnstr(option, 0);
        return settings_set(settings, setting, text_of(value), why);
    }
    if (count > SETTINGS_LIST_MAX)
        count = SETTINGS_LIST_MAX + 1; /* refused by name below */
    struct text items[SETTINGS_LIST_MAX + 1];
    for (unsigned i = 0; i < count; i++)
        items[i] = text_of(cfg_opt_getnstr(option, i));
    return settings_set_list(settings, setting, items, count, why);
}

static cfg_opt_t *options_new(void)
{
    size_t count = setting_count();
    cfg_opt_t *options = mem_zalloc((count + 2) * sizeof *options);
    for (size_t i = 0; i < count; i++) {
        const struct setting *setting = setting_at(i);
        bool is_list = setting->kind == SETTING_KIND_LIST;
        cfg_opt_t text_option = CFG_STR(setting->name, NULL, CFGF_NODEFAULT);
        cfg_opt_t list_option = CFG_STR_LIST(setting->name, NULL, CFGF_NODEFAULT);
        options[i] = is_list ? list_option : text_option;
    }
    options[count] = (cfg_opt_t)CFG_FUNC("include", cfg_include);
    options[count + 1] = (cfg_opt_t)CFG_END();
    return options;
}

/* The whole file must fit before any of it counts: a list that is too long is found only here. */
static bool take_all(struct settings *settings, cfg_t *cfg, struct buffer *why)
{
    struct settings trial;
    settings_init(&trial);
    bool is_good = true;
    for (size_t i = 0; is_good && i < setting_count(); i++)
        is_good = take_option(&trial, cfg, setting_at(i), why);
    settings_release(&trial);
    for (size_t i = 0; is_good && i < setting_count(); i++)
        is_good = take_option(settings, cfg, setting_at(i), why);
    return is_good;
}

/* Behind a text in quotes that begins at `at`. */
static char *skip_quoted(char *at)
{
    char quote = *at++;
    while (*at && *at != quote)
        at += at[0] == '\\' && at[1] ? 2 : 1;
    return *at ? at + 1 : at;
}

/* libconfuse 3.3 counts lines with comments more than once: what it is told has none. */
static void blank_comments(char *at)
{
    while (*at) {
        size_t size = 0;
        if (*at == '"' || *at == '\'') {
            at = skip_quoted(at);
            continue;
        }
        if (*at == '#')
            size = strcspn(at, "\n");
        const char *end = at[0] == '/' && at[1] == '*' ? strstr(at + 2, "*/") : NULL;
        if (end)
            size = (size_t)(end - at) + 2;
        for (size_t i = 0; i < size; i++)
            at[i] = at[i] == '\n' ? '\n' : ' ';
        at += size ? size : 1;
    }
}

bool settings_parse(struct settings *settings, const char *name, struct text content,
                    struct buffer *why)
{
    if (content.size > SETTINGS_FILE_MAX_BYTES || text_find_byte(content, '\0') != SIZE_MAX) {
        buffer_printf(why, "%s: a configuration is text of at most %d KiB", name,
                      SETTINGS_FILE_MAX_BYTES / 1024);
        return false;
    }
    struct parse parse = {.name = name, .why = why};
    assert(!parsing);
    parsing = &parse;
    cfg_opt_t *options = options_new();
    cfg_t *cfg = cfg_init(options, CFGF_NONE);
    assert(cfg);
    cfg_set_error_function(cfg, on_error);
    for (size_t i = 0; i < setting_count(); i++)
        (void)cfg_set_validate_func(cfg, setting_at(i)->name, on_value);
    char *copy = text_dup(content);
    blank_comments(copy);
    bool is_good = cfg_parse_buf(cfg, copy) == CFG_SUCCESS && take_all(settings, cfg, why);
    if (!is_good && why->size == 0)
        buffer_printf(why, "%s: not understood; a setting is written as: key = \"value\"", name);
    mem_free(copy);
    cfg_free(cfg);
    mem_free(options);
    parsing = NULL;
    return is_good;
}

bool settings_read_file(struct settings *settings, const char *path, struct buffer *why)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        buffer_printf(why, "%s: cannot be read: %.*s", path, TEXT_ARGS(log_errno(errno)));
        return false;
    }
    struct buffer content;
    buffer_init(&content, SETTINGS_FILE_MAX_BYTES + 1);
    size_t got;
    char chunk[4096];
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0 && !content.overflowed)
        buffer_append(&content, chunk, got);
    bool is_read = !ferror(file);
    (void)fclose(file);
    bool is_good = false;
    if (!is_read || content.overflowed)
        buffer_printf(why, "%s: %s", path,
                      is_read ? "longer than a configuration may be (256 KiB)" : "cannot be read");
    else
        is_good = settings_parse(settings, path, buffer_view(&content), why);
    buffer_release(&content);
    return is_good;
}
