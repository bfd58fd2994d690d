// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/redact.h"
#include "tap.h"

static const struct {
    const char *target, *shown;
} cases[] = {
    {"/a", "/a"},
    {"/a?b=c", "/a?b=c"},
    {"/rest/ping?u=joe&p=sesame&c=x", "/rest/ping?u=joe&p=[redacted]&c=x"},
    {"/rest/ping?u=joe&t=0123&s=salt", "/rest/ping?u=joe&t=[redacted]&s=[redacted]"},
    {"/x?apiKey=k&APIKEY=k&g=1&password=2&code=3&token=4",
     "/x?apiKey=[redacted]&APIKEY=[redacted]&g=[redacted]&password=[redacted]&code=[redacted]&"
     "token=[redacted]"},
    {"/x?%70=sesame", "/x?%70=[redacted]"},
    {"/x?%61%70%69%4b%65%79=sesame", "/x?%61%70%69%4b%65%79=[redacted]"},
    {"/x?%7=sesame", "/x?%7=[redacted]"},
    {"/x?p=a=b", "/x?p=[redacted]"},
    {"/x?p", "/x?p"},
    {"/x?P=1&%=2&+=3", "/x?P=[redacted]&%=[redacted]&+=3"},
    {"/x?q=p=1", "/x?q=p=1"},
    {"/x?=&&", "/x?=&&"},
    {"/x?path=1&pp=2&st=3", "/x?path=1&pp=2&st=3"},
    {"/\"\n\xff\\", "/\\x22\\x0a\\xff\\x5c"},
    {"http://h/?q=1&token=2", "http://h/?q=1&token=[redacted]"},
};

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buffer out;
        buffer_init(&out, 4096);
        http_redact_target(&out, text_of(cases[i].target));
        OK_TEXT(buffer_view(&out), text_of(cases[i].shown), cases[i].target);
        buffer_release(&out);
    }
    return tap_done();
}
