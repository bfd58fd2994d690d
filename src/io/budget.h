// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <stdbool.h>
#include <stdint.h>

/*
 * budget: a share of one loop's time for work that others must not wait for.
 *
 * A bucket of microseconds: it fills at `percent` of the time that passes, up to BUDGET_BURST_US,
 * and what is done is charged when it is done, so it may fall below nothing; then nothing more is
 * begun until the debt is paid.  Over any span the work takes at most its share plus one burst and
 * one piece.  100 percent and more: no bound.
 */
enum { BUDGET_BURST_US = 10 * 1000 };

struct budget {
    uint32_t percent;
    int64_t left_hundredths; /* of a microsecond: percent times time needs no rounding */
    uint64_t filled_us;      /* when */
};

void budget_init(struct budget *budget, uint32_t percent, uint64_t now_us);
bool budget_has(struct budget *budget, uint64_t now_us); /* another piece may begin */
void budget_charge(struct budget *budget, uint64_t spent_us);
uint64_t budget_ready_at_us(const struct budget *budget); /* when budget_has() will say yes */
