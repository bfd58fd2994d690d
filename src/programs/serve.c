// SPDX-License-Identifier: GPL-3.0-or-later
/* serve: an origin for some folders of music, in the foreground, until SIGTERM. */
#include "base/counters.h"
#include "programs/banner.h"
#include "programs/command.h"
#include "programs/service.h"
#include "programs/settings_sources.h"
#include "programs/supervisor.h"
#include <unistd.h>

/* Nobody is sent to an address that answers 403, this machine's own browser neither. */
static void print_refused(const struct service *service, const char *url)
{
    const struct listening_address *address = &service->addresses[0];
    if (address->is_any)
        printf("open http://localhost:%u\n", address->port);
    printf(
        "%s is refused: a public address, and plain_http = \"private\"; sostenuto tls init makes "
        "it HTTPS, --plain-http anywhere lets everybody in unencrypted\n",
        url);
}

/* "listening on http…" is what scripts wait for; the rest is for people. */
static void print_addresses(const struct service *service)
{
    char url[300];
    const char *scheme = service->tls.server ? "https" : "http";
    bool is_reachable = service_url(service, url, sizeof url);
    for (size_t i = 0; i < service->address_count; i++) {
        if (service->addresses[i].is_any)
            printf("listening on %s://localhost:%u\n", scheme, service->addresses[i].port);
        else
            printf("listening on %s://%s\n", scheme, service->addresses[i].text);
    }
    if (is_reachable && service_url_is_refused(service)) {
        print_refused(service, url);
        return;
    }
    if (!is_reachable)
        return;
    printf("open %s\n", url);
    if (!service->tls.server && !service->settings.public_url[0])
        printf(
            "this is plain HTTP, for your own network only; sostenuto tls init makes it HTTPS\n");
    if (isatty(STDOUT_FILENO) || service->settings.qr)
        (void)banner_qr(stdout, url, isatty(STDOUT_FILENO) == 1);
}

static void print_banner(const struct service *service)
{
    print_addresses(service);
    if (service->node.libraries.count == 0)
        printf("no music yet: sostenuto serve /path/to/music\n");
    if (service->needs_setup)
        printf("set-up code %s  (open the address and enter it to make the first account)\n",
               service->setup_code.text);
    (void)fflush(stdout);
}

/* The server itself.  Its `starts`th start: a crash is no news on standard output, but a new code
 * is. */
static enum command_exit serve(const struct arguments *arguments, struct inherited *inherited,
                               uint64_t starts)
{
    struct service service;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    enum command_exit code = COMMAND_OK;
    if (service_open(&service, arguments, inherited, starts, &why)) {
        counter_set(COUNTER_RESTARTS, (int64_t)starts);
        if (starts == 0 || service.needs_setup)
            print_banner(&service);
        service_run(&service);
    } else {
        code = command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    }
    service_close(&service);
    buffer_release(&why);
    return code;
}

static enum command_exit run(const struct arguments *arguments)
{
    struct inherited inherited;
    inherited_take(&inherited);
    uint64_t starts = supervised_starts();
    bool is_server = inherited_find(&inherited, "supervisor") != SIZE_MAX;
    if (!is_server && settings_want_supervisor(arguments))
        return supervise(arguments, &inherited, starts);
    enum command_exit code = serve(arguments, &inherited, starts);
    inherited_close(&inherited);
    return code;
}

const struct command command_serve = {
    .name = "serve",
    .arguments = "[DIR...]",
    .summary = "Serve folders of music.",
    .about = "DIR is a folder, or Name=/folder. Runs in the foreground; SIGHUP reloads, SIGTERM "
             "ends it.\n",
    .most_positionals = LIBRARY_MAX_ROOTS,
    .settings = COMMAND_SETTINGS_ALL,
    .often = "data listen public-url node-urls nodes tls-certificate tls-key plain-http "
             "trusted-proxies host-names database user access-log log-level",
    .run = run,
};
