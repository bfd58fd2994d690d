// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/alphabet.h"

#include <sodium.h>

static const char LOWER[] = "0123456789abcdefghjkmnpqrstvwxyz";
static const char UPPER[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Writes the i-th character, with the dash that stands before each group but the first.  Returns
 * the new end. */
static size_t put(char *ret, size_t end, size_t i, char c)
{
    if (i > 0 && i % ALPHABET_GROUP == 0)
        ret[end++] = '-';
    ret[end++] = c;
    ret[end] = '\0';
    return end;
}

void alphabet_draw(char *ret, size_t characters, bool is_upper)
{
    size_t end = 0;
    for (size_t i = 0; i < characters; i++)
        end = put(ret, end, i, (is_upper ? UPPER : LOWER)[randombytes_random() & 31]);
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        c = (char)(c - 'A' + 'a');
    c = c == 'o' ? '0' : c == 'i' || c == 'l' ? '1' : c;
    for (int value = 0; value < 32; value++)
        if (LOWER[value] == c)
            return value;
    return -1;
}

bool alphabet_canonical(struct text typed, char *ret, size_t characters, bool is_upper)
{
    size_t end = 0, count = 0;
    typed = text_trim(typed);
    for (size_t i = 0; i < typed.size; i++) {
        if (typed.data[i] == '-' || typed.data[i] == ' ')
            continue;
        int value = value_of(typed.data[i]);
        if (value < 0 || count == characters)
            return false;
        end = put(ret, end, count++, (is_upper ? UPPER : LOWER)[value]);
    }
    return count == characters;
}
