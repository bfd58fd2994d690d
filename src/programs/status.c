// SPDX-License-Identifier: GPL-3.0-or-later
/* status: how a node is, as JSON for scripts or as words for people. */
#include "programs/control.h"
#include "programs/operate.h"
#include <jansson.h>

static long long number(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

/* Words only when the owner should do something. */
static void show_keys(const json_t *keys)
{
    if (json_is_true(json_object_get(keys, "is_due")))
        printf("KEYS         the signing keys are due; %s\n",
               json_is_true(json_object_get(keys, "has_root"))
                   ? "the log says why they were not renewed"
                   : "put keys/root.key back for a moment");
}

/* Of an edge. */
static void show_origins(const json_t *origins)
{
    size_t i;
    json_t *origin;
    json_array_foreach(origins, i, origin)
    {
        printf("origin       %s, %s", json_string_value(json_object_get(origin, "url")),
               json_is_true(json_object_get(origin, "alive")) ? "answers" : "DEAD");
        if (number(origin, "failures"))
            printf(", failed %lld times in a row", number(origin, "failures"));
        printf("\n");
    }
}

/* Of an edge that joined an origin. */
static void show_followed(const json_t *root)
{
    const char *trouble = json_string_value(json_object_get(root, "trouble"));
    bool is_linked = json_is_true(json_object_get(root, "linked"));
    printf("link         %s", is_linked ? "linked" : "ISLAND");
    if (trouble && trouble[0])
        printf(": %s", trouble);
    if (json_object_get(root, "age_s"))
        printf("; heard of the origin %lld s ago", number(root, "age_s"));
    printf("\nlisteners    %lld accounts; %lld writes wait for the origin\n",
           number(root, "accounts"), number(root, "forward_waiting"));
}

static void show_edge(const json_t *root)
{
    const char *name = json_string_value(json_object_get(root, "name"));
    printf("sostenuto %s, an edge%s%s%s\n", json_string_value(json_object_get(root, "version")),
           name ? ", " : "", name ? name : "",
           json_is_true(json_object_get(root, "draining")) ? ", draining" : "");
    printf("process      %lld, restarted %lld times\n", number(root, "pid"),
           number(root, "restarts"));
    printf("connections  %lld open, %lld requests since the start\n", number(root, "connections"),
           number(root, "requests"));
    show_origins(json_object_get(root, "origins"));
    if (name)
        show_followed(root);
}

static void show(const json_t *root)
{
    const json_t *scan = json_object_get(root, "scan");
    const char *version = json_string_value(json_object_get(root, "version"));
    printf("sostenuto %s, %s\n", version ? version : "?",
           json_is_true(json_object_get(root, "serving"))
               ? "serving"
               : "not running; this is its state folder");
    if (number(root, "pid"))
        printf("process      %lld, restarted %lld times\n", number(root, "pid"),
               number(root, "restarts"));
    printf("accounts     %lld\n", number(root, "accounts"));
    if (json_is_true(json_object_get(root, "serving")))
        printf("connections  %lld open, %lld requests since the start\n",
               number(root, "connections"), number(root, "requests"));
    printf("journal      %lld bytes, %lld operations not yet in the database\n",
           number(root, "journal_bytes"), number(root, "unapplied"));
    show_keys(json_object_get(root, "keys"));
    if (json_object_get(root, "record_error"))
        printf("record       %s, %lld operations not yet there\n",
               number(root, "record_error") ? "AWAY: what listeners do waits in the journal"
                                            : "linked",
               number(root, "unpushed"));
    if (scan)
        printf("library      %lld tracks, %lld files could not be used%s\n", number(scan, "tracks"),
               number(scan, "failed"),
               json_is_true(json_object_get(scan, "idle")) ? "" : " (scanning)");
    if (number(root, "journal_error") || number(root, "database_error") ||
        number(root, "damaged_records"))
        printf("TROUBLE      journal error %lld, database error %lld, %lld damaged records\n",
               number(root, "journal_error"), number(root, "database_error"),
               number(root, "damaged_records"));
}

static enum command_exit run(const struct arguments *arguments)
{
    struct operator_request request = {.verb = (char *)(uintptr_t) "status"};
    struct buffer answer;
    buffer_init(&answer, CONTROL_MAX_ANSWER_BYTES);
    enum command_exit code = COMMAND_FAILED;
    if (operate(arguments, &request, OPERATE_STATE, &answer)) {
        json_t *root = json_loadb(answer.data, answer.size, 0, NULL);
        code = json_is_true(json_object_get(root, "ok")) ? COMMAND_OK : COMMAND_FAILED;
        if (arguments_has(arguments, "json") || code != COMMAND_OK)
            printf("%.*s\n", TEXT_ARGS(buffer_view(&answer)));
        else if (json_object_get(root, "origins"))
            show_edge(root);
        else
            show(root);
        json_decref(root);
    }
    buffer_release(&answer);
    return code;
}

static const struct argument_option options[] = {{.name = "json", .help = "As one line of JSON."}};

const struct command command_status = {.name = "status",
                                       .arguments = "",
                                       .summary = "Show how the server is.",
                                       .options = options,
                                       .option_count = ARRAY_SIZE(options),
                                       .settings = COMMAND_SETTINGS_PLACE,
                                       .run = run};
