// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * publish: album by album, the changed files of an album, the album, its artists and folders become
 * rows of a build, one build a root; then each root's depot gets its new segment.
 *
 * A segment must name no id without giving its row, so artists and folders are given again whenever
 * a changed row names them (catalog/build.h).
 */
#include "base/map.h"
#include "base/mem.h"
#include "library/group_row.h"
#include "library/rows.h"
#include "library/scan.h"
#include <stdio.h>
#include <string.h>

enum { SCRATCH_BYTES = 64 << 20, MAX_ARTISTS = 1 << 24 };

struct publisher {
    struct scan *scan;
    struct database *database;
    struct build *builds[LIBRARY_MAX_ROOTS]; /* by position of the root; NULL until needed */
    struct arena *album_arena, *track_arena;
    struct map *artist_ids;    /* row number to id */
    struct arena *ids;         /* holds these */
    struct number_set artists; /* given already, by root */
    struct number_set folders; /* given already */
};

static size_t root_at(const struct publisher *p, int32_t id)
{
    const struct scan_environment *environment = p->scan->environment;
    for (size_t i = 0; i < environment->root_count; i++)
        if (environment->roots[i].id == id)
            return i;
    return SIZE_MAX; /* a root that is no longer configured */
}

static struct build *build_of(struct publisher *p, size_t root)
{
    if (!p->builds[root])
        p->builds[root] = depot_begin(p->scan->environment->roots[root].depot);
    return p->builds[root];
}

/* --- folders --- */

struct folder_facts {
    int32_t root;
    int64_t parent;
    struct text path; /* in the arena */
    struct catalog_id cover, artist_image;
};

static bool read_folder(struct publisher *p, int64_t row, struct arena *arena,
                        struct folder_facts *ret)
{
    sqlite3_stmt *get = database_use(p->database, STATEMENT_FOLDER_GET);
    bind_i64(get, 1, row);
    bool is_found = database_step(p->database, get);
    if (is_found) {
        ret->root = sqlite3_column_int(get, 0);
        ret->path = arena_text(arena, column_bytes(get, 1));
        ret->parent = sqlite3_column_int64(get, 2);
        column_id(get, 3, ret->cover.bytes);
        column_id(get, 4, ret->artist_image.bytes);
    }
    sqlite3_reset(get);
    return is_found;
}

static struct text last_part(struct text path)
{
    size_t last = path.size;
    while (last > 0 && path.data[last - 1] != '/')
        last--;
    return text_from(path, last);
}

static struct text parent_path(struct text path)
{
    size_t last = path.size;
    while (last > 0 && path.data[last - 1] != '/')
        last--;
    return text_make(path.data, last ? last - 1 : 0);
}

static void publish_folder(struct publisher *p, int64_t row, struct arena *arena)
{
    for (int depth = 0; row && depth <= WALK_MAX_DEPTH + 1; depth++) {
        struct folder_facts facts;
        if (!number_set_add(&p->folders, (uint64_t)row) || !read_folder(p, row, arena, &facts))
            return;
        size_t root = root_at(p, facts.root);
        if (root == SIZE_MAX)
            return;
        struct folder_row folder = {.id = id_of_folder(facts.root, facts.path),
                                    .artwork = facts.cover};
        folder.name = filename_shown(arena, last_part(facts.path));
        if (facts.path.size)
            folder.parent = id_of_folder(facts.root, parent_path(facts.path));
        else
            folder.name = text_of(p->scan->environment->roots[root].name);
        build_folder(build_of(p, root), &folder);
        row = facts.parent;
    }
}

/* --- artists --- */

static const struct catalog_id *artist_id(struct publisher *p, int64_t group)
{
    static const struct catalog_id none;
    struct text key = {(const char *)&group, sizeof group};
    struct catalog_id *id = map_get(p->artist_ids, key);
    if (id)
        return id;
    struct group_row row;
    id = group_row_get(p->database, group, &row) ? arena_alloc(p->ids, sizeof *id) : NULL;
    if (!id)
        return &none;
    *id = row.id;
    return map_put(p->artist_ids, key, id) ? id : &none;
}

static void give_artist(struct publisher *p, size_t root, int64_t group, struct text sort_name)
{
    struct group_row row;
    if (!group_row_get(p->database, group, &row))
        return;
    struct artist_row artist = {.id = row.id,
                                .artwork = row.art,
                                .name = row.name,
                                .sort_name = sort_name,
                                .musicbrainz_id = text_of(row.mbid)};
    build_artist(build_of(p, root), &artist);
}

