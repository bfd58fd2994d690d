// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/caching.h"

#include "http/date.h"
#include "http/fields.h"

/*
 * caching_freshness: for how long a response is good, how old it is, and what may be done with it
 * then (RFC 9111 4.2, 4.2.3, 4.2.4; RFC 5861).
 */
enum { HEURISTIC_SHARE = 10 }; /* a tenth of its age when it came (4.2.2) */
static const int64_t heuristic_max_ms = INT64_C(24) * 3600 * 1000;
static const int64_t beyond_ms = INT64_C(1) << 50; /* older than anything */

static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* --- Age (5.1) --- */

static int64_t first_number(struct text value)
{
    struct text item = TEXT_NONE;
    (void)http_list_next(&value, &item);
    return caching_seconds(item);
}

static int64_t stated_age_ms(struct caching_fields response, bool distrusts_age)
{
    struct text value = caching_field(response, TEXT("Age"));
    if (!value.data)
        return 0;
    bool is_single = caching_field_count(response, TEXT("Age")) == 1;
    int64_t age_s = distrusts_age ? caching_seconds(value) : first_number(value);
    if (distrusts_age && (!is_single || age_s == CACHING_UNSET))
        return beyond_ms;
    return age_s == CACHING_UNSET ? 0 : age_s * 1000;
}

/*
 * Dates are case-sensitive (RFC 9110 5.6.7), but one in another case says the same: "SUN, 06 nov …
 * gmt" is read as it is meant.
 */
static bool parse_any_case(struct text value, int64_t now_s, int64_t *ret_unix_s)
{
    char plain[64];
    bool is_inside = false;
    if (http_date_parse(value, now_s, ret_unix_s))
        return true;
    if (value.size < 4 || value.size > sizeof plain)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i], lower = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        bool is_letter = lower >= 'a' && lower <= 'z';
        bool is_zone = i + 3 >= value.size;
        plain[i] = is_letter && (!is_inside || is_zone) ? (char)(lower - 'a' + 'A') : lower;
        is_inside = is_letter;
    }
    return http_date_parse(text_make(plain, value.size), now_s, ret_unix_s);
}

static int64_t date_or(struct caching_fields response, struct text name, int64_t otherwise_ms,
                       int64_t now_ms)
{
    int64_t unix_s;
    struct text value = caching_field(response, name);
    return value.data && parse_any_case(value, now_ms / 1000, &unix_s) ? unix_s * 1000
                                                                       : otherwise_ms;
}

static int64_t initial_age_ms(struct caching_fields response, struct caching_times times,
                              bool distrusts_age)
{
    int64_t date_ms = date_or(response, TEXT("Date"), times.response_ms, times.response_ms);
    /* Dates have whole seconds: what is younger than one has no age yet. */
    int64_t apparent_ms = times.response_ms - date_ms;
    int64_t corrected_ms =
        stated_age_ms(response, distrusts_age) + max_of(0, times.response_ms - times.request_ms);
    return max_of(apparent_ms < 1000 ? 0 : apparent_ms, corrected_ms);
}

/* --- the lifetime --- */

/* RFC 9110 15.1 */
static bool is_heuristically_cacheable(unsigned status)
{
    static const uint16_t statuses[] = {200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i] == status)
            return true;
    return false;
}

static int64_t heuristic_ms(unsigned status, struct caching_fields response,
                            const struct caching_control *control, int64_t date_ms, int64_t now_ms)
{
    if (!control->is_public && !is_heuristically_cacheable(status))
        return 0;
    int64_t modified_ms = date_or(response, TEXT("Last-Modified"), INT64_MAX, now_ms);
    if (modified_ms >= date_ms)
        return 0;
    int64_t lifetime_ms = (date_ms - modified_ms) / HEURISTIC_SHARE;
    return lifetime_ms < heuristic_max_ms ? lifetime_ms : heuristic_max_ms;
}

/* Two that differ are none. */
static bool is_expires_plain(struct caching_fields response, struct text first)
{
    struct text value;
    for (size_t at = 0; (value = caching_field_next(response, TEXT("Expires"), &at)).data; at++)
        if (!text_equal(value, first))
            return false;
    return true;
}

