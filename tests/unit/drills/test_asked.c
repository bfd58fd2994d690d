// SPDX-License-Identifier: GPL-3.0-or-later
/* What an origin was asked, from its access log. */
#include "drills/asked.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TIME " [22/Nov/2026:19:29:05 +0000] "
#define WRITE \
    "127.0.0.1 - edge:edge-2" TIME "\"POST /nodes/operations HTTP/2.0\" 200 9 \"-\" \"-\"\n"
#define KEYS "127.0.0.1 - -" TIME "\"GET /keys HTTP/2.0\" 200 452 \"-\" \"-\"\n"
#define LAUNCH "127.0.0.1 - edge:edge-1" TIME "\"GET /launch HTTP/2.0\" 404 9 \"-\" \"-\"\n"
#define PULSE "127.0.0.1 - -" TIME "\"GET /livez HTTP/1.1\" 200 3 \"-\" \"-\"\n"
#define PROBE "127.0.0.1 - edge:edge-1" TIME "\"GET /livez?x=1 HTTP/2.0\" 200 3 \"-\" \"-\"\n"
#define LISTENER \
    "127.0.0.1 - drill1" TIME "\"GET /rest/search3?query= HTTP/1.1\" 200 3 \"-\" \"-\"\n"

static const struct {
    const char *log;
    uint64_t requests, timed;
    uint8_t edges;
    const char *says;
} rows[] = {
    {NULL, 0, 0, 0, "a log that nobody wrote to says nothing"},
    {"", 0, 0, 0, "nor does an empty one"},
    {WRITE WRITE, 2, 0, 2, "what an edge brings counts, and which it was"},
    {KEYS LISTENER, 2, 0, 0, "so does what listeners ask, and an edge that has not said its name"},
    {LAUNCH, 0, 1, 0, "what an edge asks by the clock is told apart"},
    {PULSE, 0, 0, 0, "what the drill asks is nobody's"},
    {PROBE, 1, 0, 1, "the same from an edge is the edge's"},
    {"nonsense\n\n" WRITE, 1, 0, 2, "a line that cannot be read is none"},
};

static void test_lines(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct asked asked = {0};
        struct text log = text_of(rows[i].log);
        size_t read = asked_count(&asked, log);
        OK(read == log.size && asked.requests == rows[i].requests && asked.timed == rows[i].timed &&
               asked.edges == rows[i].edges,
           rows[i].says);
    }
}

static void append(const char *path, const char *words)
{
    FILE *file = fopen(path, "a");
    if (file) {
        (void)fputs(words, file);
        (void)fclose(file);
    }
}

static void test_file(void)
{
    char path[] = "/tmp/asked-XXXXXX";
    int fd = mkstemp(path);
    struct asked asked = {0};
    uint64_t offset = 0;
    if (fd >= 0)
        (void)close(fd);
    asked_read(&asked, "/nowhere/origin.access", &offset);
    OK(offset == 0 && asked.requests == 0, "a file that is not there has said nothing");
    append(path, WRITE "127.0.0.1 - edge:edge-1");
    asked_read(&asked, path, &offset);
    OK(asked.requests == 1 && asked.edges == 2, "a line that is not whole is left");
    append(path, TIME "\"GET /changes HTTP/2.0\" 200 9 \"-\" \"-\"\n");
    asked_read(&asked, path, &offset);
    OK(asked.requests == 2 && asked.edges == 3, "until it is, and nothing is read twice");
    for (int i = 0; i < 5000; i++)
        append(path, WRITE);
    asked_read(&asked, path, &offset);
    OK(asked.requests == 5002, "however much was written");
    (void)unlink(path);
}

int main(void)
{
    test_lines();
    test_file();
    return tap_done();
}
