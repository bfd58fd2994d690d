// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/visit.h"

/* gate: the parts of it (gate.c draws the whole), for gate*.c alone. */

enum { GATE_UNKNOWN_PATIENCE = 15 }; /* times as long for what the island cannot answer */

/* By the server, lately or now, or here while it is away; else the visit is answered. */
void gate_prove(struct visit *visit, visit_step *proven);

void gate_write(struct visit *visit); /* gate_writes.c */
void gate_forget_told(struct adopt *adopt);
void gate_play(struct visit *visit); /* gate_media.c: audio and artwork */
