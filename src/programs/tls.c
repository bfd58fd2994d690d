// SPDX-License-Identifier: GPL-3.0-or-later
/* tls init, tls renew: a local certificate authority, for homes and other places without a public
 * name. */
#include "base/log.h"
#include "io/clock.h"
#include "programs/authority.h"
#include "programs/certificate.h"
#include "programs/command.h"
#include "programs/listening.h"
#include "programs/privileges.h"
#include "programs/settings_check.h"
#include "programs/settings_sources.h"
#include <errno.h>
#include <limits.h>
#include <unistd.h>

/* The names that a certificate shall have; those that nobody gave live in `storage`. */
struct names {
    struct text items[CERTIFICATE_MAX_NAMES];
    size_t count;
    char host[65], host_local[72], lan[48];
};

static void add_name(struct names *names, struct text name)
{
    for (size_t i = 0; i < names->count; i++)
        if (text_equal_nocase(names->items[i], name))
            return;
    if (names->count < CERTIFICATE_MAX_NAMES)
        names->items[names->count++] = name;
}

/* Without names given: what this machine is called at home. */
static void gather_names(struct names *names, const struct arguments *arguments)
{
    *names = (struct names){.count = 0};
    for (size_t i = 0; i < arguments->positional_count; i++)
        add_name(names, text_of(arguments->positionals[i]));
    if (gethostname(names->host, sizeof names->host - 1) == 0 && names->host[0]) {
        (void)snprintf(names->host_local, sizeof names->host_local, "%s.local", names->host);
        add_name(names, text_of(names->host_local));
    }
    if (listening_lan_host(names->lan, sizeof names->lan))
        add_name(names, text_of(names->lan));
    add_name(names, TEXT("localhost"));
    add_name(names, TEXT("127.0.0.1"));
    add_name(names, TEXT("::1"));
}

static bool names_are_good(const struct arguments *arguments)
{
    const struct setting *host = setting_named(TEXT("host_names"));
    for (size_t i = 0; i < arguments->positional_count; i++) {
        if (arguments->positional_count > CERTIFICATE_MAX_NAMES - 5 ||
            setting_check_value(host, text_of(arguments->positionals[i])))
            return false;
    }
    return true;
}

static void print_steps(const char *keys_folder, const char *fingerprint, const char *lan)
{
    printf(
        "\nThe server uses the certificate from its next start or reload. So that devices trust "
        "it, install the\n"
        "authority's certificate once on each (only it; never the .pem files beside it):\n\n"
        "  %s/ca.crt\n  SHA-256 %s\n\n"
        "A running server also hands it out: open http://%s:4747/ca.crt on the device, and compare "
        "the SHA-256.\n\n"
        "  iPhone, iPad   open the address in Safari, then Settings > Profile downloaded > "
        "Install, then\n"
        "                 Settings > General > About > Certificate Trust Settings: switch it on\n"
        "  Android        Settings > Security > More > Install from storage > CA certificate\n"
        "  Windows        double-click > Install Certificate > Local Machine > Trusted Root "
        "Certification Authorities\n"
        "  macOS          double-click, then in Keychain Access set \"When using this "
        "certificate\" to Always Trust\n"
        "  Debian, Ubuntu cp ca.crt /usr/local/share/ca-certificates/sostenuto.crt && "
        "update-ca-certificates\n"
        "  Firefox        Settings > Privacy & Security > View Certificates > Authorities > "
        "Import\n\n"
        "The authority can sign only for the names above and for private addresses, so installing "
        "it gives nobody\n"
        "power over other sites. The server renews its certificate by itself.\n",
        keys_folder, fingerprint, lan);
}

static enum command_exit init(const struct arguments *arguments, const char *keys_folder,
                              struct buffer *why)
{
    struct names names;
    enum authority_outcome outcome;
    char fingerprint[96] = "";
    if (!names_are_good(arguments))
        return command_fail(
            COMMAND_USAGE,
            "names are host names or addresses, such as music.example.org, at most %d",
            CERTIFICATE_MAX_NAMES - 5);
    gather_names(&names, arguments);
    int error = authority_init(keys_folder, names.items, names.count,
                               arguments_has(arguments, "new-authority"), clock_unix_ms() / 1000,
                               &outcome, why);
    if (error < 0)
        return command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(why)));
    printf("%s\ncertificate for:", outcome == AUTHORITY_MADE
                                       ? "a new local authority was made"
                                       : "signed by the authority that was there");
    for (size_t i = 0; i < names.count; i++)
        printf(" %.*s", TEXT_ARGS(names.items[i]));
    printf("\n");
    if (authority_fingerprint(keys_folder, fingerprint))
        print_steps(keys_folder, fingerprint, names.lan[0] ? names.lan : "ADDRESS");
    return COMMAND_OK;
}

static enum command_exit renew(const struct arguments *arguments, const char *keys_folder,
                               struct buffer *why)
{
    (void)arguments;
    int result = authority_renew(keys_folder, clock_unix_ms() / 1000, why);
    if (result < 0)
        return command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(why)));
    printf(result == 1 ? "renewed; reload the server (SIGHUP) to use it\n" : "nothing is due\n");
    return COMMAND_OK;
}

/* Both commands: find the state folder, become its owner, do it. */
static enum command_exit in_keys_folder(const struct arguments *arguments,
                                        enum command_exit (*act)(const struct arguments *arguments,
                                                                 const char *keys_folder,
                                                                 struct buffer *why))
{
    struct settings settings;
    struct buffer why;
    char keys_folder[PATH_MAX];
    buffer_init(&why, SETTINGS_WHY_MAX_BYTES);
    enum command_exit code;
    if (!settings_load(&settings, arguments, &why) ||
        privileges_settle(&settings, NULL, &why) < 0) {
        code = command_fail(COMMAND_FAILED, "%.*s", TEXT_ARGS(buffer_view(&why)));
    } else {
        (void)snprintf(keys_folder, sizeof keys_folder, "%s/keys", settings.data);
        code = act(arguments, keys_folder, &why);
    }
    settings_release(&settings);
    buffer_release(&why);
    return code;
}

static enum command_exit run_init(const struct arguments *arguments)
{
    return in_keys_folder(arguments, init);
}
static enum command_exit run_renew(const struct arguments *arguments)
{
    return in_keys_folder(arguments, renew);
}

static const struct argument_option init_options[] = {
    {.name = "new-authority",
     .help = "Make a new authority although there is one; devices must install it again."}};

const struct command command_tls_init = {
    .name = "tls init",
    .arguments = "[NAME...]",
    .summary = "Make a local certificate authority and a certificate.",
    .about = "NAMEs are host names and addresses at which devices reach the server; this machine's "
             "own name and address\n"
             "are always among them. For a public name use certbot instead: sostenuto.conf(5), "
             "acme_webroot.\n",
    .options = init_options,
    .option_count = ARRAY_SIZE(init_options),
    .most_positionals = CERTIFICATE_MAX_NAMES,
    .settings = COMMAND_SETTINGS_PLACE,
    .run = run_init,
};

const struct command command_tls_renew = {
    .name = "tls renew",
    .arguments = "",
    .summary = "Renew the certificate of tls init when it is due.",
    .about = "A running server does this by itself, once a day.\n",
    .settings = COMMAND_SETTINGS_PLACE,
    .run = run_renew,
};
