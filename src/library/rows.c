// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/rows.h"
#include "base/hash.h"
#include "library/filename.h"
#include <string.h>

static struct text tag(const struct track_facts *facts, enum media_tag_kind kind)
{
    return media_info_tag(facts->info, kind, 0);
}

static uint16_t number(struct text digits)
{
    uint64_t value = 0;
    size_t size = 0;
    while (size < digits.size && digits.data[size] >= '0' && digits.data[size] <= '9' && size < 6)
        value = value * 10 + (uint64_t)(digits.data[size++] - '0');
    return value <= UINT16_MAX ? (uint16_t)value : 0;
}

/* --- titles of files without one --- */

struct title {
    uint16_t track;
    struct text text;
};

/* "07 - Name", "07. Name", "07_Name" */
static struct title title_of_name(struct text name)
{
    struct title title = {0, filename_stem(name)};
    size_t at = 0;
    while (at < title.text.size && at < 3 && title.text.data[at] >= '0' &&
           title.text.data[at] <= '9')
        at++;
    size_t digits = at;
    while (at < title.text.size && strchr(" .-_", title.text.data[at]))
        at++;
    if (digits && at > digits && at < title.text.size) {
        title.track = number(text_make(title.text.data, digits));
        title.text = text_from(title.text, at);
    }
    return title;
}

/* --- lists --- */

static struct catalog_texts texts(const struct track_facts *facts, struct arena *arena,
                                  enum media_tag_kind kind)
{
    const struct media_info *info = facts->info;
    size_t count = 0;
    for (size_t i = 0; i < info->tag_count; i++)
        count += info->tags[i].kind == kind;
    struct text *items = count ? arena_alloc(arena, count * sizeof *items) : NULL;
    if (!items)
        return (struct catalog_texts){0};
    size_t filled = 0;
    for (size_t i = 0; i < info->tag_count; i++)
        if (info->tags[i].kind == kind)
            items[filled++] = info->tags[i].value;
    return (struct catalog_texts){.items = items, .count = (uint32_t)count};
}

/* Album artists are the album's; everybody else is credited on the track. */
static struct catalog_credits credits(const struct track_facts *facts, struct arena *arena)
{
    struct catalog_credit *items = arena_alloc(arena, (facts->credit_count + 1) * sizeof *items);
    uint32_t count = 0;
    for (size_t i = 0; items && i < facts->credit_count; i++) {
        const struct credit *credit = &facts->credits[i];
        if (credit->role == CATALOG_ROLE_ALBUM_ARTIST)
            continue;
        items[count++] = (struct catalog_credit){.artist = facts->artists[i],
                                                 .role = credit->role,
                                                 .name = credit->name,
                                                 .sub_role = credit->detail};
    }
    return (struct catalog_credits){.items = items, .count = count};
}

static struct text joined(const struct track_facts *facts, struct arena *arena,
                          enum catalog_role role)
{
    struct text line = TEXT_NONE;
    for (size_t i = 0; i < facts->credit_count; i++) {
        if (facts->credits[i].role != role)
            continue;
        struct text name = facts->credits[i].name;
        line =
            line.size ? arena_printf(arena, "%.*s, %.*s", TEXT_ARGS(line), TEXT_ARGS(name)) : name;
    }
    return line;
}

/* --- loudness --- */

static int16_t gain(struct text decibel)
{
    double value;
    if (!decibel.size || !text_to_double(decibel, &value) || !(value > -100 && value < 100))
        return CATALOG_NO_GAIN;
    return (int16_t)(value * 100 + (value < 0 ? -0.5 : 0.5));
}

static uint32_t peak(struct text ratio)
{
    double value;
    if (!ratio.size || !text_to_double(ratio, &value) || !(value > 0 && value < 100))
        return 0;
    return (uint32_t)(value * 1000000 + 0.5);
}

