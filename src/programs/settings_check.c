// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/settings_check.h"

#include "edge/expect.h"
#include "edge/hours.h"
#include "edge/prefetch.h"
#include "media/rendition.h"
#include "trust/invitation.h"
#include "trust/party.h"

#include <arpa/inet.h>

enum { WORD_MAX_BYTES = 40, HOST_MAX_BYTES = 253, LABEL_MAX_BYTES = 63, TARGET_MAX_BYTES = 1024 };

/* Into caller's storage, because inet_pton wants a NUL.  Returns AF_INET, AF_INET6 or AF_UNSPEC. */
static int address_family(struct text host)
{
    char copy[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (host.size == 0 || host.size >= sizeof copy)
        return AF_UNSPEC;
    memcpy(copy, host.data, host.size);
    copy[host.size] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1)
        return AF_INET;
    return inet_pton(AF_INET6, copy, bytes) == 1 ? AF_INET6 : AF_UNSPEC;
}

bool address_split(struct text value, struct text *ret_host, uint16_t *ret_port)
{
    size_t colon = value.size;
    while (colon > 0 && value.data[colon - 1] != ':')
        colon--;
    uint64_t port;
    if (colon < 2 || !text_to_u64(text_from(value, colon), &port) || port > UINT16_MAX)
        return false;
    struct text host = text_make(value.data, colon - 1);
    int wanted = AF_INET;
    if (host.data[0] == '[' && host.data[host.size - 1] == ']') {
        host = text_make(host.data + 1, host.size - 2);
        wanted = AF_INET6;
    }
    if (address_family(host) != wanted)
        return false;
    *ret_host = host;
    *ret_port = (uint16_t)port;
    return true;
}

void library_split(struct text value, struct text *ret_name, struct text *ret_path)
{
    size_t equals = text_find_byte(value, '=');
    if (equals != SIZE_MAX && equals > 0 && equals < text_find_byte(value, '/') &&
        equals + 1 < value.size && value.data[equals + 1] == '/') {
        *ret_name = text_make(value.data, equals);
        *ret_path = text_from(value, equals + 1);
        return;
    }
    size_t end = value.size;
    while (end > 1 && value.data[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && value.data[start - 1] != '/')
        start--;
    *ret_name = start < end ? text_make(value.data + start, end - start) : TEXT("Music");
    *ret_path = value;
}

static bool is_host(struct text host)
{
    if (host.size == 0 || host.size > HOST_MAX_BYTES)
        return false;
    if (address_family(host) != AF_UNSPEC)
        return true;
    struct text rest = host, label;
    while (text_split(&rest, '.', &label)) {
        if (label.size == 0 || label.size > LABEL_MAX_BYTES || label.data[0] == '-' ||
            label.data[label.size - 1] == '-')
            return false;
        for (size_t i = 0; i < label.size; i++) {
            char c = label.data[i];
            if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-'))
                return false;
        }
    }
    return true;
}

static bool is_url(struct text url)
{
    struct text rest;
    if (text_starts(url, TEXT("https://")))
        rest = text_from(url, 8);
    else if (text_starts(url, TEXT("http://")))
        rest = text_from(url, 7);
    else
        return false;
    size_t colon = text_find_byte(rest, ':');
    if (colon == SIZE_MAX)
        return is_host(rest);
    uint64_t port;
    return is_host(text_make(rest.data, colon)) && text_to_u64(text_from(rest, colon + 1), &port) &&
           port > 0 && port <= UINT16_MAX;
}

static bool is_cidr(struct text range)
{
    size_t slash = text_find_byte(range, '/');
    if (slash == SIZE_MAX)
        return address_family(range) != AF_UNSPEC;
    int family = address_family(text_make(range.data, slash));
    uint64_t bits;
    return family != AF_UNSPEC && text_to_u64(text_from(range, slash + 1), &bits) &&
           bits <= (family == AF_INET ? 32 : 128);
}

static bool is_label(struct text label)
{
    if (label.size == 0 || label.size > LABEL_MAX_BYTES || !text_is_utf8(label))
        return false;
    for (size_t i = 0; i < label.size; i++)
        if ((unsigned char)label.data[i] < 0x20 || label.data[i] == 0x7f)
            return false;
    return true;
}

static bool is_library(struct text value)
{
    struct text name, path;
    library_split(value, &name, &path);
    return path.size > 0 && is_label(name);
}

/* A password in it would be seen by everybody who lists processes or reads the log. */
static bool is_database(struct text value)
{
    size_t scheme = text_starts(value, TEXT("postgresql://")) ? sizeof "postgresql://" - 1
                    : text_starts(value, TEXT("postgres://")) ? sizeof "postgres://" - 1
                                                              : 0;
    struct text rest = text_from(value, scheme);
    size_t at = text_find_byte(rest, '@'), colon = text_find_byte(rest, ':');
    return scheme && (at == SIZE_MAX || colon > at) && !text_contains(rest, TEXT("password="));
}

static bool is_target(struct text value)
{
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] <= ' ' || value.data[i] > '~' || value.data[i] == '#')
            return false;
    return text_starts(value, TEXT("/")) && value.size <= TARGET_MAX_BYTES;
}

