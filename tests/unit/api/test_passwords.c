// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/known.h"
#include "api/strength.h"
#include "tap.h"

#include <string.h>

static void test_known(void)
{
    struct known *known = known_new();
    struct uid anna = {{1}}, bert = {{2}};
    struct text hash = TEXT("$argon2id$1"), password = TEXT("secret");
    OK(!known_has(known, anna, hash, password, 1000), "nothing is known at first");
    known_put(known, anna, hash, password, 1000);
    OK(known_has(known, anna, hash, password, 1000 + KNOWN_LIFE_MS - 1),
       "a proved password is known for minutes");
    OK(!known_has(known, anna, hash, password, 1000 + KNOWN_LIFE_MS), "and no longer");
    OK(!known_has(known, anna, hash, TEXT("secret2"), 1000), "another password is not known");
    OK(!known_has(known, bert, hash, password, 1000), "nor is another account's");
    OK(!known_has(known, anna, TEXT("$argon2id$2"), password, 1000),
       "a changed password is unknown at once");
    for (uint8_t i = 0; i < 255; i++)
        for (uint8_t j = 0; j < 255; j++)
            known_put(known, (struct uid){{3, i, j}}, hash, password, 1000);
    OK(!known_has(known, anna, hash, password, 1000),
       "a flood of sign-ins forgets, and grows nothing");
    known_free(&known);
    OK(!known, "freeing leaves NULL");
}

static void test_strength(void)
{
    static const struct {
        const char *password, *word;
    } weak[] = {
        {"short", "fewer than 8"}, {"password1", "common word"},
        {"qwertyuiop", ""},        {"aaaaaaaaaaaa", ""},
        {"annaanna", ""},          {"sostenuto", ""},
        {"12345678", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(weak); i++) {
        struct strength strength = strength_of(weak[i].password, "anna");
        bool has_word = text_contains(text_of(strength.words), text_of(weak[i].word));
        OK(!strength.is_enough && strength.words[0] && has_word, weak[i].password);
    }
    /* the longer ones of the lists of leaked passwords that everybody tries first */
    static const char *const leaked[] = {
        "password123", "iloveyou1",  "princess1",  "football1", "baseball1", "superman", "trustno1",
        "jennifer",    "1qaz2wsx",   "letmein1",   "sunshine1", "qwerty123", "michelle", "computer",
        "corvette",    "dragon123",  "liverpool",  "charlie1",  "welcome1",  "P@ssw0rd", "starwars",
        "123456789",   "1234567890", "qwertyuiop", "passw0rd",  "whatever",  "mercedes", "hello123",
    };
    unsigned taken = 0;
    for (size_t i = 0; i < ARRAY_SIZE(leaked); i++)
        taken += strength_of(leaked[i], "anna").is_enough;
    OK(taken == 0, "leaked passwords are known");
    OK(strength_of("correct horse battery staple", "anna").is_enough,
       "four unrelated words are enough");
    OK(strength_of("wistful-cactus-organ-47", "anna").is_enough, "so are three and a number");
    char endless[5000];
    memset(endless, 'x', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = 0;
    OK(!strength_of(endless, "anna").is_enough, "length alone is nothing");
}

int main(void)
{
    test_known();
    test_strength();
    return tap_done();
}
