// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "library/library.h"
#include "library/scan.h"

/*
 * scanner: the scan thread, and what it is asked for and has not begun.
 *
 *   any thread                                  scan thread
 *   scanner_want*() ── wanted, condition ──▶ on_turn, scan_run(), on_turn
 *
 * Scans wanted while one runs become one: of everything, unless all named folders only.  The
 * database for writing and the depots belong to the thread while it runs.
 */
struct scanner;

enum { SCANNER_MAX_FOLDERS = 1000 }; /* wanted ones; beyond them everything is looked at */

struct scanner_config {
    struct scan_environment environment; /* but for progress, is_cancelled: the scanner's own */
    uint64_t estimate;                   /* audio files there probably are; 0 unknown */
    /* On the thread, with the environment's context: a scan begins, or has ended. */
    void (*on_turn)(void *context);
};

/* 0 or -errno of the thread. */
int scanner_start(const struct scanner_config *config, struct scanner **ret) MUST_USE;
/* Ends the scan under way early and waits for it.  What is wanted from then on never begins. */
void scanner_stop(struct scanner *scanner);  /* accepts NULL */
void scanner_free(struct scanner **scanner); /* stopped, or NULL inside */

/* --- any thread; none waits for a disk --- */
void scanner_want(struct scanner *scanner, struct library_scan_options options);
/* A folder of a root; `is_deep`: what lies beneath may be unknown or other than before. */
void scanner_want_folder(struct scanner *scanner, int32_t root, const char *path, bool is_deep);
bool scanner_is_busy(struct scanner *scanner); /* scanning, or about to */
/* Fills in what is of scans: phase, files, times. */
void scanner_status(struct scanner *scanner, struct library_status *ret);
