// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * pauses: listeners whose writes the foreign server did not take just now (replay.h), and when they
 * are tried again: a second later, then twice as long each time, up to five minutes; after a
 * refusal of who they are up to an hour, so that nobody's account is locked by our asking.  Other
 * credentials end a pause.
 *
 * In memory: another process tries at once.  One thread; time is a parameter (monotonic, ms).
 */
struct pauses;
enum { PAUSES_MAX = 10000 }; /* when it is full all are forgotten */

struct pauses *pauses_new(void) MUST_USE;
void pauses_free(struct pauses **pauses); /* accepts NULL inside */

bool pauses_has(const struct pauses *pauses, struct text listener, struct text credentials,
                int64_t now_ms) MUST_USE;
void pauses_add(struct pauses *pauses, struct text listener, struct text credentials,
                bool is_denied, int64_t now_ms);
void pauses_end(struct pauses *pauses, struct text listener);
