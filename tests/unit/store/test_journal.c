// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/journal.h"
#include "base/mem.h"
#include "tap.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct loop *loop;
static struct failing_disk failing;
static struct journal *journal;
static struct journal_report report;
static struct journal_config config;

/* --- what a replay found --- */
static uint64_t found_lsn[4096];
static char found[4096][16];
static size_t found_count;

static int remember(void *context, uint64_t lsn, struct text record)
{
    (void)context;
    found_lsn[found_count] = lsn;
    snprintf(found[found_count++], sizeof found[0], "%.*s", TEXT_ARGS(record));
    return 0;
}

static int reopen(void)
{
    journal_close(&journal);
    found_count = 0;
    config.folder = folder;
    config.disk = &failing.disk;
    return journal_open(&config, remember, NULL, &journal, &report);
}

static bool is_found(const char *word)
{
    for (size_t i = 0; i < found_count; i++)
        if (strcmp(found[i], word) == 0)
            return true;
    return false;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static void begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/test_journal.XXXXXX");
    if (!mkdtemp(folder))
        abort();
    failing_disk_init(&failing);
    config = (struct journal_config){0};
}

static void end(void)
{
    journal_close(&journal);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- appending, and waiting for the answer --- */
static unsigned unanswered;

static void answered(struct journal_entry *entry)
{
    (void)entry;
    if (--unanswered == 0)
        loop_stop(loop);
}

static int append(const char *word)
{
    struct text record = text_of(word);
    struct journal_entry entry = {.records = &record, .count = 1, .loop = loop, .done = answered};
    unanswered = 1;
    int error = journal_append(journal, &entry);
    if (error)
        return error;
    loop_run(loop);
    return entry.error;
}

/* The only segment, or the last one by name. */
static void last_segment(char path[320])
{
    char best[256] = "";
    DIR *stream = opendir(folder);
    for (struct dirent *entry; (entry = readdir(stream));)
        if (strstr(entry->d_name, ".journal") && strcmp(entry->d_name, best) > 0)
            snprintf(best, sizeof best, "%s", entry->d_name);
    closedir(stream);
    snprintf(path, 320, "%s/%s", folder, best);
}

static off_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_size : -1;
}

static void flip(const char *path, off_t at)
{
    char byte;
    int fd = open(path, O_RDWR);
    bool is_done = pread(fd, &byte, 1, at) == 1;
    byte ^= 4;
    is_done &= pwrite(fd, &byte, 1, at) == 1;
    close(fd);
    if (!is_done)
        abort();
}

/* --- claims --- */

static void test_life(void)
{
    struct uid device;
    begin();
    OK(reopen() == 0 && report.is_new && report.replayed == 0,
       "a journal is made in an empty folder");
    device = report.device;
    OK(append("one") == 0 && append("two") == 0 && journal_status(journal).durable_lsn == 2,
       "records become durable in order");
    struct journal_report second;
    struct journal *other = NULL;
    OK(journal_open(&config, NULL, NULL, &other, &second) == -EWOULDBLOCK &&
           strstr(second.words, "in use"),
       "a second process is told that it is in use");
    OK(reopen() == 0 && report.replayed == 2 && found_lsn[0] == 1 && is_found("one") &&
           is_found("two"),
       "they are found again");
    OK(uid_equal(device, report.device) && !report.is_new_device, "by the same device");
    OK(append("three") == 0, "more can be added");
    config.expected = report.journal;
    config.applied_lsn = 2;
    OK(reopen() == 0 && report.replayed == 1 && is_found("three") && !is_found("two"),
       "what is applied is not replayed");
    journal_trim(journal, 3);
    OK(journal_status(journal).segments == 1,
       "trimming deletes segments that are wholly applied, but the last");
    config.applied_lsn = 3;
    OK(reopen() == 0 && report.replayed == 0 && append("four") == 0 &&
           journal_status(journal).durable_lsn == 4,
       "numbers go on after it");
    end();
}