static void publish_artist(struct publisher *p, size_t root, int64_t group, struct text sort_name)
{
    if (number_set_add(&p->artists, (uint64_t)group * LIBRARY_MAX_ROOTS + root))
        give_artist(p, root, group, sort_name);
}

/* --- tracks --- */

struct member {
    int64_t file, folder;
    int32_t root;
    struct text folder_path;
    struct media_info info;
    struct credit credits[GROUPING_MAX_CREDITS];
    struct catalog_id artists[GROUPING_MAX_CREDITS];
    int64_t groups[GROUPING_MAX_CREDITS];
    struct track_facts facts;
};

static struct text shown_path(struct arena *arena, struct text folder, struct text name)
{
    struct text whole =
        folder.size ? arena_printf(arena, "%.*s/%.*s", TEXT_ARGS(folder), TEXT_ARGS(name)) : name;
    return filename_shown(arena, whole);
}

/* Everything of a file in the track arena; release `info` afterwards. */
static bool read_member(struct publisher *p, int64_t file, struct member *m)
{
    struct arena *arena = p->track_arena;
    arena_reset(arena);
    sqlite3_stmt *get = database_use(p->database, STATEMENT_FILE_GET);
    bind_i64(get, 1, file);
    m->file = file;
    m->info = (struct media_info){0};
    bool is_good = database_step(p->database, get) && sqlite3_column_type(get, 11) != SQLITE_NULL &&
                   media_info_decode(column_bytes(get, 8), &m->info);
    if (is_good) {
        m->folder = sqlite3_column_int64(get, 0);
        m->root = sqlite3_column_int(get, 11);
        m->folder_path = arena_text(arena, column_bytes(get, 12));
        struct text name = arena_text(arena, column_bytes(get, 1));
        m->facts = (struct track_facts){.info = &m->info,
                                        .credits = m->credits,
                                        .artists = m->artists,
                                        .size_bytes = (uint64_t)sqlite3_column_int64(get, 2),
                                        .mtime_ns = sqlite3_column_int64(get, 3),
                                        .created_ms = sqlite3_column_int64(get, 5),
                                        .name = filename_shown(arena, name),
                                        .path = shown_path(arena, m->folder_path, name),
                                        .has_sidecar = sqlite3_column_int(get, 10) != 0};
        column_id(get, 4, m->facts.id.bytes);
        column_id(get, 9, m->facts.artwork.bytes);
        struct text groups = column_bytes(get, 7);
        m->facts.credit_count = grouping_credits(&m->info, m->credits);
        is_good = groups.size == m->facts.credit_count * sizeof *m->groups;
        if (is_good && groups.size)
            memcpy(m->groups, groups.data, groups.size);
    }
    sqlite3_reset(get);
    for (size_t i = 0; is_good && i < m->facts.credit_count; i++)
        m->artists[i] = *artist_id(p, m->groups[i]);
    if (!is_good)
        media_info_release(&m->info);
    return is_good;
}

static void publish_track(struct publisher *p, size_t root, const struct member *member,
                          const struct group_row *album)
{
    struct track_row row;
    struct track_facts facts = member->facts;
    facts.album = album->id;
    facts.folder = id_of_folder(member->root, member->folder_path);
    if (!rows_track(&facts, p->track_arena, &row))
        return;
    build_track(build_of(p, root), &row);
    publish_folder(p, member->folder, p->track_arena);
}

/* --- albums --- */

struct album_work {
    struct group_row group;
    struct album_summary summary;
    size_t root;
    int64_t folder;          /* of the first member */
    struct text folder_path; /* in the album's arena */
    int64_t artists[ALBUM_MAX_ARTISTS];
    struct text sort_name; /* of the first of them */
};

static int64_t group_of_artist(const struct member *member, const struct catalog_id *artist)
{
    for (size_t i = 0; i < member->facts.credit_count; i++)
        if (catalog_id_equal(&member->artists[i], artist))
            return member->groups[i];
    return 0;
}

static void add_member(struct publisher *p, struct album_work *work, const struct member *member)
{
    album_summary_add(&work->summary, &member->facts);
    for (uint32_t i = 0; i < work->summary.artist_count; i++) {
        int64_t group = group_of_artist(member, &work->summary.artists[i].artist);
        if (group)
            work->artists[i] = group;
    }
    for (size_t i = 0; i < member->facts.credit_count; i++)
        publish_artist(p, work->root, member->groups[i], member->credits[i].sort_name);
    for (size_t i = 0; i < member->facts.credit_count && !work->sort_name.size; i++)
        if (member->groups[i] == work->artists[0] && member->credits[i].sort_name.size)
            work->sort_name = arena_text(p->album_arena, member->credits[i].sort_name);
}

