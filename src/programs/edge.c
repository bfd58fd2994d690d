// SPDX-License-Identifier: GPL-3.0-or-later
/* edge: a cache in front of an origin, in the foreground, until SIGTERM. */
#include "base/counters.h"
#include "programs/command.h"
#include "programs/edge_service.h"
#include "programs/folder_role.h"
#include "programs/settings_sources.h"
#include "programs/supervisor.h"

#include <stdlib.h>
#include <string.h>

static void print_addresses(const struct edge_service *service)
{
    const char *scheme = service->tls.server ? "https" : "http";
    for (size_t i = 0; i < service->address_count; i++) {
        const struct listening_address *address = &service->addresses[i];
        if (address->is_any)
            printf("listening on %s://localhost:%u\n", scheme, address->port);
        else
            printf("listening on %s://%s\n", scheme, address->text);
    }
    (void)fflush(stdout);
}

static enum command_exit serve(const struct arguments *arguments, struct inherited *inherited,
                               uint64_t starts)
{
    struct edge_service service;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    enum command_exit code = COMMAND_OK;
    if (edge_service_open(&service, arguments, inherited, &why)) {
        counter_set(COUNTER_RESTARTS, (int64_t)starts);
        if (starts == 0)
            print_addresses(&service);
        edge_service_run(&service);
        code = service.is_to_begin_again ? COMMAND_AGAIN : COMMAND_OK;
    } else {
        code = command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    }
    edge_service_close(&service);
    buffer_release(&why);
    return code;
}

/* Everybody on this machine can read a command line, an environment its owner alone. */
static void hide_token(const struct arguments *arguments)
{
    static const char hidden[] = "sj1.";
    char *token = (char *)(uintptr_t)arguments_value(arguments, "token");
    size_t size = token ? strlen(token) : 0, kept = strlen(hidden);
    if (size <= kept || strspn(token + kept, "x") == size - kept)
        return; /* the supervisor, whose command line is ours, has done so */
    (void)setenv(EDGE_TOKEN_VARIABLE, token, 1);
    memset(token + kept, 'x', size - kept); /* as long as before: /proc shows it so */
}

/* What is seen before anything is begun; true when it is none of it, or for others to say. */
static bool may_begin(const struct arguments *arguments, struct buffer *why)
{
    struct settings settings;
    struct buffer unsaid;
    buffer_init(&unsaid, SETTINGS_WHY_MAX_BYTES);
    const char *url = arguments->positional_count > 0 ? arguments->positionals[0] : NULL;
    bool is_loaded = settings_load(&settings, arguments, &unsaid);
    if (url && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        buffer_printf(why, "\"%s\" is no ORIGIN_URL, such as https://music.example.org", url);
    else if (url && is_loaded && (settings.plain.count > 0 || settings.subsonic[0]))
        buffer_printf(why,
                      "ORIGIN_URL is for an edge that joins its origin; with --%s leave it out",
                      settings.subsonic[0] ? "subsonic" : "plain");
    else if (is_loaded)
        (void)!folder_may_be_edge(settings.data, why);
    settings_release(&settings);
    buffer_release(&unsaid);
    return why->size == 0;
}

static enum command_exit check(const struct arguments *arguments)
{
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    enum command_exit code = COMMAND_OK;
    if (!may_begin(arguments, &why))
        code = command_fail(COMMAND_FAILED, "edge: %.*s", TEXT_ARGS(buffer_view(&why)));
    buffer_release(&why);
    return code;
}

static enum command_exit run(const struct arguments *arguments)
{
    struct inherited inherited;
    hide_token(arguments);
    inherited_take(&inherited);
    uint64_t starts = supervised_starts();
    bool is_server = inherited_find(&inherited, "supervisor") != SIZE_MAX;
    if (!is_server && check(arguments) != COMMAND_OK) {
        inherited_close(&inherited);
        return COMMAND_FAILED;
    }
    if (!is_server && settings_want_supervisor(arguments))
        return supervise(arguments, &inherited, starts);
    enum command_exit code = serve(arguments, &inherited, starts);
    inherited_close(&inherited);
    return code;
}

const struct command command_edge = {
    .name = "edge",
    .arguments = "[ORIGIN_URL]",
    .summary = "Serve listeners near them, for an origin elsewhere.",
    .about =
        "An edge of a Sostenuto origin, which joins it the first time by a token of \"sostenuto "
        "invite\" there; from\nthen on its folder is enough, and the origin need not answer:\n"
        "  sostenuto edge ORIGIN_URL --token-file FILE --data DIR --listen ADDR:PORT\n"
        "  sostenuto edge --data DIR --listen ADDR:PORT\n"
        "A cache before any other HTTP server; --plain may be given several times, the preferred "
        "one first:\n"
        "  sostenuto edge --plain URL --data DIR --listen ADDR:PORT\n"
        "A place where the listeners of an existing OpenSubsonic server go on while that is away:\n"
        "  sostenuto edge --subsonic URL --subsonic-user NAME --subsonic-password-file FILE --data "
        "DIR --listen ADDR:PORT\n"
        "What an origin ever gave is still served when it does not answer. Listeners come by HTTPS "
        "when "
        "there is a\ncertificate (--tls-certificate, or sostenuto tls init), else by plain HTTP. "
        "Runs "
        "in the foreground; SIGTERM\nends it. See docs/edge.md.\n",
    .most_positionals = 1,
    .settings = COMMAND_SETTINGS_ALL,
    .often = "data listen token token-file node-urls plain subsonic subsonic-user "
             "subsonic-password-file origin-ca cache-disk-mib cache-memory-mib edge-journal-mib "
             "edge-place-hours trusted-proxies tls-certificate tls-key access-log log-level",
    .run = run,
};
