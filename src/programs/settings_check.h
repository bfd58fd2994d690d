// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/settings.h"

/*
 * settings_check: what a value must look like.  Pure; looks nothing up but user names.
 */

/* NULL when `value` will do, else what it should have been, to follow "is not": "an address and
 * port, such as …". */
const char *setting_check_value(const struct setting *setting, struct text value);

/* The parts that the setter needs too; each wants a checked value. */
uint32_t setting_number(struct text value);
enum setting_switch { SWITCH_OFF, SWITCH_ON, SWITCH_NEITHER };
enum setting_switch setting_switch(struct text value);
size_t setting_choice(const struct setting *setting, struct text word); /* index, or SIZE_MAX */

/* "0.0.0.0:4747" or "[::1]:4747" into its parts, which point into `value`. */
bool address_split(struct text value, struct text *ret_host, uint16_t *ret_port) MUST_USE;
/* "Name=/path" or "/path" into its parts; an unnamed library is named after its folder. */
void library_split(struct text value, struct text *ret_name, struct text *ret_path);

/* Levenshtein distance; texts over 40 bytes are as far away as possible. */
size_t word_distance(struct text a, struct text b);
