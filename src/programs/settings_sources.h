// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/arguments.h"
#include "programs/settings.h"

/*
 * settings_sources: where settings come from, in order: defaults, then the file, then SOSTENUTO_*
 * of the environment, then flags; a later one wins.  A list is replaced whole by a later origin;
 * within the flags, one given several times means all its values.
 *
 * The file is --config, else SOSTENUTO_CONFIG, else sostenuto.conf in the state folder when it
 * exists.  The state folder (`data`) is therefore found first, and may be named in a file only when
 * that file is named elsewhere.
 */

/* Every setting as a flag, then --config; for a command that takes settings.  Static storage, built
 * once. */
const struct argument_option *settings_options(size_t *ret_count);
/* Only --data and --config: for commands that merely must find the state folder. */
const struct argument_option *settings_place_options(size_t *ret_count);

/*
 * Fills `settings` (initialised here; released by the caller also on failure).  False with words in
 * `why`. `data` is never empty afterwards.  Unknown SOSTENUTO_* variables are errors too: a typo
 * must not pass in silence.
 */
bool settings_load(struct settings *settings, const struct arguments *arguments,
                   struct buffer *why) MUST_USE;

/* Whether they say that a supervisor is to be; when they do not load, whoever loads them next says
 * so. */
bool settings_want_supervisor(const struct arguments *arguments) MUST_USE;

/* The file that settings_load() would read into `ret_path`, or an empty string. */
void settings_file_path(const struct arguments *arguments, const char *data, char *ret_path,
                        size_t capacity);
/* Folders on the command line, as positionals, replace those of the configuration. */
bool settings_take_folders(struct settings *settings, const struct arguments *arguments,
                           struct buffer *why) MUST_USE;
