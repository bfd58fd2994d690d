// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "base/json.h"

/* scan: the members of a scan's status, as GET /api/v1/scan and the "scan" event have them. */
struct library;

void scan_write_status(struct json *json, struct library *library);
