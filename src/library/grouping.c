// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/grouping.h"
#include "library/filename.h"

/* --- credits --- */

static const struct {
    enum catalog_role role;
    enum media_tag_kind name, sort_name, mbid; /* 0: there is no such tag */
} roles[] = {
    {CATALOG_ROLE_ARTIST, MEDIA_TAG_ARTIST, MEDIA_TAG_ARTIST_SORT, MEDIA_TAG_MB_ARTIST},
    {CATALOG_ROLE_ALBUM_ARTIST, MEDIA_TAG_ALBUM_ARTIST, MEDIA_TAG_ALBUM_ARTIST_SORT,
     MEDIA_TAG_MB_ALBUM_ARTIST},
    {CATALOG_ROLE_COMPOSER, MEDIA_TAG_COMPOSER, MEDIA_TAG_COMPOSER_SORT, 0},
    {CATALOG_ROLE_LYRICIST, MEDIA_TAG_LYRICIST, 0, 0},
    {CATALOG_ROLE_CONDUCTOR, MEDIA_TAG_CONDUCTOR, 0, 0},
    {CATALOG_ROLE_PERFORMER, MEDIA_TAG_PERFORMER, 0, 0},
    {CATALOG_ROLE_ARRANGER, MEDIA_TAG_ARRANGER, 0, 0},
    {CATALOG_ROLE_PRODUCER, MEDIA_TAG_PRODUCER, 0, 0},
    {CATALOG_ROLE_ENGINEER, MEDIA_TAG_ENGINEER, 0, 0},
    {CATALOG_ROLE_MIXER, MEDIA_TAG_MIXER, 0, 0},
    {CATALOG_ROLE_DJMIXER, MEDIA_TAG_DJ_MIXER, 0, 0},
    {CATALOG_ROLE_REMIXER, MEDIA_TAG_REMIXER, 0, 0},
    {CATALOG_ROLE_DIRECTOR, MEDIA_TAG_DIRECTOR, 0, 0},
};

static size_t count_of(const struct media_info *info, enum media_tag_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < info->tag_count; i++)
        count += info->tags[i].kind == kind;
    return count;
}

void grouping_identify(struct credit *credit)
{
    struct key_maker maker;
    key_begin(&maker, "artist");
    key_name(&maker, credit->name);
    credit->name_key = key_end(&maker);
    credit->key = credit->name_key;
    if (!credit->mbid.size)
        return;
    key_begin(&maker, "artist mbid");
    key_exact(&maker, credit->mbid);
    credit->key = key_end(&maker);
}

static size_t feature_at(struct text name, size_t *ret_resume)
{
    static const struct text words[] = {TEXT_INIT(" feat. "), TEXT_INIT(" ft. "),
                                        TEXT_INIT(" featuring "), TEXT_INIT(" (feat. "),
                                        TEXT_INIT(" (ft. ")};
    for (size_t at = 1; at < name.size; at++) {
        if (name.data[at] != ' ')
            continue;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
            if (!text_starts_nocase(text_from(name, at), words[i]))
                continue;
            *ret_resume = at + words[i].size;
            return at;
        }
    }
    return SIZE_MAX;
}

static size_t add(struct credit *credits, size_t count, struct credit credit)
{
    credit.name = text_trim(credit.name);
    if (count == GROUPING_MAX_CREDITS || !credit.name.size)
        return count;
    grouping_identify(&credit);
    credits[count] = credit;
    return count + 1;
}

/* "A feat. B": two credits.  Only for files that do not say more exactly who they are. */
static size_t add_apart(struct credit *credits, size_t count, struct credit whole)
{
    size_t resume = 0, at = feature_at(whole.name, &resume);
    if (at == SIZE_MAX)
        return add(credits, count, whole);
    struct credit guest = {.role = whole.role, .name = text_from(whole.name, resume)};
    if (text_ends(guest.name, TEXT(")")) && whole.name.data[resume - 1] == ' ' &&
        text_find_byte(text_make(whole.name.data + at, resume - at), '(') != SIZE_MAX)
        guest.name.size--;
    whole.name.size = at;
    whole.sort_name = TEXT_NONE;
    count = add(credits, count, whole);
    return add(credits, count, guest);
}

static size_t credits_of_role(const struct media_info *info, size_t row, struct credit *credits,
                              size_t count)
{
    size_t names = count_of(info, roles[row].name), nth = 0;
    bool has_sorts = roles[row].sort_name && count_of(info, roles[row].sort_name) == names;
    bool has_mbids = roles[row].mbid && count_of(info, roles[row].mbid) == names;
    bool is_single = names == 1 && !has_mbids && roles[row].role <= CATALOG_ROLE_ALBUM_ARTIST;
    for (size_t i = 0; i < info->tag_count; i++) {
        const struct media_tag *tag = &info->tags[i];
        if (tag->kind != roles[row].name)
            continue;
        struct credit credit = {.role = roles[row].role, .name = tag->value, .detail = tag->detail};
        if (has_sorts)
            credit.sort_name = media_info_tag(info, roles[row].sort_name, nth);
        if (has_mbids)
            credit.mbid = media_info_tag(info, roles[row].mbid, nth);
        count = is_single ? add_apart(credits, count, credit) : add(credits, count, credit);
        nth++;
    }
    return count;
}

