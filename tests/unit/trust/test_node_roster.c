// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/node_roster.h"
#include "tap.h"
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { NOW_S = 1767225600, HOUR_S = 3600, BYTES_MAX = 1 << 20 };

static const struct node_book_limits limits = {2, 2};

static struct roster_edge edge_of(const char *name, uint8_t key)
{
    struct roster_edge edge = {.seat = {.may = 3, .joined_s = NOW_S, .until_s = NOW_S + HOUR_S},
                               .url_count = 1};
    (void)snprintf(edge.seat.name, sizeof edge.seat.name, "%s", name);
    (void)snprintf(edge.urls[0], sizeof edge.urls[0], "https://%s.example.org", name);
    memset(edge.seat.key, key, sizeof edge.seat.key);
    memset(edge.digest, key + 100, sizeof edge.digest);
    edge.seat.id = node_id_of(edge.seat.key);
    return edge;
}

static bool invite(struct node_roster *roster, const char *name, uint8_t secret, int64_t expires_s)
{
    uint8_t digest[INVITATION_DIGEST_BYTES];
    memset(digest, secret, sizeof digest);
    return node_roster_invite(roster, text_of(name), digest, expires_s);
}

static bool reads(const char *bytes)
{
    struct node_roster roster;
    node_roster_init(&roster, &limits);
    bool is_good = node_roster_read(&roster, text_of(bytes));
    node_roster_release(&roster);
    return is_good;
}

static void test_finding(void)
{
    struct node_roster roster;
    const struct roster_edge paris = edge_of("paris", 1), rome = edge_of("rome", 2),
                             nice = edge_of("nice", 3);
    node_roster_init(&roster, &limits);
    OK(!node_roster_by_name(&roster, TEXT("paris")), "an empty roster names nobody");
    OK(node_roster_add(&roster, &paris) && node_roster_add(&roster, &rome) &&
           !node_roster_add(&roster, &nice),
       "so many edges and no more");
    OK(node_roster_by_key(&roster, rome.seat.key) == &roster.edges[1] &&
           node_roster_by_id(&roster, rome.seat.id) == &roster.edges[1] &&
           node_roster_by_name(&roster, TEXT("rome")) == &roster.edges[1] &&
           node_roster_by_invitation(&roster, rome.digest) == &roster.edges[1],
       "an edge is found by its key, its id, its name and what it came with");
    roster.edges[1].seat.revoked_s = NOW_S;
    OK(node_roster_by_key(&roster, rome.seat.key) && !node_roster_by_name(&roster, TEXT("rome")),
       "who is revoked keeps its key and not its name");
    struct node_roster copy = node_roster_copy(&roster);
    copy.edges[0].seat.seen_s = NOW_S;
    OK(copy.edge_count == 2 && roster.edges[0].seat.seen_s == 0, "a copy is its own");
    node_roster_release(&copy);
    node_roster_forget(&roster, NOW_S + HOUR_S);
    OK(roster.edge_count == 2, "it stays while something that was signed for it may be good");
    node_roster_forget(&roster, NOW_S + 3 * HOUR_S);
    OK(roster.edge_count == 1 && node_roster_by_name(&roster, TEXT("paris")),
       "and is forgotten after that, alone");
    node_roster_release(&roster);
}

static void test_inviting(void)
{
    struct node_roster roster;
    uint8_t digest[INVITATION_DIGEST_BYTES];
    memset(digest, 2, sizeof digest);
    node_roster_init(&roster, &limits);
    OK(invite(&roster, "paris", 1, NOW_S) && invite(&roster, "rome", 2, NOW_S + HOUR_S) &&
           !invite(&roster, "nice", 3, NOW_S),
       "so many are invited and no more");
    OK(node_roster_uninvite(&roster, TEXT("paris")) &&
           !node_roster_uninvite(&roster, TEXT("paris")) && roster.invited_count == 1,
       "one is taken back");
    OK(node_roster_invited(&roster, digest) == &roster.invited[0],
       "the other is still found by what its token says");
    node_roster_forget(&roster, NOW_S + HOUR_S - 1);
    OK(roster.invited_count == 1, "it is good up to its last second");
    node_roster_forget(&roster, NOW_S + HOUR_S);
    OK(roster.invited_count == 0, "and is forgotten then");
    node_roster_release(&roster);
}

static void test_bytes(void)
{
    struct node_roster written, read;
    struct roster_edge paris = edge_of("paris", 1);
    struct buffer bytes;
    buffer_init(&bytes, BYTES_MAX);
    node_roster_init(&written, &limits);
    (void)snprintf(written.door, sizeof written.door, "192.0.2.1:4533");
    paris.seat.seen_s = NOW_S;
    struct roster_edge known_by_id = {.seat = {.id = edge_of("x", 9).seat.id,
                                               .name = "revoked",
                                               .revoked_s = NOW_S,
                                               .until_s = NOW_S + HOUR_S}};
    OK(node_roster_add(&written, &paris) && node_roster_add(&written, &known_by_id) &&
           invite(&written, "rome", 2, NOW_S + HOUR_S),
       "two edges, of one no more than its id, and an invitation");
    node_roster_write(&written, &bytes);
    const struct node_book_limits lowered = {1, 0};
    node_roster_init(&read, &lowered);
    OK(node_roster_read(&read, buffer_view(&bytes)), "are read again, though a limit was lowered");
    paris.seat.seen_s = 0;
    OK(read.edge_count == 2 && memcmp(&read.edges[0], &paris, sizeof paris) == 0 &&
           uid_equal(read.edges[1].seat.id, known_by_id.seat.id),
       "each edge as it was, but for when it was seen");
    OK(read.invited_count == 1 &&
           memcmp(&read.invited[0], &written.invited[0], sizeof read.invited[0]) == 0 &&
           strcmp(read.door, written.door) == 0,
       "and so are the invitation and the door");
    OK(!node_roster_add(&read, &paris), "beyond what there is the lowered limit holds");
    node_roster_release(&read);
    node_roster_release(&written);
    buffer_release(&bytes);
}

static void test_damage(void)
{
    OK(reads("{\"door\":\"\",\"invited\":[],\"edges\":[]}"), "an empty one");
    OK(!reads("") && !reads("[]") && !reads("{\"door\":\"\",\"edges\":[]}") &&
           !reads("{\"door\":1,\"invited\":[],\"edges\":[]}"),
       "what lacks a member, or has another kind of it, is refused");
    OK(!reads("{\"door\":\"\",\"invited\":[{\"name\":\"a\",\"digest\":\"AA\",\"expires\":1}],"
              "\"edges\":[]}"),
       "a digest of another size too");
    OK(!reads("{\"door\":\"\",\"invited\":[],\"edges\":[{\"name\":\"a\"}]}"),
       "and an edge without a key");
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    test_finding();
    test_inviting();
    test_bytes();
    test_damage();
    return tap_done();
}
