// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/scenario.h"

/* scenario_check: does a scenario that could be read make sense?  Words in `why` when not. */
bool scenario_check_fault(struct scenario_fault *fault, struct buffer *why) MUST_USE;
bool scenario_check(const struct scenario *scenario, const char *name, struct buffer *why) MUST_USE;
