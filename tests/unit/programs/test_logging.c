// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/logging.h"

#include "tap.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 3, REOPENS = 300 };

struct busy {
    struct logging *logging;
    atomic_bool ends;
    atomic_uint lines;
};

/* As a loop: lines of requests, and events now and then. */
static void *log_all_the_time(void *context)
{
    struct busy *busy = context;
    while (!atomic_load(&busy->ends)) {
        logging_access_lines(busy->logging, TEXT("one line\n"));
        LOG_EVENT(&busy->logging->logger, LOG_DEBUG, "something small");
        atomic_fetch_add(&busy->lines, 1);
    }
    return NULL;
}

static void test_reopening(struct busy *busy, const char *path)
{
    pthread_t threads[THREADS];
    struct settings settings = {.log_level = LOG_ERROR, .access_log = (char *)(uintptr_t)path};
    struct buffer why;
    unsigned good = 0;
    buffer_init(&why, 1024);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, log_all_the_time, busy))
            return;
    while (atomic_load(&busy->lines) == 0)
        usleep(100);
    for (int i = 0; i < REOPENS; i++) {
        settings.log_level = i % 2 ? LOG_ERROR : LOG_WARNING;
        settings.log_format = i % 2 ? SETTINGS_LOG_JSON : SETTINGS_LOG_TEXT;
        good += logging_reopen(busy->logging, &settings, &why) == 0;
    }
    atomic_store(&busy->ends, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    OK(good == REOPENS, "a log is reopened while other threads write to it");
    buffer_release(&why);
}

static void test_a_bad_path(struct logging *logging)
{
    struct settings settings = {.log_level = LOG_DEBUG, .access_log = (char[]){"/nowhere/at/all"}};
    struct buffer why;
    buffer_init(&why, 1024);
    OK(logging_reopen(logging, &settings, &why) < 0 && why.size > 0 && logging->access_fd >= 0,
       "what cannot be opened leaves the former log");
    buffer_release(&why);
}

int main(void)
{
    char path[] = "/tmp/sostenuto-log-XXXXXX";
    struct logging logging = {0};
    struct busy busy = {.logging = &logging};
    struct settings settings = {.log_level = LOG_ERROR, .access_log = path};
    struct buffer why;
    int fd = mkstemp(path);
    buffer_init(&why, 1024);
    OK(fd >= 0 && logging_init(&logging, &settings, &why) == 0, "a log is opened");
    test_reopening(&busy, path);
    test_a_bad_path(&logging);
    OK(lseek(fd, 0, SEEK_END) == (off_t)atomic_load(&busy.lines) * 9, "and every line is there");
    logging_release(&logging);
    buffer_release(&why);
    close(fd);
    unlink(path);
    return tap_done();
}
