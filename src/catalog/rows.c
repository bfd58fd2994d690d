// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/rows.h"
#include "catalog/snapshot.h"

struct text catalog_texts_at(const struct catalog_texts *texts, uint32_t index)
{
    CATALOG_ASSERT(index < texts->count);
    if (texts->items)
        return texts->items[index];
    const struct segment *segment = texts->_segment;
    enum segment_column column = (enum segment_column)texts->_column;
    uint32_t row = texts->_first + index;
    if (column == COLUMN_TRACK_GENRE_ROW || column == COLUMN_ALBUM_GENRE_ROW)
        return segment_text(segment, COLUMN_GENRE_NAME, segment_u32(segment, column, row));
    return segment_text(segment, column, row);
}

struct text catalog_role_name(enum catalog_role role)
{
    static const struct text names[CATALOG_ROLES] = {
        [CATALOG_ROLE_ARTIST] = TEXT_INIT("artist"),
        [CATALOG_ROLE_ALBUM_ARTIST] = TEXT_INIT("albumartist"),
        [CATALOG_ROLE_COMPOSER] = TEXT_INIT("composer"),
        [CATALOG_ROLE_CONDUCTOR] = TEXT_INIT("conductor"),
        [CATALOG_ROLE_PERFORMER] = TEXT_INIT("performer"),
        [CATALOG_ROLE_LYRICIST] = TEXT_INIT("lyricist"),
        [CATALOG_ROLE_ARRANGER] = TEXT_INIT("arranger"),
        [CATALOG_ROLE_PRODUCER] = TEXT_INIT("producer"),
        [CATALOG_ROLE_ENGINEER] = TEXT_INIT("engineer"),
        [CATALOG_ROLE_MIXER] = TEXT_INIT("mixer"),
        [CATALOG_ROLE_DJMIXER] = TEXT_INIT("djmixer"),
        [CATALOG_ROLE_REMIXER] = TEXT_INIT("remixer"),
        [CATALOG_ROLE_DIRECTOR] = TEXT_INIT("director"),
    };
    return (unsigned)role < CATALOG_ROLES ? names[role] : TEXT_NONE;
}

/* Columns of the credits of a track or an album. */
struct credit_columns {
    enum segment_column artist, role, name, sub_role;
};

struct catalog_credit catalog_credits_at(const struct catalog_credits *credits, uint32_t index)
{
    static const struct credit_columns of_track = {
        COLUMN_TRACK_CREDIT_ARTIST, COLUMN_TRACK_CREDIT_ROLE, COLUMN_TRACK_CREDIT_NAME,
        COLUMN_TRACK_CREDIT_SUB_ROLE};
    static const struct credit_columns of_album = {
        COLUMN_ALBUM_CREDIT_ARTIST, COLUMN_ALBUM_CREDIT_ROLE, COLUMN_ALBUM_CREDIT_NAME,
        COLUMN_ALBUM_CREDIT_SUB_ROLE};
    CATALOG_ASSERT(index < credits->count);
    if (credits->items)
        return credits->items[index];
    const struct catalog *catalog = credits->_catalog;
    const struct catalog_part *part = &catalog->parts[credits->_part];
    const struct segment *segment = part->segment;
    const struct credit_columns *columns =
        credits->_column == COLUMN_TRACK_CREDIT_ARTIST ? &of_track : &of_album;
    uint32_t row = credits->_first + index;
    uint32_t artist = part->artist_number[segment_u32(segment, columns->artist, row)];
    uint8_t role = segment_u8(segment, columns->role, row);
    struct catalog_credit credit = {
        .artist = *snapshot_id(catalog, CATALOG_ARTIST, artist),
        .role = role < CATALOG_ROLES ? (enum catalog_role)role : CATALOG_ROLE_PERFORMER,
        .name = segment_text(segment, columns->name, row),
        .sub_role = segment_text(segment, columns->sub_role, row),
        .artist_number = artist,
    };
    if (credit.name.size == 0)
        credit.name =
            snapshot_text(catalog, COLUMN_ARTIST_NAME, catalog->refs[CATALOG_ARTIST][artist]);
    return credit;
}

struct disc_title catalog_discs_at(const struct catalog_discs *discs, uint32_t index)
{
    CATALOG_ASSERT(index < discs->count);
    if (discs->items)
        return discs->items[index];
    uint32_t row = discs->_first + index;
    return (struct disc_title){segment_u16(discs->_segment, COLUMN_DISC_NUMBER, row),
                               segment_text(discs->_segment, COLUMN_DISC_TITLE, row)};
}
