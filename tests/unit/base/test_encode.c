// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/encode.h"
#include "tap.h"

int main(void)
{
    static const struct {
        struct text plain, coded;
    } rows[] = {{TEXT_INIT("f"), TEXT_INIT("Zg")},
                {TEXT_INIT("fo"), TEXT_INIT("Zm8")},
                {TEXT_INIT("foo"), TEXT_INIT("Zm9v")},
                {TEXT_INIT("\xff\xfe"), TEXT_INIT("__4")}};
    struct buffer out;
    char back[16];
    buffer_init(&out, 64);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        buffer_reset(&out);
        encode_base64url(&out, rows[i].plain.data, rows[i].plain.size);
        OK_TEXT(buffer_view(&out), rows[i].coded, "base64url encodes");
        size_t size = decode_base64url(rows[i].coded, back, sizeof back);
        OK_TEXT(text_make(back, size), rows[i].plain, "and decodes");
    }
    OK(decode_base64url(TEXT("Zh"), back, sizeof back) == SIZE_MAX,
       "spare bits that are not zero are refused");
    OK(decode_base64url(TEXT("Zg=="), back, sizeof back) == SIZE_MAX, "padding is refused");
    OK(decode_base64url(TEXT("Zm9v"), back, 2) == SIZE_MAX, "what does not fit is refused");
    OK(decode_hex(TEXT("0aFf"), back, sizeof back) == 2 && (unsigned char)back[1] == 0xff,
       "hex of either case is read");
    OK(decode_hex(TEXT("0g"), back, sizeof back) == SIZE_MAX, "a wrong digit is refused");
    buffer_reset(&out);
    encode_percent(&out, TEXT("a b/\xC3\xA9~"), true);
    OK_TEXT(buffer_view(&out), TEXT("a%20b/%C3%A9~"),
            "percent-encoding keeps unreserved characters");
    buffer_release(&out);
    return tap_done();
}
