// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "programs/libraries.h"

/*
 * libraries_known: what STATE/libraries.json holds: [{"id": 1, "name": "Music", "path":
 * "/srv/music"}, …].
 */
struct library_known {
    int32_t id;
    char *name, *path;
    bool is_taken; /* by a folder of this start */
};
struct libraries_known {
    struct library_known items[LIBRARIES_MAX_IDS];
    size_t count;
};

/* False for anything but that form; what was read before stays in the list. */
bool libraries_known_parse(struct libraries_known *known, struct text content) MUST_USE;
/* Copies the texts; false when full or the id is out of range. */
bool libraries_known_add(struct libraries_known *known, int32_t id, const char *name,
                         const char *path) MUST_USE;
void libraries_known_release(struct libraries_known *known);
