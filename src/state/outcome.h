// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

/* outcome: what became of an operation, from outcomes.def.  A worse one is greater. */
enum outcome {
#define OUTCOME(id, word, status, help) OUTCOME_##id,
#include "state/outcomes.def"
#undef OUTCOME
};

const char *outcome_word(enum outcome outcome);
const char *outcome_help(enum outcome outcome);
unsigned outcome_status(enum outcome outcome); /* HTTP */
