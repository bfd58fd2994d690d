// SPDX-License-Identifier: GPL-3.0-or-later
/* What a listener asks and writes over what a server said once, whatever both are: a line of the
 * endpoint, one of the query, one of the server's JSON.  What comes is well-formed XML. */
#include "adopt/island.h"
#include "adopt/render.h"
#include "adopt/visit.h"
#include "http/message.h"
#include <expat.h>
#include <stdlib.h>

static void keep(struct book *book, struct text json)
{
    static const char *const kinds[] = {"starred2", "starred", "playlist", "user"};
    json_t *said = json_loadb(json.data ? json.data : "", json.size, JSON_DECODE_ANY, NULL);
    for (size_t i = 0; said && i < ARRAY_SIZE(kinds); i++)
        (void)book_do(book, "REPLACE INTO own VALUES('anna', ?, '1', ?)", "sj", kinds[i], said);
    if (said)
        (void)book_do(book, "REPLACE INTO song VALUES('1', 'a', 'song', '', 0, ?, 1)", "j", said);
    json_decref(said);
}

static void ask(struct book *book, struct text endpoint, json_t *parameters)
{
    struct island_answer answer;
    struct buffer out;
    buffer_init(&out, 64 << 20);
    island_answer(&(struct island_question){book, endpoint, TEXT("anna"), parameters}, &answer);
    render_ok(&(struct render){.format = RENDER_XML}, answer.name, answer.body, &out);
    XML_Parser parser = XML_ParserCreate("UTF-8");
    if (!out.overflowed && XML_Parse(parser, out.data, (int)out.size, 1) != XML_STATUS_OK)
        abort();
    XML_ParserFree(parser);
    json_decref(answer.body);
    buffer_release(&out);
}

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
        keep(&book, rest);
        if (writes_know(endpoint))
            (void)!writes_take(&book,
                               &(struct write_wish){endpoint, TEXT("anna"), read, TEXT(""), 1, 100},
                               &number);
        ask(&book, endpoint, read);
        ask(&book, TEXT("getPlaylists"), read);
        ask(&book, TEXT("getStarred2"), read);
        (void)book_do(&book, "ROLLBACK", "");
        json_decref(read);
    }
    arena_free(&arena);
    return 0;
}
