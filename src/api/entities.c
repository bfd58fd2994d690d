// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/entities.h"

#include "api/gain.h"
#include "api/inside.h"

/* --- ids --- */

void entity_id(struct call *call, const char *name, enum catalog_kind kind,
               const struct catalog_id *id)
{
    struct catalog_id_text storage;
    if (!catalog_id_is_none(id))
        answer_text(&call->answer, name, catalog_id_print(&storage, kind, id));
}

void entity_subject(struct call *call, const char *name, struct subject subject)
{
    struct subject_text storage;
    answer_text(&call->answer, name, subject_text(&storage, subject));
}

bool entity_find(const struct call *call, struct subject subject, enum catalog_kind kind,
                 uint32_t *ret)
{
    struct catalog_id id;
    memcpy(id.bytes, subject.uid.bytes, sizeof(id.bytes));
    if (!subject_equal(subject, subject_of(kind, &id)))
        return false;
    uint32_t number = catalog_find(call->view, kind, &id);
    if (number == (uint32_t)CATALOG_NONE)
        return false;
    *ret = number;
    return true;
}

static void write_artwork(struct call *call, enum catalog_kind kind, uint32_t number)
{
    struct catalog_id artwork = catalog_artwork(call->view, kind, number);
    entity_id(call, "coverArt", CATALOG_ARTWORK, &artwork);
}

/* --- what the listener did --- */

static void write_overlay(struct call *call, struct subject subject, bool has_rating)
{
    struct answer *answer = &call->answer;
    struct plays plays = listener_plays(call->listener, subject);
    unsigned rating = listener_rating(call->listener, subject);
    answer_some_date(answer, "starred", listener_starred_ms(call->listener, subject));
    answer_some_u64(answer, "playCount", plays.count);
    if (has_rating && rating)
        answer_u64(answer, "userRating", rating);
    if (!answer->is_plain)
        answer_some_date(answer, "played", plays.last_ms);
}

/* --- lists of OpenSubsonic's --- */

static void write_texts(struct answer *answer, const char *name, const struct catalog_texts *texts)
{
    answer_list(answer, name);
    for (uint32_t i = 0; i < texts->count; i++)
        answer_list_text(answer, catalog_texts_at(texts, i));
    answer_end(answer);
}

static void write_named(struct answer *answer, const char *name, const struct catalog_texts *texts)
{
    answer_list(answer, name);
    for (uint32_t i = 0; i < texts->count; i++) {
        answer_item(answer);
        answer_text(answer, "name", catalog_texts_at(texts, i));
        answer_end(answer);
    }
    answer_end(answer);
}

static void write_credited(struct call *call, const char *name,
                           const struct catalog_credits *credits, enum catalog_role role)
{
    answer_list(&call->answer, name);
    for (uint32_t i = 0; i < credits->count; i++) {
        struct catalog_credit credit = catalog_credits_at(credits, i);
        if (credit.role != role)
            continue;
        answer_item(&call->answer);
        entity_id(call, "id", CATALOG_ARTIST, &credit.artist);
        answer_text(&call->answer, "name", credit.name);
        answer_end(&call->answer);
    }
    answer_end(&call->answer);
}

static void write_contributors(struct call *call, const struct catalog_credits *credits)
{
    struct answer *answer = &call->answer;
    answer_list(answer, "contributors");
    for (uint32_t i = 0; i < credits->count; i++) {
        struct catalog_credit credit = catalog_credits_at(credits, i);
        if (credit.role == CATALOG_ROLE_ARTIST || credit.role == CATALOG_ROLE_ALBUM_ARTIST)
            continue;
        answer_item(answer);
        answer_text(answer, "role", catalog_role_name(credit.role));
        answer_some_text(answer, "subRole", credit.sub_role);
        answer_begin(answer, "artist");
        entity_id(call, "id", CATALOG_ARTIST, &credit.artist);
        answer_text(answer, "name", credit.name);
        answer_end(answer);
        answer_end(answer);
    }
    answer_end(answer);
}

static void write_gain(struct answer *answer, const char *name, int16_t gain_cdb)
{
    if (gain_cdb != CATALOG_NO_GAIN)
        answer_double(answer, name, gain_cdb / 100.0, 2);
}

