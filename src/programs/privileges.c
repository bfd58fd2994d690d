// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/privileges.h"

#include "io/file.h"
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOKUP_BYTES = 16384 };

struct identity {
    uid_t uid;
    gid_t gid;
    char name[64]; /* empty when the user has no name */
};

static int find_user(const char *name, struct identity *ret, struct buffer *why)
{
    char storage[LOOKUP_BYTES];
    struct passwd entry, *found = NULL;
    int error = getpwnam_r(name, &entry, storage, sizeof storage, &found);
    if (!found) {
        buffer_printf(
            why, "user: there is no user \"%s\" on this machine; make one or choose another", name);
        return error ? -error : -ENOENT;
    }
    *ret = (struct identity){.uid = found->pw_uid, .gid = found->pw_gid};
    (void)snprintf(ret->name, sizeof ret->name, "%s", name);
    return 0;
}

static void name_owner(struct identity *identity)
{
    char storage[LOOKUP_BYTES];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(identity->uid, &entry, storage, sizeof storage, &found) == 0 && found)
        (void)snprintf(identity->name, sizeof identity->name, "%s", found->pw_name);
}

static int become(const struct identity *identity, struct buffer *why)
{
    bool is_done =
        (identity->name[0] ? initgroups(identity->name, identity->gid) : setgroups(0, NULL)) == 0 &&
        setresgid(identity->gid, identity->gid, identity->gid) == 0 &&
        setresuid(identity->uid, identity->uid, identity->uid) == 0;
    if (is_done && setuid(0) != 0) /* and there is no way back */
        return 0;
    int error = is_done ? EPERM : errno;
    buffer_printf(why, "cannot become user %u: %.*s", identity->uid, TEXT_ARGS(log_errno(error)));
    return -error;
}

/* Whom to become; uid 0 means: stay root. */
static int choose(const struct settings *settings, struct identity *ret, struct buffer *why)
{
    struct stat status;
    *ret = (struct identity){0};
    if (settings->user[0])
        return find_user(settings->user, ret, why);
    if (stat(settings->data, &status) == 0) {
        *ret = (struct identity){.uid = status.st_uid, .gid = status.st_gid};
        name_owner(ret);
    }
    return 0;
}

/* 1 when it was made now, 0 when it was there, or -errno. */
static int make_folder(const char *path, struct buffer *why)
{
    struct stat status;
    if (stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return 0;
        buffer_printf(why, "%s is not a folder; choose another state folder with --data", path);
        return -ENOTDIR;
    }
    int error = file_make_dirs(AT_FDCWD, path, 0700);
    if (error < 0) {
        buffer_printf(why, "cannot make the state folder %s: %.*s; choose another with --data",
                      path, TEXT_ARGS(log_errno(error)));
        return error;
    }
    return 1;
}

int privileges_settle(const struct settings *settings, const struct logger *logger,
                      struct buffer *why)
{
    int made = make_folder(settings->data, why);
    if (made < 0 || geteuid() != 0 || settings->allow_root)
        return made < 0 ? made : 0;
    struct identity identity;
    int error = choose(settings, &identity, why);
    if (error < 0)
        return error;
    if (identity.uid == 0) {
        LOG(logger, LOG_WARNING,
            "running as root; name a user with --user, or give the state folder to one",
            {"data", text_of(settings->data)});
        return 0;
    }
    if (made == 1 && chown(settings->data, identity.uid, identity.gid) != 0) {
        buffer_printf(why, "cannot give %s to user %u: %.*s", settings->data, identity.uid,
                      TEXT_ARGS(log_errno(errno)));
        return -errno;
    }
    return become(&identity, why);
}
