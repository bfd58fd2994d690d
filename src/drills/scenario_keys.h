// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/scenario.h"

/* scenario_keys: the keys of a scenario file as a table, for the reader and the manual. */
enum scenario_kind { SCENARIO_TEXT, SCENARIO_LIST, SCENARIO_NUMBER, SCENARIO_CHOICE };

struct scenario_key {
    const char *section, *name;
    enum scenario_kind kind;
    bool is_needed;
    int64_t fallback, least, most;
    const char *words; /* of a choice, in order, spaces between */
    const char *help;
    size_t offset; /* in struct scenario, or in struct scenario_fault when the section is "fault" */
};

/* Those of "about", which stand outside all braces, come first. */
const struct scenario_key *scenario_keys(size_t *ret_count);
const struct scenario_key *scenario_key_named(const char *section, struct text name);
/* The name in that section that looks most like it, or NULL. */
const char *scenario_key_nearest(const char *section, struct text name);
bool fault_takes(enum fault_kind kind, const char *parameter);

/* False with words in `why` (without place) when the key cannot hold that. */
bool scenario_key_accepts(const struct scenario_key *key, struct text value, int64_t *ret,
                          struct buffer *why) MUST_USE;
