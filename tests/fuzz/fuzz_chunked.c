// SPDX-License-Identifier: GPL-3.0-or-later
/* A chunked body that our decoder finds whole is whole for llhttp too, is the same one and ends at
 * the same byte: no request can be smuggled between the two.
 */
#include "http/chunked.h"

#include <assert.h>
#include <llhttp.h>

static int on_body(llhttp_t *parser, const char *at, size_t size)
{
    buffer_append(parser->data, at, size);
    return 0;
}

static int on_complete(llhttp_t *parser UNUSED) { return HPE_PAUSED; }

/* True with *ret_left when the message is whole. */
static bool decode_by_llhttp(struct text input, struct buffer *body, size_t *ret_left)
{
    static const char head[] = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    llhttp_settings_t settings = {.on_body = on_body, .on_message_complete = on_complete};
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = body;
    if (llhttp_execute(&parser, head, sizeof head - 1) != HPE_OK ||
        llhttp_execute(&parser, input.data, input.size) != HPE_PAUSED)
        return false;
    *ret_left = (size_t)(input.data + input.size - llhttp_get_error_pos(&parser));
    return true;
}

/* llhttp acts on such a trailer, or refuses it; we read it over like any other (RFC 9110 6.5.1). */
static bool has_framing_trailer(struct text input)
{
    static const struct text names[] = {TEXT_INIT("\ncontent-length"),
                                        TEXT_INIT("\ntransfer-encoding"), TEXT_INIT("\nconnection"),
                                        TEXT_INIT("\nproxy-connection"), TEXT_INIT("\nupgrade")};
    for (size_t i = 0; i < input.size; i++)
        for (size_t j = 0; j < ARRAY_SIZE(names); j++)
            if (text_starts_nocase(text_from(input, i), names[j]))
                return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text input = text_make((const char *)data, size), rest = input;
    struct buffer ours, theirs;
    struct http_chunked chunked;
    size_t left = 0;
    buffer_init(&ours, 1 << 20);
    buffer_init(&theirs, 1 << 20);
    http_chunked_init(&chunked);
    int result = http_chunked_decode(&chunked, &rest, &ours);
    bool is_whole = decode_by_llhttp(input, &theirs, &left);
    /* we refuse more; but where we go on, llhttp must not have ended */
    assert(!is_whole || result != 0);
    assert(result != 1 || is_whole || has_framing_trailer(input));
    assert(result != 1 || !is_whole ||
           (rest.size == left && text_equal(buffer_view(&ours), buffer_view(&theirs))));
    buffer_release(&ours);
    buffer_release(&theirs);
    return 0;
}
