// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/loop.h"
#include "store/disk.h"
#include "store/segment.h"

/*
 * journal: records that are on the disk before anybody is told so, in a folder of segments
 * (segment.h).
 *
 * One committer thread takes everything that waits, writes it with one write and one fdatasync,
 * and posts the completions to the loops that submitted.  All records of one entry become durable
 * together or are refused together; entries complete in order.  LSNs count records from 1 and are
 * never given twice, also after a refusal.
 *
 * A write that fails is cut off again and answered.  After a failed fdatasync the segment is left
 * for ever: the kernel may have dropped what it could not write, so trying again and being told
 * "fine" would mean nothing.  Either way the next entry begins a new segment.  A folder that is
 * copied or moved to another machine gets a new device id, so that two copies never number their
 * operations alike.
 *
 *   identity            which journal and device this is, and on which machine and inode
 *   lock                held while open
 *   0000000000000001.journal …     segments, named by their first LSN in hex
 *   damaged/            bytes that could not be read, kept for whoever wants to look
 */
struct journal;

struct journal_config {
    const char *folder;      /* made if missing */
    const struct disk *disk; /* NULL: the real one */
    uint64_t max_bytes;      /* of all segments; 0: 1 GiB */
    uint64_t segment_bytes;  /* a segment is closed past this; 0: 8 MiB */
    uint64_t applied_lsn;    /* of journal `expected`: records up to here are not replayed */
    struct uid expected;     /* the journal that applied_lsn is about; none: unknown */
};

struct journal_report {
    struct uid journal, device;
    bool is_new;        /* made just now, or not the expected one: applied_lsn meant nothing */
    bool is_new_device; /* a clone, or moved: the device id was drawn anew */
    uint64_t last_lsn;  /* of the last record there is, or applied_lsn */
    uint64_t replayed;
    uint64_t lost_records;  /* acknowledged, later than applied_lsn, and not readable any more */
    uint64_t damaged_bytes; /* quarantined */
    uint64_t torn_bytes;    /* cut off the end: never acknowledged */
    char words[320]; /* for a person, about the first damage or what failed; empty when all is well
                      */
};

/* Called for each record behind applied_lsn, in order.  Borrowed bytes.  A negative result ends
 * journal_open(). */
typedef int journal_replay(void *context, uint64_t lsn, struct text record);

/*
 * Reads what is there, then starts the committer.  0, or -errno with ret_report->words saying
 * what and where. Damage is not an error: what can be read is replayed, the report says what
 * could not.
 */
int journal_open(const struct journal_config *config, journal_replay *replay, void *context,
                 struct journal **ret, struct journal_report *ret_report) MUST_USE;
/* Commits what waits, ends the thread; completions are posted before this returns. */
void journal_close(struct journal **journal);

/* The caller's, untouched by them until `done`. */
struct journal_entry {
    const struct text *records; /* each 1 to SEGMENT_MAX_RECORD bytes */
    size_t count;
    struct loop *loop;
    void (*done)(struct journal_entry *entry); /* on the loop; error and first_lsn are set */
    int error;          /* 0: durable; -ENOSPC: no room; else what the disk said */
    uint64_t first_lsn; /* of count consecutive ones */
    struct journal_entry *_next;
};
/* From any thread.  0, or -EAGAIN when too much waits already (nothing was taken): shed. */
int journal_append(struct journal *journal, struct journal_entry *entry) MUST_USE;

/* Records up to and with `lsn` are not needed any more: deletes segments that hold nothing else.
 * From any thread. */
void journal_trim(struct journal *journal, uint64_t lsn);

/* Records behind `lsn` stay, applied or not, until a later call moves it: somebody else still reads
 * them (journal_tail.h).  From any thread; nothing is held before the first call. */
void journal_hold(struct journal *journal, uint64_t lsn);

/* A descriptor to read the segment that holds `lsn` or, when that was lost, the next one there is:
 * how much of it is durable, and which records are in it.  0, -ENOENT when nothing durable reaches
 * `lsn`, or -errno. */
struct journal_segment {
    int fd;
    uint64_t first_lsn, last_lsn, bytes, durable_lsn;
};
int journal_segment_open(struct journal *journal, uint64_t lsn,
                         struct journal_segment *ret) MUST_USE;

struct journal_status {
    uint64_t durable_lsn, bytes;
    size_t segments;
    int error; /* of the last commit */
};
struct journal_status journal_status(struct journal *journal); /* from any thread */
