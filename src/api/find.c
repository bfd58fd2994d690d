// SPDX-License-Identifier: GPL-3.0-or-later
/* find: search, search2, search3: the same question asked in three shapes; an empty one pages
 * through everything. */
#include "api/endpoints.h"
#include "api/entities.h"
#include "catalog/search.h"

enum { MOST_HITS = 10000 }; /* of one kind in one answer; a longer answer would not fit */

static uint32_t plays_of(void *context, enum catalog_kind kind, const struct catalog_id *id)
{
    const struct listener *listener = context;
    uint64_t count = listener_plays(listener, subject_of(kind, id)).count;
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

/* Old clients mark a search for everything, or for a prefix, by quotes and a star. */
static struct text strip_marks(struct text words)
{
    if (words.size >= 2 && words.data[0] == '"' && words.data[words.size - 1] == '"')
        words = text_make(words.data + 1, words.size - 2);
    while (words.size && words.data[words.size - 1] == '*')
        words.size--;
    return words;
}

static void ask(struct call *call, struct search_query *query)
{
    /* every play count is zero as long as nothing was played: no need to ask */
    if (listener_ranked_count(call->listener, RANKING_FREQUENT, "tr"))
        query->plays = plays_of;
    query->context = (void *)(uintptr_t)call->listener;
    catalog_search(call->view, query);
}

static bool prepare_page(const struct call *call, struct search_page *page, const char *count_name,
                         const char *offset_name, uint64_t usual)
{
    struct page room = call_page(call, call_number(call, count_name, usual));
    page->offset = (size_t)call_number(call, offset_name, 0);
    page->max = room.max;
    page->ret = room.numbers;
    return room.numbers != NULL;
}

static bool is_cut_short(const struct call *call, const struct search_page *page,
                         const char *count_name)
{
    return page->offset + page->count < page->total && call_number(call, count_name, 0) > MOST_HITS;
}

static void write_hits(struct call *call, const char *name, const struct search_page *page,
                       entity_writer *writer)
{
    entity_list(call, name, &(struct page){page->ret, page->max, page->count}, writer);
}

static enum call_end search(struct call *call, const char *name, entity_writer *artists,
                            entity_writer *albums)
{
    struct search_query query = {.words = strip_marks(call_text(call, "query"))};
    if (!prepare_page(call, &query.pages[SEARCH_ARTISTS], "artistCount", "artistOffset", 20) ||
        !prepare_page(call, &query.pages[SEARCH_ALBUMS], "albumCount", "albumOffset", 20) ||
        !prepare_page(call, &query.pages[SEARCH_SONGS], "songCount", "songOffset", 20))
        return call_fail_busy(call, 1, "This search needs more memory than one may have.");
    ask(call, &query);
    if (is_cut_short(call, &query.pages[SEARCH_ARTISTS], "artistCount") ||
        is_cut_short(call, &query.pages[SEARCH_ALBUMS], "albumCount") ||
        is_cut_short(call, &query.pages[SEARCH_SONGS], "songCount"))
        return call_fail(call, API_ERROR_GENERIC,
                         "Ask for at most 10000 at once, and page on with the offsets.");
    answer_begin(&call->answer, name);
    write_hits(call, "artist", &query.pages[SEARCH_ARTISTS], artists);
    write_hits(call, "album", &query.pages[SEARCH_ALBUMS], albums);
    write_hits(call, "song", &query.pages[SEARCH_SONGS], entity_song);
    answer_end(&call->answer);
    return CALL_OK;
}

enum call_end rest_search2(struct call *call)
{
    return search(call, "searchResult2", entity_plain_artist, entity_album_child);
}

enum call_end rest_search3(struct call *call)
{
    return search(call, "searchResult3", entity_artist, entity_album);
}

/* Deprecated since 1.4.0: the words of all four fields together. */
enum call_end rest_search(struct call *call)
{
    struct text artist = call_text(call, "artist"), album = call_text(call, "album"),
                title = call_text(call, "title"), any = call_text(call, "any");
    struct search_query query = {
        .words = strip_marks(arena_printf(exchange_arena(call->exchange), "%.*s %.*s %.*s %.*s",
                                          TEXT_ARGS(artist), TEXT_ARGS(album), TEXT_ARGS(title),
                                          TEXT_ARGS(any)))};
    struct search_page *songs = &query.pages[SEARCH_SONGS];
    if (!prepare_page(call, songs, "count", "offset", 20))
        return call_fail_busy(call, 1, "This search needs more memory than one may have.");
    ask(call, &query);
    answer_begin(&call->answer, "searchResult");
    answer_u64(&call->answer, "offset", songs->offset);
    answer_u64(&call->answer, "totalHits", songs->total);
    write_hits(call, "match", songs, entity_song);
    answer_end(&call->answer);
    return CALL_OK;
}
