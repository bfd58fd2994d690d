// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/arena.h"
#include "io/h2_client.h"
#include "io/h2_wire.h"
#include "tap.h"

#include <string.h>

/* What is told, in one line: "H200 B5 E0 " for a header, five bytes and a whole end. */
struct told {
    struct h2_client *h2;
    struct h2_client_stream *stream[4];
    char words[512];
    enum { JUST_TELL, PAUSE_AT_HEADER, DROP_AT_HEADER, FREE_AT_HEADER, ASK_AT_END } mood;
};

static struct told told;

static void say(const char *word, size_t number)
{
    size_t size = strlen(told.words);
    snprintf(told.words + size, sizeof told.words - size, "%s%zu ", word, number);
}

static struct h2_client_stream *ask(size_t body_bytes)
{
    static const char body[200000];
    struct h2_client_request request = {.method = HTTP_METHOD_GET,
                                        .method_name = TEXT("GET"),
                                        .scheme = TEXT("https"),
                                        .authority = TEXT("o.example"),
                                        .target = TEXT("/"),
                                        .body = text_make(body, body_bytes)};
    return h2_client_open(told.h2, &request, NULL);
}

static void on_interim(struct h2_client_stream *stream UNUSED, const struct http_response *response,
                       void *owner UNUSED)
{
    say("I", response->status);
}

static void on_header(struct h2_client_stream *stream, const struct http_response *response,
                      void *owner UNUSED)
{
    say("H", response->status);
    if (told.mood == PAUSE_AT_HEADER)
        h2_client_pause(stream);
    if (told.mood == DROP_AT_HEADER)
        h2_client_drop(stream);
    if (told.mood == FREE_AT_HEADER)
        h2_client_free(&told.h2);
}

static void on_body(struct h2_client_stream *stream UNUSED, struct text piece, void *owner UNUSED)
{
    say("B", piece.size);
}

static void on_trailers(struct h2_client_stream *stream UNUSED,
                        const struct http_field *trailers UNUSED, size_t count, void *owner UNUSED)
{
    say("T", count);
}

static void on_end(struct h2_client_stream *stream UNUSED, enum h2_client_end end,
                   void *owner UNUSED)
{
    say("E", end);
    if (told.mood == ASK_AT_END && h2_client_has_room(told.h2)) {
        told.mood = JUST_TELL;
        (void)ask(0);
    }
}

static const struct h2_client_events events = {on_interim, on_header, on_body, on_trailers, on_end};
static struct arena *arena;

/* `count` streams asked for, the server's first SETTINGS read, all that we said taken. */
static void begin(size_t count, size_t body_bytes)
{
    told = (struct told){0};
    told.h2 = h2_client_new(&(struct h2_client_config){&events, arena, 4, 16 << 10, 50});
    for (size_t i = 0; i < count; i++)
        told.stream[i] = ask(body_bytes);
    h2_client_feed(told.h2, TEXT("\0\0\0\4\0\0\0\0\0"));
    h2_client_sent(told.h2, h2_client_output(told.h2).size);
}

static void take(uint8_t type, uint8_t flags, int32_t id, struct text payload)
{
    static char frame[H2_FRAME_BYTES];
    h2_write_head(frame, payload.size, type, flags, id);
    if (payload.size)
        memcpy(frame + H2_FRAME_HEAD_BYTES, payload.data, payload.size);
    h2_client_feed(told.h2, text_make(frame, H2_FRAME_HEAD_BYTES + payload.size));
}

static void end(const char *words, const char *claim)
{
    OK_TEXT(text_of(told.words), text_of(words), claim);
    h2_client_free(&told.h2);
}

#define OK_200 TEXT("\x88")
enum { HEADERS_END = H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM };

/* The type of the last frame that we said, or 255. */
static uint8_t last_said(void)
{
    struct text out = h2_client_output(told.h2);
    uint8_t type = 255;
    while (out.size >= H2_FRAME_HEAD_BYTES) {
        const struct h2_frame frame = h2_read_head(out.data);
        type = frame.type;
        out = text_from(out, H2_FRAME_HEAD_BYTES + frame.size);
    }
    return type;
}

