// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/address.h"
#include "tap.h"

static void shows(const char *given, const char *expected)
{
    struct address address;
    struct address_text storage;
    if (!address_parse(text_of(given), &address))
        OK(!expected, given);
    else
        OK_TEXT(address_show(&address, &storage), text_of(expected), given);
}

static void contains(const char *block_text, const char *address_text, bool expected)
{
    struct address_block block;
    struct address address;
    char claim[96];
    snprintf(claim, sizeof claim, "%s %s in %s", address_text, expected ? "is" : "is not",
             block_text);
    OK(address_block_parse(text_of(block_text), &block) &&
           address_parse(text_of(address_text), &address) &&
           address_block_contains(&block, &address) == expected,
       claim);
}

static void is_private(const char *text, bool expected)
{
    struct address address;
    char claim[96];
    snprintf(claim, sizeof claim, "%s is %s", text, expected ? "private" : "public");
    OK(address_parse(text_of(text), &address) && address_is_private(&address) == expected, claim);
}

int main(void)
{
    shows("192.0.2.1", "192.0.2.1");
    shows("::ffff:192.0.2.1", "192.0.2.1");
    shows("[2001:DB8::1]", "2001:db8::1");
    shows("", NULL);
    shows("192.0.2.256", NULL);
    shows("192.0.2.1:80", NULL);
    shows("fe80::1%eth0", NULL);
    shows("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001", NULL);
    contains("10.0.0.0/8", "10.255.0.1", true);
    contains("10.0.0.0/8", "11.0.0.1", false);
    contains("192.0.2.7", "192.0.2.7", true);
    contains("192.0.2.7", "192.0.2.6", false);
    contains("0.0.0.0/0", "203.0.113.9", true);
    contains("0.0.0.0/0", "2001:db8::1", false);
    contains("::/0", "203.0.113.9", true);
    contains("2001:db8::/33", "2001:db8:7fff::1", true);
    contains("2001:db8::/33", "2001:db8:8000::1", false);
    struct address_block block;
    OK(!address_block_parse(TEXT("10.0.0.1/8"), &block), "bits beyond the prefix are refused");
    OK(!address_block_parse(TEXT("10.0.0.0/33"), &block), "a prefix too long is refused");
    OK(!address_block_parse(TEXT("10.0.0.0/"), &block), "an empty prefix is refused");
    is_private("127.0.0.1", true);
    is_private("172.31.255.255", true);
    is_private("172.32.0.0", false);
    is_private("192.168.1.20", true);
    is_private("169.254.9.9", true);
    is_private("8.8.8.8", false);
    is_private("::1", true);
    is_private("fd12::1", true);
    is_private("fe80::1", true);
    is_private("2001:db8::1", false);
    return tap_done();
}
