// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/operator_request.h"

/* A line is refused, or understood so that writing it again says the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct operator_request request, again;
    if (!operator_request_parse((struct text){(const char *)data, size}, &request))
        return 0;
    struct buffer line;
    buffer_init(&line, 1 << 26);
    operator_request_write(&request, &line);
    if (!operator_request_parse(buffer_view(&line), &again) ||
        strcmp(request.name, again.name) != 0)
        __builtin_trap();
    operator_request_release(&request);
    operator_request_release(&again);
    buffer_release(&line);
    return 0;
}
