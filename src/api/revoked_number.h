// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include <stdint.h>

/*
 * revoked_number: numbers of the versions of /revoked, each greater than any that this node gave
 * out before, whatever its clock did meanwhile and however it ended.
 *
 * A number is not behind the clock's milliseconds, so that several origins on one state of record
 * go forward together.  STATE/revoked holds one that none has reached yet; it is raised, by a
 * worker, when one comes near, and the first number after a start is greater than it:
 *
 *     sostenuto-revoked: 1
 *     below: NUMBER
 *
 * Only the number of the last milliseconds before a power cut may be given out again, and only when
 * the clock went back, too.
 */
struct api_config;
struct revoked_number;

/* Blocks.  `config` is borrowed; without a folder only the clock counts. */
struct revoked_number *revoked_number_new(const struct api_config *config) MUST_USE;
void revoked_number_free(struct revoked_number **number);
uint64_t revoked_number_next(struct revoked_number *number, int64_t now_ms);
