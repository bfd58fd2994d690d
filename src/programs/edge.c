// SPDX-License-Identifier: GPL-3.0-or-later
/* edge: a cache in front of an origin, in the foreground, until SIGTERM. */
#include "base/counters.h"
#include "programs/command.h"
#include "programs/edge_service.h"
#include "programs/settings_sources.h"
#include "programs/supervisor.h"

#include <stdlib.h>
#include <string.h>

static void print_addresses(const struct edge_service *service)
{
    for (size_t i = 0; i < service->address_count; i++) {
        const struct listening_address *address = &service->addresses[i];
        if (address->is_any)
            printf("listening on http://localhost:%u\n", address->port);
        else
            printf("listening on http://%s\n", address->text);
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

static enum command_exit run(const struct arguments *arguments)
{
    struct inherited inherited;
    hide_token(arguments);
    inherited_take(&inherited);
    uint64_t starts = supervised_starts();
    bool is_server = inherited_find(&inherited, "supervisor") != SIZE_MAX;
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
        "The first time --token or --token-file, from \"sostenuto invite\" at the origin, lets "
        "it join; afterwards its\nfolder (--data) holds what it needs, and the origin need not "
        "answer. ORIGIN_URL is where listeners open the\norigin. With --plain URL instead it "
        "caches any other server; that may be given several times, the\npreferred one first. "
        "With --subsonic URL it stands before an existing OpenSubsonic server, whose listeners go\n"
        "on from here while that is away. What an origin ever gave is still served when it does\n"
        "not answer. Runs in the foreground; SIGTERM ends it. See docs/edge.md.\n",
    .most_positionals = 1,
    .settings = COMMAND_SETTINGS_ALL,
    .run = run,
};
