// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/watch.h"
#include "base/map.h"
#include "base/mem.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { READ_BYTES = 16384 };

struct watched {
    int32_t root;
    char *path;
};

struct dirty {
    int32_t root;
    char *path;
    bool is_deep;
};

struct watch {
    struct watch_config config;
    struct loop_watch events;
    struct loop_timer timer;
    pthread_mutex_t lock; /* guards `folders`: the scan adds, the loop reads */
    struct map *folders;  /* watch descriptor to struct watched */
    atomic_bool is_limited;
    struct dirty dirty[WATCH_MAX_DIRTY];
    size_t dirty_count;
    bool is_everything;
    uint64_t first_us; /* of the changes gathered; 0 none */
};

static struct text key_of(const int *descriptor)
{
    return text_make((const char *)descriptor, sizeof *descriptor);
}

static void watched_free(struct watched *watched)
{
    if (watched)
        mem_free(watched->path);
    mem_free(watched);
}

/* --- gathering --- */

static void drop_dirty(struct watch *watch)
{
    for (size_t i = 0; i < watch->dirty_count; i++)
        mem_free(watch->dirty[i].path);
    watch->dirty_count = 0;
}

static void note(struct watch *watch, int32_t root, const char *path, bool is_deep)
{
    for (size_t i = 0; i < watch->dirty_count; i++) {
        struct dirty *known = &watch->dirty[i];
        if (known->root == root && strcmp(known->path, path) == 0) {
            known->is_deep = known->is_deep || is_deep;
            return;
        }
    }
    if (watch->dirty_count == WATCH_MAX_DIRTY)
        watch->is_everything = true;
    else
        watch->dirty[watch->dirty_count++] = (struct dirty){root, mem_strdup(path), is_deep};
}

static void postpone(struct watch *watch, uint64_t now_us, uint64_t quiet_ms)
{
    if (!watch->first_us)
        watch->first_us = now_us;
    uint64_t at_us = now_us + quiet_ms * 1000;
    uint64_t latest_us = watch->first_us + (uint64_t)WATCH_LONGEST_MS * 1000;
    loop_timer_start(watch->config.loop, &watch->timer, at_us < latest_us ? at_us : latest_us);
}

static void tell(struct loop_timer *timer, uint64_t now_us)
{
    (void)now_us;
    struct watch *watch = CONTAINER_OF(timer, struct watch, timer);
    watch->first_us = 0;
    if (watch->is_everything)
        watch->config.on_everything(watch->config.context);
    for (size_t i = 0; i < watch->dirty_count && !watch->is_everything; i++) {
        const struct dirty *dirty = &watch->dirty[i];
        watch->config.on_folder(watch->config.context, dirty->root, dirty->path, dirty->is_deep);
    }
    watch->is_everything = false;
    drop_dirty(watch);
}

/* --- events --- */

static void forget(struct watch *watch, int descriptor)
{
    watched_free(map_remove(watch->folders, key_of(&descriptor)));
}

static void take_folder_event(struct watch *watch, const struct watched *watched,
                              const struct inotify_event *event, uint64_t now_us)
{
    bool is_own_end = event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT);
    if (is_own_end && (!*watched->path || event->mask & IN_UNMOUNT))
        watch->is_everything = true;
    if (!is_own_end)
        note(watch, watched->root, watched->path, false);
    if (event->mask & IN_ISDIR && event->mask & (IN_CREATE | IN_MOVED_TO) && event->len) {
        char *path;
        if (asprintf(&path, "%s%s%s", watched->path, *watched->path ? "/" : "", event->name) >= 0) {
            note(watch, watched->root, path, true);
            mem_free(path);
        }
    }
    bool is_only_created = event->mask & IN_CREATE && !(event->mask & IN_ISDIR);
    postpone(watch, now_us, is_only_created ? WATCH_QUIET_CREATED_MS : WATCH_QUIET_MS);
}

static void take_event(struct watch *watch, const struct inotify_event *event, uint64_t now_us)
{
    if (event->mask & IN_Q_OVERFLOW) {
        watch->is_everything = true;
        postpone(watch, now_us, WATCH_QUIET_MS);
        return;
    }
    pthread_mutex_lock(&watch->lock);
    const struct watched *watched = map_get(watch->folders, key_of(&event->wd));
    if (watched && event->mask & IN_IGNORED)
        forget(watch, event->wd);
    else if (watched)
        take_folder_event(watch, watched, event, now_us);
    pthread_mutex_unlock(&watch->lock);
}

static void on_events(struct loop_watch *events, unsigned which, uint64_t now_us)
{
    (void)which;
    struct watch *watch = CONTAINER_OF(events, struct watch, events);
    _Alignas(struct inotify_event) char block[READ_BYTES];
    ssize_t size = read(events->fd, block, sizeof block);
    for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= size;) {
        const struct inotify_event *event =
            (const struct inotify_event *)(const void *)(block + at);
        take_event(watch, event, now_us);
        at += (ssize_t)(sizeof *event + event->len);
    }
}

/* --- life and death --- */

struct watch *watch_new(const struct watch_config *config)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct watch *watch = MEM_NEW(struct watch);
    watch->config = *config;
    watch->events = (struct loop_watch){.on_events = on_events, .fd = fd, .wanted = LOOP_READ};
    watch->timer.on_timer = tell;
    watch->folders = map_new((uintptr_t)watch, WATCH_MAX_FOLDERS);
    pthread_mutex_init(&watch->lock, NULL);
    if (loop_watch_add(config->loop, &watch->events) < 0) {
        watch->events.fd = -1;
        close(fd);
        watch_free(&watch);
    }
    return watch;
}

void watch_free(struct watch **watch_p)
{
    struct watch *watch = *watch_p;
    if (!watch)
        return;
    if (watch->events.fd >= 0) {
        loop_timer_stop(&watch->timer);
        loop_watch_remove(&watch->events);
        close(watch->events.fd);
    }
    size_t cursor = 0;
    struct text key;
    void *watched;
    while (map_next(watch->folders, &cursor, &key, &watched))
        watched_free(watched);
    map_free(&watch->folders);
    drop_dirty(watch);
    pthread_mutex_destroy(&watch->lock);
    mem_free(watch);
    *watch_p = NULL;
}

void watch_add(struct watch *watch, int32_t root, const char *path, int folder_fd)
{
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder_fd);
    int descriptor =
        inotify_add_watch(watch->events.fd, link,
                          IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                              IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
    if (descriptor < 0) {
        atomic_store(&watch->is_limited, true);
        return;
    }
    pthread_mutex_lock(&watch->lock);
    struct watched *watched = map_get(watch->folders, key_of(&descriptor));
    if (watched) {
        mem_free(watched->path);
        *watched = (struct watched){root, mem_strdup(path)};
    } else {
        watched = MEM_NEW(struct watched);
        *watched = (struct watched){root, mem_strdup(path)};
        if (!map_put(watch->folders, key_of(&descriptor), watched)) {
            inotify_rm_watch(watch->events.fd, descriptor);
            watched_free(watched);
            atomic_store(&watch->is_limited, true);
        }
    }
    pthread_mutex_unlock(&watch->lock);
}

bool watch_is_limited(struct watch *watch) { return atomic_load(&watch->is_limited); }
