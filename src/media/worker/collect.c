// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/worker/collect.h"

#include "base/mem.h"
#include "media/lrc.h"
#include "media/worker/words.h"

#include <stdlib.h>

enum { MAX_NAMES = 256, MAX_NAME_BYTES = 64, UUID_BYTES = 36 };

/* --- names: every spelling in tags.def, sorted, once --- */

struct name {
    struct text spelling;
    enum media_tag_kind kind;
    unsigned rank;
};

struct collect_names {
    struct name names[MAX_NAMES];
    size_t count;
};

static const struct {
    enum media_tag_kind kind;
    const char *spellings;
} rows[] = {
#define MEDIA_TAG(number, id, word, spellings) {MEDIA_TAG_##id, spellings},
#include "media/tags.def"
#undef MEDIA_TAG
};

static int compare_names(const void *a, const void *b)
{
    const struct name *left = a, *right = b;
    return text_compare(left->spelling, right->spelling);
}

struct collect_names *collect_names_new(void)
{
    struct collect_names *names = MEM_NEW(struct collect_names);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct text rest = text_of(rows[i].spellings), spelling;
        for (unsigned rank = 0; names->count < MAX_NAMES && text_split(&rest, '|', &spelling);
             rank++)
            names->names[names->count++] = (struct name){spelling, rows[i].kind, rank};
    }
    qsort(names->names, names->count, sizeof names->names[0], compare_names);
    return names;
}

void collect_names_free(struct collect_names **names) { mem_free_p(names); }

