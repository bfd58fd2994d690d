// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "trust/uid.h"

/*
 * forwarded_mark: how much of this node's journal has arrived at the origin (forwarder.h), written
 * after each receipt and read at the next start, or by who takes the origin's place.
 *
 * STATE/forwarded: "JOURNAL LSN" LF, replaced whole.
 */

/* Zeros when there is none, or it is damaged: all is sent again, which changes nothing there. */
void forwarded_mark_read(const char *folder, struct uid *ret_journal, uint64_t *ret_lsn);
/* Durable when true. */
bool forwarded_mark_write(const char *folder, struct uid journal, uint64_t lsn) MUST_USE;
