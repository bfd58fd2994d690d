// SPDX-License-Identifier: GPL-3.0-or-later
/* What a drill's player reads of a manifest. */
#include "drills/segments.h"
#include "tap.h"

#include <string.h>

#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define OBJECT "{\"bytes\":7,\"sha256\":\"" ZEROS "\"}"
#define MANIFEST(state, init, list)                                                         \
    "signed by somebody\n\n{\"renditions\":[{\"name\":\"opus-128\"},{\"name\":\"aac-128\"," \
    "\"generation\":\"0123456789abcdef\",\"state\":\"" state "\",\"init\":" init            \
    ",\"segments\":[" list "]}]}"

static void complete(void)
{
    uint8_t sha256[32] = {0};
    char name[SEGMENT_NAME_BYTES];
    struct segments segments = {0};
    enum segments_state state =
        segments_read(TEXT(MANIFEST("complete", OBJECT, OBJECT "," OBJECT)), &segments);
    OK(state == SEGMENTS_COMPLETE && segments.count == 3 && segments.bytes == 21,
       "a complete manifest lists its init and each segment");
    segments_name(&segments, 0, name);
    OK(strcmp(name, "/aac-128.0123456789abcdef/init.mp4") == 0, "the first is init.mp4");
    segments_name(&segments, 2, name);
    OK(strcmp(name, "/aac-128.0123456789abcdef/1.m4s") == 0, "then they count from 0");
    OK(segments_is(&segments, 2, sha256), "bytes of the digest are right");
    sha256[31] = 1;
    OK(!segments_is(&segments, 2, sha256), "of another digest they are wrong");
    OK(!segments_is(&segments, 3, (const uint8_t[32]){0}), "and behind the end nothing is right");
    OK(segments_read(TEXT("{}"), &segments) == SEGMENTS_UNREADABLE && segments.count == 3,
       "what cannot be read changes nothing");
    segments_release(&segments);
    OK(segments.count == 0 && !segments.each, "and is released");
}

static void unfinished(void)
{
    struct segments segments = {0};
    OK(segments_read(TEXT(MANIFEST("planned", "null", "")), &segments) == SEGMENTS_PLANNED &&
           strcmp(segments.generation, "0123456789abcdef") == 0,
       "a planned one has a generation to ask for");
    OK(segments_read(TEXT(MANIFEST("encoding", OBJECT, OBJECT)), &segments) == SEGMENTS_ENCODING,
       "one that is being encoded is told from a complete one");
    segments_release(&segments);
}

static void refusals(void)
{
    static const struct {
        struct text manifest;
        const char *what;
    } bad[] = {
        {TEXT_INIT(""), "nothing"},
        {TEXT_INIT("signed\n\n"), "a signature of nothing"},
        {TEXT_INIT("signed\n\n[1]"), "no object"},
        {TEXT_INIT(MANIFEST("complete", OBJECT, "")), "no segment"},
        {TEXT_INIT(MANIFEST("complete", "null", OBJECT)), "no init"},
        {TEXT_INIT(MANIFEST("complete", OBJECT, "{\"bytes\":0,\"sha256\":\"" ZEROS "\"}")),
         "a segment of no bytes"},
        {TEXT_INIT(MANIFEST("complete", OBJECT, "{\"bytes\":7,\"sha256\":\"AA\"}")),
         "a digest that is none"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct segments segments = {0};
        OK(segments_read(bad[i].manifest, &segments) == SEGMENTS_UNREADABLE && !segments.each,
           bad[i].what);
    }
}

int main(void)
{
    complete();
    unfinished();
    refusals();
    return tap_done();
}
