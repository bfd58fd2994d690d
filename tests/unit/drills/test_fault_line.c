// SPDX-License-Identifier: GPL-3.0-or-later
/* Each fault of a line, measured in virtual time. */
#include "drills/fault_line.h"
#include "tap.h"

#include <string.h>

enum { SECOND_US = 1000000, START_US = 5 * SECOND_US };

static char sample[FAULT_LINE_BYTES];

static void bad_line(struct fault_line *line, const struct scenario_fault *fault)
{
    struct fault_toxics toxics = {0};
    fault_toxics_add(&toxics, fault);
    fault_line_init(line, 7, START_US);
    fault_line_set(line, &toxics, START_US);
}

/* Sends `size` bytes as fast as the line takes them; when the last one is out, or 0 after a minute.
 */
static uint64_t send_all(struct fault_line *line, size_t size, char *out)
{
    size_t sent = 0, taken = 0;
    for (uint64_t now_us = START_US; now_us < START_US + 60 * SECOND_US; now_us += 1000) {
        size_t room = fault_line_room(line);
        size_t part = size - sent < room ? size - sent : room;
        fault_line_push(line, sample + sent, part, now_us);
        sent += part;
        struct text due;
        while ((due = fault_line_due(line, now_us)).size > 0) {
            if (out)
                memcpy(out + taken, due.data, due.size);
            taken += due.size;
            fault_line_take(line, due.size);
        }
        if (taken == size)
            return now_us - START_US + 1;
    }
    return 0;
}

static bool is_about(uint64_t got_us, uint64_t wanted_us)
{
    bool holds = got_us >= wanted_us && got_us <= wanted_us + wanted_us / 10 + 5000;
    if (!holds)
        printf("# got %llu us, wanted %llu\n", (unsigned long long)got_us,
               (unsigned long long)wanted_us);
    return holds;
}

static void test_good(void)
{
    struct fault_line line;
    char out[sizeof sample];
    fault_line_init(&line, 1, START_US);
    OK(fault_line_room(&line) == FAULT_LINE_BYTES, "a good line takes 64 KiB at once");
    OK(send_all(&line, sizeof sample, out) == 1 && memcmp(out, sample, sizeof sample) == 0,
       "a good line gives at once what it got");
    OK(!line.bytes && fault_line_next_us(&line) == UINT64_MAX, "an empty line holds no memory");
    fault_line_release(&line);
}

static void test_delay(void)
{
    struct fault_line line;
    bad_line(&line, &(struct scenario_fault){.kind = FAULT_DELAY, .delay_ms = 300});
    OK(is_about(send_all(&line, 5000, NULL), 300000), "delay: 300 ms later");
    fault_line_push(&line, sample, 10, START_US + SECOND_US);
    OK(fault_line_next_us(&line) == START_US + SECOND_US + 300000, "and the line says when");
    fault_line_release(&line);
    bad_line(&line,
             &(struct scenario_fault){.kind = FAULT_DELAY, .delay_ms = 100, .jitter_ms = 200});
    char out[30000];
    uint64_t took_us = send_all(&line, sizeof out, out);
    OK(took_us > 100000 && took_us <= 305000, "jitter: between 100 and 300 ms");
    OK(memcmp(out, sample, sizeof out) == 0, "nothing overtakes, whatever the jitter");
    fault_line_release(&line);
}

static void test_rate(void)
{
    struct fault_line line;
    bad_line(&line, &(struct scenario_fault){.kind = FAULT_RATE, .rate_kbit = 64});
    OK(fault_line_room(&line) <= 2 * FAULT_LINE_PACKET_BYTES,
       "a slow line holds little: its sender feels it");
    OK(is_about(send_all(&line, 40000, NULL), 5 * SECOND_US), "rate: 40 kB at 64 kbit/s take 5 s");
    fault_line_release(&line);
}

