// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "drills/load.h"
#include "drills/scenario.h"

/*
 * evidence: everything that one run of a scenario measured.  run.c writes it, score.c judges it,
 * report_*.c show it; nobody else needs to have been there.
 */
enum { EVIDENCE_WORDS_BYTES = 256 };

struct evidence_second {
    struct load_second load;
    uint32_t memory_mib; /* of the server, at its end */
    uint32_t down_ms;    /* of this second, without an answer to /livez */
    uint32_t starved_ms; /* that the server's home loop was ready to run and had no processor */
    uint32_t asked;      /* requests to an origin (drills/asked.h) */
    uint8_t asked_by;    /* its edges, a bit each */
};

struct evidence {
    bool has_begun;                 /* the fleet stood and the load ran */
    char why[EVIDENCE_WORDS_BYTES]; /* when it did not */

    struct load_figures whole, before, during,
        after; /* the first fault's begin, the last one's end */
    struct load_readback readback;
    bool has_readback;
    struct evidence_fault {
        bool has_bit;
        char words[128];
    } faults[SCENARIO_MAX_FAULTS];
    bool has_words[SCENARIO_MAX_LIST]; /* of scenario.about.words */

    struct evidence_ear {
        bool has_heard; /* a song began, and its report is whole */
        uint64_t heard_ms, silent_ms, gaps, longest_gap_ms, heard_samples, wrong_samples, moves;
        uint64_t stopped_at_ms; /* the first gap, from the song's begin; UINT64_MAX: none */
        uint64_t tried, failed; /* searches, sign-ins and writes */
        uint64_t searches, searches_failed, sign_ins, sign_ins_failed;
        uint64_t writes, writes_late, writes_lost, writes_doubled;
        char why[128]; /* when it could not */
    } ear;
    uint64_t down_ms_max, memory_peak_bytes;
    uint64_t starved_ms_max; /* in any one second */
    bool was_stopped;        /* a stop condition; the words tell which */
    char stop_words[EVIDENCE_WORDS_BYTES];
    int exit_code; /* of the server, in the end */

    struct evidence_control { /* the same load against a server that answers at once */
        bool has_run, kept_up;
        uint64_t plays_started, plays_failed, gaps, late_ms_max;
        uint64_t start_ms_p99;
    } control;

    struct evidence_second *seconds;
    size_t second_count;
    uint64_t took_ms;     /* with everything before and after */
    char guards_off[128]; /* "": an ordinary run */
};

void evidence_release(struct evidence *evidence);

/* When faults stand, in seconds of the run; a moment is given three seconds.  False without any. */
bool evidence_fault_span(const struct scenario *scenario, int64_t *ret_begin_s, int64_t *ret_end_s);
/* From the begin of a fault to the end of the last second that shows one; 0 when none does. */
int64_t evidence_recover_s(const struct scenario *scenario, const struct evidence *evidence);
/* Requests per tap from the first fault on, in percent of before; -1 when nothing was tapped. */
int64_t evidence_amplification(const struct evidence *evidence);
/*
 * What an origin is asked while it recovers, in percent of what it was asked before the first
 * fault: requests per write that listeners made (a play that counted, a star, an edit), for it is
 * those that an origin hears of.  Recovery begins with the first request of an edge once the last
 * fault of a node is over (of a line, where no node had one) and lasts to the end; before is as
 * long a time, as far as there is one once people have come.  -1 when there is nothing to compare,
 * or an edge that asked before did not ask again.
 */
int64_t evidence_origin_load(const struct scenario *scenario, const struct evidence *evidence);
