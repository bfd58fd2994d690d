// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "api/call.h"

/* endpoints: the handlers of endpoints.def, each in the file named for its subject. */
#define ENDPOINT(name, role, parameters) endpoint_handler rest_##name;
#include "api/endpoints.def"
#undef ENDPOINT
