// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/postgres_merge.h"

static const struct {
    const char *shape, *sql;
} merges[MERGES] = {
#define MERGE(id, shape, sql) {shape, sql},
#include "state/postgres_merge.def"
#undef MERGE
};

void postgres_merge_init(struct postgres_merge *merge)
{
    for (int i = 0; i < MERGES; i++)
        postgres_rows_init(&merge->rows[i], merges[i].shape);
}

void postgres_merge_release(struct postgres_merge *merge)
{
    for (int i = 0; i < MERGES; i++)
        postgres_rows_release(&merge->rows[i]);
}

size_t postgres_merge_statements(struct postgres_merge *merge,
                                 struct postgres_statement *ret_statements)
{
    size_t count = 0;
    for (int i = 0; i < MERGES; i++)
        if (merge->rows[i].row_count)
            ret_statements[count++] = postgres_rows_statement(&merge->rows[i], merges[i].sql);
    return count;
}

/* --- rows of each kind of effect --- */

static void put_uid(struct postgres_rows *rows, const struct uid *uid)
{
    postgres_rows_bytes(rows, uid_view(uid));
}

static bool is_playlists(enum space space)
{
    return space >= SPACE_PLAYLIST_NAME && space <= SPACE_ENTRY;
}

static void put_cell(struct postgres_rows *rows, const struct effect *effect)
{
    struct postgres_rows *cells = &rows[MERGE_CELLS], *swept = &rows[MERGE_SWEPT];
    put_uid(cells, &effect->cell.account);
    postgres_rows_integer(cells, effect->cell.space);
    postgres_rows_bytes(cells, effect->cell.key);
    postgres_rows_bytes(cells, effect->cell.value);
    postgres_rows_integer(cells, effect->cell.order.is_final);
    postgres_rows_integer(cells, effect->cell.order.hlc);
    put_uid(cells, &effect->cell.order.device);
    postgres_rows_integer(cells, effect->cell.order.seq);
    if (is_playlists(effect->cell.space)) {
        put_uid(swept, &effect->cell.account);
        postgres_rows_bytes(swept, effect->cell.key);
    }
    if (effect->cell.space == SPACE_ACCOUNT_NAME) {
        put_uid(&rows[MERGE_NAMES_FREED], &effect->cell.account);
        put_uid(&rows[MERGE_NAMES_BORNE], &effect->cell.account);
    }
}

static void put_count(struct postgres_rows *rows, const struct effect *effect)
{
    bool is_absolute = uid_is_none(effect->count.device);
    put_uid(rows, &effect->count.account);
    postgres_rows_bytes(rows, subject_view(&effect->count.subject));
    postgres_rows_integer(rows, effect->count.count);
    postgres_rows_integer(rows, (uint64_t)effect->count.last_ms);
    postgres_rows_bytes(rows, is_absolute ? TEXT_NONE : uid_view(&effect->count.device));
    postgres_rows_integer(rows, effect->count.seq);
    postgres_rows_integer(rows, effect->count.place);
}

static void put_play(struct postgres_rows *rows, const struct effect *effect)
{
    put_uid(rows, &effect->play.device);
    postgres_rows_integer(rows, effect->play.seq);
    put_uid(rows, &effect->play.account);
    postgres_rows_bytes(rows, subject_view(&effect->play.track));
    postgres_rows_integer(rows, effect->play.hlc);
    postgres_rows_integer(rows, (uint64_t)effect->play.at_ms);
    postgres_rows_integer(rows, (uint64_t)effect->play.accepted_ms);
    postgres_rows_bytes(rows, effect->play.payload);
}

static void put_digest(struct postgres_rows *rows, const struct effect *effect)
{
    put_uid(rows, &effect->seen.device);
    postgres_rows_integer(rows, effect->seen.seq % SEEN_REMEMBERED);
    postgres_rows_integer(rows, effect->seen.seq);
    postgres_rows_integer(rows, effect->seen.digest);
}

static void put_seen(struct postgres_rows *rows, const struct effect *effect)
{
    put_uid(&rows[MERGE_SEEN], &effect->seen.device);
    postgres_rows_integer(&rows[MERGE_SEEN], effect->seen.range.first);
    postgres_rows_integer(&rows[MERGE_SEEN], effect->seen.range.last);
    if (effect->seen.digest)
        put_digest(&rows[MERGE_DIGESTS], effect);
}

static void put_kept(struct postgres_rows *rows, const struct effect *effect)
{
    put_uid(rows, &effect->kept.device);
    postgres_rows_integer(rows, effect->kept.seq);
    postgres_rows_bytes(rows, effect->kept.bytes);
}

void postgres_merge_put(struct postgres_merge *merge, const struct effect *effect)
{
    struct postgres_rows *rows = merge->rows;
    switch (effect->kind) {
    case EFFECT_CELL:
        put_cell(rows, effect);
        break;
    case EFFECT_CELL_DROP: /* follows from the deletion itself: MERGE_SWEPT */
        break;
    case EFFECT_COUNT:
        put_count(&rows[MERGE_COUNTS], effect);
        break;
    case EFFECT_PLAY:
        put_play(&rows[MERGE_PLAYS], effect);
        break;
    case EFFECT_SEEN:
        put_seen(rows, effect);
        break;
    case EFFECT_DIGEST:
        put_digest(&rows[MERGE_DIGESTS], effect);
        break;
    case EFFECT_KEPT:
        put_kept(&rows[MERGE_KEPT], effect);
        break;
    case EFFECT_KINDS:
        break;
    }
}
