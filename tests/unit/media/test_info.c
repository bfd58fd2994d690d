// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/info.h"
#include "tap.h"

static const struct media_tag tags[] = {
    {MEDIA_TAG_TITLE, TEXT_INIT("Für Elise"), {NULL, 0}},
    {MEDIA_TAG_ARTIST, TEXT_INIT("One"), {NULL, 0}},
    {MEDIA_TAG_ARTIST, TEXT_INIT("Two"), {NULL, 0}},
    {MEDIA_TAG_PERFORMER, TEXT_INIT("Three"), TEXT_INIT("piano")},
};
static const struct media_lyric_line lines[] = {
    {0, TEXT_INIT("first")}, {1500, {NULL, 0}}, {1500, TEXT_INIT("third")}};
static const struct media_lyrics lyrics[] = {{TEXT_INIT("eng"), true, lines, 3}};

static struct media_info sample(void)
{
    return (struct media_info){
        .codec = MEDIA_CODEC_FLAC,
        .duration_ms = 123456,
        .sample_rate = 44100,
        .channels = 2,
        .bit_depth = 16,
        .bitrate_kbps = 800,
        .audio_id = {1, 2, 3},
        .is_partial = true,
        .picture = {.digest = {9}, .size_bytes = 77, .mime = TEXT_INIT("image/png")},
        .tags = tags,
        .tag_count = 4,
        .lyrics = lyrics,
        .lyrics_count = 1};
}

static void test_round_trip(struct text encoded)
{
    struct media_info info = {0};
    OK(media_info_decode(encoded, &info), "what was encoded decodes");
    OK(info.codec == MEDIA_CODEC_FLAC && info.duration_ms == 123456 && info.sample_rate == 44100,
       "numbers survive");
    OK(info.is_partial && info.audio_id[2] == 3 && info.picture.size_bytes == 77,
       "so do flags, ids and the picture");
    OK_TEXT(media_info_tag(&info, MEDIA_TAG_ARTIST, 1), TEXT("Two"),
            "several values of a kind keep their order");
    OK(!media_info_tag(&info, MEDIA_TAG_ARTIST, 2).data, "past the last value there is none");
    OK_TEXT(info.tags[3].detail, TEXT("piano"), "a performer keeps the instrument");
    OK(info.lyrics_count == 1 && info.lyrics[0].lines[1].start_ms == 1500,
       "lyrics keep their times");
    struct buffer again;
    buffer_init(&again, MEDIA_INFO_MAX_BYTES);
    media_info_encode(&info, &again);
    OK(text_equal(buffer_view(&again), encoded), "encoding what was decoded gives the same bytes");
    buffer_release(&again);
    media_info_release(&info);
    OK(!info.arena && !info.tag_count, "a released info is empty");
}

static bool decodes(struct text encoded)
{
    struct media_info info;
    if (!media_info_decode(encoded, &info))
        return false;
    media_info_release(&info);
    return true;
}

static void test_refusals(struct buffer *encoded)
{
    bool refused = true;
    for (size_t size = 0; size < encoded->size; size++)
        refused = refused && !decodes(text_make(encoded->data, size));
    OK(refused, "no shortened form decodes");
    buffer_byte(encoded, 0);
    OK(!decodes(buffer_view(encoded)), "nothing may follow");
    encoded->size--;
    size_t title = 0;
    while (memcmp(encoded->data + title, "F\xc3\xbcr", 4) != 0)
        title++;
    encoded->data[title] = '\x1b';
    OK(!decodes(buffer_view(encoded)), "a control character is refused");
    encoded->data[title] = '\xff';
    OK(!decodes(buffer_view(encoded)), "so are bytes that are not UTF-8");
}

static bool read_counting(void *context, uint64_t offset, void *into, size_t size)
{
    *(size_t *)context += size;
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)into)[i] = (uint8_t)((offset + i) * 31 >> 3);
    return true;
}

static void test_picture_digest(void)
{
    uint8_t small[MEDIA_ID_BYTES], large[MEDIA_ID_BYTES], larger[MEDIA_ID_BYTES];
    size_t taken = 0;
    OK(media_picture_digest(read_counting, &taken, 1000, small) && taken == 1000,
       "a small picture is hashed whole");
    taken = 0;
    OK(media_picture_digest(read_counting, &taken, 20 << 20, large) && taken == 48 * 1024,
       "of one of 20 MiB 48 KiB are read");
    OK(media_picture_digest(read_counting, &taken, (20 << 20) + 1, larger) &&
           memcmp(large, larger, 16) != 0,
       "the size is part of the name");
}

int main(void)
{
    struct buffer encoded;
    buffer_init(&encoded, MEDIA_INFO_MAX_BYTES);
    struct media_info info = sample();
    media_info_encode(&info, &encoded);
    test_round_trip(buffer_view(&encoded));
    test_refusals(&encoded);
    test_picture_digest();
    buffer_release(&encoded);
    OK(media_tag_word(MEDIA_TAG_MB_ALBUM) && !media_tag_word((enum media_tag_kind)127),
       "kinds have words");
    OK_TEXT(text_of(media_codec_suffix(MEDIA_CODEC_ALAC)), TEXT("m4a"), "codecs have suffixes");
    return tap_done();
}
