// SPDX-License-Identifier: GPL-3.0-or-later
#include "library/group_row.h"
#include "tap.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct group_identity artist_of(const char *name, const char *mbid)
{
    struct credit who = {.name = text_of(name), .mbid = text_of(mbid)};
    grouping_identify(&who);
    return (struct group_identity){.kind = GROUP_ARTIST,
                                   .key = who.key,
                                   .name_key = who.name_key,
                                   .mbid = who.mbid,
                                   .name = who.name};
}

#define MBID_A "b10bbbfc-cf9e-42e0-be17-e2c3e1d2600d"
#define MBID_B "0383dadf-2a4e-4d10-a46a-e9e041da8eb3"

static void test_ids(struct database *database)
{
    const struct group_identity nina = artist_of("Nina", "");
    struct group_row row, other;
    int64_t members = -1;
    int64_t group = group_row_make(database, &nina, 7);
    OK(group && group_row_get(database, group, &row) && row.created_ms == 7 && row.members == 0,
       "a group is made of its key");
    OK(group_row_find(database, GROUP_ARTIST, &nina.key, &members) == group && members == 0 &&
           group_row_find(database, GROUP_ALBUM, &nina.key, NULL) == 0,
       "and found by it, among its kind");
    OK(group_row_insert(database, &nina, &row.id, 7) == 0, "its id and key are not given twice");
    group_row_unkey(database, group);
    OK(group_row_find(database, GROUP_ARTIST, &nina.key, NULL) == 0, "without its key it is there");
    int64_t second = group_row_make(database, &nina, 8);
    OK(second && second != group && group_row_get(database, second, &other) &&
           !catalog_id_equal(&row.id, &other.id),
       "and another may have the key, with an id of its own");
    group_row_add_members(database, second, 3);
    group_row_add_members(database, second, -1);
    OK(group_row_members(database, second) == 2, "members are counted");
    group_row_set_art(database, second, &row.id);
    OK(group_row_get(database, second, &other) && catalog_id_equal(&other.art, &row.id),
       "a picture is set");
    group_row_set_art(database, second, &(struct catalog_id){{0}});
    OK(group_row_get(database, second, &other) && catalog_id_is_none(&other.art), "and taken back");
}

static void test_namesakes(struct database *database)
{
    struct group_identity plain = artist_of("Anna", ""), one = artist_of("Anna", MBID_A),
                          two = artist_of("Anna", MBID_B);
    int64_t first = group_row_make(database, &plain, 1);
    OK(group_row_namesake(database, &plain.name_key, false) == first &&
           group_row_namesake(database, &plain.name_key, true) == 0,
       "the only one of a name, without a MusicBrainz id");
    int64_t second = group_row_make(database, &one, 1);
    OK(group_row_namesake(database, &plain.name_key, false) == 0 &&
           group_row_namesake(database, &plain.name_key, true) == second,
       "the only one with an id, beside it");
    OK(group_row_make(database, &two, 1) &&
           group_row_namesake(database, &plain.name_key, true) == 0,
       "of two with an id neither is the one");
    group_row_set_identity(database, first,
                           &(struct group_identity){.kind = GROUP_ARTIST,
                                                    .key = plain.key,
                                                    .name_key = plain.name_key,
                                                    .name = TEXT("ANNA")});
    struct group_row row;
    OK(group_row_get(database, first, &row) && text_equal(row.name, TEXT("ANNA")),
       "a group takes over another spelling");
}

int main(void)
{
    char folder[] = "/tmp/test_group_row.XXXXXX", path[64], why[256];
    struct database *database = NULL;
    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof path, "%s/library.db", folder);
    OK(library_database_open(path, DATABASE_MAKE, &database, why) == 0, "an empty library.db");
    database_begin(database);
    test_ids(database);
    test_namesakes(database);
    OK(database_commit(database) == 0, "nothing of this failed");
    library_database_close(&database);
    (void)unlink(path);
    (void)rmdir(folder);
    return tap_done();
}
