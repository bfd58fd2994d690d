// SPDX-License-Identifier: GPL-3.0-or-later
/* demote: of two that were promoted, the one that gave way becomes an edge again. */
#include "base/log.h"
#include "io/file.h"
#include "programs/command.h"
#include "programs/privileges.h"
#include "programs/settings_sources.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASIDE "keys/given-up"

/* What made an origin of it is put aside, not deleted: who was wrong can undo it. */
static const char *const aside[] = {"root.pub", "signing.key", "keys.signed", "nodes.authority",
                                    "edges"};
/* What it made of the catalogue that it copied, and what a process was told. */
static const char *const gone[] = {"library.db", "library.db-wal", "library.db-shm",
                                   "libraries.json", "superseded"};

static int move(int folder, const char *from, const char *to)
{
    return renameat(folder, from, folder, to) == 0 || errno == ENOENT ? 0 : -errno;
}

/* `joined` comes back last: until then it is no edge, and all of this may be done again. */
static int carry_out(int folder)
{
    char from[64], to[64];
    int error = mkdirat(folder, ASIDE, 0700) == 0 || errno == EEXIST ? 0 : -errno;
    for (size_t i = 0; i < ARRAY_SIZE(aside) && !error; i++) {
        (void)snprintf(from, sizeof from, "keys/%s", aside[i]);
        (void)snprintf(to, sizeof to, ASIDE "/%s", aside[i]);
        error = move(folder, from, to);
    }
    for (size_t i = 0; i < ARRAY_SIZE(gone) && !error; i++)
        error = unlinkat(folder, gone[i], 0) == 0 || errno == ENOENT ? 0 : -errno;
    if (!error)
        error = move(folder, "promoted", ASIDE "/promoted");
    if (!error)
        error = move(folder, "keys/joined.before-promote", "keys/joined");
    return error ? error : fsync(folder) == 0 ? 0 : -errno;
}

static enum command_exit demote_at(const char *data, int folder)
{
    pid_t holder = 0;
    if (faccessat(folder, "keys/joined.before-promote", F_OK, 0) != 0)
        return command_fail(COMMAND_FAILED,
                            "%s was no edge that was promoted: it cannot become one again; join a "
                            "new one with sostenuto invite at the other origin",
                            data);
    int lock = file_lock(folder, "lock", &holder);
    if (lock == -EWOULDBLOCK)
        return command_fail(COMMAND_FAILED, "process %d serves %s; stop it first", (int)holder,
                            data);
    int error = lock < 0 ? lock : carry_out(folder);
    if (lock >= 0)
        (void)close(lock);
    if (error)
        return command_fail(COMMAND_FAILED, "%s: %.*s", data, TEXT_ARGS(log_errno(error)));
    printf("an edge again: sostenuto edge --data %s\n"
           "It finds the other origin by the nodes that it knows, and brings it what was accepted "
           "here since.\n",
           data);
    return COMMAND_OK;
}

static enum command_exit run(const struct arguments *arguments)
{
    struct settings settings;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    enum command_exit code = COMMAND_FAILED;
    if (!settings_load(&settings, arguments, &why) ||
        privileges_settle(&settings, NULL, &why) < 0) {
        code = command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    } else {
        int folder = file_open_dir(AT_FDCWD, settings.data);
        code = folder < 0 ? command_fail(COMMAND_FAILED, "%s: %.*s", settings.data,
                                         TEXT_ARGS(log_errno(folder)))
                          : demote_at(settings.data, folder);
        if (folder >= 0)
            (void)close(folder);
    }
    settings_release(&settings);
    buffer_release(&why);
    return code;
}

const struct command command_demote = {
    .name = "demote",
    .arguments = "",
    .summary = "Make an edge that was promoted an edge again.",
    .about = "For the one that gave way when two were promoted. Only while no server runs on it. "
             "What it accepted meanwhile\ngoes to the other origin. See docs/edge.md.\n",
    .settings = COMMAND_SETTINGS_PLACE,
    .run = run,
};
