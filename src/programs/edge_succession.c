// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/edge_succession.h"

#include "edge/succession.h"
#include "io/clock.h"
#include "programs/edge_service.h"
#include "replica/copies.h"

#include <limits.h>
#include <sodium.h>

enum { LINKED_PAUSE_S = 15, ISLAND_PAUSE_S = 3 };
static const uint64_t second_us = 1000 * 1000;

static uint64_t held_epoch(void *context)
{
    struct edge_service *service = context;
    struct keyring *ring = member_ring(service->joined.member);
    uint64_t epoch = keyring_content(ring)->epoch, followed = service->succession.epoch;
    keyring_unref(&ring);
    return followed > epoch ? followed : epoch;
}

static uint64_t pause_us(void *context)
{
    struct edge_service *service = context;
    struct replica_status status = {.is_linked = true};
    if (service->follow.replica)
        replica_status(service->follow.replica, &status);
    bool is_well = status.is_linked && !status.trouble[0];
    return (is_well ? LINKED_PAUSE_S : ISLAND_PAUSE_S) * second_us;
}

/* --- whom to ask: the list that the replica keeps on the disk, a small file once in a while --- */

static struct node_list *read_list(struct edge_service *service)
{
    uint8_t fingerprint[crypto_hash_sha256_BYTES];
    char folder[PATH_MAX];
    const char *why;
    struct copies *copies = NULL;
    struct node_list *list = NULL;
    int64_t now_s = clock_unix_ms() / 1000;
    crypto_hash_sha256(fingerprint, member_root(service->joined.member), SIGNED_PUBLIC_BYTES);
    (void)snprintf(folder, sizeof folder, "%s/replica", service->settings.data);
    if (copies_open(folder, fingerprint, &copies) == 0 && copies_load(copies, "/keys", now_s) &&
        copies_load(copies, "/nodes", now_s)) {
        service->succession.epoch = copies_get(copies, "/keys")->object.epoch;
        list = node_list_read(copies_get(copies, "/nodes")->object.body, &why);
    }
    copies_close(&copies);
    return list;
}

static size_t addresses(void *context, struct text *ret)
{
    struct edge_service *service = context;
    struct uid own = member_delegation(service->joined.member)->id;
    size_t count = 0;
    node_list_unref(&service->succession.list);
    struct node_list *list = service->succession.list = read_list(service);
    for (size_t i = 0; list && i < node_list_count(list); i++) {
        const struct node_entry *entry = node_list_at(list, i);
        if (uid_equal(entry->id, own))
            continue;
        for (size_t k = 0; k < entry->url_count && count < SUCCESSION_ADDRESSES_MAX; k++)
            ret[count++] = entry->urls[k];
    }
    return count;
}

/* --- going over --- */

static void on_news(void *context, const struct succession_news *news)
{
    struct edge_service *service = context;
    struct text name = news->origin->name;
    if (edge_joined_is_asking(service))
        return; /* the next round tells it again */
    LOG(&service->logging.logger, LOG_WARNING, "there is a new origin; this edge goes over to it",
        {"name", name}, {"epoch", LOG_NUMBER(news->epoch)},
        {"at", news->origin->door_count ? news->origin->doors[0] : TEXT("no address for nodes")});
    if (news->origin->door_count)
        edge_joined_go_over(service, news->origin->doors, news->origin->door_count);
}

bool edge_succession_open(struct edge_service *service, struct buffer *why)
{
    char words[256] = "";
    if (!service->joined.member)
        return true;
    const struct succession_config config = {
        .loop = service->loop,
        .resolvers = service->resolvers,
        .ca = service->settings.origin_ca[0] ? service->settings.origin_ca : NULL,
        .root = member_root(service->joined.member),
        .epoch = held_epoch,
        .addresses = addresses,
        .pause_us = pause_us,
        .on_news = on_news,
        .context = service,
    };
    service->succession.asking = succession_start(&config, words, sizeof words);
    if (!service->succession.asking)
        buffer_printf(why, "%s", words);
    return service->succession.asking;
}

void edge_succession_close(struct edge_service *service)
{
    succession_stop(&service->succession.asking);
    node_list_unref(&service->succession.list);
}
