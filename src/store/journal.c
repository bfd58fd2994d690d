// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Two parties: whoever appends (any thread, under the lock) and the committer, which alone
 * touches files.
 *
 *   append → waiting list → committer takes all → begins a segment if none is open
 *          → one write → one fdatasync → completions posted, a run of the same loop at a time
 *   any failure: cut the file back, leave the segment, answer the whole batch with the error
 */
#include "store/journal.h"

#include "base/guard.h"
#include "base/mem.h"
#include "store/journal_folder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum {
    MAX_WAITING_BYTES = 32 * 1024 * 1024,
    BATCH_BYTES = 8 * 1024 * 1024, /* a batch is cut after the entry that passes this */
    BUFFER_BYTES = MAX_WAITING_BYTES + BATCH_BYTES,
    KEPT_BYTES = 1024 * 1024, /* of the buffer between batches */
};
static const uint64_t DEFAULT_MAX_BYTES = 1ULL << 30, DEFAULT_SEGMENT_BYTES = 8ULL << 20;

struct chain {
    struct journal_entry *first, *last;
    size_t bytes; /* records with their heads */
};

struct journal {
    const struct disk *disk;
    uint64_t max_bytes, segment_bytes;
    pthread_t thread;
    pthread_mutex_t trimming; /* one trim at a time; taken before lock */

    pthread_mutex_t lock; /* guards what follows, up to the blank line */
    pthread_cond_t has_work;
    struct chain waiting;
    bool is_stopping;
    struct journal_folder
        folder; /* its list of segments; the last is the open one when open_fd >= 0 */
    struct journal_status status;
    uint64_t done_lsn, held_lsn; /* trimmed is what both have left behind */

    /* the committer's own */
    int open_fd;                   /* -1: the next batch begins a segment */
    uint64_t next_lsn, good_bytes; /* of the open segment */
    struct buffer bytes;
};

/* --- submitting --- */

static size_t size_of(const struct journal_entry *entry)
{
    size_t bytes = 0;
    for (size_t i = 0; i < entry->count; i++)
        bytes += SEGMENT_RECORD_BYTES + entry->records[i].size;
    return bytes;
}

static void chain_push(struct chain *chain, struct journal_entry *entry)
{
    entry->_next = NULL;
    if (chain->last)
        chain->last->_next = entry;
    else
        chain->first = entry;
    chain->last = entry;
}

int journal_append(struct journal *journal, struct journal_entry *entry)
{
    size_t bytes = size_of(entry);
    assert(entry->count > 0);
    pthread_mutex_lock(&journal->lock);
    bool has_room = journal->waiting.bytes + bytes <= MAX_WAITING_BYTES && !journal->is_stopping;
    if (has_room) {
        chain_push(&journal->waiting, entry);
        journal->waiting.bytes += bytes;
        pthread_cond_signal(&journal->has_work);
    }
    pthread_mutex_unlock(&journal->lock);
    return has_room ? 0 : -EAGAIN;
}

/* --- completing --- */

static void run_chain(void *context)
{
    for (struct journal_entry *entry = context, *next; entry; entry = next) {
        next = entry->_next; /* done may free the entry */
        entry->done(entry);
    }
}

static void complete(struct chain *batch, int error)
{
    struct journal_entry *entry = batch->first;
    while (entry) {
        struct journal_entry *first = entry, *last;
        do { /* a run of the same loop */
            entry->error = error;
            last = entry;
            entry = entry->_next;
        } while (entry && entry->loop == first->loop);
        last->_next = NULL;
        loop_post(first->loop, run_chain, first);
    }
}

/* --- committing --- */

/* Takes entries off the waiting list until the batch is large enough.  False when stopping and
 * nothing waits. */
static bool take_batch(struct journal *journal, struct chain *ret_batch)
{
    struct chain batch = {0};
    pthread_mutex_lock(&journal->lock);
    while (!journal->waiting.first && !journal->is_stopping)
        pthread_cond_wait(&journal->has_work, &journal->lock);
    while (journal->waiting.first && batch.bytes < BATCH_BYTES) {
        struct journal_entry *entry = journal->waiting.first;
        journal->waiting.first = entry->_next;
        if (!journal->waiting.first)
            journal->waiting.last = NULL;
        batch.bytes += size_of(entry);
        journal->waiting.bytes -= size_of(entry);
        chain_push(&batch, entry);
    }
    pthread_mutex_unlock(&journal->lock);
    *ret_batch = batch;
    return batch.first != NULL;
}

static void encode(struct journal *journal, const struct chain *batch)
{
    buffer_reset(&journal->bytes);
    for (struct journal_entry *entry = batch->first; entry; entry = entry->_next) {
        entry->first_lsn = journal->next_lsn;
        for (size_t i = 0; i < entry->count; i++)
            segment_encode_record(journal->next_lsn++, entry->records[i], &journal->bytes);
    }
    assert(!journal->bytes.overflowed);
}

