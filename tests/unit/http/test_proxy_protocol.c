// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/proxy_protocol.h"
#include "tap.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\x00\x02\x07\x0a\x00\x00\x01\x30\x39\x01\xbb"
#define V6                                       \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07" \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" \
    "\x30\x39\x01\xbb"

static const struct {
    struct text bytes;
    int result;
    size_t consumed;
    const char *address; /* NULL: none */
    const char *claim;
} cases[] = {
#define ROW(literal, result, consumed, address, claim)       \
    {                                                        \
        TEXT_INIT(literal), result, consumed, address, claim \
    }
    ROW(SIGNATURE "\x21\x11\0\x0c" V4 "GET", 1, 28, "192.0.2.7", "TCP over IPv4"),
    ROW(SIGNATURE "\x21\x21\0\x24" V6, 1, 52, "2001:db8::7", "TCP over IPv6"),
    ROW(SIGNATURE "\x21\x11\0\x10" V4 "\x04\0\x01x", 1, 32, "192.0.2.7", "TLVs are skipped"),
    ROW(SIGNATURE "\x20\x00\0\0", 1, 16, NULL, "LOCAL"),
    ROW(SIGNATURE "\x20\x11\0\x0c" V4, 1, 28, NULL, "LOCAL with addresses: they are ignored"),
    ROW(SIGNATURE "\x21\x00\0\0", 1, 16, NULL, "PROXY of an unknown family"),
    ROW(SIGNATURE "\x21\x31\0\x04"
                  "abcd",
        1, 20, NULL, "PROXY of a UNIX socket"),
    ROW("", 0, 0, NULL, "nothing yet"),
    ROW("\r\n\r\n", 0, 0, NULL, "a signature cut"),
    ROW(SIGNATURE "\x21\x11\0", 0, 0, NULL, "a length cut"),
    ROW(SIGNATURE "\x21\x11\0\x0c"
                  "\xc0",
        0, 0, NULL, "addresses cut"),
    ROW("GET / HTTP/1.1\r\n", -1, 0, NULL, "a request without the header"),
    ROW("PROXY TCP4 1.2.3.4", -1, 0, NULL, "version 1"),
    ROW(SIGNATURE "\x11\x11\0\x0c" V4, -1, 0, NULL, "another version"),
    ROW(SIGNATURE "\x22\x11\0\x0c" V4, -1, 0, NULL, "an unknown command"),
    ROW(SIGNATURE "\x21\x11\0\x0b"
                  "\xc0\x00\x02\x07\x0a\x00\x00\x01\x30\x39\x01",
        -1, 0, NULL, "a length too short"),
    ROW(SIGNATURE "\x21\x11\xff\xff", -1, 0, NULL, "a length beyond reason"),
};

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct http_proxy_header header = {0};
        struct address_text shown;
        size_t consumed = 0;
        int result = http_proxy_header_parse(cases[i].bytes, &header, &consumed);
        OK(result == cases[i].result && consumed == cases[i].consumed, cases[i].claim);
        OK(header.has_source == !!cases[i].address, "an address is told or not");
        if (header.has_source) {
            OK_TEXT(address_show(&header.source, &shown), text_of(cases[i].address), "and which");
            OK(header.source_port == 12345, "and its port");
        }
    }
    return tap_done();
}
