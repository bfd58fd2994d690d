// SPDX-License-Identifier: GPL-3.0-or-later
/* promote: the origin is gone for good, and this edge's folder takes its place. */
#include "io/clock.h"
#include "programs/command.h"
#include "programs/privileges.h"
#include "programs/promotion.h"
#include "programs/settings_sources.h"

#include <inttypes.h>
#include <time.h>

static void show_time(int64_t unix_ms, char out[24])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm when;
    if (unix_ms <= 0 || !gmtime_r(&seconds, &when) ||
        strftime(out, 24, "%Y-%m-%d %H:%M", &when) == 0)
        (void)snprintf(out, 24, "-");
}

static void show_whole(const struct promotion_findings *found)
{
    char when[24];
    show_time(found->confirmed_ms, when);
    printf("origin       %s, epoch %" PRIu64 ", the newest of it here came %s UTC\n",
           found->root_fingerprint, found->epoch, when);
    printf("catalogue    %" PRIu64 " tracks, %" PRIu64 " albums, %" PRIu64 " artists in %" PRIu64
           " libraries, with their ids\n",
           found->tracks, found->albums, found->artists, found->libraries);
    printf("accounts     %" PRIu64 ", with what they starred, rated, played and put into lists\n",
           found->accounts);
    printf("edges        %" PRIu64 " other%s\n", found->edges, found->edges == 1 ? "" : "s");
}

/* What is not here and comes by itself, once this is the origin and they follow it. */
static void show_coming(const struct promotion_findings *found)
{
    if (found->edges == 0)
        return;
    printf("comes        from the %" PRIu64
           " other edge%s, following: what was heard of there and not here",
           found->edges, found->edges == 1 ? "" : "s");
    if (found->passwords_elsewhere)
        printf(";\n             the passwords of %" PRIu64 " accounts", found->passwords_elsewhere);
    if (found->apps_elsewhere)
        printf(";\n             token and salt of %" PRIu64 " apps", found->apps_elsewhere);
    printf("\n");
}

/* What is not here, and how each gets it back. */
static void show_lost(const struct promotion_findings *found)
{
    uint64_t passwords = found->without_password - found->passwords_elsewhere;
    uint64_t apps = found->apps_by_key_only - found->apps_elsewhere;
    if (passwords)
        printf("lost         the passwords of %" PRIu64
               " accounts: who is signed in stays so; a new one: sostenuto user password NAME\n",
               passwords);
    if (apps)
        printf("lost         token and salt of %" PRIu64
               " apps: they work with apiKey; else make another secret\n",
               apps);
    printf("lost         what the origin accepted and no edge heard of, and every play whose count "
           "had not come\n");
}

static void on_step(void *context, const char *step)
{
    uint64_t *begun_us = context, now_us = clock_monotonic_us();
    printf("%6.1f s  %s\n", (double)(now_us - *begun_us) / 1e6, step);
    (void)fflush(stdout);
}

static void show_done(const struct promotion *promotion, const struct settings *settings)
{
    const struct promotion_findings *found = promotion_findings(promotion);
    printf("epoch %" PRIu64 ". Start it: sostenuto serve --data %s", promotion_epoch(promotion),
           settings->data);
    for (size_t i = 0; i < settings->library.count; i++)
        printf(" '%s'", settings->library.items[i]);
    printf("\n");
    if (found->libraries_absent)
        printf("%" PRIu64 " libraries have no folder yet: they can be browsed, and what this node "
               "and other edges hold plays. Name their folders to serve.\n",
               found->libraries_absent);
    printf("The root key is not kept here: put it away again. The old origin, should it come back, "
           "gives way: see docs/edge.md.\n");
}

static enum command_exit carry_out(struct promotion *promotion, const struct settings *settings,
                                   struct buffer *why)
{
    uint64_t begun_us = clock_monotonic_us();
    if (!promotion_carry_out(promotion, on_step, &begun_us, why))
        return command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(why)));
    show_done(promotion, settings);
    return COMMAND_OK;
}

static enum command_exit promote(const struct arguments *arguments, const struct settings *settings,
                                 struct buffer *why)
{
    struct promotion *promotion = NULL;
    const struct promotion_config config = {.settings = settings,
                                            .root_key = arguments_value(arguments, "root-key")};
    enum command_exit code = COMMAND_OK;
    if (!promotion_open(&config, &promotion, why)) {
        code = command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(why)));
    } else {
        const struct promotion_findings *found = promotion_findings(promotion);
        show_whole(found);
        show_coming(found);
        show_lost(found);
        if (!arguments_has(arguments, "check"))
            code = carry_out(promotion, settings, why);
        else if (!found->has_root_key)
            code = command_fail(COMMAND_FAILED, "the root key is not here: --root-key FILE");
    }
    promotion_close(&promotion);
    return code;
}

static enum command_exit run(const struct arguments *arguments)
{
    struct settings settings;
    struct buffer why;
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    enum command_exit code = COMMAND_FAILED;
    if (!settings_load(&settings, arguments, &why) ||
        !settings_take_folders(&settings, arguments, &why) ||
        privileges_settle(&settings, NULL, &why) < 0)
        code = command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    else
        code = promote(arguments, &settings, &why);
    settings_release(&settings);
    buffer_release(&why);
    return code;
}

static const struct argument_option options[] = {
    {"check", NULL, "only say what will be whole and what is lost", NULL},
    {"root-key", "FILE", "the root key of the origin; default: root.key among this folder's keys",
     NULL},
};

const struct command command_promote = {
    .name = "promote",
    .arguments = "[DIR...]",
    .summary = "Make an edge's folder the origin, when that is gone for good.",
    .about =
        "Only while no server runs on it. Needs the root key of the origin, which is not kept. "
        "Accounts, lists and ids stay;\nDIR is where the music lies now, as for serve. Other "
        "edges follow by themselves. See docs/edge.md.\n",
    .options = options,
    .option_count = ARRAY_SIZE(options),
    .most_positionals = 32,
    .settings = COMMAND_SETTINGS_ALL,
    .run = run,
};
