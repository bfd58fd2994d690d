// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/object_classes.h"
#include "http/date.h"
#include "io/loop.h"
#include "io/resident.h"

/*
 * open_files: descriptors of songs and pictures that were asked for a moment ago, and the bytes of
 * small ones, kept for the next request.  One loop owns it.
 *
 * A name here means bytes: (id, version).  A file is handed out only while it is the one that was
 * opened (size, times of change, still linked; looked at again after `recheck_us`), and is opened
 * anew after `fresh_us` all the same, so that a file that was moved is noticed.  What nobody asked
 * for in that time is closed; one that is lent meanwhile is closed when it comes back.
 *
 * Bytes are held when the file is small, there is room, and nobody wrote to it while they were read
 * or in the two seconds before (then its time of change need not tell of a second change): they are
 * one version whole, never a mixture.  They live as long as the descriptor.
 */
struct open_files;

enum { OPEN_FILES_TYPE_BYTES = 64, OPEN_FILES_TAG_BYTES = 64 };

struct open_files_limits {
    size_t max_files;
    size_t object_bytes, memory_bytes; /* largest that is held; all of them */
    uint64_t fresh_us, recheck_us;
};

struct open_file_key {
    uint8_t id[16];
    uint64_t version;
};

struct open_file {
    int fd;
    char *bytes;                        /* all of them, or NULL: read them from `fd` */
    uint64_t size_bytes, trailer_bytes; /* sent, from 0; and what the file holds behind that */
    int64_t mtime_ns, changed_ns;       /* its bytes', its inode's time of change */
    char content_type[OPEN_FILES_TYPE_BYTES];
    struct open_file_key key;
    struct text etag, modified; /* in its quotes, as a date: empty until the first answer */
    struct text digest;         /* Repr-Digest; empty: not known */
    char etag_text[OPEN_FILES_TAG_BYTES], digest_text[OBJECT_DIGEST_TEXT_BYTES];
    struct http_date_text modified_text;
    uint64_t opened_us, looked_us; /* looked at: last found to be unchanged */
    struct resident resident;      /* whether the disk has to be waited for */
    unsigned lent;
    bool is_kept; /* in its place; else closed when it comes back */
};

struct open_files *open_files_new(struct loop *loop,
                                  const struct open_files_limits *limits) MUST_USE;
/* On its loop.  What is lent still stays open until it comes back. */
void open_files_free(struct open_files **files);

/* Lends one that is open and still good; NULL when the caller must open it. */
struct open_file *open_files_lend(struct open_files *files, const struct open_file_key *key);
/* Takes over `fd` and lends it at once.  NULL, and closed, when it cannot be looked at, or is not
 * longer than the trailer that is not sent. */
struct open_file *open_files_keep(struct open_files *files, const struct open_file_key *key, int fd,
                                  struct text content_type, uint64_t trailer_bytes);
void open_file_back(void *open_file); /* an exchange_give_back */
/* Its validators, written once: `tag` without quotes, shorter than OPEN_FILES_TAG_BYTES - 2; with
 * the file's time of change or without. */
void open_file_tag(struct open_file *file, struct text tag, bool has_time);
void open_file_digest(struct open_file *file, const uint8_t sha256[OBJECT_DIGEST_BYTES]);
/* Answers with one that was lent and has a tag, which comes back by itself: FINISHES. */
struct exchange;
void open_file_send(struct exchange *exchange, struct open_file *lent);
