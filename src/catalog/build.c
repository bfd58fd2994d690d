// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/build.h"
#include "base/mem.h"
#include "catalog/build_rows.h"
#include "catalog/bytes.h"
#include "catalog/fold.h"
#include "catalog/utf8.h"
#include <assert.h>

struct build *build_new(const struct build_config *config)
{
    assert(config->library >= 1 && config->library <= 32);
    struct build *build = MEM_NEW(struct build);
    build->library = config->library;
    build->number = config->number;
    struct text articles =
        config->ignored_articles.size ? config->ignored_articles : TEXT(BUILD_USUAL_ARTICLES);
    build->articles_size = fold(articles, FOLD_NAME, build->articles, sizeof build->articles);
    string_pool_init(&build->strings);
    string_pool_init(&build->notes);
    string_pool_init(&build->genres);
    for (unsigned kind = 0; kind < CATALOG_KINDS; kind++)
        id_pool_init(&build->ids[kind]);
    id_pool_init(&build->removals);
    return build;
}

void build_free(struct build **build_p)
{
    struct build *build = *build_p;
    if (!build)
        return;
    string_pool_release(&build->strings);
    string_pool_release(&build->notes);
    string_pool_release(&build->genres);
    for (unsigned kind = 0; kind < CATALOG_KINDS; kind++)
        id_pool_release(&build->ids[kind]);
    id_pool_release(&build->removals);
    struct rows *all[] = {&build->tracks,       &build->albums,        &build->artists,
                          &build->folders,      &build->track_credits, &build->album_credits,
                          &build->track_genres, &build->album_genres,  &build->track_notes,
                          &build->album_notes,  &build->discs};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        mem_free_p(&all[i]->data);
    mem_free_p(build_p);
}

/* Room for row `number`; new rows are zero. */
static void *row_at(struct rows *rows, uint32_t number, size_t row_size)
{
    if (number >= rows->capacity) {
        uint32_t capacity = number + rows->capacity / 2 + 64;
        rows->data = mem_realloc_array(rows->data, capacity, row_size);
        memset((char *)rows->data + rows->capacity * row_size, 0,
               (capacity - rows->capacity) * row_size);
        rows->capacity = capacity;
    }
    rows->count = number >= rows->count ? number + 1 : rows->count;
    return (char *)rows->data + number * row_size;
}

/* --- texts --- */

static uint32_t put_repaired(struct string_pool *pool, struct text t)
{
    char *repaired = mem_alloc(t.size * 3);
    size_t size = 0;
    for (size_t at = 0; at < t.size;)
        size += utf8_put(utf8_next(t, &at), repaired + size);
    uint32_t number =
        string_pool_put(pool, fold_cut(text_make(repaired, size), BUILD_MAX_TEXT_BYTES));
    mem_free(repaired);
    return number;
}

static uint32_t put_text(struct string_pool *pool, struct text t)
{
    t = fold_cut(t, BUILD_MAX_TEXT_BYTES);
    return text_is_utf8(t) ? string_pool_put(pool, t) : put_repaired(pool, t);
}

static uint32_t put_folded(struct build *build, uint32_t string)
{
    char folded[FOLD_MAX];
    size_t size = fold(string_pool_at(&build->strings, string), FOLD_NAME, folded, sizeof folded);
    return string_pool_put(&build->strings, text_make(folded, size));
}

/* What a name is put in order by: its sort name if it has one, folded, without a leading article.
 */
static uint32_t put_order(struct build *build, struct text name, struct text sort_name)
{
    char folded[FOLD_MAX];
    struct text t = text_make(
        folded, fold(sort_name.size ? sort_name : name, FOLD_NAME, folded, sizeof folded));
    size_t article = fold_article(t, text_make(build->articles, build->articles_size));
    return string_pool_put(&build->strings, text_from(t, article));
}

static uint32_t put_artwork(struct build *build, const struct catalog_id *id)
{
    return catalog_id_is_none(id) ? UINT32_MAX : id_pool_put(&build->ids[CATALOG_ARTWORK], id);
}

/* --- lists: consecutive rows of a list table --- */

static uint32_t list_count(uint32_t count)
{
    return count < BUILD_MAX_LIST ? count : BUILD_MAX_LIST;
}

