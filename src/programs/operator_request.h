// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"

/*
 * operator_request: what a line on the control socket asks, and the line that asks it.
 *
 * Texts are owned by the struct; what was not given is "" or false.  Unknown members are ignored,
 * so that an older server understands what it can of a newer command.
 */
struct operator_request {
    char *verb, *name, *password, *label, *path, *expires;
    bool is_admin, is_full, allows_removal;
};

/* False for anything but one JSON object whose known members have the right type; nothing is held
 * then. */
bool operator_request_parse(struct text line, struct operator_request *ret) MUST_USE;
void operator_request_release(struct operator_request *request); /* wipes the password */
/* Texts may be NULL. */
void operator_request_write(const struct operator_request *request, struct buffer *out);
