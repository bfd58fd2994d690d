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
    for (size_t i = 0; i < EFFECTS_RECENT; i++)
        effects->recent[i].is_valid = false;
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

static void push(struct effects *effects, const struct effect *effect)
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

static struct effects_recent *recent_of(struct effects *effects, const struct uid *device)
{
    struct effects_recent *recent = &effects->recent[device->bytes[0] % EFFECTS_RECENT];
    if (recent->is_valid && uid_equal(recent->device, *device))
        return recent;
    *recent = (struct effects_recent){.device = *device, .is_valid = true, .range = SIZE_MAX};
    for (size_t i = 0; i < SEEN_REMEMBERED; i++)
        recent->digests[i] = SIZE_MAX;
    return recent;
}

static void add_digest(struct effects *effects, const struct effect *effect)
{
    struct effects_recent *recent = recent_of(effects, &effect->seen.device);
    size_t *at = &recent->digests[effect->seen.seq % SEEN_REMEMBERED];
    if (*at == SIZE_MAX) {
        *at = effects->count;
        push(effects, &(struct effect){EFFECT_DIGEST, .seen = effect->seen});
    } else if (effect->seen.seq >= effects->items[*at].seen.seq) {
        effects->items[*at].seen = effect->seen;
    }
}

static void add_seen(struct effects *effects, const struct effect *effect)
{
    struct effects_recent *recent = recent_of(effects, &effect->seen.device);
    struct effect bare = *effect;
    bare.seen.digest = 0;
    if (recent->range != SIZE_MAX && recent->first == effect->seen.range.first &&
        !effect->seen.range.gone) {
        effects->items[recent->range].seen.range.last = effect->seen.range.last;
    } else {
        recent->range = effects->count;
        recent->first = effect->seen.range.first;
        push(effects, &bare);
    }
    if (effect->seen.digest)
        add_digest(effects, effect);
}

void effects_add(struct effects *effects, const struct effect *effect)
{
    if (effect->kind == EFFECT_SEEN)
        add_seen(effects, effect);
    else if (effect->kind == EFFECT_DIGEST)
        add_digest(effects, effect);
    else
        push(effects, effect);
}

bool effects_has_room(const struct effects *effects, size_t operation_bytes)
{
    return effects->count < MAX_ITEMS &&
           arena_used(effects->arena) + operation_bytes * ROOM_FACTOR + ROOM_FIXED <=
               EFFECTS_MAX_BYTES;
}
