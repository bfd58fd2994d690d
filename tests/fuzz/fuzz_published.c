// SPDX-License-Identifier: GPL-3.0-or-later
/* A list of a catalogue from another node: what is taken is written and read the same again. */
#include "catalog/published.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct list list = {0}, again = {0};
    struct published_object lacking[PUBLISHED_MAX_OBJECTS];
    struct buffer out;
    const char *why;
    if (!published_read(text_make((const char *)data, size), &list, &why))
        return why ? 0 : (abort(), 0);
    buffer_init(&out, PUBLISHED_MAX_BYTES);
    published_write(&list, &out);
    if (!published_read(buffer_view(&out), &again, &why) ||
        memcmp(&list, &again, sizeof list) != 0 || published_lacking(&list, &again, lacking) != 0 ||
        published_lacking(&list, NULL, lacking) > 16)
        abort();
    buffer_release(&out);
    return 0;
}