static void answers(void)
{
    begin(1, 0);
    take(H2_HEADERS, H2_FLAG_END_HEADERS, 1, OK_200);
    take(H2_DATA, H2_FLAG_NONE, 1, TEXT("hello"));
    take(H2_DATA, H2_FLAG_END_STREAM, 1, TEXT_NONE);
    end("H200 B5 E0 ", "an answer is told as it comes");

    begin(1, 0);
    take(H2_HEADERS, H2_FLAG_END_HEADERS, 1,
         TEXT("\x08\x03"
              "103"));
    take(H2_HEADERS, H2_FLAG_END_HEADERS, 1, OK_200);
    take(H2_DATA, H2_FLAG_NONE, 1, TEXT("hello"));
    take(H2_HEADERS, HEADERS_END, 1,
         TEXT("\x00\x01"
              "x\x01"
              "y"));
    end("I103 H200 B5 T1 E0 ", "interim answers come before it, trailers behind it");

    begin(1, 0);
    take(H2_DATA, H2_FLAG_END_STREAM, 1, TEXT("hello"));
    end("E3 ", "a body without a header is malformed");

    begin(1, 0);
    take(H2_HEADERS, H2_FLAG_END_HEADERS, 1,
         TEXT("\x88\x0f\x0d\x01"
              "3"));
    take(H2_DATA, H2_FLAG_END_STREAM, 1, TEXT("hello"));
    end("H200 E3 ", "so is one that is longer than it says, before a byte of it is told");
}

static void pauses(void)
{
    begin(1, 0);
    told.mood = PAUSE_AT_HEADER;
    take(H2_HEADERS, H2_FLAG_END_HEADERS, 1, OK_200);
    take(H2_DATA, H2_FLAG_NONE, 1, TEXT("hel"));
    take(H2_DATA, H2_FLAG_END_STREAM, 1, TEXT("lo"));
    OK_TEXT(text_of(told.words), TEXT("H200 "), "a paused answer is kept");
    h2_client_deliver(told.h2);
    OK_TEXT(text_of(told.words), TEXT("H200 "), "as long as it is paused");
    h2_client_resume(told.stream[0]);
    h2_client_deliver(told.h2);
    end("H200 B5 E0 ", "and then told, with its end");

    static const char piece[H2_PAYLOAD_BYTES];
    begin(1, 0);
    told.mood = PAUSE_AT_HEADER;
    take(H2_HEADERS, H2_FLAG_END_HEADERS, 1, OK_200);
    for (size_t i = 0; i < H2_CLIENT_WINDOW_BYTES / sizeof piece; i++)
        take(H2_DATA, H2_FLAG_NONE, 1, text_make(piece, sizeof piece));
    OK(last_said() == 255, "no window is given for what was not told");
    take(H2_DATA, H2_FLAG_NONE, 1, TEXT("x"));
    end("H200 E3 ", "who sends more than its window is reset");
}