static void test_stall(void)
{
    struct fault_line line;
    char out[60 * FAULT_LINE_PACKET_BYTES];
    const struct scenario_fault fault = {.kind = FAULT_STALL, .delay_ms = 700, .stall_percent = 5};
    bad_line(&line, &fault);
    memset(sample, 'x', sizeof sample);
    uint64_t took_us = send_all(&line, 40 * FAULT_LINE_PACKET_BYTES, out);
    OK(took_us >= 700000 && took_us < 1000000, "stall: one late packet holds up those behind it");
    fault_line_release(&line);
    bad_line(&line, &fault);
    OK(send_all(&line, 40 * FAULT_LINE_PACKET_BYTES, out) == took_us,
       "the same seed gives the same line");
    fault_line_release(&line);
}

static void test_slice(void)
{
    struct fault_line line;
    bad_line(&line, &(struct scenario_fault){.kind = FAULT_SLICE, .bytes = 100, .delay_ms = 20});
    fault_line_push(&line, sample, 450, START_US);
    OK(fault_line_due(&line, START_US).size == 100, "slice: the first 100 bytes come at once");
    OK(fault_line_due(&line, START_US + 20000).size == 200, "the next 20 ms later");
    OK(fault_line_due(&line, START_US + 80000).size == 450, "the last 50 after 80 ms");
    fault_line_release(&line);
}

static void test_corrupt(void)
{
    struct fault_line line;
    char out[60000];
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof sample; i++)
        sample[i] = (char)(i * 31);
    bad_line(&line, &(struct scenario_fault){.kind = FAULT_CORRUPT, .bytes = 1000});
    (void)send_all(&line, sizeof out, out);
    for (size_t i = 0; i < sizeof out; i++)
        wrong += (size_t)__builtin_popcount((unsigned char)(out[i] ^ sample[i]));
    OK(wrong > 40 && wrong < 85, "corrupt: about one bit in 1,000 bytes is wrong");
    OK(line.spoilt == wrong, "and each is counted");
    fault_line_release(&line);
}

static void test_ends(void)
{
    struct fault_line line;
    bad_line(&line, &(struct scenario_fault){.kind = FAULT_TRUNCATE, .bytes = 1000});
    fault_line_push(&line, sample, 5000, START_US);
    OK(fault_line_due(&line, START_US).size == 1000, "truncate: a thousand bytes and no more");
    OK(fault_line_end(&line, START_US) == FAULT_LINE_OPEN, "the line stands until they are out");
    fault_line_take(&line, 1000);
    OK(fault_line_end(&line, START_US) == FAULT_LINE_TRUNCATED &&
           fault_line_due(&line, START_US).size == 0,
       "then it ends");
    fault_line_release(&line);
    bad_line(&line, &(struct scenario_fault){.kind = FAULT_RESET, .delay_ms = 50});
    OK(fault_line_next_us(&line) == START_US + 50000 &&
           fault_line_end(&line, START_US + 49999) == FAULT_LINE_OPEN &&
           fault_line_end(&line, START_US + 50000) == FAULT_LINE_RESET,
       "reset: after 50 ms");
    fault_line_release(&line);
}

static void test_hole(void)
{
    struct fault_line line;
    const struct fault_toxics good = {0};
    bad_line(&line, &(struct scenario_fault){.kind = FAULT_BLACK_HOLE});
    OK(fault_line_room(&line) == 0, "black hole: nothing is taken");
    fault_line_set(&line, &good, START_US);
    fault_line_push(&line, sample, 10, START_US);
    const struct fault_toxics hole = {.is_hole = true};
    fault_line_set(&line, &hole, START_US);
    OK(fault_line_due(&line, START_US + SECOND_US).size == 0 &&
           fault_line_next_us(&line) == UINT64_MAX,
       "nothing is given");
    fault_line_set(&line, &good, START_US + SECOND_US);
    OK(fault_line_due(&line, START_US + SECOND_US).size == 10, "what waited comes when it ends");
    fault_line_release(&line);
}

int main(void)
{
    test_good();
    test_delay();
    test_rate();
    test_stall();
    test_slice();
    test_corrupt();
    test_ends();
    test_hole();
    return tap_done();
}
