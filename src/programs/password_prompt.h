// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * password_prompt: a password from a file, from standard input, or from a person without echo.
 */
enum { PASSWORD_PROMPT_MAX_BYTES = 1024 };

/*
 * `file` is a path, "-" for standard input, or NULL: then a terminal is asked twice, and anything
 * else is read as "-". One newline at the end is not part of it.  False with words in `why`.
 */
bool password_prompt(const char *file, struct buffer *ret_password, struct buffer *why) MUST_USE;
