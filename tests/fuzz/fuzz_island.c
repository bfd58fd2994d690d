// SPDX-License-Identifier: GPL-3.0-or-later
/* What a listener asks and writes over what a server said once, whatever both are: a line of the
 * endpoint, one of the query, one of the server's JSON.  What comes is well-formed XML. */
#include "island_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct book book;
    struct text rest = {(const char *)data, size}, endpoint = TEXT_NONE, query = TEXT_NONE;
    struct http_parameters parameters;
    struct arena *arena = arena_new(1 << 20);
    int64_t number;
    if (!book.database && book_open_memory(&book) != SQLITE_OK)
        abort();
    if (text_split(&rest, '\n', &endpoint) && text_split(&rest, '\n', &query) &&
        http_parameters_parse(arena, query, 1000, &parameters)) {
        json_t *read = visit_read_parameters(&parameters);
        (void)book_do(&book, "BEGIN", "");
        island_keep(&book, rest);
        if (writes_know(endpoint))
            (void)!writes_take(&book,
                               &(struct write_wish){endpoint, TEXT("anna"), read, TEXT(""), 1, 100},
                               &number);
        island_ask(&book, endpoint, read);
        island_ask(&book, TEXT("getPlaylists"), read);
        island_ask(&book, TEXT("getStarred2"), read);
        (void)book_do(&book, "ROLLBACK", "");
        json_decref(read);
    }
    arena_free(&arena);
    return 0;
}