static void write_peak(struct answer *answer, const char *name, uint32_t peak_ppm)
{
    if (peak_ppm)
        answer_double(answer, name, peak_ppm / 1e6, 6);
}

static void write_replay_gain(struct answer *answer, const struct catalog_gain *gain)
{
    answer_begin(answer, "replayGain");
    write_gain(answer, "trackGain", gain->track_cdb);
    write_gain(answer, "albumGain", gain->album_cdb);
    write_peak(answer, "trackPeak", gain->track_peak_ppm);
    write_peak(answer, "albumPeak", gain->album_peak_ppm);
    write_gain(answer, "baseGain", gain->base_cdb);
    write_gain(answer, "fallbackGain", gain->fallback_cdb);
    answer_end(answer);
}

static void write_explicit(struct answer *answer, enum catalog_explicit status)
{
    static const struct text words[] = {
        [CATALOG_EXPLICIT_UNKNOWN] = TEXT_INIT(""),
        [CATALOG_EXPLICIT] = TEXT_INIT("explicit"),
        [CATALOG_CLEAN] = TEXT_INIT("clean"),
    };
    answer_text(answer, "explicitStatus", words[status]);
}

static void write_date(struct answer *answer, const char *name, struct catalog_date date)
{
    answer_begin(answer, name);
    answer_some_u64(answer, "year", date.year);
    answer_some_u64(answer, "month", date.month);
    answer_some_u64(answer, "day", date.day);
    answer_end(answer);
}

static struct text sort_or(struct text sort, struct text name) { return sort.size ? sort : name; }

/* The first credit of that role; its artist is none when there is none. */
static struct catalog_credit first_credit(const struct catalog_credits *credits,
                                          enum catalog_role role)
{
    for (uint32_t i = 0; i < credits->count; i++) {
        struct catalog_credit credit = catalog_credits_at(credits, i);
        if (credit.role == role)
            return credit;
    }
    return (struct catalog_credit){.role = role};
}

/* --- song --- */

static void write_song_file(struct answer *answer, const struct track_row *row)
{
    answer_u64(answer, "size", row->size_bytes);
    answer_text(answer, "contentType", row->content_type);
    answer_text(answer, "suffix", row->suffix);
    answer_u64(answer, "duration", (row->duration_ms + 500) / 1000);
    answer_u64(answer, "bitRate", row->bit_rate_kbps);
    answer_text(answer, "path", row->path);
    answer_bool(answer, "isVideo", false);
}

static void write_song_extended_members(struct answer *answer, const struct track_row *row,
                                        const struct album_row *album)
{
    answer_text(answer, "mediaType", TEXT("song"));
    answer_u64(answer, "bitDepth", row->bit_depth);
    answer_u64(answer, "samplingRate", row->sampling_rate_hz);
    answer_u64(answer, "channelCount", row->channels);
    answer_u64(answer, "bpm", row->bpm);
    answer_text(answer, "comment", row->comment);
    answer_text(answer, "sortName", sort_or(row->sort_title, row->title));
    answer_text(answer, "musicBrainzId", row->musicbrainz_id);
    answer_text(answer, "displayArtist", row->display_artist);
    answer_text(answer, "displayAlbumArtist", album->display_artist);
    answer_text(answer, "displayComposer", row->display_composer);
    write_explicit(answer, row->explicit_status);
}

static void write_song_extended_lists(struct call *call, const struct track_row *row,
                                      const struct album_row *album)
{
    struct answer *answer = &call->answer;
    write_texts(answer, "isrc", &row->isrcs);
    write_named(answer, "genres", &row->genres);
    write_credited(call, "artists", &row->credits, CATALOG_ROLE_ARTIST);
    write_credited(call, "albumArtists", &album->credits, CATALOG_ROLE_ALBUM_ARTIST);
    write_contributors(call, &row->credits);
    write_texts(answer, "moods", &row->moods);
    write_named(answer, "works", &row->works);
    write_named(answer, "movements", &row->movements);
    struct catalog_gain gain;
    (void)gain_complete(call->api->config.loudness, call->view, row, &call->gains, &gain);
    write_replay_gain(answer, &gain);
}

