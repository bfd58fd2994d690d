// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/breached.h"
#include "tap.h"

#include "base/mem.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PASSWORDS = 20000, HASH_BYTES = 72 };

static char path[] = "/tmp/test_breached.XXXXXX", why[BREACHED_WHY_BYTES];

static bool write_file(const char *content, size_t size)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    bool is_written = fd >= 0 && write(fd, content, size) == (ssize_t)size;
    close(fd);
    return is_written;
}

static int compare(const void *a, const void *b) { return strcmp(a, b); }

/* "leaked 0" and so on, hashed, sorted, cut to `digits`. */
static char *make_list(size_t digits, const char *end)
{
    char(*hashes)[HASH_BYTES] = mem_zalloc(PASSWORDS * sizeof *hashes);
    char *list = mem_alloc(PASSWORDS * 2 * HASH_BYTES), *at = list;
    for (unsigned i = 0; i < PASSWORDS; i++) {
        char password[24];
        uint8_t digest[SHA256_DIGEST_LENGTH];
        size_t size = (size_t)snprintf(password, sizeof password, "leaked %u", i);
        bool is_sha1 = digits <= 40;
        if (is_sha1)
            SHA1((const uint8_t *)password, size, digest);
        else
            SHA256((const uint8_t *)password, size, digest);
        for (size_t k = 0; k < (is_sha1 ? 20u : 32u); k++)
            snprintf(hashes[i] + 2 * k, 3, "%02X", digest[k]);
        hashes[i][digits] = '\0';
    }
    qsort(hashes, PASSWORDS, sizeof *hashes, compare);
    for (unsigned i = 0; i < PASSWORDS; i++)
        at += snprintf(at, 2 * HASH_BYTES, "%s%s", hashes[i], end);
    mem_free(hashes);
    return list;
}

static void test_list(size_t digits, const char *end, const char *what)
{
    struct breached *breached = NULL;
    char *list = make_list(digits, end);
    bool is_open = write_file(list, strlen(list)) && breached_open(path, &breached, why) == 0;
    unsigned found = 0, wrongly = 0;
    for (unsigned i = 0; i < PASSWORDS; i += 61) {
        char password[24];
        size_t size = (size_t)snprintf(password, sizeof password, "leaked %u", i);
        found += breached_look_up(breached, text_make(password, size)) == BREACHED_YES;
        size = (size_t)snprintf(password, sizeof password, "kept %u", i);
        wrongly += breached_look_up(breached, text_make(password, size)) != BREACHED_NO;
    }
    OK(is_open && found == (PASSWORDS + 60) / 61 && wrongly == 0, what);
    breached_close(&breached);
    mem_free(list);
}

static void test_refused(const char *content, const char *words)
{
    struct breached *breached = NULL;
    OK(write_file(content, strlen(content)) && breached_open(path, &breached, why) < 0 &&
           text_contains(text_of(why), text_of(words)),
       words);
    breached_close(&breached);
}

/* Good at its start, no list further on: said when it is opened, or when it is met. */
static void test_damage(void)
{
    struct breached *breached = NULL;
    char *list = make_list(40, "\n");
    size_t size = strlen(list);
    memset(list + size / 2, '\n', size / 4);
    OK(write_file(list, size) && breached_open(path, &breached, why) < 0 &&
           text_contains(text_of(why), TEXT("byte")),
       "damage further on is named by its place");
    mem_free(list);
    list = make_list(40, "\n");
    OK(write_file(list, size) && breached_open(path, &breached, why) == 0, "a good list is taken");
    memset(list, ' ', size);
    OK(write_file(list, size) && breached_look_up(breached, TEXT("leaked 7")) == BREACHED_UNKNOWN,
       "a list that was damaged since is not believed either way");
    OK(truncate(path, 0) == 0 && breached_look_up(breached, TEXT("leaked 7")) == BREACHED_UNKNOWN,
       "nor is one that was emptied");
    breached_close(&breached);
    mem_free(list);
}

int main(void)
{
    int fd = mkstemp(path);
    close(fd);
    test_list(40, ":3730471\r\n",
              "passwords in a list of SHA-1 as it is offered are found, and no others");
    test_list(40, "\n", "hashes alone will do");
    test_list(20, "\n", "the first half of each will do");
    test_list(64, "\n", "SHA-256 is told by its length");
    test_refused("", ":1: there is no line");
    test_refused("password\n", ":1: a line begins with 16 to 64");
    test_refused("0018A45C4D1DEF81644B54AB7F969B88:1\n", ":1: 32 digits are a hash of NTLM");
    test_refused("00000000000000000000\n00000000000000000001\n0000000000000000000\n",
                 ":3: all lines have equally many");
    test_refused("00000000000000000001\n00000000000000000000\n", ":2: the lines are sorted");
    test_damage();
    OK(breached_look_up(NULL, TEXT("password")) == BREACHED_NO, "without a list nothing is in it");
    unlink(path);
    OK(breached_open(path, &(struct breached *){NULL}, why) < 0 &&
           text_contains(text_of(why), TEXT("cannot be opened")),
       "a list that is away is said to be");
    return tap_done();
}
