// SPDX-License-Identifier: GPL-3.0-or-later
/* state export, state import: everything a database holds as one file, and back into either engine.
 */
#include "base/log.h"
#include "edge/forwarded_mark.h"
#include "io/clock.h"
#include "io/file.h"
#include "programs/command.h"
#include "programs/folder_lock.h"
#include "programs/folder_role.h"
#include "programs/node.h"
#include "programs/privileges.h"
#include "programs/settings_sources.h"
#include "state/export.h"
#include "state/state.h"
#include "trust/keys.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

static enum command_exit say(const struct buffer *why)
{
    return command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(why)));
}

/* An origin's. */
static bool open_and_close(const struct settings *settings, struct loop *loop, struct buffer *why)
{
    struct node node;
    int error = node_open(&node, settings, NULL, loop, why);
    node_close(&node);
    return error == 0;
}

/* An edge's, as that opens it: what has not arrived at its origin stays in its journal. */
static bool open_and_close_edges(const struct settings *settings, struct loop *loop,
                                 struct buffer *why)
{
    char path[PATH_MAX];
    struct keys *keys = NULL;
    struct state *state = NULL;
    struct keys_error keys_error = {""};
    struct state_error error = {""};
    struct state_forwarded left = {.lsn = 0};
    int lock_fd = folder_lock(settings->data, why);
    if (lock_fd < 0)
        return false;
    (void)snprintf(path, sizeof path, "%s/keys", settings->data);
    const struct key_place place = {path, getenv("CREDENTIALS_DIRECTORY")}; /* systemd.exec(5) */
    forwarded_mark_read(settings->data, &left.journal, &left.lsn);
    bool is_open = keys_open(&place, false, &keys, &keys_error) == 0;
    if (!is_open)
        buffer_printf(why, "%s", keys_error.words);
    const struct state_config config = {.folder = settings->data,
                                        .keys = keys,
                                        .loop = loop,
                                        .forwarded = &left,
                                        .max_journal_bytes = (uint64_t)settings->edge_journal_mib
                                                             << 20,
                                        .now_ms = clock_unix_ms()};
    if (is_open && state_open(&config, &state, &error) < 0) {
        buffer_printf(why, "%s", error.words);
        is_open = false;
    }
    state_close(&state);
    keys_free(&keys);
    (void)close(lock_fd);
    return is_open;
}

/* Opening and closing a state writes into state.db what was only in the journal. */
static bool apply_journal(const struct settings *settings, struct buffer *why)
{
    struct loop *loop = loop_new();
    bool is_edges = folder_role(settings->data) == FOLDER_EDGE;
    bool is_applied =
        is_edges ? open_and_close_edges(settings, loop, why) : open_and_close(settings, loop, why);
    loop_free(&loop);
    return is_applied;
}

static enum command_exit export_from(const char *location, const char *file)
{
    struct database *database = NULL;
    struct state_error error = {""};
    int result = database_open(location, &database, &error);
    result = result ? result : state_export(database, file, clock_unix_ms(), &error);
    database_close(&database);
    if (result)
        return command_fail(COMMAND_FAILED, "%s", error.words);
    printf("exported; what is sealed in it opens with the folder keys/ of this origin alone\n");
    return COMMAND_OK;
}

static enum command_exit export_with(const struct settings *settings, const char *file,
                                     struct buffer *why)
{
    char path[PATH_MAX];
    if (database_is_remote(settings->database))
        return export_from(settings->database, file);
    if (!apply_journal(settings, why))
        return say(why);
    (void)snprintf(path, sizeof path, "%s/state.db", settings->data);
    return export_from(path, file);
}

/* --- import --- */

static int fail(struct state_error *ret_error, int error, const char *place)
{
    (void)snprintf(ret_error->words, sizeof ret_error->words, "%.300s: %s", place,
                   strerrordesc_np(-error));
    return error;
}

static int refuse_rows(struct database *database, bool is_replacing, struct state_error *error)
{
    bool is_empty = true;
    int result = state_is_empty(database, &is_empty, error);
    if (result || is_empty || is_replacing)
        return result;
    (void)snprintf(error->words, sizeof error->words,
                   "there is a state already; --replace throws it away");
    return -EEXIST;
}

static int take(const char *file, struct database *database, struct state_error *error)
{
    struct database_mark mark = {.epoch = 1};
    int result = state_import(file, database, &mark.epoch, error);
    if (!result && database_set_mark(database, &mark))
        result = fail(error, -EIO, "the epoch cannot be written");
    return result;
}

static int import_remote(const char *url, const char *file, bool is_replacing,
                         struct state_error *error)
{
    struct database *database = NULL;
    int result = database_open(url, &database, error);
    result = result ? result : refuse_rows(database, is_replacing, error);
    if (!result && is_replacing && database_clear(database))
        result = fail(error, -EIO, "the database cannot be emptied");
    result = result ? result : take(file, database, error);
    database_close(&database);
    return result;
}

