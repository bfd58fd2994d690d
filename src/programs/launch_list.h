// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/buffer.h"
#include "catalog/id.h"

/*
 * launch_list: the songs that shall lie at all edges before a moment, as the body of the signed
 * object /launch (docs/formats/launch.md).  Pure.
 */
#define LAUNCH_NAME "/launch"
#define LAUNCH_REPORT "/launch/report"
enum { LAUNCH_MAX_TRACKS = 10000, LAUNCH_MAX_BYTES = 1 << 20 };

struct launch_list {
    uint64_t number; /* of the object; 0: none */
    int64_t at_s;    /* the moment; Unix time */
    struct catalog_id *tracks;
    size_t count;
};

void launch_list_write(const struct launch_list *list, struct buffer *out);
/* False for anything else, and past LAUNCH_MAX_TRACKS. */
bool launch_list_read(struct text body, uint64_t number, struct launch_list *ret) MUST_USE;
void launch_list_release(struct launch_list *list); /* a zeroed one too; leaves it so */
