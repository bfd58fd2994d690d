// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/service_tls.h"

#include "io/clock.h"
#include "io/tls.h"
#include "io/workers.h"
#include "programs/authority.h"
#include "programs/service.h"
#include <limits.h>
#include <unistd.h>

static const uint64_t day_us = 24ULL * 60 * 60 * 1000 * 1000;

static void certificate_path(const struct service *service, char *ret_path, size_t capacity)
{
    const struct settings *settings = &service->settings;
    if (settings->tls_certificate[0])
        (void)snprintf(ret_path, capacity, "%s", settings->tls_certificate);
    else
        (void)snprintf(ret_path, capacity, "%s/keys/server.pem", settings->data);
}

bool service_tls_wanted(const struct service *service)
{
    char path[PATH_MAX];
    if (service->settings.tls == SETTINGS_TLS_OFF)
        return false;
    certificate_path(service, path, sizeof path);
    return service->settings.tls_certificate[0] || access(path, F_OK) == 0;
}

static int renew(struct service *service, struct buffer *why)
{
    char keys[PATH_MAX];
    (void)snprintf(keys, sizeof keys, "%s/keys", service->settings.data);
    return authority_renew(keys, clock_unix_ms() / 1000, why);
}

static void daily(struct loop_timer *timer, uint64_t now_us)
{
    struct service *service = CONTAINER_OF(timer, struct service, certificate_timer);
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    /* Some milliseconds once a day (P-256, two small files), so it may stay on the loop. */
    int renewed = renew(service, &why);
    if (renewed == 1)
        LOG_EVENT(&service->logging.logger, LOG_INFO, "the certificate was renewed");
    if (renewed < 0 || !service_tls_reload(service, &why))
        LOG(&service->logging.logger, LOG_ERROR, "certificate", {"why", buffer_view(&why)});
    buffer_release(&why);
    loop_timer_start(service->loop, timer, now_us + day_us);
}

bool service_tls_open(struct service *service, struct buffer *why)
{
    char path[PATH_MAX], words[256] = "";
    if (!service_tls_wanted(service))
        return true;
    if (renew(service, why) < 0)
        return false;
    certificate_path(service, path, sizeof path);
    unsigned char secret[TICKET_SECRET_BYTES];
    int tickets = inherited_claim(service->inherited, "tickets");
    bool has_secret =
        tickets >= 0 && pread(tickets, secret, sizeof secret, 0) == (ssize_t)sizeof secret;
    if (tickets >= 0)
        (void)close(tickets);
    const struct server_tls_config config = {
        .certificate_file = path,
        .key_file = service->settings.tls_key[0] ? service->settings.tls_key : path,
        .allows_tls12 = service->settings.tls12,
        .ticket_secret = has_secret ? secret : NULL,
    };
    service->tls = server_tls_new(&config, words, sizeof words);
    explicit_bzero(secret, sizeof secret);
    if (!service->tls) {
        buffer_printf(why, "%s", words);
        return false;
    }
    service->certificate_timer.on_timer = daily;
    loop_timer_start(service->loop, &service->certificate_timer,
                     loop_now_us(service->loop) + day_us);
    return true;
}

bool service_tls_reload(struct service *service, struct buffer *why)
{
    char words[256] = "";
    if (!service->tls || server_tls_reload(service->tls, words, sizeof words))
        return true;
    buffer_printf(why, "%s", words);
    return false;
}

void service_tls_close(struct service *service) { server_tls_free(&service->tls); }
