// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/expect.h"

#include "http/fields.h"

#include <string.h>

static bool take(struct expect_rule *rule, struct text word)
{
    struct text name, value = word;
    if (!text_split(&value, '=', &name) || value.size == 0)
        return false;
    if (text_equal(name, TEXT("type")))
        rule->type = value;
    else if (text_equal(name, TEXT("without")))
        rule->without = value;
    else
        return text_equal(name, TEXT("min")) && text_to_u64(value, &rule->min_bytes);
    return true;
}

bool expect_parse(struct text line, struct expect_rule *ret)
{
    struct expect_rule rule = {0};
    struct text rest = text_trim(line), word;
    size_t taken = 0;
    if (!text_split(&rest, ' ', &rule.path) || !text_starts(rule.path, TEXT("/")))
        return false;
    while (text_split(&rest, ' ', &word)) {
        if (word.size == 0)
            continue;
        if (!take(&rule, word))
            return false;
        taken++;
    }
    *ret = rule;
    return taken > 0;
}

const struct expect_rule *expect_for(const struct expect_rule *rules, size_t count,
                                     struct text target)
{
    const struct expect_rule *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (text_starts(target, rules[i].path) && (!best || rules[i].path.size > best->path.size))
            best = &rules[i];
    return best;
}

static bool is_of_type(struct text wanted, const struct http_response *response)
{
    struct text value = http_response_field(response, TEXT("Content-Type"));
    struct text type = text_trim(http_before_parameters(value));
    if (text_ends(wanted, TEXT("/")))
        return text_starts_nocase(type, wanted);
    return text_equal_nocase(type, wanted);
}

static bool is_long_enough(const struct expect_rule *rule, const struct http_response *response,
                           struct text body, bool is_whole)
{
    uint64_t size = is_whole ? body.size : response->content_length;
    return size >= rule->min_bytes; /* UINT64_MAX: not known yet */
}

bool expect_holds(const struct expect_rule *rule, const struct http_response *response,
                  struct text body, bool is_whole)
{
    if (response->status != 200 && response->status != 206)
        return true;
    if (rule->type.data && !is_of_type(rule->type, response))
        return false;
    if (response->status == 206)
        return true;
    struct text seen = text_make(body.data, body.size < EXPECT_BYTES ? body.size : EXPECT_BYTES);
    return is_long_enough(rule, response, body, is_whole) &&
           !(rule->without.data && seen.size > 0 && text_contains(seen, rule->without));
}
