// SPDX-License-Identifier: GPL-3.0-or-later
#include "replica/replica.h"

#include "base/mem.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/random.h"
#include "replica/course.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { OBJECT_MAX_BYTES = SIGNED_MAX_BODY_BYTES + (64 << 10), CURSOR_MAX_BYTES = 128 };

struct replica_limits replica_limits_default(void)
{
    return (struct replica_limits){
#define LIMIT(name, type, standard, help) .name = (standard),
#include "replica/replica.def"
#undef LIMIT
    };
}

/* --- what the disk has --- */

/* A list whose objects came, but not its adoption: it is finished now. */
static void finish_lists(struct replica *replica, int64_t now_s)
{
    for (int library = 1; library <= CATALOGS_MOST; library++) {
        char name[32];
        const char *why;
        (void)snprintf(name, sizeof name, "/catalog/%d", library);
        if (!copies_load(replica->copies, name, now_s))
            continue;
        const struct copy *copy = copies_get(replica->copies, name);
        if (catalogs_want(replica->catalogs, library, copy->object.body, &why) == CATALOGS_LACKS)
            replica->wants_lists |= UINT32_C(1) << (library - 1);
        take_tell(replica, name);
    }
}

static void tell_held(struct replica *replica, int64_t now_s)
{
    for (size_t i = 0; i < ARRAY_SIZE(replica_small_names); i++)
        if (copies_load(replica->copies, replica_small_names[i], now_s))
            take_tell(replica, replica_small_names[i]);
        else
            replica->wants_small[i] = true;
    finish_lists(replica, now_s);
    take_tell_catalog(replica);
    if (file_read(AT_FDCWD, replica->cursor_path, &replica->cursor) == 0)
        course_read_cursor(replica, buffer_view(&replica->cursor));
}

static int open_held(struct replica *replica, char why[256])
{
    char folder[PATH_MAX];
    int size = snprintf(folder, sizeof folder, "%s/replica", replica->config.folder);
    int error = size >= (int)sizeof folder - 16 ? -ENAMETOOLONG : 0;
    if (!error)
        error = copies_open(folder, replica->config.line.fingerprint, &replica->copies);
    if (!error) {
        (void)snprintf(folder, sizeof folder, "%s/replica/cursor", replica->config.folder);
        replica->cursor_path = mem_strdup(folder);
        (void)snprintf(folder, sizeof folder, "%s/catalog", replica->config.folder);
        error = catalogs_open(folder, &replica->catalogs);
    }
    if (error)
        (void)snprintf(why, 256, "%.180s: %s", folder, strerrordesc_np(-error));
    return error;
}

/* --- life --- */

static void *run(void *context)
{
    struct replica *replica = context;
    (void)pthread_setname_np(pthread_self(), "replica");
    course_start(replica);
    loop_run(replica->loop);
    course_stop(replica);
    return NULL;
}

static void free_replica(struct replica *replica)
{
    catalogs_close(&replica->catalogs);
    copies_close(&replica->copies);
    loop_free(&replica->loop);
    buffer_release(&replica->body);
    buffer_release(&replica->cursor);
    buffer_release(&replica->next_cursor);
    mem_free(replica->cursor_path);
    listeners_close(replica);
    for (size_t i = 0; i < replica->config.line.url_count; i++)
        mem_free(replica->urls[i]);
    (void)pthread_mutex_destroy(&replica->lock);
    mem_free(replica);
}

static struct replica *new_replica(const struct replica_config *config)
{
    struct replica *replica = MEM_NEW(struct replica);
    replica->config = *config;
    for (size_t i = 0; i < config->line.url_count; i++)
        replica->urls[i] = mem_strdup(config->line.urls[i]);
    size_t changes_bytes = (size_t)config->limits.replica_changes_kib << 10;
    buffer_init(&replica->body,
                changes_bytes > OBJECT_MAX_BYTES ? changes_bytes : OBJECT_MAX_BYTES);
    listeners_open(replica);
    buffer_init(&replica->cursor, CURSOR_MAX_BYTES);
    buffer_init(&replica->next_cursor, CURSOR_MAX_BYTES);
    (void)pthread_mutex_init(&replica->lock, NULL);
    replica->loop = loop_new();
    return replica;
}

int replica_start(const struct replica_config *config, struct replica **ret, char why[256])
{
    struct replica *replica = new_replica(config);
    int error = open_held(replica, why);
    if (!error) {
        tell_held(replica, clock_unix_ms() / 1000);
        error = -pthread_create(&replica->thread, NULL, run, replica);
        if (error)
            (void)snprintf(why, 256, "the replica's thread cannot start: %s",
                           strerrordesc_np(-error));
    }
    if (error)
        free_replica(replica);
    else
        *ret = replica;
    return error;
}

void replica_stop(struct replica **replica_p)
{
    struct replica *replica = *replica_p;
    if (!replica)
        return;
    loop_stop(replica->loop);
    (void)pthread_join(replica->thread, NULL);
    free_replica(replica);
    *replica_p = NULL;
}

void replica_status(struct replica *replica, struct replica_status *ret)
{
    pthread_mutex_lock(&replica->lock);
    *ret = replica->shown;
    pthread_mutex_unlock(&replica->lock);
}