static struct catalog_id cover_of_path(struct publisher *p, int32_t root, struct text path,
                                       struct catalog_id *ret_artist)
{
    struct catalog_id cover = {0};
    sqlite3_stmt *get = database_use(p->database, STATEMENT_FOLDER_FIND);
    bind_i64(get, 1, root);
    bind_bytes(get, 2, path.data, path.size);
    if (database_step(p->database, get)) {
        column_id(get, 4, cover.bytes);
        column_id(get, 8, ret_artist->bytes);
    }
    sqlite3_reset(get);
    return cover;
}

static bool same_name(struct text a, struct text b)
{
    struct key_maker maker;
    key_begin(&maker, "");
    key_name(&maker, a);
    struct key first = key_end(&maker);
    key_begin(&maker, "");
    key_name(&maker, b);
    struct key second = key_end(&maker);
    return memcmp(first.bytes, second.bytes, sizeof first.bytes) == 0;
}

static bool image_exists(struct publisher *p, const struct catalog_id *digest)
{
    sqlite3_stmt *get = database_use(p->database, STATEMENT_FOLDER_BY_ARTIST_ART);
    bind_bytes(get, 1, digest->bytes, sizeof digest->bytes);
    bool exists = database_step(p->database, get);
    sqlite3_reset(get);
    return exists;
}

/* artist.jpg beside the album's files, or in the folder above if that is named like the artist. */
static void find_artist_image(struct publisher *p, struct album_work *work, int32_t root)
{
    struct catalog_id image = {0}, above = {0};
    struct text folder = grouping_album_folder(work->folder_path);
    if (work->summary.artist_count != 1 || !work->artists[0] || !folder.size)
        return;
    (void)cover_of_path(p, root, folder, &image);
    struct text parent = parent_path(folder);
    if (catalog_id_is_none(&image) && parent.size &&
        same_name(filename_shown(p->album_arena, last_part(parent)),
                  work->summary.artists[0].name)) {
        (void)cover_of_path(p, root, parent, &above);
        image = above;
    }
    struct group_row row;
    bool is_known = group_row_get(p->database, work->artists[0], &row);
    if (!is_known || catalog_id_equal(&row.art, &image) ||
        (catalog_id_is_none(&image) && image_exists(p, &row.art)))
        return;
    group_row_set_art(p->database, work->artists[0], &image);
    give_artist(p, work->root, work->artists[0], work->sort_name); /* again: the later row counts */
}

/* Folder pictures first (the album's folder, then the disc's), else the first embedded one. */
static struct catalog_id find_cover(struct publisher *p, const struct album_work *work,
                                    int32_t root)
{
    struct catalog_id unused;
    struct text folder = grouping_album_folder(work->folder_path);
    struct catalog_id cover = cover_of_path(p, root, folder, &unused);
    if (catalog_id_is_none(&cover) && folder.size != work->folder_path.size)
        cover = cover_of_path(p, root, work->folder_path, &unused);
    return cover;
}

static void end_album(struct publisher *p, struct album_work *work)
{
    const struct scan_root *root = &p->scan->environment->roots[work->root];
    struct album_row row = {.id = work->group.id, .created_ms = work->group.created_ms};
    row.musicbrainz_id = text_of(work->group.mbid);
    if (album_summary_is_various(&work->summary)) {
        struct credit various;
        grouping_various_artists(&various);
        int64_t group = group_row_ensure_artist(p->database, &various, p->scan->now_ms);
        work->summary.artist_count = 1;
        work->artists[0] = group;
        work->summary.artists[0] = (struct catalog_credit){.artist = *artist_id(p, group),
                                                           .role = CATALOG_ROLE_ALBUM_ARTIST,
                                                           .name = various.name};
    } else {
        find_artist_image(p, work, root->id);
    }
    for (uint32_t i = 0; i < work->summary.artist_count; i++)
        publish_artist(p, work->root, work->artists[i], TEXT_NONE);
    struct text folder = last_part(grouping_album_folder(work->folder_path));
    work->summary.folder_name =
        folder.size ? filename_shown(p->album_arena, folder) : text_of(root->name);
    row.artwork = find_cover(p, work, root->id);
    album_summary_row(&work->summary, &row);
    build_album(build_of(p, work->root), &row);
}

static void begin_album(struct publisher *p, struct album_work *work, const struct member *first)
{
    album_summary_init(&work->summary, p->album_arena);
    work->folder = first->folder;
    work->folder_path = arena_text(p->album_arena, first->folder_path);
    work->root = root_at(p, first->root);
}

