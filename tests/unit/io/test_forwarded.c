// SPDX-License-Identifier: GPL-3.0-or-later
#include "io/forwarded.h"
#include "tap.h"

static const struct {
    const char *fields[3], *expected, *claim; /* expected NULL: no address */
} cases[] = {
    {{"203.0.113.9"}, "203.0.113.9", "one address"},
    {{"1.2.3.4, 203.0.113.9"}, "203.0.113.9", "the right-most: what is left of it may be invented"},
    {{"1.2.3.4, 203.0.113.9, 10.0.0.7"}, "203.0.113.9", "proxies of ours are passed over"},
    {{"203.0.113.9", "10.0.0.7", "10.0.0.8"}, "203.0.113.9", "several fields are one list"},
    {{"1.2.3.4", "203.0.113.9"}, "203.0.113.9", "and the last field is the right-most"},
    {{"10.0.0.1, 10.0.0.2"}, "10.0.0.1", "only proxies: the left-most of them"},
    {{"203.0.113.9:4711, 10.0.0.7:80"}, "203.0.113.9", "ports are dropped"},
    {{"[2001:db8::1]:443"}, "2001:db8::1", "from IPv6 too"},
    {{"::ffff:203.0.113.9"}, "203.0.113.9", "a mapped address is IPv4"},
    {{"203.0.113.9, unknown"}, NULL, "what cannot be read ends the walk"},
    {{"unknown, 10.0.0.7"}, "10.0.0.7", "at the last that could"},
    {{""}, NULL, "an empty field"},
    {{NULL}, NULL, "no field"},
};

int main(void)
{
    struct address_block trusted;
    if (!address_block_parse(TEXT("10.0.0.0/8"), &trusted))
        return 1;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_field fields[3];
        struct http_request request = {.fields = fields};
        struct address_text storage;
        while (request.field_count < 3 && cases[i].fields[request.field_count]) {
            fields[request.field_count] = (struct http_field){
                TEXT("x-forwarded-for"), text_of(cases[i].fields[request.field_count])};
            request.field_count++;
        }
        struct forwarded found = forwarded_read(&request, &trusted, 1);
        OK_TEXT(found.has_address ? address_show(&found.address, &storage) : TEXT_NONE,
                text_of(cases[i].expected), cases[i].claim);
    }
    struct http_field proto = {TEXT("X-Forwarded-Proto"), TEXT("HTTPS")};
    struct http_request request = {.fields = &proto, .field_count = 1};
    OK(forwarded_read(&request, &trusted, 1).is_secure, "https is told");
    char long_list[64 * 10 + 16] = "203.0.113.9";
    for (size_t i = 0; i < 60; i++)
        snprintf(long_list + 11 + i * 10, 11, ",10.0.0.10");
    struct http_field many = {TEXT("X-Forwarded-For"), text_of(long_list)};
    request.fields = &many;
    struct forwarded found = forwarded_read(&request, &trusted, 1);
    struct address_text storage;
    OK_TEXT(address_show(&found.address, &storage), TEXT("10.0.0.10"),
            "an endless list is walked for 32 hops");
    return tap_done();
}
