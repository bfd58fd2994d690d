// SPDX-License-Identifier: GPL-3.0-or-later
/* backup, restore: the state folder as one file. */
#include "base/log.h"
#include "io/clock.h"
#include "io/file.h"
#include "programs/control_client.h"
#include "programs/operate.h"
#include "programs/privileges.h"
#include "programs/settings_sources.h"
#include "programs/taken_place.h"
#include "state/backup.h"
#include "trust/node_book.h"
#include <errno.h>
#include <limits.h>
#include <unistd.h>

/* The server writes the file, and its working folder is not ours. */
static bool absolute(const char *path, char ret[PATH_MAX])
{
    char here[PATH_MAX / 2];
    if (path[0] == '/')
        return snprintf(ret, PATH_MAX, "%s", path) < PATH_MAX;
    return getcwd(here, sizeof here) && snprintf(ret, PATH_MAX, "%s/%s", here, path) < PATH_MAX;
}

static enum command_exit backup(const struct arguments *arguments)
{
    char path[PATH_MAX];
    if (!absolute(arguments->positionals[0], path))
        return command_fail(COMMAND_USAGE, "the path is too long");
    struct operator_request request = {.verb = (char *)(uintptr_t) "backup", .path = path};
    return operate_and_say(arguments, &request);
}

/* That are not revoked; false with words. */
static bool count_edges(const struct settings *settings, size_t *ret, struct state_error *ret_error)
{
    char keys[PATH_MAX];
    struct node_book *book = NULL;
    struct node_seat seat;
    struct keys_error error = {""};
    (void)snprintf(keys, sizeof keys, "%s/keys", settings->data);
    const struct key_place place = {keys, getenv("CREDENTIALS_DIRECTORY")};
    const struct node_book_limits limits = {settings->max_edges, settings->max_invites};
    bool is_read = node_book_open(&place, &limits, &book, &error) == 0;
    *ret = 0;
    for (size_t i = 0; is_read && i < node_book_count(book); i++) {
        node_book_at(book, i, &seat);
        *ret += seat.revoked_s == 0;
    }
    if (!is_read)
        (void)snprintf(ret_error->words, sizeof ret_error->words,
                       "restored, but which edges there are cannot be read: %.200s", error.words);
    node_book_close(&book);
    return is_read;
}

/* Its edges hold what came after the backup: they are asked, as after a promotion. */
static bool ask_edges(const struct settings *settings, int folder, struct state_error *ret_error)
{
    int64_t now_ms = clock_unix_ms();
    uint64_t epoch = 0;
    if (state_raise_epoch(settings->data, (uint64_t)now_ms, &epoch, ret_error) < 0)
        return false;
    int error = taken_place_write(folder, epoch, now_ms);
    if (error)
        (void)snprintf(ret_error->words, sizeof ret_error->words,
                       "restored, but not noted that edges are asked: %.*s",
                       TEXT_ARGS(log_errno(error)));
    return error == 0;
}

static enum command_exit restore_locked(const struct settings *settings, int folder,
                                        const char *file)
{
    struct state_error error = {""};
    char aside[STATE_ASIDE_BYTES];
    size_t edges = 0;
    if (state_restore(file, settings->data, aside, &error) < 0 ||
        !count_edges(settings, &edges, &error) || (edges && !ask_edges(settings, folder, &error)))
        return command_fail(COMMAND_FAILED, "%s", error.words);
    printf("restored\n");
    if (aside[0])
        printf("What was here is whole in %s/%s, a state folder of its own (sostenuto state export "
               "FILE --data THAT). Delete it when nobody misses anything.\n",
               settings->data, aside);
    if (edges)
        printf(
            "The %zu edges of then are asked what they heard of since, once it serves. Revoke "
            "again those that were revoked since (sostenuto edges revoke NAME), and invite again "
            "those that joined since: docs/edge.md, \"A backup is restored\".\n",
            edges);
    return COMMAND_OK;
}

/* Under the folder's lock, so that no server starts meanwhile. */
static enum command_exit restore_into(const struct settings *settings, const char *file)
{
    pid_t holder = 0;
    int folder = file_open_dir(AT_FDCWD, settings->data),
        lock = folder < 0 ? folder : file_lock(folder, "lock", &holder);
    enum command_exit code;
    if (lock == -EWOULDBLOCK)
        code = command_fail(COMMAND_FAILED, "process %d serves %s; stop it first", (int)holder,
                            settings->data);
    else if (lock < 0)
        code = command_fail(COMMAND_FAILED, "%s: %.*s", settings->data, TEXT_ARGS(log_errno(lock)));
    else
        code = restore_locked(settings, folder, file);
    if (lock >= 0)
        (void)close(lock);
    if (folder >= 0)
        (void)close(folder);
    return code;
}

static enum command_exit restore(const struct arguments *arguments)
{
    struct settings settings;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    enum command_exit code;
    if (!settings_load(&settings, arguments, &why) || privileges_settle(&settings, NULL, &why) < 0)
        code = command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    else
        code = restore_into(&settings, arguments->positionals[0]);
    settings_release(&settings);
    buffer_release(&why);
    return code;
}

const struct command command_backup = {
    .name = "backup",
    .arguments = "FILE",
    .summary = "Write accounts, keys and everything listeners did into one new file.",
    .about = "Consistent while the server runs. The file is as secret as the state folder. Music "
             "is not in it.\n",
    .least_positionals = 1,
    .most_positionals = 1,
    .settings = COMMAND_SETTINGS_PLACE,
    .run = backup};

const struct command command_restore = {
    .name = "restore",
    .arguments = "FILE",
    .summary = "Put a backup in place of the state folder's content.",
    .about =
        "Only while no server runs on it. The file is verified whole before anything is touched.\n"
        "What was there is kept whole in before-restore, a state folder of its own inside: delete\n"
        "it when nobody misses anything. Edges that the origin had when the backup was made "
        "follow\n"
        "by themselves and bring back what they heard of since. Revoke again those that were\n"
        "revoked since, before it serves. See docs/edge.md.\n",
    .least_positionals = 1,
    .most_positionals = 1,
    .settings = COMMAND_SETTINGS_PLACE,
    .run = restore};
