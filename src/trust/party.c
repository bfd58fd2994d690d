// SPDX-License-Identifier: GPL-3.0-or-later
#include "trust/party.h"

#include <string.h>

static struct text until_byte(struct text t, char byte)
{
    size_t at = text_find_byte(t, byte);
    return at == SIZE_MAX ? t : text_make(t.data, at);
}

struct text party_host(struct text url)
{
    static const struct text schemes[] = {TEXT_INIT("https://"), TEXT_INIT("http://")};
    struct text host = url;
    for (size_t i = 0; i < 2; i++)
        if (text_starts_nocase(url, schemes[i]))
            host = text_from(url, schemes[i].size);
    host = until_byte(host, '/');
    if (!text_starts(host, TEXT("[")))
        return until_byte(host, ':');
    struct text inside = until_byte(host, ']');
    return inside.size < host.size ? text_make(host.data, inside.size + 1) : host;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* What ends in a number is read as an address (WHATWG URL 3.5). */
bool party_is_domain(struct text name)
{
    bool has_letter = false; /* in the last label */
    char last = '.';
    if (name.size > PARTY_MAX_BYTES)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_letter(c) && !is_digit && c != '-' && (c != '.' || last == '.'))
            return false;
        has_letter = c != '.' && (has_letter || is_letter(c));
        last = c;
    }
    return has_letter;
}

static bool is_at_or_below(struct text host, struct text domain)
{
    if (host.size < domain.size ||
        !text_equal_nocase(text_from(host, host.size - domain.size), domain))
        return false;
    return host.size == domain.size || host.data[host.size - domain.size - 1] == '.';
}

struct text party_of(const struct party *party, struct text host, bool is_named)
{
    if (!party->domain.size)
        return host;
    return is_at_or_below(host, party->domain) || (party->is_said && is_named) ? party->domain
                                                                               : host;
}