static struct catalog_gain gains(const struct track_facts *facts)
{
    return (struct catalog_gain){
        .track_cdb = gain(tag(facts, MEDIA_TAG_REPLAYGAIN_TRACK_GAIN)),
        .album_cdb = gain(tag(facts, MEDIA_TAG_REPLAYGAIN_ALBUM_GAIN)),
        .base_cdb = CATALOG_NO_GAIN,
        .fallback_cdb = CATALOG_NO_GAIN,
        .track_peak_ppm = peak(tag(facts, MEDIA_TAG_REPLAYGAIN_TRACK_PEAK)),
        .album_peak_ppm = peak(tag(facts, MEDIA_TAG_REPLAYGAIN_ALBUM_PEAK)),
    };
}

/* --- a track --- */

static enum catalog_explicit explicit_of(const struct track_facts *facts)
{
    struct text word = tag(facts, MEDIA_TAG_EXPLICIT);
    if (text_equal(word, TEXT("explicit")))
        return CATALOG_EXPLICIT;
    return text_equal(word, TEXT("clean")) ? CATALOG_CLEAN : CATALOG_EXPLICIT_UNKNOWN;
}

static uint16_t year_of(const struct track_facts *facts)
{
    static const enum media_tag_kind dates[] = {MEDIA_TAG_DATE, MEDIA_TAG_RELEASE_DATE,
                                                MEDIA_TAG_ORIGINAL_DATE};
    for (size_t i = 0; i < ARRAY_SIZE(dates); i++) {
        struct catalog_date date = grouping_date(tag(facts, dates[i]));
        if (date.year)
            return date.year;
    }
    return 0;
}

uint64_t rows_file_version(uint64_t size_bytes, int64_t mtime_ns)
{
    return hash_mix((uint64_t)mtime_ns ^ hash_mix(size_bytes)) >>
           11; /* 53 bits: exact in JavaScript, too */
}

static struct text suffix_of(enum media_codec codec) { return text_of(media_codec_suffix(codec)); }

static void fill_names(const struct track_facts *facts, struct arena *arena, struct track_row *row)
{
    struct title fallback = title_of_name(facts->name);
    struct text title = text_trim(tag(facts, MEDIA_TAG_TITLE));
    row->title = title.size ? title : fallback.text;
    row->sort_title = tag(facts, MEDIA_TAG_TITLE_SORT);
    row->track_number = number(tag(facts, MEDIA_TAG_TRACK));
    if (!row->track_number && !title.size)
        row->track_number = fallback.track;
    struct text shown = tag(facts, MEDIA_TAG_ARTIST_DISPLAY);
    if (!shown.size && !media_info_tag(facts->info, MEDIA_TAG_ARTIST, 1).data)
        shown = tag(facts, MEDIA_TAG_ARTIST); /* as printed: "A feat. B" */
    row->display_artist = shown.size ? shown : joined(facts, arena, CATALOG_ROLE_ARTIST);
    row->display_composer = joined(facts, arena, CATALOG_ROLE_COMPOSER);
}

bool rows_track(const struct track_facts *facts, struct arena *arena, struct track_row *ret)
{
    const struct media_info *info = facts->info;
    *ret = (struct track_row){
        .id = facts->id,
        .album = facts->album,
        .folder = facts->folder,
        .artwork = facts->artwork,
        .credits = credits(facts, arena),
        .genres = texts(facts, arena, MEDIA_TAG_GENRE),
        .moods = texts(facts, arena, MEDIA_TAG_MOOD),
        .isrcs = texts(facts, arena, MEDIA_TAG_ISRC),
        .works = texts(facts, arena, MEDIA_TAG_WORK),
        .movements = texts(facts, arena, MEDIA_TAG_MOVEMENT),
        .disc_number = number(tag(facts, MEDIA_TAG_DISC)),
        .year = year_of(facts),
        .bpm = number(tag(facts, MEDIA_TAG_BPM)),
        .duration_ms = info->duration_ms,
        .bit_rate_kbps = info->bitrate_kbps,
        .sampling_rate_hz = info->sample_rate,
        .bit_depth = (uint8_t)(info->bit_depth <= 64 ? info->bit_depth : 0),
        .channels = (uint8_t)(info->channels <= UINT8_MAX ? info->channels : 0),
        .explicit_status = explicit_of(facts),
        .has_lyrics = info->lyrics_count || facts->has_sidecar,
        .size_bytes = facts->size_bytes,
        .version = rows_file_version(facts->size_bytes, facts->mtime_ns),
        .created_ms = facts->created_ms,
        .modified_ms = facts->mtime_ns / 1000000,
        .path = facts->path,
        .suffix = suffix_of(info->codec),
        .content_type = text_of(media_codec_content_type(info->codec)),
        .comment = tag(facts, MEDIA_TAG_COMMENT),
        .musicbrainz_id = tag(facts, MEDIA_TAG_MB_RECORDING),
        .gain = gains(facts),
    };
    fill_names(facts, arena, ret);
    return !arena_overflowed(arena);
}

