// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/body.h"
#include "api/decision.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a client says of itself: a reason, or a decision whose recipe can be read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct decision_stream source = {.channels = 2, .rate = 44100, .depth = 16};
    char why[160] = "";
    struct abilities abilities;
    struct decision decision = {0};
    struct buffer out;
    struct arena *arena = arena_new(1 << 20);
    json_t *object = body_parse(text_make((const char *)data, size), why);
    if (object && abilities_read(object, arena, &abilities, why))
        decision_make(&abilities, &source, &decision);
    buffer_init(&out, 64);
    decision_recipe_write(&decision.recipe, &out);
    assert(!decision.can_transcode || decision_recipe_read(buffer_view(&out), &decision.recipe));
    buffer_release(&out);
    json_decref(object);
    arena_free(&arena);
    return 0;
}