static struct kept_list put_credits(struct build *build, struct rows *rows,
                                    const struct catalog_credits *credits)
{
    uint32_t first = rows->count, count = list_count(credits->count);
    for (uint32_t i = 0; i < count; i++) {
        struct catalog_credit credit = catalog_credits_at(credits, i);
        struct kept_credit *kept = row_at(rows, first + i, sizeof *kept);
        kept->artist = id_pool_put(&build->ids[CATALOG_ARTIST], &credit.artist);
        kept->role = credit.role < CATALOG_ROLES ? (uint8_t)credit.role : CATALOG_ROLE_PERFORMER;
        kept->name = put_text(&build->notes, credit.name);
        kept->sub_role = put_text(&build->notes, credit.sub_role);
    }
    return (struct kept_list){first, count};
}

static struct kept_list put_genres(struct build *build, struct rows *rows,
                                   const struct catalog_texts *genres)
{
    uint32_t first = rows->count, kept = 0;
    for (uint32_t i = 0; i < list_count(genres->count); i++) {
        uint32_t genre = put_text(&build->genres, catalog_texts_at(genres, i));
        if (genre)
            *(uint32_t *)row_at(rows, first + kept++, sizeof(uint32_t)) = genre - 1;
    }
    return (struct kept_list){first, kept};
}

static void put_notes(struct build *build, struct rows *rows, struct kept_list *list, uint8_t kind,
                      const struct catalog_texts *texts)
{
    if (list->count == 0)
        list->first = rows->count;
    uint32_t count = list_count(texts->count);
    for (uint32_t i = 0; i < count; i++) {
        struct kept_note *note = row_at(rows, rows->count, sizeof *note);
        *note = (struct kept_note){put_text(&build->notes, catalog_texts_at(texts, i)), kind};
    }
    list->count += count;
}

static struct kept_list put_discs(struct build *build, const struct catalog_discs *discs)
{
    uint32_t first = build->discs.count, count = list_count(discs->count);
    for (uint32_t i = 0; i < count; i++) {
        struct disc_title disc = catalog_discs_at(discs, i);
        struct kept_disc *kept = row_at(&build->discs, first + i, sizeof *kept);
        *kept = (struct kept_disc){put_text(&build->notes, disc.title), disc.disc};
    }
    return (struct kept_list){first, count};
}

/* --- rows --- */

static void keep_track_facts(struct kept_track *kept, const struct track_row *row)
{
    kept->size = row->size_bytes;
    kept->version = row->version;
    kept->created_ms = (uint64_t)row->created_ms;
    kept->modified_ms = (uint64_t)row->modified_ms;
    kept->duration_ms = row->duration_ms;
    kept->bit_rate = row->bit_rate_kbps;
    kept->sampling_rate = row->sampling_rate_hz;
    kept->peak = row->gain.track_peak_ppm;
    kept->album_peak = row->gain.album_peak_ppm;
    kept->gain = (uint16_t)row->gain.track_cdb;
    kept->album_gain = (uint16_t)row->gain.album_cdb;
    kept->base_gain = (uint16_t)row->gain.base_cdb;
    kept->fallback_gain = (uint16_t)row->gain.fallback_cdb;
    kept->number = row->track_number;
    kept->disc = row->disc_number;
    kept->year = row->year;
    kept->bpm = row->bpm;
    kept->bit_depth = row->bit_depth;
    kept->channels = row->channels;
    kept->flags = (uint8_t)((unsigned)row->explicit_status & 3) | (row->has_lyrics ? 4 : 0);
}

static void keep_track_texts(struct build *build, struct kept_track *kept,
                             const struct track_row *row)
{
    kept->title = put_text(&build->strings, row->title);
    kept->folded = put_folded(build, kept->title);
    kept->display_artist = put_text(&build->strings, row->display_artist);
    kept->sort_title = put_text(&build->notes, row->sort_title);
    kept->display_composer = put_text(&build->notes, row->display_composer);
    kept->path = put_text(&build->notes, row->path);
    kept->suffix = put_text(&build->notes, row->suffix);
    kept->content_type = put_text(&build->notes, row->content_type);
    kept->comment = put_text(&build->notes, row->comment);
    kept->musicbrainz_id = put_text(&build->notes, row->musicbrainz_id);
}

