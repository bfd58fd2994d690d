// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/fold.h"
#include <assert.h>

/* Any bytes fold to at most `capacity` bytes, and what was UTF-8 stays so; words lie within the
 * folded name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char out[FOLD_MAX], again[FOLD_MAX];
    struct words words;
    struct text in = text_make((const char *)data, size);
    for (unsigned mode = FOLD_NAME; mode <= FOLD_QUERY; mode++) {
        size_t capacity = size % 7 ? sizeof out : size % 40,
               folded = fold(in, (enum fold_mode)mode, out, capacity);
        assert(folded <= capacity && text_is_utf8(text_make(out, folded)));
        (void)fold(text_make(out, folded), FOLD_NAME, again, sizeof again);
    }
    words_of_name(&words, in);
    for (unsigned i = 0; i < words.count; i++)
        assert(words.items[i].text.size > 0 && words.items[i].text.size <= WORD_MAX);
    return 0;
}
