// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/json.h"

/* report_ear: what the ear of a run heard, as one line of words and as JSON. */
struct evidence_ear;
void report_ear_words(const struct evidence_ear *ear, struct buffer *out);
void report_ear_json(struct json *json, const struct evidence_ear *ear);
