// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/caching_vary.h"

#include "http/fields.h"

#include <string.h>

/*
 * caching_vary: selectors (RFC 9111 4.1).
 *
 * Two requests match when the named fields can be made the same by changes that are known not to
 * matter: white space, several lines for one, and what the field's own grammar says.
 */
enum { ITEMS_MAX = 32 }; /* of one list; a longer one is compared as it is */

static bool is_before(struct text a, struct text b) { return text_compare(a, b) < 0; }

static void sort_texts(struct text *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct text item = items[i];
        size_t at = i;
        for (; at > 0 && is_before(item, items[at - 1]); at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

static void append_lower(struct buffer *out, struct text t)
{
    for (size_t i = 0; i < t.size; i++) {
        char c = t.data[i];
        buffer_byte(out, (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    }
}

/* --- names --- */

static void append_sorted(struct text lower, struct buffer *out)
{
    struct text items[ITEMS_MAX];
    size_t count = 0, start = out->size;
    while (count < ITEMS_MAX && http_list_next(&lower, &items[count]))
        count++;
    sort_texts(items, count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && text_equal(items[i], items[i - 1]))
            continue;
        if (out->size > start)
            buffer_byte(out, ',');
        buffer_text(out, items[i]);
    }
}

bool caching_vary_names(struct caching_fields response, struct buffer *out)
{
    struct buffer lower;
    struct text line;
    buffer_init(&lower, out->ceiling);
    for (size_t at = 0; (line = caching_field_next(response, TEXT("Vary"), &at)).data; at++) {
        append_lower(&lower, line);
        buffer_byte(&lower, ',');
    }
    bool is_all = http_list_has(buffer_view(&lower), TEXT("*"));
    if (!is_all)
        append_sorted(buffer_view(&lower), out);
    buffer_release(&lower);
    return !is_all;
}

/* --- values --- */

/* "gzip;q=0.50" as "gzip;q=500"; what it does not have a weight is 1000. */
static void append_preference(struct text item, struct buffer *out)
{
    struct text weight = http_parameter_of(item, TEXT("q"));
    int quality = weight.data ? http_quality(weight) : 1000;
    append_lower(out, http_before_parameters(item));
    buffer_printf(out, ";%d,", quality);
}

/* Which of two comes first says nothing; their weights do (RFC 9110 12.5.3, 12.5.4). */
static void append_preferences(struct text joined, struct buffer *out)
{
    struct buffer plain;
    struct text item;
    buffer_init(&plain, out->ceiling);
    while (http_list_next(&joined, &item))
        append_preference(item, &plain);
    append_sorted(buffer_view(&plain), out);
    buffer_release(&plain);
}

static void append_list(struct text joined, struct buffer *out)
{
    struct text item;
    while (http_list_next(&joined, &item)) {
        buffer_text(out, item);
        buffer_byte(out, ',');
    }
}

static bool has_preferences(struct text name)
{
    return text_equal(name, TEXT("accept-encoding")) || text_equal(name, TEXT("accept-language")) ||
           text_equal(name, TEXT("accept-charset"));
}

static void append_value(struct text name, struct caching_fields request, struct buffer *out)
{
    struct buffer joined;
    struct text line;
    bool is_present = false;
    buffer_init(&joined, out->ceiling);
    for (size_t at = 0; (line = caching_field_next(request, name, &at)).data; at++) {
        buffer_text(&joined, line);
        buffer_byte(&joined, ',');
        is_present = true;
    }
    if (is_present) /* empty is not absent */
        buffer_byte(out, ':');
    if (has_preferences(name))
        append_preferences(buffer_view(&joined), out);
    else
        append_list(buffer_view(&joined), out);
    buffer_release(&joined);
}

void caching_selector_write(struct text names, struct caching_fields request, struct buffer *out)
{
    struct text name;
    while (http_list_next(&names, &name)) {
        buffer_text(out, name);
        append_value(name, request, out);
        buffer_byte(out, '\n');
    }
}

/* --- languages --- */

struct text caching_preferred_language(struct caching_fields request)
{
    struct text best = TEXT_NONE, line, item;
    int most = 0;
    for (size_t at = 0; (line = caching_field_next(request, TEXT("Accept-Language"), &at)).data;
         at++) {
        while (http_list_next(&line, &item)) {
            struct text weight = http_parameter_of(item, TEXT("q"));
            int quality = weight.data ? http_quality(weight) : 1000;
            if (quality == most)
                best = TEXT_NONE;
            if (quality > most) {
                best = http_before_parameters(item);
                most = quality;
            }
        }
    }
    return text_equal(best, TEXT("*")) ? TEXT_NONE : best;
}

struct text caching_language_of(struct caching_fields response)
{
    struct text line = caching_field(response, TEXT("Content-Language")), tag, second;
    bool is_one = caching_field_count(response, TEXT("Content-Language")) == 1 &&
                  http_list_next(&line, &tag) && !http_list_next(&line, &second);
    return is_one ? tag : TEXT_NONE;
}
