// SPDX-License-Identifier: GPL-3.0-or-later
#include "media/wire.h"
#include "tap.h"

static void test_requests(void)
{
    struct buffer out;
    struct wire_request got, request = {.job = WIRE_TRANSCODE,
                                        .id = 1ULL << 40,
                                        .transcode = {.format = MEDIA_FORMAT_OPUS,
                                                      .bitrate_kbps = 96,
                                                      .offset_ms = 7,
                                                      .channels = 1,
                                                      .sample_rate = 48000}};
    buffer_init(&out, 256);
    wire_encode_request(&request, &out);
    OK(wire_decode_request(buffer_view(&out), &got) && got.id == request.id &&
           got.transcode.offset_ms == 7 && got.transcode.sample_rate == 48000,
       "a request arrives as it was sent");
    OK(!wire_decode_request(text_make(out.data, out.size - 1), &got), "a cut one does not");
    out.data[0]++;
    OK(!wire_decode_request(buffer_view(&out), &got), "nor one of another version");
    buffer_release(&out);
}

static void test_replies(void)
{
    struct buffer out;
    struct wire_reply got,
        reply = {.id = 5, .outcome = MEDIA_OK, .written = 77, .payload = TEXT("payload")};
    buffer_init(&out, 256);
    wire_encode_reply(&reply, &out);
    OK(wire_decode_reply(buffer_view(&out), &got) && got.id == 5 && got.written == 77,
       "so does a reply");
    OK_TEXT(got.payload, TEXT("payload"), "with its payload");
    bool refused = true;
    for (size_t size = 0; size < out.size; size++)
        refused = refused && !wire_decode_reply(text_make(out.data, size), &got);
    OK(refused, "no shortened reply is believed");
    out.data[9] = 99;
    OK(!wire_decode_reply(buffer_view(&out), &got), "nor one with an outcome that does not exist");
    buffer_release(&out);
}

static void test_words(void)
{
    enum media_format format;
    OK(media_format_from(TEXT("OGA"), &format) && format == MEDIA_FORMAT_OGG, "oga is Ogg");
    OK(media_format_from(TEXT("Mp3"), &format) && format == MEDIA_FORMAT_MP3,
       "formats are known in any case");
    OK(!media_format_from(TEXT("wma"), &format) && !media_format_from(TEXT(""), &format),
       "others are not");
    OK(!media_outcome_word((enum media_outcome)200), "no outcome beyond the table has a word");
}

int main(void)
{
    test_requests();
    test_replies();
    test_words();
    return tap_done();
}
