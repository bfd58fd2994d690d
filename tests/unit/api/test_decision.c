// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/body.h"
#include "api/decision.h"
#include "tap.h"

#include <string.h>

/* --- decisions as one line: "direct" or its reasons, then what is made --- */

static const struct decision_stream flac_cd = {
    TEXT_INIT("http"), TEXT_INIT("flac"), TEXT_INIT("flac"), TEXT_INIT(""), 2, 900000, 44100, 16};
static const struct decision_stream flac_studio = {
    TEXT_INIT("http"), TEXT_INIT("flac"), TEXT_INIT("flac"), TEXT_INIT(""), 6, 5000000, 96000, 24};
static const struct decision_stream opus_stereo = {
    TEXT_INIT("http"), TEXT_INIT("ogg"), TEXT_INIT("opus"), TEXT_INIT(""), 2, 96000, 48000, 0};

static const char *decide(const char *client, const struct decision_stream *source)
{
    static char line[400];
    char why[160];
    struct arena *arena = arena_new(1 << 20);
    struct abilities abilities;
    struct decision decision;
    struct buffer out;
    buffer_init(&out, sizeof line - 1);
    json_t *body = body_parse(text_of(client), why);
    if (!body || !abilities_read(body, arena, &abilities, why)) {
        buffer_printf(&out, "refused: %s", why);
    } else {
        decision_make(&abilities, source, &decision);
        buffer_text(&out, decision.can_direct_play ? TEXT("direct") : TEXT(""));
        for (unsigned i = 0; i < DECISION_REASONS; i++)
            if (decision.reasons[i])
                buffer_printf(&out, "%s%s", out.size ? " " : "",
                              decision_reason_word((enum decision_reason)i));
        if (decision.can_transcode) {
            buffer_text(&out, TEXT(", "));
            decision_recipe_write(&decision.recipe, &out);
        }
    }
    snprintf(line, sizeof line, "%.*s", (int)out.size, out.data ? out.data : "");
    buffer_release(&out);
    json_decref(body);
    arena_free(&arena);
    return line;
}

#define PROFILE(container, codec)                                                                  \
    "{\"containers\":[\"" container "\"],\"audioCodecs\":[\"" codec "\"],\"protocols\":[\"http\"]" \
    "}"
#define TARGET(container, codec, protocol)                                                   \
    "{\"container\":\"" container "\",\"audioCodec\":\"" codec "\",\"protocol\":\"" protocol \
    "\",\"maxAudioChannels\":2}"
#define LIMIT(name, comparison, values)                                            \
    "{\"name\":\"" name "\",\"comparison\":\"" comparison "\",\"values\":[" values \
    "],\"required\":true}"
#define CODEC(name, limits) \
    "{\"type\":\"AudioCodec\",\"name\":\"" name "\",\"limitations\":[" limits "]}"
#define CLIENT(more, direct, targets, codecs)                                    \
    "{\"name\":\"t\",\"platform\":\"t\"," more "\"directPlayProfiles\":[" direct \
    "],\"transcodingProfiles\":[" targets "],\"codecProfiles\":[" codecs "]}"

