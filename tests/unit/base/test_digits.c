// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/digits.h"
#include "tap.h"

#include <inttypes.h>

static struct text between(const char *from, const char *to)
{
    return text_make(from, (size_t)(to - from));
}

int main(void)
{
    static const uint64_t values[] = {0,    1,   9,          10,        15,         16,
                                      99,   100, 255,        256,       4294967295, 4294967296,
                                      1000, 999, UINT64_MAX, INT64_MAX, 1ull << 60, 10000000000ull};
    char got[DIGITS_DECIMAL_MAX], expected[32];
    bool is_decimal = true, is_hex = true;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        snprintf(expected, sizeof expected, "%" PRIu64, values[i]);
        is_decimal &= text_equal(between(got, digits_decimal(got, values[i])), text_of(expected));
        snprintf(expected, sizeof expected, "%" PRIx64, values[i]);
        is_hex &= text_equal(between(got, digits_hex(got, values[i])), text_of(expected));
    }
    OK(is_decimal, "decimal digits are those of printf");
    OK(is_hex, "so are hexadecimal ones");
    OK_TEXT(between(got, digits_fixed(got, 7, 2)), TEXT("07"), "fixed digits have zeros in front");
    OK_TEXT(between(got, digits_fixed(got, 2026, 2)), TEXT("26"), "and are the last ones");
    return tap_done();
}
