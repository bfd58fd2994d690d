// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/parameters.h"

static const uint64_t MAX_NUMBER = UINT64_C(1) << 53; /* every client's JSON carries it exactly */

struct rule {
    struct text name;
    bool is_needed, is_number, is_bool;
};

static bool next_rule(struct text *line, struct rule *ret)
{
    struct text word;
    do {
        if (!text_split(line, ' ', &word))
            return false;
    } while (!word.size);
    *ret = (struct rule){.name = word};
    for (; ret->name.size; ret->name.size--) {
        char mark = ret->name.data[ret->name.size - 1];
        if (mark == '!')
            ret->is_needed = true;
        else if (mark == '#')
            ret->is_number = true;
        else if (mark == '?')
            ret->is_bool = true;
        else
            break;
    }
    return true;
}

static bool to_bool(struct text value, bool *ret)
{
    static const struct text yes[] = {TEXT_INIT("true"), TEXT_INIT("1"), TEXT_INIT("on")};
    static const struct text no[] = {TEXT_INIT("false"), TEXT_INIT("0"), TEXT_INIT("off")};
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        if (text_equal_nocase(value, yes[i]) || text_equal_nocase(value, no[i])) {
            *ret = text_equal_nocase(value, yes[i]);
            return true;
        }
    }
    return false;
}

static enum parameter_fault check_value(const struct rule *rule, struct text value)
{
    uint64_t number;
    bool flag;
    if (rule->is_number && (!text_to_u64(value, &number) || number > MAX_NUMBER))
        return PARAMETER_NOT_NUMBER;
    if (rule->is_bool && !to_bool(value, &flag))
        return PARAMETER_NOT_BOOL;
    return PARAMETER_FINE;
}

static enum parameter_fault check_rule(const struct rule *rule,
                                       const struct http_parameters *parameters)
{
    bool is_there = false;
    for (size_t i = 0; i < parameters->count; i++) {
        const struct http_parameter *item = &parameters->items[i];
        if (!item->value.size || !text_equal(item->name, rule->name))
            continue;
        is_there = true;
        enum parameter_fault fault = check_value(rule, item->value);
        if (fault != PARAMETER_FINE)
            return fault;
    }
    return rule->is_needed && !is_there ? PARAMETER_MISSING : PARAMETER_FINE;
}

enum parameter_fault parameters_check(const char *line, const struct http_parameters *parameters,
                                      struct text *ret_name)
{
    for (size_t i = 0; i < parameters->count; i++) {
        const struct http_parameter *item = &parameters->items[i];
        if (item->value.size > PARAMETER_MAX_BYTES || !text_is_utf8(item->value)) {
            *ret_name = TEXT("value");
            return PARAMETER_NOT_TEXT;
        }
    }
    struct text rest = text_of(line);
    struct rule rule;
    while (next_rule(&rest, &rule)) {
        enum parameter_fault fault = check_rule(&rule, parameters);
        if (fault != PARAMETER_FINE) {
            *ret_name = rule.name;
            return fault;
        }
    }
    return PARAMETER_FINE;
}

const char *parameter_fault_words(enum parameter_fault fault)
{
    switch (fault) {
    case PARAMETER_FINE:
        return "is fine";
    case PARAMETER_MISSING:
        return "is missing";
    case PARAMETER_NOT_NUMBER:
        return "must be a whole number, 0 or more";
    case PARAMETER_NOT_BOOL:
        return "must be true or false";
    case PARAMETER_NOT_TEXT:
        break;
    }
    return "must be UTF-8 of at most 4096 bytes";
}

bool parameter_next(const struct http_parameters *parameters, const char *name, size_t *cursor,
                    struct text *ret_value)
{
    struct text wanted = text_of(name);
    for (; *cursor < parameters->count; ++*cursor) {
        const struct http_parameter *item = &parameters->items[*cursor];
        if (!item->value.size || !text_equal(item->name, wanted))
            continue;
        *ret_value = item->value;
        ++*cursor;
        return true;
    }
    return false;
}

struct text parameter_text(const struct http_parameters *parameters, const char *name)
{
    size_t cursor = 0;
    struct text value = TEXT_NONE;
    (void)parameter_next(parameters, name, &cursor, &value);
    return value;
}

uint64_t parameter_number(const struct http_parameters *parameters, const char *name,
                          uint64_t otherwise)
{
    uint64_t number;
    return text_to_u64(parameter_text(parameters, name), &number) ? number : otherwise;
}

bool parameter_bool(const struct http_parameters *parameters, const char *name, bool otherwise)
{
    bool flag;
    return to_bool(parameter_text(parameters, name), &flag) ? flag : otherwise;
}
