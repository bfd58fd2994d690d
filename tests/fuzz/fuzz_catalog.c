// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/answer.h"
#include "catalog/list.h"
#include "catalog/memory.h"

/* Three bytes say where core ends and detail begins; digests are not asked for, or nothing would
 * pass. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t answer[ANSWER_MAX_BYTES];
    struct list list;
    (void)list_read(text_make((const char *)data, size), &list);
    size_t core = size < 3 ? 0 : (size_t)(data[0] | data[1] << 8 | data[2] << 16) % (size - 2);
    struct text rest = text_make((const char *)data + 3, size < 3 ? 0 : size - 3);
    struct text objects[2] = {text_make(rest.data, core), text_from(rest, core)};
    struct catalog *catalog = catalog_of_objects(objects, 2, false);
    for (uint8_t i = 0; catalog && i < 2 * ANSWER_LISTS;
         i++) { /* every list; rows of every kind; a search */
        char asks[3][40] = {{ANSWER_LIST, -1, -1, -1, -1, (char)(i / 2), (char)(i % 2), [14] = 9},
                            {ANSWER_ROW, -1, -1, -1, -1, (char)(i % 4), (char)(i / 4)},
                            {ANSWER_SEARCH, -1, -1, -1, -1, [9] = 9, [17] = 9, [25] = 9, [29] = 'l',
                             'o', (char)(i * 5)}};
        for (unsigned ask = 0; ask < 3; ask++)
            (void)catalog_answer(catalog, text_make(asks[ask], ask == 2 ? 29 + i % 9 : 26), answer);
    }
    catalog_unref(&catalog);
    return 0;
}
