// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/build.h"
#include "catalog/catalog.h"
#include "sample.h"
#include "tap.h"

static bool same_texts(const struct catalog_texts *a, const struct catalog_texts *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = text_equal(catalog_texts_at(a, i), catalog_texts_at(b, i));
    return same;
}

static struct text artist_name(const struct sample *sample, const struct catalog_id *id)
{
    for (uint32_t i = 0; i < sample->artist_count; i++)
        if (catalog_id_equal(&sample->artists[i].id, id))
            return sample->artists[i].name;
    return TEXT_NONE;
}

static bool same_credits(const struct sample *sample, const struct catalog_credits *given,
                         const struct catalog_credits *read)
{
    bool same = given->count == read->count;
    for (uint32_t i = 0; same && i < given->count; i++) {
        struct catalog_credit a = catalog_credits_at(given, i), b = catalog_credits_at(read, i);
        struct text name = a.name.size ? a.name : artist_name(sample, &a.artist);
        same = catalog_id_equal(&a.artist, &b.artist) && a.role == b.role &&
               text_equal(name, b.name) && text_equal(a.sub_role, b.sub_role);
    }
    return same;
}

static bool same_track_texts(const struct track_row *a, const struct track_row *b)
{
    return text_equal(a->title, b->title) && text_equal(a->sort_title, b->sort_title) &&
           text_equal(a->display_artist, b->display_artist) &&
           text_equal(a->display_composer, b->display_composer) && text_equal(a->path, b->path) &&
           text_equal(a->suffix, b->suffix) && text_equal(a->content_type, b->content_type) &&
           text_equal(a->comment, b->comment) && text_equal(a->musicbrainz_id, b->musicbrainz_id) &&
           same_texts(&a->genres, &b->genres) && same_texts(&a->moods, &b->moods) &&
           same_texts(&a->isrcs, &b->isrcs) && same_texts(&a->works, &b->works) &&
           same_texts(&a->movements, &b->movements);
}

static bool same_track_facts(const struct track_row *a, const struct track_row *b)
{
    return a->track_number == b->track_number && a->disc_number == b->disc_number &&
           a->year == b->year && a->bpm == b->bpm && a->duration_ms == b->duration_ms &&
           a->bit_rate_kbps == b->bit_rate_kbps && a->sampling_rate_hz == b->sampling_rate_hz &&
           a->bit_depth == b->bit_depth && a->channels == b->channels &&
           a->explicit_status == b->explicit_status && a->has_lyrics == b->has_lyrics &&
           a->size_bytes == b->size_bytes && a->version == b->version &&
           a->created_ms == b->created_ms && a->modified_ms == b->modified_ms &&
           memcmp(&a->gain, &b->gain, sizeof a->gain) == 0 &&
           catalog_id_equal(&a->album, &b->album) && catalog_id_equal(&a->folder, &b->folder) &&
           catalog_id_equal(&a->artwork, &b->artwork);
}

static bool tracks_come_back(const struct sample *sample, struct catalog_view view)
{
    for (uint32_t i = 0; i < sample->track_count; i++) {
        struct track_row row;
        uint32_t number = catalog_find(view, CATALOG_TRACK, &sample->tracks[i].id);
        if (number == (uint32_t)CATALOG_NONE)
            return false;
        catalog_track(view.catalog, number, &row);
        if (row.number != number || !same_track_texts(&sample->tracks[i], &row) ||
            !same_track_facts(&sample->tracks[i], &row) ||
            !same_credits(sample, &sample->tracks[i].credits, &row.credits))
            return false;
    }
    return true;
}

static bool same_discs(const struct catalog_discs *a, const struct catalog_discs *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = catalog_discs_at(a, i).disc == catalog_discs_at(b, i).disc &&
               text_equal(catalog_discs_at(a, i).title, catalog_discs_at(b, i).title);
    return same;
}

static bool same_date(struct catalog_date a, struct catalog_date b)
{
    return a.year == b.year && a.month == b.month && a.day == b.day;
}