static void test_decisions(void)
{
    static const struct {
        const char *client;
        const struct decision_stream *source;
        const char *expected, *says;
    } rows[] = {
        {CLIENT("", PROFILE("flac", "flac"), "", ""), &flac_cd, "direct", "what plays is not made"},
        {CLIENT("", "{\"containers\":[],\"audioCodecs\":[],\"protocols\":[]}", "", ""),
         &flac_studio, "direct", "empty lists mean anything"},
        {CLIENT("", PROFILE("mp3", "mp3"), TARGET("mp3", "mp3", "http"), ""), &flac_cd,
         "ContainerNotSupported AudioCodecNotSupported, http.mp3.192.2.44100",
         "what is not known to the client is made as MP3"},
        {CLIENT("\"maxAudioBitrate\":320000,", PROFILE("flac", "flac"),
                TARGET("mp3", "mp3", "http"), ""),
         &flac_cd, "AudioBitrateNotSupported, http.mp3.320.2.44100", "a thin line gets less"},
        {CLIENT("\"maxTranscodingAudioBitrate\":130000,", "", TARGET("mp3", "mp3", "http"), ""),
         &flac_cd, "NoDirectPlayProfile, http.mp3.128.2.44100", "MP3 has steps"},
        {CLIENT("", "", TARGET("mp3", "mp3", "http"), ""), &opus_stereo,
         "NoDirectPlayProfile, http.mp3.96.2.48000", "a lossy song is not blown up"},
        {CLIENT("", "", TARGET("webm", "opus", "http") "," TARGET("ogg", "opus", "http"), ""),
         &flac_cd, "NoDirectPlayProfile, http.opus.128.2.48000", "the first that can be made is"},
        {CLIENT("", "", TARGET("mp4", "aac", "http"), ""), &flac_cd,
         "NoDirectPlayProfile, http.m4a.160.2.44100", "AAC in MP4"},
        {CLIENT("", "", TARGET("mp4", "aac", "hls"), ""), &flac_cd,
         "NoDirectPlayProfile, hls.aac-256", "HLS is a rendition"},
        {CLIENT("\"maxTranscodingAudioBitrate\":150000,", "", TARGET("mp4", "aac", "hls"), ""),
         &flac_cd, "NoDirectPlayProfile, hls.aac-128", "the best that fits the line"},
        {CLIENT("", "", TARGET("mp4", "flac", "hls"), ""), &opus_stereo, "NoDirectPlayProfile",
         "what was lossy is no lossless rendition"},
        {CLIENT("", "", TARGET("ts", "aac", "hls"), ""), &flac_cd, "NoDirectPlayProfile",
         "no transport stream is made"},
        {CLIENT("\"maxTranscodingAudioBitrate\":500000,", "",
                TARGET("flac", "flac", "http") "," TARGET("mp3", "mp3", "http"), ""),
         &flac_cd, "NoDirectPlayProfile, http.mp3.320.2.44100", "FLAC does not fit a thin line"},
        {CLIENT("", PROFILE("flac", "flac"), TARGET("flac", "flac", "http"),
                CODEC("flac", LIMIT("audioSamplerate", "LessThanEqual", "\"48000\"") "," LIMIT(
                                  "audioChannels", "LessThanEqual", "\"2\""))),
         &flac_studio, "AudioChannelsNotSupported AudioSampleRateNotSupported, http.flac.0.2.48000",
         "limits of a codec turn rate and channels down"},
        {CLIENT("", PROFILE("flac", "flac"), TARGET("flac", "flac", "http"),
                CODEC("flac", LIMIT("audioBitdepth", "LessThanEqual", "\"16\""))),
         &flac_studio, "AudioBitDepthNotSupported", "24 bits are not made 16"},
        {CLIENT("", PROFILE("ogg", "opus"), "",
                CODEC("opus", LIMIT("audioSamplerate", "Equals", "\"44100\",\"48000\""))),
         &opus_stereo, "direct", "one of several values is enough"},
        {CLIENT("", PROFILE("opus", "opus"), "",
                CODEC("opus", LIMIT("audioProfile", "Equals", "\"LC\""))),
         &opus_stereo, "direct", "what is not known breaks no limit"},
        {CLIENT("", PROFILE("flac", "flac"), "",
                CODEC("flac",
                      "{\"name\":\"audioSpin\",\"comparison\":\"Around\",\"values\":7,"
                      "\"required\":\"often\"}," LIMIT("audioBitdepth", "Equals", "\"24\""))),
         &flac_cd, "AudioBitDepthNotSupported",
         "a newer client's limitation is left out, and those behind it count"},
        {CLIENT("", PROFILE("flac", "flac"), "",
                CODEC("flac", LIMIT("audioBitrate", "Below", "\"1\""))),
         &flac_cd, "direct", "so is a newer comparison"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        OK_TEXT(text_of(decide(rows[i].client, rows[i].source)), text_of(rows[i].expected),
                rows[i].says);
    }
}

static void test_refusals(void)
{
    static const char *const bodies[] = {
        "{\"directPlayProfiles\":{}}",
        "{\"directPlayProfiles\":[1]}",
        "{\"maxAudioBitrate\":-1}",
        "{\"maxAudioBitrate\":\"1\"}",
        "{\"transcodingProfiles\":[{\"container\":\"\"}]}",
        CLIENT("", "", "", CODEC("mp3", "{\"comparison\":\"Equals\",\"values\":[\"1\"]}")),
        CLIENT("", "", "", CODEC("mp3", LIMIT("audioBitrate", "Equals", ""))),
        CLIENT("", "", "", CODEC("mp3", LIMIT("audioBitrate", "Equals", "\"much\""))),
        CLIENT("", "", "", CODEC("aac", LIMIT("audioProfile", "LessThanEqual", "\"LC\""))),
    };
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
        OK(strncmp(decide(bodies[i], &flac_cd), "refused: ", 9) == 0, bodies[i]);
    struct buffer many;
    buffer_init(&many, 64 * 1024);
    buffer_text(&many, TEXT("{\"transcodingProfiles\":["));
    for (unsigned i = 0; i <= ABILITIES_MAX_ITEMS; i++)
        buffer_text(&many, i ? TEXT("," TARGET("mp3", "mp3", "http"))
                             : TEXT(TARGET("mp3", "mp3", "http")));
    buffer_text(&many, TEXT("]}"));
    buffer_byte(&many, 0);
    OK(strncmp(decide(many.data, &flac_cd), "refused: ", 9) == 0, "too many profiles are refused");
    buffer_release(&many);
}

static void test_recipes(void)
{
    struct decision_recipe recipe;
    OK(decision_recipe_read(TEXT("http.mp3.192.2.44100"), &recipe) && !recipe.is_hls &&
           recipe.request.format == MEDIA_FORMAT_MP3 && recipe.request.bitrate_kbps == 192 &&
           recipe.request.channels == 2 && recipe.request.sample_rate == 44100,
       "a recipe is read");
    OK(decision_recipe_read(TEXT("hls.opus-128"), &recipe) && recipe.is_hls &&
           recipe.rendition == RENDITION_OPUS_128,
       "a recipe of a rendition is read");
    static const char *const bad[] = {"",
                                      "http",
                                      "http.mp3",
                                      "hls.mp3",
                                      "ftp.mp3",
                                      "http.mp3.1.2.",
                                      "http.mp3.192.3.44100",
                                      "http.mp3.192.2.44100.",
                                      "http.mp3.9999.2.44100"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        OK(!decision_recipe_read(text_of(bad[i]), &recipe), "other words are no recipe");
}

static void test_descriptions(void)
{
    struct decision_stream stream = {.depth = 0};
    decision_describe(TEXT("m4a"), &stream);
    OK(text_equal(stream.codec, TEXT("aac")), "a lossy m4a is AAC");
    stream.depth = 16;
    decision_describe(TEXT("m4a"), &stream);
    OK(text_equal(stream.codec, TEXT("alac")) && text_equal(stream.container, TEXT("mp4")),
       "a lossless one is ALAC");
}

int main(void)
{
    test_decisions();
    test_refusals();
    test_recipes();
    test_descriptions();
    return tap_done();
}