/* The journal of what was there goes with it. */
static int move_aside(const char *data, const char *name, struct state_error *error)
{
    char from[PATH_MAX], to[PATH_MAX];
    (void)snprintf(from, sizeof from, "%s/%s", data, name);
    (void)snprintf(to, sizeof to, "%s/%s.before-import.%lld", data, name,
                   (long long)clock_unix_ms());
    return rename(from, to) == 0 || errno == ENOENT ? 0 : fail(error, -errno, from);
}

static int check_local(const char *path, bool is_replacing, struct state_error *error)
{
    struct database *database = NULL;
    if (access(path, F_OK) != 0)
        return 0;
    int result = database_open(path, &database, error);
    result = result ? result : refuse_rows(database, is_replacing, error);
    database_close(&database);
    return result;
}

/* Beside what is there, then in its place: a file that does not hold leaves everything as it was.
 */
static int import_local(const char *data, const char *file, bool is_replacing,
                        struct state_error *error)
{
    char path[PATH_MAX], fresh[PATH_MAX];
    struct database *database = NULL;
    (void)snprintf(path, sizeof path, "%s/state.db", data);
    (void)snprintf(fresh, sizeof fresh, "%s/state.db.import", data);
    (void)unlink(fresh);
    int result = check_local(path, is_replacing, error);
    result = result ? result : database_open(fresh, &database, error);
    result = result ? result : take(file, database, error);
    database_close(&database);
    result = result ? result : move_aside(data, "journal", error);
    result = result ? result : move_aside(data, "state.db", error);
    if (!result && rename(fresh, path) != 0)
        result = fail(error, -errno, path);
    if (result)
        (void)unlink(fresh);
    return result;
}

/* Under the folder's lock, so that no server starts meanwhile. */
static int import_locked(const char *data, const char *file, bool is_replacing,
                         struct state_error *error)
{
    pid_t holder = 0;
    int made = file_make_dirs(AT_FDCWD, data, 0700),
        folder = made < 0 ? made : file_open_dir(AT_FDCWD, data),
        lock = folder < 0 ? folder : file_lock(folder, "lock", &holder);
    if (folder >= 0)
        (void)close(folder);
    if (lock == -EWOULDBLOCK) {
        (void)snprintf(error->words, sizeof error->words, "process %d serves %.300s; stop it first",
                       (int)holder, data);
        return lock;
    }
    if (lock < 0)
        return fail(error, lock, data);
    int result = import_local(data, file, is_replacing, error);
    (void)close(lock);
    return result;
}

static enum command_exit import_with(const struct settings *settings, const char *file,
                                     bool is_replacing)
{
    struct state_error error = {""};
    int result = database_is_remote(settings->database)
                     ? import_remote(settings->database, file, is_replacing, &error)
                     : import_locked(settings->data, file, is_replacing, &error);
    if (result)
        return command_fail(COMMAND_FAILED, "%s", error.words);
    printf("imported; origins that serve it need the folder keys/ of the one it came from\n");
    return COMMAND_OK;
}

/* --- commands --- */

static enum command_exit with_settings(const struct arguments *arguments, bool is_import)
{
    struct settings settings;
    struct buffer why;
    const char *file = arguments->positionals[0];
    enum command_exit code;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    if (!settings_load(&settings, arguments, &why) || privileges_settle(&settings, NULL, &why) < 0)
        code = say(&why);
    else if (is_import)
        code = import_with(&settings, file, arguments_has(arguments, "replace"));
    else
        code = export_with(&settings, file, &why);
    settings_release(&settings);
    buffer_release(&why);
    return code;
}

static enum command_exit run_export(const struct arguments *arguments)
{
    return with_settings(arguments, false);
}

static enum command_exit run_import(const struct arguments *arguments)
{
    return with_settings(arguments, true);
}

const struct command command_state_export = {
    .name = "state export",
    .arguments = "FILE",
    .summary = "Write everything that listeners and operators did into one new file.",
    .about =
        "To move between state folders and PostgreSQL, in either direction, without loss. Of a\n"
        "state folder: stop its server first. Of --database: at any time; what an origin could "
        "not\n"
        "pass on yet is in its journal and follows later. Keys and music are not in the file.\n",
    .least_positionals = 1,
    .most_positionals = 1,
    .settings = COMMAND_SETTINGS_PLACE,
    .run = run_export};

static const struct argument_option import_options[] = {
    {.name = "replace", .help = "Throw away what is there."}};

const struct command command_state_import = {
    .name = "state import",
    .arguments = "FILE",
    .summary = "Take such a file into a state folder, or into the PostgreSQL of --database.",
    .about =
        "Only while no server runs on it. The file is verified whole before anything is touched.\n"
        "What was in a state folder is kept beside, as *.before-import.TIME.\n",
    .options = import_options,
    .option_count = ARRAY_SIZE(import_options),
    .least_positionals = 1,
    .most_positionals = 1,
    .settings = COMMAND_SETTINGS_PLACE,
    .run = run_import};