/* The first of the rows with this spelling (one name may feed several kinds), or the count. */
static size_t names_find(const struct collect_names *names, struct text spelling)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (text_compare(names->names[middle].spelling, spelling) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- life --- */

void collect_begin(struct collect *collect, const struct collect_names *names, struct arena *arena)
{
    *collect = (struct collect){.arena = arena, .names = names};
    buffer_init(&collect->scratch, 4 * COLLECT_LYRICS_BYTES);
    collect->found = mem_alloc(COLLECT_MAX_TAGS * sizeof *collect->found);
}

void collect_end(struct collect *collect)
{
    buffer_release(&collect->scratch);
    mem_free_p(&collect->found);
}

void collect_next_layer(struct collect *collect) { collect->layer++; }

static struct text keep(struct collect *collect, struct text t, size_t limit, bool keep_lines)
{
    buffer_reset(&collect->scratch);
    collect->is_partial |= words_clean(t, keep_lines, limit, &collect->scratch);
    return arena_text(collect->arena, buffer_view(&collect->scratch));
}

static void push(struct collect *collect, enum media_tag_kind kind, unsigned rank,
                 struct text value, struct text detail)
{
    if (!value.size)
        return;
    for (size_t i = 0; i < collect->found_count; i++)
        if (collect->found[i].tag.kind == kind && collect->found[i].layer < collect->layer)
            return; /* closed */
    size_t limit = kind == MEDIA_TAG_COMMENT ? COLLECT_COMMENT_BYTES : COLLECT_VALUE_BYTES;
    if (collect->found_count == COLLECT_MAX_TAGS ||
        collect->bytes + value.size > COLLECT_ALL_BYTES) {
        collect->is_partial = true;
        return;
    }
    struct media_tag tag = {kind, keep(collect, value, limit, kind == MEDIA_TAG_COMMENT),
                            TEXT_NONE};
    if (detail.size)
        tag.detail = keep(collect, detail, COLLECT_VALUE_BYTES, false);
    collect->bytes += tag.value.size + tag.detail.size;
    if (tag.value.size)
        collect->found[collect->found_count++] = (struct collected){tag, collect->layer, rank};
}

/* --- rules per kind --- */

/* "3/12", "03", "A2" (vinyl: its digits) */
static void push_position(struct collect *collect, enum media_tag_kind kind, unsigned rank,
                          struct text value)
{
    enum media_tag_kind total =
        kind == MEDIA_TAG_TRACK ? MEDIA_TAG_TRACK_TOTAL : MEDIA_TAG_DISC_TOTAL;
    struct text rest = value, part;
    enum media_tag_kind kinds[] = {kind, total};
    for (size_t i = 0; i < 2 && text_split(&rest, '/', &part); i++) {
        size_t begin = 0, end;
        while (begin < part.size && (part.data[begin] < '0' || part.data[begin] > '9'))
            begin++;
        while (begin + 1 < part.size && part.data[begin] == '0' && part.data[begin + 1] >= '0' &&
               part.data[begin + 1] <= '9')
            begin++;
        for (end = begin; end < part.size && part.data[end] >= '0' && part.data[end] <= '9'; end++)
            ;
        struct text digits = {part.data + begin, end - begin};
        if (digits.size && digits.size <= 5 && !text_equal(digits, TEXT("0")))
            push(collect, kinds[i], rank, digits, TEXT_NONE);
    }
}

static bool is_genre_end(struct text rest, size_t at, size_t *ret_width)
{
    *ret_width = 1;
    if (rest.data[at] == ';')
        return true;
    *ret_width = 3;
    return at + 3 <= rest.size && !memcmp(rest.data + at, " / ", 3);
}

static void push_genres(struct collect *collect, unsigned rank, struct text value)
{
    size_t begin = 0, width;
    for (size_t at = 0; at < value.size; at++) {
        if (!is_genre_end(value, at, &width))
            continue;
        push(collect, MEDIA_TAG_GENRE, rank, text_trim(text_make(value.data + begin, at - begin)),
             TEXT_NONE);
        begin = at + width;
        at = begin - 1;
    }
    push(collect, MEDIA_TAG_GENRE, rank, text_trim(text_from(value, begin)), TEXT_NONE);
}

static bool uuid_at(const char *at, char *ret)
{
    for (size_t i = 0; i < UUID_BYTES; i++) {
        char c = at[i];
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (c >= 'A' && c <= 'F')
            c = (char)(c | 0x20);
        if (is_dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        ret[i] = c;
    }
    return true;
}

/* Some taggers write several into one value, with any separator. */
static void push_uuids(struct collect *collect, enum media_tag_kind kind, unsigned rank,
                       struct text value)
{
    char uuid[UUID_BYTES];
    for (size_t at = 0; at + UUID_BYTES <= value.size; at++) {
        if (!uuid_at(value.data + at, uuid))
            continue;
        push(collect, kind, rank, text_make(uuid, sizeof uuid), TEXT_NONE);
        at += UUID_BYTES - 1;
    }
}

/* The number at the front ("-6.20 dB"), rewritten plainly; nothing else passes. */
static void push_number(struct collect *collect, enum media_tag_kind kind, unsigned rank,
                        struct text value, double least, double most)
{
    size_t size = 0;
    double number;
    value = text_trim(value);
    if (value.size && value.data[0] == '+')
        value = text_from(value, 1);
    while (size < value.size && size < 24 && strchr("-.0123456789", value.data[size]))
        size++;
    if (!size || !text_to_double(text_make(value.data, size), &number) ||
        !(number >= least && number <= most))
        return;
    char digits[32];
    int written = snprintf(digits, sizeof digits, "%.6g", number);
    push(collect, kind, rank, text_make(digits, (size_t)written), TEXT_NONE);
}

/* RFC 7845 5.2.1; used when the file has no ReplayGain of its own (rank behind all spellings). */
static void push_r128(struct collect *collect, enum media_tag_kind kind, struct text value)
{
    int64_t q;
    if (text_starts(value, TEXT("+")))
        value = text_from(value, 1);
    if (!text_to_i64(value, &q) || q < -32768 || q > 32767)
        return;
    char digits[32];
    int written = snprintf(digits, sizeof digits, "%.6g", (double)q / 256 + 5);
    push(collect, kind, 9, text_make(digits, (size_t)written), TEXT_NONE);
}

static void push_performer(struct collect *collect, unsigned rank, struct text value,
                           struct text detail)
{
    size_t open = text_find_byte(value, '(');
    if (!detail.size && open != SIZE_MAX && open > 0 &&
        text_ends(value, TEXT(")"))) { /* "Name (piano)", Vorbis */
        detail = text_make(value.data + open + 1, value.size - open - 2);
        value = text_trim(text_make(value.data, open));
    }
    char lower[MAX_NAME_BYTES];
    size_t size = detail.size < sizeof lower ? detail.size : sizeof lower;
    for (size_t i = 0; i < size; i++)
        lower[i] = (char)(detail.data[i] >= 'A' && detail.data[i] <= 'Z' ? detail.data[i] | 0x20
                                                                         : detail.data[i]);
    push(collect, MEDIA_TAG_PERFORMER, rank, value, text_make(lower, size));
}

static void push_flag(struct collect *collect, enum media_tag_kind kind, unsigned rank,
                      struct text value)
{
    if (kind == MEDIA_TAG_COMPILATION) {
        if (text_equal(value, TEXT("1")) || text_equal_nocase(value, TEXT("true")) ||
            text_equal_nocase(value, TEXT("yes")))
            push(collect, kind, rank, TEXT("1"), TEXT_NONE);
    } else if (text_equal(value, TEXT("1")) || text_equal(value, TEXT("4"))) {
        push(collect, kind, rank, TEXT("explicit"), TEXT_NONE);
    } else if (text_equal(value, TEXT("2"))) {
        push(collect, kind, rank, TEXT("clean"), TEXT_NONE);
    }
}

static void add_as(struct collect *collect, const struct name *name, struct text value,
                   struct text detail)
{
    switch (name->kind) {
    case MEDIA_TAG_TRACK:
    case MEDIA_TAG_DISC:
        push_position(collect, name->kind, name->rank, value);
        break;
    case MEDIA_TAG_GENRE:
        push_genres(collect, name->rank, value);
        break;
    case MEDIA_TAG_MB_RECORDING:
    case MEDIA_TAG_MB_TRACK:
    case MEDIA_TAG_MB_ALBUM:
    case MEDIA_TAG_MB_RELEASE_GROUP:
    case MEDIA_TAG_MB_ARTIST:
    case MEDIA_TAG_MB_ALBUM_ARTIST:
    case MEDIA_TAG_MB_WORK:
        push_uuids(collect, name->kind, name->rank, value);
        break;
    case MEDIA_TAG_REPLAYGAIN_TRACK_GAIN:
    case MEDIA_TAG_REPLAYGAIN_ALBUM_GAIN:
        push_number(collect, name->kind, name->rank, value, -100, 100);
        break;
    case MEDIA_TAG_REPLAYGAIN_TRACK_PEAK:
    case MEDIA_TAG_REPLAYGAIN_ALBUM_PEAK:
        push_number(collect, name->kind, name->rank, value, 0, 1000);
        break;
    case MEDIA_TAG_BPM:
        push_number(collect, name->kind, name->rank, value, 1, 2000);
        break;
    case MEDIA_TAG_PERFORMER:
        push_performer(collect, name->rank, value, detail);
        break;
    case MEDIA_TAG_COMPILATION:
    case MEDIA_TAG_EXPLICIT:
        push_flag(collect, name->kind, name->rank, value);
        break;
    default:
        push(collect, name->kind, name->rank, value, TEXT_NONE);
    }
}

void collect_add(struct collect *collect, struct text name, struct text value)
{
    char upper[MAX_NAME_BYTES];
    size_t colon = text_find_byte(name, ':');
    struct text detail = colon == SIZE_MAX ? TEXT_NONE : text_from(name, colon + 1);
    name.size = colon < name.size ? colon : name.size;
    value = text_trim(value);
    if (!name.size || name.size > sizeof upper || !value.size)
        return;
    for (size_t i = 0; i < name.size; i++)
        upper[i] = (char)(name.data[i] >= 'a' && name.data[i] <= 'z' ? name.data[i] & ~0x20
                                                                     : name.data[i]);
    name.data = upper;
    if (detail.size && !text_equal(name, TEXT("PERFORMER")))
        return; /* "COMMENT:iTunNORM" and the like are programs' notes */
    for (size_t i = names_find(collect->names, name);
         i < collect->names->count && text_equal(collect->names->names[i].spelling, name); i++)
        add_as(collect, &collect->names->names[i], value, detail);
    if (text_equal(name, TEXT("R128_TRACK_GAIN")))
        push_r128(collect, MEDIA_TAG_REPLAYGAIN_TRACK_GAIN, value);
    else if (text_equal(name, TEXT("R128_ALBUM_GAIN")))
        push_r128(collect, MEDIA_TAG_REPLAYGAIN_ALBUM_GAIN, value);
    else if (text_equal(name, TEXT("LYRICS")) || text_equal(name, TEXT("UNSYNCEDLYRICS")) ||
             text_equal(name, TEXT("SYNCEDLYRICS")))
        collect_lyrics_text(collect, TEXT_NONE, value);
}

/* --- lyrics --- */

static struct text language_of(struct collect *collect, struct text language)
{
    char lower[3];
    if (language.size != 3)
        return TEXT_NONE;
    for (size_t i = 0; i < 3; i++) {
        lower[i] = (char)(language.data[i] | 0x20);
        if (lower[i] < 'a' || lower[i] > 'z')
            return TEXT_NONE;
    }
    struct text code = {lower, 3};
    return text_equal(code, TEXT("xxx")) || text_equal(code, TEXT("und"))
               ? TEXT_NONE
               : arena_text(collect->arena, code);
}

static void push_lyrics(struct collect *collect, struct text language, struct media_lyrics *lyrics)
{
    if (collect->lyrics_count == COLLECT_MAX_LYRICS) {
        collect->is_partial = true;
        return;
    }
    lyrics->language = language_of(collect, language);
    collect->lyrics[collect->lyrics_count++] = *lyrics;
}

void collect_lyrics_text(struct collect *collect, struct text language, struct text source)
{
    struct media_lyrics lyrics;
    size_t room = COLLECT_LYRICS_BYTES -
                  (collect->bytes < COLLECT_LYRICS_BYTES ? collect->bytes : COLLECT_LYRICS_BYTES);
    struct text kept = keep(collect, source, room, true);
    collect->bytes += kept.size;
    if (kept.size && lrc_parse(kept, collect->arena, &lyrics))
        push_lyrics(collect, language, &lyrics);
}

static int compare_lines(const void *a, const void *b)
{
    const struct media_lyric_line *left = a, *right = b;
    return (left->start_ms > right->start_ms) - (left->start_ms < right->start_ms);
}

void collect_lyrics_lines(struct collect *collect, struct text language,
                          struct media_lyric_line *lines, size_t count)
{
    struct media_lyrics lyrics = {.is_synced = true, .line_count = count};
    struct media_lyric_line *kept =
        count ? arena_alloc(collect->arena, count * sizeof *kept) : NULL;
    if (!kept)
        return;
    for (size_t i = 0; i < count; i++) {
        kept[i] = lines[i];
        kept[i].text = keep(collect, lines[i].text, COLLECT_VALUE_BYTES, false);
        collect->bytes += kept[i].text.size + 8;
    }
    qsort(kept, count, sizeof *kept, compare_lines); /* rarely out of order; ties may swap */
    lyrics.lines = kept;
    if (collect->bytes < COLLECT_ALL_BYTES + COLLECT_LYRICS_BYTES)
        push_lyrics(collect, language, &lyrics);
}

/* --- the end --- */

static bool is_repeated(const struct media_tag *tags, size_t count, const struct media_tag *tag)
{
    for (size_t i = count; i-- > 0 && tags[i].kind == tag->kind;)
        if (text_equal(tags[i].value, tag->value) && text_equal(tags[i].detail, tag->detail))
            return true;
    return false;
}

/* Appends the values of one kind that its best spelling gave. */
static size_t take_kind(struct collect *collect, enum media_tag_kind kind, struct media_tag *tags,
                        size_t count)
{
    unsigned best = UINT32_MAX;
    for (size_t i = 0; i < collect->found_count; i++)
        if (collect->found[i].tag.kind == kind && collect->found[i].rank < best)
            best = collect->found[i].rank;
    for (size_t i = 0; best != UINT32_MAX && i < collect->found_count; i++) {
        const struct collected *found = &collect->found[i];
        if (found->tag.kind == kind && found->rank == best &&
            !is_repeated(tags, count, &found->tag))
            tags[count++] = found->tag;
    }
    return count;
}

/* ARTIST_DISPLAY says something only beside several artists, or as another spelling of the one. */
static size_t drop_plain_display(struct media_tag *tags, size_t count, enum media_tag_kind plain,
                                 enum media_tag_kind display)
{
    size_t kept = 0, plain_at = SIZE_MAX, displays = 0;
    for (size_t i = 0; i < count; i++) {
        plain_at = tags[i].kind == plain && plain_at == SIZE_MAX ? i : plain_at;
        displays += tags[i].kind == display;
    }
    for (size_t i = 0; i < count; i++) {
        bool is_plain = plain_at != SIZE_MAX && text_equal(tags[i].value, tags[plain_at].value);
        if (tags[i].kind != display || (displays == 1 && !is_plain))
            tags[kept++] = tags[i];
    }
    return kept;
}

void collect_finish(struct collect *collect, struct media_info *info)
{
    struct media_tag *tags = arena_alloc(collect->arena, (collect->found_count + 1) * sizeof *tags);
    size_t count = 0;
    for (size_t i = 0; tags && i < ARRAY_SIZE(rows); i++)
        count = take_kind(collect, rows[i].kind, tags, count);
    count = drop_plain_display(tags, count, MEDIA_TAG_ARTIST, MEDIA_TAG_ARTIST_DISPLAY);
    count = drop_plain_display(tags, count, MEDIA_TAG_ALBUM_ARTIST, MEDIA_TAG_ALBUM_ARTIST_DISPLAY);
    info->tags = tags;
    info->tag_count = count;
    info->lyrics = collect->lyrics; /* as long as the collector lives */
    info->lyrics_count = collect->lyrics_count;
    info->is_partial |= collect->is_partial || arena_overflowed(collect->arena);
}