static int begin_segment(struct journal *journal, uint64_t first_lsn)
{
    char name[SEGMENT_NAME_BYTES];
    struct buffer header;
    const struct disk *disk = journal->disk;
    journal_segment_name(first_lsn, name);
    int fd = disk->create(disk, journal->folder.fd, name);
    if (fd < 0)
        return fd;
    buffer_init(&header, SEGMENT_HEADER_BYTES);
    segment_encode_header(&(struct segment_header){journal->folder.journal, journal->folder.device,
                                                   first_lsn, journal->status.durable_lsn},
                          &header);
    int error = disk->write(disk, fd, header.data, header.size);
    error = error ? error : disk->sync(disk, fd);
    error = error ? error : disk->sync_dir(disk, journal->folder.fd);
    buffer_release(&header);
    if (error) {
        close(fd);
        (void)!disk->unlink(disk, journal->folder.fd, name);
        return error;
    }
    pthread_mutex_lock(&journal->lock);
    struct journal_folder *folder = &journal->folder;
    folder->segments =
        mem_realloc_array(folder->segments, folder->count + 1, sizeof *folder->segments);
    folder->segments[folder->count++] =
        (struct segment_file){first_lsn, first_lsn - 1, SEGMENT_HEADER_BYTES};
    journal->status.bytes += SEGMENT_HEADER_BYTES;
    journal->status.segments = folder->count;
    pthread_mutex_unlock(&journal->lock);
    journal->open_fd = fd;
    journal->good_bytes = SEGMENT_HEADER_BYTES;
    return 0;
}

static void leave_segment(struct journal *journal)
{
    if (journal->open_fd >= 0)
        close(journal->open_fd);
    journal->open_fd = -1;
}

static bool is_over_limit(struct journal *journal, size_t more)
{
    pthread_mutex_lock(&journal->lock);
    bool is_over = journal->status.bytes + SEGMENT_HEADER_BYTES + more > journal->max_bytes &&
                   guard_is_on(GUARD_JOURNAL_BYTES);
    pthread_mutex_unlock(&journal->lock);
    return is_over;
}

static int write_batch(struct journal *journal, uint64_t first_lsn)
{
    const struct disk *disk = journal->disk;
    if (is_over_limit(journal, journal->bytes.size))
        return -ENOSPC;
    int error = journal->open_fd < 0 ? begin_segment(journal, first_lsn) : 0;
    if (error)
        return error;
    error = disk->write(disk, journal->open_fd, journal->bytes.data, journal->bytes.size);
    error = error ? error : disk->sync(disk, journal->open_fd);
    if (error) /* best effort: what was refused should not come back at the next start, but may */
        (void)!disk->truncate(disk, journal->open_fd, journal->good_bytes);
    return error;
}

static void commit(struct journal *journal, struct chain *batch)
{
    uint64_t first_lsn = journal->next_lsn;
    encode(journal, batch);
    int error = write_batch(journal, first_lsn);
    pthread_mutex_lock(&journal->lock);
    journal->status.error = error;
    if (!error) {
        struct segment_file *open = &journal->folder.segments[journal->folder.count - 1];
        open->bytes += journal->bytes.size;
        open->last_lsn = journal->status.durable_lsn = journal->next_lsn - 1;
        journal->status.bytes += journal->bytes.size;
        journal->good_bytes = open->bytes;
    }
    pthread_mutex_unlock(&journal->lock);
    if (error || journal->good_bytes >= journal->segment_bytes)
        leave_segment(journal);
    complete(batch, error);
    if (journal->bytes.capacity > KEPT_BYTES) {
        buffer_release(&journal->bytes);
        buffer_init(&journal->bytes, BUFFER_BYTES);
    }
}

static void *run(void *context)
{
    struct journal *journal = context;
    struct chain batch;
    while (take_batch(journal, &batch))
        commit(journal, &batch);
    leave_segment(journal);
    return NULL;
}

/* --- trimming --- */

/* The oldest segment, when it holds nothing behind `lsn`.  The last may be open, and it carries on
 * the numbers: it stays. */
static bool oldest_is_done(struct journal *journal, uint64_t lsn, struct segment_file *ret)
{
    pthread_mutex_lock(&journal->lock);
    const struct journal_folder *folder = &journal->folder;
    journal->done_lsn = lsn > journal->done_lsn ? lsn : journal->done_lsn;
    bool is_done = folder->count > 1 && folder->segments[0].last_lsn <= journal->done_lsn &&
                   folder->segments[0].last_lsn <= journal->held_lsn;
    if (is_done)
        *ret = folder->segments[0];
    pthread_mutex_unlock(&journal->lock);
    return is_done;
}

