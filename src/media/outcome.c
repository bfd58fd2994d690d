// SPDX-License-Identifier: GPL-3.0-or-later
/* The words of outcomes.def, the words and numbers of MEDIA_FORMATS. */
#include "media/transcode.h"

const char *media_outcome_word(enum media_outcome outcome)
{
    switch ((unsigned)outcome) {
#define MEDIA_OUTCOME(number, id, word, sentence) \
    case (number):                                \
        return word;
#include "media/outcomes.def"
#undef MEDIA_OUTCOME
    default:
        return NULL;
    }
}

const char *media_outcome_sentence(enum media_outcome outcome)
{
    switch ((unsigned)outcome) {
#define MEDIA_OUTCOME(number, id, word, sentence) \
    case (number):                                \
        return sentence;
#include "media/outcomes.def"
#undef MEDIA_OUTCOME
    default:
        return NULL;
    }
}

static const struct {
    struct text word;
    const char *content_type;
    uint32_t kbps;
} formats[] = {
#define X(id, word, type, kbps) [MEDIA_FORMAT_##id] = {TEXT_INIT(word), type, kbps},
    MEDIA_FORMATS(X)
#undef X
};

bool media_format_from(struct text word, enum media_format *ret_format)
{
    if (text_equal_nocase(word, TEXT("oga")))
        word = TEXT("ogg");
    if (text_equal_nocase(word, TEXT("mp4")))
        word = TEXT("m4a");
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (text_equal_nocase(word, formats[i].word)) {
            *ret_format = (enum media_format)i;
            return true;
        }
    }
    return false;
}

const char *media_format_word(enum media_format format)
{
    return (size_t)format < ARRAY_SIZE(formats) ? formats[format].word.data : NULL;
}

const char *media_format_content_type(enum media_format format)
{
    return (size_t)format < ARRAY_SIZE(formats) ? formats[format].content_type : NULL;
}

/* --- what encoders take: libmp3lame's and libavcodec's lists, in rising order --- */

enum { MIN_KBPS = 8, MAX_KBPS = 510, MONO_MAX_KBPS = 256, MPEG2_RATE = 32000 };

uint32_t media_format_kbps(enum media_format format)
{
    return (size_t)format < ARRAY_SIZE(formats) ? formats[format].kbps : 0;
}

static uint32_t at_least(const uint32_t *rates, size_t count, uint32_t wanted)
{
    for (size_t i = 0; i < count; i++)
        if (rates[i] >= wanted)
            return rates[i];
    return rates[count - 1];
}

uint32_t media_format_rate(enum media_format format, uint32_t wanted)
{
    static const uint32_t mp3[] = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000},
                          aac[] = {7350,  8000,  11025, 12000, 16000, 22050, 24000,
                                   32000, 44100, 48000, 64000, 88200, 96000},
                          opus[] = {8000, 12000, 16000, 24000, 48000};
    switch (format) {
    case MEDIA_FORMAT_MP3:
        return at_least(mp3, ARRAY_SIZE(mp3), wanted);
    case MEDIA_FORMAT_OPUS:
        return at_least(opus, ARRAY_SIZE(opus), wanted);
    case MEDIA_FORMAT_AAC:
    case MEDIA_FORMAT_M4A:
        return at_least(aac, ARRAY_SIZE(aac), wanted);
    case MEDIA_FORMAT_FLAC:
    case MEDIA_FORMAT_OGG:
        break;
    }
    return wanted;
}

/* MPEG has a list of bit rates for each half of its sampling rates (ISO/IEC 11172-3, 13818-3). */
static uint32_t fit_mp3(uint32_t kbps, uint32_t rate)
{
    static const uint32_t mpeg1[] = {32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
                          mpeg2[] = {8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160};
    const uint32_t *list = rate < MPEG2_RATE ? mpeg2 : mpeg1;
    uint32_t best = list[0];
    for (size_t i = 0; i < ARRAY_SIZE(mpeg1); i++)
        best = list[i] <= kbps ? list[i] : best;
    return best;
}

uint32_t media_format_fit_kbps(enum media_format format, uint32_t kbps, uint32_t channels,
                               uint32_t rate)
{
    uint32_t most = channels == 1 ? MONO_MAX_KBPS : MAX_KBPS;
    kbps = kbps ? kbps : media_format_kbps(format);
    kbps = kbps < MIN_KBPS ? MIN_KBPS : kbps > most ? most : kbps;
    return format == MEDIA_FORMAT_MP3 ? fit_mp3(kbps, rate) : kbps;
}
