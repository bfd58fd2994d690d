// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/target.h"
#include "tap.h"

static struct arena *arena;

static const struct {
    const char *target, *path, *query; /* path NULL: refused; query NULL: none */
} targets[] = {
    {"/", "/", NULL},
    {"/a/b", "/a/b", NULL},
    {"/a/b/", "/a/b/", NULL},
    {"/a?", "/a", ""},
    {"/a?b=%2e%2e", "/a", "b=%2e%2e"},
    {"/a?b?c", "/a", "b?c"},
    {"//rest//ping.view", "/rest/ping.view", NULL},
    {"/a/./b", "/a/b", NULL},
    {"/a/.", "/a/", NULL},
    {"/a/b/..", "/a/", NULL},
    {"/a/b/../c", "/a/c", NULL},
    {"/a/..", "/", NULL},
    {"/a/../..", NULL, NULL},
    {"/..", NULL, NULL},
    {"/../etc/passwd", NULL, NULL},
    {"/%2e%2e/etc/passwd", NULL, NULL},
    {"/a/%2E./b", "/b", NULL},
    {"/a/..%2fb", "/a/..%2Fb", NULL},
    {"/a%2fb", "/a%2Fb", NULL},
    {"/a%2Fb", "/a%2Fb", NULL},
    {"/...", "/...", NULL},
    {"/a%00", NULL, NULL},
    {"/a%0a", NULL, NULL},
    {"/a%7f", NULL, NULL},
    {"/a%", NULL, NULL},
    {"/a%4", NULL, NULL},
    {"/a%zz", NULL, NULL},
    {"/%c3%a4", "/\xc3\xa4", NULL},
    {"/%c3", NULL, NULL},
    {"/%c0%ae", NULL, NULL},
    {"/a+b", "/a+b", NULL},
    {"/a\\..\\b", "/a\\..\\b", NULL},
    {"*", "/", NULL},
    {"http://h", "/", NULL},
    {"HTTPS://h?x", "/", "x"},
    {"http:/h", NULL, NULL},
    {"", NULL, NULL},
    {"a/b", NULL, NULL},
};

static const struct {
    const char *raw, *host;
} hosts[] = {
    {"Example.COM", "example.com"},
    {"a.b:80", "a.b:80"},
    {"a.b:", "a.b:"},
    {"192.0.2.1:8080", "192.0.2.1:8080"},
    {"[::1]", "[::1]"},
    {"[::1]:80", "[::1]:80"},
    {"my_box", "my_box"},
    {"[]", NULL},
    {"[::1", NULL},
    {"a:b", NULL},
    {"a/b", NULL},
    {":80", NULL},
    {"a:123456", NULL},
    {"\xc3\xa4", NULL},
    {"a:80:80", NULL},
    {"[::1]x", NULL},
};

int main(void)
{
    arena = arena_new(1 << 16);
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        struct http_target target = {0};
        struct http_refusal why = {0};
        bool is_read = http_target_parse(arena, text_of(targets[i].target), &target, &why);
        if (!targets[i].path) {
            OK(!is_read && why.status == 400 && why.why, targets[i].target);
            continue;
        }
        OK_TEXT(target.path, text_of(targets[i].path), targets[i].target);
        if (target.query.data || targets[i].query)
            OK_TEXT(target.query, text_of(targets[i].query), "and its query");
        OK(!!target.query.data == !!targets[i].query, "an empty query is told from none");
    }
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
        OK_TEXT(http_host_normalise(arena, text_of(hosts[i].raw)), text_of(hosts[i].host),
                hosts[i].raw);
    OK_TEXT(http_host_without_port(TEXT("[::1]:80")), TEXT("[::1]"),
            "a port comes off an IPv6 literal");
    OK_TEXT(http_host_without_port(TEXT("[::1]")), TEXT("[::1]"),
            "an IPv6 literal without a port stays");
    OK_TEXT(http_host_without_port(TEXT("a.b")), TEXT("a.b"), "a name stays");
    arena_free(&arena);
    return tap_done();
}