static void forget_oldest(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    struct journal_folder *folder = &journal->folder;
    journal->status.bytes -= folder->segments[0].bytes;
    journal->status.segments = --folder->count;
    memmove(folder->segments, folder->segments + 1, folder->count * sizeof *folder->segments);
    pthread_mutex_unlock(&journal->lock);
}

/* Files go without the lock that appenders need: a disk may take its time over each. */
void journal_trim(struct journal *journal, uint64_t lsn)
{
    char name[SEGMENT_NAME_BYTES];
    struct segment_file oldest;
    pthread_mutex_lock(&journal->trimming);
    while (oldest_is_done(journal, lsn, &oldest)) {
        journal_segment_name(oldest.first_lsn, name);
        if (journal->disk->unlink(journal->disk, journal->folder.fd, name) != 0)
            break; /* the next trim tries again */
        forget_oldest(journal);
    }
    pthread_mutex_unlock(&journal->trimming);
}

void journal_hold(struct journal *journal, uint64_t lsn)
{
    pthread_mutex_lock(&journal->lock);
    journal->held_lsn = lsn;
    pthread_mutex_unlock(&journal->lock);
    journal_trim(journal, 0); /* what had only waited for us */
}

/* Lock held.  The segment that `lsn` is in, or the next with a record. */
static const struct segment_file *segment_of(const struct journal *journal, uint64_t lsn)
{
    const struct journal_folder *folder = &journal->folder;
    for (size_t i = 0; i < folder->count; i++)
        if (folder->segments[i].last_lsn >= lsn &&
            folder->segments[i].last_lsn >= folder->segments[i].first_lsn)
            return &folder->segments[i];
    return NULL;
}

int journal_segment_open(struct journal *journal, uint64_t lsn, struct journal_segment *ret)
{
    char name[SEGMENT_NAME_BYTES];
    pthread_mutex_lock(&journal->lock);
    const struct segment_file *segment = segment_of(journal, lsn);
    if (segment) {
        *ret = (struct journal_segment){.first_lsn = segment->first_lsn,
                                        .last_lsn = segment->last_lsn,
                                        .bytes = segment->bytes,
                                        .durable_lsn = journal->status.durable_lsn};
        journal_segment_name(segment->first_lsn, name);
    }
    int fd = segment ? openat(journal->folder.fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    int error = !segment ? -ENOENT : fd < 0 ? -errno : 0;
    pthread_mutex_unlock(&journal->lock);
    ret->fd = fd;
    return error;
}

struct journal_status journal_status(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    struct journal_status status = journal->status;
    pthread_mutex_unlock(&journal->lock);
    return status;
}

/* --- life --- */

static void start_thread(struct journal *journal)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the loop */
    int failed = pthread_create(&journal->thread, NULL, run, journal);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(!failed);
    pthread_setname_np(journal->thread, "journal");
}

int journal_open(const struct journal_config *config, journal_replay *replay, void *context,
                 struct journal **ret, struct journal_report *ret_report)
{
    struct journal_folder folder;
    int error = journal_folder_open(&folder, config, replay, context, ret_report);
    if (error)
        return error;
    struct journal *journal = MEM_NEW(struct journal);
    journal->folder = folder;
    journal->disk = folder.disk;
    journal->max_bytes = config->max_bytes ? config->max_bytes : DEFAULT_MAX_BYTES;
    journal->segment_bytes = config->segment_bytes ? config->segment_bytes : DEFAULT_SEGMENT_BYTES;
    journal->open_fd = -1;
    journal->held_lsn = UINT64_MAX;
    journal->next_lsn = ret_report->last_lsn + 1;
    journal->status =
        (struct journal_status){.durable_lsn = ret_report->last_lsn, .segments = folder.count};
    for (size_t i = 0; i < folder.count; i++) {
        journal->status.bytes += folder.segments[i].bytes;
        if (folder.segments[i].first_lsn >=
            journal->next_lsn) /* begun, then nothing: its name is taken */
            journal->next_lsn = folder.segments[i].first_lsn + 1;
    }
    buffer_init(&journal->bytes, BUFFER_BYTES);
    pthread_mutex_init(&journal->lock, NULL);
    pthread_mutex_init(&journal->trimming, NULL);
    pthread_cond_init(&journal->has_work, NULL);
    start_thread(journal);
    *ret = journal;
    return 0;
}

void journal_close(struct journal **journal_at)
{
    struct journal *journal = *journal_at;
    if (!journal)
        return;
    pthread_mutex_lock(&journal->lock);
    journal->is_stopping = true;
    pthread_cond_signal(&journal->has_work);
    pthread_mutex_unlock(&journal->lock);
    pthread_join(journal->thread, NULL);
    journal_folder_close(&journal->folder);
    buffer_release(&journal->bytes);
    pthread_cond_destroy(&journal->has_work);
    pthread_mutex_destroy(&journal->trimming);
    pthread_mutex_destroy(&journal->lock);
    mem_free_p(journal_at);
}
