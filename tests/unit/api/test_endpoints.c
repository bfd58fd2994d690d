// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/call.h"
#include "tap.h"

int main(void)
{
    bool is_ordered = true, is_found = true;
    for (size_t i = 0; i < endpoint_count; i++) {
        is_ordered &= !i || text_compare(endpoints[i - 1].name, endpoints[i].name) < 0;
        is_found &= endpoint_find(endpoints[i].name) == &endpoints[i];
    }
    OK(is_ordered, "endpoints.def is in order of its bytes");
    OK(is_found, "every endpoint is found by its name");
    OK(!endpoint_find(TEXT("getNothing")) && !endpoint_find(TEXT("")) &&
           !endpoint_find(TEXT("pingg")),
       "other names are not");
    return tap_done();
}
