// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
/*
 * postgres_server: a PostgreSQL of Debian's in a temporary folder, by tests/postgres/server.
 */
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct postgres_server {
    char folder[64], url[200];
};

static inline bool postgres_server_run(const struct postgres_server *server, const char *verb)
{
    extern char **environ;
    char script[] = SOSTENUTO_POSTGRES_SERVER, word[16], folder[80];
    char *arguments[] = {script, word, folder, NULL};
    posix_spawn_file_actions_t quiet;
    pid_t pid;
    int status = -1;
    snprintf(word, sizeof word, "%s", verb);
    snprintf(folder, sizeof folder, "%s/pg", server->folder);
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    bool has_run = posix_spawn(&pid, script, &quiet, NULL, arguments, environ) == 0 &&
                   waitpid(pid, &status, 0) == pid && status == 0;
    posix_spawn_file_actions_destroy(&quiet);
    return has_run;
}

static inline bool postgres_server_start(const struct postgres_server *server)
{
    return postgres_server_run(server, "start");
}

static inline void postgres_server_stop(const struct postgres_server *server)
{
    (void)!postgres_server_run(server, "stop");
}

/* False when there is none on this machine. */
static inline bool postgres_server_init(struct postgres_server *server)
{
    *server = (struct postgres_server){.folder = "/tmp/test_postgres.XXXXXX"};
    if (!mkdtemp(server->folder) || chmod(server->folder, 0755) != 0)
        return false;
    snprintf(server->url, sizeof server->url, "postgresql://sostenuto@/sostenuto?host=%s/pg",
             server->folder);
    return postgres_server_start(server);
}

static inline int postgres_server_remove(const char *path, const struct stat *status, int type,
                                         struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

static inline void postgres_server_release(const struct postgres_server *server)
{
    postgres_server_stop(server);
    nftw(server->folder, postgres_server_remove, 16, FTW_DEPTH | FTW_PHYS);
}