size_t grouping_credits(const struct media_info *info, struct credit credits[GROUPING_MAX_CREDITS])
{
    size_t count = 0;
    for (size_t row = 0; row < ARRAY_SIZE(roles); row++) {
        count = credits_of_role(info, row, credits, count);
        if (row == 0 && count == 0) {
            /* "Album Artist" alone is common; better him than nobody */
            struct credit *only = &credits[count];
            struct text album_artist = media_info_tag(info, MEDIA_TAG_ALBUM_ARTIST, 0);
            if (album_artist.size) {
                *only = (struct credit){.role = CATALOG_ROLE_ARTIST, .name = album_artist};
                if (count_of(info, MEDIA_TAG_MB_ALBUM_ARTIST) == 1 &&
                    count_of(info, MEDIA_TAG_ALBUM_ARTIST) == 1)
                    only->mbid = media_info_tag(info, MEDIA_TAG_MB_ALBUM_ARTIST, 0);
                grouping_identify(only);
            } else {
                grouping_unknown_artist(only);
            }
            count++;
        }
    }
    return count;
}

void grouping_various_artists(struct credit *ret_credit)
{
    /* MusicBrainz's own artist for the purpose, so that tagged and untagged compilations meet */
    *ret_credit = (struct credit){.role = CATALOG_ROLE_ALBUM_ARTIST,
                                  .name = TEXT("Various Artists"),
                                  .mbid = TEXT("89ad4ac3-39f7-470e-963a-56509c546377")};
    grouping_identify(ret_credit);
}

void grouping_unknown_artist(struct credit *ret_credit)
{
    *ret_credit = (struct credit){.role = CATALOG_ROLE_ARTIST, .name = TEXT("[Unknown Artist]")};
    grouping_identify(ret_credit);
}

/* --- albums --- */

struct text grouping_album_folder(struct text folder)
{
    size_t last = folder.size;
    while (last > 0 && folder.data[last - 1] != '/')
        last--;
    struct text rest;
    if (!folder.size || !filename_disc_folder(text_from(folder, last), &rest))
        return folder;
    if (!rest.size)
        return text_make(folder.data, last ? last - 1 : 0);
    return text_make(folder.data, (size_t)(rest.data - folder.data) + rest.size);
}

static void key_edition(struct key_maker *maker, const struct media_info *info, struct text folder)
{
    key_name(maker, media_info_tag(info, MEDIA_TAG_ALBUM_VERSION, 0));
    struct text date = media_info_tag(info, MEDIA_TAG_RELEASE_DATE, 0);
    key_exact(maker, date.size ? date : grouping_album_folder(folder));
}

static void key_album_artists(struct key_maker *maker, const struct media_info *info)
{
    for (size_t i = 0; i < info->tag_count; i++)
        if (info->tags[i].kind == MEDIA_TAG_ALBUM_ARTIST)
            key_name(maker, info->tags[i].value);
}

void grouping_album(const struct media_info *info, int32_t root, struct text folder,
                    struct album_key *ret)
{
    struct key_maker maker;
    struct text album = text_trim(media_info_tag(info, MEDIA_TAG_ALBUM, 0));
    ret->mbid = media_info_tag(info, MEDIA_TAG_MB_ALBUM, 0);
    if (ret->mbid.size) {
        key_begin(&maker, "album mbid");
        key_exact(&maker, ret->mbid);
    } else if (!album.size) {
        key_begin(&maker, "album folder");
        key_exact(&maker, grouping_album_folder(folder));
    } else if (media_info_tag(info, MEDIA_TAG_ALBUM_ARTIST, 0).size) {
        key_begin(&maker, "album artist");
        key_album_artists(&maker, info);
        key_name(&maker, album);
        key_edition(&maker, info, folder);
    } else if (media_info_tag(info, MEDIA_TAG_COMPILATION, 0).size) {
        key_begin(&maker, "album various");
        key_name(&maker, album);
        key_edition(&maker, info, folder);
    } else {
        key_begin(&maker, "album together");
        key_name(&maker, album);
        key_name(&maker, media_info_tag(info, MEDIA_TAG_ALBUM_VERSION, 0));
        key_exact(&maker, grouping_album_folder(folder));
    }
    key_number(&maker, root);
    ret->key = key_end(&maker);
}

/* --- dates --- */

static unsigned digits(struct text t, size_t at, size_t count)
{
    unsigned value = 0;
    for (size_t i = at; i < at + count; i++) {
        if (i >= t.size || t.data[i] < '0' || t.data[i] > '9')
            return 0;
        value = value * 10 + (unsigned)(t.data[i] - '0');
    }
    return value;
}

struct catalog_date grouping_date(struct text written)
{
    struct catalog_date date = {.year = (uint16_t)digits(written, 0, 4)};
    bool has_day = written.size >= 10 && written.data[7] == '-';
    if (date.year && written.size >= 7 && written.data[4] == '-') {
        unsigned month = digits(written, 5, 2), day = has_day ? digits(written, 8, 2) : 0;
        date.month = month <= 12 ? (uint8_t)month : 0;
        date.day = date.month && day <= 31 ? (uint8_t)day : 0;
    }
    return date;
}
