// SPDX-License-Identifier: GPL-3.0-or-later
#include "state/ranking.h"

#include "base/mem.h"

/* What a mark counts in each; 0: it is not in that list. */
static uint64_t value_of(const struct mark *mark, enum listener_ranking ranking)
{
    switch (ranking) {
    case RANKING_STARRED:
        return (uint64_t)mark->starred_ms;
    case RANKING_HIGHEST:
        return mark->rating;
    case RANKING_FREQUENT:
        return mark->plays;
    case RANKING_RECENT:
        return mark->plays ? (uint64_t)mark->last_ms : 0;
    }
    return 0;
}

/* By subject when values are equal, so that the order is total. */
static int compare_marks(const void *a, const void *b, enum listener_ranking ranking)
{
    const struct mark *one = a, *other = b;
    uint64_t x = value_of(one, ranking), y = value_of(other, ranking);
    if (x != y)
        return x > y ? -1 : 1;
    return memcmp(&one->subject, &other->subject, SUBJECT_BYTES);
}

static int compare_starred(const void *a, const void *b)
{
    return compare_marks(a, b, RANKING_STARRED);
}
static int compare_highest(const void *a, const void *b)
{
    return compare_marks(a, b, RANKING_HIGHEST);
}
static int compare_frequent(const void *a, const void *b)
{
    return compare_marks(a, b, RANKING_FREQUENT);
}
static int compare_recent(const void *a, const void *b)
{
    return compare_marks(a, b, RANKING_RECENT);
}

static sorted_compare *const compares[RANKINGS] = {compare_starred, compare_highest,
                                                   compare_frequent, compare_recent};

static int kind_index(const char *kind)
{
    static const char names[RANKED_KINDS][3] = {"tr", "al", "ar"};
    for (int i = 0; i < RANKED_KINDS; i++)
        if (names[i][0] == kind[0] && names[i][1] == kind[1])
            return i;
    return -1;
}

void rankings_init(struct rankings *rankings)
{
    *rankings = (struct rankings){0};
    for (int r = 0; r < RANKINGS; r++)
        for (int kind = 0; kind < RANKED_KINDS; kind++)
            sorted_init(&rankings->of[r][kind].items, compares[r]);
}

void rankings_release(struct rankings *rankings)
{
    for (int r = 0; r < RANKINGS; r++)
        for (int kind = 0; kind < RANKED_KINDS; kind++) {
            sorted_release(&rankings->of[r][kind].items);
            mem_free(rankings->of[r][kind].waiting);
        }
}

/* --- moving --- */

static void wait_for_place(struct ranking *ranking, struct mark *mark)
{
    if (ranking->waiting_count == ranking->waiting_capacity) {
        ranking->waiting_capacity = ranking->waiting_capacity ? ranking->waiting_capacity * 2 : 8;
        ranking->waiting =
            mem_realloc_array(ranking->waiting, ranking->waiting_capacity, sizeof(struct mark *));
    }
    ranking->waiting[ranking->waiting_count++] = mark;
}

void rankings_move(struct rankings *rankings, const struct mark *before, struct mark *mark)
{
    int kind = kind_index(mark->subject.kind);
    for (int r = 0; kind >= 0 && r < RANKINGS; r++) {
        enum listener_ranking ranking = (enum listener_ranking)r;
        uint8_t bit = (uint8_t)(1 << r);
        if (mark->moved & bit || value_of(before, ranking) == value_of(mark, ranking))
            continue;
        mark->moved |= bit;
        wait_for_place(&rankings->of[r][kind], mark);
    }
}

/* Those who stayed keep their order among themselves. */
static void drop_moved(struct sorted *items, uint8_t bit)
{
    size_t kept = 0;
    for (size_t i = 0; i < items->count; i++)
        if (!(((const struct mark *)items->items[i])->moved & bit))
            items->items[kept++] = items->items[i];
    items->count = kept;
}

static void put_in_places(struct ranking *ranking, enum listener_ranking which)
{
    struct sorted arrived;
    uint8_t bit = (uint8_t)(1 << which);
    drop_moved(&ranking->items, bit);
    sorted_init(&arrived, compares[which]);
    for (size_t i = 0; i < ranking->waiting_count; i++) {
        ranking->waiting[i]->moved &= (uint8_t)~bit;
        if (value_of(ranking->waiting[i], which))
            sorted_append(&arrived, ranking->waiting[i]);
    }
    sorted_merge(&ranking->items, &arrived);
    sorted_release(&arrived);
    mem_free_p(&ranking->waiting);
    ranking->waiting_count = ranking->waiting_capacity = 0;
}

const struct sorted *rankings_read(struct rankings *rankings, enum listener_ranking ranking,
                                   const char *kind)
{
    int index = kind_index(kind);
    if (index < 0)
        return NULL;
    struct ranking *asked = &rankings->of[ranking][index];
    if (asked->waiting_count)
        put_in_places(asked, ranking);
    return &asked->items;
}

/* --- loading --- */

void rankings_append(struct rankings *rankings, struct mark *mark)
{
    int kind = kind_index(mark->subject.kind);
    for (int r = 0; kind >= 0 && r < RANKINGS; r++)
        if (value_of(mark, (enum listener_ranking)r))
            sorted_append(&rankings->of[r][kind].items, mark);
}

void rankings_settle(struct rankings *rankings)
{
    for (int r = 0; r < RANKINGS; r++)
        for (int kind = 0; kind < RANKED_KINDS; kind++)
            sorted_settle(&rankings->of[r][kind].items);
}
