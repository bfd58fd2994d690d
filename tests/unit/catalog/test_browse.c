// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/catalog.h"
#include "sample.h"
#include "tap.h"

/*
 * Two libraries of one sample, its first half and its second; every list is compared with what
 * looking at all rows one by one gives, for each set of rights.
 */
struct world {
    struct sample sample;
    struct catalog *catalog;
    uint32_t half;
};

static void make_world(struct world *world)
{
    sample_make(&world->sample, 12, 300);
    world->half = 150;
    struct build *builds[2] = {NULL};
    for (uint8_t i = 0; i < 2; i++) {
        builds[i] = build_new(&(struct build_config){.library = (uint8_t)(i + 1), .number = 1});
        sample_give(&world->sample, builds[i], i * world->half, (i + 1U) * world->half);
    }
    world->catalog = catalog_of_builds(builds, 2);
}

static bool track_is_seen(const struct world *world, uint32_t i, uint32_t libraries)
{
    return libraries & (i < world->half ? 1U : 2U);
}

static bool credits_name(const struct catalog_credits *credits, const struct catalog_id *artist)
{
    for (uint32_t i = 0; i < credits->count; i++)
        if (catalog_id_equal(&credits->items[i].artist, artist))
            return true;
    return false;
}

static const struct album_row *album_of(const struct world *world, const struct track_row *track)
{
    for (uint32_t i = 0; i < world->sample.album_count; i++)
        if (catalog_id_equal(&world->sample.albums[i].id, &track->album))
            return &world->sample.albums[i];
    return NULL;
}

/* How many tracks that the view sees hold the claim. */
typedef bool track_claim(const struct world *world, const struct track_row *track,
                         const struct catalog_id *id);

static bool is_on_album(const struct world *world, const struct track_row *track,
                        const struct catalog_id *id)
{
    (void)world;
    return catalog_id_equal(&track->album, id);
}

static bool is_in_folder(const struct world *world, const struct track_row *track,
                         const struct catalog_id *id)
{
    (void)world;
    return catalog_id_equal(&track->folder, id);
}

static bool is_by_artist(const struct world *world, const struct track_row *track,
                         const struct catalog_id *id)
{
    const struct album_row *album = album_of(world, track);
    return credits_name(&track->credits, id) || (album && credits_name(&album->credits, id));
}

static uint32_t count_tracks(const struct world *world, uint32_t libraries, track_claim *claim,
                             const struct catalog_id *id)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->sample.track_count; i++)
        count += track_is_seen(world, i, libraries) && claim(world, &world->sample.tracks[i], id);
    return count;
}

typedef size_t list_of(struct catalog_view view, uint32_t owner, size_t offset, uint32_t *ret,
                       size_t max);

/* Every owner's list has as many tracks as there are, ascending, all of them seen. */
static bool lists_are_right(const struct world *world, uint32_t libraries, enum catalog_kind kind,
                            list_of *list, track_claim *claim)
{
    struct catalog_view view = {world->catalog, libraries};
    uint32_t owners[512], ret[512];
    size_t count = catalog_all(view, kind, 0, owners, 512);
    bool right = count == catalog_count(view, kind);
    for (size_t i = 0; right && i < count; i++) {
        struct album_row album;
        struct artist_row artist;
        struct folder_row folder;
        const struct catalog_id *id =
            kind == CATALOG_ALBUM ? (catalog_album(world->catalog, owners[i], &album), &album.id)
            : kind == CATALOG_ARTIST
                ? (catalog_artist(world->catalog, owners[i], &artist), &artist.id)
                : (catalog_folder(world->catalog, owners[i], &folder), &folder.id);
        size_t listed = list(view, owners[i], 0, ret, 512);
        right = listed == count_tracks(world, libraries, claim, id) &&
                catalog_figures(view, kind, owners[i]).songs == listed &&
                catalog_find(view, kind, id) == owners[i];
        for (size_t t = 0; right && t < listed; t++)
            right = catalog_sees(view, CATALOG_TRACK, ret[t]) && (t == 0 || ret[t - 1] < ret[t]);
        if (right && listed > 2)
            right = list(view, owners[i], 1, owners + 511, 1) == 1 && owners[511] == ret[1];
    }
    return right;
}

static void relations_are_right(const struct world *world)
{
    for (uint32_t libraries = 0; libraries < 4; libraries++) {
        OK(lists_are_right(world, libraries, CATALOG_ALBUM, catalog_album_tracks, is_on_album),
           "tracks of albums");
        OK(lists_are_right(world, libraries, CATALOG_ARTIST, catalog_artist_tracks, is_by_artist),
           "tracks of artists");
        OK(lists_are_right(world, libraries, CATALOG_FOLDER, catalog_folder_tracks, is_in_folder),
           "tracks in folders");
    }
}

