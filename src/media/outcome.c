// SPDX-License-Identifier: GPL-3.0-or-later
/* The words of outcomes.def and of MEDIA_FORMATS. */
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
} formats[] = {
#define X(id, word, type, kbps) [MEDIA_FORMAT_##id] = {TEXT_INIT(word), type},
    MEDIA_FORMATS(X)
#undef X
};

bool media_format_from(struct text word, enum media_format *ret_format)
{
    if (text_equal_nocase(word, TEXT("oga")))
        word = TEXT("ogg");
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
