// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/load_figures.h"
#include "base/compiler.h"
#include "base/text.h"

/*
 * ledger: what was written, to be compared with what is there later (Jepsen's set: acknowledged and
 * not found is lost).  Pure.
 *
 * Each write is unique within a load: plays are counted for (account, track); an (account, track)
 * is starred once and never unstarred; each playlist has a name of its own.  `unknown` are writes
 * that were sent and never answered: they may be there or not, once.
 */
struct ledger;

struct ledger *ledger_new(uint32_t accounts, uint32_t tracks, uint32_t playlists) MUST_USE;
void ledger_free(struct ledger **ledger);

enum ledger_word { LEDGER_ACKNOWLEDGED, LEDGER_UNKNOWN, LEDGER_REFUSED };

/* What was there before the first write. */
void ledger_before(struct ledger *ledger, uint32_t account, uint32_t track, uint64_t plays,
                   bool is_starred);

void ledger_play(struct ledger *ledger, uint32_t account, uint32_t track, enum ledger_word word);
/* Takes the one star of this pair; false when it is taken, or was there before. */
bool ledger_take_star(struct ledger *ledger, uint32_t account, uint32_t track) MUST_USE;
void ledger_star(struct ledger *ledger, uint32_t account, uint32_t track, enum ledger_word word);
/* The number of a new playlist of this account; UINT32_MAX when there are enough. */
uint32_t ledger_take_playlist(struct ledger *ledger, uint32_t account) MUST_USE;
void ledger_playlist(struct ledger *ledger, uint32_t number, enum ledger_word word);

/* Forgets what was found before. */
void ledger_read_anew(struct ledger *ledger);
/* What is there now, of one account after the other. */
void ledger_found_track(struct ledger *ledger, uint32_t account, uint32_t track, uint64_t plays,
                        bool is_starred);
void ledger_found_playlist(struct ledger *ledger, uint32_t number);
void ledger_found_stolen(struct ledger *ledger);
/* That all of this account's was told. */
void ledger_read(struct ledger *ledger, uint32_t account, bool is_readable);
void ledger_judge(const struct ledger *ledger, struct load_readback *ret);
