// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/search.h"
#include "catalog/fold.h"
#include "catalog/match.h"
#include "catalog/simd.h"
#include "catalog/snapshot.h"

/*
 * A search keeps one byte per artist, album and track, its mark:
 *
 *   bit 7      the first word begins the entity's own name
 *   bits 1-6   quality of the worst word so far (enum match_quality); 0: a word is missing
 *   bit 0      the entity's own name has it; 0: only its album or artist
 *
 * For each word: 1. every segment's dictionary says which words match how well, and their postings
 * set marks; 2. marks of artists are lifted to their albums and tracks, marks of albums to their
 * tracks; 3. the marks of all words are combined by minimum, sixteen at a time.  Then marks become
 * tiers (names that equal or begin with the query are found by comparing), tiers are counted, and
 * only the tiers that reach into the page are looked at again.
 */
enum {
    MARK_FIRST = 0x80,
    MARK_VALUE = 0x7f,
    MARK_OWN = 1,
    MARK_BEST = MATCH_WHOLE * 2 + MARK_OWN,
    TIER_EXACT = 1, /* a mark's tier; 0: no hit */
    TIER_BEGINS_WORD,
    TIER_BEGINS,
    TIER_WORDS, /* + MARK_BEST - value */
    TIERS = TIER_WORDS + MARK_BEST,
};

