// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "catalog/list.h"

/*
 * intake: one object of a segment on its way from another node into a depot's folder.
 *
 *     intake_begin(folder, &entry, SEGMENT_CORE, &intake);
 *     intake_write(intake, piece);       // as it comes; more than the list says is refused at once
 *     intake_end(&intake);               // size and SHA-256 are the list's: durable under its name
 *
 * Nothing is under its name before it is whole, right and synced, so a crash leaves at most a
 * `.new`, which the depot's next change sweeps.  What is complete stays until a list that names it
 * is adopted (depot_adopt()), or until another one is.  BLOCKS on the disk; one thread.
 */
struct intake;

/* 0 or -errno.  What lies under this number is replaced in the end: never one that the current list
 * names with another digest (numbers are unique: that is another history). */
int intake_begin(int folder, const struct list_entry *entry, enum segment_object object,
                 struct intake **ret) MUST_USE;
/* 0; -EFBIG: more than was announced; or -errno.  After a failure only intake_end() is of use. */
int intake_write(struct intake *intake, struct text piece) MUST_USE;
/* 0; -EBADMSG: not the bytes that the list names; or -errno.  Frees. */
int intake_end(struct intake **intake) MUST_USE;
void intake_abort(struct intake **intake); /* accepts NULL inside */

/* Whether the object is in the folder already, whole and right: reads all of it. */
bool intake_has(int folder, const struct list_entry *entry, enum segment_object object) MUST_USE;
