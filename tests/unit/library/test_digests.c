// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/database.h"
#include "library/digests.h"
#include "library/rows.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SONGS = 4, SONG_BYTES = 300000, SETTLED_S = 2, FAST = 1 << 30, SLOW = 300000 };

/* Four songs in a folder, track n is "n", and what library.db says of them. */
struct house {
    char folder[32], database[64];
    atomic_bool is_idle;
    atomic_uint opened;
};

static void path_of(const struct house *house, unsigned song, char path[64])
{
    snprintf(path, 64, "%s/%u", house->folder, song);
}

static void write_song(const struct house *house, unsigned song, char filling)
{
    char path[64], *bytes = malloc(SONG_BYTES);
    path_of(house, song, path);
    memset(bytes, filling, SONG_BYTES);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    OK(write(fd, bytes, SONG_BYTES) == SONG_BYTES, "a song is written");
    free(bytes);
    close(fd);
}

static int open_song(void *context, const uint8_t track[16], struct library_file *ret)
{
    struct house *house = context;
    struct stat status;
    char path[64];
    path_of(house, track[0], path);
    atomic_fetch_add(&house->opened, 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status))
        return -ENOENT;
    *ret = (struct library_file){
        .fd = fd,
        .size_bytes = (uint64_t)status.st_size,
        .mtime_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec,
        .changed_ns = (int64_t)status.st_ctim.tv_sec * 1000000000 + status.st_ctim.tv_nsec};
    ret->version = rows_file_version(ret->size_bytes, ret->mtime_ns);
    return 0;
}

static bool says_idle(void *context) { return atomic_load(&((struct house *)context)->is_idle); }

static struct digests *start(struct house *house, uint64_t bytes_per_s)
{
    struct digests *digests = NULL;
    char why[DIGESTS_WHY_BYTES];
    const struct digests_config config = {.path = house->database,
                                          .bytes_per_s = bytes_per_s,
                                          .rest_ms = 5,
                                          .open = open_song,
                                          .is_idle = says_idle,
                                          .context = house};
    return digests_start(&config, &digests, why) ? NULL : digests;
}

static void pass_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

/* As it is on the disk now. */
static bool is_known(struct house *house, struct digests *digests, uint8_t song, uint8_t ret[32])
{
    struct library_file file;
    const uint8_t track[16] = {song};
    if (open_song(house, track, &file))
        return false;
    close(file.fd);
    return digests_find(digests, track, file.version, file.changed_ns, ret);
}

static bool becomes_known(struct house *house, struct digests *digests, uint8_t song)
{
    uint8_t sha256[32];
    for (unsigned i = 0; i < 1000; i++, pass_ms(10))
        if (is_known(house, digests, song, sha256))
            return true;
    return false;
}

static bool is_right(struct house *house, struct digests *digests, uint8_t song, char filling)
{
    uint8_t sha256[32], wanted[32];
    char *bytes = malloc(SONG_BYTES);
    memset(bytes, filling, SONG_BYTES);
    (void)EVP_Digest(bytes, SONG_BYTES, wanted, NULL, EVP_sha256(), NULL);
    free(bytes);
    return is_known(house, digests, song, sha256) && memcmp(sha256, wanted, 32) == 0;
}

static void want(struct digests *digests, uint8_t song)
{
    const uint8_t track[16] = {song};
    digests_want(digests, track);
}

static void fill_database(struct house *house)
{
    char why[256];
    struct database *database = NULL;
    OK(library_database_open(house->database, DATABASE_WRITE, &database, why) == 0, "a library.db");
    for (uint8_t song = 1; song <= SONGS; song++) {
        struct library_file file;
        uint8_t track[16] = {song};
        OK(open_song(house, track, &file) == 0, "a song is there");
        close(file.fd);
        sqlite3_stmt *insert = database_use(database, STATEMENT_FILE_INSERT);
        bind_i64(insert, 1, 1);
        bind_bytes(insert, 2, track, 1);
        bind_i64(insert, 3, 1);
        bind_i64(insert, 4, song);
        bind_i64(insert, 5, (int64_t)file.size_bytes);
        bind_i64(insert, 6, file.mtime_ns);
        bind_i64(insert, 7, 0);
        bind_bytes(insert, 8, track, 16);
        bind_i64(insert, 9, 0);
        bind_bytes(insert, 10, track, 16);
        (void)database_run(database, insert);
    }
    OK(database_error(database) == 0, "it knows the songs");
    library_database_close(&database);
}

static void test_wanted(struct house *house)
{
    uint8_t sha256[32];
    struct digests *digests = start(house, FAST);
    OK(!is_known(house, digests, 1, sha256), "nothing is known at first");
    want(digests, 9);
    want(digests, 1);
    OK(becomes_known(house, digests, 1) && is_right(house, digests, 1, 'a'),
       "what somebody wanted is read on a busy machine too, and its digest is right");
    OK(!is_known(house, digests, 2, sha256), "others wait until it is idle");
    digests_stop(&digests);
    digests = start(house, FAST);
    OK(becomes_known(house, digests, 1) && is_right(house, digests, 1, 'a'),
       "it is still known after a restart");
    digests_stop(&digests);
    digests_stop(&digests);
    OK(!digests, "stopping twice is harmless");
}

