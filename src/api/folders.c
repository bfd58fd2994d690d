// SPDX-License-Identifier: GPL-3.0-or-later
/* folders: the library as its owner keeps it on disk, for clients that browse by folder. */
#include "api/browse.h"
#include "api/endpoints.h"
#include "api/entities.h"
#include "api/inside.h"
#include "catalog/build.h"
#include "catalog/fold.h"
#include "library/library.h"

enum { CHUNK = 512, MOST_ROOTS = 32 };

enum call_end rest_getMusicFolders(struct call *call)
{
    uint32_t numbers[MOST_ROOTS];
    size_t count = catalog_folder_roots(call->view, 0, numbers, ARRAY_SIZE(numbers));
    answer_begin(&call->answer, "musicFolders");
    answer_list(&call->answer, "musicFolder");
    for (size_t i = 0; i < count; i++) {
        struct folder_row row;
        catalog_folder(call->catalog, numbers[i], &row);
        answer_item(&call->answer);
        answer_u64(&call->answer, "id", row.library);
        answer_text(&call->answer, "name", row.name);
        answer_end(&call->answer);
    }
    answer_end(&call->answer);
    answer_end(&call->answer);
    return CALL_OK;
}

/* As artists have theirs: the first letter of the folded name behind its article, in capitals; "#"
 * for the rest. */
static struct text folder_heading(struct text name, struct catalog_heading *storage)
{
    char folded[FOLD_MAX];
    struct text t = text_make(folded, fold(name, FOLD_NAME, folded, sizeof(folded)));
    t = text_from(t, fold_article(t, TEXT(FOLD_USUAL_ARTICLES)));
    bool is_letter = t.size && t.data[0] >= 'a' && t.data[0] <= 'z';
    storage->digits[0] = (char)(is_letter ? t.data[0] - 'a' + 'A' : '#');
    return text_make(storage->digits, 1);
}

struct indexed_folder {
    uint32_t number;
    struct catalog_heading heading;
    size_t heading_size;
};

static int compare_indexed(const void *a, const void *b)
{
    const struct indexed_folder *left = a, *right = b;
    int order = text_compare(text_make(left->heading.digits, left->heading_size),
                             text_make(right->heading.digits, right->heading_size));
    return order ? order : (left->number > right->number) - (left->number < right->number);
}

/* The folders right below the roots, with their headings, in order; NULL when there are none. */
static struct indexed_folder *collect_folders(struct call *call, const uint32_t *roots,
                                              size_t root_count, size_t *ret_count)
{
    struct page page = call_page(call, 10000);
    for (size_t i = 0; i < root_count; i++)
        page.count += catalog_folder_children(call->view, roots[i], 0, page.numbers + page.count,
                                              page.max - page.count);
    struct indexed_folder *folders =
        arena_zalloc(exchange_arena(call->exchange), (page.count + 1) * sizeof(*folders));
    *ret_count = folders ? page.count : 0;
    for (size_t i = 0; i < *ret_count; i++) {
        struct folder_row row;
        catalog_folder(call->catalog, page.numbers[i], &row);
        struct catalog_heading storage;
        struct text heading = folder_heading(row.name, &storage);
        folders[i].number = page.numbers[i];
        memcpy(folders[i].heading.digits, heading.data, heading.size);
        folders[i].heading_size = heading.size;
    }
    if (*ret_count)
        qsort(folders, *ret_count, sizeof(*folders), compare_indexed);
    return folders;
}

static void write_folder_index(struct call *call, const uint32_t *roots, size_t root_count)
{
    struct index_writer writer = {.call = call};
    size_t count;
    struct indexed_folder *folders = collect_folders(call, roots, root_count, &count);
    answer_list(&call->answer, "index");
    for (size_t i = 0; i < count; i++) {
        struct folder_row row;
        catalog_folder(call->catalog, folders[i].number, &row);
        browse_index_open(&writer, text_make(folders[i].heading.digits, folders[i].heading_size));
        answer_item(&call->answer);
        entity_id(call, "id", CATALOG_FOLDER, &row.id);
        answer_text(&call->answer, "name", row.name);
        answer_end(&call->answer);
    }
    browse_index_close(&writer);
    answer_end(&call->answer);
}