static const char *check_text(enum setting_check check, struct text value)
{
    struct text host;
    uint16_t port;
    switch (check) {
    case CHECK_NONE:
    case CHECK_PATH:
        return NULL;
    case CHECK_ADDRESS:
        return address_split(value, &host, &port)
                   ? NULL
                   : "an address and port; write \"0.0.0.0:4747\" or \"[::1]:4747\"";
    case CHECK_URL:
        return is_url(value)
                   ? NULL
                   : "the address of a site without a path; write \"https://music.example.org\"";
    case CHECK_DATABASE:
        return is_database(value)
                   ? NULL
                   : "postgresql://USER@HOST/NAME, with the password in PGPASSFILE or ~/.pgpass";
    case CHECK_HOST:
        return is_host(value) ? NULL : "a host name or address; write \"music.example.org\"";
    case CHECK_DOMAIN:
        return party_is_domain(value) ? NULL : "a domain name, no address; write \"example.org\"";
    case CHECK_CIDR:
        return is_cidr(value) ? NULL : "an address or range; write \"10.0.0.0/8\" or \"fd00::/8\"";
    case CHECK_LIBRARY:
        return is_library(value) ? NULL
                                 : "a music folder; write \"/srv/music\" or \"Music=/srv/music\"";
    case CHECK_NODES:
        return text_equal(value, TEXT("auto")) || text_equal(value, TEXT("off")) ||
                       address_split(value, &host, &port)
                   ? NULL
                   : "auto, off, or an address and port; write \"0.0.0.0:4748\"";
    case CHECK_NODE_ADDRESS:
        return invitation_address_is_sound(value)
                   ? NULL
                   : "a host and port; write \"music.example.org:4748\"";
    case CHECK_TOKEN:
        return text_starts(value, TEXT("sj1.")) ? NULL : "a token that sostenuto invite printed";
    case CHECK_EXPECT:
        return expect_parse(value, &(struct expect_rule){0})
                   ? NULL
                   : "a path and what is expected; write \"/m/ type=audio/ min=1000\"";
    case CHECK_RENDITION:
        return rendition_from(value, &(enum rendition){0})
                   ? NULL
                   : "a rendition; write \"aac-64\", \"aac-128\", \"aac-256\", \"opus-128\" or "
                     "\"flac\"";
    case CHECK_HOURS:
        return hours_parse(value, &(struct hours){0}) ? NULL
                                                      : "a part of the day; write \"02:00-06:00\"";
    case CHECK_PREFETCH:
        return prefetch_pattern_is_sound(value)
                   ? NULL
                   : "the end of a path with {n} in it; write \"/{n}.m4s\"";
    case CHECK_USER:
    case CHECK_LABEL:
        return is_label(value) ? NULL : "a name of 1 to 63 printable bytes";
    case CHECK_TARGET:
        return is_target(value) ? NULL : "a path as it stands in a request; write \"/livez\"";
    }
    return NULL;
}

uint32_t setting_number(struct text value)
{
    uint64_t number = 0;
    return text_to_u64(value, &number) ? (uint32_t)number : 0;
}

enum setting_switch setting_switch(struct text value)
{
    static const struct text words[2][4] = {
        {TEXT_INIT("no"), TEXT_INIT("off"), TEXT_INIT("false"), TEXT_INIT("0")},
        {TEXT_INIT("yes"), TEXT_INIT("on"), TEXT_INIT("true"), TEXT_INIT("1")},
    };
    for (size_t is_on = 0; is_on < 2; is_on++)
        for (size_t i = 0; i < ARRAY_SIZE(words[0]); i++)
            if (text_equal_nocase(value, words[is_on][i]))
                return is_on ? SWITCH_ON : SWITCH_OFF;
    return SWITCH_NEITHER;
}

size_t setting_choice(const struct setting *setting, struct text word)
{
    struct text rest = text_of(setting->choices), choice;
    for (size_t i = 0; text_split(&rest, ' ', &choice); i++)
        if (text_equal(choice, word))
            return i;
    return SIZE_MAX;
}

const char *setting_check_value(const struct setting *setting, struct text value)
{
    uint64_t number;
    switch (setting->kind) {
    case SETTING_KIND_NUMBER:
        return text_to_u64(value, &number) && number >= setting->least && number <= setting->most
                   ? NULL
                   : "a number";
    case SETTING_KIND_SWITCH:
        return setting_switch(value) != SWITCH_NEITHER ? NULL : "yes or no";
    case SETTING_KIND_CHOICE:
        return setting_choice(setting, value) != SIZE_MAX ? NULL : "one";
    case SETTING_KIND_TEXT:
        return value.size == 0 ? NULL : check_text(setting->check, value);
    case SETTING_KIND_LIST:
        return check_text(setting->check, value);
    }
    return NULL;
}

size_t word_distance(struct text a, struct text b)
{
    size_t row[WORD_MAX_BYTES + 1];
    if (a.size > WORD_MAX_BYTES || b.size > WORD_MAX_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t swap = diagonal + (a.data[i - 1] != b.data[j - 1]);
            size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            diagonal = row[j];
            row[j] = swap < shorter + 1 ? swap : shorter + 1;
        }
    }
    return row[b.size];
}
