// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/settings.h"

/*
 * settings_file: sostenuto.conf, read by libconfuse: key = value, lists in braces, # comments,
 * include("other.conf").
 *
 * A file is taken whole or not at all: on any error `settings` is as before and `why` says
 * "file:line: key: what was wrong; what to write".  Unknown keys are errors, with the nearest known
 * one. Not for two threads at once (libconfuse's lexer is global).
 */
enum { SETTINGS_FILE_MAX_BYTES = 256 * 1024 };

/* `name` is what messages call the text. */
bool settings_parse(struct settings *settings, const char *name, struct text content,
                    struct buffer *why) MUST_USE;
bool settings_read_file(struct settings *settings, const char *path, struct buffer *why) MUST_USE;
