// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/outcome.h"

static const struct {
    const char *word, *help;
    unsigned status;
} rows[] = {
#define OUTCOME(id, word, status, help) [OUTCOME_##id] = {word, help, status},
#include "state/outcomes.def"
#undef OUTCOME
};

const char *outcome_word(enum outcome outcome) { return rows[outcome].word; }
const char *outcome_help(enum outcome outcome) { return rows[outcome].help; }
unsigned outcome_status(enum outcome outcome) { return rows[outcome].status; }
