// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * scan_driver: one scan of folders, from the command line, for bench/scan and for looking at
 * libraries by hand.
 *
 *   scan_driver WORKER STATE_DIR [--full] [--allow-removal] [--report] [--foreground] FOLDER…
 *
 * Prints one line of JSON: seconds, files, changed, failed, tracks.
 */
#include "io/clock.h"
#include "library/library.h"
#include "media/pool.h"
#include <stdio.h>
#include <string.h>

struct driver {
    struct library_subscriber subscriber;
    struct library *library;
    struct loop *loop;
};

static void on_change(struct library_subscriber *subscriber, bool is_new_catalog)
{
    struct driver *driver = CONTAINER_OF(subscriber, struct driver, subscriber);
    struct library_status status;
    library_status(driver->library, &status);
    (void)is_new_catalog;
    if (status.finished_ms && status.phase == LIBRARY_IDLE)
        loop_stop(driver->loop);
}

static bool print_problem(void *context, const struct library_problem *problem)
{
    (void)context;
    fprintf(stderr, "%d:%.*s: %.*s\n", problem->root, TEXT_ARGS(problem->path),
            TEXT_ARGS(problem->reason));
    return true;
}

static void to_stderr(void *context, enum log_level level, struct text line)
{
    (void)context;
    (void)level;
    fprintf(stderr, "%.*s\n", TEXT_ARGS(line));
}

static int usage(void)
{
    fputs("usage: scan_driver WORKER STATE_DIR [--full] [--allow-removal] [--report] "
          "[--foreground] FOLDER...\n",
          stderr);
    return 2;
}

struct arguments {
    const char *worker, *state_folder;
    struct library_root roots[LIBRARY_MAX_ROOTS];
    size_t root_count;
    struct library_scan_options options;
    bool wants_report, is_foreground;
};

static bool read_arguments(int count, char **words, struct arguments *ret)
{
    *ret = (struct arguments){0};
    if (count < 4)
        return false;
    ret->worker = words[1];
    ret->state_folder = words[2];
    for (int i = 3; i < count; i++) {
        if (strcmp(words[i], "--full") == 0)
            ret->options.full = true;
        else if (strcmp(words[i], "--allow-removal") == 0)
            ret->options.allow_removal = true;
        else if (strcmp(words[i], "--report") == 0)
            ret->wants_report = true;
        else if (strcmp(words[i], "--foreground") == 0)
            ret->is_foreground = true;
        else if (words[i][0] == '-' || ret->root_count == LIBRARY_MAX_ROOTS)
            return false;
        else {
            int32_t id = (int32_t)ret->root_count + 1;
            ret->roots[ret->root_count++] = (struct library_root){id, words[i], words[i]};
        }
    }
    return true;
}

static void run(struct driver *driver, const struct arguments *arguments)
{
    library_subscribe(driver->library, &driver->subscriber);
    uint64_t begun_us = clock_monotonic_us();
    library_scan(driver->library, arguments->options);
    loop_run(driver->loop);
    double seconds = (double)(clock_monotonic_us() - begun_us) / 1e6;
    struct library_status status;
    library_status(driver->library, &status);
    printf("{\"seconds\":%.3f,\"files\":%llu,\"changed\":%llu,\"failed\":%llu,\"removed\":%llu,"
           "\"refused\":%llu,\"tracks\":%llu}\n",
           seconds, (unsigned long long)status.files_seen, (unsigned long long)status.files_changed,
           (unsigned long long)status.files_failed, (unsigned long long)status.files_removed,
           (unsigned long long)status.removal_refused, (unsigned long long)status.tracks);
    if (arguments->wants_report)
        library_report(driver->library, print_problem, NULL);
}

int main(int count, char **words)
{
    struct arguments arguments;
    if (!read_arguments(count, words, &arguments))
        return usage();
    struct driver driver = {.subscriber.on_change = on_change, .loop = loop_new()};
    struct logger logger = {.sink = to_stderr, .least = LOG_WARNING};
    struct media_config media_config = {.worker_path = arguments.worker,
                                        .is_background = !arguments.is_foreground};
    struct media_pool *media = media_pool_start(&media_config);
    const char *const everywhere[] = {"/"};
    struct library_config config = {.roots = arguments.roots,
                                    .root_count = arguments.root_count,
                                    .allowed_places = everywhere,
                                    .allowed_place_count = 1,
                                    .state_folder = arguments.state_folder,
                                    .media = media,
                                    .loop = driver.loop,
                                    .logger = &logger};
    char why[256];
    int error = library_open(&config, &driver.library, why);
    if (error)
        fprintf(stderr, "scan_driver: %s\n", why);
    else
        run(&driver, &arguments);
    library_close(&driver.library);
    media_pool_stop(&media);
    loop_free(&driver.loop);
    return error ? 1 : 0;
}
