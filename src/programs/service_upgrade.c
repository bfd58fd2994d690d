// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/service_upgrade.h"

#include "api/api.h"
#include "base/json.h"
#include "io/handover.h"
#include "programs/operator_request.h"
#include "programs/service.h"
#include "programs/service_keys.h"
#include "programs/service_succession.h"
#include <errno.h>
#include <unistd.h>

enum {
    QUIET_US = 3 * 1000 * 1000, /* for handlers to end what they have */
    AWAIT_MS = 60 * 1000,       /* for the predecessor; the supervisor is patient for longer */
    WHY_BYTES = NOTIFY_MAX_BYTES
};

/* --- asked --- */

static void answer(struct service *service, const char *error)
{
    struct control_request *request = service->upgrade_request;
    struct buffer line;
    struct json json;
    service->upgrade_request = NULL;
    if (!request)
        return;
    buffer_init(&line, 4096);
    json_init(&json, &line);
    json_begin_object(&json);
    json_member_bool(&json, "ok", !error);
    if (error)
        json_member_text(&json, "error", text_of(error));
    else
        json_member_text(&json, "said", TEXT("a new process takes over"));
    json_end_object(&json);
    control_answer(request, buffer_view(&line));
    buffer_release(&line);
}

bool service_upgrade_asked(struct service *service, struct control_request *request,
                           struct text line)
{
    struct operator_request asked;
    if (!operator_request_parse(line, &asked))
        return false;
    bool is_upgrade = asked.verb && strcmp(asked.verb, "upgrade") == 0;
    operator_request_release(&asked);
    if (!is_upgrade)
        return false;
    struct control_request *before = service->upgrade_request;
    if (before) {
        control_answer(request,
                       TEXT("{\"ok\":false,\"error\":\"an upgrade is under way already\"}"));
        return true;
    }
    service->upgrade_request = request;
    if (service->notify.channel < 0)
        answer(service, "this server runs without its supervisor; restart it instead");
    else if (service->is_stopping || !notify_send(&service->notify, "UPGRADE=1"))
        answer(service, "the server is ending");
    return true;
}

/* --- giving way --- */

static void on_quiet(void *context)
{
    struct service *service = context;
    service->is_quiet = true;
    loop_stop(service->loop); /* the rest blocks, and runs the loop itself */
}

static void on_done(void *context)
{
    struct service *service = context;
    service->is_done = true; /* perhaps while we let go, which runs the loop for its own ends */
    loop_stop(service->loop);
}

static void give_way(struct service *service, int channel)
{
    const struct server_handover handover = {
        .channel = channel,
        .quiet_us = QUIET_US,
        .grace_us = (uint64_t)service->settings.upgrade_drain_seconds * 1000000,
        .on_quiet = on_quiet,
        .on_done = on_done,
        .context = service,
    };
    service->gave_way = true;
    answer(service, NULL);
    mdns_stop(&service->mdns);
    LOG_EVENT(&service->logging.logger, LOG_INFO, "giving way to a new process");
    server_hand_over(service->server, &handover);
}

void service_upgrade_told(struct service *service, const char *state, int fd)
{
    char why[WHY_BYTES];
    if (notify_says(state, "GIVE_WAY=1") && fd >= 0 && !service->is_stopping &&
        !service->gave_way) {
        give_way(service, fd);
        return;
    }
    if (fd >= 0)
        (void)close(fd);
    if (notify_value(state, "UPGRADE_REFUSED=", why, sizeof why))
        answer(service, why);
}

bool service_upgrade_let_go(struct service *service)
{
    if (!service->is_quiet)
        return false;
    service->is_quiet = false;
    serving_tls_stop(&service->tls);
    service_keys_stop(service);
    service_succession_close(service);
    control_stop(&service->control);
    progress_stop(&service->progress);
    node_stop_workers(&service->node);
    api_let_go(service->api);
    node_let_go(&service->node);
    service_kept_let_go(service);
    operator_free(&service->operator);
    server_handed_over(service->server);
    return !service->is_done;
}

/* --- following --- */

bool service_upgrade_await(struct service *service, struct buffer *why)
{
    if (service->handover < 0)
        return true;
    (void)notify_send(&service->notify, "PREPARED=1");
    if (handover_await_free(service->handover, AWAIT_MS))
        return true;
    buffer_printf(why, "the running server did not give way");
    return false;
}

bool service_upgrade_adopt(struct service *service, struct buffer *why)
{
    if (service->handover < 0)
        return true;
    int error = server_adopt(service->server, service->handover);
    service->handover = -1;
    if (error < 0)
        buffer_printf(why, "cannot take connections over: %.*s", TEXT_ARGS(log_errno(error)));
    return error == 0;
}
