// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/strength.h"

#include <stdio.h>
#include <string.h>
#include <zxcvbn.h>

static const char *weakness(ZxcTypeMatch_t type)
{
    switch ((int)type & ~(int)MULTIPLE_MATCH) {
    case DICTIONARY_MATCH:
        return "it is mostly a common word or password";
    case DICT_LEET_MATCH:
        return "it is a common word with some letters exchanged, which guessing programs try";
    case USER_MATCH:
    case USER_LEET_MATCH:
        return "it contains the name of the account";
    case REPEATS_MATCH:
        return "it repeats the same characters";
    case SEQUENCE_MATCH:
        return "it is a sequence such as abcd or 1234";
    case SPATIAL_MATCH:
        return "it is a run of neighbouring keys";
    case DATE_MATCH:
    case YEAR_MATCH:
        return "it contains a date";
    default:
        return "it is short";
    }
}

/* The kind of the longest part: what a person should change first. */
static ZxcTypeMatch_t longest_part(const ZxcMatch_t *match)
{
    ZxcTypeMatch_t type = BRUTE_MATCH;
    for (int longest = 0; match; match = match->Next)
        if (match->Length > longest) {
            longest = match->Length;
            type = match->Type;
        }
    return type;
}

struct strength strength_of(const char *password, const char *name)
{
    struct strength strength = {.is_enough = false};
    const char *own_words[] = {name, "sostenuto", NULL};
    char start[STRENGTH_MAX_BYTES + 1];
    ZxcMatch_t *parts = NULL;
    if (strlen(password) < STRENGTH_MIN_BYTES) {
        snprintf(strength.words, sizeof(strength.words),
                 "It has fewer than %d characters. Four unrelated words do well.",
                 STRENGTH_MIN_BYTES);
        return strength;
    }
    snprintf(start, sizeof(start), "%s", password);
    double bits = ZxcvbnMatch(start, own_words, &parts);
    strength.is_enough = bits >= STRENGTH_ENOUGH_BITS;
    if (!strength.is_enough)
        snprintf(strength.words, sizeof(strength.words),
                 "Because %s. Make it longer: four unrelated words do well.",
                 weakness(longest_part(parts)));
    ZxcvbnFreeInfo(parts);
    return strength;
}
