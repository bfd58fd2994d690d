// SPDX-License-Identifier: GPL-3.0-or-later
#include "catalog/fold.h"
#include "tap.h"

static void folds(const char *in, const char *expected)
{
    char out[FOLD_MAX];
    struct text name = text_of(in);
    OK_TEXT(text_make(out, fold(name, FOLD_NAME, out, sizeof out)), text_of(expected), in);
}

static void names_fold(void)
{
    static const char *const table[][2] = {
        {"Sigur Rós", "sigur ros"},
        {"BJÖRK", "bjork"},
        {"Mötley Crüe", "motley crue"},
        {"Straße", "strasse"},
        {"Ænima", "aenima"},
        {"Ørsted", "orsted"},
        {"Łódź", "lodz"},
        {"İstanbul", "istanbul"},
        {"ﬁne", "fine"},
        {"Ｗｉｄｅ　１２", "wide 12"},
        {"AC/DC", "ac dc"},
        {"P!nk", "pink"},
        {"Ke$ha", "kesha"},
        {"A$AP Rocky", "asap rocky"},
        {"$uicideboy$", "suicideboys"},
        {"Panic! at the Disco", "panic at the disco"},
        {"R.E.M.", "rem"},
        {"N.W.A", "nwa"},
        {"J. Cole", "j cole"},
        {"Mr. Brightside", "mr brightside"},
        {"Don't Stop", "dont stop"},
        {"Don’t Stop", "dont stop"},
        {"Simon & Garfunkel", "simon and garfunkel"},
        {"Florence + The Machine", "florence and the machine"},
        {"!!!", "!!!"},
        {"÷", "÷"},
        {"+", "+"},
        {"(What's the Story)", "whats the story"},
        {"", ""},
        {"   ", ""},
        {"東京 事変", "東京事変"},
        {"東京ドームLIVE", "東京どーむ live"},
        {"ﾃｽﾄ", "てすと"},
        {"ガ", "が"},
        {"か\u3099", "が"},
        {"Ёлка", "елка"},
        {"Ὀρφεύς", "ορφευσ"},
        {"Κώστας", "κωστασ"},
        {"서태지", "서태지"},
        {"e\u0301te\u0301", "ete"},
        {"Ⅳ", "iv"},
        {"x²", "x2"},
        {"Beyonce\u0301", "beyonce"},
        {"Zo\xc3", "zo"},
        {"a\xff\xfe b", "a b"},
        {"100$ bill", "100 bill"},
        {"Sunn O)))", "sunn o"},
        {"ไทย", "ไทย"},
        {"हिन्दी", "हिन्दी"},
        {"Hey‐Hey—You", "hey hey you"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        folds(table[i][0], table[i][1]);
}

static void folding_is_stable(void)
{
    char once[FOLD_MAX], twice[FOLD_MAX];
    static const char *const names[] = {"Sigur Rós", "AC/DC", "東京ドームLIVE", "Ἀθῆναι",
                                        "Ke$ha & P!nk"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct text first = text_make(once, fold(text_of(names[i]), FOLD_NAME, once, sizeof once));
        OK_TEXT(text_make(twice, fold(first, FOLD_NAME, twice, sizeof twice)), first,
                "what is folded stays");
    }
}

static void capacity_is_kept(void)
{
    char out[16];
    memset(out, '#', sizeof out);
    size_t size = fold(TEXT("ÄÖÜ東京東京東京"), FOLD_NAME, out, 8);
    OK(size <= 8 && out[8] == '#' && text_is_utf8(text_make(out, size)),
       "the result ends at a character within capacity");
}

static bool has(const struct words *words, const char *word, unsigned place)
{
    for (unsigned i = 0; i < words->count; i++)
        if (text_equal(words->items[i].text, text_of(word)))
            return words->items[i].place == place;
    return false;
}

static void names_have_words(void)
{
    enum { BOTH = WORD_FIRST | WORD_ONLY };
    struct words words;
    words_of_name(&words, TEXT("AC/DC live"));
    OK(words.count == 4 && has(&words, "ac", WORD_FIRST) && has(&words, "dc", 0) &&
           has(&words, "acdc", WORD_FIRST) && has(&words, "live", 0),
       "joined parts are words, and so is the whole");
    words_of_name(&words, TEXT("The Love of Love"));
    OK(words.count == 3 && has(&words, "the", WORD_FIRST) && has(&words, "love", WORD_FIRST) &&
           has(&words, "of", 0),
       "a word is named once, and first also behind an article");
    words_of_name(&words, TEXT("The Beatles"));
    OK(words.count == 2 && has(&words, "the", WORD_FIRST) && has(&words, "beatles", BOTH),
       "behind an article a word may be all there is");
    words_of_name(&words, TEXT("Blink-182"));
    OK(words.count == 3 && has(&words, "blink182", BOTH) && has(&words, "blink", WORD_FIRST) &&
           has(&words, "182", 0),
       "a hyphen joins");
    words_of_name(&words, TEXT("東京事変 incidents"));
    OK(words.count == 2 && has(&words, "東京事変", WORD_FIRST), "a run of Han is one word");
    words_of_name(&words, TEXT("Thriller"));
    OK(words.count == 1 && has(&words, "thriller", BOTH), "a name of one word is that word");
    words_of_name(&words, TEXT(""));
    OK(words.count == 0, "the empty name has none");
}

int main(void)
{
    names_fold();
    folding_is_stable();
    capacity_is_kept();
    names_have_words();
    return tap_done();
}