static void publish_album(struct publisher *p, int64_t album)
{
    struct number_list files = {0};
    sqlite3_stmt *get = database_use(p->database, STATEMENT_FILES_OF_ALBUM);
    bind_i64(get, 1, album);
    while (database_step(p->database, get))
        number_list_add(&files, sqlite3_column_int64(get, 0));
    sqlite3_reset(get);

    arena_reset(p->album_arena);
    struct album_work work = {.root = SIZE_MAX};
    struct member member;
    for (size_t i = 0; i < files.count && group_row_get(p->database, album, &work.group); i++) {
        if (!read_member(p, files.items[i], &member))
            continue;
        if (work.root == SIZE_MAX)
            begin_album(p, &work, &member);
        if (work.root != SIZE_MAX) {
            add_member(p, &work, &member);
            if (number_set_has(&p->scan->changes.file_set, (uint64_t)files.items[i]))
                publish_track(p, work.root, &member, &work.group);
        }
        media_info_release(&member.info);
    }
    if (work.root != SIZE_MAX)
        end_album(p, &work);
    number_list_release(&files);
}

/* --- everything --- */

/* A picture that came, went or changed shows on the folder, and on the albums in it and one folder
 * further down. */
static void touch_pictures(struct publisher *p, struct number_set *albums)
{
    struct number_set *pictures = &p->scan->changes.pictures;
    struct number_list folders = {0};
    for (size_t i = 0; i < pictures->capacity; i++) {
        if (!pictures->slots[i])
            continue;
        int64_t folder = (int64_t)pictures->slots[i];
        number_list_add(&folders, folder);
        sqlite3_stmt *within = database_use(p->database, STATEMENT_FOLDERS_WITHIN);
        bind_i64(within, 1, folder);
        while (database_step(p->database, within))
            number_list_add(&folders, sqlite3_column_int64(within, 0));
        sqlite3_reset(within);
        publish_folder(p, folder, p->track_arena);
    }
    for (size_t i = 0; i < folders.count; i++) {
        sqlite3_stmt *get = database_use(p->database, STATEMENT_ALBUMS_OF_FOLDER);
        bind_i64(get, 1, folders.items[i]);
        while (database_step(p->database, get))
            (void)number_set_add(albums, (uint64_t)sqlite3_column_int64(get, 0));
        sqlite3_reset(get);
    }
    number_list_release(&folders);
}

static void publish_removals(struct publisher *p)
{
    const struct changes *changes = &p->scan->changes;
    for (size_t i = 0; i < changes->gone_count; i++) {
        const struct gone_file *gone = &changes->gone[i];
        size_t root = root_at(p, gone->root);
        if (gone->outcome != GONE_BACK && root != SIZE_MAX && !catalog_id_is_none(&gone->track))
            build_removal(build_of(p, root), &gone->track);
    }
}

static void fill(struct publisher *p)
{
    struct changes *changes = &p->scan->changes;
    touch_pictures(p, &changes->albums);
    for (size_t i = 0; i < changes->albums.capacity; i++)
        if (changes->albums.slots[i])
            publish_album(p, (int64_t)changes->albums.slots[i]);
    publish_removals(p);
    for (size_t i = 0; changes->everything && i < p->scan->environment->root_count; i++)
        (void)build_of(p, i); /* also those that are empty now */
}

static int commit(struct publisher *p)
{
    int error = database_error(p->database);
    for (size_t i = 0; i < p->scan->environment->root_count; i++) {
        const struct scan_root *root = &p->scan->environment->roots[i];
        if (!p->builds[i])
            continue;
        if (error)
            build_free(&p->builds[i]);
        else if (p->scan->changes.everything)
            error = depot_replace(root->depot, &p->builds[i]);
        else
            error = depot_commit(root->depot, &p->builds[i]);
    }
    return error;
}

int publish(struct scan *scan)
{
    struct publisher p = {.scan = scan, .database = scan->environment->database};
    p.album_arena = arena_new(SCRATCH_BYTES);
    p.track_arena = arena_new(SCRATCH_BYTES);
    p.ids = arena_new((size_t)MAX_ARTISTS * 32);
    p.artist_ids = map_new((uint64_t)scan->now_ms ^ (uintptr_t)scan, MAX_ARTISTS);
    fill(&p);
    int error = commit(&p);
    map_free(&p.artist_ids);
    arena_free(&p.ids);
    arena_free(&p.album_arena);
    arena_free(&p.track_arena);
    number_set_release(&p.artists);
    number_set_release(&p.folders);
    return error;
}
