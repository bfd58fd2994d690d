// SPDX-License-Identifier: GPL-3.0-or-later
/* backup, restore: the state folder as one file. */
#include "base/log.h"
#include "io/file.h"
#include "programs/control_client.h"
#include "programs/operate.h"
#include "programs/privileges.h"
#include "programs/settings_sources.h"
#include "state/backup.h"
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

/* Under the folder's lock, so that no server starts meanwhile. */
static enum command_exit restore_into(const char *data, const char *file)
{
    struct state_error error = {""};
    pid_t holder = 0;
    int folder = file_open_dir(AT_FDCWD, data),
        lock = folder < 0 ? folder : file_lock(folder, "lock", &holder);
    if (folder >= 0)
        (void)close(folder);
    if (lock == -EWOULDBLOCK)
        return command_fail(COMMAND_FAILED, "process %d serves %s; stop it first", (int)holder,
                            data);
    if (lock < 0)
        return command_fail(COMMAND_FAILED, "%s: %.*s", data, TEXT_ARGS(log_errno(lock)));
    int result = state_restore(file, data, &error);
    (void)close(lock);
    if (result < 0)
        return command_fail(COMMAND_FAILED, "%s", error.words);
    printf("restored; what listeners did after the backup is in %s/journal.before-restore\n", data);
    return COMMAND_OK;
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
        code = restore_into(settings.data, arguments->positionals[0]);
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
        "Only while no server runs on it. The file is verified whole before anything is touched.\n",
    .least_positionals = 1,
    .most_positionals = 1,
    .settings = COMMAND_SETTINGS_PLACE,
    .run = restore};
