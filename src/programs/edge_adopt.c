// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_adopt.h"

#include "io/file.h"
#include "programs/folder_lock.h"
#include "programs/node.h"
#include "programs/signin_limits.h"
#include "trust/keys.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { PASSWORD_FILE_MAX = 4096 };

static const char password_variable[] = "SOSTENUTO_SUBSONIC_PASSWORD";

/* --- the operator --- */

static bool read_password(const struct settings *settings, struct buffer *out, struct buffer *why)
{
    const char *given = getenv(password_variable);
    if (!settings->subsonic_password_file[0]) {
        buffer_text(out, text_of(given));
        if (!out->size)
            buffer_printf(why,
                          "subsonic_password_file: the password of subsonic_user is needed, in "
                          "a file or in %s",
                          password_variable);
        return out->size > 0;
    }
    int error = file_read(AT_FDCWD, settings->subsonic_password_file, out);
    if (error)
        buffer_printf(why, "subsonic_password_file: %s cannot be read: %.*s",
                      settings->subsonic_password_file, TEXT_ARGS(log_errno(error)));
    return error == 0;
}

bool edge_adopt_query(const struct settings *settings, char ret[EDGE_ADOPT_QUERY_BYTES],
                      struct buffer *why)
{
    struct buffer password;
    ret[0] = '\0';
    if (!settings->subsonic[0])
        return true;
    buffer_init(&password, PASSWORD_FILE_MAX);
    bool is_good = read_password(settings, &password, why);
    if (is_good && !settings->subsonic_user[0]) {
        buffer_printf(why, "subsonic_user: whose account is the server's library read with?");
        is_good = false;
    }
    if (is_good &&
        !adopt_operator_query(text_of(settings->subsonic_user), text_trim(buffer_view(&password)),
                              ret, EDGE_ADOPT_QUERY_BYTES)) {
        buffer_printf(why, "subsonic_user: name or password is too long");
        is_good = false;
    }
    buffer_release(&password);
    return is_good;
}

/* --- opening --- */

static bool open_keys(struct edge_adopt *adopt, struct buffer *why)
{
    char path[PATH_MAX];
    struct keys_error error = {""};
    (void)snprintf(path, sizeof path, "%s/keys", adopt->settings->data);
    const struct key_place place = {path, getenv("CREDENTIALS_DIRECTORY")}; /* systemd.exec(5) */
    if (keys_open(&place, true, &adopt->keys, &error) < 0)
        buffer_printf(why, "%s", error.words);
    return adopt->keys;
}

static bool start(struct edge_adopt *adopt, const struct edge_adopt_config *config,
                  struct text password, struct buffer *why)
{
    const struct settings *settings = config->settings;
    char words[300] = "";
    const struct throttle_limits signin = signin_limits(settings);
    const struct adopt_config wanted = {
        .folder = settings->data,
        .url = settings->subsonic,
        .ca_file = settings->origin_ca[0] ? settings->origin_ca : NULL,
        .user = text_of(settings->subsonic_user),
        .password = password,
        .keys = adopt->keys,
        .logger = config->logger,
        .loop = config->loop,
        .edge = config->edge,
        .resolvers = config->resolvers,
        .signin = &signin,
        .patience_ms = settings->subsonic_patience_ms,
        .requests_s = settings->subsonic_requests_s,
        .walk_minutes = settings->subsonic_walk_minutes,
        .max_writes = settings->max_subsonic_writes,
    };
    adopt->adopt = adopt_start(&wanted, words, sizeof words);
    if (!adopt->adopt)
        buffer_printf(why, "%s", words);
    return adopt->adopt;
}

bool edge_adopt_open(struct edge_adopt *adopt, const struct edge_adopt_config *config,
                     struct buffer *why)
{
    struct buffer password;
    *adopt = (struct edge_adopt){.settings = config->settings, .loop = config->loop, .lock_fd = -1};
    if (!config->settings->subsonic[0])
        return true;
    buffer_init(&password, PASSWORD_FILE_MAX);
    adopt->lock_fd = folder_lock(config->settings->data, why);
    bool is_good = adopt->lock_fd >= 0 && read_password(config->settings, &password, why) &&
                   open_keys(adopt, why) &&
                   start(adopt, config, text_trim(buffer_view(&password)), why);
    buffer_release(&password);
    if (is_good)
        adopt_routes(adopt->adopt, config->server);
    return is_good;
}

/* --- ending --- */

void edge_adopt_stop(struct edge_adopt *adopt)
{
    if (!adopt->adopt)
        return;
    adopt_stop(adopt->adopt);
    node_settle(adopt->loop); /* what workers and threads had posted */
}

void edge_adopt_close(struct edge_adopt *adopt)
{
    if (!adopt->loop)
        return;
    adopt_free(&adopt->adopt);
    keys_free(&adopt->keys);
    if (adopt->lock_fd >= 0)
        (void)close(adopt->lock_fd);
    adopt->loop = NULL;
}