void build_track(struct build *build, const struct track_row *row)
{
    uint32_t number = id_pool_put(&build->ids[CATALOG_TRACK], &row->id);
    struct kept_track *kept = row_at(&build->tracks, number, sizeof *kept);
    build->tracks_given += !kept->is_given;
    *kept = (struct kept_track){.is_given = true};
    kept->album = id_pool_put(&build->ids[CATALOG_ALBUM], &row->album);
    kept->folder = id_pool_put(&build->ids[CATALOG_FOLDER], &row->folder);
    kept->artwork = put_artwork(build, &row->artwork);
    keep_track_facts(kept, row);
    keep_track_texts(build, kept, row);
    kept->credits = put_credits(build, &build->track_credits, &row->credits);
    kept->genres = put_genres(build, &build->track_genres, &row->genres);
    put_notes(build, &build->track_notes, &kept->notes, TRACK_NOTE_MOOD, &row->moods);
    put_notes(build, &build->track_notes, &kept->notes, TRACK_NOTE_ISRC, &row->isrcs);
    put_notes(build, &build->track_notes, &kept->notes, TRACK_NOTE_WORK, &row->works);
    put_notes(build, &build->track_notes, &kept->notes, TRACK_NOTE_MOVEMENT, &row->movements);
}

static uint32_t packed_date(struct catalog_date date)
{
    return (uint32_t)date.year << 16 | (uint32_t)date.month << 8 | date.day;
}

void build_album(struct build *build, const struct album_row *row)
{
    uint32_t number = id_pool_put(&build->ids[CATALOG_ALBUM], &row->id);
    struct kept_album *kept = row_at(&build->albums, number, sizeof *kept);
    *kept = (struct kept_album){.is_given = true};
    kept->name = put_text(&build->strings, row->name);
    kept->folded = put_folded(build, kept->name);
    kept->order = put_order(build, row->name, row->sort_name);
    kept->display_artist = put_text(&build->strings, row->display_artist);
    kept->artwork = put_artwork(build, &row->artwork);
    kept->sort_name = put_text(&build->notes, row->sort_name);
    kept->version = put_text(&build->notes, row->version);
    kept->musicbrainz_id = put_text(&build->notes, row->musicbrainz_id);
    kept->original_date = packed_date(row->original_date);
    kept->release_date = packed_date(row->release_date);
    kept->created_ms = (uint64_t)row->created_ms;
    kept->year = row->year;
    kept->flags = row->is_compilation;
    kept->explicit_status = (uint8_t)row->explicit_status;
    kept->credits = put_credits(build, &build->album_credits, &row->credits);
    kept->genres = put_genres(build, &build->album_genres, &row->genres);
    kept->discs = put_discs(build, &row->disc_titles);
    put_notes(build, &build->album_notes, &kept->notes, ALBUM_NOTE_MOOD, &row->moods);
    put_notes(build, &build->album_notes, &kept->notes, ALBUM_NOTE_RELEASE_TYPE,
              &row->release_types);
    put_notes(build, &build->album_notes, &kept->notes, ALBUM_NOTE_LABEL, &row->labels);
}

void build_artist(struct build *build, const struct artist_row *row)
{
    uint32_t number = id_pool_put(&build->ids[CATALOG_ARTIST], &row->id);
    struct kept_artist *kept = row_at(&build->artists, number, sizeof *kept);
    *kept = (struct kept_artist){.is_given = true};
    kept->name = put_text(&build->strings, row->name);
    kept->folded = put_folded(build, kept->name);
    kept->order = put_order(build, row->name, row->sort_name);
    kept->artwork = put_artwork(build, &row->artwork);
    kept->sort_name = put_text(&build->notes, row->sort_name);
    kept->musicbrainz_id = put_text(&build->notes, row->musicbrainz_id);
    kept->disambiguation = put_text(&build->notes, row->disambiguation);
}

void build_folder(struct build *build, const struct folder_row *row)
{
    uint32_t number = id_pool_put(&build->ids[CATALOG_FOLDER], &row->id);
    bool is_root = catalog_id_is_none(&row->parent);
    uint32_t parent = is_root ? UINT32_MAX : id_pool_put(&build->ids[CATALOG_FOLDER], &row->parent);
    struct kept_folder *kept = row_at(&build->folders, number, sizeof *kept);
    *kept = (struct kept_folder){.is_given = true, .parent = parent};
    kept->name = put_text(&build->strings, row->name);
    kept->order = put_folded(build, kept->name);
    kept->artwork = put_artwork(build, &row->artwork);
}

void build_removal(struct build *build, const struct catalog_id *track)
{
    (void)id_pool_put(&build->removals, track);
}

size_t build_tracks(const struct build *build) { return build->tracks_given; }

bool build_is_empty(const struct build *build)
{
    return !build->tracks.count && !build->albums.count && !build->artists.count &&
           !build->folders.count && !build->removals.count;
}

void build_renumber(struct build *build, uint64_t number) { build->number = number; }
