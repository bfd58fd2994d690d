// SPDX-License-Identifier: GPL-3.0-or-later
/* Batches from players (POST /ops), exactly once, and what happens when the disk does not play
 * along. */
#include "fixture.h"
#include "store/disk.h"
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>

static const char DEVICE[] = "AAAAAAAAAAAAAAAAAAAAAQ";
static struct uid anna;
static const char *why;

static struct batch *batch_of(struct fixture *f, const char *operations)
{
    char body[4096];
    struct batch *batch = fixture_batch(f, anna);
    int size =
        snprintf(body, sizeof body, "{\"device\":\"%s\",\"operations\":[%s]}", DEVICE, operations);
    if (!batch_json(batch, text_make(body, (size_t)size), &why)) {
        printf("# %s\n", why);
        batch_free(&batch);
    }
    return batch;
}

static enum outcome send(struct fixture *f, const char *operations)
{
    return fixture_submit(f, batch_of(f, operations));
}

#define STAR(seq, hlc, on)            \
    "{\"seq\":" #seq ",\"hlc\":" #hlc \
    ",\"kind\":\"star\",\"payload\":{\"id\":\"tr-AQAAAAAAAAAAAAAAAAAAAA\",\"on\":" #on "}}"

static bool is_starred(struct fixture *f)
{
    return listener_starred_ms(state_listener(f->state, anna), subject_number("tr", 1)) != 0;
}

static void test_once(struct fixture *f)
{
    OK(send(f, STAR(1, 100, true) "," STAR(2, 101, false)) == OUTCOME_ACCEPTED && !is_starred(f),
       "a batch is taken in order");
    OK(send(f, STAR(1, 100, true) "," STAR(2, 101, false)) == OUTCOME_DUPLICATE && !is_starred(f),
       "sent again it changes nothing");
    OK(send(f, STAR(2, 101, false) "," STAR(3, "117656690688000000", true)) == OUTCOME_DUPLICATE &&
           f->outcomes[0] == OUTCOME_DUPLICATE && f->outcomes[1] == OUTCOME_ACCEPTED &&
           is_starred(f),
       "each operation has its own outcome; large stamps may be texts");
    OK(send(f, STAR(3, 117656690688000000, false)) == OUTCOME_CONFLICT,
       "the same id with other bytes is refused");
    OK(fixture_reopen(f) && send(f, STAR(3, 117656690688000000, false)) == OUTCOME_CONFLICT &&
           is_starred(f),
       "also after a restart");
    OK(send(f, "{\"seq\":9,\"hlc\":1,\"kind\":\"dance\",\"payload\":{\"with\":\"bert\"}}") ==
           OUTCOME_ACCEPTED,
       "an unknown kind is kept");
    OK(fixture_reopen(f) &&
           send(f, "{\"seq\":9,\"hlc\":1,\"kind\":\"dance\",\"payload\":{\"with\":\"bert\"}}") ==
               OUTCOME_DUPLICATE,
       "and known to be known");
}

