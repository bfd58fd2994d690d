// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/course.h"
#include "edge/hours.h"
#include "tap.h"

#include <string.h>

/* --- hours --- */

static bool has(const char *words, unsigned hour, unsigned minute)
{
    struct hours hours;
    return hours_parse(text_of(words), &hours) && hours_have(&hours, hour * 60 + minute);
}

static void parts_of_a_day(void)
{
    static const char *const bad[] = {"",
                                      "02:00",
                                      "2:00-6:00",
                                      "02:00-24:00",
                                      "02:60-06:00",
                                      "02:00-02:00",
                                      "02:00-06:00 ",
                                      "0a:00-06:00",
                                      "02.00-06.00",
                                      "+2:00-06:00"};
    struct hours hours = {0};
    size_t refused = 0;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        refused += !hours_parse(text_of(bad[i]), &hours);
    OK(refused == ARRAY_SIZE(bad), "what is no part of a day is refused");
    OK(has("02:00-06:00", 2, 0) && has("02:00-06:00", 5, 59) && !has("02:00-06:00", 6, 0) &&
           !has("02:00-06:00", 1, 59),
       "a part begins with its first minute and ends before its last");
    OK(has("22:30-06:00", 23, 0) && has("22:30-06:00", 0, 0) && !has("22:30-06:00", 22, 29) &&
           !has("22:30-06:00", 6, 0),
       "it may go over midnight");
    OK(hours_have(&(struct hours){0}, 0) && hours_have(&(struct hours){0}, 1439),
       "no part is the whole day");
}

/* --- courses --- */

#define WORD(c) "\"" c c c c c c c c c c c c c c "E\""
#define OBJECT(bytes) "{\"bytes\":" bytes ",\"sha256\":" WORD("AQE") "}"
#define AAC(name, state, length, end, first)                                                   \
    "{\"name\":\"" name "\",\"generation\":\"9f2c11d07ae35b60\",\"state\":\"" state            \
    "\",\"mime\":\"audio/mp4\",\"codec\":\"mp4a.40.2\",\"rate\":44100,\"channels\":2,"         \
    "\"bandwidth\":141000,\"averageBandwidth\":128000,\"length\":" length                      \
    ",\"trim\":{\"start\":3072,\"end\":" end                                                   \
    "},\"preroll\":1024,\"firstDuration\":179200,\"segmentDuration\":176128,\"init\":" OBJECT( \
        "701") ",\"segments\":[{\"at\":0,\"duration\":" first                                  \
               ",\"bytes\":6921,\"sha256\":" WORD("AQE") ",\"lead\":null}]}"
#define BODY(provisional, renditions)                                                     \
    "{\"format\":\"manifest "                                                             \
    "1.0\",\"track\":\"tr-4f0hYbLkQ1u6m1pH8t2k3A\",\"isProvisional\":" provisional        \
    ",\"source\":{\"rate\":44100,\"channels\":2,\"bitDepth\":16,\"length\":44100,"        \
    "\"isExact\":true},\"loudness\":{\"gainDb\":null,\"peak\":null,\"albumGainDb\":null," \
    "\"albumPeak\":null,\"origin\":\"unknown\"},\"renditions\":[" renditions "]}"

#define TRACK "tr-4f0hYbLkQ1u6m1pH8t2k3A"
static const char complete[] =
    BODY("false", AAC("aac-64", "complete", "44100", "908",
                      "48080") "," AAC("aac-128", "complete", "44100", "908", "48080"));
static const char encoding[] = BODY("true", AAC("aac-128", "encoding", "null", "null", "179200"));

enum { AAC_BOTH = 1 << RENDITION_AAC_64 | 1 << RENDITION_AAC_128, FLAC = 1 << RENDITION_FLAC };

static bool asks(const struct course *course, const char *name)
{
    char target[COURSE_TARGET_BYTES];
    return course_target(course, target) && strcmp(target, name) == 0;
}
#define M "/m/" TRACK "/"
#define G ".9f2c11d07ae35b60/"

static void of_several_renditions(void)
{
    struct course course;
    course_begin(&course, TRACK, AAC_BOTH | FLAC, COURSE_ALL);
    OK(asks(&course, M "manifest") &&
           course_take_manifest(&course, text_of(complete)) == COURSE_GOES_ON,
       "a song begins with its manifest");
    OK(course.of_bytes == 2 * (701 + 6921), "it says how much there is of all that are wanted");
    OK(asks(&course, M "aac-64" G "init.mp4") && course_take(&course, 200, 701) == COURSE_GOES_ON &&
           asks(&course, M "aac-64" G "0.m4s") && course_take(&course, 200, 6921) == COURSE_GOES_ON,
       "one rendition is brought");
    OK(asks(&course, M "aac-128" G "init.mp4") &&
           course_take(&course, 200, 701) == COURSE_GOES_ON &&
           course_take(&course, 200, 6921) == COURSE_DONE && course.bytes == course.of_bytes,
       "then the next that is there, and that is all");
    course_begin(&course, TRACK, FLAC, COURSE_ALL);
    OK(course_take_manifest(&course, text_of(complete)) == COURSE_FAILED,
       "a song that is in none of them cannot be placed");
    course_begin(&course, TRACK, AAC_BOTH, COURSE_ALL);
    OK(course_take_manifest(&course, TEXT_NONE) == COURSE_FAILED, "nor one without a manifest");
    (void)!course_take_manifest(&course, text_of(complete));
    (void)!course_take(&course, 200, 701);
    OK(course_take(&course, 404, 0) == COURSE_FAILED, "a segment that is listed must be there");
}

static void of_an_encode(void)
{
    struct course course;
    course_begin(&course, TRACK, AAC_BOTH, COURSE_ALL);
    OK(course_take_manifest(&course, text_of(encoding)) == COURSE_GOES_ON &&
           course.of_bytes == 701 + 16000,
       "while it is encoded its size is estimated");
    (void)!course_take(&course, 200, 701);
    (void)!course_take(&course, 200, 6921);
    OK(asks(&course, M "aac-128" G "1.m4s") && course_take(&course, 404, 0) == COURSE_GOES_ON &&
           asks(&course, M "manifest"),
       "it ends with what is not there, and then its manifest says what it came to");
    OK(course_take_manifest(&course, text_of(complete)) == COURSE_DONE, "which is brought too");
    course_begin(&course, TRACK, AAC_BOTH, COURSE_ALL);
    (void)!course_take_manifest(&course, text_of(encoding));
    (void)!course_take(&course, 200, 701);
    OK(course_take(&course, 404, 0) == COURSE_FAILED, "an encode without a beginning is none");
    course_begin(&course, TRACK, AAC_BOTH, 0);
    OK(course_take_manifest(&course, text_of(complete)) == COURSE_GOES_ON &&
           course_take(&course, 200, 701) == COURSE_GOES_ON &&
           asks(&course, M "aac-128" G "init.mp4"),
       "of a beginning no more is brought than is wanted");
}

int main(void)
{
    parts_of_a_day();
    of_several_renditions();
    of_an_encode();
    return tap_done();
}
