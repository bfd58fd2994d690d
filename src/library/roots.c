// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/roots.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { PATH_CHARACTERS = 4096 };

int roots_init(struct roots *roots, const struct library_config *config, char why[256])
{
    *roots = (struct roots){0};
    if (config->root_count > LIBRARY_MAX_ROOTS) {
        snprintf(why, 256, "at most %d libraries are possible", LIBRARY_MAX_ROOTS);
        return -E2BIG;
    }
    for (size_t i = 0; i < config->root_count; i++) {
        const struct library_root *root = &config->roots[i];
        for (size_t k = 0; k < i; k++) {
            if (config->roots[k].id == root->id) {
                snprintf(why, 256, "libraries \"%s\" and \"%s\" have the same id %d",
                         config->roots[k].name, root->name, root->id);
                return -EEXIST;
            }
        }
        if (root->id < 1 || root->id > LIBRARY_MAX_ROOTS) {
            snprintf(why, 256, "library \"%s\": the id must be 1 to %d", root->name,
                     LIBRARY_MAX_ROOTS);
            return -EINVAL;
        }
        struct scan_root *copy = &roots->scanned[roots->count];
        *copy = (struct scan_root){.id = root->id,
                                   .name = mem_strdup(root->name),
                                   .path = mem_strdup(root->path),
                                   .fd = -1};
        roots->named[roots->count++] = (struct library_root){root->id, copy->name, copy->path};
    }
    return 0;
}

void roots_release(struct roots *roots)
{
    for (size_t i = 0; i < roots->count; i++) {
        depot_close(&roots->scanned[i].depot);
        mem_free(roots->scanned[i].name);
        mem_free(roots->scanned[i].path);
    }
    roots->count = 0;
}

int roots_open_depots(struct roots *roots, const struct library_config *config,
                      bool *ret_is_unpublished, char why[256])
{
    bool is_unpublished = false;
    for (size_t i = 0; i < roots->count; i++) {
        char folder[PATH_CHARACTERS], refused[256] = "";
        struct scan_root *root = &roots->scanned[i];
        snprintf(folder, sizeof folder, "%s/catalog/%d", config->state_folder, root->id);
        const char *articles = config->ignored_articles ? config->ignored_articles : "";
        struct depot_config depot = {
            .folder = folder,
            .library = (uint8_t)root->id,
            .ignored_articles = text_of(articles),
            .epoch = config->epoch,
            .after_number = (uint64_t)clock_unix_ms() / 1000,
            .keep_s = config->catalog_keep_s,
        };
        int error = file_make_dirs(AT_FDCWD, folder, 0700);
        if (!error)
            error = depot_open(&depot, &root->depot, refused);
        if (error) {
            snprintf(why, 256, "%.200s: %s", folder, strerrordesc_np(-error));
            return error;
        }
        if (*refused)
            LOG(config->logger, LOG_WARNING, "a damaged catalogue was refused; it is built anew",
                {"library", text_of(root->name)}, {"why", text_of(refused)});
        is_unpublished |= *refused || depot_version(root->depot) == 0;
    }
    *ret_is_unpublished = is_unpublished;
    return 0;
}

struct catalog *roots_published(const struct roots *roots,
                                struct shelf *ret_shelves[LIBRARY_MAX_ROOTS])
{
    struct depot *depots[LIBRARY_MAX_ROOTS];
    memset(ret_shelves, 0, LIBRARY_MAX_ROOTS * sizeof *ret_shelves);
    for (size_t i = 0; i < roots->count; i++) {
        depots[i] = roots->scanned[i].depot;
        ret_shelves[roots->scanned[i].id - 1] = depot_shelf(depots[i]);
    }
    return depot_snapshot(depots, roots->count);
}
