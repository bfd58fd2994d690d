// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/accept_encoding.h"

#include "http/fields.h"

static const char *const names[] = {"identity", "gzip", "br"};

const char *http_coding_name(enum http_coding coding) { return names[coding]; }

/* Quality in thousandths, 0 for refused, -1 for not mentioned. */
static int quality_of(struct text value, struct text coding)
{
    struct text item;
    while (http_list_next(&value, &item)) {
        struct text name = http_before_parameters(item);
        bool is_alias = text_equal(coding, TEXT("gzip")) && text_equal_nocase(name, TEXT("x-gzip"));
        if (!is_alias && !text_equal_nocase(name, coding))
            continue;
        struct text quality = http_parameter_of(item, TEXT("q"));
        return quality.data ? http_quality(quality) < 0 ? 0 : http_quality(quality) : 1000;
    }
    return -1;
}

enum http_coding http_coding_choose(struct text value, const bool available[HTTP_CODING_COUNT])
{
    enum http_coding best = HTTP_CODING_IDENTITY;
    int any = quality_of(value, TEXT("*"));
    int identity = quality_of(value, TEXT("identity"));
    /* Not mentioned, identity is acceptable but never preferred to a coding that the client named.
     */
    int best_quality = identity >= 0 ? identity : 1;
    for (enum http_coding coding = HTTP_CODING_GZIP; coding < HTTP_CODING_COUNT; coding++) {
        int quality = quality_of(value, text_of(names[coding]));
        if (quality < 0)
            quality = any;
        if (available[coding] && quality > 0 && quality >= best_quality) {
            best = coding;
            best_quality = quality;
        }
    }
    return best;
}
