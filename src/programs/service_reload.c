// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/service_reload.h"

#include "base/counters.h"
#include "io/clock.h"
#include "io/server.h"
#include "programs/service_tls.h"
#include "programs/settings_sources.h"

bool service_settings_load(struct settings *settings, const struct arguments *arguments,
                           struct buffer *why)
{
    return settings_load(settings, arguments, why) &&
           settings_take_folders(settings, arguments, why);
}

/* Takes over what may change while we run, and says what may not. */
static void take_live_settings(struct service *service, const struct settings *fresh)
{
    struct buffer value, why;
    buffer_init(&value, SIZE_MAX);
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    for (size_t i = 0; i < setting_count(); i++) {
        const struct setting *setting = setting_at(i);
        if (setting_same(setting, &service->settings, fresh))
            continue;
        buffer_reset(&value);
        setting_show(setting, fresh, &value);
        if (setting->when == SETTING_START)
            LOG(&service->logging.logger, LOG_WARNING, "reload: this setting needs a restart",
                {"setting", text_of(setting->name)}, {"value", buffer_view(&value)});
        else if (!settings_set(&service->settings, setting, buffer_view(&value), &why))
            LOG(&service->logging.logger, LOG_ERROR, "reload", {"why", buffer_view(&why)});
    }
    buffer_release(&value);
    buffer_release(&why);
}

/* systemd wants to know when the reload began, by its clock. */
static void say_reloading(const struct service *service)
{
    char state[64];
    (void)snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%llu",
                   (unsigned long long)clock_monotonic_us());
    (void)notify_send(&service->notify, state);
}

/* What was answered until now is in the former file of the access log. */
static void reload_now(void *context)
{
    struct service *service = context;
    struct settings fresh;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    bool is_good = service_settings_load(&fresh, service->arguments, &why);
    if (is_good) {
        take_live_settings(service, &fresh);
        is_good = logging_reopen(&service->logging, &service->settings, &why) == 0 &&
                  audit_log_reopen(&service->audit, &service->settings, &why) == 0 &&
                  service_tls_reload(service, &why);
    }
    settings_release(&fresh);
    counter_add(is_good ? COUNTER_RELOADS : COUNTER_RELOADS_REFUSED, 1);
    if (is_good)
        LOG_EVENT(&service->logging.logger, LOG_INFO, "reloaded");
    else
        LOG(&service->logging.logger, LOG_ERROR, "reload refused, the former settings stay",
            {"why", buffer_view(&why)});
    buffer_release(&why);
    (void)notify_send(&service->notify, "READY=1");
}

/* A second signal while the first waits for the loops' lines asks for the same. */
void service_reload(struct service *service)
{
    say_reloading(service);
    if (service->server)
        (void)!server_flush_log(service->server, reload_now, service);
    else
        reload_now(service); /* nothing was answered yet */
}
