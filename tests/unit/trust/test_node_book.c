// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/node_book.h"
#include "tap.h"
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW_S = 1767225600, HOUR_S = 3600 };
#define UNTIL_S (NOW_S + NODE_CERTIFICATE_LIFE_S)

static char top[] = "/tmp/test_node_book.XXXXXX", path[64];

static struct node_book *open_book(uint32_t max_edges, uint32_t max_invites)
{
    const struct key_place place = {path, NULL};
    const struct node_book_limits limits = {max_edges, max_invites};
    struct node_book *book = NULL;
    struct keys_error error;
    return node_book_open(&place, &limits, &book, &error) == 0 ? book : NULL;
}

static struct joining_request with_secret(uint8_t secret, uint8_t key)
{
    struct joining_request request = {.has_secret = true, .issued_s = NOW_S, .url_count = 1};
    memset(request.secret, secret, sizeof request.secret);
    memset(request.key, key, sizeof request.key);
    (void)snprintf(request.urls[0], sizeof request.urls[0], "https://edge.example.org");
    return request;
}

static enum node_book_verdict invite(struct node_book *book, const char *name, uint8_t secret)
{
    uint8_t bytes[INVITATION_SECRET_BYTES], digest[INVITATION_DIGEST_BYTES];
    memset(bytes, secret, sizeof bytes);
    invitation_digest(bytes, digest);
    return node_book_invite(book, text_of(name), digest, NOW_S + HOUR_S, NOW_S);
}

static enum node_book_verdict join_at(struct node_book *book, uint8_t secret, uint8_t key,
                                      int64_t now_s)
{
    const struct joining_request request = with_secret(secret, key);
    struct node_seat seat;
    return node_book_join(book, &request, now_s + NODE_CERTIFICATE_LIFE_S, now_s, &seat);
}

static bool is_seated(struct node_book *book, uint8_t key)
{
    uint8_t bytes[SIGNED_PUBLIC_BYTES];
    memset(bytes, key, sizeof bytes);
    return node_book_admits(book, bytes, NOW_S);
}

static void test_joining(void)
{
    struct node_book *book = open_book(4, 2);
    OK(invite(book, "paris", 1) == NODE_BOOK_DONE && node_book_invited(book, NOW_S) == 1,
       "somebody is invited");
    OK(join_at(book, 9, 1, NOW_S) == NODE_BOOK_UNKNOWN, "another secret is unknown");
    OK(join_at(book, 1, 1, NOW_S + HOUR_S) == NODE_BOOK_EXPIRED, "too late is too late");
    OK(!is_seated(book, 1), "nobody has joined yet");
    OK(join_at(book, 1, 1, NOW_S) == NODE_BOOK_DONE && is_seated(book, 1), "who is invited joins");
    OK(join_at(book, 1, 2, NOW_S) == NODE_BOOK_USED && !is_seated(book, 2),
       "the second key with the same secret does not");
    OK(join_at(book, 1, 1, NOW_S + HOUR_S) == NODE_BOOK_DONE && node_book_count(book) == 1,
       "the first may ask again");
    OK(invite(book, "paris", 3) == NODE_BOOK_TAKEN, "its name is taken");
    OK(invite(book, "lyon", 4) == NODE_BOOK_DONE && invite(book, "lyon", 5) == NODE_BOOK_DONE &&
           join_at(book, 4, 4, NOW_S) == NODE_BOOK_UNKNOWN,
       "a second invitation takes the place of the first");
    node_book_close(&book);
    book = open_book(4, 2);
    OK(is_seated(book, 1) && node_book_invited(book, NOW_S) == 1,
       "all of it is there when the book is opened again");
    node_book_close(&book);
}

static void test_revoking(void)
{
    struct node_book *book = open_book(4, 2);
    uint64_t before = node_book_revocations(book);
    OK(node_book_revoke(book, TEXT("nobody"), NOW_S) == NODE_BOOK_UNKNOWN, "nobody is not revoked");
    OK(node_book_revoke(book, TEXT("paris"), NOW_S) == NODE_BOOK_DONE && !is_seated(book, 1) &&
           node_book_revocations(book) == before + 1,
       "an edge is revoked");
    struct joining_request request = with_secret(1, 1);
    struct node_seat seat;
    OK(node_book_renew(book, &request, UNTIL_S, &seat) == NODE_BOOK_REVOKED, "and does not renew");
    OK(join_at(book, 1, 1, NOW_S) == NODE_BOOK_REVOKED, "nor join again with its old token");
    request = with_secret(9, 9);
    OK(node_book_renew(book, &request, UNTIL_S, &seat) == NODE_BOOK_STRANGER &&
           strstr(node_book_words(NODE_BOOK_STRANGER), "sostenuto invite"),
       "one that was never known does not renew, whoever signed its certificate, and is told why");
    node_book_close(&book);
    book = open_book(4, 2);
    node_book_at(book, 0, &seat);
    OK(!is_seated(book, 1) && seat.revoked_s == NOW_S, "also when the book is opened again");
    OK(invite(book, "paris", 6) == NODE_BOOK_DONE && join_at(book, 6, 6, NOW_S) == NODE_BOOK_DONE,
       "another machine may have its name");
    node_book_close(&book);
}