static void orders_are_right(const struct world *world)
{
    uint32_t ret[512];
    struct album_row last = {0}, row;
    struct catalog_view view = {world->catalog, 3};
    struct catalog_album_query query = {.order = CATALOG_NEWEST, .genre = (uint32_t)CATALOG_NONE};
    size_t count = catalog_albums(view, &query, 0, ret, 512);
    bool right = count == catalog_count(view, CATALOG_ALBUM);
    for (size_t i = 0; i < count; i++, last = row) {
        catalog_album(world->catalog, ret[i], &row);
        right = right && (i == 0 || last.created_ms >= row.created_ms);
    }
    OK(right, "newest first, also before 1970");
    query = (struct catalog_album_query){.order = CATALOG_BY_YEAR,
                                         .genre = (uint32_t)CATALOG_NONE,
                                         .from_year = 2000,
                                         .to_year = 1980};
    count = catalog_albums(view, &query, 0, ret, 512);
    right = count > 0;
    for (size_t i = 0; i < count; i++) {
        catalog_album(world->catalog, ret[i], &row);
        right = right && row.year == 1990;
    }
    OK(right, "a range of years, backwards too");
    query = (struct catalog_album_query){
        .order = CATALOG_RANDOM, .genre = (uint32_t)CATALOG_NONE, .seed = 4};
    bool seen[512] = {false};
    right = true;
    for (size_t offset = 0; offset < catalog_count(view, CATALOG_ALBUM); offset += 5) {
        uint32_t page[5];
        size_t got = catalog_albums(view, &query, offset, page, 5);
        for (size_t i = 0; i < got; i++) {
            right = right && !seen[page[i]];
            seen[page[i]] = true;
        }
    }
    for (uint32_t i = 0; i < catalog_count(view, CATALOG_ALBUM); i++)
        right = right && seen[i];
    OK(right, "pages of a shuffle hold every album once");
}

static bool track_has_genre(const struct track_row *track, struct text genre)
{
    for (uint32_t i = 0; i < track->genres.count; i++)
        if (text_equal(track->genres.items[i], genre))
            return true;
    return false;
}

static void genres_are_right(const struct world *world)
{
    struct catalog_view view = {world->catalog, 3};
    uint32_t ret[512], checked = 0;
    bool right = true;
    for (uint32_t i = 0; i < catalog_genres(world->catalog); i++) {
        struct catalog_genre genre;
        catalog_genre(view, i, &genre);
        uint32_t at_least = 0;
        for (uint32_t t = 0; t < world->sample.track_count; t++)
            at_least += track_has_genre(&world->sample.tracks[t], genre.name);
        struct catalog_album_query albums = {.order = CATALOG_BY_NAME, .genre = i},
                                   by_year = {.order = CATALOG_NEWEST, .genre = i};
        right = right && genre.songs >= at_least &&
                catalog_genre_tracks(view, i, 0, ret, 512) == genre.songs &&
                catalog_albums(view, &albums, 0, ret, 512) == genre.albums &&
                catalog_albums(view, &by_year, 0, ret, 512) == genre.albums &&
                catalog_find_genre(world->catalog, genre.name) == i;
        checked++;
    }
    OK(right && checked > 10, "genres count their songs and albums, and are found by name");
    OK(catalog_find_genre(world->catalog, TEXT("no such genre")) == (uint32_t)CATALOG_NONE,
       "others are not");
}

static void folders_are_a_tree(const struct world *world)
{
    struct catalog_view view = {world->catalog, 3};
    uint32_t roots[8], children[512], below = 0;
    size_t count = catalog_folder_roots(view, 0, roots, 8);
    OK(count == 1, "the sample has one root");
    bool right = true;
    for (uint32_t folder = 0; folder < catalog_count(view, CATALOG_FOLDER); folder++) {
        size_t listed = catalog_folder_children(view, folder, 0, children, 512);
        below += (uint32_t)listed;
        for (size_t i = 0; i < listed; i++) {
            struct folder_row row;
            catalog_folder(world->catalog, children[i], &row);
            right = right && row.parent_number == folder && children[i] > folder;
        }
    }
    OK(right && below + 1 == catalog_count(view, CATALOG_FOLDER),
       "every folder but the root is some folder's child, behind it");
}

static void artists_have_headings(void)
{
    static const char *const names[][2] = {
        {"The Beatles", "B"}, {"Ólafur", "O"},          {"2Pac", "#"},
        {"Кино", "К"},        {"Άλκηστις", "Α"},        {"東京事変", "#"},
        {"!!!", "#"},         {"ザ・ピーナッツ", "ざ"}, {"Die Ärzte", "A"}};
    struct build *build = build_new(&(struct build_config){.library = 1, .number = 1});
    struct folder_row root = {.id = sample_id(CATALOG_FOLDER, 0)};
    build_folder(build, &root);
    for (uint32_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct artist_row artist = {.id = sample_id(CATALOG_ARTIST, i),
                                    .name = text_of(names[i][0])};
        struct catalog_credit credit = {.artist = artist.id};
        struct album_row album = {.id = sample_id(CATALOG_ALBUM, i),
                                  .credits = {.items = &credit, .count = 1}};
        struct track_row track = {
            .id = sample_id(CATALOG_TRACK, i), .album = album.id, .folder = root.id};
        build_artist(build, &artist), build_album(build, &album), build_track(build, &track);
    }
    struct catalog *catalog = catalog_of_builds(&build, 1);
    for (uint32_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct catalog_id id = sample_id(CATALOG_ARTIST, i);
        struct catalog_heading heading;
        uint32_t number = catalog_find((struct catalog_view){catalog, 1}, CATALOG_ARTIST, &id);
        OK_TEXT(catalog_artist_heading(catalog, number, &heading), text_of(names[i][1]),
                names[i][0]);
    }
    catalog_unref(&catalog);
}

int main(void)
{
    struct world world;
    make_world(&world);
    relations_are_right(&world);
    orders_are_right(&world);
    genres_are_right(&world);
    folders_are_a_tree(&world);
    artists_have_headings();
    catalog_unref(&world.catalog);
    sample_free(&world.sample);
    return tap_done();
}
