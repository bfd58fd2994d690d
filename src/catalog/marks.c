// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/marks.h"

enum {
    LONGER = 16
}; /* a list this many times longer than the tracks left is searched, not walked */

void marks_init(struct marks *marks, const struct catalog *catalog)
{
    *marks = (struct marks){.catalog = catalog};
    for (unsigned kind = 0; kind < SEARCH_KINDS; kind++) {
        size_t count = catalog->counts[marks_kind((enum search_kind)kind)];
        marks->start[kind + 1] =
            marks->start[kind] + (count + SIMD_BYTES) / SIMD_BYTES * SIMD_BYTES;
    }
    marks->all = scratch_alloc(catalog, marks->start[SEARCH_KINDS]);
    marks->word = scratch_alloc(catalog, marks->start[SEARCH_KINDS]);
    marks->left = scratch_alloc(catalog, MARKS_NARROW * sizeof *marks->left);
}

void marks_release(struct marks *marks)
{
    scratch_free(marks->catalog, marks->left);
    scratch_free(marks->catalog, marks->word);
    scratch_free(marks->catalog, marks->all);
}

/* --- 1. from postings --- */

static inline void mark(uint8_t *at, unsigned value, unsigned place)
{
    unsigned had = *at & MARK_VALUE;
    *at = (uint8_t)((had > value ? had : value) | ((*at | place) & MARK_PLACE));
}

struct posting_columns {
    enum segment_column start, posting;
};

static const struct posting_columns postings_of[SEARCH_KINDS] = {
    [SEARCH_ARTISTS] = {COLUMN_WORD_ARTISTS, COLUMN_ARTIST_POSTING},
    [SEARCH_ALBUMS] = {COLUMN_WORD_ALBUMS, COLUMN_ALBUM_POSTING},
    [SEARCH_SONGS] = {COLUMN_WORD_TRACKS, COLUMN_TRACK_POSTING},
};

static const uint32_t *numbers_of(const struct catalog_part *part, enum search_kind kind)
{
    return kind == SEARCH_ARTISTS  ? part->artist_number
           : kind == SEARCH_ALBUMS ? part->album_number
                                   : part->track_number;
}

/* The quick way for tracks: numbers are rows. */
static void walk_rows(uint8_t *bytes, const uint8_t *wanted, const uint32_t *posting,
                      uint32_t count, unsigned value)
{
    if (!wanted)
        for (uint32_t i = 0; i < count; i++)
            mark(&bytes[posting[i] >> POSTING_PLACE_BITS], value, posting[i] << MARK_PLACE_SHIFT);
    else
        for (uint32_t i = 0; i < count; i++)
            if (wanted[posting[i] >> POSTING_PLACE_BITS])
                mark(&bytes[posting[i] >> POSTING_PLACE_BITS], value,
                     posting[i] << MARK_PLACE_SHIFT);
}

static void walk_postings(struct marks *marks, enum search_kind kind, uint32_t from, uint32_t to,
                          unsigned value)
{
    const struct catalog *catalog = marks->catalog;
    const struct catalog_part *part = &catalog->parts[marks->part];
    const uint32_t *start = segment_u32s(part->segment, postings_of[kind].start);
    const uint32_t *posting = segment_u32s(part->segment, postings_of[kind].posting);
    const uint32_t *numbers = numbers_of(part, kind);
    const uint32_t *refs = catalog->part_count > 1 ? catalog->refs[marks_kind(kind)] : NULL;
    const uint8_t *wanted =
        kind == SEARCH_SONGS && marks->is_narrow ? marks->all + marks->start[kind] : NULL;
    uint8_t *bytes = marks->word + marks->start[kind];
    if (kind == SEARCH_SONGS && part->tracks_are_rows) {
        walk_rows(bytes, wanted, posting + start[from], start[to] - start[from], value);
        return;
    }
    for (uint32_t i = start[from]; i < start[to]; i++) {
        uint32_t row = posting[i] >> POSTING_PLACE_BITS, number = numbers[row];
        if (number == NOBODY || (refs && refs[number] != (marks->part << 24 | row)))
            continue; /* dead, or another part's row won */
        if (!wanted || wanted[number])
            mark(&bytes[number], value, posting[i] << MARK_PLACE_SHIFT);
    }
}

/* Looks for each track that is left in the list of one word. */
static void search_postings(struct marks *marks, uint32_t word, unsigned value)
{
    const struct catalog *catalog = marks->catalog;
    const struct segment *segment = catalog->parts[marks->part].segment;
    const uint32_t *start = segment_u32s(segment, COLUMN_WORD_TRACKS);
    const uint32_t *posting = segment_u32s(segment, COLUMN_TRACK_POSTING);
    uint8_t *bytes = marks->word + marks->start[SEARCH_SONGS];
    for (uint32_t i = 0; i < marks->left_count; i++) {
        uint32_t ref = catalog->refs[CATALOG_TRACK][marks->left[i]], row = snapshot_row(ref);
        uint32_t low = start[word], high = start[word + 1];
        if (ref >> 24 != marks->part)
            continue;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (posting[middle] >> POSTING_PLACE_BITS < row)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < start[word + 1] && posting[low] >> POSTING_PLACE_BITS == row)
            mark(&bytes[marks->left[i]], value, posting[low] << MARK_PLACE_SHIFT);
    }
}