static atomic_bool is_over;

static void *look(void *context)
{
    struct node_book *book = context;
    size_t seen = 0;
    while (!atomic_load(&is_over))
        seen += is_seated(book, 6);
    return seen > 0 ? context : NULL;
}

static void test_threads(void)
{
    struct node_book *book = open_book(4, 2);
    pthread_t thread;
    void *result = NULL;
    size_t failed = 0;
    (void)pthread_create(&thread, NULL, look, book);
    for (uint8_t i = 0; i < 20; i++) {
        failed += invite(book, "nice", (uint8_t)(100 + i)) != NODE_BOOK_DONE;
        failed += join_at(book, 6, 6, NOW_S) != NODE_BOOK_DONE;
        failed += node_book_revoke(book, TEXT("nice"), NOW_S) != NODE_BOOK_DONE;
    }
    atomic_store(&is_over, true);
    (void)pthread_join(thread, &result);
    OK(failed == 0 && result == book, "other threads look somebody up while the book changes");
    node_book_close(&book);
}

static void test_bounds(void)
{
    struct node_book *book = open_book(3, 2);
    OK(invite(book, "a", 10) == NODE_BOOK_DONE && invite(book, "b", 11) == NODE_BOOK_FULL,
       "so many are invited and no more");
    OK(join_at(book, 10, 10, NOW_S) == NODE_BOOK_DONE && invite(book, "b", 11) == NODE_BOOK_FULL,
       "so many edges are known and no more");
    node_book_close(&book);
    book = open_book(1, 1);
    OK(book && node_book_count(book) == 3 && is_seated(book, 10),
       "a limit that was lowered turns nobody out");
    node_book_close(&book);
}

static void test_files(void)
{
    char file[96];
    struct stat status;
    (void)snprintf(file, sizeof file, "%s/edges", path);
    OK(stat(file, &status) == 0 && (status.st_mode & 0777) == 0600, "only the owner reads it");
    int fd = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC);
    OK(fd >= 0 && write(fd, "{\"door\":1}", 10) == 10, "a damaged book");
    (void)close(fd);
    struct node_book *book = open_book(1, 1);
    OK(!book, "is refused, not forgotten");
    node_book_close(&book);
    (void)unlink(file);
    book = open_book(1, 1);
    (void)chmod(path, 0500);
    if (geteuid() != 0)
        OK(invite(book, "a", 1) == NODE_BOOK_UNWRITTEN && node_book_invited(book, NOW_S) == 0,
           "what cannot be written is not done");
    (void)chmod(path, 0700);
    node_book_close(&book);
}

/* --- of the origin before us --- */

static struct delegation delegation_of(const char *name, uint8_t key)
{
    struct delegation delegation = {
        .may = DELEGATED_OPERATIONS, .since_s = NOW_S, .expires_s = UNTIL_S};
    (void)snprintf(delegation.name, sizeof delegation.name, "%s", name);
    memset(delegation.key, key, sizeof delegation.key);
    delegation.id = node_id_of(delegation.key);
    return delegation;
}

static void test_taken_over(void)
{
    struct node_book *book = open_book(4, 4);
    const struct delegation paris = delegation_of("paris", 1), rome = delegation_of("rome", 2),
                            twin = delegation_of("paris", 3);
    struct text urls[] = {TEXT("https://paris.example.org")};
    OK(node_book_banish(book, rome.id, UNTIL_S, NOW_S) == NODE_BOOK_DONE &&
           node_book_readmit(book, &rome, NULL, 0) == NODE_BOOK_REVOKED,
       "who was revoked there is not taken over");
    OK(node_book_readmit(book, &paris, urls, 1) == NODE_BOOK_DONE &&
           node_book_readmit(book, &paris, urls, 1) == NODE_BOOK_DONE && node_book_count(book) == 2,
       "another is, once");
    OK(node_book_readmit(book, &twin, NULL, 0) == NODE_BOOK_TAKEN, "a name is one edge's");
    node_book_close(&book);
    book = open_book(4, 4);
    OK(node_book_admits(book, paris.key, NOW_S) && !node_book_admits(book, rome.key, NOW_S),
       "the book says so after a restart");
    struct node_seat seat;
    node_book_at(book, 0, &seat);
    OK(uid_equal(seat.id, rome.id) && seat.revoked_s, "also whom /revoked must name, by id alone");
    struct text kept[JOINING_URLS_MAX];
    OK(node_book_urls(book, 1, kept) == 1 && text_equal(kept[0], urls[0]),
       "and where listeners reach the other");
    node_book_close(&book);
    char file[96];
    (void)snprintf(file, sizeof file, "%s/edges", path);
    (void)unlink(file);
}

int main(void)
{
    if (sodium_init() < 0 || !mkdtemp(top))
        return 1;
    (void)snprintf(path, sizeof path, "%s/keys", top);
    (void)mkdir(path, 0700);
    test_joining();
    test_revoking();
    test_threads();
    test_bounds();
    test_files();
    test_taken_over();
    (void)rmdir(path);
    (void)rmdir(top);
    return tap_done();
}