static void test_refused(struct fixture *f)
{
    static const struct {
        const char *operation, *claim;
        enum outcome outcome;
    } rows[] = {
        {"{\"seq\":0,\"hlc\":1,\"kind\":\"star\",\"payload\":{}}", "seq 0", OUTCOME_REFUSED},
        {"{\"seq\":9007199254740992,\"hlc\":1,\"kind\":\"star\",\"payload\":{}}",
         "a seq that JavaScript cannot count", OUTCOME_REFUSED},
        {"{\"seq\":50,\"hlc\":-1,\"kind\":\"star\",\"payload\":{}}", "a negative stamp",
         OUTCOME_REFUSED},
        {"{\"seq\":50,\"hlc\":1,\"kind\":7,\"payload\":{}}", "a kind that is no text",
         OUTCOME_REFUSED},
        {"{\"seq\":50,\"hlc\":1,\"kind\":\"Star!\",\"payload\":{}}", "a kind of other characters",
         OUTCOME_REFUSED},
        {"{\"seq\":50,\"hlc\":1,\"kind\":\"star\",\"payload\":[]}", "a payload that is a list",
         OUTCOME_REFUSED},
        {"{\"seq\":50,\"hlc\":1,\"kind\":\"star\",\"payload\":{\"on\":true}}", "a star of nothing",
         OUTCOME_REFUSED},
        {"{\"seq\":50,\"hlc\":1,\"kind\":\"rating\",\"payload\":{\"id\":\"tr-"
         "AQAAAAAAAAAAAAAAAAAAAA\",\"stars\":1.5}}",
         "one and a half stars", OUTCOME_REFUSED},
        {"{\"seq\":50,\"hlc\":1,\"kind\":\"account\",\"payload\":{\"admin\":true}}",
         "making oneself an administrator", OUTCOME_FORBIDDEN},
        {"{\"seq\":50,\"hlc\":1,\"kind\":\"password\",\"payload\":{\"hash\":\"x\"}}",
         "writing a password's hash", OUTCOME_FORBIDDEN},
        {"{\"seq\":50,\"hlc\":1,\"kind\":\"account.delete\",\"payload\":{}}",
         "deleting the account", OUTCOME_FORBIDDEN},
        {"7", "an operation that is a number", OUTCOME_REFUSED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        OK(send(f, rows[i].operation) == rows[i].outcome && f->why[0], rows[i].claim);
    static const char *const bodies[] = {
        "",
        "[]",
        "{}",
        "{\"device\":\"x\",\"operations\":[]}",
        "{\"device\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"operations\":[1]}",
        "{\"device\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"operations\":[]}",
        "{\"device\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"device\":1}"};
    unsigned taken = 0;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct batch *batch = fixture_batch(f, anna);
        taken += batch_json(batch, text_of(bodies[i]), &why);
        batch_free(&batch);
    }
    OK(taken == 0, "bodies of another form are refused as a whole");
}

static void test_disk(struct fixture *f)
{
    struct failing_disk failing;
    failing_disk_init(&failing);
    state_close(&f->state);
    f->config.disk = &failing.disk;
    OK(fixture_open(f) && send(f, STAR(20, 117656690689000000, false)) == OUTCOME_ACCEPTED,
       "a disk with room");
    failing.capacity_bytes = 100;
    OK(send(f, STAR(21, 117656690689000001, true)) == OUTCOME_FULL && !is_starred(f),
       "a full disk is an honest answer, and nothing happened");
    OK(state_health(f->state).journal_error != 0, "which health tells");
    failing.capacity_bytes = UINT64_MAX;
    OK(send(f, STAR(21, 117656690689000001, true)) == OUTCOME_ACCEPTED && is_starred(f),
       "with room again the same operation is taken");
    failing.fail_sync_at = 1;
    OK(send(f, STAR(22, 117656690689000002, false)) == OUTCOME_FAILED && is_starred(f),
       "a failed fsync is an answer, too");
    OK(outcome_status(OUTCOME_FAILED) == 503 && outcome_status(OUTCOME_FULL) == 503,
       "both are 503 in HTTP");
    f->config.disk = NULL;
    OK(fixture_reopen(f) && is_starred(f), "and after a restart all is as was answered");
}

/* Sends queues of 1,500 tracks until one is refused; how many were taken. */
static unsigned fill(struct fixture *f, enum outcome *ret_last)
{
    static struct subject tracks[1500];
    unsigned taken = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(tracks); i++)
        tracks[i] = subject_number("tr", i);
    do {
        struct batch *batch = fixture_batch(f, anna);
        batch_queue(batch, tracks, ARRAY_SIZE(tracks), taken, 0);
        *ret_last = fixture_submit(f, batch);
        taken += *ret_last == OUTCOME_ACCEPTED;
    } while (*ret_last == OUTCOME_ACCEPTED && taken < 1000);
    return taken;
}

