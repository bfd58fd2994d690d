// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/effects.h"

#include "base/mem.h"

#include <assert.h>

/* An operation's effects take at most its own size several times over, and one play row, counts and
 * a range. */
enum {
    ROOM_FACTOR = 8,
    ROOM_FIXED = 64 * 1024,
    CEILING_BYTES = 4 * EFFECTS_MAX_BYTES,
    MAX_ITEMS = 1 << 20
};

struct effects *effects_new(void)
{
    struct effects *effects = MEM_NEW(struct effects);
    effects->arena = arena_new(CEILING_BYTES);
    return effects;
}

void effects_free(struct effects **effects)
{
    if (!*effects)
        return;
    mem_free((*effects)->items);
    arena_free(&(*effects)->arena);
    mem_free_p(effects);
}

void effects_reset(struct effects *effects)
{
    arena_reset(effects->arena);
    effects->count = 0;
    effects->lsn = 0;
    effects->cursor = 0;
}

static void own_texts(struct arena *arena, struct effect *effect)
{
    if (effect->kind == EFFECT_CELL || effect->kind == EFFECT_CELL_DROP) {
        effect->cell.key = arena_text(arena, effect->cell.key);
        effect->cell.value = arena_text(arena, effect->cell.value);
    } else if (effect->kind == EFFECT_PLAY) {
        effect->play.payload = arena_text(arena, effect->play.payload);
    } else if (effect->kind == EFFECT_KEPT) {
        effect->kept.bytes = arena_text(arena, effect->kept.bytes);
    }
}

void effects_add(struct effects *effects, const struct effect *effect)
{
    if (effects->count == effects->capacity) {
        effects->capacity = effects->capacity ? effects->capacity * 2 : 64;
        effects->items =
            mem_realloc_array(effects->items, effects->capacity, sizeof *effects->items);
    }
    effects->items[effects->count] = *effect;
    own_texts(effects->arena, &effects->items[effects->count++]);
    assert(!arena_overflowed(effects->arena));
}

bool effects_has_room(const struct effects *effects, size_t operation_bytes)
{
    return effects->count < MAX_ITEMS &&
           arena_used(effects->arena) + operation_bytes * ROOM_FACTOR + ROOM_FIXED <=
               EFFECTS_MAX_BYTES;
}