static void test_in_the_background(struct house *house)
{
    uint8_t sha256[32];
    atomic_store(&house->is_idle, true);
    struct digests *digests = start(house, SLOW);
    OK(becomes_known(house, digests, 2), "an idle machine reads one song after the other");
    uint64_t unknown = !is_known(house, digests, 3, sha256) + !is_known(house, digests, 4, sha256);
    digests_stop(&digests);
    OK(unknown == 2, "at its pace, and stops in the middle of one");
    digests = start(house, FAST);
    OK(becomes_known(house, digests, 3) && becomes_known(house, digests, 4) &&
           is_right(house, digests, 2, 'b') && is_right(house, digests, 4, 'd'),
       "the next one goes on until all are known");
    atomic_store(&house->opened, 0);
    digests_look_again(digests);
    pass_ms(100);
    OK(atomic_load(&house->opened) == 0, "looking again reads nothing that is known");
    digests_stop(&digests);
    atomic_store(&house->is_idle, false);
}

/* As mp3gain -p does. */
static void write_and_put_date_back(struct house *house, unsigned song, char filling)
{
    struct stat status;
    char path[64];
    path_of(house, song, path);
    OK(stat(path, &status) == 0, "a song has a date");
    write_song(house, song, filling);
    const struct timespec times[2] = {status.st_atim, status.st_mtim};
    OK(utimensat(AT_FDCWD, path, times, 0) == 0, "which is put back");
}

static void test_changes(struct house *house)
{
    uint8_t sha256[32];
    struct digests *digests = start(house, FAST);
    write_and_put_date_back(house, 1, 'A');
    OK(!is_known(house, digests, 1, sha256), "what was written to unseen has no digest any more");
    want(digests, 1);
    pass_ms(100);
    OK(!is_known(house, digests, 1, sha256), "and gets none while it may yet be written to unseen");
    digests_stop(&digests);
    pass_ms(SETTLED_S * 1000 + 100);
    digests = start(house, SLOW);
    want(digests, 1);
    pass_ms(100);
    char path[64];
    path_of(house, 1, path);
    OK(chmod(path, 0640) == 0, "something happens to a song while it is read");
    pass_ms(1500);
    OK(!is_known(house, digests, 1, sha256), "then its digest is not believed");
    digests_stop(&digests);
    pass_ms(SETTLED_S * 1000);
    digests = start(house, FAST);
    want(digests, 1);
    OK(becomes_known(house, digests, 1) && is_right(house, digests, 1, 'A'),
       "it is read anew when somebody wants it again");
    digests_stop(&digests);
}

static void test_table(void)
{
    struct digest_table table;
    struct digest_entry entry = {.version = 1};
    bool has_all = true;
    digest_table_init(&table, 77, 1000);
    OK(!digest_table_find(&table, entry.track), "an empty table has nothing");
    for (uint16_t i = 0; i < 1000; i++) {
        memcpy(entry.track, &i, sizeof i);
        entry.version = i;
        has_all &= digest_table_put(&table, &entry);
    }
    entry.version = 5000;
    has_all &= digest_table_put(&table, &entry);
    for (uint16_t i = 0; i < 1000; i++) {
        memcpy(entry.track, &i, sizeof i);
        const struct digest_entry *found = digest_table_find(&table, entry.track);
        has_all &= found && found->version == (i < 999 ? i : 5000);
    }
    OK(has_all && table.count == 1000, "a thousand digests are found again, the later of two");
    entry.track[15] = 1;
    OK(!digest_table_put(&table, &entry) && !digest_table_find(&table, entry.track),
       "a full table takes no other");
    digest_table_release(&table);
}

int main(void)
{
    static const char *const leftovers[] = {
        "library.db", "library.db-wal", "library.db-shm", "1", "2", "3", "4"};
    struct house house = {.folder = "/tmp/digests-XXXXXX"};
    struct digests *none = NULL;
    char path[64], why[DIGESTS_WHY_BYTES];
    if (!mkdtemp(house.folder))
        return 1;
    snprintf(house.database, sizeof house.database, "%s/library.db", house.folder);
    for (unsigned song = 1; song <= SONGS; song++)
        write_song(&house, song, (char)('a' + song - 1));
    fill_database(&house);
    test_table();
    pass_ms(SETTLED_S * 1000 + 100);
    test_wanted(&house);
    test_in_the_background(&house);
    test_changes(&house);
    OK(digests_start(&(struct digests_config){.path = "/nonexistent/library.db", .bytes_per_s = 1},
                     &none, why) < 0 &&
           !none && *why,
       "a database that cannot be opened is told");
    for (size_t i = 0; i < ARRAY_SIZE(leftovers); i++) {
        snprintf(path, sizeof path, "%s/%s", house.folder, leftovers[i]);
        (void)unlink(path);
    }
    (void)rmdir(house.folder);
    return tap_done();
}
