// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "state/database.h"

/*
 * export: everything that a database holds, in one file that any engine can take in.  Its format is
 * docs/formats/state-export.md; tests/formats/read_export.py was written from that page.
 *
 * Keys are not in it: what is sealed within can be opened with the folder keys/ of the origin
 * alone.
 */

/* Writes a new file, mode 0600, that is on the disk when this returns.  0, or -errno with words. */
int state_export(struct database *from, const char *path, int64_t now_ms,
                 struct state_error *ret_error) MUST_USE;

/* The writer into memory: `rows` gives its rows to the sink, in the order that database.h asks for.
 */
typedef void export_rows(const struct database_sink *sink, void *context);
void export_write(struct buffer *out, int64_t now_ms, uint64_t epoch, export_rows *rows,
                  void *context);

/* Verifies the file whole, then writes all of it into `to`, which should be empty. */
int state_import(const char *path, struct database *to, uint64_t *ret_epoch,
                 struct state_error *ret_error) MUST_USE;

/* Whether a database has no rows. */
int state_is_empty(struct database *database, bool *ret_is_empty,
                   struct state_error *ret_error) MUST_USE;

/*
 * The reader, over the bytes of a file.  NULL when every row was given to the sink and the file is
 * whole; else what is wrong with it, as words that follow its name, or "" when the sink said no.
 * Rows are given as they come: who must not see any of a bad file reads it into nothing first.
 */
struct export_end {
    uint64_t rows, epoch;
    int64_t made_ms; /* when it was written, by the writer's clock */
};
const char *export_read(struct text bytes, const struct database_sink *sink,
                        struct export_end *ret);
