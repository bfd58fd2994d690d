// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/reload.h"

#include "base/counters.h"
#include "io/clock.h"
#include "io/server.h"
#include "programs/settings_sources.h"

/* Takes over what may change while we run, and says what may not. */
static void take_live_settings(const struct reload *reload, const struct settings *fresh)
{
    const struct logger *logger = &reload->logging->logger;
    struct buffer value, why;
    buffer_init(&value, SIZE_MAX);
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    for (size_t i = 0; i < setting_count(); i++) {
        const struct setting *setting = setting_at(i);
        if (setting_same(setting, reload->settings, fresh))
            continue;
        buffer_reset(&value);
        setting_show(setting, fresh, &value);
        if (setting->when == SETTING_START)
            LOG(logger, LOG_WARNING, "reload: this setting needs a restart",
                {"setting", text_of(setting->name)}, {"value", buffer_view(&value)});
        else if (!settings_set(reload->settings, setting, buffer_view(&value), &why))
            LOG(logger, LOG_ERROR, "reload", {"why", buffer_view(&why)});
    }
    buffer_release(&value);
    buffer_release(&why);
}

/* systemd wants to know when the reload began, by its clock. */
static void say_reloading(const struct notify *notify)
{
    char state[64];
    (void)snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%llu",
                   (unsigned long long)clock_monotonic_us());
    (void)notify_send(notify, state);
}

/* What was answered until now is in the former file of the access log. */
static void reload_now(void *context)
{
    struct reload *reload = context;
    const struct logger *logger = &reload->logging->logger;
    struct settings fresh;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    bool is_good = reload->load(&fresh, reload->arguments, &why);
    if (is_good) {
        take_live_settings(reload, &fresh);
        is_good =
            logging_reopen(reload->logging, reload->settings, &why) == 0 &&
            (!reload->audit || audit_log_reopen(reload->audit, reload->settings, &why) == 0) &&
            serving_tls_reload(reload->tls, &why);
    }
    settings_release(&fresh);
    counter_add(is_good ? COUNTER_RELOADS : COUNTER_RELOADS_REFUSED, 1);
    if (is_good)
        LOG_EVENT(logger, LOG_INFO, "reloaded");
    else
        LOG(logger, LOG_ERROR, "reload refused, the former settings stay",
            {"why", buffer_view(&why)});
    buffer_release(&why);
    (void)notify_send(reload->notify, "READY=1");
}

/* A second signal while the first waits for the loops' lines asks for the same. */
void reload_begin(struct reload *reload, struct server *server)
{
    say_reloading(reload->notify);
    if (server)
        (void)!server_flush_log(server, reload_now, reload);
    else
        reload_now(reload);
}
