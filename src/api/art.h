// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "catalog/id.h"
#include "io/exchange.h"
#include "library/library.h"

/*
 * art: a picture in one size of the ladder, from the cache at once, else made on a worker.
 */
struct api;

enum { ART_LARGEST_PX = 1200 };

/*
 * What became of it; on ART_SENT the exchange is finished.  Otherwise nothing was done to it and
 * the caller answers.
 */
enum art_outcome {
    ART_SENT,
    ART_NONE, /* there is no such picture, or it cannot be read */
    ART_BUSY, /* too many are being made: try again in a second */
};
typedef void art_done(void *context, enum art_outcome outcome);

/* Calls `done` exactly once, on the loop, possibly from inside.  `cache_control` is a literal. */
struct art_request {
    struct api *api;
    struct exchange *exchange;
    struct catalog_id picture;
    uint32_t size_px; /* 0: the largest */
    enum library_art_format format;
    const char *cache_control;
};
/* One that is made already, among this loop's open files from then on; NULL when it must be made,
 * or cannot be. */
struct open_file;
struct open_files;
struct open_file *art_lend(const struct art_request *request, struct open_files *files);
void art_send_lent(const struct art_request *request, struct open_file *lent); /* FINISHES */
void art_send(const struct art_request *request, art_done *done, void *context);
