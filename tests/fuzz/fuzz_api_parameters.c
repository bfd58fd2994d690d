// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/parameters.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The check of a request's parameters: a fault names a rule, and without one every value reads as
 * it was checked. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(1 << 20);
    struct http_parameters parameters;
    struct text name = TEXT_NONE;
    if (http_parameters_parse(arena, text_make((const char *)data, size), 1000, &parameters)) {
        enum parameter_fault fault =
            parameters_check("id! size# time#! submission?", &parameters, &name);
        assert((fault == PARAMETER_FINE) == !name.size);
        if (fault == PARAMETER_FINE)
            assert(parameter_text(&parameters, "id").size &&
                   parameter_number(&parameters, "time", 1) <= 1ULL << 53);
        (void)parameter_bool(&parameters, "submission", true);
    }
    arena_free(&arena);
    return 0;
}