/* --- an album --- */

void album_summary_init(struct album_summary *summary, struct arena *arena)
{
    *summary = (struct album_summary){.arena = arena};
}

static void add_word(struct album_summary *summary, struct album_words *words, struct text word)
{
    for (uint32_t i = 0; i < words->count; i++)
        if (text_equal_nocase(words->items[i], word))
            return;
    struct text copy =
        words->count < ALBUM_MAX_WORDS ? arena_text(summary->arena, word) : TEXT_NONE;
    if (copy.data)
        words->items[words->count++] = copy;
}

static void add_words(struct album_summary *summary, const struct media_info *info)
{
    for (size_t i = 0; i < info->tag_count; i++) {
        const struct media_tag *each = &info->tags[i];
        if (each->kind == MEDIA_TAG_GENRE)
            add_word(summary, &summary->genres, each->value);
        else if (each->kind == MEDIA_TAG_MOOD)
            add_word(summary, &summary->moods, each->value);
        else if (each->kind == MEDIA_TAG_RELEASE_TYPE)
            add_word(summary, &summary->release_types, each->value);
        else if (each->kind == MEDIA_TAG_LABEL)
            add_word(summary, &summary->labels, each->value);
    }
}

static void add_disc(struct album_summary *summary, uint16_t disc, struct text title)
{
    if (!title.size || summary->disc_count == ALBUM_MAX_DISCS)
        return;
    uint32_t at = 0;
    while (at < summary->disc_count && summary->discs[at].disc < disc)
        at++;
    if (at < summary->disc_count && summary->discs[at].disc == disc)
        return;
    memmove(&summary->discs[at + 1], &summary->discs[at],
            (summary->disc_count - at) * sizeof *summary->discs);
    summary->discs[at] = (struct disc_title){disc, arena_text(summary->arena, title)};
    summary->disc_count++;
}

static void take_text(struct album_summary *summary, struct text *into, struct text value)
{
    if (!into->size && value.size)
        *into = arena_text(summary->arena, value);
}

static void take_date(struct catalog_date *into, struct text written)
{
    struct catalog_date date = grouping_date(written);
    if (!into->year)
        *into = date;
}

static size_t artists_of(const struct track_facts *facts, enum catalog_role role,
                         struct catalog_credit found[ALBUM_MAX_ARTISTS])
{
    size_t count = 0;
    for (size_t i = 0; i < facts->credit_count && count < ALBUM_MAX_ARTISTS; i++)
        if (facts->credits[i].role == role)
            found[count++] = (struct catalog_credit){.artist = facts->artists[i],
                                                     .role = CATALOG_ROLE_ALBUM_ARTIST,
                                                     .name = facts->credits[i].name};
    return count;
}

static void take_artists(struct album_summary *summary, const struct catalog_credit *found,
                         size_t count)
{
    memcpy(summary->artists, found, count * sizeof *found);
    summary->artist_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        summary->artists[i].name = arena_text(summary->arena, found[i].name);
}