static void mark_tracks(struct marks *marks, uint32_t from, uint32_t to, unsigned value)
{
    const uint32_t *start =
        segment_u32s(marks->catalog->parts[marks->part].segment, COLUMN_WORD_TRACKS);
    uint32_t few = marks->left_count * LONGER + LONGER;
    if (!marks->is_narrow || start[to] - start[from] <= few) {
        walk_postings(marks, SEARCH_SONGS, from, to, value);
        return;
    }
    for (uint32_t word = from; word < to; word++) {
        if (start[word + 1] - start[word] <= few)
            walk_postings(marks, SEARCH_SONGS, word, word + 1, value);
        else
            search_postings(marks, word, value);
    }
}

static void clear_word(struct marks *marks)
{
    uint8_t *tracks = marks->word + marks->start[SEARCH_SONGS];
    bytes_fill(marks->word, 0, marks->start[marks->is_narrow ? SEARCH_SONGS : SEARCH_KINDS]);
    for (uint32_t i = 0; marks->is_narrow && i < marks->left_count; i++)
        tracks[marks->left[i]] = 0;
}

static void mark_words(void *context, uint32_t from, uint32_t to, enum match_quality quality)
{
    struct marks *marks = context;
    unsigned value = (unsigned)quality * 2 + MARK_OWN;
    if (!marks->has_found)
        clear_word(marks);
    marks->has_found = true;
    walk_postings(marks, SEARCH_ARTISTS, from, to, value);
    walk_postings(marks, SEARCH_ALBUMS, from, to, value);
    mark_tracks(marks, from, to, value);
}

/* --- 2. for what belongs to it --- */

static void lift(uint8_t *bytes, const struct relation *relation, uint32_t owner, unsigned value)
{
    for (uint32_t i = relation->start[owner]; i < relation->start[owner + 1]; i++)
        mark(&bytes[relation->items[i]], value, 0);
}

static unsigned lifted(uint8_t mark_byte) { return mark_byte & MARK_VALUE & ~(unsigned)MARK_OWN; }

static void lift_artists(struct marks *marks)
{
    const struct catalog *catalog = marks->catalog;
    const uint8_t *artists = marks->word + marks->start[SEARCH_ARTISTS];
    FOR_MARKS(artist, artists, catalog->counts[CATALOG_ARTIST])
    {
        lift(marks->word + marks->start[SEARCH_ALBUMS], &catalog->artist_albums, artist,
             lifted(artists[artist]));
        if (!marks->is_narrow)
            lift(marks->word + marks->start[SEARCH_SONGS], &catalog->artist_tracks, artist,
                 lifted(artists[artist]));
    }
}

static void lift_albums(struct marks *marks)
{
    const struct catalog *catalog = marks->catalog;
    const uint8_t *albums = marks->word + marks->start[SEARCH_ALBUMS];
    uint8_t *tracks = marks->word + marks->start[SEARCH_SONGS];
    FOR_MARKS(album, albums, catalog->counts[CATALOG_ALBUM])
    for (uint32_t track = catalog->album_first[album]; track < catalog->album_first[album + 1];
         track++)
        mark(&tracks[track], lifted(albums[album]), 0);
}

/* The other way round: a track that is left fetches the marks of its album and of the artists
 * credited on it. */
static void fetch_lifted(struct marks *marks, uint32_t track)
{
    const struct catalog *catalog = marks->catalog;
    const uint8_t *artists = marks->word + marks->start[SEARCH_ARTISTS];
    uint8_t *own = marks->word + marks->start[SEARCH_SONGS] + track;
    uint32_t ref = catalog->refs[CATALOG_TRACK][track], row = snapshot_row(ref);
    const struct catalog_part *part = &catalog->parts[ref >> 24];
    const uint32_t *credits = segment_u32s(part->segment, COLUMN_TRACK_CREDIT);
    mark(own, lifted(marks->word[marks->start[SEARCH_ALBUMS] + catalog->track_album[track]]), 0);
    for (uint32_t i = credits[row]; i < credits[row + 1]; i++)
        mark(own,
             lifted(artists[part->artist_number[segment_u32(part->segment,
                                                            COLUMN_TRACK_CREDIT_ARTIST, i)]]),
             0);
}

/* --- 3. all words --- */

