// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "media/pool.h"
#include "media/worker/container.h"

/*
 * probe: one sound file to one media_info: its container (ids, cover), then its tags.
 *
 * At most PROBE_READ_BYTES are read of any file, however large its pictures are or claim to be. The
 * audio id is made first, so it never depends on what the tags cost.  Holds the working memory
 * between files.
 */
enum { PROBE_READ_BYTES = 256 * 1024 };

struct probe;
struct probe *probe_new(void) MUST_USE;
void probe_free(struct probe **probe);

/* `read` must be exact below `size`.  On MEDIA_OK the encoded info is appended to `out`. */
enum media_outcome probe_read(struct probe *probe, media_read *read, void *context, uint64_t size,
                              struct buffer *out) MUST_USE;
/* The embedded picture whole.  MEDIA_NO_PICTURE when there is none. */
enum media_outcome probe_cover(struct probe *probe, media_read *read, void *context, uint64_t size,
                               struct buffer *out) MUST_USE;
