// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * duty: what one of several origins on one database of record does for all of them.
 *
 *     duty_ask ─▶ the record: is it anybody's? ─▶ ours for a minute from then on; each asking
 * renews it
 *
 * Who does not ask any more loses it a minute after it last did, by the database's clock, to who
 * asks then.  So what is done within DUTY_MS of an answer, and arrives at the record before the
 * minute is over, is done by one at a time.  Without a record it is ours.
 */
struct duty;
struct state;

enum { DUTY_MS = 20 * 1000 };

/* Once, on the state's loop, never from inside duty_ask().  `is_ours` false: it is another's, the
 * record cannot be asked, or the state closes. */
typedef void duty_answered(void *context, bool is_ours);

/* `name`: static, no name that an account may have; at most one asking of a name at a time. */
void duty_ask(struct state *state, const char *name, duty_answered *answered, void *context);
