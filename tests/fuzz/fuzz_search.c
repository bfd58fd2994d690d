// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/answer.h"
#include "catalog/memory.h"
#include "../unit/catalog/sample.h"
#include <assert.h>

/* Any bytes as a question about a good catalogue. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct catalog *catalog; /* made once, as libFuzzer has no other place for it */
    static uint8_t answer[ANSWER_MAX_BYTES];
    if (!catalog) {
        struct sample sample;
        sample_make(&sample, 1, 100);
        struct build *build = sample_build(&sample, 1, 1);
        catalog = catalog_of_builds(&build, 1);
        sample_free(&sample);
    }
    assert(catalog_answer(catalog, text_make((const char *)data, size), answer) <=
           ANSWER_MAX_BYTES);
    return 0;
}
