// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include <fcntl.h>
#include <sys/types.h>

/*
 * file: whole-file operations on paths relative to an open folder.
 *
 * Every `dir_fd` is a folder's descriptor or AT_FDCWD.  Results are descriptors or 0, else -errno.
 * All descriptors are close-on-exec.  These block: call them at start-up or from a worker.
 *
 * Only files that the store itself wrote are mapped; people's files go by pread or sendfile,
 * because one truncated under a mapping is a SIGBUS.
 */

/* Opens a folder for use as `dir_fd`. */
int file_open_dir(int dir_fd, const char *path) MUST_USE;

/*
 * Opens `path` and refuses (-EXDEV) whatever leaves `root_fd`: "..", absolute paths, symbolic links
 * that lead out, magic links.  Links that stay inside are followed.  `flags` as of open(2); new
 * files are 0600.
 */
int file_open_beneath(int root_fd, const char *path, int flags) MUST_USE;

/* mkdir -p: `path` and the missing folders above it, with `mode`.  Existing ones are left as they
 * are. */
int file_make_dirs(int dir_fd, const char *path, mode_t mode) MUST_USE;

/* Appends the whole file to `out`; -EFBIG, and `out` as it was, when it does not fit beneath its
 * ceiling. */
int file_read(int dir_fd, const char *path, struct buffer *out) MUST_USE;
/* Exactly `size` bytes at `offset` in spite of signals and short reads; -ENODATA when the file ends
 * before. */
int file_read_at(int fd, void *out, size_t size, uint64_t offset) MUST_USE;
/* All bytes, in spite of signals and short writes. */
int file_write_all(int fd, const void *data, size_t size) MUST_USE;

/*
 * Replaces `path` by `bytes` so that a reader, or the disk after a crash, has the old whole file or
 * the new whole file: writes a neighbour, fsyncs it, renames it, fsyncs the folder.  On failure the
 * old one stays.
 */
int file_write_atomic(int dir_fd, const char *path, struct text bytes, mode_t mode) MUST_USE;

/* A read-only mapping of a file that the store owns.  An empty file gives an empty text. */
struct file_map {
    struct text bytes;
};
int file_map_open(struct file_map *map, int dir_fd, const char *path) MUST_USE;
void file_map_close(struct file_map *map); /* also after a failed open, and twice */

/*
 * Takes the lock file of a process ("lock" in the state folder), writes our pid into it and returns
 * its descriptor; closing it, or dying, releases.  -EWOULDBLOCK when another process holds it; then
 * *ret_holder (may be NULL) is its pid, or 0 if unknown.
 */
int file_lock(int dir_fd, const char *path, pid_t *ret_holder) MUST_USE;
