// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/forwarded_mark.h"

#include "base/buffer.h"
#include "io/file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

enum { MARK_BYTES = 128 };

void forwarded_mark_read(const char *folder, struct uid *ret_journal, uint64_t *ret_lsn)
{
    char path[PATH_MAX];
    struct buffer bytes;
    struct text rest, journal, line;
    struct uid id;
    uint64_t lsn;
    *ret_journal = (struct uid){{0}};
    *ret_lsn = 0;
    buffer_init(&bytes, MARK_BYTES);
    (void)snprintf(path, sizeof path, "%s/forwarded", folder);
    bool is_there = file_read(AT_FDCWD, path, &bytes) == 0;
    rest = buffer_view(&bytes);
    if (is_there && text_split(&rest, '\n', &line) && text_split(&line, ' ', &journal) &&
        uid_from_text(journal, &id) && text_to_u64(line, &lsn)) {
        *ret_journal = id;
        *ret_lsn = lsn;
    }
    buffer_release(&bytes);
}

bool forwarded_mark_write(const char *folder, struct uid journal, uint64_t lsn)
{
    char path[PATH_MAX], line[MARK_BYTES];
    struct uid_text id;
    (void)snprintf(path, sizeof path, "%s/forwarded", folder);
    int size = snprintf(line, sizeof line, "%.*s %llu\n", TEXT_ARGS(uid_text(&id, journal)),
                        (unsigned long long)lsn);
    return file_write_atomic(AT_FDCWD, path, text_make(line, (size_t)size), 0600) == 0;
}
