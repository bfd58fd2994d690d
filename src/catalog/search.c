// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/search.h"
#include "catalog/fold.h"
#include "catalog/marks.h"

/*
 * A search is folded and cut into words; catalog/marks.h finds who has them; marks become tiers;
 * tiers are counted, and only those that reach into the page are looked at again.  A query of one
 * word reads its tier off the mark; for more words the names that have them all and begin with the
 * first are compared: few, but for two common words.
 */
enum {
    TIER_EXACT = 1, /* 0: no hit */
    TIER_BEGINS_WORD,
    TIER_BEGINS,
    TIER_WORDS, /* + MARK_BEST - value */
    TIERS = TIER_WORDS + MARK_BEST,
    TIER_COMPARE = 0x80, /* added: only comparing the names tells whether it is better than this */
    NAMES_TOGETHER = 64, /* names that are fetched at once */
};

struct search {
    struct catalog_view view;
    struct search_query *query;
    char folded[SEARCH_MAX_QUERY_BYTES], name[SEARCH_MAX_QUERY_BYTES];
    struct text whole; /* the query as a name: what exact and begins compare */
    struct match_word words[SEARCH_MAX_WORDS];
    unsigned word_count;
    char joined_bytes[WORD_MAX];
    struct match_word joined; /* all words as one; no text when there is only one */
    struct marks marks;
    uint32_t tiers[SEARCH_KINDS][TIERS];
};

/* --- the query --- */

static bool is_quotes(struct text t)
{
    return bytes_equal(t, TEXT("\"\"")) || bytes_equal(t, TEXT("''"));
}

/* "ac dc" may be "ACDC". */
static void join_words(struct search *search)
{
    size_t size = 0;
    search->joined.text = TEXT_NONE;
    for (unsigned i = 0; i < search->word_count; i++) {
        struct text word = search->words[i].text;
        if (search->word_count < 2 || size + word.size > sizeof search->joined_bytes)
            return;
        bytes_copy(search->joined_bytes + size, word.data, word.size);
        size += word.size;
    }
    match_word_init(&search->joined, text_make(search->joined_bytes, size));
    search->joined.looks_inside = false;
}

static void read_query(struct search *search)
{
    struct text query = fold_cut(search->query->words, SEARCH_MAX_QUERY_BYTES);
    if (is_quotes(query)) /* some apps ask for everything like this */
        return;
    search->whole =
        text_make(search->name, fold(query, FOLD_NAME, search->name, sizeof search->name));
    size_t size = fold(query, FOLD_QUERY, search->folded, sizeof search->folded), at = 0;
    while (at < size && search->word_count < SEARCH_MAX_WORDS) {
        size_t end = at;
        while (end < size && search->folded[end] != ' ' && search->folded[end] != FOLD_JOINT)
            end++;
        struct text word = fold_cut(text_make(search->folded + at, end - at), WORD_MAX);
        if (word.size)
            match_word_init(&search->words[search->word_count++], word);
        at = end + 1;
    }
    join_words(search);
}

/* --- tiers --- */

/* Equal but for spaces: "AC/DC" and "acdc" are the same name. */
static bool same_but_spaces(struct text a, struct text b)
{
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a.size && a.data[i] == ' ')
            i++;
        while (j < b.size && b.data[j] == ' ')
            j++;
        if (i == a.size || j == b.size)
            return i == a.size && j == b.size;
        if (a.data[i++] != b.data[j++])
            return false;
    }
}

/* `offset` is inside or at the end. */
static struct text behind(struct text t, size_t offset)
{
    return text_make(t.data + offset, t.size - offset);
}

/* How a folded name as a whole compares with the query: a tier, or 0. */
static unsigned name_tier(struct text name, struct text whole)
{
    size_t same = 0;
    while (same < name.size && same < whole.size && name.data[same] == whole.data[same])
        same++;
    if (same_but_spaces(behind(name, same), behind(whole, same)))
        return TIER_EXACT;
    if (same < whole.size)
        return 0;
    return name.data[same] == ' ' ? TIER_BEGINS_WORD : TIER_BEGINS;
}

/* Offset behind the article of a name that may go on as the query does; 0: none. */
static size_t behind_article(struct text name, struct text whole)
{
    size_t next = 1;
    while (next < name.size && name.data[next - 1] != ' ')
        next++;
    bool may_match = next < name.size && whole.size > 0 && name.data[next] == whole.data[0];
    return may_match ? fold_article(name, TEXT(FOLD_USUAL_ARTICLES)) : 0;
}

