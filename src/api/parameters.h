// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "http/message.h"

/*
 * parameters: what an endpoint takes, as a line of words, and the check of a request against it.
 *
 *     "id! size# submission? genre"
 *
 * `!` must be there, `#` whole number from 0 to 2^53, `?` true or false (also 1 or 0, on or off);
 * marks may be joined ("time#!").  An empty value counts as absent, since many clients send
 * "musicFolderId=".  Every value of a repeated parameter is checked.  Names that the line does not
 * have are ignored, as the protocol wants.
 */
enum parameter_fault {
    PARAMETER_FINE,
    PARAMETER_MISSING,
    PARAMETER_NOT_NUMBER,
    PARAMETER_NOT_BOOL,
    PARAMETER_NOT_TEXT, /* not UTF-8, or longer than PARAMETER_MAX_BYTES */
};

enum { PARAMETER_MAX_BYTES = 4096 };

/* The first fault and the name it is about (of static storage, from `line`). */
enum parameter_fault parameters_check(const char *line, const struct http_parameters *parameters,
                                      struct text *ret_name);
/* What to tell a person about it: "the parameter size must be a whole number". */
const char *parameter_fault_words(enum parameter_fault fault);

/* For checked parameters: the first value, or `otherwise` when absent or empty. */
struct text parameter_text(const struct http_parameters *parameters, const char *name);
uint64_t parameter_number(const struct http_parameters *parameters, const char *name,
                          uint64_t otherwise);
bool parameter_bool(const struct http_parameters *parameters, const char *name, bool otherwise);
/* Every value of a repeated name in order: start with *cursor 0, ends with false. */
bool parameter_next(const struct http_parameters *parameters, const char *name, size_t *cursor,
                    struct text *ret_value);
