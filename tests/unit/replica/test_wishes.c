// SPDX-License-Identifier: GPL-3.0-or-later
/* What this node itself wants of its origin, and how much of that may wait. */
#include "base/counters.h"
#include "catalog/catalog.h"
#include "catalog/shelf.h"
#include "replica/replica.h"
#include "tap.h"
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAITING = 3 };

static char folder[64];
static size_t told;

/* Never reached: nothing that is wanted ever comes. */
static struct client *open_none(void *context UNUSED, struct loop *loop UNUSED, char *why,
                                size_t why_size)
{
    (void)snprintf(why, why_size, "out of reach");
    return NULL;
}

static void on_keys(void *context UNUSED, struct keyring *ring UNUSED) {}
static void on_object(void *context UNUSED, const struct signed_object *object UNUSED,
                      struct text bytes UNUSED)
{
}
static void on_catalog(void *context UNUSED, struct catalog *catalog,
                       struct shelf *shelves[REPLICA_LIBRARIES])
{
    catalog_unref(&catalog);
    for (size_t i = 0; i < REPLICA_LIBRARIES; i++)
        shelf_unref(&shelves[i]);
}
static void on_state(void *context UNUSED, struct uid account UNUSED, struct text body UNUSED) {}

static void count_lines(void *context UNUSED, enum log_level level UNUSED, struct text line)
{
    static const char words[] = "replica_waiting lets more wait";
    told += memmem(line.data, line.size, words, sizeof words - 1) != NULL;
}

static struct replica *start(void)
{
    static struct logger logger;
    static char why[256];
    struct replica *replica = NULL;
    logger.least = LOG_WARNING;
    logger.sink = count_lines;
    struct replica_config config = {
        .folder = folder,
        .line = {.open = open_none, .urls = {"https://192.0.2.1:1"}, .url_count = 1},
        .sink = {on_keys, on_object, on_catalog, on_state, NULL},
        .logger = &logger,
        .limits = replica_limits_default(),
    };
    config.limits.replica_waiting = WAITING;
    if (replica_start(&config, &replica, why) != 0)
        abort();
    return replica;
}

static bool want(struct replica *replica, uint8_t number)
{
    return replica_want(replica, (struct uid){{number}});
}

static int remove_one(const char *path, const struct stat *status UNUSED, int type UNUSED,
                      struct FTW *ftw UNUSED)
{
    return remove(path);
}

int main(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/test_wishes.XXXXXX");
    if (!mkdtemp(folder))
        abort();
    struct replica *replica = start();
    for (uint8_t i = 0; i < WAITING; i++)
        OK(want(replica, i), "what there is room for may wait");
    OK(!want(replica, WAITING), "who asks for more is told so");
    OK(!want(replica, WAITING + 1), "again and again");
    OK(counter_get(COUNTER_REPLICA_NO_ROOM) == 2, "and each time counts");
    replica_stop(&replica);
    OK(told == 1, "of which the log says once what to do");
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return tap_done();
}
