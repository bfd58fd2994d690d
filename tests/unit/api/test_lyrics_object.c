// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/lyrics_object.h"
#include "tap.h"

#include <string.h>

static bool reads(const char *body)
{
    struct arena *arena = arena_new(1 << 16);
    const struct library_lyrics *lyrics;
    size_t count;
    bool is_read = lyrics_object_read(text_of(body), arena, &lyrics, &count);
    arena_free(&arena);
    return is_read;
}

static void what_is_written_is_read(void)
{
    const struct library_lyric_line timed[] = {{0, TEXT("one")}, {12400, TEXT("two \"2\"\n")}},
                                    plain[] = {{-1, TEXT("")}};
    const struct library_lyrics all[] = {{true, "eng", timed, 2}, {false, "xxx", plain, 1}},
                                *got = NULL;
    struct arena *arena = arena_new(1 << 16);
    struct buffer out;
    size_t count = 0;
    buffer_init(&out, 1 << 16);
    lyrics_object_write(TEXT("tr-x"), all, 2, &out);
    OK(lyrics_object_read(buffer_view(&out), arena, &got, &count) && count == 2,
       "both texts come back");
    OK(got[0].is_synced && got[0].line_count == 2 && got[0].lines[1].start_ms == 12400 &&
           text_equal(got[0].lines[1].text, TEXT("two \"2\"\n")),
       "with their times and words");
    OK(!got[1].is_synced && got[1].lines[0].start_ms == -1 && !strcmp(got[1].language, "xxx"),
       "and one without times has none");
    buffer_release(&out);
    arena_free(&arena);
}

static void what_is_no_such_body_is_refused(void)
{
    OK(reads("{\"format\":\"lyrics 1.7\",\"lyrics\":[],\"more\":1}"),
       "none, in a later minor version");
    OK(!reads("{\"format\":\"lyrics 2.0\",\"lyrics\":[]}"), "not another major version");
    OK(!reads("{\"lyrics\":[]}") && !reads("[]") && !reads(""), "not something else");
    OK(!reads("{\"format\":\"lyrics 1.0\",\"lyrics\":[{\"language\":\"english\",\"isSynced\":false,"
              "\"lines\":[]}]}"),
       "not a language that is no code");
    OK(!reads("{\"format\":\"lyrics 1.0\",\"lyrics\":[{\"language\":\"eng\",\"isSynced\":true,"
              "\"lines\":[{\"text\":\"a\"}]}]}"),
       "not a line without its time among timed ones");
}

int main(void)
{
    what_is_written_is_read();
    what_is_no_such_body_is_refused();
    return tap_done();
}
