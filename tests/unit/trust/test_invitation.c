// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/invitation.h"
#include "tap.h"
#include <stdio.h>

static struct invitation sample(void)
{
    struct invitation invitation;
    memset(&invitation, 0, sizeof invitation);
    (void)snprintf(invitation.addresses, sizeof invitation.addresses,
                   "music.example.org:4748,192.0.2.7:4748,[2001:db8::1]:5000");
    memset(invitation.root_digest, 0x17, sizeof invitation.root_digest);
    invitation_draw(&invitation);
    return invitation;
}

static void test_round_trip(void)
{
    struct invitation invitation = sample(), read;
    struct buffer token;
    const char *why;
    buffer_init(&token, INVITATION_TEXT_MAX_BYTES);
    invitation_write(&invitation, &token);
    OK(invitation_read(buffer_view(&token), &read, &why), "a token is read");
    OK(strcmp(read.addresses, invitation.addresses) == 0 &&
           memcmp(read.secret, invitation.secret, sizeof read.secret) == 0 &&
           memcmp(read.root_digest, invitation.root_digest, sizeof read.root_digest) == 0,
       "and says what was written");
    buffer_text(&token, TEXT(" \n"));
    OK(invitation_read(buffer_view(&token), &read, &why), "white space around it is passed over");
    size_t whole = token.size - 2, refused = 0;
    for (size_t size = 0; size < whole; size++)
        refused += !invitation_read(text_make(token.data, size), &read, &why);
    OK(refused == whole, "cut off anywhere it is refused");
    buffer_release(&token);
}

static void test_two_draws_differ(void)
{
    struct invitation a = sample(), b = sample();
    uint8_t first[INVITATION_DIGEST_BYTES], second[INVITATION_DIGEST_BYTES];
    invitation_digest(a.secret, first);
    invitation_digest(b.secret, second);
    OK(memcmp(first, second, sizeof first) != 0, "two invitations have two secrets");
}

static void test_addresses(void)
{
    static const struct {
        const char *address;
        bool is_sound;
        const char *claim;
    } cases[] = {
        {"music.example.org:4748", true, "a name and a port are an address"},
        {"192.0.2.7:1", true, "so is an IPv4 address"},
        {"[::1]:65535", true, "and an IPv6 address in brackets"},
        {"music.example.org", false, "the port is needed"},
        {"music:", false, "and is not empty"},
        {"music:0", false, "nor 0"},
        {"music:65536", false, "nor too large"},
        {"music:04748", false, "nor spelt in two ways"},
        {":4748", false, "the host is needed"},
        {"::1:4748", false, "an IPv6 address needs its brackets"},
        {"[::1:4748", false, "both of them"},
        {"[]:1", false, "and something between"},
        {"mu sic:4748", false, "spaces are refused"},
        {"music/x:4748", false, "paths too"},
        {"a@b:4748", false, "and names of users"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        OK(invitation_address_is_sound(text_of(cases[i].address)) == cases[i].is_sound,
           cases[i].claim);
}

int main(void)
{
    test_round_trip();
    test_two_draws_differ();
    test_addresses();
    return tap_done();
}