static void test_clone(void)
{
    char copy[80], command[200];
    begin();
    bool is_ready = reopen() == 0 && append("one") == 0;
    struct uid device = report.device, id = report.journal;
    journal_close(&journal);
    snprintf(copy, sizeof copy, "%s.copy", folder);
    snprintf(command, sizeof command, "%s.moved", folder);
    is_ready &= rename(folder, command) == 0 && mkdir(folder, 0700) == 0;
    for (const char *const *name =
             (const char *const[]){"identity", "0000000000000001.journal", NULL};
         *name; name++) {
        char from[320], to[320];
        snprintf(from, sizeof from, "%s/%s", command, *name);
        snprintf(to, sizeof to, "%s/%s", folder, *name);
        is_ready &= link(from, to) == 0;
    }
    OK(is_ready && reopen() == 0 && report.is_new_device && !uid_equal(device, report.device),
       "a copied folder is a new device");
    OK(uid_equal(id, report.journal) && is_found("one"), "of the same journal, with its records");
    device = report.device;
    OK(reopen() == 0 && !report.is_new_device && uid_equal(device, report.device),
       "and stays that device");
    end();
    snprintf(folder, sizeof folder, "%.50s", command);
    nftw(command, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void test_torn(void)
{
    char path[320];
    unsigned lost = 0, wrong = 0, cut = 0;
    begin();
    bool is_ready =
        reopen() == 0 && append("one") == 0 && append("two") == 0 && append("three") == 0;
    last_segment(path);
    off_t whole = size_of(path), third = whole - 16 - 5;
    struct buffer bytes;
    buffer_init(&bytes, 4096);
    for (off_t size = whole - 1; size > third; size--) {
        journal_close(&journal);
        is_ready &= truncate(path, size) == 0;
        is_ready &= reopen() == 0;
        lost += found_count != 2 || report.lost_records;
        cut += report.torn_bytes == (uint64_t)(size - third);
        wrong += size_of(path) != third;
        is_ready &= truncate(path, size - 1) == 0;
    }
    buffer_release(&bytes);
    OK(is_ready && lost == 0, "a torn last record takes none of those before with it");
    OK(cut == 20 && wrong == 0, "it is cut off and reported");
    OK(append("four") == 0 && reopen() == 0 && is_found("four") && report.torn_bytes == 0,
       "then all is well again");
    end();
}

static void test_flips(void)
{
    char path[320], damaged[320];
    unsigned silent = 0, lost_others = 0;
    begin();
    bool is_ready =
        reopen() == 0 && append("one") == 0 && append("two") == 0 && append("three") == 0;
    last_segment(path);
    journal_close(&journal);
    off_t second = 64 + 16 + 3;
    for (off_t at = second; at < second + 16 + 3; at++) {
        flip(path, at);
        is_ready &= reopen() == 0;
        silent += report.lost_records != 1 || report.damaged_bytes != 19 ||
                  !strstr(report.words, "records 2 to 2") || is_found("two");
        lost_others += !is_found("one") || !is_found("three");
        journal_close(&journal);
        flip(path, at);
    }
    OK(is_ready && silent == 0,
       "any flipped bit in a record is reported, and the record is not believed");
    OK(lost_others == 0, "the records around it are read");
    snprintf(damaged, sizeof damaged, "%s/damaged/0000000000000001.%d", folder, (int)second);
    OK(size_of(damaged) == 19, "the damaged bytes are kept beside");
    flip(path, 20);
    OK(reopen() == 0 && found_count == 3 && report.words[0],
       "a damaged header is reported, its records are read");
    journal_close(&journal);
    flip(path, 20);
    config.expected = report.journal;
    config.applied_lsn = 2;
    flip(path, second + 17);
    OK(reopen() == 0 && report.lost_records == 0 && is_found("three"),
       "damage in what was applied already loses nothing");
    end();
}

static void test_lost_segment(void)
{
    char path[320];
    begin();
    config.segment_bytes = 1; /* each record its own */
    bool is_ready =
        reopen() == 0 && append("one") == 0 && append("two") == 0 && append("three") == 0;
    snprintf(path, sizeof path, "%s/0000000000000002.journal", folder);
    OK(is_ready && journal_status(journal).segments == 3 && unlink(path) == 0,
       "a whole segment disappears");
    OK(reopen() == 0 && report.lost_records == 1 && is_found("one") && is_found("three"),
       "that is noticed by its neighbour");
    journal_close(&journal);
    snprintf(path, sizeof path, "%s/0000000000000003.journal", folder);
    OK(truncate(path, 64 + 5) == 0 && reopen() == 0 && report.lost_records == 1,
       "a cut end is a crash's, not a loss");
    end();
}

static void test_full(void)
{
    begin();
    OK(reopen() == 0 && append("one") == 0, "a disk with room takes records");
    failing.capacity_bytes = 10;
    OK(append("two") == -ENOSPC, "a full one refuses them");
    OK(append("two again") == -ENOSPC && journal_status(journal).durable_lsn == 1,
       "as long as it is full");
    failing.capacity_bytes = UINT64_MAX;
    OK(append("three") == 0, "with room again it goes on");
    OK(reopen() == 0 && report.lost_records == 0 && !report.words[0],
       "nothing is missing after that");
    OK(found_count == 2 && is_found("one") && is_found("three") && !is_found("two"),
       "and what was refused did not happen");
    end();

    begin();
    config.max_bytes = 300;
    config.segment_bytes = 100;
    int error = reopen();
    unsigned taken = 0;
    while (!error && taken < 100 && !(error = append("0123456789")))
        taken++;
    OK(error == -ENOSPC && taken == 4, "a journal over its own limit refuses honestly");
    journal_trim(journal, 4);
    OK(append("more") == 0, "and takes more once it is trimmed");
    end();
}

static void test_failed_sync(void)
{
    char path[320], next[320];
    begin();
    bool is_ready = reopen() == 0 && append("one") == 0;
    last_segment(path);
    failing.fail_sync_at = 1;
    OK(is_ready && append("two") == -EIO, "a failed fsync is an answer");
    OK(append("three") == 0, "the next record is taken");
    last_segment(next);
    OK(strcmp(path, next) != 0, "in another segment: the failed one is never trusted again");
    OK(reopen() == 0 && is_found("one") && is_found("three") && !is_found("two") &&
           report.lost_records == 0,
       "what was acknowledged is there, what was refused is not");
    failing.fail_write_at = 1;
    failing.error = -EIO;
    OK(append("four") == -EIO && append("five") == 0 && reopen() == 0 && is_found("five"),
       "so it is with a failed write");
    end();
}

static void test_group(void)
{
    enum { MANY = 2000 };
    static struct journal_entry entries[MANY];
    static char words[MANY][8];
    static struct text records[MANY];
    begin();
    bool is_ready = reopen() == 0;
    unanswered = MANY;
    for (int i = 0; i < MANY; i++) {
        records[i] = text_make(words[i], (size_t)snprintf(words[i], sizeof words[i], "%d", i));
        entries[i] = (struct journal_entry){
            .records = &records[i], .count = 1, .loop = loop, .done = answered};
        is_ready &= journal_append(journal, &entries[i]) == 0;
    }
    loop_run(loop);
    for (int i = 0; i < MANY; i++)
        is_ready &= entries[i].error == 0 && entries[i].first_lsn == (uint64_t)i + 1;
    OK(is_ready && reopen() == 0 && found_count == MANY,
       "many that come together are all durable, in order");
    static char large[SEGMENT_MAX_RECORD];
    struct text record = text_make(large, sizeof large);
    static struct journal_entry heavy[64];
    int refused = 0;
    unanswered = 64;
    for (int i = 0; i < 64; i++) {
        heavy[i] =
            (struct journal_entry){.records = &record, .count = 1, .loop = loop, .done = answered};
        if (journal_append(journal, &heavy[i]) == -EAGAIN) {
            refused++;
            unanswered--;
        }
    }
    loop_run(loop);
    OK(refused > 0 && refused < 64, "what waits is bounded: more is refused at once");
    end();
}

int main(void)
{
    loop = loop_new();
    test_life();
    test_clone();
    test_torn();
    test_flips();
    test_lost_segment();
    test_full();
    test_failed_sync();
    test_group();
    loop_free(&loop);
    return tap_done();
}
