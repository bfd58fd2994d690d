// SPDX-License-Identifier: GPL-3.0-or-later
#include "drills/asked.h"

#include "base/mem.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 256 << 10, EDGE_MOST = 8 };

/* address - user [time] "METHOD /target VERSION" status … */
struct asked_line {
    struct text user, path;
};

static bool read_line(struct text line, struct asked_line *ret)
{
    struct text address, dash, user, before, method, target;
    if (!text_split(&line, ' ', &address) || !text_split(&line, ' ', &dash) ||
        !text_split(&line, ' ', &user) || !text_split(&line, '"', &before) ||
        !text_split(&line, ' ', &method) || !text_split(&line, ' ', &target))
        return false;
    size_t end = text_find_byte(target, '?');
    target.size = end == SIZE_MAX ? target.size : end;
    *ret = (struct asked_line){user, target};
    return true;
}

/* 1 to EDGE_MOST; 0: somebody else, or an edge that has not shown who it is. */
static unsigned edge_of(struct text user)
{
    static const struct text prefix = TEXT_INIT("edge:edge-");
    uint64_t number;
    bool is_edge = text_starts(user, prefix) &&
                   text_to_u64(text_from(user, prefix.size), &number) && number >= 1 &&
                   number <= EDGE_MOST;
    return is_edge ? (unsigned)number : 0;
}

/* The pulse, and what a fleet is asked about itself. */
static bool is_ours(const struct asked_line *line)
{
    return text_equal(line->user, TEXT("-")) &&
           (text_equal(line->path, TEXT("/livez")) || text_equal(line->path, TEXT("/status")) ||
            text_equal(line->path, TEXT("/metrics")));
}

static void count_line(struct asked *asked, struct text text)
{
    struct asked_line line;
    if (!read_line(text, &line) || is_ours(&line))
        return;
    if (text_equal(line.path, TEXT("/launch"))) {
        asked->timed++;
        return;
    }
    unsigned edge = edge_of(line.user);
    asked->requests++;
    asked->edges |= (uint8_t)(edge ? 1U << (edge - 1) : 0);
}

size_t asked_count(struct asked *asked, struct text log)
{
    size_t read = 0;
    for (size_t size; (size = text_find_byte(text_from(log, read), '\n')) != SIZE_MAX;) {
        count_line(asked, text_make(log.data + read, size));
        read += size + 1;
    }
    return read;
}

void asked_read(struct asked *asked, const char *path, uint64_t *offset)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *bytes = fd >= 0 ? mem_alloc(PIECE_BYTES) : NULL;
    size_t counted = bytes != NULL;
    while (counted > 0) {
        ssize_t got = pread(fd, bytes, PIECE_BYTES, (off_t)*offset);
        counted = got > 0 ? asked_count(asked, text_make(bytes, (size_t)got)) : 0;
        *offset += counted;
    }
    mem_free(bytes);
    if (fd >= 0)
        (void)close(fd);
}
