// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/service_keys.h"

#include "api/api.h"
#include "api/audit.h"
#include "io/clock.h"
#include "state/state.h"
#include "trust/keyfolder.h"

static const uint64_t hour_us = 60ULL * 60 * 1000 * 1000;

void service_keys_changed(void *context)
{
    struct service *service = context;
    struct keyring *ring = keyfolder_ring(service->node.keyfolder);
    api_take_keyring(service->api, ring);
    keyring_unref(&ring);
}

static struct key_id newest_of(const struct service *service)
{
    struct keyring *ring = keyfolder_ring(service->node.keyfolder);
    const struct keyring_content *content = keyring_content(ring);
    struct key_id id = content->keys[content->key_count - 1].id;
    keyring_unref(&ring);
    return id;
}

/* Two small files and a signature once in sixty days, so it may stay on the loop. */
static void look(struct service *service)
{
    struct keys_error error = {""};
    struct key_id before = newest_of(service);
    int result = keyfolder_settle(service->node.keyfolder, state_health(service->node.state).epoch,
                                  clock_unix_ms() / 1000, &error);
    if (result < 0)
        LOG(&service->logging.logger, LOG_WARNING, "signing keys are due, and were not renewed",
            {"why", text_of(error.words)});
    if (result != 1)
        return;
    LOG_EVENT(&service->logging.logger, LOG_INFO, "the list of signing keys was renewed");
    if (!key_id_equal(before, newest_of(service)))
        audit_write(&service->audit.logger, AUDIT_KEYS_ROTATED,
                    &(struct audit_entry){.by = TEXT("server")});
    service_keys_changed(service);
}

static void hourly(struct loop_timer *timer, uint64_t now_us)
{
    struct service *service = CONTAINER_OF(timer, struct service, key_timer);
    look(service);
    loop_timer_start(service->loop, timer, now_us + hour_us);
}

void service_keys_start(struct service *service)
{
    look(service);
    service->key_timer.on_timer = hourly;
    loop_timer_start(service->loop, &service->key_timer, clock_monotonic_us() + hour_us);
}

void service_keys_stop(struct service *service) { loop_timer_stop(&service->key_timer); }
