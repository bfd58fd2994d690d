// SPDX-License-Identifier: GPL-3.0-or-later
/* Migrations, damage, locks, and backups. */
#include "fixture.h"
#include "state/backup.h"
#include "state/database_sqlite.h"
#include "trust/keyfolder.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

static char path[128];

static const char *in_folder(const struct fixture *f, const char *name)
{
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    return path;
}

/* As another program would: an SQL statement on the database. */
static int with_sqlite(const char *file, const char *sql, sqlite3 **ret_open)
{
    sqlite3 *sqlite = NULL;
    int result = sqlite3_open(file, &sqlite);
    if (result == SQLITE_OK)
        result = sqlite3_exec(sqlite, sql, NULL, NULL, NULL);
    if (ret_open)
        *ret_open = sqlite;
    else
        sqlite3_close(sqlite);
    return result;
}

static void write_bytes(const char *file, off_t at, const char *bytes, size_t size)
{
    int fd = open(file, O_WRONLY | O_CREAT, 0600);
    bool is_done = fd >= 0 && pwrite(fd, bytes, size, at) == (ssize_t)size;
    close(fd);
    assert(is_done);
}

static void test_migrations(void)
{
    for (int version = 0; version < DATABASE_VERSION; version++) {
        struct fixture f;
        struct stat status;
        fixture_init(&f);
        OK(version == 0 || database_make_version(in_folder(&f, "state.db"), version, &f.error) == 0,
           "a database of an older version");
        OK(fixture_open(&f) && !uid_is_none(fixture_account(&f, "anna")) && fixture_reopen(&f) &&
               state_account_by_name(f.state, TEXT("anna")),
           "is brought up to date and used");
        OK(stat(in_folder(&f, "state.db"), &status) == 0 && (status.st_mode & 0777) == 0600,
           "it is nobody else's to read");
        fixture_release(&f);
    }
    struct fixture f;
    fixture_init(&f);
    OK(fixture_open(&f), "one of today");
    state_close(&f.state);
    OK(with_sqlite(in_folder(&f, "state.db"), "PRAGMA user_version = 99", NULL) == SQLITE_OK &&
           !fixture_open(&f) && strstr(f.error.words, "newer"),
       "one of tomorrow is refused, with words");
    fixture_release(&f);
}

static void test_damage(void)
{
    struct fixture f;
    fixture_init(&f);
    write_bytes(in_folder(&f, "state.db"), 0,
                "this is not a database, it is a letter to the editor, long enough to be read", 70);
    OK(!fixture_open(&f) && strstr(f.error.words, "damaged") && strstr(f.error.words, "restore"),
       "a file that is no database is refused: restore a backup");
    unlink(in_folder(&f, "state.db"));
    OK(fixture_open(&f) && !uid_is_none(fixture_account(&f, "anna")), "without it, one is made");
    state_close(&f.state);
    OK(with_sqlite(in_folder(&f, "state.db"), "UPDATE cells SET account = x'00'", NULL) ==
               SQLITE_OK &&
           !fixture_open(&f) && f.error.words[0],
       "rows that make no sense are refused, not guessed at");
    fixture_release(&f);
}

static bool is_applied(struct fixture *f, int tries)
{
    struct state_health health;
    do {
        health = state_health(f->state);
        if (!health.database_error && health.applied_lsn == health.durable_lsn)
            return true;
        usleep(20000);
    } while (tries-- > 0);
    return false;
}

static void test_locked(void)
{
    struct fixture f;
    sqlite3 *other = NULL;
    fixture_init(&f);
    OK(fixture_open(&f) && !uid_is_none(fixture_account(&f, "anna")) && is_applied(&f, 250),
       "what is journalled is applied");
    OK(with_sqlite(in_folder(&f, "state.db"), "BEGIN EXCLUSIVE", &other) == SQLITE_OK,
       "another program locks the database");
    OK(!uid_is_none(fixture_account(&f, "bert")) && state_account_by_name(f.state, TEXT("bert")),
       "writes go on: the journal takes them");
    for (int i = 0; i < 250 && !state_health(f.state).database_error; i++)
        usleep(20000);
    OK(state_health(f.state).database_error == SQLITE_BUSY &&
           strstr(database_words(SQLITE_BUSY), "locked"),
       "health says that the database is locked");
    sqlite3_close(other);
    OK(is_applied(&f, 250), "when the lock is gone, what waited is applied");
    OK(fixture_reopen(&f) && state_account_count(f.state) == 2, "once");
    fixture_release(&f);
}

