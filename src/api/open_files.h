// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "io/loop.h"

/*
 * open_files: descriptors of songs and pictures that were asked for a moment ago, kept open for the
 * next request.  One loop owns it.
 *
 * A name here means bytes: (id, version).  A descriptor is handed out only while the file behind it
 * is the one that was opened (size, time of change, still linked; looked at when that is ten
 * milliseconds ago), and is opened anew after
 * `fresh_us` all the same, so that a file that was moved is noticed.  What nobody asked for in that
 * time is closed; one that is lent meanwhile is closed when it comes back.
 */
struct open_files;

enum { OPEN_FILES_TYPE_BYTES = 64, OPEN_FILES_LOOKED_US = 10000 };

struct open_file_key {
    uint8_t id[16];
    uint64_t version;
};

struct open_file {
    int fd;
    uint64_t size_bytes;
    int64_t mtime_ns;
    char content_type[OPEN_FILES_TYPE_BYTES];
    struct open_file_key key;
    uint64_t opened_us, looked_us; /* looked at: last found to be unchanged */
    unsigned lent;
    bool is_kept; /* in its place; else closed when it comes back */
};

struct open_files *open_files_new(struct loop *loop, size_t max_files, uint64_t fresh_us) MUST_USE;
/* On its loop.  What is lent still stays open until it comes back. */
void open_files_free(struct open_files **files);

/* Lends one that is open and still good; NULL when the caller must open it. */
struct open_file *open_files_lend(struct open_files *files, const struct open_file_key *key);
/* Takes over `fd` and lends it at once.  NULL, and closed, when it cannot be looked at. */
struct open_file *open_files_keep(struct open_files *files, const struct open_file_key *key, int fd,
                                  struct text content_type);
void open_file_back(void *open_file); /* an exchange_give_back */