void entity_song(struct call *call, uint32_t track)
{
    struct answer *answer = &call->answer;
    struct track_row row;
    struct album_row album;
    catalog_track(call->catalog, track, &row);
    catalog_album(call->catalog, row.album_number, &album);
    struct catalog_credit artist = first_credit(&row.credits, CATALOG_ROLE_ARTIST);

    entity_id(call, "id", CATALOG_TRACK, &row.id);
    entity_id(call, "parent", CATALOG_FOLDER, &row.folder);
    answer_bool(answer, "isDir", false);
    answer_text(answer, "title", row.title);
    answer_text(answer, "album", album.name);
    answer_text(answer, "artist", row.display_artist);
    answer_some_u64(answer, "track", row.track_number);
    answer_some_u64(answer, "year", row.year);
    if (row.genres.count)
        answer_text(answer, "genre", catalog_texts_at(&row.genres, 0));
    write_artwork(call, CATALOG_TRACK, track);
    write_song_file(answer, &row);
    answer_some_u64(answer, "discNumber", row.disc_number);
    answer_date(answer, "created", row.created_ms);
    entity_id(call, "albumId", CATALOG_ALBUM, &row.album);
    entity_id(call, "artistId", CATALOG_ARTIST, &artist.artist);
    answer_text(answer, "type", TEXT("music"));
    write_overlay(call, subject_of(CATALOG_TRACK, &row.id), true);
    if (answer->is_plain)
        return;
    write_song_extended_members(answer, &row, &album);
    write_song_extended_lists(call, &row, &album);
}

/* --- album --- */

static void write_disc_titles(struct answer *answer, const struct catalog_discs *discs)
{
    answer_list(answer, "discTitles");
    for (uint32_t i = 0; i < discs->count; i++) {
        struct disc_title disc = catalog_discs_at(discs, i);
        answer_item(answer);
        answer_u64(answer, "disc", disc.disc);
        answer_text(answer, "title", disc.title);
        answer_end(answer);
    }
    answer_end(answer);
}

static void write_album_extended(struct call *call, const struct album_row *row)
{
    struct answer *answer = &call->answer;
    answer_text(answer, "version", row->version);
    answer_text(answer, "musicBrainzId", row->musicbrainz_id);
    answer_text(answer, "displayArtist", row->display_artist);
    answer_text(answer, "sortName", sort_or(row->sort_name, row->name));
    answer_bool(answer, "isCompilation", row->is_compilation);
    write_explicit(answer, row->explicit_status);
    write_named(answer, "recordLabels", &row->labels);
    write_named(answer, "genres", &row->genres);
    write_credited(call, "artists", &row->credits, CATALOG_ROLE_ALBUM_ARTIST);
    write_texts(answer, "releaseTypes", &row->release_types);
    write_texts(answer, "moods", &row->moods);
    write_date(answer, "originalReleaseDate", row->original_date);
    write_date(answer, "releaseDate", row->release_date);
    write_disc_titles(answer, &row->disc_titles);
}

void entity_album(struct call *call, uint32_t album)
{
    struct answer *answer = &call->answer;
    struct album_row row;
    catalog_album(call->catalog, album, &row);
    struct catalog_figures figures = catalog_figures(call->view, CATALOG_ALBUM, album);
    struct catalog_credit artist = first_credit(&row.credits, CATALOG_ROLE_ALBUM_ARTIST);

    entity_id(call, "id", CATALOG_ALBUM, &row.id);
    answer_text(answer, "name", row.name);
    answer_text(answer, "artist", row.display_artist);
    entity_id(call, "artistId", CATALOG_ARTIST, &artist.artist);
    write_artwork(call, CATALOG_ALBUM, album);
    answer_u64(answer, "songCount", figures.songs);
    answer_u64(answer, "duration", (figures.duration_ms + 500) / 1000);
    answer_date(answer, "created", row.created_ms);
    answer_some_u64(answer, "year", row.year);
    if (row.genres.count)
        answer_text(answer, "genre", catalog_texts_at(&row.genres, 0));
    write_overlay(call, subject_of(CATALOG_ALBUM, &row.id), !answer->is_plain);
    if (!answer->is_plain)
        write_album_extended(call, &row);
}

