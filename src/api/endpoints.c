// SPDX-License-Identifier: GPL-3.0-or-later
#include "api/endpoints.h"

const struct endpoint endpoints[] = {
#define ENDPOINT(name, role, parameters) \
    {TEXT_INIT(#name), rest_##name, ENDPOINT_##role, parameters},
#include "api/endpoints.def"
#undef ENDPOINT
};
const size_t endpoint_count = ARRAY_SIZE(endpoints);
