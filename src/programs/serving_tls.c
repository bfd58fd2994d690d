// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/serving_tls.h"

#include "io/clock.h"
#include "io/tls.h"
#include "programs/authority.h"
#include <limits.h>
#include <unistd.h>

static const uint64_t day_us = 24ULL * 60 * 60 * 1000 * 1000;

static void certificate_path(const struct settings *settings, char *ret_path, size_t capacity)
{
    if (settings->tls_certificate[0])
        (void)snprintf(ret_path, capacity, "%s", settings->tls_certificate);
    else
        (void)snprintf(ret_path, capacity, "%s/keys/server.pem", settings->data);
}

bool serving_tls_wanted(const struct settings *settings)
{
    char path[PATH_MAX];
    if (settings->tls == SETTINGS_TLS_OFF)
        return false;
    certificate_path(settings, path, sizeof path);
    return settings->tls_certificate[0] || access(path, F_OK) == 0;
}

static int renew(const struct settings *settings, struct buffer *why)
{
    char keys[PATH_MAX];
    (void)snprintf(keys, sizeof keys, "%s/keys", settings->data);
    return authority_renew(keys, clock_unix_ms() / 1000, why);
}

static void on_day(struct loop_timer *timer, uint64_t now_us)
{
    struct serving_tls *tls = CONTAINER_OF(timer, struct serving_tls, daily);
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    /* Some milliseconds once a day (P-256, two small files), so it may stay on the loop. */
    int renewed = renew(tls->config.settings, &why);
    if (renewed == 1)
        LOG_EVENT(tls->config.logger, LOG_INFO, "the certificate was renewed");
    if (renewed < 0 || !serving_tls_reload(tls, &why))
        LOG(tls->config.logger, LOG_ERROR, "certificate", {"why", buffer_view(&why)});
    buffer_release(&why);
    loop_timer_start(tls->config.loop, timer, now_us + day_us);
}

bool serving_tls_open(struct serving_tls *tls, const struct serving_tls_config *config,
                      struct buffer *why)
{
    const struct settings *settings = config->settings;
    char path[PATH_MAX], words[256] = "";
    *tls = (struct serving_tls){.config = *config};
    if (!serving_tls_wanted(settings))
        return true;
    if (renew(settings, why) < 0)
        return false;
    certificate_path(settings, path, sizeof path);
    unsigned char secret[TICKET_SECRET_BYTES];
    int tickets = inherited_claim(config->inherited, "tickets");
    bool has_secret =
        tickets >= 0 && pread(tickets, secret, sizeof secret, 0) == (ssize_t)sizeof secret;
    if (tickets >= 0)
        (void)close(tickets);
    const struct server_tls_config server = {
        .certificate_file = path,
        .key_file = settings->tls_key[0] ? settings->tls_key : path,
        .allows_tls12 = settings->tls12,
        .ticket_secret = has_secret ? secret : NULL,
    };
    tls->server = server_tls_new(&server, words, sizeof words);
    explicit_bzero(secret, sizeof secret);
    if (!tls->server) {
        buffer_printf(why, "%s", words);
        return false;
    }
    tls->daily.on_timer = on_day;
    loop_timer_start(config->loop, &tls->daily, loop_now_us(config->loop) + day_us);
    return true;
}

bool serving_tls_reload(struct serving_tls *tls, struct buffer *why)
{
    char words[256] = "";
    if (!tls->server || server_tls_reload(tls->server, words, sizeof words))
        return true;
    buffer_printf(why, "%s", words);
    return false;
}

void serving_tls_stop(struct serving_tls *tls) { loop_timer_stop(&tls->daily); }

void serving_tls_close(struct serving_tls *tls) { server_tls_free(&tls->server); }
