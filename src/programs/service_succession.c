// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/service_succession.h"

#include "base/guard.h"
#include "edge/succession.h"
#include "io/clock.h"
#include "io/file.h"
#include "programs/service.h"
#include "state/state.h"
#include "trust/keyfolder.h"
#include "trust/node_book.h"

#include <inttypes.h>
#include <limits.h>

enum { FIRST_PAUSE_S = 2, PAUSE_S = 30, FILE_MAX_BYTES = 256 };
#define SUPERSEDED_FILE "superseded"
static const uint64_t second_us = 1000 * 1000;

static uint64_t own_epoch(void *context)
{
    struct service *service = context;
    struct keyring *ring = keyfolder_ring(service->node.keyfolder);
    uint64_t epoch = keyring_content(ring)->epoch;
    keyring_unref(&ring);
    return epoch;
}

/* Edges, where listeners reach them. */
static size_t addresses(void *context, struct text *ret)
{
    struct service *service = context;
    struct node_book *book = service->node.book;
    struct text urls[JOINING_URLS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < node_book_count(book); i++) {
        struct node_seat seat;
        node_book_at(book, i, &seat);
        size_t url_count = seat.revoked_s ? 0 : node_book_urls(book, i, urls);
        for (size_t k = 0; k < url_count && count < SUCCESSION_ADDRESSES_MAX; k++)
            ret[count++] = urls[k];
    }
    service->succession.count = count;
    return count;
}

/* Once around quickly: one that comes back shall not take writes for long. */
static uint64_t pause_us(void *context)
{
    struct service *service = context;
    bool is_first_round = service->succession.turns++ <= service->succession.count;
    return (is_first_round ? FIRST_PAUSE_S : PAUSE_S) * second_us;
}

static void path_of(const struct service *service, char ret[PATH_MAX])
{
    (void)snprintf(ret, PATH_MAX, "%s/" SUPERSEDED_FILE, service->settings.data);
}

static void give_way(struct service *service)
{
    service->health.is_superseded = true;
    state_give_way(service->node.state);
}

static void on_news(void *context, const struct succession_news *news)
{
    struct service *service = context;
    char path[PATH_MAX];
    struct buffer line;
    if (service->health.is_superseded || !guard_is_on(GUARD_GIVE_WAY))
        return;
    buffer_init(&line, FILE_MAX_BYTES);
    buffer_printf(&line, "%" PRIu64 "\n", news->epoch);
    path_of(service, path);
    int error = file_write_atomic(AT_FDCWD, path, buffer_view(&line), 0600);
    buffer_release(&line);
    LOG(&service->logging.logger, LOG_ERROR,
        "another origin has taken this one's place: no writes are accepted here any more. See "
        "docs/edge.md, \"Two origins\"",
        {"name", news->origin->name}, {"epoch", LOG_NUMBER(news->epoch)},
        {"kept", error ? log_errno(error) : TEXT("yes")});
    give_way(service);
}

/* What a process before was told, unless this folder was made newer since. */
static void recall(struct service *service)
{
    char path[PATH_MAX];
    struct buffer line;
    uint64_t epoch;
    path_of(service, path);
    buffer_init(&line, FILE_MAX_BYTES);
    if (file_read(AT_FDCWD, path, &line) == 0 &&
        text_to_u64(text_trim(buffer_view(&line)), &epoch) && epoch > own_epoch(service) &&
        guard_is_on(GUARD_GIVE_WAY)) {
        LOG_EVENT(&service->logging.logger, LOG_ERROR,
                  "another origin has taken this one's place: no writes are accepted here");
        give_way(service);
    }
    buffer_release(&line);
}

void service_succession_open(struct service *service)
{
    char words[256] = "";
    const char *ca = service->settings.origin_ca;
    recall(service);
    const struct succession_config config = {
        .loop = service->loop,
        .resolvers = service->node.workers,
        .ca = ca[0] ? ca : NULL,
        .root = keyfolder_root(service->node.keyfolder),
        .epoch = own_epoch,
        .addresses = addresses,
        .pause_us = pause_us,
        .on_news = on_news,
        .context = service,
    };
    service->succession.asking = succession_start(&config, words, sizeof words);
    if (!service->succession.asking)
        LOG(&service->logging.logger, LOG_WARNING,
            "edges are not asked whether another origin was promoted", {"why", text_of(words)});
}

void service_succession_close(struct service *service)
{
    succession_stop(&service->succession.asking);
}
