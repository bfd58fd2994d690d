// SPDX-License-Identifier: GPL-3.0-or-later
/* manual: writes sostenuto.conf(5) in mdoc from the table of settings; run by the build. */
#include "programs/settings.h"

enum { WRAP_AFTER = 60 };

/* Escapes for roff, starts sentences on new lines, and breaks long ones at a space. */
static void print_escaped(const char *words)
{
    int column = 0;
    for (const char *at = words; *at; at++) {
        bool ends_sentence = at > words && at[-1] == '.' && at[0] == ' ';
        if (ends_sentence || (*at == ' ' && column > WRAP_AFTER)) {
            fputs(at[1] == '.' || at[1] == '\'' ? "\n\\&" : "\n", stdout);
            column = 0;
            continue;
        }
        if (*at == '\\')
            fputs("\\e", stdout);
        else if (*at == '"')
            fputs("\\(dq", stdout);
        else
            fputc(*at, stdout);
        column++;
    }
}

static void print_value(const struct setting *setting)
{
    switch (setting->kind) {
    case SETTING_KIND_TEXT:
        printf(" = Ar \\(dqtext\\(dq\n");
        break;
    case SETTING_KIND_LIST:
        printf(" = Ar {\\(dqtext\\(dq, ...}\n");
        break;
    case SETTING_KIND_NUMBER:
        printf(" = Ar number\n");
        break;
    case SETTING_KIND_SWITCH:
        printf(" = Cm yes Ns | Ns Cm no\n");
        break;
    case SETTING_KIND_CHOICE:
        printf(" = Ar word\n");
        break;
    }
}

static void print_setting(const struct setting *setting)
{
    printf(".It Cm %s", setting->name);
    print_value(setting);
    print_escaped(setting->help);
    printf("\n");
    if (setting->kind == SETTING_KIND_CHOICE)
        printf("One of: %s.\n", setting->choices);
    if (setting->kind == SETTING_KIND_NUMBER)
        printf("From %llu to %llu.\n", (unsigned long long)setting->least,
               (unsigned long long)setting->most);
    if (setting->default_text[0]) {
        printf("Default: ");
        print_escaped(setting->default_text);
        printf(".\n");
    }
    if (setting->when == SETTING_LIVE)
        printf("Follows a reload.\n");
}

int main(void)
{
    printf(".\\\" SPDX-License-Identifier: GPL-3.0-or-later\n.\\\" Made from "
           "src/programs/settings.def and "
           "src/io/server.def.\n.Dd November 21, 2026\n.Dt SOSTENUTO.CONF 5\n.Os\n.Sh NAME\n.Nm "
           "sostenuto.conf\n"
           ".Nd settings of sostenuto\n.Sh DESCRIPTION\n"
           "One setting a line, as\n.Dl key = \\(dqvalue\\(dq\n"
           "Lists stand in braces.\n.Ql #\nand\n.Ql //\nstart a comment,\n.Ql ${NAME}\nin double "
           "quotes stands for an "
           "environment variable, and\n.Ql include(\\(dqother.conf\\(dq)\nreads another file.\n"
           "An unknown key is an error;\nthe message names file, line and the nearest known key.\n"
           ".Ql sostenuto check-config\nchecks a file before the server does.\n.Pp\n"
           "Defaults are weakest, then the file, then the environment\n.Pq Ev SOSTENUTO_LOG_LEVEL "
           ",\nthen options\n"
           ".Pq Fl Fl log-level .\n"
           "In the environment and in options, commas part the items of a list;\n"
           "an option given several times adds up.\n"
           "A list of a stronger place replaces the weaker one as a whole.\n"
           "Settings that follow a reload\n.Pq Dv SIGHUP\nsay so; others need a restart.\n"
           ".Sh SETTINGS\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < setting_count(); i++)
        print_setting(setting_at(i));
    printf(".El\n.Sh EXAMPLES\n.Bd -literal -offset indent\n"
           "library = {\\(dqMusic=/srv/music\\(dq, \\(dqAudiobooks=/srv/books\\(dq}\n"
           "listen = {\\(dq[::]:4747\\(dq}\npublic_url = \\(dqhttps://music.example.org\\(dq\n"
           "trusted_proxies = {\\(dq127.0.0.1\\(dq}\naccess_log = "
           "\\(dq/var/log/sostenuto/access.log\\(dq\n.Ed\n.Pp\n"
           "A certificate for a public name by certbot,\nwith port 80 redirected to the server:\n"
           ".Bd -literal -offset indent\n"
           "acme_webroot = \\(dq/var/lib/sostenuto-acme\\(dq\n"
           "tls_certificate = \\(dq/var/lib/sostenuto/keys/public.pem\\(dq\n\n"
           "certbot certonly --webroot -w /var/lib/sostenuto-acme -d NAME \\e\n"
           "    --deploy-hook /usr/share/sostenuto/certbot/deploy-hook\n.Ed\n"
           ".Sh SEE ALSO\n.Xr sostenuto 1\n");
    return 0;
}
