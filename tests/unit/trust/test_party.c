// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/party.h"
#include "tap.h"

static void test_hosts(void)
{
    static const char *const rows[][2] = {
        {"https://music.example.org", "music.example.org"},
        {"http://localhost:4747", "localhost"},
        {"https://music.example.org:8443/x", "music.example.org"},
        {"paris.example.org:80", "paris.example.org"},
        {"http://[::1]:4747", "[::1]"},
        {"https://192.0.2.7", "192.0.2.7"},
        {"", ""},
        {"http://[::1", "[::1"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        OK_TEXT(party_host(text_of(rows[i][0])), text_of(rows[i][1]), rows[i][0]);
}

static void test_domains(void)
{
    static const char *const good[] = {"localhost", "music.example.org", "a-1.b2"};
    static const char *const bad[] = {"",        ".",     "a..b",         ".a",  "a.",
                                      "1.2.3.4", "[::1]", "exa mple.org", "a/b", "a.b.7"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        OK(party_is_domain(text_of(good[i])), good[i]);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        OK(!party_is_domain(text_of(bad[i])), "passkeys are not for addresses and what is no name");
}

static struct text of(const char *domain, bool is_said, const char *host, bool is_named)
{
    struct party party = {text_of(domain), is_said};
    return party_of(&party, text_of(host), is_named);
}

int main(void)
{
    test_hosts();
    test_domains();
    OK_TEXT(of("music.example.org", false, "music.example.org", true), TEXT("music.example.org"),
            "a page at the service's domain has its passkeys");
    OK_TEXT(of("music.example.org", false, "paris.music.example.org", true),
            TEXT("music.example.org"), "and one below it");
    OK_TEXT(of("music.example.org", false, "xmusic.example.org", true), TEXT("xmusic.example.org"),
            "not one that only ends in the same letters");
    OK_TEXT(of("music.example.org", false, "paris.example.org", true), TEXT("paris.example.org"),
            "nor one beside it: that has its own");
    OK_TEXT(of("example.org", true, "paris.example.org", false), TEXT("example.org"),
            "unless an operator said a domain above both");
    OK_TEXT(of("example.org", true, "paris.example.net", true), TEXT("example.org"),
            "then a page of the service elsewhere has them as a related origin");
    OK_TEXT(of("example.org", true, "evil.example.net", false), TEXT("evil.example.net"),
            "and a stranger's page has not");
    OK_TEXT(of("", false, "192.0.2.7", true), TEXT("192.0.2.7"), "without a domain all stay apart");
    return tap_done();
}
