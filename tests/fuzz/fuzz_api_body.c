// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/body.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* JSON bodies of the player's API: an object or a reason, and texts within their limits. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[160] = "";
    struct text name;
    bool flag;
    json_t *object = body_parse(text_make((const char *)data, size), why);
    assert((object == NULL) == (*why != 0));
    if (object && body_text(object, "name", 1, 64, &name))
        assert(name.size >= 1 && name.size <= 64 && text_is_utf8(name));
    if (object)
        (void)body_bool(object, "full", false, &flag);
    json_decref(object);
    return 0;
}
