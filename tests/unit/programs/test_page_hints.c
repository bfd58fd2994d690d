// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/page_hints.h"
#include "tap.h"

#include <string.h>

int main(void)
{
    struct page_hints hints;
    page_hints_read(&hints,
                    TEXT("<head><link rel=\"icon\" href=\"/icon.svg\" />\n"
                         "<link rel=\"stylesheet\" href=\"/app-1.css\" />\n"
                         "<link rel=\"modulepreload\" href=\"/part-3.js\" />\n"
                         "<script type=\"module\" src=\"/app-2.js\"></script></head>"),
                    TEXT("/face.woff2"));
    OK(hints.count == 4, "a style, two scripts and a font");
    OK_TEXT(hints.links[0], TEXT("</app-1.css>; rel=preload; as=style"), "the style");
    OK_TEXT(hints.links[1], TEXT("</part-3.js>; rel=modulepreload"), "a part of the script");
    OK_TEXT(hints.links[2], TEXT("</app-2.js>; rel=modulepreload"), "the script");
    OK_TEXT(hints.links[3],
            TEXT("</face.woff2>; rel=preload; as=font; type=font/woff2; crossorigin"), "the font");

    page_hints_read(&hints, TEXT("<h1>The web player is not in this build</h1>"), TEXT_NONE);
    OK(hints.count == 0, "a page without any has no hints");
    page_hints_read(&hints,
                    TEXT("<link rel=\"stylesheet\" href=\"https://elsewhere/x.css\" />"
                         "<link rel=\"stylesheet\" href=\"/a>b.css\" />"
                         "<script type=\"module\" src=\"/open"),
                    TEXT_NONE);
    OK(hints.count == 0, "what is not a plain path of ours is left out");
    char page[2000] = "<link rel=\"stylesheet\" href=\"/";
    memset(page + 30, 'x', 1000);
    memcpy(page + 1030, "\">", 3);
    page_hints_read(&hints, text_of(page), TEXT_NONE);
    OK(hints.count == 0, "nor is what is too long");
    static const char script[] = "<script type=\"module\" src=\"/a.js\"></script>";
    for (size_t i = 0; i < 9; i++)
        memcpy(page + i * (sizeof script - 1), script, sizeof script);
    page_hints_read(&hints, text_of(page), TEXT_NONE);
    OK(hints.count == PAGE_HINTS_MAX, "and there are never more than fit");
    return tap_done();
}
