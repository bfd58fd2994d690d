// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/offer_word.h"
#include "tap.h"

#define PAGE "<html><body>Service temporarily unavailable</body></html>"
#define PROBLEM(title) "{\"title\":\"" title "\",\"status\":404,\"detail\":\"\"}"

static const struct {
    bool is_asking;
    unsigned status;
    const char *body;
    enum offer_word word;
    const char *claim;
} cases[] = {
    {true, 200, "{\"epoch\":3,\"until\":1}", OFFER_TAKEN, "an origin that asks for offers"},
    {true, 404, PROBLEM("Nothing to rebuild"), OFFER_TOLD, "one that wants none"},
    {false, 204, "", OFFER_TAKEN, "an offer that is merged and durable"},
    {false, 404, PROBLEM("Nothing to rebuild"), OFFER_TOLD, "one that is not needed any more"},
    {false, 400, PROBLEM("Not an offer"), OFFER_REFUSED, "one that the origin cannot read"},
    {false, 403, PROBLEM("Not yours"), OFFER_REFUSED, "one of another edge's listener"},
    {false, 503, PROBLEM("Not now"), OFFER_BUSY, "an origin that is busy"},
    {false, 429, PAGE, OFFER_BUSY, "whoever says that it is too much"},
    {true, 200, PAGE, OFFER_STRANGE, "a page as 200 asks for nothing"},
    {true, 200, "{}", OFFER_STRANGE, "nor another server's JSON"},
    {false, 200, PAGE, OFFER_STRANGE, "a page as 200 takes nothing"},
    {true, 204, "", OFFER_STRANGE, "no answer to the question"},
    {false, 403, PROBLEM("For nodes"), OFFER_STRANGE, "the origin does not see who asks"},
    {false, 404, PROBLEM("Not found"), OFFER_STRANGE, "another program listens there"},
    {true, 404, "", OFFER_STRANGE, "a 404 without a word"},
    {true, 502, PAGE, OFFER_STRANGE, "a bad gateway"},
};

static const unsigned others[] = {400, 401, 403, 404, 405, 407, 408, 410, 411,
                                  413, 414, 421, 425, 426, 431, 451, 500, 504};

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        OK(offer_word_of(cases[i].is_asking, cases[i].status, text_of(cases[i].body)) ==
               cases[i].word,
           cases[i].claim);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        OK(offer_word_of(true, others[i], TEXT(PAGE)) == OFFER_STRANGE &&
               offer_word_of(false, others[i], TEXT(PAGE)) == OFFER_STRANGE,
           "what a proxy invents ends nothing");
    return tap_done();
}
