// SPDX-License-Identifier: GPL-3.0-or-later
#include "http/caching_update.h"
#include "http/caching_vary.h"
#include "fuzz_lines.h"
#include <assert.h>

/* Two headers, an empty line between them: of a response, and of a request. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = text_make((const char *)data, size);
    struct http_field fields[2][LINES_MAX], merged[2 * LINES_MAX];
    struct caching_fields response = lines_take(&rest, fields[0]),
                          request = lines_take(&rest, fields[1]);
    struct caching_control control;
    struct caching_asked asked;
    struct caching_freshness fresh;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    caching_control_read(response, &control);
    caching_asked_read(request, &asked);
    enum caching_store store = caching_may_store(TEXT("GET"), &asked, 200, response, &control);
    assert(!(store == CACHING_STORE_YES && (control.is_private || asked.no_store)));
    caching_freshness_of(200, response, &control, (struct caching_times){0, 1000}, size & 1,
                         &fresh);
    assert(fresh.lifetime_ms >= 0 && fresh.age_at_response_ms >= 0);
    if (fresh.forbids_stale)
        assert(!caching_may_help(&fresh, false, 1, INT64_MAX / 2));
    (void)caching_use_of(&fresh, &asked, INT64_C(1) << 50);
    if (caching_vary_names(response, &out))
        caching_selector_write(buffer_view(&out), request, &(struct buffer){.ceiling = 0});
    assert(caching_update(response, request, merged, 2 * LINES_MAX) <=
           response.count + request.count);
    buffer_release(&out);
    return 0;
}