static void ends(void)
{
    begin(2, 0);
    take(H2_RST_STREAM, H2_FLAG_NONE, 1, TEXT("\0\0\0\7"));
    take(H2_RST_STREAM, H2_FLAG_NONE, 3, TEXT("\0\0\0\2"));
    end("E1 E2 ", "a refused stream is told from a failed one");

    begin(3, 0);
    take(H2_GOAWAY, H2_FLAG_NONE, 0, TEXT("\0\0\0\1\0\0\0\0"));
    OK(h2_client_is_leaving(told.h2) && !h2_client_has_room(told.h2), "a farewell closes the door");
    take(H2_HEADERS, HEADERS_END, 1, OK_200);
    end("E1 E1 H200 E0 ", "what was not looked at is refused, what was goes on");

    begin(1, 100000);
    take(H2_HEADERS, HEADERS_END, 1, OK_200);
    OK(last_said() == H2_RST_STREAM, "who answers early is not sent the rest");
    end("H200 E0 ", "and has answered whole");

    begin(1, 0);
    told.mood = DROP_AT_HEADER;
    take(H2_HEADERS, H2_FLAG_END_HEADERS, 1, OK_200);
    take(H2_DATA, H2_FLAG_END_STREAM, 1, TEXT("hello"));
    end("H200 ", "a stream may be dropped in its own callback");

    begin(3, 0);
    told.mood = FREE_AT_HEADER;
    take(H2_HEADERS, H2_FLAG_END_HEADERS, 3, OK_200);
    OK(!told.h2, "and so may all of it");

    begin(4, 0);
    told.mood = ASK_AT_END;
    take(H2_RST_STREAM, H2_FLAG_NONE, 7, TEXT("\0\0\0\2"));
    OK(h2_client_stream_count(told.h2) == 4, "the end of one makes room for another");
    h2_client_lose(told.h2, H2_CLIENT_RESET);
    end("E2 E2 E2 E2 E2 ", "a lost connection fails each once, and opens none");
}

static void connections(void)
{
    static const struct {
        uint8_t type, flags;
        int32_t id;
        struct text payload;
        const char *claim;
    } rows[] = {
        {H2_PUSH_PROMISE, 4, 1, TEXT_INIT("\0\0\0\2\x88"), "a pushed answer"},
        {H2_HEADERS, 4, 9, TEXT_INIT("\x88"), "an answer to what was not asked"},
        {H2_HEADERS, 4, 2, TEXT_INIT("\x88"), "a stream of the server's"},
        {H2_HEADERS, 4, 1, TEXT_INIT("\xff\xff\xff\xff\xff"), "bytes that are not HPACK"},
        {H2_SETTINGS, 0, 0, TEXT_INIT("\0\2\0\0\0\1"), "a server that turns push on"},
        {H2_SETTINGS, 0, 0, TEXT_INIT("\0\4\xff\xff\xff\xff"), "a window past all bounds"},
        {H2_WINDOW_UPDATE, 0, 0, TEXT_INIT("\0\0\0\0"), "a window wider by nothing"},
        {H2_CONTINUATION, 4, 1, TEXT_INIT("\x88"), "a continuation of nothing"},
        {H2_PING, 0, 0, TEXT_INIT("1234"), "half a ping"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        begin(1, 0);
        take(rows[i].type, rows[i].flags, rows[i].id, rows[i].payload);
        OK(h2_client_is_broken(told.h2) && last_said() == H2_GOAWAY, rows[i].claim);
        h2_client_free(&told.h2);
    }
    begin(1, 0);
    for (size_t i = 0; i <= H2_CLIENT_IDLE_FRAMES && !h2_client_is_broken(told.h2); i++)
        take(H2_PING, H2_FLAG_ACK, 0, TEXT("12345678"));
    OK(h2_client_is_broken(told.h2), "frames without use end it");
    h2_client_free(&told.h2);
}

static void limits(void)
{
    begin(2, 0);
    take(H2_SETTINGS, H2_FLAG_NONE, 0, TEXT("\0\3\0\0\0\2"));
    OK(!h2_client_has_room(told.h2), "no more streams than the server takes");
    h2_client_free(&told.h2);

    begin(1, 100000);
    struct text out = h2_client_output(told.h2);
    OK(out.size == 0, "no more of a body than its window");
    take(H2_WINDOW_UPDATE, H2_FLAG_NONE, 0, TEXT("\0\1\0\0"));
    OK(h2_client_output(told.h2).size == 0, "which is the stream's and the connection's");
    take(H2_WINDOW_UPDATE, H2_FLAG_NONE, 1, TEXT("\0\0\0\x0a"));
    OK(h2_client_output(told.h2).size == H2_FRAME_HEAD_BYTES + 10, "and then as much as it gives");
    h2_client_free(&told.h2);
}

int main(void)
{
    arena = arena_new(64 << 10);
    answers();
    pauses();
    ends();
    connections();
    limits();
    arena_free(&arena);
    return tap_done();
}
