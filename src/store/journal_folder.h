// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "store/journal.h"

/*
 * journal_folder: the files of a journal while it is opened: identity, order of segments,
 * reading, quarantine. Single-threaded; journal.c adds the thread.  Internal to store/.
 */
struct segment_file {
    uint64_t first_lsn, last_lsn, bytes; /* last_lsn first_lsn - 1 when it holds no record */
};

struct journal_folder {
    int fd, lock_fd; /* -1 when closed */
    const struct disk *disk;
    struct uid journal, device;
    struct segment_file *segments; /* ascending; on the heap */
    size_t count;
};

enum { SEGMENT_NAME_BYTES = 32 };
void journal_segment_name(uint64_t first_lsn, char ret_name[SEGMENT_NAME_BYTES]);

int journal_folder_open(struct journal_folder *folder, const struct journal_config *config,
                        journal_replay *replay, void *context,
                        struct journal_report *report) MUST_USE;
void journal_folder_close(struct journal_folder *folder);
