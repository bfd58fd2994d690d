// SPDX-License-Identifier: GPL-3.0-or-later
/* invite, edges list, edges revoke: the nodes near listeners that belong to an origin. */
#include "programs/control.h"
#include "programs/edges_desk.h"
#include "programs/operate.h"
#include <time.h>

static void show_time(json_int_t unix_s, char out[24])
{
    time_t seconds = (time_t)unix_s;
    struct tm when;
    if (unix_s <= 0 || !gmtime_r(&seconds, &when) ||
        strftime(out, 24, "%Y-%m-%d %H:%M", &when) == 0)
        (void)snprintf(out, 24, "-");
}

/* "90", "90s", "15m", "1h", "7d" as seconds; false for anything else, or nothing. */
static bool read_time(const char *words, uint64_t *ret_s)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    struct text digits = text_of(words);
    uint64_t factor = 1, number;
    for (size_t i = 0; digits.size > 0 && i < ARRAY_SIZE(units); i++)
        if (digits.data[digits.size - 1] == units[i].unit) {
            factor = units[i].seconds;
            digits.size--;
            break;
        }
    if (!text_to_u64(digits, &number) || number == 0 || number > EDGES_INVITE_MAX_S)
        return false;
    *ret_s = number * factor;
    return *ret_s <= EDGES_INVITE_MAX_S;
}

/* Whether only this machine gets there: "127.0.0.1:4748". */
static bool is_loopback(const char *addresses)
{
    return !strchr(addresses, ',') &&
           (strncmp(addresses, "127.", 4) == 0 || strncmp(addresses, "[::1]", 5) == 0);
}

static void show_invitation(const json_t *root, const char *until)
{
    const char *url = json_string_value(json_object_get(root, "url"));
    const char *addresses = json_string_value(json_object_get(root, "addresses"));
    fprintf(stderr,
            "shown once, good once, until %s UTC. On the edge's machine:\n"
            "  sostenuto edge %s --token-file FILE --data DIR --listen ADDR:PORT\n"
            "root key   %s\nreached at %s\n",
            until, url && url[0] ? url : "ORIGIN_URL",
            json_string_value(json_object_get(root, "root")), addresses ? addresses : "");
    if (addresses && is_loopback(addresses))
        fprintf(stderr, "           which only this machine reaches: for an edge elsewhere set "
                        "listen or nodes to an address\n           of the network, or "
                        "node_addresses to how it gets here\n");
    if (json_is_true(json_object_get(root, "takes_place")))
        fprintf(stderr, "the token that was made before for this name is good no more\n");
}

/* Only the token goes to standard output: scripts take it from there. */
static enum command_exit invite(const struct arguments *arguments)
{
    const char *expires = arguments_value(arguments, "expires");
    uint64_t seconds = EDGES_INVITE_S;
    char digits[24], until[24];
    if (expires && !read_time(expires, &seconds))
        return command_fail(COMMAND_USAGE, "--expires: a time such as 30m, 1h or 7d, at most 30d");
    (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)seconds);
    const struct operator_request request = {.verb = (char *)(uintptr_t) "edge.invite",
                                             .name = (char *)(uintptr_t)arguments->positionals[0],
                                             .expires = digits};
    json_t *root = operate_and_read(arguments, &request);
    const char *token = json_string_value(json_object_get(root, "token"));
    if (token) {
        show_time(json_integer_value(json_object_get(root, "expires_s")), until);
        show_invitation(root, until);
        printf("%s\n", token);
    }
    enum command_exit code = token ? COMMAND_OK : COMMAND_FAILED;
    json_decref(root);
    return code;
}

static void show_edge(const json_t *edge)
{
    char joined[24], seen[24], until[24];
    json_int_t revoked = json_integer_value(json_object_get(edge, "revoked_s"));
    show_time(json_integer_value(json_object_get(edge, "joined_s")), joined);
    show_time(json_integer_value(json_object_get(edge, "seen_s")), seen);
    show_time(json_integer_value(json_object_get(edge, "until_s")), until);
    printf("%-20s  %s  joined %-16s  seen %-16s  %s %s\n",
           json_string_value(json_object_get(edge, "name")),
           json_string_value(json_object_get(edge, "id")), joined, seen,
           revoked ? "REVOKED, until" : "until", until);
}

static void show_invited(const json_t *invitation)
{
    char until[24];
    show_time(json_integer_value(json_object_get(invitation, "expires_s")), until);
    printf("%-20s  invited, not here yet; the token is good until %s\n",
           json_string_value(json_object_get(invitation, "name")), until);
}

static enum command_exit list(const struct arguments *arguments)
{
    const struct operator_request request = {.verb = (char *)(uintptr_t) "edge.list"};
    json_t *root = operate_and_read(arguments, &request);
    const json_t *edge;
    size_t i;
    if (!root)
        return COMMAND_FAILED;
    if (arguments_has(arguments, "json")) {
        json_dumpf(root, stdout, JSON_COMPACT);
        printf("\n");
    } else {
        json_array_foreach(json_object_get(root, "edges"), i, edge) show_edge(edge);
        if (json_array_size(json_object_get(root, "edges")) == 0)
            printf("no edge has joined\n");
        json_array_foreach(json_object_get(root, "invitations"), i, edge) show_invited(edge);
    }
    json_decref(root);
    return COMMAND_OK;
}

static enum command_exit revoke(const struct arguments *arguments)
{
    const struct operator_request request = {.verb = (char *)(uintptr_t) "edge.revoke",
                                             .name = (char *)(uintptr_t)arguments->positionals[0]};
    return operate_and_say(arguments, &request);
}

static const struct argument_option invite_options[] = {
    {"expires", "TIME", "How long the token is good: 30m, 1h, 7d. Default: 1h.", NULL},
};

const struct command command_invite = {
    .name = "invite",
    .arguments = "NAME",
    .summary = "Make a one-time token with which an edge joins this origin.",
    .about =
        "NAME is what the edge is called from then on. Nothing but the token is on standard "
        "output: it is a secret\nuntil it is used. From the first invitation on the origin "
        "listens for nodes at an address of its own\n(setting nodes; by default the port after "
        "its first). See docs/edge.md.\n",
    .options = invite_options,
    .option_count = ARRAY_SIZE(invite_options),
    .least_positionals = 1,
    .most_positionals = 1,
    .settings = COMMAND_SETTINGS_PLACE,
    .run = invite,
};

static const struct argument_option list_options[] = {
    {"json", NULL, "All that is known, as JSON.", NULL},
};

const struct command command_edges_list = {
    .name = "edges list",
    .arguments = "",
    .summary = "Show the edges that joined this origin.",
    .options = list_options,
    .option_count = ARRAY_SIZE(list_options),
    .settings = COMMAND_SETTINGS_PLACE,
    .run = list,
};

const struct command command_edges_revoke = {
    .name = "edges revoke",
    .arguments = "NAME",
    .summary = "Let no node talk to an edge any more, or take an invitation back.",
    .about = "For an edge that is stolen or gone. It takes effect at once at this origin, and at "
             "other nodes with the next\n/revoked that they fetch. To come back it needs a new "
             "token and an empty folder.\n",
    .least_positionals = 1,
    .most_positionals = 1,
    .settings = COMMAND_SETTINGS_PLACE,
    .run = revoke,
};
