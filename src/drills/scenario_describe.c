// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/scenario_keys.h"
#include <string.h>

static void describe_key(const struct scenario_key *key, struct buffer *out)
{
    buffer_printf(out, "| `%s` | ", key->name);
    if (key->kind == SCENARIO_CHOICE) {
        struct text words = text_trim(text_of(key->words)), word;
        for (int64_t at = 0; text_split(&words, ' ', &word); at++)
            buffer_printf(out, at == key->fallback ? "%s**%.*s**" : "%s%.*s", at ? " " : "",
                          TEXT_ARGS(word));
    } else if (key->kind == SCENARIO_NUMBER) {
        if (key->most == INT64_MAX)
            buffer_printf(out, "%lld…", (long long)key->least);
        else
            buffer_printf(out, "%lld…%lld", (long long)key->least, (long long)key->most);
        if (key->fallback != SCENARIO_NOT_GIVEN)
            buffer_printf(out, ", **%lld**", (long long)key->fallback);
    } else {
        buffer_printf(out, "%s%s", key->kind == SCENARIO_LIST ? "texts" : "text",
                      key->is_needed ? ", needed" : "");
    }
    buffer_printf(out, " | %s |\n", key->help);
}

static void describe_faults(struct buffer *out)
{
    buffer_printf(out, "\n### kinds of fault\n\n| kind | takes beside `at_s` | what happens |\n"
                       "|---|---|---|\n");
#define LASTS "until_s "
#define MOMENT ""
#define FAULT(id, name, target, until, takes, help) \
    buffer_printf(out, "| `%s` | %s | %s |\n", name, until takes, help);
#include "drills/faults.def"
}

void scenario_describe(struct buffer *out)
{
    size_t count;
    const struct scenario_key *keys = scenario_keys(&count);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(keys[i].section, keys[i - 1].section) != 0)
            buffer_printf(out, "%s### %s\n\n| key | value, **default** | what |\n|---|---|---|\n",
                          i ? "\n" : "", i ? keys[i].section : "outside all braces");
        describe_key(&keys[i], out);
    }
    describe_faults(out);
}
