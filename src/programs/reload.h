// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/arguments.h"
#include "programs/audit_log.h"
#include "programs/logging.h"
#include "programs/notify.h"
#include "programs/serving_tls.h"

/*
 * reload: what SIGHUP asks of an origin or an edge: settings, logs and certificates again.  Nothing
 * is dropped, and a bad configuration changes nothing.
 */
struct server;

struct reload { /* all borrowed */
    const struct arguments *arguments;
    struct settings *settings;
    bool (*load)(struct settings *settings, const struct arguments *arguments, struct buffer *why);
    struct logging *logging;
    struct audit_log *audit; /* NULL: there is none */
    struct serving_tls *tls;
    const struct notify *notify;
};

/* Soon, when the loops have given their lines; `server` is NULL while nothing was answered yet.
 * *reload stays until the server is gone. */
void reload_begin(struct reload *reload, struct server *server);
