// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/replica.h"

#include "base/map.h"
#include "base/mem.h"
#include "io/random.h"
#include "state/database_postgres.h"
#include "state/transfer.h"
#include "trust/keys.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <unistd.h>

enum { MAX_ACCOUNTS = 1000000, CHECK_BYTES = 16, PATH_BYTES = 4096 };

PRINTF_LIKE(3, 4) static int fail(struct state_error *ret_error, int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_error->words, sizeof ret_error->words, format, args);
    va_end(args);
    return error;
}

/* --- the accounts of a database --- */

static bool take_account(void *context, const struct cell_name *name, const struct cell *cell)
{
    struct map *accounts = context;
    if (name->space != SPACE_ACCOUNT_NAME || cell->value.size == 0)
        return true;
    return map_get(accounts, uid_view(&name->account)) ||
           map_put(accounts, uid_view(&name->account), accounts);
}

static bool pass_range(void *context, struct uid device, uint64_t first, uint64_t last)
{
    (void)context, (void)device, (void)first, (void)last;
    return true;
}

static bool pass_digest(void *context, struct uid device, uint64_t seq, uint64_t digest)
{
    (void)context, (void)device, (void)seq, (void)digest;
    return true;
}

static bool pass_kept(void *context, struct text operation)
{
    (void)context, (void)operation;
    return true;
}

static bool pass_count(void *context, struct uid account, struct subject subject,
                       struct plays plays)
{
    (void)context, (void)account, (void)subject, (void)plays;
    return true;
}

static int accounts_of(struct database *database, struct map **ret, struct state_error *ret_error)
{
    struct database_mark mark;
    *ret = map_new(random_u64(), MAX_ACCOUNTS);
    const struct database_sink sink = {.cell = take_account,
                                       .count = pass_count,
                                       .range = pass_range,
                                       .digest = pass_digest,
                                       .kept = pass_kept,
                                       .context = *ret};
    return database_load(database, &sink, &mark, ret_error);
}

static bool has_all(const struct map *whole, const struct map *part)
{
    size_t cursor = 0;
    struct text key;
    void *value;
    while (map_next(part, &cursor, &key, &value))
        if (!map_get(whole, key))
            return false;
    return true;
}

/* Whether state.db may be replaced by what the record has. */
static int compare(const char *path, struct database *local, struct database *remote,
                   struct state_error *ret_error)
{
    struct map *ours = NULL, *theirs = NULL;
    int error = accounts_of(local, &ours, ret_error);
    error = error ? error : accounts_of(remote, &theirs, ret_error);
    if (!error && !has_all(theirs, ours))
        error = fail(ret_error, -EEXIST,
                     "%s has accounts that the database has not: move them with 'sostenuto state "
                     "export' and 'sostenuto state import', or move the file away",
                     path);
    map_free(&ours);
    map_free(&theirs);
    return error;
}

/* --- the first time --- */

static int copy_into(const char *path, struct database *remote,
                     const struct database_record *record, struct state_error *ret_error)
{
    struct database *fresh = NULL;
    struct database_mark mark = {.epoch = 1};
    (void)unlink(path);
    int error = database_open(path, &fresh, ret_error);
    error = error ? error : transfer_all(remote, fresh, &mark, ret_error);
    const struct database_mark ours = {.epoch = mark.epoch};
    const struct database_follow follow = {record->id, mark.lsn};
    if (!error && (database_set_mark(fresh, &ours) || database_follow(fresh, &follow)))
        error = fail(ret_error, -EIO, "%s cannot be written", path);
    database_close(&fresh);
    return error;
}

static int replace(const char *path, struct database *remote, const struct database_record *record,
                   struct state_error *ret_error)
{
    char fresh[PATH_BYTES + 32], before[PATH_BYTES + 32];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    snprintf(before, sizeof before, "%s.before-postgresql", path);
    int error = copy_into(fresh, remote, record, ret_error);
    if (error)
        return error;
    if (rename(path, before) != 0 || rename(fresh, path) != 0)
        return fail(ret_error, -errno, "%s cannot be put in place: %s", path,
                    strerrordesc_np(errno));
    return 0;
}

/* --- each time --- */

/* A hash that tells whether two origins can open each other's secrets. */
static struct text key_check(uint8_t storage[CHECK_BYTES], const struct keys *keys)
{
    static const char context[] = "sostenuto key check 1";
    crypto_generichash(storage, CHECK_BYTES, (const uint8_t *)context, sizeof context - 1,
                       keys->sealing, sizeof keys->sealing);
    return text_make((const char *)storage, CHECK_BYTES);
}

static int meet(struct database *remote, const struct keys *keys, struct database_record *ret,
                struct state_error *ret_error)
{
    uint8_t storage[CHECK_BYTES];
    bool is_same = false;
    int result = database_check_keys(remote, key_check(storage, keys), &is_same);
    result = result ? result : database_record(remote, ret);
    if (result)
        return fail(ret_error, result == DATABASE_REFUSED ? -EIO : -ETIMEDOUT,
                    "the database %s (%s)", database_words(result), database_detail(remote));
    if (!is_same)
        return fail(ret_error, -EACCES,
                    "the database belongs to origins with other keys: copy the folder keys/ of one "
                    "of them into this state folder");
    return 0;
}

static int follow(const char *path, struct database *local, struct database *remote,
                  const struct database_record *record, struct database_follow *ret_follow,
                  struct state_error *ret_error)
{
    if (uid_equal(ret_follow->record, record->id)) {
        database_close(&local);
        return 0;
    }
    int error = uid_is_none(ret_follow->record)
                    ? compare(path, local, remote, ret_error)
                    : fail(ret_error, -EEXIST,
                           "%s is a replica of another database: give that one, or move the file "
                           "away to begin with this one",
                           path);
    database_close(&local);
    return error ? error : replace(path, remote, record, ret_error);
}

static int settle(const char *path, struct database *remote, const struct keys *keys,
                  const struct logger *logger, struct database_follow *ret_follow,
                  struct state_error *ret_error)
{
    struct database *local = NULL;
    struct database_record record;
    int error = database_open(path, &local, ret_error);
    if (!error && database_following(local, ret_follow) != 0)
        error = fail(ret_error, -EIO, "%s cannot be read", path);
    if (error)
        return error;
    error = meet(remote, keys, &record, ret_error);
    if (!error)
        return follow(path, local, remote, &record, ret_follow, ret_error);
    database_close(&local);
    if (error != -ETIMEDOUT || uid_is_none(ret_follow->record))
        return error;
    LOG(logger, LOG_WARNING, "the database of record does not answer; serving from the replica",
        {"said", text_of(ret_error->words)});
    return 0;
}

int replica_prepare(const char *folder, const char *url, const struct database_bounds *bounds,
                    const struct keys *keys, const struct logger *logger, struct database **ret,
                    struct state_error *ret_error)
{
    char path[PATH_BYTES];
    struct database_follow was = {.cursor = 0};
    snprintf(path, sizeof path, "%s/state.db", folder);
    struct database *remote = database_postgres_new(url, bounds);
    int error = settle(path, remote, keys, logger, &was, ret_error);
    if (error) {
        database_close(&remote);
        return error;
    }
    *ret = remote;
    return 0;
}