static unsigned better(unsigned a, unsigned b) { return a == 0 || (b != 0 && b < a) ? b : a; }

/* Of the name, the name behind its article, and what it is put in order by. */
static unsigned names_tier(const struct search *search, enum search_kind kind, uint32_t number,
                           struct text name)
{
    static const enum segment_column orders[SEARCH_KINDS] = {
        COLUMN_ARTIST_ORDER, COLUMN_ALBUM_ORDER, COLUMN_TRACK_FOLDED};
    const struct catalog *catalog = search->view.catalog;
    unsigned tier = name_tier(name, search->whole);
    size_t article = behind_article(name, search->whole);
    if (article)
        tier = better(tier, name_tier(behind(name, article), search->whole));
    if (kind != SEARCH_SONGS) {
        uint32_t ref = catalog->refs[marks_kind(kind)][number];
        tier = better(tier, name_tier(snapshot_text(catalog, orders[kind], ref), search->whole));
    }
    return tier;
}

/* What a mark alone tells. */
static unsigned mark_tier(const struct search *search, unsigned mark_byte)
{
    unsigned value = mark_byte & MARK_VALUE;
    if (value == 0 || value > MARK_BEST)
        return 0;
    unsigned words = TIER_WORDS + MARK_BEST - value;
    bool may_begin = (mark_byte & MARK_FIRST) && (value & MARK_OWN) && value > MATCH_START * 2;
    if (!may_begin)
        return words;
    if (search->word_count > 1)
        return words + TIER_COMPARE;
    if (value < MATCH_WHOLE * 2)
        return TIER_BEGINS;
    return mark_byte & MARK_ONLY ? TIER_EXACT : TIER_BEGINS_WORD;
}

/* Settles the tiers of these.  Names lie all over the segment: all are fetched while the first is
 * waited for. */
static void compare_names(struct search *search, enum search_kind kind, const uint32_t *numbers,
                          uint32_t count)
{
    static const enum segment_column folded[SEARCH_KINDS] = {
        COLUMN_ARTIST_FOLDED, COLUMN_ALBUM_FOLDED, COLUMN_TRACK_FOLDED};
    const struct catalog *catalog = search->view.catalog;
    uint8_t *marks = search->marks.all + search->marks.start[kind];
    uint32_t *tiers = search->tiers[kind];
    struct text names[NAMES_TOGETHER];
    for (uint32_t i = 0; i < count; i++) {
        names[i] =
            snapshot_text(catalog, folded[kind], catalog->refs[marks_kind(kind)][numbers[i]]);
        __builtin_prefetch(names[i].data);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *at = &marks[numbers[i]];
        unsigned tier = names_tier(search, kind, numbers[i], names[i]), words = *at - TIER_COMPARE;
        *at = (uint8_t)(tier ? tier : words);
        tiers[words]--;
        tiers[*at]++;
    }
}

static void compare_all_names(struct search *search, enum search_kind kind)
{
    const uint8_t *marks = search->marks.all + search->marks.start[kind];
    uint32_t numbers[NAMES_TOGETHER], count = 0;
    for (size_t block = 0; block < search->marks.start[kind + 1] - search->marks.start[kind];
         block += SIMD_BYTES) {
        for (uint32_t mask = simd_mask(simd_load(marks + block)); mask; mask &= mask - 1)
            numbers[count++] = (uint32_t)block + (uint32_t)__builtin_ctz(mask);
        if (count > NAMES_TOGETHER - SIMD_BYTES) {
            compare_names(search, kind, numbers, count);
            count = 0;
        }
    }
    compare_names(search, kind, numbers, count);
}

/* Turns the marks of a kind into tiers, in place, and counts them; returns how many hits. */
static uint32_t rank(struct search *search, enum search_kind kind, const uint8_t tier_of[256])
{
    const struct catalog *catalog = search->view.catalog;
    const uint32_t *seen_in = catalog->seen_in[marks_kind(kind)];
    bool sees_all = (catalog->libraries & ~search->view.libraries) == 0;
    uint8_t *marks = search->marks.all + search->marks.start[kind];
    uint32_t *tiers = search->tiers[kind], hits = 0;
    bytes_fill(tiers, 0, sizeof search->tiers[kind]);
    FOR_MARKS(number, marks, catalog->counts[marks_kind(kind)])
    {
        unsigned tier = tier_of[marks[number]];
        if (!sees_all && !(seen_in[number] & search->view.libraries))
            tier = 0;
        tiers[tier & ~(unsigned)TIER_COMPARE]++;
        hits += tier != 0;
        marks[number] = (uint8_t)tier;
    }
    if (search->word_count > 1)
        compare_all_names(search, kind);
    return hits;
}

