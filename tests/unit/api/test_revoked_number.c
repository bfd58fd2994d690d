// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/revoked_number.h"
#include "tap.h"

#include "api/api.h"
#include "io/workers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { NOW_MS = 1000000, AHEAD_MS = 60000 };

static char folder[] = "/tmp/test_revoked_number.XXXXXX", path[64];

static bool write_file(const char *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    size_t size = strlen(content);
    bool is_written = fd >= 0 && write(fd, content, size) == (ssize_t)size;
    close(fd);
    return is_written;
}

/* As a start that is killed after one number: what was asked of the worker was done, or not. */
static uint64_t first_number(int64_t now_ms, bool is_written)
{
    struct loop *loop = loop_new();
    struct workers *workers = workers_start("test", 1, 4);
    struct api_config config = {
        .loop = loop, .workers = is_written ? workers : NULL, .folder = folder};
    struct revoked_number *number = revoked_number_new(&config);
    uint64_t first = revoked_number_next(number, now_ms);
    revoked_number_free(&number);
    workers_finish(workers);
    workers_stop(&workers);
    loop_free(&loop);
    return first;
}

static void test_one_run(void)
{
    struct api_config config = {.folder = NULL};
    struct revoked_number *number = revoked_number_new(&config);
    OK(revoked_number_next(number, NOW_MS) == NOW_MS, "a number is the clock's");
    OK(revoked_number_next(number, NOW_MS) == NOW_MS + 1, "or one more than the last");
    OK(revoked_number_next(number, NOW_MS - 365LL * 86400 * 1000) == NOW_MS + 2,
       "also when the clock goes back by a year");
    OK(revoked_number_next(number, 2 * NOW_MS) == 2 * NOW_MS, "and forward with it");
    revoked_number_free(&number);
    OK(!number, "freeing leaves NULL");
}

static void test_restarts(void)
{
    uint64_t before = first_number(NOW_MS, true), after = first_number(1000, true);
    OK(after > before, "numbers go on after a kill, with the clock set back");
    OK(first_number(1000, false) > after, "and after the next");
    OK(first_number(10 * NOW_MS, true) == 10 * NOW_MS, "a clock that is right again is followed");
    OK(after <= before + AHEAD_MS + 1, "and is not left far behind");
    OK(write_file("nonsense") && first_number(NOW_MS, false) == NOW_MS,
       "a damaged file is no reason to stop");
    OK(write_file("sostenuto-revoked: 1\nbelow: 18446744073709551615\n") &&
           first_number(NOW_MS, false) == NOW_MS,
       "nor one that leaves no room");
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/revoked", folder);
    test_one_run();
    test_restarts();
    unlink(path);
    rmdir(folder);
    return tap_done();
}