static void backed_up(void *context, int error, const char *why)
{
    struct fixture *f = context;
    if (why)
        printf("# %s\n", why);
    f->whole = error ? OUTCOME_FAILED : OUTCOME_ACCEPTED;
    loop_stop(f->loop);
}

static bool backup(struct fixture *f, const char *file)
{
    state_backup(f->state, file, backed_up, f);
    loop_run(f->loop);
    return f->whole == OUTCOME_ACCEPTED;
}

/* Keys of this folder: a backup holds them. */
static bool make_keys(struct fixture *f)
{
    struct keys_error error;
    struct keys *keys = NULL;
    struct keyfolder *folder = NULL;
    bool is_made =
        keys_open(&(struct key_place){in_folder(f, "keys"), NULL}, true, &keys, &error) == 0 &&
        keyfolder_open(&(struct key_place){in_folder(f, "keys"), NULL}, true, 1000, &folder,
                       &error) == 0;
    keyfolder_close(&folder);
    keys_free(&keys);
    return is_made;
}

static void test_backup(void)
{
    struct fixture f;
    struct stat status;
    char file[128], cut[128], aside[STATE_ASIDE_BYTES] = "", former[128];
    fixture_init(&f);
    snprintf(file, sizeof file, "%s/backup", f.folder);
    snprintf(cut, sizeof cut, "%s/cut", f.folder);
    OK(make_keys(&f) && fixture_open(&f) && !uid_is_none(fixture_account(&f, "anna")),
       "a state with an account");
    struct uid anna = state_account_by_name(f.state, TEXT("anna"))->id;
    struct batch *batch = fixture_batch(&f, anna);
    batch_star(batch, subject_number("tr", 1), true);
    fixture_submit(&f, batch);
    OK(backup(&f, file) && state_backup_verify(file, &f.error) == 0, "is backed up while it runs");
    OK(stat(file, &status) == 0 && (status.st_mode & 0777) == 0600,
       "into a file that others cannot read");
    OK(!backup(&f, file), "never over another file");
    OK(!uid_is_none(fixture_account(&f, "bert")), "then it changes");
    struct state_health before = state_health(f.state);
    state_close(&f.state);

    char *bytes = malloc((size_t)status.st_size);
    int fd = open(file, O_RDONLY);
    bool is_read = read(fd, bytes, (size_t)status.st_size) == status.st_size;
    close(fd);
    unsigned accepted = 0;
    for (off_t at = 0; is_read && at < status.st_size; at += status.st_size / 50 + 1) {
        unlink(cut);
        write_bytes(cut, 0, bytes, (size_t)at);
        accepted += state_restore(cut, f.folder, aside, &f.error) == 0;
        bytes[at] ^= 1;
        write_bytes(cut, 0, bytes, (size_t)status.st_size);
        accepted += state_restore(cut, f.folder, aside, &f.error) == 0;
        bytes[at] ^= 1;
    }
    free(bytes);
    OK(is_read && accepted == 0 && f.error.words[0], "cut short or altered it is refused");
    OK(fixture_open(&f) && state_account_count(f.state) == 2, "and nothing was touched");
    state_close(&f.state);

    OK(state_restore(file, f.folder, aside, &f.error) == 0, "the whole one is restored");
    OK(fixture_open(&f) && state_account_count(f.state) == 1 &&
           listener_starred_ms(state_listener(f.state, anna), subject_number("tr", 1)),
       "all is as it was when it was made");
    OK(state_health(f.state).epoch == before.epoch + 1 &&
           !uid_equal(state_health(f.state).device, before.device),
       "in a new epoch, by a new device");
    state_close(&f.state);
    snprintf(former, sizeof former, "%s/before-restore", f.folder);
    f.config.folder = former;
    OK(strcmp(aside, "before-restore") == 0 && fixture_open(&f) &&
           state_account_count(f.state) == 2 &&
           uid_equal(state_health(f.state).device, before.device),
       "what was there is a whole state of its own, also what only its journal had");
    state_close(&f.state);
    f.config.folder = f.folder;
    OK(fixture_open(&f), "beside the restored one");
    OK(!uid_is_none(fixture_account(&f, "carla")) && fixture_reopen(&f) &&
           state_account_count(f.state) == 2,
       "and life goes on");
    fixture_release(&f);
}

int main(void)
{
    test_migrations();
    test_damage();
    test_locked();
    test_backup();
    return tap_done();
}
