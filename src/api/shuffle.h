// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/compiler.h"
#include "base/text.h"
#include "trust/uid.h"

/*
 * shuffle: seeds for what comes in any order, such that the pages of one shuffle fit together.
 *
 * A first page (offset 0) draws a new seed; further pages of the same listener and client get that
 * seed again. A table of fixed size: who is overwritten there gets a new shuffle from the next page
 * on.
 */
struct shuffles;

struct shuffles *shuffles_new(void) MUST_USE;
void shuffles_free(struct shuffles **shuffles);

uint64_t shuffle_seed(struct shuffles *shuffles, struct uid account, struct text client,
                      size_t offset);
uint64_t shuffle_draw(struct shuffles *shuffles); /* for a single page */
