// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/course.h"

#include "media/manifest_read.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void course_begin(struct course *course, const char *track, uint32_t renditions, uint32_t segments)
{
    *course = (struct course){.wanted = renditions, .segments = segments};
    (void)snprintf(course->track, sizeof course->track, "%s", track);
}

bool course_target(const struct course *course, char target[COURSE_TARGET_BYTES])
{
    const struct course_part *part = &course->parts[course->at];
    const char *word = rendition_word(course->at);
    const unsigned long long generation = part->generation;
    int size = 0;
    switch (course->step) {
    case COURSE_MANIFEST:
    case COURSE_LAST:
        size = snprintf(target, COURSE_TARGET_BYTES, "/m/%s/manifest", course->track);
        break;
    case COURSE_INIT:
        size = snprintf(target, COURSE_TARGET_BYTES, "/m/%s/%s.%016llx/init.mp4", course->track,
                        word, generation);
        break;
    case COURSE_SEGMENT:
        size = snprintf(target, COURSE_TARGET_BYTES, "/m/%s/%s.%016llx/%u.m4s", course->track, word,
                        generation, course->number);
        break;
    }
    return size > 0 && size < COURSE_TARGET_BYTES;
}

/* --- the manifest --- */

static uint64_t bytes_of(const struct course_part *part, const struct manifest_rendition *own,
                         const struct manifest_body *body)
{
    uint64_t bytes = own->init.bytes;
    for (uint32_t i = 0; part->is_complete && i < part->count; i++)
        bytes += own->segments[i].segment.bytes;
    if (part->is_complete || !body->source_rate || !own->rate)
        return bytes;
    double all_s = (double)body->source_length / body->source_rate;
    double each_s = (double)own->segment_duration / own->rate;
    double wanted_s = part->count * each_s < all_s ? part->count * each_s : all_s;
    return bytes + (uint64_t)(wanted_s * (double)own->average_bandwidth / 8);
}

static void take_rendition(struct course *course, const struct manifest_body *body,
                           enum rendition rendition)
{
    const struct manifest_rendition *own = &body->renditions[rendition];
    struct course_part *part = &course->parts[rendition];
    *part = (struct course_part){.is_there = own->is_there && (course->wanted >> rendition & 1),
                                 .generation = own->generation,
                                 .is_complete = own->state == MANIFEST_COMPLETE,
                                 .count = course->segments};
    if (!part->is_there)
        return;
    if (part->is_complete && part->count > own->count)
        part->count = own->count;
    course->was_encoding |= !part->is_complete;
    part->bytes = bytes_of(part, own, body);
    course->of_bytes += part->bytes;
}

/* The next rendition from `from` on; behind the last one the end, or a look at what it came to. */
static enum course_turn go_to(struct course *course, unsigned from)
{
    unsigned at = from;
    while (at < RENDITION_COUNT && !course->parts[at].is_there)
        at++;
    course->number = 0;
    course->at = at < RENDITION_COUNT ? (enum rendition)at : (enum rendition)0;
    course->step = at < RENDITION_COUNT ? COURSE_INIT : COURSE_LAST;
    if (at < RENDITION_COUNT || course->was_encoding)
        return COURSE_GOES_ON;
    return COURSE_DONE;
}

enum course_turn course_take_manifest(struct course *course, struct text body)
{
    struct manifest_body manifest;
    char why[MANIFEST_WHY_BYTES];
    bool is_there = false;
    if (!body.data)
        return COURSE_FAILED;
    if (course->step == COURSE_LAST)
        return COURSE_DONE;
    if (!manifest_read(body, &manifest, why))
        return COURSE_FAILED;
    for (unsigned i = 0; i < RENDITION_COUNT; i++) {
        take_rendition(course, &manifest, (enum rendition)i);
        is_there |= course->parts[i].is_there;
    }
    manifest_body_release(&manifest);
    return is_there ? go_to(course, 0) : COURSE_FAILED;
}

/* --- its objects --- */

static enum course_turn end_rendition(struct course *course)
{
    course->parts[course->at].count = course->number;
    return go_to(course, (unsigned)course->at + 1);
}

enum course_turn course_take(struct course *course, unsigned status, uint64_t bytes)
{
    struct course_part *part = &course->parts[course->at];
    bool is_segment = course->step == COURSE_SEGMENT;
    assert(is_segment || course->step == COURSE_INIT);
    if (status != 200) {
        bool is_its_end = is_segment && status == 404 && !part->is_complete && course->number > 0;
        return is_its_end ? end_rendition(course) : COURSE_FAILED;
    }
    course->bytes += bytes;
    if (course->of_bytes < course->bytes)
        course->of_bytes = course->bytes;
    course->number += is_segment;
    course->step = COURSE_SEGMENT;
    return course->number < part->count ? COURSE_GOES_ON : end_rendition(course);
}
