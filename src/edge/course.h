// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/text.h"
#include "media/rendition.h"

/*
 * course: what is brought of one song that is placed (edge/place.h), in which order.  Pure.
 *
 *   manifest ─▶ of each rendition that is wanted and there:  init ─▶ segment 0, 1, 2 … ─┐
 *                  ▲                                          └──────────────────────────┴─▶ next
 *                  └─ once more, behind the last, when one was still being encoded ◀────────┘
 *
 * A segment that is not there ends the rendition when that is what an encode comes to (404 behind
 * its last one); else it ends the course.
 */
enum { COURSE_TARGET_BYTES = 160, COURSE_TRACK_BYTES = 28, COURSE_ALL = INT32_MAX };

struct course {
    char track[COURSE_TRACK_BYTES];
    uint32_t wanted;   /* bits of renditions */
    uint32_t segments; /* of each, at most */
    enum course_step { COURSE_MANIFEST, COURSE_INIT, COURSE_SEGMENT, COURSE_LAST } step;
    struct course_part {
        uint64_t generation, bytes; /* of all that is wanted of it; an estimate until complete */
        uint32_t count;
        bool is_there, is_complete;
    } parts[RENDITION_COUNT];
    enum rendition at;        /* COUNT: behind the last */
    uint32_t number;          /* the next segment */
    bool was_encoding;        /* some rendition */
    uint64_t bytes, of_bytes; /* here by now; of all that will be: 0 until the manifest came */
};

void course_begin(struct course *course, const char *track, uint32_t renditions, uint32_t segments);
/* What comes next. */
bool course_target(const struct course *course, char target[COURSE_TARGET_BYTES]) MUST_USE;

enum course_turn { COURSE_GOES_ON, COURSE_DONE, COURSE_FAILED };
/* `body`: of a manifest that was verified; data NULL: none came. */
enum course_turn course_take_manifest(struct course *course, struct text body) MUST_USE;
/* What became of anything else: 200 and its size, another status, or 0: no answer. */
enum course_turn course_take(struct course *course, unsigned status, uint64_t bytes) MUST_USE;
