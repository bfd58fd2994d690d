// SPDX-License-Identifier: GPL-3.0-or-later
/* Passwords, refresh secrets and the one-time code. */
#include "trust/onetime.h"
#include "trust/password.h"
#include "trust/refresh.h"
#include "tap.h"

static void test_password(void)
{
    struct password_hash hash, again;
    char longest[PASSWORD_MAX_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    password_use_test_cost();
    OK(password_hash(TEXT("correct horse"), &hash) && password_hash(TEXT("correct horse"), &again),
       "a password hashes");
    OK(strncmp(hash.text, "$argon2id$v=19$", 15) == 0, "by Argon2id, with its parameters");
    OK(strcmp(hash.text, again.text) != 0, "each time with another salt");
    OK(password_verify(TEXT("correct horse"), text_of(hash.text)), "the right one verifies");
    OK(!password_verify(TEXT("correct hors"), text_of(hash.text)), "a wrong one does not");
    OK(!password_verify(TEXT(""), text_of(hash.text)) && !password_hash(TEXT(""), &again),
       "an empty one never does");
    OK(!password_hash(text_make(longest, sizeof longest), &again), "one over the limit is refused");
    OK(password_hash(text_make(longest, sizeof longest - 1), &again), "one at the limit is not");
    OK(!password_verify(TEXT("x"), TEXT("")) && !password_verify(TEXT("x"), TEXT("$2b$12$abc")),
       "strange hashes verify nothing");
    OK(!password_is_outdated(text_of(hash.text)), "today's parameters are not outdated");
    OK(password_is_outdated(TEXT(
           "$argon2id$v=19$m=8,t=9,p=1$c29tZXNhbHRzb21lc2FsdA$cGFzc3dvcmRwYXNzd29yZHBhc3N3b3Jk")),
       "others are");
    OK(password_is_outdated(TEXT_NONE), "so is none at all");
}

static void test_refresh(void)
{
    struct uid session = uid_random(), got;
    struct refresh first, second;
    struct refresh_hash hash;
    refresh_generate(session, &first);
    refresh_generate(session, &second);
    OK(refresh_parse(text_of(second.text), &got, &hash) && uid_equal(got, session) &&
           memcmp(&hash, &second.hash, sizeof hash) == 0,
       "a refresh cookie names its session and hashes to what the state keeps");
    OK(!refresh_parse(TEXT(""), &got, &hash) &&
           !refresh_parse(text_make(second.text, REFRESH_TEXT_BYTES - 1), &got, &hash),
       "a short one is refused");
    OK(refresh_judge(&second.hash, &second.hash, &first.hash, 1000, 90000, 5000) == REFRESH_GOOD,
       "the current one renews");
    OK(refresh_judge(&first.hash, &second.hash, &first.hash, 1000, 90000,
                     1000 + REFRESH_GRACE_MS) == REFRESH_GRACE,
       "the previous one is answered for a minute");
    OK(refresh_judge(&first.hash, &second.hash, &first.hash, 1000, 90000,
                     1001 + REFRESH_GRACE_MS) == REFRESH_REUSED,
       "then it means theft");
    OK(refresh_judge(&second.hash, &second.hash, &first.hash, 1000, 5000, 5000) == REFRESH_EXPIRED,
       "all of it ends");
}

static void test_onetime(void)
{
    struct onetime onetime, other;
    char lower[10];
    onetime_init(&onetime);
    onetime_init(&other);
    OK(strlen(onetime.text) == 9 && onetime.text[4] == '-' && strcmp(onetime.text, other.text) != 0,
       "a code is two groups of four");
    for (size_t i = 0; i < sizeof lower; i++)
        lower[i] = onetime.text[i] >= 'A' ? (char)(onetime.text[i] + 32) : onetime.text[i];
    OK(onetime_check(&onetime, text_of(lower)) == ONETIME_RIGHT, "it may be typed in lower case");
    OK(onetime_check(&onetime, text_of(onetime.text)) == ONETIME_RIGHT,
       "and again, until it is spent");
    int wrong = 0;
    for (int i = 0; i < ONETIME_TRIES - 1; i++)
        wrong += onetime_check(&onetime, TEXT("0000-000")) == ONETIME_WRONG;
    OK(wrong == ONETIME_TRIES - 1, "a wrong code is wrong");
    OK(onetime_check(&onetime, text_of(lower)) == ONETIME_RIGHT,
       "all wrong tries but one still leave one");
    OK(onetime_check(&onetime, TEXT("")) == ONETIME_WRONG, "the last wrong try");
    OK(onetime_check(&onetime, text_of(lower)) == ONETIME_DEAD, "kills it, even for the right one");
    onetime_spend(&other);
    OK(onetime_check(&other, TEXT("")) == ONETIME_DEAD, "a spent one is dead");
}

int main(void)
{
    test_password();
    test_refresh();
    test_onetime();
    return tap_done();
}