static const enum catalog_kind kind_of[SEARCH_KINDS] = {
    [SEARCH_ARTISTS] = CATALOG_ARTIST,
    [SEARCH_ALBUMS] = CATALOG_ALBUM,
    [SEARCH_SONGS] = CATALOG_TRACK,
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
    uint8_t *all, *word; /* marks of all words so far, and of the word at hand; one block each */
    size_t start[SEARCH_KINDS + 1]; /* of each kind's marks in a block; multiples of SIMD_BYTES */
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

/* --- 1. marks from postings --- */

struct marking {
    struct search *search;
    uint32_t part;
};

static void mark(uint8_t *at, unsigned value, unsigned first)
{
    unsigned had = *at & MARK_VALUE;
    *at = (uint8_t)((had > value ? had : value) | ((*at | first) & MARK_FIRST));
}

static void mark_postings(struct marking *marking, enum search_kind kind, const uint32_t *numbers,
                          enum segment_column starts, enum segment_column postings, uint32_t from,
                          uint32_t to, unsigned value)
{
    const struct catalog *catalog = marking->search->view.catalog;
    const struct segment *segment = catalog->parts[marking->part].segment;
    const uint32_t *start = segment_u32s(segment, starts),
                   *posting = segment_u32s(segment, postings);
    const uint32_t *refs = catalog->part_count > 1 ? catalog->refs[kind_of[kind]] : NULL;
    uint8_t *marks = marking->search->word + marking->search->start[kind];
    for (uint32_t i = start[from]; i < start[to]; i++) {
        uint32_t row = posting[i] >> 1, number = numbers[row];
        if (number == NOBODY || (refs && refs[number] != (marking->part << 24 | row)))
            continue; /* dead, or another part's row won */
        mark(&marks[number], value, (posting[i] & 1) << 7);
    }
}

static void mark_words(void *context, uint32_t from, uint32_t to, enum match_quality quality)
{
    struct marking *marking = context;
    const struct catalog_part *part = &marking->search->view.catalog->parts[marking->part];
    unsigned value = (unsigned)quality * 2 + MARK_OWN;
    mark_postings(marking, SEARCH_ARTISTS, part->artist_number, COLUMN_WORD_ARTISTS,
                  COLUMN_ARTIST_POSTING, from, to, value);
    mark_postings(marking, SEARCH_ALBUMS, part->album_number, COLUMN_WORD_ALBUMS,
                  COLUMN_ALBUM_POSTING, from, to, value);
    mark_postings(marking, SEARCH_SONGS, part->track_number, COLUMN_WORD_TRACKS,
                  COLUMN_TRACK_POSTING, from, to, value);
}

/* --- 2. marks for what belongs to it --- */

static void lift(uint8_t *marks, const uint32_t *items, uint32_t count, unsigned value)
{
    for (uint32_t i = 0; i < count; i++)
        mark(&marks[items[i]], value, 0);
}

/* Calls for every mark that is not zero; skips sixteen empty ones at a time. */
#define FOR_MARKS(number, marks, count)                                                       \
    for (uint32_t number##_block = 0; number##_block < (count); number##_block += SIMD_BYTES) \
        for (uint32_t number##_mask =                                                         \
                 ~simd_mask(simd_equal(simd_load((marks) + number##_block), simd_fill(0))) &  \
                 0xffff,                                                                      \
                      number = 0;                                                             \
             number##_mask &&                                                                 \
             (number = number##_block + (uint32_t)__builtin_ctz(number##_mask), true);        \
             number##_mask &= number##_mask - 1)

static void lift_artists(struct search *search)
{
    const struct catalog *catalog = search->view.catalog;
    const struct relation *albums = &catalog->artist_albums, *tracks = &catalog->artist_tracks;
    const uint8_t *marks = search->word + search->start[SEARCH_ARTISTS];
    FOR_MARKS(artist, marks, catalog->counts[CATALOG_ARTIST])
    {
        unsigned value = marks[artist] & MARK_VALUE & ~(unsigned)MARK_OWN;
        lift(search->word + search->start[SEARCH_ALBUMS], albums->items + albums->start[artist],
             albums->start[artist + 1] - albums->start[artist], value);
        lift(search->word + search->start[SEARCH_SONGS], tracks->items + tracks->start[artist],
             tracks->start[artist + 1] - tracks->start[artist], value);
    }
}

static void lift_albums(struct search *search)
{
    const struct catalog *catalog = search->view.catalog;
    const uint8_t *marks = search->word + search->start[SEARCH_ALBUMS];
    uint8_t *tracks = search->word + search->start[SEARCH_SONGS];
    FOR_MARKS(album, marks, catalog->counts[CATALOG_ALBUM])
    {
        unsigned value = marks[album] & MARK_VALUE & ~(unsigned)MARK_OWN;
        for (uint32_t track = catalog->album_first[album]; track < catalog->album_first[album + 1];
             track++)
            mark(&tracks[track], value, 0);
    }
}

/* --- 3. all words --- */

static void combine(struct search *search)
{
    const simd16 value = simd_fill(MARK_VALUE), first = simd_fill(MARK_FIRST);
    for (size_t at = 0; at < search->start[SEARCH_KINDS]; at += SIMD_BYTES) {
        simd16 all = simd_load(search->all + at), word = simd_load(search->word + at);
        simd_store(search->all + at, simd_least(all & value, word & value) | (all & first));
    }
}

/* The joined words stand for all of them, wherever that is better. */
static void combine_joined(struct search *search)
{
    const simd16 value = simd_fill(MARK_VALUE), first = simd_fill(MARK_FIRST);
    for (size_t at = 0; at < search->start[SEARCH_KINDS]; at += SIMD_BYTES) {
        simd16 all = simd_load(search->all + at), word = simd_load(search->word + at);
        simd_store(search->all + at, simd_most(all & value, word & value) | ((all | word) & first));
    }
}

static void mark_word(struct search *search, const struct match_word *word, bool with_edits)
{
    const struct catalog *catalog = search->view.catalog;
    bytes_fill(search->word, 0, search->start[SEARCH_KINDS]);
    for (uint32_t part = 0; part < catalog->part_count; part++) {
        struct marking marking = {search, part};
        match_dictionary(catalog->parts[part].segment, word, with_edits, mark_words, &marking);
    }
    lift_artists(search);
    lift_albums(search);
}

static void mark_all(struct search *search, bool with_edits)
{
    for (unsigned i = 0; i < search->word_count; i++) {
        mark_word(search, &search->words[i], with_edits);
        if (i == 0)
            bytes_copy(search->all, search->word, search->start[SEARCH_KINDS]);
        else
            combine(search);
    }
    if (search->joined.text.size) {
        mark_word(search, &search->joined, false);
        combine_joined(search);
    }
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

/* How a folded name as a whole compares with the query: a tier, or 0. */
static unsigned name_tier(struct text name, struct text whole)
{
    if (same_but_spaces(name, whole))
        return TIER_EXACT;
    if (!bytes_start(name, whole))
        return 0;
    return name.data[whole.size] == ' ' ? TIER_BEGINS_WORD : TIER_BEGINS;
}

static unsigned better(unsigned a, unsigned b) { return a == 0 || (b != 0 && b < a) ? b : a; }

/* Of the name, the name behind its article, and what it is put in order by. */
static unsigned names_tier(const struct search *search, enum search_kind kind, uint32_t number)
{
    static const enum segment_column folded[SEARCH_KINDS] = {
        COLUMN_ARTIST_FOLDED, COLUMN_ALBUM_FOLDED, COLUMN_TRACK_FOLDED};
    static const enum segment_column orders[SEARCH_KINDS] = {
        COLUMN_ARTIST_ORDER, COLUMN_ALBUM_ORDER, COLUMN_TRACK_FOLDED};
    const struct catalog *catalog = search->view.catalog;
    uint32_t ref = catalog->refs[kind_of[kind]][number];
    struct text name = snapshot_text(catalog, folded[kind], ref);
    unsigned tier = name_tier(name, search->whole);
    size_t article = fold_article(name, TEXT(FOLD_USUAL_ARTICLES));
    if (article)
        tier = better(
            tier, name_tier(text_make(name.data + article, name.size - article), search->whole));
    if (kind != SEARCH_SONGS)
        tier = better(tier, name_tier(snapshot_text(catalog, orders[kind], ref), search->whole));
    return tier;
}

/* Turns the marks of a kind into tiers, in place, and counts them; returns how many hits. */
static uint32_t rank(struct search *search, enum search_kind kind)
{
    const struct catalog *catalog = search->view.catalog;
    const uint32_t *seen_in = catalog->seen_in[kind_of[kind]];
    uint8_t *marks = search->all + search->start[kind];
    uint32_t *tiers = search->tiers[kind], hits = 0;
    bytes_fill(tiers, 0, sizeof search->tiers[kind]);
    FOR_MARKS(number, marks, catalog->counts[kind_of[kind]])
    {
        unsigned value = marks[number] & MARK_VALUE, tier = 0;
        if (value && (seen_in[number] & search->view.libraries)) {
            if ((marks[number] & MARK_FIRST) && value > MATCH_INSIDE * 2)
                tier = names_tier(search, kind, number);
            tier = tier ? tier : TIER_WORDS + MARK_BEST - value;
            tiers[tier]++;
            hits++;
        }
        marks[number] = (uint8_t)tier;
    }
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
    (void)take_tier(search->all + search->start[kind], catalog->counts[kind_of[kind]], tier, 0,
                    numbers, count);
    for (uint32_t i = 0; i < count; i++)
        keys[i] =
            UINT32_MAX - search->query->plays(search->query->context, kind_of[kind],
                                              snapshot_id(catalog, kind_of[kind], numbers[i]));
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
                take_tier(search->all + search->start[kind],
                          search->view.catalog->counts[kind_of[kind]], tier, skip, ret, room);
        skip = 0;
    }
}

static void find_everything(struct search *search)
{
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++) {
        struct search_page *page = &search->query->pages[kind];
        page->total = catalog_count(search->view, kind_of[kind]);
        page->count =
            page->max ? catalog_all(search->view, kind_of[kind], page->offset, page->ret, page->max)
                      : 0;
    }
}

static size_t rank_all(struct search *search)
{
    size_t hits = 0;
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++) {
        search->query->pages[kind].total = rank(search, (enum search_kind)kind);
        hits += search->query->pages[kind].total;
    }
    return hits;
}

static void find_words(struct search *search)
{
    const struct catalog *catalog = search->view.catalog;
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++)
        search->start[kind + 1] =
            search->start[kind] +
            (catalog->counts[kind_of[kind]] + SIMD_BYTES) / SIMD_BYTES * SIMD_BYTES;
    search->all = scratch_alloc(catalog, search->start[SEARCH_KINDS]);
    search->word = scratch_alloc(catalog, search->start[SEARCH_KINDS]);
    mark_all(search, false);
    if (rank_all(search) < SEARCH_FEW) {
        mark_all(search, true);
        (void)rank_all(search);
    }
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++)
        fill_page(search, (enum search_kind)kind);
    scratch_free(catalog, search->word);
    scratch_free(catalog, search->all);
}

void catalog_search(struct catalog_view view, struct search_query *query)
{
    struct search search;
    search.view = view;
    search.query = query;
    search.word_count = 0;
    search.start[0] = 0;
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++)
        query->pages[kind].count = query->pages[kind].total = 0;
    read_query(&search);
    if (search.word_count == 0)
        find_everything(&search);
    else
        find_words(&search);
}