static bool same_album(const struct sample *sample, const struct album_row *a,
                       const struct album_row *b)
{
    return text_equal(a->name, b->name) && text_equal(a->sort_name, b->sort_name) &&
           text_equal(a->version, b->version) && text_equal(a->display_artist, b->display_artist) &&
           text_equal(a->musicbrainz_id, b->musicbrainz_id) &&
           same_credits(sample, &a->credits, &b->credits) && same_texts(&a->genres, &b->genres) &&
           same_texts(&a->moods, &b->moods) && same_texts(&a->release_types, &b->release_types) &&
           same_texts(&a->labels, &b->labels) && same_discs(&a->disc_titles, &b->disc_titles) &&
           same_date(a->original_date, b->original_date) &&
           same_date(a->release_date, b->release_date) && a->year == b->year &&
           a->is_compilation == b->is_compilation && a->explicit_status == b->explicit_status &&
           a->created_ms == b->created_ms && catalog_id_equal(&a->artwork, &b->artwork);
}

/* Entities with a living track only: the sample may have idle ones. */
static bool others_come_back(const struct sample *sample, struct catalog_view view)
{
    bool same = true;
    for (uint32_t i = 0; i < sample->album_count; i++) {
        struct album_row row;
        uint32_t number = catalog_find(view, CATALOG_ALBUM, &sample->albums[i].id);
        if (number != (uint32_t)CATALOG_NONE) {
            catalog_album(view.catalog, number, &row);
            same = same && row.song_count > 0 && same_album(sample, &sample->albums[i], &row);
        }
    }
    for (uint32_t i = 0; i < sample->artist_count; i++) {
        struct artist_row row;
        uint32_t number = catalog_find(view, CATALOG_ARTIST, &sample->artists[i].id);
        if (number != (uint32_t)CATALOG_NONE) {
            catalog_artist(view.catalog, number, &row);
            same = same && text_equal(row.name, sample->artists[i].name) &&
                   text_equal(row.sort_name, sample->artists[i].sort_name) &&
                   text_equal(row.musicbrainz_id, sample->artists[i].musicbrainz_id) &&
                   text_equal(row.disambiguation, sample->artists[i].disambiguation) &&
                   row.roles != 0;
        }
    }
    for (uint32_t i = 0; i < sample->folder_count; i++) {
        struct folder_row row;
        uint32_t number = catalog_find(view, CATALOG_FOLDER, &sample->folders[i].id);
        if (number != (uint32_t)CATALOG_NONE) {
            catalog_folder(view.catalog, number, &row);
            same = same && text_equal(row.name, sample->folders[i].name) &&
                   catalog_id_equal(&row.parent, &sample->folders[i].parent);
        }
    }
    return same;
}

static void every_field_comes_back(void)
{
    bool tracks = true, others = true;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct sample sample;
        sample_make(&sample, seed, (uint32_t)seed * 60);
        struct build *build = sample_build(&sample, 3, seed);
        struct catalog *catalog = catalog_of_builds(&build, 1);
        struct catalog_view view = {catalog, CATALOG_ALL_LIBRARIES};
        tracks = tracks && catalog_count(view, CATALOG_TRACK) == sample.track_count &&
                 tracks_come_back(&sample, view);
        others = others && others_come_back(&sample, view);
        catalog_unref(&catalog);
        sample_free(&sample);
    }
    OK(tracks, "every field of random tracks comes back");
    OK(others, "and of albums, artists and folders");
}

static void many_segments_are_as_one(void)
{
    struct sample sample;
    sample_make(&sample, 9, 400);
    struct build *builds[5];
    for (uint32_t i = 0; i < 5; i++) { /* overlapping: many rows come twice */
        builds[i] = build_new(&(struct build_config){.library = 1, .number = i});
        sample_give(&sample, builds[i], i * 60, i * 60 + 160);
    }
    struct catalog *parts = catalog_of_builds(builds, 5);
    struct build *build = sample_build(&sample, 1, 1);
    struct catalog *whole = catalog_of_builds(&build, 1);
    struct catalog_view one = {whole, 1}, many = {parts, 1};
    OK(tracks_come_back(&sample, many) && others_come_back(&sample, many),
       "rows in several segments come back once");
    bool same = true;
    for (unsigned kind = 0; kind < CATALOG_ARTWORK; kind++) {
        uint32_t a[512], b[512];
        size_t n = catalog_all(one, (enum catalog_kind)kind, 0, a, 512),
               m = catalog_all(many, (enum catalog_kind)kind, 0, b, 512);
        same = same && n == m && catalog_count(one, (enum catalog_kind)kind) == n;
        for (size_t i = 0; same && i < n && kind == CATALOG_ALBUM; i++) {
            struct album_row x, y;
            catalog_album(whole, a[i], &x);
            catalog_album(parts, b[i], &y);
            same = catalog_id_equal(&x.id, &y.id) && x.song_count == y.song_count &&
                   x.duration_ms == y.duration_ms;
        }
        for (size_t i = 0; same && i < n && kind == CATALOG_ARTIST; i++) {
            struct artist_row x, y;
            catalog_artist(whole, a[i], &x);
            catalog_artist(parts, b[i], &y);
            same = catalog_id_equal(&x.id, &y.id) && x.album_count == y.album_count &&
                   x.song_count == y.song_count && x.roles == y.roles;
        }
    }
    OK(same, "their order and figures are those of one segment");
    catalog_unref(&whole);
    catalog_unref(&parts);
    sample_free(&sample);
}