void entity_album_child(struct call *call, uint32_t album)
{
    struct answer *answer = &call->answer;
    struct album_row row;
    catalog_album(call->catalog, album, &row);
    struct catalog_credit artist = first_credit(&row.credits, CATALOG_ROLE_ALBUM_ARTIST);

    entity_id(call, "id", CATALOG_ALBUM, &row.id);
    entity_id(call, "parent", CATALOG_ARTIST, &artist.artist);
    answer_bool(answer, "isDir", true);
    answer_text(answer, "title", row.name);
    answer_text(answer, "album", row.name);
    answer_text(answer, "artist", row.display_artist);
    answer_some_u64(answer, "year", row.year);
    if (row.genres.count)
        answer_text(answer, "genre", catalog_texts_at(&row.genres, 0));
    write_artwork(call, CATALOG_ALBUM, album);
    answer_u64(answer, "duration",
               (catalog_figures(call->view, CATALOG_ALBUM, album).duration_ms + 500) / 1000);
    answer_date(answer, "created", row.created_ms);
    entity_id(call, "artistId", CATALOG_ARTIST, &artist.artist);
    write_overlay(call, subject_of(CATALOG_ALBUM, &row.id), true);
    if (!answer->is_plain)
        answer_text(answer, "mediaType", TEXT("album"));
}

/* --- artist --- */

static void write_roles(struct answer *answer, uint32_t roles)
{
    answer_list(answer, "roles");
    for (unsigned role = 0; role < CATALOG_ROLES; role++)
        if (roles & UINT32_C(1) << role)
            answer_list_text(answer, catalog_role_name((enum catalog_role)role));
    answer_end(answer);
}

void entity_artist(struct call *call, uint32_t artist)
{
    struct answer *answer = &call->answer;
    struct artist_row row;
    catalog_artist(call->catalog, artist, &row);
    struct subject subject = subject_of(CATALOG_ARTIST, &row.id);

    entity_id(call, "id", CATALOG_ARTIST, &row.id);
    answer_text(answer, "name", row.name);
    write_artwork(call, CATALOG_ARTIST, artist);
    answer_u64(answer, "albumCount", catalog_figures(call->view, CATALOG_ARTIST, artist).albums);
    answer_some_date(answer, "starred", listener_starred_ms(call->listener, subject));
    if (answer->is_plain)
        return;
    unsigned rating = listener_rating(call->listener, subject);
    answer_some_u64(answer, "userRating", rating);
    answer_text(answer, "musicBrainzId", row.musicbrainz_id);
    answer_text(answer, "sortName", sort_or(row.sort_name, row.name));
    answer_text(answer, "disambiguation", row.disambiguation);
    write_roles(answer, row.roles);
}

void entity_plain_artist(struct call *call, uint32_t artist)
{
    struct artist_row row;
    catalog_artist(call->catalog, artist, &row);
    struct subject subject = subject_of(CATALOG_ARTIST, &row.id);
    entity_id(call, "id", CATALOG_ARTIST, &row.id);
    answer_text(&call->answer, "name", row.name);
    answer_some_date(&call->answer, "starred", listener_starred_ms(call->listener, subject));
    answer_some_u64(&call->answer, "userRating", listener_rating(call->listener, subject));
    if (!call->answer.is_plain)
        write_artwork(call, CATALOG_ARTIST, artist);
}

/* --- folder --- */

void entity_folder_child(struct call *call, uint32_t folder)
{
    struct folder_row row;
    catalog_folder(call->catalog, folder, &row);
    entity_id(call, "id", CATALOG_FOLDER, &row.id);
    entity_id(call, "parent", CATALOG_FOLDER, &row.parent);
    answer_bool(&call->answer, "isDir", true);
    answer_text(&call->answer, "title", row.name);
    write_artwork(call, CATALOG_FOLDER, folder);
}

/* --- lists --- */

void entity_list(struct call *call, const char *name, const struct page *page,
                 entity_writer *writer)
{
    answer_list(&call->answer, name);
    for (size_t i = 0; i < page->count; i++) {
        answer_item(&call->answer);
        writer(call, page->numbers[i]);
        answer_end(&call->answer);
    }
    answer_end(&call->answer);
}

void entity_songs_of(struct call *call, const char *name, const struct subject *subjects,
                     size_t count)
{
    uint32_t number;
    answer_list(&call->answer, name);
    for (size_t i = 0; i < count; i++) {
        if (!entity_find(call, subjects[i], CATALOG_TRACK, &number))
            continue;
        answer_item(&call->answer);
        entity_song(call, number);
        answer_end(&call->answer);
    }
    answer_end(&call->answer);
}
