// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "adopt/island.h"
#include "adopt/render.h"
#include "adopt/visit.h"
#include "http/message.h"
#include <expat.h>
#include <stdlib.h>

/* island_answer: what a server said once, kept as anna's own, and what the island says of it. */

static inline void island_keep(struct book *book, struct text json)
{
    static const char *const kinds[] = {"starred2", "starred", "playlist", "user"};
    json_t *said = json_loadb(json.data ? json.data : "", json.size, JSON_DECODE_ANY, NULL);
    for (size_t i = 0; said && i < ARRAY_SIZE(kinds); i++)
        (void)book_do(book, "REPLACE INTO own VALUES('anna', ?, '1', ?)", "sj", kinds[i], said);
    if (said)
        (void)book_do(book, "REPLACE INTO song VALUES('1', 'a', 'song', '', 0, ?, 1)", "j", said);
    json_decref(said);
}

static inline void island_ask(struct book *book, struct text endpoint, json_t *parameters)
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
