// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/slice.h"
#include "twin.h"
#include "tap.h"

static const struct slice_of of = {TEXT_INIT("h\n/a"), TEXT_INIT("\"v1\""), 2500, 1000};

static bool fits(uint64_t index, unsigned status, const char *range, const char *etag,
                 uint64_t length)
{
    const struct http_field fields[] = {{TEXT("Content-Range"), text_of(range)},
                                        {TEXT("ETag"), text_of(etag)}};
    const struct http_response response = {
        .status = status, .fields = fields, .field_count = 2, .content_length = length};
    return slice_fits(&of, index, &response);
}

/* Of a version that only a date names. */
static bool fits_dated(const char *modified, const char *etag)
{
    const char *date = "Sun, 22 Nov 2026 10:00:00 GMT";
    const struct slice_of dated = {TEXT("h\n/a"), text_of(date), 2500, 1000};
    const struct http_field fields[] = {{TEXT("Content-Range"), TEXT("bytes 0-999/2500")},
                                        {TEXT("Last-Modified"), text_of(modified)},
                                        {TEXT("ETag"), text_of(etag ? etag : "")}};
    const struct http_response response = {
        .status = 206, .fields = fields, .field_count = etag ? 3 : 2, .content_length = 1000};
    return slice_fits(&dated, 0, &response);
}

static void test_names(void)
{
    struct buffer a, b;
    struct slice_of other = of;
    buffer_init(&a, CACHE_KEY_MAX);
    buffer_init(&b, CACHE_KEY_MAX);
    other.version = TEXT("\"v2\"");
    OK(!text_equal(slice_key(&of, 1, &a), slice_key(&other, 1, &b)),
       "two versions have no slice in common");
    OK(slice_size(&of, 0) == 1000 && slice_size(&of, 2) == 500, "the last slice is what is left");
    OK(slice_may_name(TEXT("\"v\"")) && !slice_may_name(TEXT_NONE), "without a version no name");
    struct buffer small;
    buffer_init(&small, 8);
    OK(!slice_key(&of, 0, &small).data, "a key past its bound is none");
    buffer_release(&small);
    buffer_release(&a);
    buffer_release(&b);
}

int main(void)
{
    twin_begin();
    test_names();
    OK(fits(1, 206, "bytes 1000-1999/2500", "\"v1\"", 1000), "the slice that was asked for");
    OK(fits(2, 206, "bytes 2000-2499/2500", "\"v1\"", UINT64_MAX), "the last, of unknown length");
    OK(!fits(1, 200, "bytes 1000-1999/2500", "\"v1\"", 1000), "a whole is no slice");
    OK(!fits(1, 206, "bytes 1000-1998/2500", "\"v1\"", 999), "nor is a part of one");
    OK(!fits(1, 206, "bytes 1000-1999/2500", "\"v1\"", 900), "nor what contradicts itself");
    OK(!fits(1, 206, "bytes 0-999/2500", "\"v1\"", 1000), "nor another one");
    OK_GUARDED(GUARD_MIXED_VERSIONS, !fits(1, 206, "bytes 1000-1999/2500", "\"v2\"", 1000),
               "nor one of another version");
    OK_GUARDED(GUARD_MIXED_VERSIONS, !fits(1, 206, "bytes 1000-1999/2501", "\"v1\"", 1000),
               "which its length betrays too");
    OK(fits_dated("Sun, 22 Nov 2026 10:00:00 GMT", NULL), "one of the same date");
    OK_GUARDED(GUARD_MIXED_VERSIONS, !fits_dated("Sun, 22 Nov 2026 10:00:01 GMT", NULL),
               "not of a later one");
    OK_GUARDED(GUARD_MIXED_VERSIONS, !fits_dated("Sun, 22 Nov 2026 10:00:00 GMT", "\"v1\""),
               "nor one that has an ETag now");
    return tap_done();
}