static int64_t lifetime_ms(unsigned status, struct caching_fields response,
                           const struct caching_control *control, int64_t now_ms,
                           bool *ret_is_heuristic)
{
    struct text expires = caching_field(response, TEXT("Expires"));
    int64_t date_ms = date_or(response, TEXT("Date"), now_ms, now_ms);
    if (control->s_maxage_s != CACHING_UNSET)
        return control->s_maxage_s * 1000;
    if (control->max_age_s != CACHING_UNSET)
        return control->max_age_s * 1000;
    if (expires.data && !control->is_targeted) {
        int64_t expires_ms = date_or(response, TEXT("Expires"), INT64_MIN, now_ms);
        return expires_ms > date_ms && is_expires_plain(response, expires) ? expires_ms - date_ms
                                                                           : 0;
    }
    *ret_is_heuristic = true;
    return heuristic_ms(status, response, control, date_ms, now_ms);
}

static int64_t milliseconds(int64_t seconds)
{
    return seconds == CACHING_UNSET ? CACHING_UNSET : seconds * 1000;
}

void caching_freshness_of(unsigned status, struct caching_fields response,
                          const struct caching_control *control, struct caching_times times,
                          bool distrusts_age, struct caching_freshness *ret)
{
    bool is_heuristic = false;
    int64_t good_for_ms = lifetime_ms(status, response, control, times.response_ms, &is_heuristic);
    *ret = (struct caching_freshness){
        .response_ms = times.response_ms,
        .age_at_response_ms = initial_age_ms(response, times, distrusts_age),
        .lifetime_ms = good_for_ms,
        .stale_while_revalidate_ms = milliseconds(control->stale_while_revalidate_s),
        .stale_if_error_ms = milliseconds(control->stale_if_error_s),
        .is_heuristic = is_heuristic,
        .needs_validation = control->no_cache,
        .forbids_stale = control->must_revalidate || control->proxy_revalidate ||
                         control->s_maxage_s != CACHING_UNSET,
        .is_immutable = control->immutable,
    };
}

/* A clock that was set back does not make anything younger than it came. */
int64_t caching_age_ms(const struct caching_freshness *freshness, int64_t now_ms)
{
    return freshness->age_at_response_ms + max_of(0, now_ms - freshness->response_ms);
}

/* --- using --- */

/* An immutable response is not asked about again because a client reloads (RFC 8246 2). */
static bool refuses_stored(const struct caching_freshness *freshness,
                           const struct caching_asked *asked, int64_t age_ms)
{
    if (asked->no_store || asked->no_cache)
        return true;
    if (asked->max_age_s != CACHING_UNSET && age_ms > asked->max_age_s * 1000 &&
        !(freshness->is_immutable && age_ms < freshness->lifetime_ms))
        return true;
    return asked->min_fresh_s != CACHING_UNSET &&
           freshness->lifetime_ms - age_ms < asked->min_fresh_s * 1000;
}

enum caching_use caching_use_of(const struct caching_freshness *freshness,
                                const struct caching_asked *asked, int64_t now_ms)
{
    int64_t age_ms = caching_age_ms(freshness, now_ms), stale_ms = age_ms - freshness->lifetime_ms;
    if (freshness->needs_validation || refuses_stored(freshness, asked, age_ms))
        return CACHING_USE_NOT;
    if (stale_ms < 0)
        return CACHING_USE_FRESH;
    if (freshness->forbids_stale)
        return CACHING_USE_NOT;
    if (asked->max_stale_s == INT64_MAX ||
        (asked->max_stale_s != CACHING_UNSET && stale_ms <= asked->max_stale_s * 1000))
        return CACHING_USE_STALE;
    return freshness->stale_while_revalidate_ms != CACHING_UNSET &&
                   stale_ms < freshness->stale_while_revalidate_ms
               ? CACHING_USE_REVALIDATE
               : CACHING_USE_NOT;
}

bool caching_may_help(const struct caching_freshness *freshness, bool was_answered, int64_t now_ms,
                      int64_t unsaid_ms)
{
    int64_t stale_ms = caching_age_ms(freshness, now_ms) - freshness->lifetime_ms;
    int64_t said_ms = freshness->stale_if_error_ms;
    if (freshness->needs_validation || freshness->forbids_stale)
        return false;
    if (said_ms != CACHING_UNSET && (was_answered || said_ms > unsaid_ms))
        return stale_ms <= said_ms;
    return stale_ms <= unsaid_ms;
}
