// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/mem.h"
#include "media/pieces.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define NAME "/m/tr-a/original.12.flac"

static bool reads(const char *body)
{
    struct pieces pieces = {0};
    bool is_read = pieces_read(text_of(body), TEXT(NAME), &pieces);
    pieces_release(&pieces);
    return is_read;
}

static void there_and_back(void)
{
    enum { BYTES = PIECES_BYTES + 1000 };
    struct pieces pieces, other = {0};
    struct buffer body;
    char *bytes = mem_zalloc(BYTES);
    struct text first = text_make(bytes, PIECES_BYTES),
                last = text_make(bytes + PIECES_BYTES, 1000);
    memset(bytes + PIECES_BYTES, 'x', 1000);
    OK(pieces_init(&pieces, BYTES) && pieces.count == 2 && pieces_size(&pieces, 1) == 1000,
       "the last piece is what is left");
    pieces_digest(first, pieces.sha256[0]);
    pieces_digest(last, pieces.sha256[1]);
    buffer_init(&body, 4096);
    pieces_write(&pieces, TEXT(NAME), &body);
    OK(pieces_read(buffer_view(&body), TEXT(NAME), &other) && other.bytes == BYTES,
       "what is written is read");
    OK(pieces_are(&other, 0, first) && pieces_are(&other, 1, last), "right pieces are right");
    bytes[77] = 1;
    OK(!pieces_are(&other, 0, first), "one bit makes another piece");
    OK(!pieces_are(&other, 1, text_make(last.data, 999)) && !pieces_are(&other, 2, TEXT("")),
       "a short one, or one too many, is not it");
    pieces_release(&other);
    OK(!pieces_read(buffer_view(&body), TEXT("/m/tr-b/original.12.flac"), &other),
       "it speaks of one object alone");
    buffer_release(&body);
    pieces_release(&pieces);
    mem_free(bytes);
}

#define WORD "\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\""
#define OF "\"of\":\"" NAME "\","
static void what_is_refused(void)
{
    OK(reads("{\"format\":\"pieces 1.3\"," OF
             "\"bytes\":1,\"new\":2,\"pieceBytes\":4096,\"sha256\":[" WORD "]}"),
       "a later minor version with more members is read");
    static const char *const rows[] = {
        "",
        "[]",
        "{\"format\":\"pieces 2.0\"," OF "\"bytes\":1,\"pieceBytes\":4096,\"sha256\":[" WORD "]}",
        "{\"format\":\"pieces 1.0\"," OF "\"bytes\":0,\"pieceBytes\":4096,\"sha256\":[]}",
        "{\"format\":\"pieces 1.0\"," OF "\"bytes\":-1,\"pieceBytes\":4096,\"sha256\":[" WORD "]}",
        "{\"format\":\"pieces 1.0\"," OF "\"bytes\":4097,\"pieceBytes\":4096,\"sha256\":[" WORD
        "]}",
        "{\"format\":\"pieces 1.0\"," OF "\"bytes\":1,\"pieceBytes\":1,\"sha256\":[" WORD "]}",
        "{\"format\":\"pieces 1.0\"," OF "\"bytes\":1,\"pieceBytes\":2097152,\"sha256\":[" WORD
        "]}",
        "{\"format\":\"pieces 1.0\"," OF "\"bytes\":1,\"pieceBytes\":4096,\"sha256\":[\"AQ\"]}",
        "{\"format\":\"pieces 1.0\"," OF
        "\"bytes\":9007199254740993,\"pieceBytes\":4096,\"sha256\":[" WORD "]}",
    };
    size_t refused = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        refused += !reads(rows[i]);
    OK(refused == ARRAY_SIZE(rows), "what does not fit together is refused");
    struct pieces pieces;
    OK(!pieces_init(&pieces, 0) &&
           !pieces_init(&pieces, (uint64_t)PIECES_BYTES * PIECES_MAX_COUNT + 1),
       "nothing has no pieces, and too much too many");
}

int main(void)
{
    there_and_back();
    what_is_refused();
    return tap_done();
}
