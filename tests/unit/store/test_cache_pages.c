// SPDX-License-Identifier: GPL-3.0-or-later
#include "store/cache_pages.h"
#include "tap.h"
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LIMIT = 4 << 20, RUNS_MAX = LIMIT / PAGES_LEAST };

static struct pages *pages;

static bool is_all(const char *bytes, size_t size, char byte)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != byte)
            return false;
    return true;
}

/* Of `size` bytes from `bytes` on, those that take memory. */
static size_t resident_bytes(char *bytes, size_t size)
{
    static unsigned char marks[PAGES_MOST / 4096];
    size_t page = pages_round(pages, 1), resident = 0;
    int failed = mincore(bytes, size, marks);
    for (size_t i = 0; i < size / page && !failed; i++)
        resident += (marks[i] & 1) * page;
    return failed ? SIZE_MAX : resident;
}

static void test_bytes(void)
{
    struct pages_run a, b;
    OK(pages_take(pages, PAGES_LEAST, &a) && pages_take(pages, 100001, &b), "runs are taken");
    OK(a.size == PAGES_LEAST && b.size == pages_round(pages, 100001) && b.size >= 100001,
       "each as large as its pages");
    OK(is_all(b.bytes, b.size, 0), "they begin as zeros");
    memset(a.bytes, 'a', a.size);
    memset(b.bytes, 'b', b.size);
    OK(is_all(a.bytes, a.size, 'a') && is_all(b.bytes, b.size, 'b'), "they share no byte");
    size_t before = b.size;
    OK(resident_bytes(b.bytes, before) == before, "and take the memory of their pages");
    pages_trim(pages, &b, 20000);
    OK(b.size == pages_round(pages, 20000) && resident_bytes(b.bytes, before) == b.size &&
           is_all(b.bytes, 20000, 'b'),
       "what is trimmed goes, and the rest stays");
    pages_give_back(pages, &a);
    pages_give_back(pages, &b);
    OK(resident_bytes(b.bytes, before) == 0, "what is given back takes no memory");
}

/* Sends a run, gives it back, takes and overwrites it while the socket has it. */
static void test_under_way(void)
{
    struct pages_run run, next;
    static char seen[PAGES_LEAST];
    int ends[2], pipe_ends[2];
    int failed = socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || pipe(pipe_ends);
    OK(!failed && pages_take(pages, PAGES_LEAST, &run), "a run is taken");
    memset(run.bytes, 'a', run.size);
    struct iovec lent = {run.bytes, run.size};
    OK(vmsplice(pipe_ends[1], &lent, 1, 0) == (ssize_t)run.size &&
           splice(pipe_ends[0], NULL, ends[0], NULL, run.size, 0) == (ssize_t)run.size,
       "a socket takes its pages");
    pages_give_back(pages, &run);
    OK(pages_take(pages, PAGES_LEAST, &next) && next.bytes == run.bytes,
       "it is given back, and taken by somebody else");
    memset(next.bytes, 'b', next.size);
    OK(recv(ends[1], seen, sizeof seen, MSG_WAITALL) == sizeof seen &&
           is_all(seen, sizeof seen, 'a'),
       "what is under way is as it was when it was sent");
    OK(is_all(next.bytes, next.size, 'b'), "and so is what came into its place");
    pages_give_back(pages, &next);
    close(ends[0]);
    close(ends[1]);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

/* Runs of `size` until `LIMIT` bytes are taken, which is what the store's own bound allows. */
static bool can_fill(size_t size)
{
    static struct pages_run runs[RUNS_MAX];
    size_t count = 0, taken = 0;
    bool is_taken = true;
    while (is_taken && taken + pages_round(pages, size) <= LIMIT) {
        is_taken = pages_take(pages, size, &runs[count]);
        count += is_taken;
        taken += pages_round(pages, size);
    }
    for (size_t i = 0; i < count; i++)
        pages_give_back(pages, &runs[i]);
    return is_taken;
}

static void test_room(void)
{
    static const size_t sizes[] = {PAGES_LEAST, PAGES_LEAST + 1,    100000,
                                   512 << 10,   PAGES_MOST / 2 + 1, PAGES_MOST};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        OK(can_fill(sizes[i]) && can_fill(sizes[i]),
           "there is room for runs of any size, again and again");
}

int main(void)
{
    pages = pages_new(LIMIT);
    OK(pages, "there are addresses enough");
    test_bytes();
    test_under_way();
    test_room();
    pages_free(&pages);
    return tap_done();
}