/* Place bits are those of the query's first word, whenever it comes. */
static void combine(struct marks *marks, size_t from, size_t to, bool is_query_first)
{
    const simd16 value = simd_fill(MARK_VALUE), place = simd_fill(MARK_PLACE);
    for (size_t at = from; at < to; at += SIMD_BYTES) {
        simd16 all = simd_load(marks->all + at), word = simd_load(marks->word + at);
        simd16 least = simd_least(all & value, word & value),
               is_out = simd_equal(least, simd_fill(0));
        simd_store(marks->all + at, least | ((is_query_first ? word : all) & place & ~is_out));
    }
}

static void combine_narrow(struct marks *marks, bool is_query_first)
{
    uint8_t *all = marks->all + marks->start[SEARCH_SONGS],
            *word = marks->word + marks->start[SEARCH_SONGS];
    uint32_t left = 0;
    combine(marks, 0, marks->start[SEARCH_SONGS], is_query_first);
    for (uint32_t i = 0; i < marks->left_count; i++) {
        uint32_t track = marks->left[i];
        fetch_lifted(marks, track);
        unsigned value = all[track] & MARK_VALUE, own = word[track] & MARK_VALUE;
        unsigned place = (is_query_first ? word[track] : all[track]) & MARK_PLACE;
        value = own < value ? own : value;
        all[track] = (uint8_t)(value ? value | place : 0);
        if (value)
            marks->left[left++] = track;
    }
    marks->left_count = left;
}

static void combine_joined(struct marks *marks)
{
    const simd16 value = simd_fill(MARK_VALUE), place = simd_fill(MARK_PLACE);
    for (size_t at = 0; at < marks->start[SEARCH_KINDS]; at += SIMD_BYTES) {
        simd16 all = simd_load(marks->all + at), word = simd_load(marks->word + at);
        simd_store(marks->all + at, simd_most(all & value, word & value) | ((all | word) & place));
    }
}

/* Turns narrow when few tracks are left. */
static void narrow(struct marks *marks)
{
    const uint8_t *tracks = marks->all + marks->start[SEARCH_SONGS];
    uint32_t count = 0;
    FOR_MARKS(track, tracks, marks->catalog->counts[CATALOG_TRACK])
    {
        if (count == MARKS_NARROW)
            return;
        marks->left[count++] = track;
    }
    marks->left_count = count;
    marks->is_narrow = true;
}

/* Marks of one word, lifted; false when nothing at all has it. */
static bool mark_word(struct marks *marks, const struct match_word *word, bool with_edits)
{
    marks->has_found = false;
    for (marks->part = 0; marks->part < marks->catalog->part_count; marks->part++)
        match_dictionary(marks->catalog->parts[marks->part].segment, word, with_edits, mark_words,
                         marks);
    if (!marks->has_found)
        return false;
    lift_artists(marks);
    if (!marks->is_narrow)
        lift_albums(marks);
    return true;
}

/* Order of words by how much they mark, least first: cheap ones leave less for the others. */
static void order_words(const struct marks *marks, const struct match_word *words, unsigned count,
                        unsigned *order)
{
    uint64_t weights[SEARCH_MAX_WORDS];
    for (unsigned i = 0; i < count; i++) {
        uint64_t weight = 0;
        for (uint32_t part = 0; part < marks->catalog->part_count; part++)
            weight += match_weight(marks->catalog->parts[part].segment, &words[i]);
        unsigned at = i;
        for (; at > 0 && weights[at - 1] > weight; at--) {
            weights[at] = weights[at - 1];
            order[at] = order[at - 1];
        }
        weights[at] = weight;
        order[at] = i;
    }
}

/* False when a word is nowhere. */
static bool mark_all_words(struct marks *marks, const struct match_word *words, unsigned count,
                           bool with_edits)
{
    unsigned order[SEARCH_MAX_WORDS];
    order_words(marks, words, count, order);
    for (unsigned i = 0; i < count; i++) {
        bool is_query_first = order[i] == 0;
        if (!mark_word(marks, &words[order[i]], with_edits))
            return false;
        if (i == 0) {
            bytes_copy(marks->all, marks->word, marks->start[SEARCH_KINDS]);
            for (size_t at = 0; !is_query_first && at < marks->start[SEARCH_KINDS];
                 at += SIMD_BYTES)
                simd_store(marks->all + at, simd_load(marks->all + at) & simd_fill(MARK_VALUE));
        } else if (marks->is_narrow) {
            combine_narrow(marks, is_query_first);
        } else {
            combine(marks, 0, marks->start[SEARCH_KINDS], is_query_first);
        }
        if (!marks->is_narrow && i + 1 < count)
            narrow(marks);
    }
    return true;
}

void marks_find(struct marks *marks, const struct match_word *words, unsigned count,
                const struct match_word *joined, bool with_edits)
{
    marks->is_narrow = false;
    if (!mark_all_words(marks, words, count, with_edits))
        bytes_fill(marks->all, 0, marks->start[SEARCH_KINDS]);
    marks->is_narrow = false;
    if (joined->text.size && mark_word(marks, joined, false))
        combine_joined(marks);
}