/* A file may not grow past 300 KB: what the kernel says then is not our own invention. */
static void test_file_limit(struct fixture *f)
{
    struct rlimit before, limited;
    enum outcome last;
    getrlimit(RLIMIT_FSIZE, &before);
    limited = before;
    limited.rlim_cur = 300000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limited);
    unsigned taken = fill(f, &last);
    OK(taken > 0 && last == OUTCOME_FULL,
       "at the kernel's limit for files an operation is refused as full");
    OK(listener_queue(state_listener(f->state, anna))->current == taken - 1, "and did not happen");
    setrlimit(RLIMIT_FSIZE, &before);
    OK(fixture_reopen(f) && listener_queue(state_listener(f->state, anna))->current == taken - 1,
       "the last one acknowledged is there after a restart");
}

static void test_small_disk(void)
{
    struct fixture f;
    enum outcome last;
    fixture_init(&f);
    if (mount("tmpfs", f.folder, "tmpfs", 0, "size=1m") != 0) {
        printf("ok %d - a disk of 1 MiB # SKIP may not mount one here\n", ++tap_count);
        fixture_release(&f);
        return;
    }
    OK(fixture_open(&f) && !uid_is_none(anna = fixture_account(&f, "anna")), "a disk of 1 MiB");
    unsigned taken = fill(&f, &last);
    OK(taken > 0 && last == OUTCOME_FULL, "takes some and then says that it is full");
    OK(listener_queue(state_listener(f.state, anna))->current == taken - 1, "reads go on");
    state_close(&f.state);
    OK(mount("tmpfs", f.folder, "tmpfs", MS_REMOUNT, "size=8m") == 0 && fixture_open(&f),
       "with room again it opens");
    OK(listener_queue(state_listener(f.state, anna))->current == taken - 1,
       "and everything acknowledged is there");
    OK(fill(&f, &last) > 0, "and it takes more");
    state_close(&f.state);
    umount2(f.folder, MNT_DETACH);
    fixture_release(&f);
}

struct changes {
    const struct fixture *fixture;
    unsigned hers, others, told_late;
};

static void count_change(void *context, struct uid account, uint64_t version)
{
    struct changes *changes = context;
    (void)version;
    *(uid_equal(account, anna) ? &changes->hers : &changes->others) += 1;
}

static uint64_t lsn_in_database(const struct fixture *f)
{
    char path[128];
    sqlite3 *handle = NULL;
    sqlite3_stmt *get = NULL;
    uint64_t lsn = UINT64_MAX;
    snprintf(path, sizeof path, "%s/state.db", f->folder);
    if (sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(handle, "SELECT lsn FROM mark", -1, &get, NULL) == SQLITE_OK &&
        sqlite3_step(get) == SQLITE_ROW)
        lsn = (uint64_t)sqlite3_column_int64(get, 0);
    sqlite3_finalize(get);
    sqlite3_close(handle);
    return lsn;
}

/* Longer than the apply thread gathers. */
static void note_merged(void *context, uint64_t lsn)
{
    struct changes *changes = context;
    if (changes->hers < 3)
        usleep(400 * 1000);
    changes->told_late += lsn_in_database(changes->fixture) >= lsn;
}

int main(void)
{
    struct fixture fixture;
    struct changes changes = {.fixture = &fixture};
    fixture_init(&fixture);
    OK(fixture_open(&fixture), "a state opens");
    anna = fixture_account(&fixture, "anna");
    state_on_change(fixture.state, count_change, note_merged, &changes);
    test_once(&fixture);
    OK(changes.hers > 0 && changes.others == 0,
       "who wants to know hears of changes and whose they are");
    OK(changes.told_late == 0, "and before they are in the database");
    state_on_change(fixture.state, NULL, NULL, NULL);
    test_refused(&fixture);
    test_disk(&fixture);
    test_file_limit(&fixture);
    fixture_release(&fixture);
    test_small_disk();
    return tap_done();
}