/* --- pages --- */

/* Numbers of one tier, in order, behind the first `skip`; at most `max`. */
static size_t take_tier(const uint8_t *marks, uint32_t count, unsigned tier, size_t skip,
                        uint32_t *ret, size_t max)
{
    const simd16 wanted = simd_fill((uint8_t)tier);
    size_t taken = 0;
    for (uint32_t block = 0; block < count && taken < max; block += SIMD_BYTES)
        for (uint32_t mask = simd_mask(simd_equal(simd_load(marks + block), wanted));
             mask && taken < max; mask &= mask - 1) {
            if (skip > 0)
                skip--;
            else
                ret[taken++] = block + (uint32_t)__builtin_ctz(mask);
        }
    return taken;
}

/* The same, most played first. */
static size_t take_played(struct search *search, enum search_kind kind, unsigned tier, size_t skip,
                          uint32_t *ret, size_t max)
{
    const struct catalog *catalog = search->view.catalog;
    uint32_t count = search->tiers[kind][tier];
    uint32_t *numbers = scratch_alloc(catalog, count * sizeof *numbers);
    uint64_t *keys = scratch_alloc(catalog, count * sizeof *keys);
    (void)take_tier(search->marks.all + search->marks.start[kind],
                    catalog->counts[marks_kind(kind)], tier, 0, numbers, count);
    for (uint32_t i = 0; i < count; i++)
        keys[i] =
            UINT32_MAX - search->query->plays(search->query->context, marks_kind(kind),
                                              snapshot_id(catalog, marks_kind(kind), numbers[i]));
    sort_by_key(catalog, keys, numbers, count);
    size_t taken = count - skip < max ? count - skip : max;
    bytes_copy(ret, numbers + skip, taken * sizeof *ret);
    scratch_free(catalog, keys);
    scratch_free(catalog, numbers);
    return taken;
}

static void fill_page(struct search *search, enum search_kind kind)
{
    struct search_page *page = &search->query->pages[kind];
    size_t skip = page->offset;
    for (unsigned tier = TIER_EXACT; tier < TIERS; tier++) {
        uint32_t count = search->tiers[kind][tier];
        if (skip >= count) {
            skip -= count;
            continue;
        }
        if (page->count == page->max)
            return;
        uint32_t *ret = page->ret + page->count;
        size_t room = page->max - page->count;
        if (search->query->plays && count > 1 && count <= SEARCH_MAX_PLAYED)
            page->count += take_played(search, kind, tier, skip, ret, room);
        else
            page->count +=
                take_tier(search->marks.all + search->marks.start[kind],
                          search->view.catalog->counts[marks_kind(kind)], tier, skip, ret, room);
        skip = 0;
    }
}

static void find_everything(struct search *search)
{
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++) {
        struct search_page *page = &search->query->pages[kind];
        page->total = catalog_count(search->view, marks_kind(kind));
        page->count = page->max ? catalog_all(search->view, marks_kind(kind), page->offset,
                                              page->ret, page->max)
                                : 0;
    }
}

static size_t rank_all(struct search *search)
{
    uint8_t tier_of[256];
    size_t hits = 0;
    for (unsigned mark_byte = 0; mark_byte < 256; mark_byte++)
        tier_of[mark_byte] = (uint8_t)mark_tier(search, mark_byte);
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++) {
        search->query->pages[kind].total = rank(search, (enum search_kind)kind, tier_of);
        hits += search->query->pages[kind].total;
    }
    return hits;
}

static void find_words(struct search *search)
{
    marks_init(&search->marks, search->view.catalog);
    marks_find(&search->marks, search->words, search->word_count, &search->joined, false);
    if (rank_all(search) < SEARCH_FEW) {
        marks_find(&search->marks, search->words, search->word_count, &search->joined, true);
        (void)rank_all(search);
    }
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++)
        fill_page(search, (enum search_kind)kind);
    marks_release(&search->marks);
}

void catalog_search(struct catalog_view view, struct search_query *query)
{
    struct search search;
    search.view = view;
    search.query = query;
    search.word_count = 0;
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++)
        query->pages[kind].count = query->pages[kind].total = 0;
    read_query(&search);
    if (search.word_count == 0)
        find_everything(&search);
    else
        find_words(&search);
}
