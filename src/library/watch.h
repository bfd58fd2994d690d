// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "io/loop.h"

/*
 * watch: inotify on every folder of the roots, turned into "look into this folder again".
 *
 * Changes are gathered until a folder tree has been quiet for a while, at most half a minute: an
 * album being copied is looked at once.  A file that was written and closed counts as changed soon,
 * one that was only created (a link, or the start of a long copy) later.  When the kernel drops
 * events, or too much changes, everything is looked at.
 *
 * Lives on the loop; watch_add() may be called from any thread (the scan's).
 */
enum {
    WATCH_MAX_FOLDERS = 1 << 20,
    WATCH_MAX_DIRTY = 500,
    WATCH_QUIET_MS = 1500,
    WATCH_QUIET_CREATED_MS = 10000,
    WATCH_LONGEST_MS = 30000,
};

struct watch;

struct watch_config {
    struct loop *loop;
    /* On the loop.  `is_deep`: what lies beneath may be unknown or other than before. */
    void (*on_folder)(void *context, int32_t root, const char *path, bool is_deep);
    void (*on_everything)(void *context);
    void *context;
};

struct watch *
watch_new(const struct watch_config *config) MUST_USE; /* NULL: the kernel gives no inotify */
void watch_free(struct watch **watch);
/* Again for a known folder under a new name: the name is replaced. */
void watch_add(struct watch *watch, int32_t root, const char *path, int folder_fd);
/* The kernel's limit on watches was reached: some folders are not watched. */
bool watch_is_limited(struct watch *watch);