/* Tagged album artists win; without, the leading artists that all members share. */
static void add_artists(struct album_summary *summary, const struct track_facts *facts)
{
    struct catalog_credit found[ALBUM_MAX_ARTISTS];
    size_t count = artists_of(facts, CATALOG_ROLE_ALBUM_ARTIST, found);
    if (summary->is_tagged)
        return;
    if (count) {
        take_artists(summary, found, count);
        take_text(summary, &summary->display_artist, tag(facts, MEDIA_TAG_ALBUM_ARTIST_DISPLAY));
        summary->is_tagged = true;
        return;
    }
    count = artists_of(facts, CATALOG_ROLE_ARTIST, found);
    if (summary->members == 0) {
        take_artists(summary, found, count);
        return;
    }
    uint32_t shared = 0;
    while (shared < summary->artist_count && shared < count &&
           catalog_id_equal(&summary->artists[shared].artist, &found[shared].artist))
        shared++;
    summary->artist_count = shared;
    summary->has_nothing_in_common = summary->has_nothing_in_common || shared == 0;
}

void album_summary_add(struct album_summary *summary, const struct track_facts *facts)
{
    take_text(summary, &summary->name, text_trim(tag(facts, MEDIA_TAG_ALBUM)));
    take_text(summary, &summary->sort_name, tag(facts, MEDIA_TAG_ALBUM_SORT));
    take_text(summary, &summary->version, tag(facts, MEDIA_TAG_ALBUM_VERSION));
    take_date(&summary->original_date, tag(facts, MEDIA_TAG_ORIGINAL_DATE));
    take_date(&summary->release_date, tag(facts, MEDIA_TAG_RELEASE_DATE));
    if (!summary->year)
        summary->year = year_of(facts);
    summary->is_compilation =
        summary->is_compilation || tag(facts, MEDIA_TAG_COMPILATION).size != 0;
    enum catalog_explicit explicit_status = explicit_of(facts);
    summary->has_explicit = summary->has_explicit || explicit_status == CATALOG_EXPLICIT;
    summary->has_clean = summary->has_clean || explicit_status == CATALOG_CLEAN;
    summary->has_unmarked = summary->has_unmarked || explicit_status == CATALOG_EXPLICIT_UNKNOWN;
    if (catalog_id_is_none(&summary->artwork))
        summary->artwork = facts->artwork;
    add_words(summary, facts->info);
    add_disc(summary, number(tag(facts, MEDIA_TAG_DISC)), tag(facts, MEDIA_TAG_DISC_SUBTITLE));
    add_artists(summary, facts);
    summary->members++;
}

bool album_summary_is_various(const struct album_summary *summary)
{
    return !summary->is_tagged && (summary->has_nothing_in_common || summary->is_compilation);
}

static struct text artist_line(const struct album_summary *summary)
{
    struct text line = TEXT_NONE;
    for (uint32_t i = 0; i < summary->artist_count; i++) {
        struct text name = summary->artists[i].name;
        line = line.size
                   ? arena_printf(summary->arena, "%.*s, %.*s", TEXT_ARGS(line), TEXT_ARGS(name))
                   : name;
    }
    return line;
}

static struct catalog_texts words(const struct album_words *words)
{
    return (struct catalog_texts){.items = words->items, .count = words->count};
}

void album_summary_row(const struct album_summary *summary, struct album_row *ret)
{
    ret->name = summary->name.size ? summary->name : summary->folder_name;
    ret->sort_name = summary->sort_name;
    ret->version = summary->version;
    ret->display_artist =
        summary->display_artist.size ? summary->display_artist : artist_line(summary);
    ret->credits =
        (struct catalog_credits){.items = summary->artists, .count = summary->artist_count};
    ret->genres = words(&summary->genres);
    ret->moods = words(&summary->moods);
    ret->release_types = words(&summary->release_types);
    ret->labels = words(&summary->labels);
    ret->disc_titles =
        (struct catalog_discs){.items = summary->discs, .count = summary->disc_count};
    ret->original_date = summary->original_date;
    ret->release_date = summary->release_date;
    ret->year = summary->year;
    ret->is_compilation = summary->is_compilation || album_summary_is_various(summary);
    ret->explicit_status = summary->has_explicit ? CATALOG_EXPLICIT
                           : summary->has_clean && !summary->has_unmarked
                               ? CATALOG_CLEAN
                               : CATALOG_EXPLICIT_UNKNOWN;
    if (catalog_id_is_none(&ret->artwork))
        ret->artwork = summary->artwork;
}
