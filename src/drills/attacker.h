// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/load_state.h"

/*
 * attacker: a connection that holds on to the server with as little as it can: a header that never
 * ends, field by field, or a pipeline of tracks of which a few bytes are read now and then.  When
 * the server ends it, it comes back a second later.  Internal to the load.
 */
enum attacker_kind { ATTACKER_SLOW_HEADER, ATTACKER_SLOW_READER };

struct attacker {
    struct load *load;
    struct loop_watch watch;
    struct loop_timer timer;
    uint64_t since_us; /* it asked */
    uint32_t index;
    uint8_t kind;
    bool is_open, has_asked;
};

void attacker_init(struct attacker *attacker, struct load *load, uint32_t index,
                   enum attacker_kind kind);
void attacker_begin_at(struct attacker *attacker, uint64_t at_us);
/* Brings the load's attack_ms_max up to date. */
void attacker_look(struct attacker *attacker, uint64_t now_us);
void attacker_release(struct attacker *attacker);