static void removals_and_renames(void)
{
    struct sample sample;
    sample_make(&sample, 4, 40);
    struct build *builds[3] = {sample_build(&sample, 1, 1)};
    builds[1] = build_new(&(struct build_config){.library = 1, .number = 2});
    builds[2] = build_new(&(struct build_config){.library = 2, .number = 1});
    for (uint32_t i = 0; i < 10; i++)
        build_removal(builds[1], &sample.tracks[i].id);
    struct artist_row renamed = sample.artists[0];
    renamed.name = TEXT("Renamed");
    build_artist(builds[1], &renamed);
    build_removal(builds[2], &sample.tracks[20].id); /* another library: not its business */
    struct catalog *catalog = catalog_of_builds(builds, 3);
    struct catalog_view view = {catalog, CATALOG_ALL_LIBRARIES};
    OK(catalog_count(view, CATALOG_TRACK) == 30, "removed tracks are gone");
    OK(catalog_find(view, CATALOG_TRACK, &sample.tracks[3].id) == (uint32_t)CATALOG_NONE,
       "and not found");
    OK(catalog_find(view, CATALOG_TRACK, &sample.tracks[20].id) != (uint32_t)CATALOG_NONE,
       "a library cannot remove another's tracks");
    uint32_t number = catalog_find(view, CATALOG_ARTIST, &renamed.id);
    struct artist_row row = {.name = TEXT("")};
    if (number != (uint32_t)CATALOG_NONE)
        catalog_artist(catalog, number, &row);
    OK_TEXT(row.name, TEXT("Renamed"), "a newer segment's row of an artist wins");
    catalog_unref(&catalog);
    sample_free(&sample);
}

static bool refuses_all(void *context, enum segment_object object, const void *data, size_t size)
{
    (void)context, (void)object, (void)data, (void)size;
    return false;
}

static void builds_can_fail(void)
{
    struct sample sample;
    struct build_totals totals;
    struct catalog_id dangling = {{0}};
    sample_make(&sample, 4, 10);
    struct build *build = build_new(&(struct build_config){.library = 1});
    build_track(build, &sample.tracks[0]);
    OK(build_finish(build, refuses_all, NULL, &totals, &dangling) == BUILD_DANGLING &&
           !catalog_id_is_none(&dangling),
       "a row that names an absent row is refused, by name");
    build_free(&build);
    build = sample_build(&sample, 1, 1);
    OK(build_finish(build, refuses_all, NULL, &totals, &dangling) == BUILD_SINK,
       "a sink may refuse");
    build_free(&build);
    build = NULL;
    build_free(&build);
    sample_free(&sample);
}

static void texts_are_repaired_and_cut(void)
{
    struct sample sample;
    sample_make(&sample, 4, 1);
    char *huge = mem_alloc(100000);
    memset(huge, 'a', 100000);
    memcpy(huge + BUILD_MAX_TEXT_BYTES - 1, "\xc3\xa9", 2);
    sample.tracks[0].title = TEXT("caf\xe9 \xf0\x9f");
    sample.tracks[0].comment = text_make(huge, 100000);
    struct build *build = sample_build(&sample, 1, 1);
    struct catalog *catalog = catalog_of_builds(&build, 1);
    struct track_row row;
    catalog_track(catalog, 0, &row);
    OK_TEXT(row.title, TEXT("caf\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd"),
            "what is not UTF-8 is replaced");
    OK(row.comment.size == BUILD_MAX_TEXT_BYTES - 1, "a long text is cut at a character");
    catalog_unref(&catalog);
    mem_free(huge);
    sample_free(&sample);
}

int main(void)
{
    every_field_comes_back();
    many_segments_are_as_one();
    removals_and_renames();
    builds_can_fail();
    texts_are_repaired_and_cut();
    return tap_done();
}
