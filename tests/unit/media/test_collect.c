// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/collect.h"
#include "tap.h"

#include <stdarg.h>

static struct collect_names *names;
static struct arena *arena;

/*
 * What these fields become, as "kind=value|…".  Fields are "NAME=value" in a NULL-terminated list;
 * "-" begins the next layer.
 */
static struct text collected(const char *first, ...)
{
    struct collect collect;
    struct media_info info = {0};
    struct buffer out;
    va_list fields;
    arena_reset(arena);
    collect_begin(&collect, names, arena);
    va_start(fields, first);
    for (const char *field = first; field; field = va_arg(fields, const char *)) {
        struct text t = text_of(field);
        size_t equals = text_find_byte(t, '=');
        if (equals == SIZE_MAX)
            collect_next_layer(&collect);
        else
            collect_add(&collect, text_make(t.data, equals), text_from(t, equals + 1));
    }
    va_end(fields);
    collect_finish(&collect, &info);
    buffer_init(&out, 65536);
    for (size_t i = 0; i < info.tag_count; i++) {
        buffer_printf(&out, "%s%s=%.*s", i ? "|" : "", media_tag_word(info.tags[i].kind),
                      TEXT_ARGS(info.tags[i].value));
        if (info.tags[i].detail.size)
            buffer_printf(&out, "(%.*s)", TEXT_ARGS(info.tags[i].detail));
    }
    struct text result = arena_text(arena, buffer_view(&out));
    buffer_release(&out);
    collect_end(&collect);
    return result;
}

#define IS(expected, claim, ...) OK_TEXT(collected(__VA_ARGS__, NULL), TEXT(expected), claim)

static void test_names(void)
{
    IS("title=A|album=B", "names count in any case, order is by kind", "Album=B", "tItLe=A");
    IS("", "unknown names and empty values say nothing", "NONSENSE=x", "TITLE=", "ALBUM=  ");
    IS("artist=One|artist=Two", "several values keep their order", "ARTIST=One", "ARTIST=Two",
       "ARTIST=One");
    IS("artist=One|artist=Two|artist-display=One feat. Two", "ARTISTS parts, ARTIST is as printed",
       "ARTIST=One feat. Two", "ARTISTS=One", "ARTISTS=Two");
    IS("artist=One", "a display that says the same is dropped", "ARTIST=One", "ARTISTS=One");
    IS("album-artist=A", "the better spelling wins", "ALBUM ARTIST=B", "ALBUMARTIST=A");
    IS("title=best", "a lesser layer cannot add to a kind", "TITLE=best", "-", "TITLE=cut");
    IS("title=best|replaygain-track-gain=1.5", "but fills what was absent", "TITLE=best", "-",
       "REPLAYGAIN_TRACK_GAIN=+1.50 dB");
    IS("performer=Ann(lead guitar)|performer=Bob(drums)|performer=Cy",
       "performers in three spellings", "PERFORMER:LEAD GUITAR=Ann", "PERFORMER=Bob (Drums)",
       "PERFORMER=Cy");
    IS("comment=real", "programs' notes are no comments", "COMMENT:ITUNNORM=000", "COMMENT=real");
}

static void test_rules(void)
{
    IS("track=3|track-total=12", "3/12", "TRACKNUMBER=03/12");
    IS("track=7", "of nonsense the digits", "TRACKNUMBER=A07/x");
    IS("", "zero is no track", "TRACKNUMBER=0", "DISCNUMBER=0/0");
    IS("genre=Rock|genre=Pop|genre=Folk, World|genre=R&B/Soul",
       "genres part at ; and spaced slash only", "GENRE=Rock; Pop", "GENRE=Folk, World / R&B/Soul");
    IS("artist=AC/DC|artist=A; B", "artists are never parted", "ARTIST=AC/DC", "ARTIST=A; B");
    IS("musicbrainz-album=f4a31f0a-51dd-4fa7-986d-3095c40c5ed9", "an id in lower case",
       "MUSICBRAINZ_ALBUMID=F4A31F0A-51DD-4FA7-986D-3095C40C5ED9");
    IS("", "what is no id is dropped", "MUSICBRAINZ_ALBUMID=f4a31f0a-51dd-4fa7-986d",
       "MUSICBRAINZ_TRACKID=unknown");
    IS("replaygain-track-gain=-6.2", "a gain is a number", "REPLAYGAIN_TRACK_GAIN=-6.20 dB");
    IS("", "or nothing", "REPLAYGAIN_TRACK_GAIN=loud", "REPLAYGAIN_TRACK_PEAK=-3", "BPM=fast");
    IS("replaygain-track-gain=6", "R128 is converted", "R128_TRACK_GAIN=256");
    IS("replaygain-track-gain=-1", "ReplayGain itself wins over R128", "R128_TRACK_GAIN=256",
       "REPLAYGAIN_TRACK_GAIN=-1");
    IS("compilation=1", "a flag that is set", "COMPILATION=1");
    IS("", "one that is not", "COMPILATION=0", "ITUNESADVISORY=0");
    IS("explicit=explicit", "explicit words", "ITUNESADVISORY=1");
}

static void test_limits(void)
{
    struct collect collect;
    struct media_info info = {0};
    char value[3000];
    memset(value, 'x', sizeof value);
    collect_begin(&collect, names, arena);
    collect_add(&collect, TEXT("TITLE"), text_make(value, sizeof value));
    for (int i = 0; i < 5000; i++) {
        int size = snprintf(value, sizeof value, "artist %d", i);
        collect_add(&collect, TEXT("ARTIST"), text_make(value, (size_t)size));
    }
    collect_finish(&collect, &info);
    OK(media_info_tag(&info, MEDIA_TAG_TITLE, 0).size == COLLECT_VALUE_BYTES,
       "a value is cut at its limit");
    OK(info.tag_count <= COLLECT_MAX_TAGS && info.is_partial,
       "five thousand artists end at the limit, and it is said");
    collect_end(&collect);
}

int main(void)
{
    names = collect_names_new();
    arena = arena_new(1 << 20);
    test_names();
    test_rules();
    test_limits();
    arena_free(&arena);
    collect_names_free(&names);
    return tap_done();
}