static void write_folder_songs(struct call *call, uint32_t folder)
{
    uint32_t numbers[CHUNK];
    size_t count, offset = 0;
    while ((count = catalog_folder_tracks(call->view, folder, offset, numbers, CHUNK))) {
        for (size_t i = 0; i < count; i++) {
            answer_item(&call->answer);
            entity_song(call, numbers[i]);
            answer_end(&call->answer);
        }
        offset += count;
    }
}

enum call_end rest_getIndexes(struct call *call)
{
    uint32_t roots[MOST_ROOTS];
    struct library_status status;
    library_status(call->api->config.library, &status);
    uint64_t modified_ms = status.finished_ms > 0 ? (uint64_t)status.finished_ms : 0;
    size_t root_count = catalog_folder_roots(call->view, 0, roots, ARRAY_SIZE(roots));
    if (modified_ms && call_number(call, "ifModifiedSince", 0) >= modified_ms)
        root_count = 0;
    answer_begin(&call->answer, "indexes");
    answer_u64(&call->answer, "lastModified", modified_ms);
    answer_text(&call->answer, "ignoredArticles", TEXT(BUILD_USUAL_ARTICLES));
    write_folder_index(call, roots, root_count);
    answer_list(&call->answer, "child");
    for (size_t i = 0; i < root_count; i++)
        write_folder_songs(call, roots[i]);
    answer_end(&call->answer);
    answer_end(&call->answer);
    return CALL_OK;
}

static void write_subfolders(struct call *call, uint32_t folder)
{
    uint32_t numbers[CHUNK];
    size_t count, offset = 0;
    while ((count = catalog_folder_children(call->view, folder, offset, numbers, CHUNK))) {
        for (size_t i = 0; i < count; i++) {
            answer_item(&call->answer);
            entity_folder_child(call, numbers[i]);
            answer_end(&call->answer);
        }
        offset += count;
    }
}

static enum call_end folder_directory(struct call *call, uint32_t folder)
{
    struct folder_row row;
    catalog_folder(call->catalog, folder, &row);
    answer_begin(&call->answer, "directory");
    entity_id(call, "id", CATALOG_FOLDER, &row.id);
    entity_id(call, "parent", CATALOG_FOLDER, &row.parent);
    answer_text(&call->answer, "name", row.name);
    answer_list(&call->answer, "child");
    write_subfolders(call, folder);
    write_folder_songs(call, folder);
    answer_end(&call->answer);
    answer_end(&call->answer);
    return CALL_OK;
}

/* An album seen as a folder of its songs: what getAlbumList and search2 hand out. */
static enum call_end album_directory(struct call *call, uint32_t album)
{
    struct album_row row;
    catalog_album(call->catalog, album, &row);
    answer_begin(&call->answer, "directory");
    entity_id(call, "id", CATALOG_ALBUM, &row.id);
    answer_text(&call->answer, "name", row.name);
    answer_some_date(&call->answer, "starred",
                     listener_starred_ms(call->listener, subject_of(CATALOG_ALBUM, &row.id)));
    browse_album_songs(call, "child", album);
    answer_end(&call->answer);
    return CALL_OK;
}

static enum call_end artist_directory(struct call *call, uint32_t artist)
{
    struct artist_row row;
    struct page albums = browse_albums_of(call, artist);
    catalog_artist(call->catalog, artist, &row);
    answer_begin(&call->answer, "directory");
    entity_id(call, "id", CATALOG_ARTIST, &row.id);
    answer_text(&call->answer, "name", row.name);
    answer_some_date(&call->answer, "starred",
                     listener_starred_ms(call->listener, subject_of(CATALOG_ARTIST, &row.id)));
    entity_list(call, "child", &albums, entity_album_child);
    answer_end(&call->answer);
    return CALL_OK;
}

enum call_end rest_getMusicDirectory(struct call *call)
{
    uint32_t number;
    if (call_find(call, "id", CATALOG_FOLDER, &number))
        return folder_directory(call, number);
    if (call_find(call, "id", CATALOG_ALBUM, &number))
        return album_directory(call, number);
    if (call_find(call, "id", CATALOG_ARTIST, &number))
        return artist_directory(call, number);
    return call_fail_not_found(call);
}
