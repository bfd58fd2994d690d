// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/names.h"

static bool parse_hex(struct text digits, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.size; i++) {
        char digit = digits.data[i];
        if (digit >= '0' && digit <= '9')
            value = value << 4 | (unsigned)(digit - '0');
        else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
            value = value << 4 | (unsigned)((digit | 0x20) - 'a' + 10);
        else
            return false;
    }
    *ret = value;
    return digits.size > 0 && digits.size <= 16;
}

/* "original" or "original.{version}.{ext}"; the version is hexadecimal, as it is in ETag. */
static bool parse_original(struct text name, bool *ret_has_version, uint64_t *ret_version)
{
    struct text rest = name, word, version, suffix;
    if (!text_split(&rest, '.', &word) || !text_equal(word, TEXT("original")))
        return false;
    *ret_has_version = rest.data != NULL;
    if (!*ret_has_version)
        return true;
    if (!text_split(&rest, '.', &version) || !text_split(&rest, '.', &suffix) || rest.data ||
        !suffix.size || text_find_byte(suffix, '/') != SIZE_MAX)
        return false;
    return parse_hex(version, ret_version);
}

bool names_media(struct text path, struct media_name *ret)
{
    struct text rest = path, id;
    enum catalog_kind kind;
    if (!text_starts(path, TEXT("/m/")))
        return false;
    rest = text_from(path, sizeof "/m/" - 1);
    return text_split(&rest, '/', &id) && catalog_id_parse(id, &kind, &ret->id) &&
           kind == CATALOG_TRACK && parse_original(rest, &ret->has_version, &ret->version);
}

static bool parse_size(struct text name, uint32_t *ret_size_px, enum library_art_format *ret_format)
{
    static const uint32_t ladder[] = {64, 128, 300, 600, 1200};
    struct text rest = name, digits;
    uint64_t size;
    if (!text_split(&rest, '.', &digits) || !text_to_u64(digits, &size))
        return false;
    if (!text_equal(rest, TEXT("webp")) && !text_equal(rest, TEXT("jpg")))
        return false;
    *ret_format = text_equal(rest, TEXT("webp")) ? LIBRARY_ART_WEBP : LIBRARY_ART_JPEG;
    *ret_size_px = (uint32_t)size;
    for (size_t i = 0; i < ARRAY_SIZE(ladder); i++)
        if (ladder[i] == size)
            return true;
    return false;
}

bool names_art(struct text path, struct art_name *ret)
{
    struct text rest, id;
    enum catalog_kind kind;
    if (!text_starts(path, TEXT("/art/")))
        return false;
    rest = text_from(path, sizeof "/art/" - 1);
    return text_split(&rest, '/', &id) && catalog_id_parse(id, &kind, &ret->id) &&
           kind == CATALOG_ARTWORK && parse_size(rest, &ret->size_px, &ret->format);
}
